// The outcome of rows that were sent without an answer, found by reading the records themselves.

import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText, type JsonObject, type JsonValue } from '../../../salesforce/json.ts'
import { type SalesforceClock } from './clock.ts'
import { type Item, succeed } from './items.ts'
import { findRecords, type Found, isRefusal } from './look-up.ts'
import { columnsOf, compareFields } from './stored-values.ts'

/**
 * Milliseconds before each look. Salesforce continues a request whose sender is gone: a record that does
 * not exist yet may still appear.
 */
const WAITS_MS = [0, 2_000, 5_000, 10_000]
/** After this long since the sending, one look is enough. */
const SETTLED_AFTER_MS = 30_000
/** How much the clocks of Salesforce's own servers may differ. */
const CLOCK_SLACK_MS = 60_000

type Fate =
  /** `sure`: at or after the sending, so certainly by this call. */
  | { kind: 'written'; record: Written; sure: boolean }
  /** Certain: it was not written, or not yet. */
  | { kind: 'not_written' }
  /** The record (if there is exactly one) holds something else; it may have been overwritten since. */
  | { kind: 'unclear'; record: Written | null }

interface Written {
  id: string
  created: boolean
}

export interface FateOptions {
  /** The items were sent as one transaction of all or none. */
  allOrNone: boolean
  signal: AbortSignal
}

const UNCLEAR: Fate = { kind: 'unclear', record: null }

/**
 * Finds out about items in flight (those with `sentAt`): items that were written get their result, items
 * that have to be sent again leave the flight, marked if they may have been written. Throws
 * SalesforceError; items without a result are then still in flight. Never stopped by the budget, since
 * the rows were sent.
 */
export const settleFates = async (
  org: SalesforceOrg,
  clock: SalesforceClock,
  items: readonly Item[],
  { allOrNone, signal }: FateOptions,
): Promise<void> => {
  const flights = new Map<string, Item[]>()
  for (const item of items) {
    if (item.sentAt === null || item.result !== null) continue
    const key = `${item.sentAt.getTime()} ${item.row.object} ${keyOf(item).field}`
    const flight = flights.get(key)
    if (flight === undefined) flights.set(key, [item])
    else flight.push(item)
  }
  for (const flight of flights.values()) {
    const fates = await fatesOf(org, clock, flight, signal)
    const settled = allOrNone ? asOne(fates) : fates
    for (const [at, item] of flight.entries()) conclude(item, settled[at] ?? UNCLEAR)
  }
}

/** One transaction of all or none: one row that was written proves that all were. */
const asOne = (fates: readonly Fate[]): Fate[] => {
  const isThere = (fate: Fate): boolean => fate.kind !== 'not_written' && fate.record !== null
  const isDone = fates.every(isThere) && fates.some((fate) => fate.kind === 'written' && fate.sure)
  return fates.map((fate) => {
    if (fate.kind === 'not_written' || fate.record === null) return fate
    return isDone
      ? { kind: 'written', record: fate.record, sure: true }
      : { kind: 'unclear', record: fate.record }
  })
}

/** What identifies an item's record. */
const keyOf = ({ row, id }: Item): { field: string; value: JsonValue } =>
  row.operation === 'update' && id !== null
    ? { field: 'Id', value: id }
    : { field: row.matchField, value: row.matchValue }

/** Items of one object, found by one field, sent at one time. */
const fatesOf = async (
  org: SalesforceOrg,
  clock: SalesforceClock,
  flight: readonly Item[],
  signal: AbortSignal,
): Promise<Fate[]> => {
  const since = flight[0]?.sentAt ?? new Date(0)
  let fates: Fate[] = []
  for (const waitMs of WAITS_MS) {
    if (waitMs > 0) await org.pause(waitMs, signal)
    const look = await lookAt(org, flight)
    fates = flight.map((item) => fateOf(item, since, look))
    // One call is one transaction: if one of its rows is written, nothing more will come.
    if (fates.some((fate) => fate.kind === 'written' && fate.sure)) break
    if ((await clock.now(org)).getTime() - since.getTime() >= SETTLED_AFTER_MS) break
  }
  return fates
}

const conclude = (item: Item, fate: Fate): void => {
  if (fate.kind === 'written') {
    succeed(item, fate.record.id, fate.record.created ? 'created' : 'updated')
    return
  }
  item.sentAt = null
  item.doubted = true
  if (fate.kind === 'unclear') item.resent = true
}

interface Look {
  found: Found | null
  /** False: Salesforce refused to show the values, or the dates. */
  hasValues: boolean
  hasDates: boolean
}

const DATES = ['CreatedDate', 'SystemModstamp']

/** As much as Salesforce shows: values and dates, else dates, else only which records exist. */
const lookAt = async (org: SalesforceOrg, flight: readonly Item[]): Promise<Look> => {
  const [first] = flight
  if (first === undefined) return { found: null, hasValues: false, hasDates: false }
  const { field } = keyOf(first)
  const values = new Set(flight.flatMap(({ row }) => columnsOf(row.fields) ?? []))
  const attempts: [columns: string[], hasValues: boolean, hasDates: boolean][] = [
    [[...DATES, ...values], true, true],
    [DATES, false, true],
    [[], false, false],
  ]
  for (const [columns, hasValues, hasDates] of attempts) {
    try {
      const found = await findRecords(org, {
        object: first.row.object,
        keyField: field,
        keys: flight.map((item) => keyOf(item).value),
        columns,
        priority: 'protected',
      })
      return { found, hasValues, hasDates }
    } catch (error) {
      if (!isUnanswerable(error)) throw error
    }
  }
  return { found: null, hasValues: false, hasDates: false }
}

/** A column that does not exist here; TypeError: a name that cannot be a column. */
const isUnanswerable = (error: unknown): boolean => isRefusal(error) || error instanceof TypeError

const dateOf = (record: JsonObject, name: string): number | null => {
  const text = asText(record[name])
  if (text === null) return null
  const ms = Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
  return Number.isNaN(ms) ? null : ms
}

const fateOf = (item: Item, sentAt: Date, { found, hasValues, hasDates }: Look): Fate => {
  if (found === null) return UNCLEAR
  const records = found.of(keyOf(item).value)
  const [first] = records
  if (first === undefined) return { kind: 'not_written' }
  const id = asText(first.Id)
  // Several records: whatever was sent was refused for that reason.
  if (records.length > 1 || id === null) return UNCLEAR
  const since = sentAt.getTime()
  const modified = hasDates ? dateOf(first, 'SystemModstamp') : null
  if (modified !== null && modified < since - CLOCK_SLACK_MS) return { kind: 'not_written' }
  const born = hasDates ? dateOf(first, 'CreatedDate') : null
  const record: Written = {
    id,
    // What was left out for an existing record shows that there was one.
    created:
      item.row.operation === 'upsert' && item.leftOut === null && born !== null && born >= since,
  }
  const likeness =
    hasValues && columnsOf(item.row.fields) !== null
      ? compareFields(item.row.fields, first)
      : 'different'
  const sure = modified !== null && modified >= since
  return likeness === 'same' || (likeness === 'alike' && sure)
    ? { kind: 'written', record, sure }
    : { kind: 'unclear', record }
}
