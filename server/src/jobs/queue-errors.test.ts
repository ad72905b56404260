import { describe, expect, it } from 'vitest'
import { readQueueError } from './queue-errors.ts'

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
})
