// Rollouts in words, and what can be done with one. Pure.

import {
  type Rollout,
  type RolloutPauseReason,
  type RolloutState,
  type RolloutSummary,
  type RolloutTargetReason,
  type RolloutTargetState,
} from '@sfdc-engine-x/client'
import { type StatusTone } from '../../ui/status.tsx'
import { counted } from '../../ui/text.tsx'

export const ROLLOUT_STATES: Readonly<Record<RolloutState, readonly [StatusTone, string]>> = {
  draft: ['idle', 'Draft'],
  checking: ['running', 'Being checked'],
  ready: ['attention', 'Ready to start'],
  running: ['running', 'Running'],
  paused: ['attention', 'Paused'],
  succeeded: ['done', 'Succeeded'],
  partial: ['stopped', 'Ended; some clients are not in place'],
  stopped: ['stopped', 'Stopped'],
  failed: ['stopped', 'Failed'],
  rolling_back: ['running', 'Being rolled back'],
  rolled_back: ['done', 'Rolled back'],
  rollback_partial: ['stopped', 'Rolled back in part'],
}

export const PAUSE_REASONS: Readonly<Record<RolloutPauseReason, string>> = {
  user: 'Somebody paused it. It goes on when somebody resumes it.',
  gate: 'The next wave begins when somebody approves it.',
  tolerance: 'More clients failed than the wave tolerates. Look at them, then resume.',
  systemic: 'The same error came from three clients of the wave. Look at it, then resume.',
  unknown_fate:
    'Salesforce did not say how a deploy ended. It is settled by itself, or by a person.',
  soak: 'It waits after the wave, and goes on by itself.',
  window: 'It is outside of the hours in which it may send, and goes on by itself.',
}

export const TARGET_STATES: Readonly<Record<RolloutTargetState, readonly [StatusTone, string]>> = {
  pending: ['idle', 'Not checked'],
  checking: ['running', 'Being checked'],
  ready: ['idle', 'Ready'],
  blocked: ['attention', 'Blocked'],
  queued: ['running', 'Queued'],
  deploying: ['running', 'Deploying'],
  waiting: ['running', 'Waiting'],
  deployed: ['done', 'Deployed'],
  unchanged: ['done', 'As wanted before'],
  failed: ['stopped', 'Failed'],
  unknown: ['attention', 'Outcome unknown'],
  skipped: ['idle', 'Skipped'],
  excluded: ['idle', 'Excluded'],
  rolling_back: ['running', 'Being rolled back'],
  rolled_back: ['done', 'Rolled back'],
  rollback_partial: ['stopped', 'Rolled back in part'],
}

export const TARGET_REASONS: Readonly<Record<RolloutTargetReason, string>> = {
  red: 'a red finding',
  yellow_not_accepted: 'a yellow finding that was not accepted',
  not_connected: 'a missing connection',
  missing_permission: 'a missing permission',
  drifted: 'a change since the check',
  check_failed: 'a check that failed',
  deployment_in_progress: 'for a different deployment',
  api_budget: 'for the daily API calls',
  connection: 'for its connection',
}

export const isTargetReason = (value: unknown): value is RolloutTargetReason =>
  typeof value === 'string' && Object.hasOwn(TARGET_REASONS, value)

/** `11 deployed, 1 failed`: in the order in which targets go through them. */
export const countsInWords = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(TARGET_STATES)
    .flatMap(([state, [, word]]) => {
      const count = counts[state] ?? 0
      return count === 0 ? [] : [`${count} ${word.toLowerCase()}`]
    })
    .join(', ')

/** Targets for which this rollout has nothing left to do. */
const SETTLED: readonly RolloutTargetState[] = [
  'deployed',
  'unchanged',
  'failed',
  'skipped',
  'excluded',
  'rolled_back',
  'rollback_partial',
]

export const settledCount = (counts: Readonly<Record<string, number>>): number =>
  SETTLED.reduce((sum, state) => sum + (counts[state] ?? 0), 0)

export type RolloutAction =
  | 'check'
  | 'start'
  | 'approve'
  | 'resume'
  | 'pause'
  | 'retry'
  | 'stop'
  | 'preview'
  | 'rollback'

const UNFINISHED: readonly RolloutState[] = ['draft', 'checking', 'ready', 'running', 'paused']
const ENDED: readonly RolloutState[] = ['succeeded', 'partial', 'stopped', 'failed']

/** What the server would take now, what comes next first. */
export const actionsFor = ({ state, pause_reason: reason, counts }: Rollout): RolloutAction[] => {
  const has = (...states: RolloutTargetState[]) => states.some((name) => (counts[name] ?? 0) > 0)
  const isBefore = state === 'draft' || state === 'ready'
  const isRetryable = has('failed', 'blocked') && (state === 'paused' || ENDED.includes(state))
  const isInPlace = has('deployed', 'rollback_partial') && !isBefore
  const goesBack =
    isInPlace && (state === 'paused' || ENDED.includes(state) || state === 'rollback_partial')
  const actions: readonly (readonly [RolloutAction, boolean])[] = [
    ['start', state === 'ready'],
    ['approve', reason === 'gate'],
    ['resume', state === 'paused' && reason !== null && !CLOCK.includes(reason)],
    ['check', isBefore],
    ['retry', isRetryable],
    ['pause', state === 'running' || (state === 'paused' && reason !== 'user')],
    ['preview', goesBack],
    ['rollback', goesBack],
    ['stop', UNFINISHED.includes(state)],
  ]
  return actions.flatMap(([action, isOffered]) => (isOffered ? [action] : []))
}

/** Pauses that `resume` does not end: they end by themselves, or by an approval. */
const CLOCK: readonly RolloutPauseReason[] = ['soak', 'window', 'gate']

/** What a failure does to the rest of a wave. */
export const MODES: Readonly<Record<Rollout['mode'], string>> = {
  strict: 'Strict: slows down, so that no more can fail than are tolerated',
  soft: 'Soft: goes on as before',
}

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** Where it has no name: what it takes to how many clients, and when it was made, since many are alike. */
export const nameOf = ({
  name,
  kind,
  version,
  targets,
  created_at: at,
}: RolloutSummary): string => {
  if (name !== null) return name
  const what =
    kind === 'workflows' ? 'Automations' : version === null ? 'A plan' : `Version ${version}`
  return `${what} to ${counted(targets, 'client')}, ${WHEN.format(new Date(at))}`
}
