// A period in the address, as days of whoever reads it, and as the API takes it. Pure.

export interface PeriodSearch {
  /** `2026-11-29`, both included. */
  from?: string
  to?: string
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** `Date.parse` alone takes the 30th of February for the 2nd of March. */
const isDay = (value: unknown): value is string => {
  if (typeof value !== 'string' || !DAY.test(value)) return false
  const ms = Date.parse(value)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(value)
}

export const periodOf = ({ from, to }: Record<string, unknown>): PeriodSearch => ({
  ...(isDay(from) ? { from } : {}),
  ...(isDay(to) ? { to } : {}),
})

/** Where the reader is, the beginning of the day so many days later. */
const beginningOf = (day: string, daysLater: number): string => {
  // From noon, which every day has: some clocks are set ahead at midnight.
  const date = new Date(`${day}T12:00:00`)
  date.setDate(date.getDate() + daysLater)
  date.setHours(0, 0, 0, 0)
  return date.toISOString()
}

/** `since` and `until` of a list: the last day is a whole day. */
export const timeRangeOf = ({ from, to }: PeriodSearch): { since?: string; until?: string } => ({
  ...(from === undefined ? {} : { since: beginningOf(from, 0) }),
  ...(to === undefined ? {} : { until: beginningOf(to, 1) }),
})
