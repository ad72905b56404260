// Records found by a key, many at once: the Ids that keys refer to, and the outcome of rows whose answer
// was lost.

import { EngineError } from '../../../errors.ts'
import { soql, soqlName } from '../../../salesforce/escape.ts'
import { concernsWholeOrg, SalesforceError } from '../../../salesforce/failure.ts'
import { type Priority, type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject, type JsonValue } from '../../../salesforce/json.ts'
import { query } from '../../../salesforce/rest.ts'

/** Salesforce: SOQL and SOSL limits: a statement has at most 100,000 characters. */
const STATEMENT_CHARS_MAX = 90_000
const KEYS_MAX = 1_000

export interface LookUp {
  object: string
  /** The field by which records are found. */
  keyField: string
  keys: readonly JsonValue[]
  /** Further columns, dotted for parents. */
  columns: readonly string[]
  priority?: Priority
}

/** Records by the key that they were looked up with. */
export interface Found {
  /** All records that match this key in Salesforce. */
  of(key: JsonValue): readonly JsonObject[]
}

export const isIdField = (field: string): boolean => field.toLowerCase() === 'id'

/** A scalar as text. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

/** A key as text: for an Id, its significant 15 characters. */
export const keyText = (field: string, key: unknown): string => {
  const text = textOf(key).trim()
  return isIdField(field) ? text.slice(0, 15) : text
}

const asScalar = (key: JsonValue): string | number | boolean =>
  typeof key === 'number' || typeof key === 'boolean' ? key : textOf(key)

/** As many keys per query as a statement has room for. */
function* statements(keys: readonly JsonValue[], room: number): Generator<JsonValue[]> {
  let some: JsonValue[] = []
  let chars = 0
  for (const key of keys) {
    // Each character may have to be escaped.
    const length = textOf(key).length * 2 + 4
    if (some.length > 0 && (chars + length > room || some.length === KEYS_MAX)) {
      yield some
      some = []
      chars = 0
    }
    some.push(key)
    chars += length
  }
  if (some.length > 0) yield some
}

/** Finds all records with these keys. Throws SalesforceError, also for a column that does not exist. */
export const findRecords = async (
  org: SalesforceOrg,
  { object, keyField, keys, columns, priority }: LookUp,
): Promise<Found> => {
  const names = new Map<string, string>()
  for (const name of ['Id', keyField, ...columns]) names.set(name.toLowerCase(), name)
  const selected = soqlName(...names.values())
  const room = STATEMENT_CHARS_MAX - selected.text.length
  const options = priority === undefined ? {} : { priority }
  const records: JsonObject[] = []
  for (const some of statements(keys, Math.max(room, 10_000))) {
    const text = soql`SELECT ${selected} FROM ${soqlName(object)} WHERE ${soqlName(keyField)} IN ${some.map(asScalar)}`
    for await (const record of query(org, text, options)) records.push(record)
  }
  return indexRecords(keyField, keys, records)
}

/**
 * Salesforce compares keys case-insensitively unless the field says otherwise, which is not known here:
 * a record whose key is exactly the one of another row belongs to that row.
 */
const indexRecords = (
  keyField: string,
  keys: readonly JsonValue[],
  records: readonly JsonObject[],
): Found => {
  const fold = (text: string): string => (isIdField(keyField) ? text : text.toLowerCase())
  const asked = new Set(keys.map((key) => keyText(keyField, key)))
  const byKey = new Map<string, { text: string; record: JsonObject }[]>()
  const wanted = keyField.toLowerCase()
  for (const record of records) {
    const member = Object.keys(record).find((name) => name.toLowerCase() === wanted)
    const value = member === undefined ? null : record[member]
    if (value === null || value === undefined) continue
    const text = keyText(keyField, value)
    const same = byKey.get(fold(text))
    if (same === undefined) byKey.set(fold(text), [{ text, record }])
    else same.push({ text, record })
  }
  return {
    of: (key) => {
      const own = keyText(keyField, key)
      return (byKey.get(fold(own)) ?? [])
        .filter(({ text }) => text === own || !asked.has(text))
        .map(({ record }) => record)
    },
  }
}

/** Whether Salesforce permanently refused this query, so that a different one may still be answered. */
export const isRefusal = (error: unknown): error is SalesforceError =>
  error instanceof SalesforceError &&
  !error.failure.passing &&
  error.failure.fate === 'not_done' &&
  error.code === 'salesforce_error' &&
  !concernsWholeOrg(error.failure)

/** An error that says for certain that nothing was done. */
export const isCertainlyNotDone = (error: unknown): error is EngineError =>
  error instanceof EngineError &&
  (!(error instanceof SalesforceError) || error.failure.fate === 'not_done')
