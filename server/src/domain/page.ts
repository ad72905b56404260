// Pages by key, newest first: ids are UUIDv7, so "before this id" is "older than this row" and a
// page never shifts while rows are added. A cursor belongs to the filters that it was given for.

import { createHash } from 'node:crypto'
import { type SelectQueryBuilder } from 'kysely'
import { EngineError } from '../errors.ts'
import { canonicalJson } from './canonical.ts'

/** Any other member of a request for a page is a filter. */
export interface PageRequest {
  /** 1 to 200. */
  limit: number
  cursor?: string | undefined
}

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

/** When a row was created, by the database's clock. ISO 8601. */
export interface TimeRange {
  /** Then or later. */
  since?: string | undefined
  /** Earlier than this. */
  until?: string | undefined
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Tells filters apart; without filters it is empty. */
const markOf = ({ limit: _limit, cursor: _cursor, ...filters }: PageRequest): string => {
  const text = canonicalJson(filters)
  return text === '{}'
    ? ''
    : `.${createHash('sha256').update(text).digest('base64url').slice(0, 11)}`
}

const encodeCursor = (id: string, request: PageRequest): string =>
  Buffer.from(id + markOf(request)).toString('base64url')

/**
 * The id that the cursor of a request stands for; null without one. Throws `invalid_cursor` for anything
 * that we did not issue, and for a cursor that was given for other filters.
 */
export const beforeOf = (request: PageRequest): string | null => {
  const { cursor } = request
  if (cursor === undefined) return null
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const id = text.slice(0, 36)
  if (!UUID.test(id) || Buffer.from(text, 'latin1').toString('base64url') !== cursor) {
    throw new EngineError('invalid_cursor', 'This cursor does not come from this endpoint.')
  }
  if (encodeCursor(id, request) !== cursor) {
    throw new EngineError('invalid_cursor', 'This cursor was given for other filters.')
  }
  return id
}

/** Cuts a page out of items fetched with one more than the limit. */
export const cutPage = <Row extends { id: string }, Item>(
  rows: Row[],
  request: PageRequest,
  toItem: (row: Row) => Item,
): Page<Item> => {
  const shown = rows.slice(0, request.limit)
  const last = shown.at(-1)
  return {
    items: shown.map(toItem),
    next_cursor:
      rows.length > request.limit && last !== undefined ? encodeCursor(last.id, request) : null,
  }
}

/** Runs the query for one page, ordered by `idColumn` descending. `request` holds the query's filters too. */
export const pageOf = async <DB, TB extends keyof DB, Row extends { id: string }, Item>(
  query: SelectQueryBuilder<DB, TB, Row>,
  idColumn: string,
  request: PageRequest,
  toItem: (row: Row) => Item,
): Promise<Page<Item>> => {
  const before = beforeOf(request)
  const paged = before === null ? query : query.where(idColumn as never, '<', before as never)
  const rows = await paged
    .orderBy(idColumn as never, 'desc')
    .limit(request.limit + 1)
    .execute()
  return cutPage(rows, request, toItem)
}

/** The rows of a query whose `column` is in the range. */
export const within = <DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  column: string,
  { since, until }: TimeRange,
): SelectQueryBuilder<DB, TB, Row> => {
  // As dates: JavaScript understands the year 0 as text, PostgreSQL does not.
  const later =
    since === undefined ? query : query.where(column as never, '>=', new Date(since) as never)
  return until === undefined ? later : later.where(column as never, '<', new Date(until) as never)
}

/**
 * A cursor for lists that are not ordered by id: the texts that say where the page ended, and what it was
 * asked for.
 */
export const positionCursor = (position: readonly string[], request: PageRequest): string =>
  Buffer.from(`${JSON.stringify(position)}${markOf(request)}`).toString('base64url')

/**
 * The position that the cursor of a request stands for; null without one. Throws `invalid_cursor` for
 * anything that {@link positionCursor} did not make of so many texts, and of the same filters.
 */
export const positionOf = (request: PageRequest, length: number): string[] | null => {
  const { cursor } = request
  if (cursor === undefined) return null
  const text = Buffer.from(cursor, 'base64url').toString()
  const position = positionIn(text.slice(0, text.lastIndexOf(']') + 1))
  if (position?.length !== length) {
    throw new EngineError('invalid_cursor', 'This cursor does not come from this endpoint.')
  }
  if (positionCursor(position, request) !== cursor) {
    throw new EngineError('invalid_cursor', 'This cursor was given for other filters.')
  }
  return position
}

const positionIn = (text: string): string[] | null => {
  try {
    const position: unknown = JSON.parse(text)
    return Array.isArray(position) && position.every((part) => typeof part === 'string')
      ? position
      : null
  } catch {
    return null
  }
}
