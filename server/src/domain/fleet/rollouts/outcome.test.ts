// What follows for a target from how its deployment stands.

import { describe, expect, it } from 'vitest'
import { afterDeployment, type DeploymentFacts, type DeployQuestion } from './outcome.ts'

const now = new Date('2026-11-29T12:00:00Z')
const secondsAgo = (seconds: number): Date => new Date(now.getTime() - seconds * 1000)

const question = (given: Partial<DeployQuestion> = {}): DeployQuestion => ({
  planHash: 'plan',
  isRecalled: false,
  reason: null,
  waitingSince: null,
  graceSeconds: 3600,
  isStopped: false,
  now,
  ...given,
})

const running = (code: 'api_budget_exhausted' | 'connection_lost', isSent = false) =>
  ({
    ...{ status: 'pending', planHash: 'plan', applied: null, error: null, hasChanged: false },
    run: { kind: 'deploy', error: { code, message: '' }, isSent },
  }) satisfies DeploymentFacts

const cancelled: DeploymentFacts = {
  ...{ status: 'failed', planHash: 'plan', applied: 'nothing', hasChanged: false, run: null },
  error: { code: 'cancelled', message: '' },
}

describe('a target whose deployment waits for a connection or for calls', () => {
  it.each([
    ['connection_lost', 'connection'],
    ['api_budget_exhausted', 'api_budget'],
  ] as const)('gives its place in the wave to another: %s', (code, reason) => {
    expect(afterDeployment(running(code), question())).toMatchObject({
      ...{ state: 'waiting', reason, waitingSince: now, isFailure: false, recall: true },
    })
    // Once: what is being cancelled is not cancelled again by every look.
    const since = secondsAgo(60)
    const again = afterDeployment(
      running(code),
      question({ isRecalled: true, reason, waitingSince: since }),
    )
    expect(again).toMatchObject({ state: 'waiting', reason, waitingSince: since })
    expect(again).not.toHaveProperty('recall')
    // Then it is begun anew when there is room, and has waited as long as it has.
    expect(
      afterDeployment(cancelled, question({ isRecalled: true, reason, waitingSince: since })),
    ).toMatchObject({ state: 'waiting', reason, waitingSince: since, unbind: true })
  })

  it('fails when its connection has been away for the whole grace, and never for its calls', () => {
    const given = { isRecalled: true, waitingSince: secondsAgo(3600) }
    expect(afterDeployment(cancelled, question({ ...given, reason: 'connection' }))).toMatchObject({
      state: 'failed',
      isFailure: true,
    })
    expect(afterDeployment(cancelled, question({ ...given, reason: 'api_budget' }))).toMatchObject({
      state: 'waiting',
      unbind: true,
    })
  })

  it('keeps its place once its package may have reached the Salesforce org', () => {
    expect(afterDeployment(running('connection_lost', true), question())).toMatchObject({
      ...{ state: 'unknown', isFailure: true },
    })
    const change = afterDeployment(running('api_budget_exhausted', true), question())
    expect(change).toMatchObject({ state: 'deploying' })
    expect(change).not.toHaveProperty('recall')
  })

  it('is skipped where the rollout was stopped meanwhile, and queued where only a pause recalled it', () => {
    const waited = { isRecalled: true, reason: 'api_budget', waitingSince: secondsAgo(5) }
    expect(afterDeployment(cancelled, question({ ...waited, isStopped: true }))).toMatchObject({
      ...{ state: 'skipped', unbind: true },
    })
    expect(afterDeployment(cancelled, question({ isRecalled: true }))).toMatchObject({
      ...{ state: 'queued', unbind: true },
    })
  })
})
