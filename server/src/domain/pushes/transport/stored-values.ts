// Whether a record holds what was sent for it. Salesforce stores values in its own forms, and the types
// of fields are not known here: the stored value shows.

import { isHeldBy, toDecimal } from '../../../decimal.ts'
import { isObject, type JsonObject, type JsonValue } from '../../../salesforce/json.ts'

/**
 * `same`: stored as sent. `alike`: Salesforce may have converted it to this, but another writer may also
 * have written it; only a date can decide.
 */
export type Likeness = 'same' | 'alike' | 'different'

const RANK: Readonly<Record<Likeness, number>> = { same: 0, alike: 1, different: 2 }

/** Columns of a query that show what the fields hold; null if one of them cannot be queried. */
export const columnsOf = (fields: JsonObject): string[] | null => {
  const columns: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (!isObject(value)) {
      columns.push(name)
      continue
    }
    // Salesforce: the key of one of several types of parents is not a column (except with TYPEOF).
    if (value.attributes !== undefined) return null
    for (const key of Object.keys(value)) columns.push(`${name}.${key}`)
  }
  return columns
}

/** Members by name, in whatever case the mapping has them; Salesforce returns its own case. */
const readMember = (record: JsonObject, name: string): unknown => {
  if (name in record) return record[name]
  const wanted = name.toLowerCase()
  const own = Object.keys(record).find((member) => member.toLowerCase() === wanted)
  return own === undefined ? undefined : record[own]
}

/** Compares a record that was queried with `columnsOf` to the fields that were sent. */
export const compareFields = (fields: JsonObject, record: JsonObject): Likeness => {
  let worst: Likeness = 'same'
  for (const [name, sent] of Object.entries(fields)) {
    const stored = readMember(record, name)
    const likeness = isObject(sent)
      ? compareParent(sent, stored)
      : compareValue(sent as JsonValue, stored)
    if (RANK[likeness] > RANK[worst]) worst = likeness
    if (worst === 'different') break
  }
  return worst
}

const compareParent = (sent: JsonObject, stored: unknown): Likeness =>
  sent.attributes === undefined && isObject(stored) ? compareFields(sent, stored) : 'different'

/** Compares one value to what Salesforce returns for it. */
export const compareValue = (sent: JsonValue, stored: unknown): Likeness => {
  if (stored === undefined) return 'different'
  if (isBlank(sent)) return stored === null || stored === '' ? 'same' : 'different'
  if (sent === stored) return 'same'
  if (stored === null) return 'different'
  if (typeof stored === 'boolean') {
    return typeof sent === 'string' && sent.trim().toLowerCase() === String(stored)
      ? 'same'
      : 'different'
  }
  if (typeof stored === 'number') {
    const likeness = compareNumbers(Number(sent), stored)
    // The answer also lacks digits that a double cannot hold: a different number may be stored there.
    return likeness === 'same' && isLongNumber(sent) ? 'alike' : likeness
  }
  if (typeof stored !== 'string') return 'different'
  return compareTexts(typeof sent === 'string' ? sent : JSON.stringify(sent), stored)
}

const isBlank = (value: JsonValue): boolean =>
  value === null || (typeof value === 'string' && value.trim() === '')

const isLongNumber = (sent: JsonValue): boolean => {
  if (typeof sent !== 'string') return false
  const decimal = toDecimal(sent.trim())
  return decimal !== null && !isHeldBy(decimal, Number(sent))
}

const compareNumbers = (sent: number, stored: number): Likeness => {
  if (Number.isNaN(sent)) return 'different'
  const gap = Math.abs(sent - stored)
  if (gap <= Math.abs(stored) * 1e-12) return 'same'
  // The field (or an automation) rounds to the decimal places that it shows here.
  const decimals = /\.(\d+)$/.exec(String(stored))?.[1]?.length ?? 0
  return gap <= 0.5 * 10 ** -decimals + Number.EPSILON ? 'alike' : 'different'
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?Z?$/
const RECORD_ID = /^[a-zA-Z0-9]{15}(?:[A-Z0-5]{3})?$/

const compareTexts = (sentRaw: string, storedRaw: string): Likeness => {
  // Salesforce trims text and normalises its line ends.
  const sent = sentRaw.trim().replace(/\r\n?/g, '\n')
  const stored = storedRaw.trim().replace(/\r\n?/g, '\n')
  if (sent === stored) return 'same'
  if (RECORD_ID.test(sent) && RECORD_ID.test(stored) && sent.length !== stored.length) {
    return sent.slice(0, 15) === stored.slice(0, 15) ? 'same' : 'different'
  }
  if (DATE_TIME.test(sent) && DATE_TIME.test(stored)) {
    // Salesforce: date-times are stored to the second.
    const [a, b] = [secondOf(sent), secondOf(stored)]
    return a !== null && a === b ? 'same' : 'different'
  }
  const [a, b] = [timeOf(sent), timeOf(stored)]
  if (a !== null && b !== null) return a === b ? 'same' : 'different'
  // E-mail addresses are stored in lower case, picklist values in the case of their list.
  if (sent.toLowerCase() === stored.toLowerCase()) return 'alike'
  if (sent.includes(';') && sortedParts(sent) === sortedParts(stored)) return 'alike'
  if (isPhone(sent) && isPhone(stored) && digits(sent) === digits(stored)) return 'alike'
  return 'different'
}

/** Salesforce writes `+0000`, which not every parser takes. */
const secondOf = (text: string): number | null => {
  const ms = Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000)
}

const timeOf = (text: string): number | null => {
  const match = TIME.exec(text)
  if (match === null) return null
  const [, hours, minutes, seconds = '0', fraction = '0'] = match
  return (
    (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 +
    Number(fraction.padEnd(3, '0'))
  )
}

const sortedParts = (text: string): string =>
  text
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
    .sort()
    .join(';')

const isPhone = (text: string): boolean => /^\+?[\d\s().\-/]{5,}$/.test(text)
const digits = (text: string): string => text.replace(/\D/g, '')
