// What failed, for whoever mends it: each failed row with its values, and the errors counted by what has to
// be done about them.

import { type Database } from '../../db/database.ts'
import { type RowError } from './model.ts'
import { decodeCursor, encodeCursor, windowsFrom } from './results.ts'
import { type PushKey, readFailedRows } from './store.ts'

export interface FailedRow {
  index: number
  key: string | null
  /** As it was sent in. */
  row: unknown
  errors: RowError[]
}

export interface FailedRowsPage {
  items: FailedRow[]
  next_cursor: string | null
}

export interface ErrorGroup {
  code: string
  fields: string[]
  /** Rows that have this error. */
  count: number
  /** Of the first of them. */
  first_index: number
  message: string
  remedy: string
}

export interface PushErrors {
  /** The most frequent first. */
  items: ErrorGroup[]
  /** Failed rows that were read for this. */
  rows_counted: number
  /** False: there are more than were read, or more groups than are listed. */
  complete: boolean
}

/** Reading more would take longer than somebody waits. */
const ROWS_COUNTED_MAX = 200_000
const GROUPS_MAX = 200

/** Failed rows with their errors, in input order from `index` on. Both are stored by index, so that they meet. */
export async function* failedFrom(
  db: Database,
  key: PushKey,
  index = 0,
): AsyncGenerator<FailedRow, void, undefined> {
  const results = flat(windowsFrom(db, key, index, { status: 'failed' }))
  for await (const rows of readFailedRows(db, key, index)) {
    for (const [at, row] of rows) {
      if (at < index) continue
      let { value: result } = await results.next()
      while (result !== undefined && result.index < at) ({ value: result } = await results.next())
      // Expired between two reads.
      if (result?.index !== at) return
      yield { index: at, key: result.key, row, errors: result.errors }
    }
  }
}

async function* flat<T>(batches: AsyncIterable<T[]>): AsyncGenerator<T, undefined, undefined> {
  for await (const batch of batches) yield* batch
  return undefined
}

/** One page in input order; with `index`, that row only. */
export const readFailed = async (
  db: Database,
  key: PushKey,
  { index, limit, cursor }: { index?: number; limit: number; cursor?: string },
): Promise<FailedRowsPage> => {
  const items: FailedRow[] = []
  const from = index ?? (cursor === undefined ? 0 : decodeCursor(cursor))
  for await (const row of failedFrom(db, key, from)) {
    if (index !== undefined) {
      return { items: row.index === index ? [row] : [], next_cursor: null }
    }
    if (items.length === limit) return { items, next_cursor: encodeCursor(row.index) }
    items.push(row)
  }
  return { items, next_cursor: null }
}

const LINES_A_PIECE = 500

/** All of them, one JSON line each. */
export async function* streamFailed(
  db: Database,
  key: PushKey,
): AsyncGenerator<Buffer, void, undefined> {
  let lines: string[] = []
  for await (const row of failedFrom(db, key)) {
    lines.push(JSON.stringify(row))
    if (lines.length < LINES_A_PIECE) continue
    yield Buffer.from(`${lines.join('\n')}\n`)
    lines = []
  }
  if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`)
}

/** The errors of the failed rows, by code and fields. For a running push, of those so far. */
export const countErrors = async (db: Database, key: PushKey): Promise<PushErrors> => {
  const groups = new Map<string, ErrorGroup>()
  let counted = 0
  let isComplete = true
  reading: for await (const window of windowsFrom(db, key, 0, { status: 'failed' })) {
    for (const { index, errors } of window) {
      if (counted === ROWS_COUNTED_MAX) {
        isComplete = false
        break reading
      }
      counted += 1
      const ofRow = new Map(errors.map((error) => [groupKey(error), error]))
      for (const [name, { code, fields, message, remedy }] of ofRow) {
        const known = groups.get(name)
        if (known !== undefined) known.count += 1
        else groups.set(name, { code, fields, count: 1, first_index: index, message, remedy })
      }
    }
  }
  const items = [...groups.values()].toSorted((a, b) => b.count - a.count)
  return {
    items: items.slice(0, GROUPS_MAX),
    rows_counted: counted,
    complete: isComplete && items.length <= GROUPS_MAX,
  }
}

const groupKey = ({ code, fields }: RowError): string => [code, ...fields].join('\n')
