import { describe, expect, it } from 'vitest'
import { type Deployment } from '@sfdc-engine-x/client'
import { stageItems } from './stages.ts'

const pending: Parameters<typeof stageItems>[0] = {
  kind: 'custom_objects',
  status: 'pending',
  is_final: false,
  check_only: false,
  progress: { stage: 'wait', done: 3, total: 12 },
  error: null,
  rollback: null,
  created_at: '2026-11-29T10:00:00.000Z',
  deployed_at: null,
  rolled_back_at: null,
}

const rollback: NonNullable<Deployment['rollback']> = {
  status: 'complete',
  removed: [],
  restored: [],
  kept: [],
  remaining: [],
  data: [],
  proof: null,
  error: null,
}

const told = (deployment: Parameters<typeof stageItems>[0]): string[] =>
  stageItems(deployment).map(({ key, state }) => `${key} ${state}`)

describe('the time line of a deployment', () => {
  it('shows what is done, what runs with its numbers, and what comes', () => {
    expect(told(pending)).toEqual([
      'accepted done',
      'before_image done',
      'build done',
      'submit done',
      'wait running',
      'permissions ahead',
      'read_back ahead',
      'end ahead',
    ])
    const wait = stageItems(pending).find(({ key }) => key === 'wait')
    expect(wait?.progress).toEqual({ done: 3, total: 12 })
  })

  it('says that it waits', () => {
    const waiting = {
      for: 'person' as const,
      since: '2026-11-29T10:00:00.000Z',
      until: null,
      next_try_at: '2026-11-29T10:05:00.000Z',
    }
    const error = { code: 'connection_lost' as const, message: 'Lost.', waiting }
    expect(told({ ...pending, error })).toContain('wait waiting')
  })

  it('goes on with a rollback, and ends with it', () => {
    const deployed = {
      ...pending,
      status: 'deployed' as const,
      deployed_at: '2026-11-29T10:01:00.000Z',
    }
    const running = {
      ...deployed,
      progress: { stage: 'rollback_submit', done: 2, total: 5 },
      rollback: { ...rollback, status: 'running' as const },
    }
    expect(told(running).slice(-7)).toEqual([
      'end done',
      'rollback_read done',
      'rollback_release done',
      'rollback_submit running',
      'rollback_wait ahead',
      'rollback_verify ahead',
      'rolled back ahead',
    ])
    const ended = { ...deployed, is_final: true, status: 'rolled_back' as const, rollback }
    expect(told(ended).at(-1)).toBe('rolled back done')
    const tried = {
      ...ended,
      status: 'deployed' as const,
      rollback: { ...rollback, status: 'dry_run' as const },
    }
    expect(told(tried).at(-1)).toBe('end done')
  })

  it('of one that failed, or only validated, claims no stage that was not reached', () => {
    expect(told({ ...pending, is_final: true, status: 'failed' })).toEqual([
      'accepted done',
      'end failed',
    ])
    const trial = { ...pending, is_final: true, check_only: true, status: 'validated' as const }
    expect(told(trial)).not.toContain('read_back done')
  })
})
