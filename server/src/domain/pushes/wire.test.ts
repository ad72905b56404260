import { describe, expect, it } from 'vitest'
import { LeaseLost } from './journal.ts'
import { createWire } from './wire.ts'

const never = new Promise<never>(() => undefined)

describe('the wire of a lane', () => {
  it('is free for the first chunk, which waits for nothing', async () => {
    const wire = createWire(Promise.resolve(true))
    await Promise.resolve()
    expect(await wire.take()).toBe(false)
  })

  it('is free for the next chunk once Salesforce has answered, before the results are stored', async () => {
    const first = createWire(Promise.resolve(true))
    const second = createWire(first.freeAfter(never))
    first.onSending()
    const taken = second.take()
    expect(first.onAnswered()).toBeGreaterThanOrEqual(0)
    expect(await taken).toBe(true)
    expect(await second.take()).toBe(false)
  })

  it.each(['leave', 'stand_still'] as const)(
    'is never free again when the chunk before ends its lane (%s)',
    async (outcome) => {
      const first = createWire(Promise.resolve(true))
      const second = createWire(first.freeAfter(Promise.resolve(outcome)))
      await expect(second.take()).rejects.toThrow(LeaseLost)
    },
  )

  it('is free after a chunk that ended without a call, and not after one that failed', async () => {
    const first = createWire(Promise.resolve(true))
    expect(await first.freeAfter(Promise.resolve('next'))).toBe(true)
    expect(await first.freeAfter(Promise.reject(new Error('away')))).toBe(false)
    expect(first.onAnswered()).toBeNull()
  })

  it('does not keep a chunk waiting for one that takes long', async () => {
    const first = createWire(Promise.resolve(true))
    const second = createWire(first.freeAfter(never))
    await expect(second.take()).rejects.toThrow(LeaseLost)
  })
})
