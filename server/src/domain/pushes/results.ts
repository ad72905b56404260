// The results of a push in input order. They are stored as they come, many together; rows that were read
// together (a window of the input) are put in order here, so that only one window is in memory and no
// database connection is held between two reads.

import { sql } from 'kysely'
import { type Database } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { asLine, decompress, resultLines, unpackResults } from './block-body.ts'
import { type RowResult } from './model.ts'
import { type PushKey } from './store.ts'

export type ResultStatus = 'failed' | 'succeeded'

export interface ResultsRequest {
  status?: ResultStatus | undefined
  /** Only rows with this error. */
  code?: string | undefined
  /** 1 to 10,000. */
  limit: number
  cursor?: string | undefined
}

export interface ResultsPage {
  items: RowResult[]
  next_cursor: string | null
}

export const encodeCursor = (index: number): string =>
  Buffer.from(`r${index}`).toString('base64url')

/** The index of the first row of the page. */
export const decodeCursor = (cursor: string): number => {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const index = Number(/^r(\d{1,9})$/.exec(text)?.[1] ?? Number.NaN)
  if (Number.isNaN(index) || encodeCursor(index) !== cursor) {
    throw new EngineError('invalid_cursor', 'This cursor does not come from this endpoint.')
  }
  return index
}

/** Blocks per read: the results of some 4,000 rows. */
const BLOCKS_A_READ = 20

interface StoredResults {
  window_start: number
  block_no: number
  body: Buffer
}

export type Wanted = Pick<ResultsRequest, 'status' | 'code'>

const wanted =
  ({ status, code }: Wanted) =>
  (result: RowResult) =>
    (status === undefined || result.success === (status === 'succeeded')) &&
    (code === undefined || result.errors.some((error) => error.code === code))

/** The requested results by window, starting with the one that holds `index`, each in input order. */
export const windowsFrom = (
  db: Database,
  key: PushKey,
  index: number,
  which: Wanted,
): AsyncIterable<RowResult[]> =>
  readWindows(db, key, index, which, (text) => unpackResults(text).filter(wanted(which)))

/** The windows with at least one block of that status, as `unpack` reads their blocks. */
async function* readWindows<Row extends { index: number }>(
  db: Database,
  { tenant, pushId }: PushKey,
  index: number,
  { status, code }: Wanted,
  unpack: (text: string) => Row[],
): AsyncGenerator<Row[], void, undefined> {
  const read = (from: { window: number; block: number } | null): Promise<StoredResults[]> =>
    db.as(tenant).tx((tx) => {
      let query = tx
        .selectFrom('push_results')
        .select(['window_start', 'block_no', 'body'])
        .where('org_id', '=', tenant.orgId)
        .where('push_id', '=', pushId)
        .orderBy('window_start')
        .orderBy('block_no')
        .limit(BLOCKS_A_READ)
      if (status === 'failed' || code !== undefined) query = query.where('failed', '>', 0)
      if (status === 'succeeded') query = query.where('succeeded', '>', 0)
      query =
        from === null
          ? query.where(
              sql<boolean>`window_start >= coalesce((select max(w.window_start) from push_results w
                where w.org_id = ${tenant.orgId} and w.push_id = ${pushId}
                  and w.window_start <= ${index}), 0)`,
            )
          : query.where(sql<boolean>`(window_start, block_no) > (${from.window}, ${from.block})`)
      return query.execute()
    })

  let open: { start: number; results: Row[] } | null = null
  let from: { window: number; block: number } | null = null
  for (;;) {
    const stored: StoredResults[] = await read(from)
    for (const { window_start, body } of stored) {
      const results = unpack(await decompress(body))
      if (open !== null && open.start === window_start) {
        open.results.push(...results)
        continue
      }
      if (open !== null) yield inOrder(open.results, index)
      open = { start: window_start, results }
    }
    const last = stored.at(-1)
    if (last === undefined || stored.length < BLOCKS_A_READ) break
    from = { window: last.window_start, block: last.block_no }
  }
  if (open !== null) yield inOrder(open.results, index)
}

const inOrder = <Row extends { index: number }>(results: Row[], from: number): Row[] =>
  results.filter(({ index }) => index >= from).sort((a, b) => a.index - b.index)

/** One page in input order. For a running push, what is settled so far. */
export const readResults = async (
  db: Database,
  key: PushKey,
  { status, code, limit, cursor }: ResultsRequest,
): Promise<ResultsPage> => {
  const items: RowResult[] = []
  const from = cursor === undefined ? 0 : decodeCursor(cursor)
  for await (const window of windowsFrom(db, key, from, { status, code })) {
    for (const result of window) {
      // One more than asked for: it begins the next page.
      if (items.length === limit) return { items, next_cursor: encodeCursor(result.index) }
      items.push(result)
    }
  }
  return { items, next_cursor: null }
}

/**
 * All of them, one JSON line each, in pieces of some hundred kilobytes. Throws at the end if there were
 * fewer than `due` (null: not known yet): they expired while they were read.
 */
export async function* streamResults(
  db: Database,
  key: PushKey,
  which: Wanted,
  due: number | null,
): AsyncGenerator<Buffer, void, undefined> {
  const isWhole = which.status === undefined && which.code === undefined
  const linesOf = (text: string) =>
    isWhole ? resultLines(text) : unpackResults(text).filter(wanted(which)).map(asLine)
  let count = 0
  for await (const window of readWindows(db, key, 0, which, linesOf)) {
    if (window.length === 0) continue
    count += window.length
    yield Buffer.from(`${window.map(({ line }) => line).join('\n')}\n`)
  }
  if (due !== null && count !== due) throw new Error(`${count} results where ${due} were due`)
}
