// Rows that are sent with Collections, and how far each has come, as stored in the journal.

import { type Failure } from '../../../salesforce/failure.ts'
import { type ReadyRow, type RowAction, type RowError, type RowResult } from '../model.ts'
import { isIdField } from './look-up.ts'
import { forExisting, leftOutOf } from './only-on-create.ts'

export interface Item {
  /**
   * Without the fields that only a new record accepts, once its record is known to exist (see
   * `forExisting`).
   */
  row: ReadyRow
  /** The target record of an update, once it is known. */
  id: string | null
  /** How often it was sent. */
  attempts: number
  /** Sent again although it may have been written. */
  resent: boolean
  /** It was once sent without an answer. */
  doubted: boolean
  /** When it was sent, by Salesforce's clock; set as long as there is no answer. */
  sentAt: Date | null
  /** Its record was found to exist, and accepts fewer fields than a new one. */
  leftOut: RowError | null
  /** Why it failed so far, each time for a temporary cause. */
  failures: readonly Failure[]
  result: RowResult | null
}

export const newItem = (row: ReadyRow): Item => ({
  row,
  id: null,
  attempts: 0,
  resent: false,
  doubted: false,
  sentAt: null,
  leftOut: null,
  failures: [],
  result: null,
})

/** From here on the row is sent for an existing record. */
export const settleForExisting = (item: Item): void => {
  item.leftOut = leftOutOf(item.row)
  item.row = forExisting(item.row)
  item.failures = []
}

const resultOf = (
  { row, attempts, resent, leftOut }: Item,
  id: string | null,
  action: RowAction,
  errors: RowError[],
): RowResult => ({
  index: row.index,
  key: row.key,
  id,
  action,
  success: action !== 'failed',
  ...(resent ? { resent: true } : {}),
  attempts,
  errors,
  ...(leftOut === null ? {} : { warnings: [leftOut] }),
})

export const succeed = (
  item: Item,
  id: string,
  action: 'created' | 'updated' | 'skipped',
): void => {
  item.sentAt = null
  item.result = resultOf(item, id, action, [])
}

export const fail = (item: Item, errors: RowError[]): void => {
  item.sentAt = null
  item.result = resultOf(item, item.id, 'failed', errors)
}

// ------------------------------------------------------------------------------------ journal

/** Items that are equal in all of this, by their positions; null means all others. */
type Group = [attempts: number, resent: 0 | 1, sentAt: number | null, positions: number[] | null]
type Done = [
  position: number,
  id: string | null,
  action: RowAction,
  attempts: number,
  resent: 0 | 1,
  errors: RowError[],
  isForExisting?: 1,
]

/** Plain JSON. */
export interface ItemsState {
  round: number
  /** State of the items that have no result yet. */
  groups: Group[]
  done: Done[]
  /**
   * Records found for updates by a key. By a later look the key may be gone from its record, possibly
   * because of this update, or belong to another record.
   */
  ids?: (string | null)[]
}

const isFoundByKey = ({ id, row }: Item): boolean =>
  row.operation === 'update' && id !== null && !isIdField(row.matchField)

const isAlike = (a: Item, b: Item): boolean =>
  a.attempts === b.attempts && a.resent === b.resent && a.sentAt?.getTime() === b.sentAt?.getTime()

export const packItems = (items: readonly Item[], round: number): ItemsState => {
  const groups = new Map<string, { of: Item; positions: number[] }>()
  /** Nearly always all items are in one group. */
  let last: { of: Item; positions: number[] } | null = null
  const done: Done[] = []
  for (const [position, item] of items.entries()) {
    const { result } = item
    if (result !== null) {
      const { id, action, attempts, errors } = result
      const entry: Done = [position, id, action, attempts, item.resent ? 1 : 0, errors]
      if (item.leftOut !== null) entry.push(1)
      done.push(entry)
      continue
    }
    if (last === null || !isAlike(last.of, item)) {
      const key = `${item.attempts} ${item.resent} ${item.sentAt?.getTime() ?? ''}`
      last = groups.get(key) ?? { of: item, positions: [] }
      groups.set(key, last)
    }
    last.positions.push(position)
  }
  const ordered = [...groups.values()].toSorted((a, b) => a.positions.length - b.positions.length)
  return {
    round,
    ...(items.some(isFoundByKey) ? { ids: items.map(({ id }) => id) } : {}),
    groups: ordered.map(({ of, positions }, at) => [
      of.attempts,
      of.resent ? 1 : 0,
      of.sentAt?.getTime() ?? null,
      at === ordered.length - 1 ? null : positions,
    ]),
    done,
  }
}

/** Restores new items to the saved state. Returns the round. */
export const restoreItems = (items: readonly Item[], state: ItemsState): number => {
  const finished = new Set<Item>()
  for (const [position, id] of (state.ids ?? []).entries()) {
    const item = items[position]
    if (item !== undefined) item.id = id
  }
  for (const [position, id, action, attempts, resent, errors, existing] of state.done) {
    const item = items[position]
    if (item === undefined) continue
    if (existing === 1) settleForExisting(item)
    item.attempts = attempts
    item.resent = resent === 1
    item.result = resultOf(item, id, action, errors)
    finished.add(item)
  }
  for (const [attempts, resent, sentAt, positions] of state.groups) {
    for (const item of positions?.map((position) => items[position]) ?? items) {
      if (item === undefined || finished.has(item)) continue
      item.attempts = attempts
      item.resent = resent === 1
      item.sentAt = sentAt === null ? null : new Date(sentAt)
      finished.add(item)
    }
  }
  return state.round
}
