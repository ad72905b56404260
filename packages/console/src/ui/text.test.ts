import { expect, it } from 'vitest'
import { relativeTime } from './text.tsx'

it('counts days, and calls no time yesterday that was on the day before', () => {
  const now = Date.parse('2026-11-30T01:00:00Z')
  const days = new Intl.RelativeTimeFormat(undefined, { style: 'short' })
  expect(relativeTime('2026-11-28T02:00:00Z', now)).toBe(days.format(-1, 'day'))
  expect(relativeTime('2026-12-01T23:00:00Z', now)).toBe(days.format(1, 'day'))
})
