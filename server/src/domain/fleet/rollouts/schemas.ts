// The named words of rollouts, for everything that has a schema: bodies, answers, events.

import * as z from 'zod'
import { PAUSE_REASONS, ROLLOUT_STATES, TARGET_STATES } from './model.ts'

export const rolloutState = z
  .enum(ROLLOUT_STATES)
  .describe('`paused`: see `pause_reason`. `partial`: some targets are not in place')
  .meta({ id: 'RolloutState' })

export const pauseReason = z
  .enum(PAUSE_REASONS)
  .describe(
    '`gate`: a person has to approve the next wave. `soak` and `window` end by themselves at ' +
      '`paused_until`; the others with `resume`',
  )
  .meta({ id: 'RolloutPauseReason' })

export const targetState = z
  .enum(TARGET_STATES)
  .describe(
    '`unchanged`: it was as wanted before, and nothing was sent. `unknown`: Salesforce did not say how its ' +
      'deploy ended. `excluded`: left out before the start, `skipped`: after it',
  )
  .meta({ id: 'RolloutTargetState' })

export const targetCounts = z
  .partialRecord(targetState, z.int().min(0))
  .describe('How many targets are in each state; states without targets are absent')

export const rolloutMode = z
  .enum(['strict', 'soft'])
  .describe(
    '`strict`: after a failure no more are under way than the tolerance has left, plus one. ' +
      '`soft`: as many as before until the tolerance is used up',
  )
  .meta({ id: 'RolloutMode' })

export const rolloutGate = z
  .enum(['auto', 'manual'])
  .describe('`manual`: a person has to approve before the wave begins')
  .meta({ id: 'RolloutGate' })
