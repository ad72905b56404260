import { afterEach, expect, it, vi } from 'vitest'
import { periodOf, timeRangeOf } from './period.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

it('takes days from the address, and nothing else', () => {
  expect(periodOf({ from: '2026-11-01', to: '2026-11-29' })).toEqual({
    from: '2026-11-01',
    to: '2026-11-29',
  })
  expect(periodOf({ from: '2026-13-41', to: 20261129 })).toEqual({})
  expect(periodOf({ from: 'now() --' })).toEqual({})
})

it('takes no day that the calendar does not have', () => {
  expect(periodOf({ from: '2026-02-30', to: '2026-13-01' })).toEqual({})
  expect(periodOf({ from: '2028-02-29' })).toEqual({ from: '2028-02-29' })
})

it('includes the whole last day of the reader', () => {
  const { since, until } = timeRangeOf({ from: '2026-11-29', to: '2026-11-29' })
  expect(Date.parse(until ?? '') - Date.parse(since ?? '')).toBe(86_400_000)
  expect(new Date(since ?? '').getHours()).toBe(0)
  expect(timeRangeOf({})).toEqual({})
})

it('begins and ends with the day of a reader whose clock skips midnight', () => {
  vi.stubEnv('TZ', 'Africa/Cairo')
  // At midnight it becomes one o'clock.
  expect(timeRangeOf({ from: '2026-04-24', to: '2026-04-24' })).toEqual({
    since: '2026-04-23T22:00:00.000Z',
    until: '2026-04-24T21:00:00.000Z',
  })
})
