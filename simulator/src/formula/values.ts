// The values of formulas, and how the operators treat them.

/** A date (midnight UTC), a point in time, or a time of day, in milliseconds. */
export interface Moment {
  kind: 'date' | 'datetime' | 'time'
  ms: number
}

export type FormulaValue = string | number | boolean | Moment | null

export const DAY_MS = 86_400_000

const WITHOUT_ZONE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/

/** Of a day or a point in time as a text, NaN for any other. Without a zone it is in UTC, the simulated users' own. */
export const msOf = (written: string): number =>
  Date.parse(
    WITHOUT_ZONE.test(written) ? `${written}Z` : written.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'),
  )

export const isMoment = (value: FormulaValue): value is Moment =>
  typeof value === 'object' && value !== null

/** Salesforce: a text that is empty and one that is null are the same. */
export const isBlank = (value: FormulaValue): boolean => value === null || value === ''

/** A condition without a value is false. */
export const truth = (value: FormulaValue): boolean => value === true

export const numeric = (value: FormulaValue): number | null =>
  typeof value === 'number' ? value : null

export const textOf = (value: FormulaValue): string => {
  if (value === null) return ''
  if (isMoment(value)) {
    const iso = new Date(value.ms).toISOString()
    if (value.kind === 'date') return iso.slice(0, 10)
    // Salesforce: TEXT() of a date and time is `2026-05-01 10:00:00Z`.
    return value.kind === 'datetime' ? `${iso.slice(0, 19).replace('T', ' ')}Z` : iso.slice(11)
  }
  return String(value)
}

export const equal = (left: FormulaValue, right: FormulaValue): boolean => {
  if (isBlank(left) || isBlank(right)) return isBlank(left) && isBlank(right)
  if (isMoment(left) && isMoment(right)) return left.ms === right.ms
  return left === right
}

/** Negative, zero or positive; null if one of them is blank or they are of different kinds. */
export const order = (left: FormulaValue, right: FormulaValue): number | null => {
  if (typeof left === 'number' && typeof right === 'number') return left - right
  if (typeof left === 'string' && typeof right === 'string') {
    return left < right ? -1 : left > right ? 1 : 0
  }
  return isMoment(left) && isMoment(right) ? left.ms - right.ms : null
}

/** `+` and `-`: numbers, texts, and days added to or counted between dates. */
export const add = (left: FormulaValue, right: FormulaValue, sign: 1 | -1): FormulaValue => {
  if (typeof left === 'string' || typeof right === 'string') {
    return sign === 1 ? textOf(left) + textOf(right) : null
  }
  if (typeof left === 'number' && typeof right === 'number') return left + sign * right
  if (isMoment(left) && typeof right === 'number') {
    const ms = left.ms + sign * right * DAY_MS
    return { kind: left.kind, ms: left.kind === 'date' ? Math.floor(ms / DAY_MS) * DAY_MS : ms }
  }
  if (isMoment(left) && isMoment(right) && sign === -1) return (left.ms - right.ms) / DAY_MS
  return typeof left === 'number' && isMoment(right) && sign === 1 ? add(right, left, 1) : null
}
