// Dates and times in the forms with one meaning (see src/moments.ts), as the REST API accepts them.

import {
  type Day,
  isoDay,
  msOf,
  readDay,
  readMoment,
  readTime,
  type TimeOfDay,
} from '../../../moments.ts'
import { type Coerce, EMPTY, Refusal, shown } from './refusal.ts'
import { trimmed } from './text.ts'

/** Salesforce: dates are between these years (SOQL and SOSL reference; help, Supported Date Values). */
const YEAR_MIN = 1700
const YEAR_MAX = 4000

/** Salesforce returns FIELD_INTEGRITY_EXCEPTION for a year that it cannot store. */
const yearFault = (field: string, value: unknown, year: number): Refusal | null =>
  year >= YEAR_MIN && year <= YEAR_MAX
    ? null
    : new Refusal(
        'FIELD_INTEGRITY_EXCEPTION',
        `${field}: invalid date: ${shown(value)}`,
        `Salesforce accepts the years ${YEAR_MIN} to ${YEAR_MAX}: correct the year, or send nothing.`,
      )

const invalid = (field: string, value: unknown, remedy: string): Refusal =>
  new Refusal(
    'INVALID_TYPE_ON_FIELD_IN_RECORD',
    `${field}: value not of required type: ${shown(value)}`,
    remedy,
  )

const DATE_FORM = 'Send a date like 2026-03-31 (year, month, day).'

/**
 * `YYYY-MM-DD`. A date-time is accepted only at midnight: for others it is not known which day is meant.
 */
export const dateCoercer =
  (field: string): Coerce =>
  (value) => {
    if (typeof value !== 'string') return invalid(field, value, DATE_FORM)
    const text = trimmed(value)
    if (text === '') return EMPTY
    const whole = readDay(text)
    const moment = whole === null ? readMoment(text) : null
    if (moment !== null && !isMidnight(moment.time)) {
      return invalid(
        field,
        value,
        'The field holds a date, and the date of a time depends on its zone: send a date like 2026-03-31.',
      )
    }
    const day: Day | null = whole ?? moment?.day ?? null
    if (day === null) return invalid(field, value, DATE_FORM)
    return yearFault(field, value, day.year) ?? isoDay(day)
  }

const isMidnight = ({ hour, minute, second, fraction }: TimeOfDay): boolean =>
  hour + minute + second === 0 && Number(fraction) === 0

const DATE_TIME_FORM =
  'Send a time with its zone, like 2026-03-31T09:30:00Z or 2026-03-31T09:30:00+02:00.'

/** In UTC with milliseconds. */
export const dateTimeCoercer =
  (field: string): Coerce =>
  (value) => {
    if (typeof value !== 'string') return invalid(field, value, DATE_TIME_FORM)
    const text = trimmed(value)
    if (text === '') return EMPTY
    const moment = readMoment(text)
    if (moment === null) return invalid(field, value, DATE_TIME_FORM)
    const ms = msOf(moment)
    if (ms === null) {
      return invalid(field, value, `Without a zone the hour is unknown. ${DATE_TIME_FORM}`)
    }
    return yearFault(field, value, moment.day.year) ?? new Date(ms).toISOString()
  }

/** `HH:MM:SS.sssZ`. Salesforce: a time of day has no zone; the Z is only part of its form. */
export const timeCoercer =
  (field: string): Coerce =>
  (value) => {
    const form = 'Send a time of day like 09:30:00, without a zone.'
    if (typeof value !== 'string') return invalid(field, value, form)
    const text = trimmed(value)
    if (text === '') return EMPTY
    const time = readTime(text)
    if (time === null) return invalid(field, value, form)
    const [hour, minute, second] = [time.hour, time.minute, time.second].map((part) =>
      String(part).padStart(2, '0'),
    )
    return `${hour}:${minute}:${second}.${time.fraction.slice(0, 3).padEnd(3, '0')}Z`
  }
