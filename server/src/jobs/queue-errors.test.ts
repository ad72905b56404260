import { describe, expect, it } from 'vitest'
import { createRepeated, readQueueError } from './queue-errors.ts'

describe('an error of the queue', () => {
  it('is reported as an error with its code and queue, even if it is a plain object', () => {
    const { error, queue } = readQueueError({ message: 'away', code: '57P01', queue: 'deploy' })
    expect([error.message, (error as { code?: string }).code, queue]).toEqual([
      'away',
      '57P01',
      'deploy',
    ])
    expect(readQueueError(new Error('x')).error.message).toBe('x')
    expect(readQueueError({ odd: 1 }).error.message).toBe('{"odd":1}')
    expect(readQueueError(undefined).error).toBeInstanceOf(Error)
  })

  it('that repeats is passed on once in half a minute, with how often it came', () => {
    let time = 0
    const repeated = createRepeated(() => time)
    expect(['a', 'a', 'a', 'b'].map(repeated)).toEqual([1, null, null, 1])
    time = 31_000
    expect(repeated('b')).toBe(1)
    repeated('b')
    time = 62_001
    expect(repeated('b')).toBe(2)
  })
})
