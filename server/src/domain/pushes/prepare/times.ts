// Dates and times: ISO 8601 only, since 03/04 is March or April, and 10:00 without a zone is any hour.

import { type Coerce, EMPTY, Refusal, shown } from './refusal.ts'
import { trimmed } from './text.ts'

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?\s*([Zz]|[+-](?:0\d|1[0-4]):?[0-5]\d)?$/
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?[Zz]?$/

/** Salesforce: dates lie between these years (SOQL and SOSL reference; help, Supported Date Values). */
const YEAR_MIN = 1700
const YEAR_MAX = 4000

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const daysIn = (year: number, month: number): number => {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0)
}

const isDay = (year: number, month: number, day: number): boolean =>
  day >= 1 && day <= daysIn(year, month)

/** Salesforce gives FIELD_INTEGRITY_EXCEPTION for a year that it cannot keep. */
const yearFault = (field: string, value: unknown, year: number): Refusal | null =>
  year >= YEAR_MIN && year <= YEAR_MAX
    ? null
    : new Refusal(
        'FIELD_INTEGRITY_EXCEPTION',
        `${field}: invalid date: ${shown(value)}`,
        `Salesforce keeps the years ${YEAR_MIN} to ${YEAR_MAX}: correct the year, or send nothing.`,
      )

const invalid = (field: string, value: unknown, remedy: string): Refusal =>
  new Refusal(
    'INVALID_TYPE_ON_FIELD_IN_RECORD',
    `${field}: value not of required type: ${shown(value)}`,
    remedy,
  )

const DATE_FORM = 'Send a date like 2026-03-31 (year, month, day).'

/** `YYYY-MM-DD`. Of a date-time only one at midnight is taken: of others nobody knows which day is meant. */
export const dateCoercer =
  (field: string): Coerce =>
  (value) => {
    if (typeof value !== 'string') return invalid(field, value, DATE_FORM)
    const text = trimmed(value)
    if (text === '') return EMPTY
    const whole = DATE.exec(text)
    const parts = whole ?? DATE_TIME.exec(text)
    if (parts === null) return invalid(field, value, DATE_FORM)
    const year = Number(parts[1])
    if (!isDay(year, Number(parts[2]), Number(parts[3]))) return invalid(field, value, DATE_FORM)
    const atMidnight =
      whole !== null ||
      (Number(parts[4]) + Number(parts[5]) + Number(parts[6] ?? 0) === 0 &&
        Number(parts[7] ?? 0) === 0)
    if (!atMidnight) {
      return invalid(
        field,
        value,
        'The field holds a day, and which one a time belongs to depends on its zone: send a date like 2026-03-31.',
      )
    }
    return yearFault(field, value, year) ?? text.slice(0, 10)
  }

const DATE_TIME_FORM =
  'Send a time with its zone, like 2026-03-31T09:30:00Z or 2026-03-31T09:30:00+02:00.'

/** In UTC with milliseconds. */
export const dateTimeCoercer =
  (field: string): Coerce =>
  (value) => {
    if (typeof value !== 'string') return invalid(field, value, DATE_TIME_FORM)
    const text = trimmed(value)
    if (text === '') return EMPTY
    const parts = DATE_TIME.exec(text)
    if (parts === null) return invalid(field, value, DATE_TIME_FORM)
    const [, y, mo, d, h, mi, s = '0', fraction = '', zone] = parts
    const year = Number(y)
    if (!isDay(year, Number(mo), Number(d))) return invalid(field, value, DATE_TIME_FORM)
    if (zone === undefined) {
      return invalid(field, value, `Without a zone the hour is unknown. ${DATE_TIME_FORM}`)
    }
    const wrongYear = yearFault(field, value, year)
    if (wrongYear !== null) return wrongYear
    const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'))
    const local = Date.UTC(
      year,
      Number(mo) - 1,
      Number(d),
      Number(h),
      Number(mi),
      Number(s),
      milliseconds,
    )
    return new Date(local - offsetMs(zone)).toISOString()
  }

const offsetMs = (zone: string): number => {
  if (zone === 'Z' || zone === 'z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}

/** `HH:MM:SS.sssZ`. Salesforce: a time of day has no zone; the Z only belongs to its form. */
export const timeCoercer =
  (field: string): Coerce =>
  (value) => {
    const form = 'Send a time of day like 09:30:00, without a zone.'
    if (typeof value !== 'string') return invalid(field, value, form)
    const text = trimmed(value)
    if (text === '') return EMPTY
    const parts = TIME.exec(text)
    if (parts === null) return invalid(field, value, form)
    const [, hour = '', minute = '', second = '00', fraction = ''] = parts
    return `${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
  }
