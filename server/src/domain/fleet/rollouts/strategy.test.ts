import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_STRATEGY, planWaves, type Strategy, strategySchema } from './strategy.ts'

const clients = (count: number) => Array.from({ length: count }, (_, at) => `client ${at}`)
const sizes = (count: number, strategy: Strategy = DEFAULT_STRATEGY, chosen = new Map()) =>
  planWaves(clients(count), strategy, chosen).map(({ clientIds }) => clientIds.length)
const strategy = (...waves: object[]): Strategy => strategySchema.parse({ waves })

describe('the waves of a rollout', () => {
  it('are without a strategy a canary, a tenth and the rest, for however many clients there are', () => {
    expect(sizes(500)).toEqual([1, 50, 449])
    expect(sizes(12)).toEqual([1, 2, 9])
    expect(sizes(2)).toEqual([1, 1])
    expect(sizes(1)).toEqual([1])
    expect(DEFAULT_STRATEGY).toMatchObject({
      mode: 'strict',
      connection_grace_seconds: 86_400,
      waves: [
        { soak_seconds: 900, gate: 'auto', max_concurrent: 20, failure_tolerance: 0 },
        { gate: 'manual' },
        { gate: 'manual' },
      ],
    })
  })

  it('take each client exactly once, in their order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(
          fc.oneof(
            fc.record({ count: fc.integer({ min: 1, max: 20 }) }),
            fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
          ),
          { maxLength: 5 },
        ),
        (count, waves) => {
          const planned = planWaves(clients(count), strategy(...waves, {}), new Map())
          expect(planned.flatMap(({ clientIds }) => clientIds)).toEqual(clients(count))
          expect(planned.map(({ position }) => position)).toEqual(planned.map((_, at) => at + 1))
          expect(planned.every(({ clientIds }) => clientIds.length > 0)).toBe(true)
        },
      ),
    )
  })

  it('by a selector take those of its clients that no earlier wave has', () => {
    const chosen = new Map([[1, new Set(['client 0', 'client 3'])]])
    const { clientIds } =
      planWaves(clients(5), strategy({ count: 1 }, { selector: { all: true } }, {}), chosen)[1] ??
      {}
    expect(clientIds).toEqual(['client 3'])
  })

  it('are refused if a client is in none, and if one but the last takes the rest', () => {
    expect(() => sizes(5, strategy({ count: 1 }))).toThrow(/4 of 5 targets are in no wave/)
    expect(() => sizes(5, strategy({}, { count: 1 }))).toThrow(/Only the last wave/)
    expect(() => strategy({ count: 1, percent: 5 })).toThrow(/takes one of/)
    const wrong = { from: '22:00', to: '22:00', zone: 'Europe/Berlin' }
    expect(strategySchema.safeParse({ waves: [{}], window: wrong }).success).toBe(false)
  })
})
