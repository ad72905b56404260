import { expect, it } from 'vitest'
import { type Rollout } from '@sfdc-engine-x/client'
import { actionsFor, countsInWords, settledCount } from './words.ts'

const rollout = (
  state: Rollout['state'],
  counts: Record<string, number>,
  pause_reason: Rollout['pause_reason'] = null,
) => ({ state, counts, pause_reason }) as Rollout

it('offers what the server would take, what comes next first', () => {
  expect(actionsFor(rollout('draft', { pending: 3 }))).toEqual(['check', 'stop'])
  expect(actionsFor(rollout('checking', { checking: 3 }))).toEqual(['stop'])
  expect(actionsFor(rollout('ready', { ready: 2, blocked: 1 }))).toEqual(['start', 'check', 'stop'])
  expect(actionsFor(rollout('running', { deploying: 1, ready: 2 }))).toEqual(['pause', 'stop'])
  expect(actionsFor(rollout('succeeded', { deployed: 3 }))).toEqual(['preview', 'rollback'])
  expect(actionsFor(rollout('partial', { deployed: 2, failed: 1 }))).toEqual([
    'retry',
    'preview',
    'rollback',
  ])
  expect(actionsFor(rollout('rolling_back', { deployed: 1 }))).toEqual([])
  expect(actionsFor(rollout('rolled_back', { rolled_back: 3 }))).toEqual([])
})

it('resumes no pause that an approval or the clock ends', () => {
  const counts = { deployed: 1, ready: 2 }
  expect(actionsFor(rollout('paused', counts, 'gate'))[0]).toBe('approve')
  for (const reason of ['gate', 'soak', 'window'] as const) {
    expect(actionsFor(rollout('paused', counts, reason))).not.toContain('resume')
  }
  expect(actionsFor(rollout('paused', counts, 'tolerance'))[0]).toBe('resume')
  expect(actionsFor(rollout('paused', counts, 'user'))).not.toContain('pause')
})

it('counts in the order in which targets go, and leaves nothing out', () => {
  expect(countsInWords({ failed: 1, deployed: 11, ready: 0 })).toBe('11 deployed, 1 failed')
  expect(settledCount({ deployed: 2, failed: 1, queued: 4, unknown: 1 })).toBe(3)
})
