import { SoqlError } from './schema.ts'

/** A span of time, end exclusive, in epoch milliseconds. */
export interface Span {
  start: number
  end: number
}

const DAY = 86_400_000

type Unit = 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR'

/** Start of the unit that holds `at`, moved by `offset` units. Weeks start on Sunday (en_US). */
function unitStart(at: Date, unit: Unit, offset: number): number {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  switch (unit) {
    case 'DAY':
      return Date.UTC(year, month, day + offset)
    case 'WEEK':
      return Date.UTC(year, month, day - at.getUTCDay() + 7 * offset)
    case 'MONTH':
      return Date.UTC(year, month + offset, 1)
    case 'QUARTER':
      return Date.UTC(year, month - (month % 3) + 3 * offset, 1)
    case 'YEAR':
      return Date.UTC(year + offset, 0, 1)
  }
}

/**
 * The span of a SOQL date literal at `now`. Days are days in UTC (the simulated users' time zone) and
 * fiscal periods are calendar periods, the setting of a fresh Salesforce org. `literal` is upper case,
 * with its number after a colon for the N literals.
 */
export function dateLiteralSpan(literal: string, now: Date): Span {
  const [name = '', count] = literal.toUpperCase().replace('FISCAL_', '').split(':')
  const span = (unit: Unit, from: number, to: number): Span => ({
    start: unitStart(now, unit, from),
    end: unitStart(now, unit, to),
  })
  switch (name) {
    case 'YESTERDAY':
      return span('DAY', -1, 0)
    case 'TODAY':
      return span('DAY', 0, 1)
    case 'TOMORROW':
      return span('DAY', 1, 2)
    case 'LAST_90_DAYS':
      return span('DAY', -90, 1)
    case 'NEXT_90_DAYS':
      return span('DAY', 1, 91)
  }
  const relative = /^(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR)$/.exec(name)
  if (relative) {
    const offset = relative[1] === 'LAST' ? -1 : relative[1] === 'NEXT' ? 1 : 0
    return span(relative[2] as Unit, offset, offset + 1)
  }
  const counted =
    /^(?:(LAST|NEXT)_N_(DAY|WEEK|MONTH|QUARTER|YEAR)S|N_(DAY|WEEK|MONTH|QUARTER|YEAR)S_AGO)$/.exec(
      name,
    )
  const n = Number(count)
  if (!counted || !Number.isInteger(n) || n < 0) {
    throw new SoqlError('MALFORMED_QUERY', `unexpected token: ${literal}`)
  }
  const ago = counted[3] as Unit | undefined
  if (ago) return span(ago, -n, -n + 1)
  const unit = counted[2] as Unit
  if (counted[1] === 'NEXT') return span(unit, 1, n + 1)
  // Salesforce: LAST_N_DAYS includes today, the other LAST_N_… end where the current unit starts.
  return span(unit, -n, unit === 'DAY' ? 1 : 0)
}

/**
 * Epoch milliseconds of a date or dateTime in any form that Salesforce accepts, NaN if it is neither.
 */
export function parseTime(value: string): number {
  if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return Date.parse(`${value}T00:00:00Z`)
  return Date.parse(value.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
}

/** `2024-05-01T10:00:00.000+0000`, the form in which Salesforce returns every dateTime. */
export function formatDateTime(at: Date | number | string): string {
  return new Date(at).toISOString().replace('Z', '+0000')
}

/** The part of a date that CALENDAR_YEAR, DAY_IN_WEEK and the like extract. */
export function datePart(fn: string, value: unknown): number | string | null {
  if (typeof value !== 'string') return null
  const time = parseTime(value)
  if (Number.isNaN(time)) return null
  const at = new Date(time)
  const dayOfYear = Math.floor((unitStart(at, 'DAY', 0) - unitStart(at, 'YEAR', 0)) / DAY)
  switch (fn.toUpperCase()) {
    case 'CALENDAR_YEAR':
    case 'FISCAL_YEAR':
      return at.getUTCFullYear()
    case 'CALENDAR_QUARTER':
    case 'FISCAL_QUARTER':
      return Math.floor(at.getUTCMonth() / 3) + 1
    case 'CALENDAR_MONTH':
    case 'FISCAL_MONTH':
      return at.getUTCMonth() + 1
    case 'DAY_IN_MONTH':
      return at.getUTCDate()
    case 'DAY_IN_WEEK':
      return at.getUTCDay() + 1
    case 'DAY_IN_YEAR':
      return dayOfYear + 1
    case 'DAY_ONLY':
      return at.toISOString().slice(0, 10)
    case 'HOUR_IN_DAY':
      return at.getUTCHours()
    case 'WEEK_IN_MONTH':
      return Math.floor((at.getUTCDate() - 1) / 7) + 1
    case 'WEEK_IN_YEAR':
      return Math.floor(dayOfYear / 7) + 1
    default:
      return null
  }
}

export const dateFunctions: ReadonlySet<string> = new Set([
  'CALENDAR_YEAR',
  'CALENDAR_QUARTER',
  'CALENDAR_MONTH',
  'FISCAL_YEAR',
  'FISCAL_QUARTER',
  'FISCAL_MONTH',
  'DAY_IN_MONTH',
  'DAY_IN_WEEK',
  'DAY_IN_YEAR',
  'DAY_ONLY',
  'HOUR_IN_DAY',
  'WEEK_IN_MONTH',
  'WEEK_IN_YEAR',
])
