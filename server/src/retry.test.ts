import { describe, expect, it } from 'vitest'
import {
  ATTEMPTS_MAX,
  type Effect,
  shouldRetry,
  waitMs,
  WEBHOOK_TRIES_MAX,
  webhookWaitSeconds,
  workWaitSeconds,
  workWaitSecondsAfter,
} from './retry.ts'

const refused = { passing: true, fate: 'not_done' } as const
const unknown = { passing: true, fate: 'unknown' } as const
const permanent = { passing: false, fate: 'not_done' } as const

describe('shouldRetry', () => {
  const table: [string, Parameters<typeof shouldRetry>[0], boolean][] = [
    ['a read of unknown fate', { attempt: 1, failure: unknown, effect: 'read', sent: true }, true],
    [
      'an idempotent change of unknown fate',
      { attempt: 1, failure: unknown, effect: 'idempotent', sent: true },
      true,
    ],
    [
      'a create that may have happened',
      { attempt: 1, failure: unknown, effect: 'create', sent: true },
      false,
    ],
    [
      'a create that never left',
      { attempt: 1, failure: unknown, effect: 'create', sent: false },
      true,
    ],
    [
      'a create that was refused for a passing cause',
      { attempt: 1, failure: refused, effect: 'create', sent: true },
      true,
    ],
    [
      'anything refused for good',
      { attempt: 1, failure: permanent, effect: 'read', sent: true },
      false,
    ],
    [
      'the last attempt',
      { attempt: ATTEMPTS_MAX, failure: unknown, effect: 'read', sent: true },
      false,
    ],
    [
      'the caller’s own last attempt',
      { attempt: 1, attemptsMax: 1, failure: unknown, effect: 'read', sent: true },
      false,
    ],
    [
      'a slow failure, once',
      { attempt: 1, failure: { ...unknown, slow: true }, effect: 'read', sent: true },
      true,
    ],
    [
      'a slow failure, twice',
      { attempt: 2, failure: { ...unknown, slow: true }, effect: 'read', sent: true },
      false,
    ],
    [
      'a short Retry-After',
      { attempt: 1, failure: { ...unknown, retryAfterSeconds: 5 }, effect: 'read', sent: true },
      true,
    ],
    [
      'a Retry-After of an hour',
      { attempt: 1, failure: { ...unknown, retryAfterSeconds: 3600 }, effect: 'read', sent: true },
      false,
    ],
  ]
  it.each(table)('%s', (_name, question, answer) => {
    expect(shouldRetry(question)).toBe(answer)
  })

  it('never repeats a sent create of unknown fate, whatever the attempt', () => {
    const effect: Effect = 'create'
    for (let attempt = 1; attempt < 10; attempt += 1) {
      expect(shouldRetry({ attempt, attemptsMax: 99, failure: unknown, effect, sent: true })).toBe(
        false,
      )
    }
  })
})

describe('waitMs', () => {
  it.each([
    [{ attempt: 1, random: 0 }, 250],
    [{ attempt: 1, random: 0.999999 }, 500],
    [{ attempt: 2, random: 0 }, 500],
    [{ attempt: 3, random: 0.5 }, 1500],
    [{ attempt: 30, random: 0.999999 }, 20_000],
    [{ attempt: 1, random: 0, retryAfterSeconds: 7 }, 7000],
    [{ attempt: 1, random: 0, retryAfterSeconds: 0 }, 250],
    [{ attempt: 1, random: 0, retryAfterSeconds: -5 }, 250],
  ])('%o waits %i ms', (question, ms) => {
    expect(waitMs(question)).toBe(ms)
  })
})

describe('durable work', () => {
  it('waits twice as long after each try, up to a minute', () => {
    expect([0, 1, 2, 5, 6, 5_000].map(workWaitSeconds)).toEqual([1, 2, 4, 32, 60, 60])
    expect(workWaitSeconds(-1)).toBe(1)
  })

  it('that counts no tries waits as long again as it has waited', () => {
    let waited = 0
    const pauses = Array.from({ length: 8 }, () => {
      const pause = workWaitSecondsAfter(waited)
      waited += pause
      return pause
    })
    expect(pauses).toEqual([1, 1, 2, 4, 8, 16, 32, 60])
  })
})

describe('a webhook that is not taken', () => {
  const waits = (retryAfterSeconds: number | null, random: number) =>
    Array.from({ length: WEBHOOK_TRIES_MAX }, (_, at) =>
      webhookWaitSeconds({ tries: at + 1, retryAfterSeconds, random }),
    )

  it('is tried ten times in three days, each later than the one before by as much or more', () => {
    const all = waits(null, 0)
    expect(all).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, null])
    const days = all.reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0) / 86_400
    expect(days).toBeGreaterThan(3)
    expect(waits(null, 0.999)[1]).toBeCloseTo(330, 0)
  })

  it('is not sent again before the endpoint asked for it, within a day', () => {
    expect(waits(600, 0).slice(0, 3)).toEqual([600, 600, 1_800])
    expect(waits(999_999, 0)[0]).toBe(86_400)
  })
})
