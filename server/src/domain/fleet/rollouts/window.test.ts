import { describe, expect, it } from 'vitest'
import { isZone, windowAt } from './window.ts'

const at = (window: { from: string; to: string; zone: string }, now: string) => {
  const { isOpen, changesAt } = windowAt(window, new Date(now))
  return `${isOpen ? 'open' : 'closed'} until ${changesAt?.toISOString() ?? 'ever'}`
}

const night = { from: '22:00', to: '06:00', zone: 'Europe/Berlin' }

describe('the hours in which a rollout sends', () => {
  it('may go over midnight, by the clock of their zone', () => {
    expect(at(night, '2026-11-29T20:59:30Z')).toBe('closed until 2026-11-29T21:00:00.000Z')
    expect(at(night, '2026-11-29T21:00:00Z')).toBe('open until 2026-11-30T05:00:00.000Z')
    expect(at(night, '2026-11-30T04:59:59Z')).toBe('open until 2026-11-30T05:00:00.000Z')
    expect(at({ ...night, from: '09:00', to: '17:30' }, '2026-07-01T07:00:00Z')).toBe(
      'open until 2026-07-01T15:30:00.000Z',
    )
  })

  it('are an hour shorter or longer in the night in which the clock is changed', () => {
    // 2026-03-29, 02:00 becomes 03:00; 2026-10-25, 03:00 becomes 02:00.
    expect(at(night, '2026-03-28T21:00:00Z')).toBe('open until 2026-03-29T04:00:00.000Z')
    expect(at(night, '2026-10-24T20:00:00Z')).toBe('open until 2026-10-25T05:00:00.000Z')
    // A time that this day does not have, and one that it has twice.
    const early = { from: '02:30', to: '03:30', zone: 'Europe/Berlin' }
    expect(at(early, '2026-03-29T00:59:00Z')).toBe('closed until 2026-03-29T01:00:00.000Z')
    expect(at(early, '2026-10-25T00:00:00Z')).toBe('closed until 2026-10-25T00:30:00.000Z')
    // Hours that this day does not have at all: it stays closed, or open, over the whole day.
    const skipped = { from: '02:00', to: '03:00', zone: 'Europe/Berlin' }
    expect(at(skipped, '2026-03-28T02:00:00Z')).toBe('closed until 2026-03-30T00:00:00.000Z')
    const others = { ...skipped, from: '03:00', to: '02:00' }
    expect(at(others, '2026-03-28T02:00:00Z')).toBe('open until 2026-03-30T00:00:00.000Z')
  })

  it('are always, if there are none', () => {
    expect(windowAt(null, new Date())).toEqual({ isOpen: true, changesAt: null })
  })

  it('know the zones of the IANA database only', () => {
    expect(['Europe/Berlin', 'UTC', 'America/New_York'].every(isZone)).toBe(true)
    expect(['Berlin', '', 'Europe/Nowhere'].some(isZone)).toBe(false)
  })
})
