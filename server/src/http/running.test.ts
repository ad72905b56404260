import { expect, it } from 'vitest'
import { type WorkFault } from '../db/tables/work.ts'
import { replyWith } from './running.ts'

const waiting = (seconds: number): WorkFault => ({
  code: 'salesforce_error',
  message: 'Salesforce is away.',
  waiting: {
    for: 'time',
    since: new Date().toISOString(),
    until: null,
    next_try_at: new Date(Date.now() + seconds * 1_000).toISOString(),
  },
})

const retryAfter = (error: WorkFault | null) =>
  Number(replyWith({ is_final: false, error }, '/api/x/get').headers?.['retry-after'])

it('running work is looked at again soon, paused work at its next try, within a minute', () => {
  expect(retryAfter(null)).toBe(2)
  expect(retryAfter(waiting(-30))).toBe(2)
  expect(retryAfter(waiting(20))).toBe(20)
  expect(retryAfter(waiting(3_600))).toBe(60)
})

it('what has ended needs no second look', () => {
  expect(replyWith({ is_final: true, error: null }, '/api/x/get', { ended: 201 })).toEqual({
    status: 201,
    body: { is_final: true, error: null },
  })
})
