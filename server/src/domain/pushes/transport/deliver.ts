// Brings rows to their results through sObject Collections: sends them, resends them if that may help,
// and looks them up if an answer was lost. Calls go one after the other: rows of one shipment may share
// parents, and parallel calls would lock each other out.

import { EngineError } from '../../../errors.ts'
import { waitMs } from '../../../retry.ts'
import {
  type RowResult as Outcome,
  prepareUpdate,
  prepareUpsert,
  type WriteOptions,
} from '../../../salesforce/collections.ts'
import { concernsWholeOrg, type Failure, SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { type RowError } from '../model.ts'
import { type SalesforceClock } from './clock.ts'
import { settleFates } from './fate.ts'
import { fail, type Item, type ItemsState, packItems, settleForExisting, succeed } from './items.ts'
import { matchRecords, recordKey, refuse } from './matching.ts'
import { isRefusedForExisting, onlyOnCreate } from './only-on-create.ts'
import { errorsOf, mayPass, outcomeUnknown, rolledBack, setTwice } from './row-failures.ts'
import { type Shipment } from './transport.ts'

/**
 * Rows per call, by round: a row that is locked, or too much for Apex, is more likely to succeed among
 * fewer.
 */
const ROUNDS = [200, 100, 40, 15, 5] as const

export interface Delivery {
  org: SalesforceOrg
  clock: SalesforceClock
  shipment: Pick<Shipment, 'kind' | 'options' | 'explain' | 'signal'>
  /** Stores the state: committed when it resolves; null: nothing is under way and nothing is known. */
  save: (state: ItemsState | null) => Promise<void>
  /** The same before a call that sends rows, unless nothing more may be sent; see `Shipment.intend`. */
  intend: (state: ItemsState) => Promise<RowError | null>
}

const writeOptions = ({ options, signal }: Delivery['shipment']): WriteOptions => {
  const { all_or_none, assignment_rules: rule, allow_duplicates } = options
  return {
    allOrNone: all_or_none,
    assignmentRule: rule === false ? 'none' : rule === true ? 'active' : { id: rule },
    allowDuplicates: allow_duplicates,
    signal,
  }
}

/**
 * Gives every item its result, continuing from the state of the items (`round` of the saved state).
 * Throws what `Transport.send` throws; the saved state is then valid.
 */
export const deliver = async (
  delivery: Delivery,
  items: readonly Item[],
  fromRound: number,
): Promise<void> => {
  const { org, shipment } = delivery
  const allOrNone = shipment.options.all_or_none
  const open = () => openOf(items)
  await matchRecords(org, items, shipment)
  // What an earlier run had under way comes first.
  await settle(delivery, items)
  if (allOrNone) {
    refuseSetTwice(open())
    undoAll(items)
  }
  // However an earlier run ended: one more try, since its failures are not stored.
  for (let round = Math.min(fromRound, ROUNDS.length - 1); ; round += 1) {
    const pending = open()
    if (pending.length === 0) return
    const size = ROUNDS[round]
    if (size === undefined) {
      await refuse(org, pending, shipment)
      return
    }
    const last = pending.find(({ failures }) => failures.length > 0)?.failures[0]
    if (last !== undefined) await pause(delivery, round + 1, last)
    const sender = createSender(delivery, items, round)
    for (const batch of allOrNone ? [pending] : cut(pending, size)) {
      if ((await sender.send(batch)) === 'stopped') return
    }
  }
}

const openOf = (items: readonly Item[]): Item[] => items.filter(({ result }) => result === null)

/** Finds out what became of rows whose answer was lost. */
const settle = ({ org, clock, shipment }: Delivery, items: readonly Item[]): Promise<void> =>
  settleFates(org, clock, items, {
    allOrNone: shipment.options.all_or_none,
    signal: shipment.signal,
  })

/** Salesforce rolls the set back if one of its rows cannot be written. */
const undoAll = (items: readonly Item[]): void => {
  if (!items.some(({ result }) => result?.success === false)) return
  for (const item of openOf(items)) fail(item, [rolledBack()])
}

/** Sends batches of the items, one after the other; each ends with what is known about its rows. */
const createSender = (delivery: Delivery, items: readonly Item[], round: number) => {
  const { org, clock, shipment, save, intend } = delivery
  const { signal, options } = shipment
  const allOrNone = options.all_or_none
  const keep = (): Promise<void> => save(isUntouched(items) ? null : packItems(items, round))

  const stop = (error: RowError): void => {
    for (const item of openOf(items)) {
      if (item.failures.length > 0) fail(item, errorsOf(item.failures, item.row, shipment))
      else fail(item, [item.resent ? outcomeUnknown() : error])
    }
  }

  const send = async (batch: readonly Item[]): Promise<'done' | 'stopped'> => {
    const sentAt = await clock.now(org)
    for (const item of batch) {
      item.sentAt = sentAt
      item.attempts += 1
    }
    // Built before its turn on the wire, so that nothing is left to do then.
    const write = prepareWrite(delivery, batch)
    const reason = await intend(packItems(items, round))
    if (reason !== null) {
      for (const item of batch) item.attempts -= 1
      stop(reason)
      return 'stopped'
    }
    let outcomes: readonly Outcome[]
    try {
      outcomes = await write()
    } catch (error) {
      return afterFault(batch, error)
    }
    const { refused, isUnanswered, existing } = take(batch, outcomes, allOrNone)
    if (isUnanswered) await settle(delivery, items)
    if (refused.length > 0) await refuse(org, refused, shipment)
    if (existing.length === 0) return 'done'
    return send(allOrNone ? openOf(batch) : existing)
  }

  const afterFault = async (
    batch: readonly Item[],
    error: unknown,
  ): Promise<'done' | 'stopped'> => {
    // We broke this exchange off ourselves: the worker that continues finds out how it ended.
    if (signal.aborted || org.signal?.aborted === true) throw error
    if (!(error instanceof EngineError)) throw error
    const failure = error instanceof SalesforceError ? error.failure : null
    if (failure?.fate === 'unknown') {
      await settle(delivery, items)
      for (const item of openOf(batch)) item.failures = [failure]
      return 'done'
    }
    // Certainly not done. What was never transmitted does not count as sent.
    for (const item of batch) {
      item.sentAt = null
      if (failure === null || !failure.sent) item.attempts -= 1
    }
    // No row is to blame: the lane waits for the whole Salesforce org.
    if (failure === null || concernsWholeOrg(failure)) {
      await keep()
      throw error
    }
    for (const item of batch) item.failures = [failure]
    if (mayPass([failure])) return 'done'
    return split(batch, failure)
  }

  /** A call that was refused as a whole: find the rows that caused it. */
  const split = async (batch: readonly Item[], failure: Failure): Promise<'done' | 'stopped'> => {
    if (allOrNone || batch.length === 1) {
      await refuse(org, batch, shipment)
      return 'done'
    }
    const [guilty, others] = suspects(batch, failure)
    await refuse(org, guilty, shipment)
    for (const part of others) {
      if (part.length === 0) continue
      // As far as is known, these rows did not cause the refusal.
      for (const item of part) item.failures = []
      const sent = await send(part)
      if (sent !== 'done') return sent
    }
    return 'done'
  }

  return { send }
}

/** What was certainly not done (an outage, a used-up budget) need not be stored. */
const isUntouched = (items: readonly Item[]): boolean =>
  items.every(
    ({ result, sentAt, failures, resent }) =>
      result === null && sentAt === null && failures.length === 0 && !resent,
  )

/**
 * Gives the items their outcomes. `refused`: no further try can help; `isUnanswered`: outcomes to be
 * looked up; `existing`: to be sent again as rows of existing records.
 */
const take = (
  batch: readonly Item[],
  outcomes: readonly Outcome[],
  allOrNone: boolean,
): { refused: Item[]; isUnanswered: boolean; existing: Item[] } => {
  const refused: Item[] = []
  const existing = new Set(
    batch.filter(({ row, leftOut }, at) => {
      const outcome = outcomes[at]
      return (
        leftOut === null &&
        outcome?.outcome === 'failed' &&
        isRefusedForExisting(outcome.failures, onlyOnCreate(row))
      )
    }),
  )
  // In a set, one permanently refused row refuses all.
  const isLost =
    allOrNone &&
    outcomes.some(
      (it, at) =>
        it.outcome === 'failed' &&
        !it.rolledBack &&
        !mayPass(it.failures) &&
        !existing.has(batch[at] as Item),
    )
  let isUnanswered = false
  for (const [at, outcome] of outcomes.entries()) {
    const item = batch[at]
    if (item === undefined) continue
    if (outcome.outcome === 'succeeded') {
      const isNew = item.row.operation === 'upsert' && outcome.created === true
      succeed(item, outcome.id, isNew ? 'created' : 'updated')
      continue
    }
    item.failures = outcome.failures
    if (existing.has(item)) {
      settleForExisting(item)
      item.sentAt = null
      if (isLost) refused.push(item)
      continue
    }
    if (outcome.failure.fate === 'unknown') isUnanswered = true
    else {
      item.sentAt = null
      const waits = allOrNone ? !isLost : isWorthAnotherTry(item)
      if (!waits) refused.push(item)
    }
  }
  return { refused, isUnanswered, existing: isLost ? [] : [...existing] }
}

const pause = (
  { org, shipment }: Delivery,
  attempt: number,
  { retryAfterSeconds }: Failure,
): Promise<void> =>
  org.pause(waitMs({ attempt, retryAfterSeconds, random: Math.random() }), shipment.signal)

/** A request that was written although its answer was lost may still hold its own locks for a moment. */
const isWorthAnotherTry = ({ failures, doubted }: Item): boolean =>
  mayPass(failures) || (doubted && failures.every(({ code }) => code === 'DUPLICATE_VALUE'))

/** Calls of at most `size` rows: of one kind each, and no record twice in one call. */
function* cut(pending: readonly Item[], size: number): Generator<Item[]> {
  const kinds = new Map<string, Item[]>()
  for (const item of pending) {
    const { operation, object, matchField } = item.row
    const key = `${operation} ${object} ${operation === 'upsert' ? matchField : ''}`
    const kind = kinds.get(key)
    if (kind === undefined) kinds.set(key, [item])
    else kind.push(item)
  }
  for (let rest of kinds.values()) {
    while (rest.length > 0) {
      const batch = new Map<string, Item>()
      const later: Item[] = []
      for (const item of rest) {
        const key = recordKey(item)
        if (batch.size < size && !batch.has(key)) batch.set(key, item)
        else later.push(item)
      }
      yield [...batch.values()]
      rest = later
    }
  }
}

// ------------------------------------------------------------------------------ a single call

/** The call throws what Collections throw, and returns one outcome per item. */
const prepareWrite = (
  { org, shipment }: Delivery,
  batch: readonly Item[],
): (() => Promise<readonly Outcome[]>) => {
  const [first] = batch
  if (first === undefined) return async () => []
  const { object, operation, matchField } = first.row
  const options = writeOptions(shipment)
  if (operation === 'upsert') {
    const rows = batch.map(({ row }) => ({ ...row.fields, [row.matchField]: row.matchValue }))
    return prepareUpsert(org, object, matchField, rows, options)
  }
  // Salesforce accepts no record twice in one call: rows for the same record are sent as one.
  const records = new Map<string, { type: string; id: string; fields: JsonObject }>()
  for (const item of batch) {
    const { row, id } = item
    if (id === null) throw new TypeError('An update was sent before its record was known')
    const joined = records.get(recordKey(item))
    if (joined === undefined) {
      records.set(recordKey(item), { type: row.object, id, fields: { ...row.fields } })
    } else Object.assign(joined.fields, row.fields)
  }
  const update = prepareUpdate(org, [...records.values()], options)
  return async () => {
    const outcomes = await update()
    const byRecord = new Map([...records.keys()].map((key, at) => [key, outcomes[at]]))
    return batch.map((item) => {
      const outcome = byRecord.get(recordKey(item))
      if (outcome === undefined) throw new TypeError('An update has no outcome')
      return outcome
    })
  }
}

/** Rows of a set that give the same field of the same record two values. */
const refuseSetTwice = (items: readonly Item[]): void => {
  const seen = new Set<string>()
  for (const item of items) {
    if (item.row.operation !== 'update') continue
    const names = Object.keys(item.row.fields)
    const keys = names.map((name) => `${recordKey(item)} ${name.toLowerCase()}`)
    const twice = names.filter((_, at) => seen.has(keys[at] ?? ''))
    if (twice.length > 0) fail(item, [setTwice(twice)])
    for (const key of keys) seen.add(key)
  }
}

const NO_COLUMN = /no such column '([^']+)'/i
/** Refusals that have nothing to do with the content of a row. */
const OF_NO_ROW: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'INVALID_TYPE',
  'INVALID_FIELD',
  'INSUFFICIENT_ACCESS',
  'INSUFFICIENT_ACCESS_OR_READONLY',
  'METHOD_NOT_ALLOWED',
  'OPERATION_NOT_ALLOWED',
  'FUNCTIONALITY_NOT_ENABLED',
])

/** Rows that must have caused the refusal of a call, and the others as further calls. */
const suspects = (
  batch: readonly Item[],
  { code, message }: Failure,
): [guilty: readonly Item[], others: readonly (readonly Item[])[]] => {
  const column = NO_COLUMN.exec(message)?.[1]?.toLowerCase()
  if (column !== undefined) {
    const has = ({ row }: Item): boolean =>
      Object.keys(row.fields).some((name) => name.toLowerCase() === column)
    const guilty = batch.filter(has)
    if (guilty.length > 0) return [guilty, [batch.filter((item) => !has(item))]]
  }
  if (OF_NO_ROW.has(code)) return [batch, []]
  const middle = Math.ceil(batch.length / 2)
  return [[], [batch.slice(0, middle), batch.slice(middle)]]
}
