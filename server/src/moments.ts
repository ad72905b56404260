// Days, times and moments as texts: every form of ISO 8601 and of SQL with one meaning. 03/04 is March
// or April, 29-MAR-26 any century, and 10:00 without a zone any hour, so those are not accepted.

/** A day of the calendar. */
export interface Day {
  year: number
  month: number
  day: number
}

export interface TimeOfDay {
  hour: number
  minute: number
  second: number
  /** The fraction of the second, as it was written. */
  fraction: string
}

/** A day with a time, and its offset from UTC; null if there is none. */
export interface Moment {
  day: Day
  time: TimeOfDay
  offsetSeconds: number | null
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const DAY_MS = 86_400_000

const daysIn = (year: number, month: number): number => {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0)
}

const checked = (year: number, month: number, day: number): Day | null =>
  day >= 1 && day <= daysIn(year, month) ? { year, month, day } : null

const dayAt = (ms: number): Day => {
  const date = new Date(ms)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

/** Milliseconds of the first of January, also of years under 100. */
const yearStart = (year: number): number => new Date(0).setUTCFullYear(year, 0, 1)

/** ISO 8601: the week that holds the year's first Thursday is its first. */
const dayOfWeek = (year: number, week: number, weekday: number): Day | null => {
  const fourth = yearStart(year) + 3 * DAY_MS
  const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY_MS
  const thursday = monday + ((week - 1) * 7 + 3) * DAY_MS
  if (week < 1 || new Date(thursday).getUTCFullYear() !== year) return null
  return dayAt(monday + ((week - 1) * 7 + weekday - 1) * DAY_MS)
}

const dayOfYear = (year: number, nth: number): Day | null => {
  const day = dayAt(yearStart(year) + (nth - 1) * DAY_MS)
  return nth >= 1 && day.year === year ? day : null
}

const CALENDAR = /^(\d{4})-(\d\d)-(\d\d)$/
const BASIC = /^(\d{4})(\d\d)(\d\d)$/
const ORDINAL = /^(\d{4})-?(\d{3})$/
const WEEK = /^(\d{4})-?W(\d\d)-?([1-7])$/i
/** Oracle and others; the language of the month is English. */
const NAMED = /^(\d{1,2})[- ]([a-z]{3})[- ](\d{4})$/i

/** `2026-03-29`, `20260329`, `2026-088`, `2026-W13-7`, `29-MAR-2026`; null for any other text. */
export const readDay = (text: string): Day | null => {
  const calendar = CALENDAR.exec(text) ?? BASIC.exec(text)
  if (calendar !== null) {
    return checked(Number(calendar[1]), Number(calendar[2]), Number(calendar[3]))
  }
  const ordinal = ORDINAL.exec(text)
  if (ordinal !== null) return dayOfYear(Number(ordinal[1]), Number(ordinal[2]))
  const week = WEEK.exec(text)
  if (week !== null) return dayOfWeek(Number(week[1]), Number(week[2]), Number(week[3]))
  const named = NAMED.exec(text)
  if (named === null) return null
  const month = MONTHS.indexOf((named[2] ?? '').toLowerCase()) + 1
  return checked(Number(named[3]), month, Number(named[1]))
}

const TIME =
  /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d+))?)?$|^([01]\d|2[0-3])([0-5]\d)([0-5]\d)(?:[.,](\d+))?$/
/** Only after a day: elsewhere four digits may be anything. */
const SHORT_TIME = /^([01]\d|2[0-3])([0-5]\d)?$/

const readTimeText = (text: string): TimeOfDay | null => {
  const parts = TIME.exec(text)
  if (parts === null) return null
  const [, h, m, s, f, bh, bm, bs, bf] = parts
  return {
    hour: Number(h ?? bh),
    minute: Number(m ?? bm),
    second: Number(s ?? bs ?? 0),
    fraction: f ?? bf ?? '',
  }
}

const readTimeBehindDay = (text: string): TimeOfDay | null => {
  const short = SHORT_TIME.exec(text)
  if (short === null) return readTimeText(text)
  return { hour: Number(short[1]), minute: Number(short[2] ?? 0), second: 0, fraction: '' }
}

/** ISO 8601 writes the minus also as U+2212. A zone name in brackets (RFC 9557) repeats the offset. */
const ZONE =
  /\s*(?:(z|utc|gmt)|([+\u2212-])(\d\d)(?::?([0-5]\d)(?::?([0-5]\d))?)?)(?:\[[^\]]*\])?$/i
const OFFSET_HOURS_MAX = 15

interface Zoned {
  rest: string
  offsetSeconds: number | null
}

const splitZone = (text: string): Zoned | null => {
  const parts = ZONE.exec(text)
  if (parts === null) return { rest: text, offsetSeconds: null }
  const rest = text.slice(0, parts.index)
  const [, utc, sign, hours, minutes = '0', seconds = '0'] = parts
  if (utc !== undefined) return { rest, offsetSeconds: 0 }
  if (Number(hours) > OFFSET_HOURS_MAX) return null
  const ahead = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return { rest, offsetSeconds: sign === '+' ? ahead : -ahead }
}

const PARTS = /^(.{7,11}?)(?:t|\s+)([\d:.,]+)(.*)$/i

/** A day, `T` or spaces, a time, and optionally a zone; null for any other text. */
export const readMoment = (text: string): Moment | null => {
  const parts = PARTS.exec(text)
  if (parts === null) return null
  const [, dayText = '', timeText = '', zoneText = ''] = parts
  const zoned = splitZone(zoneText)
  const day = readDay(dayText)
  const time = readTimeBehindDay(timeText)
  if (zoned === null || zoned.rest !== '' || day === null || time === null) return null
  return { day, time, offsetSeconds: zoned.offsetSeconds }
}

/** A time of day, which has no zone: `Z` and a zero offset are only part of its form. */
export const readTime = (text: string): TimeOfDay | null => {
  const zoned = splitZone(text)
  if (zoned === null || (zoned.offsetSeconds ?? 0) !== 0) return null
  return readTimeText(zoned.rest.replace(/^t/i, ''))
}

/** The moment in milliseconds since 1970; null without a zone. */
export const msOf = ({ day, time, offsetSeconds }: Moment): number | null =>
  offsetSeconds === null
    ? null
    : Date.UTC(day.year, day.month - 1, day.day, time.hour, time.minute, time.second) +
      Number(time.fraction.slice(0, 3).padEnd(3, '0')) -
      offsetSeconds * 1000

export const isoDay = ({ year, month, day }: Day): string =>
  `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
