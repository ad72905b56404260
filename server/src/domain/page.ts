// Pages by key, newest first: ids are UUIDv7, so "before this id" is "older than this row" and a
// page never shifts while rows are added.

import { type SelectQueryBuilder } from 'kysely'
import { EngineError } from '../errors.ts'

export interface PageRequest {
  /** 1 to 200. */
  limit: number
  cursor?: string | undefined
}

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const encodeCursor = (id: string): string => Buffer.from(id).toString('base64url')

/** The id that a cursor stands for. Throws `invalid_cursor` for anything that we did not issue. */
export const decodeCursor = (cursor: string): string => {
  const id = Buffer.from(cursor, 'base64url').toString('latin1')
  if (!UUID.test(id) || encodeCursor(id) !== cursor) {
    throw new EngineError('invalid_cursor', 'This cursor does not come from this endpoint.')
  }
  return id
}

/** Cuts a page out of items fetched with one more than the limit. */
export const cutPage = <Row extends { id: string }, Item>(
  rows: Row[],
  limit: number,
  toItem: (row: Row) => Item,
): Page<Item> => {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(toItem),
    next_cursor: rows.length > limit && last !== undefined ? encodeCursor(last.id) : null,
  }
}

/** Runs the query for one page, ordered by `idColumn` descending. */
export const pageOf = async <DB, TB extends keyof DB, Row extends { id: string }, Item>(
  query: SelectQueryBuilder<DB, TB, Row>,
  idColumn: string,
  request: PageRequest,
  toItem: (row: Row) => Item,
): Promise<Page<Item>> => {
  let paged = query
  if (request.cursor !== undefined) {
    paged = paged.where(idColumn as never, '<', decodeCursor(request.cursor) as never)
  }
  const rows = await paged
    .orderBy(idColumn as never, 'desc')
    .limit(request.limit + 1)
    .execute()
  return cutPage(rows, request.limit, toItem)
}
