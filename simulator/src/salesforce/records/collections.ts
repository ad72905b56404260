// Up to 200 records in one request. Salesforce: REST API guide, "sObject Collections": outcomes in the
// order of the request and with status 200 even when every row failed; 400 only for a request that is
// malformed.

import { findObject } from '../../org/changes.ts'
import { toId18 } from '../../org/ids.ts'
import { type SObject } from '../../org/model.ts'
import { type Transaction } from '../../records/locks.ts'
import { problem, rolledBack, rowError } from '../../records/row-errors.ts'
import {
  ROWS_MAX,
  saveRecords,
  type RowError,
  type RowOutcome,
  type SaveOperation,
} from '../../records/save.ts'
import { recordStateOf } from '../../records/state.ts'
import { type RestAnswer, type RestContext, type RestRoute } from '../rest.ts'
import { noSuchObject, refusal, Refusal } from '../../refusals.ts'
import { shownRecord } from './read.ts'
import { jsonBody, rowResult, saveContext, saveOptions } from './write.ts'

/** Salesforce: consecutive records of one type form a chunk; a request has at most 10 chunks. */
const CHUNKS_MAX = 10
/** Salesforce: ids of a retrieve; in a URL its length is also a limit. */
const RETRIEVE_MAX = 2000
const PATH = '/composite/sobjects'

export const collectionRoutes: RestRoute[] = [
  { method: 'POST', pattern: PATH, handler: (ctx) => saveBody(ctx, 'insert') },
  { method: 'PATCH', pattern: PATH, handler: (ctx) => saveBody(ctx, 'update') },
  { method: 'DELETE', pattern: PATH, handler: (ctx) => removeIds(ctx) },
  { method: 'PATCH', pattern: `${PATH}/:name/:field`, handler: (ctx) => saveBody(ctx, 'upsert') },
  {
    method: 'GET',
    pattern: `${PATH}/:name`,
    handler: (ctx) => retrieve(ctx, list(ctx, 'ids'), list(ctx, 'fields')),
  },
  { method: 'POST', pattern: `${PATH}/:name`, handler: (ctx) => retrieveBody(ctx) },
]

interface Chunk {
  object: string
  rows: Record<string, unknown>[]
  /** Outcomes of rows that cannot even be tried. */
  error?: RowError
}

const isRow = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const checkCount = (count: number): void => {
  if (count === 0) throw refusal(400, 'REQUIRED_FIELD_MISSING', 'At least 1 record is required')
  if (count <= ROWS_MAX) return
  throw refusal(
    400,
    'EXCEEDED_ID_LIMIT',
    `record limit reached. cannot submit more than ${ROWS_MAX} records in this operation`,
  )
}

/** Consecutive rows of one type together. */
const chunksOf = (typed: { object: string; row: Record<string, unknown> }[]): Chunk[] => {
  const chunks: Chunk[] = []
  for (const { object, row } of typed) {
    const last = chunks.at(-1)
    if (last?.object.toLowerCase() === object.toLowerCase()) last.rows.push(row)
    else chunks.push({ object, rows: [row] })
  }
  if (chunks.length <= CHUNKS_MAX) return chunks
  throw refusal(
    400,
    'LIMIT_EXCEEDED',
    `Cannot have more than ${CHUNKS_MAX} chunks in a single operation. Please rearrange the data to reduce chunking.`,
  )
}

const saveBody = async (ctx: RestContext, operation: SaveOperation): Promise<RestAnswer> => {
  const { records = [], allOrNone } = jsonBody(ctx)
  if (!Array.isArray(records) || !records.every(isRow)) {
    throw refusal(400, 'JSON_PARSER_ERROR', 'The records list is required')
  }
  checkCount(records.length)
  const { name } = ctx.params
  const chunks = chunksOf(
    records.map((row) => {
      const type = (row['attributes'] as { type?: unknown } | undefined)?.type ?? name
      if (typeof type === 'string') return { object: type, row }
      throw refusal(
        400,
        'INVALID_INPUT',
        'Include an entity type specification in the "attributes" property of every record',
      )
    }),
  )
  if (
    name !== undefined &&
    chunks.some(({ object }) => object.toLowerCase() !== name.toLowerCase())
  )
    throw refusal(400, 'INVALID_INPUT', `Every record must be of type ${name}`)
  return saveChunks(ctx, operation, chunks, allOrNone === true)
}

/** Saves the chunks in one transaction. An all-or-nothing composite makes this all or nothing too. */
const saveChunks = async (
  ctx: RestContext,
  operation: SaveOperation,
  chunks: Chunk[],
  wantsAll: boolean,
): Promise<RestAnswer> => {
  const allOrNone = wantsAll || ctx.transaction !== undefined
  const transaction = ctx.transaction ?? recordStateOf(ctx.org).transaction()
  const savepoint = transaction.savepoint()
  let outcomes: RowOutcome[] = []
  try {
    for (const chunk of chunks) {
      const failed = allOrNone && outcomes.some(({ success }) => !success)
      outcomes.push(
        ...(failed
          ? chunk.rows.map((): RowOutcome => ({ success: false, errors: [rolledBack()] }))
          : await saveChunk(ctx, operation, chunk, allOrNone, transaction)),
      )
    }
    if (allOrNone && outcomes.some(({ success }) => !success)) {
      transaction.rollback(savepoint)
      outcomes = outcomes.map((outcome) =>
        outcome.success ? { success: false, errors: [rolledBack()] } : outcome,
      )
    }
  } catch (error) {
    transaction.rollback(savepoint)
    throw error
  } finally {
    if (ctx.transaction === undefined) transaction.release()
  }
  const given = chunks.flatMap(({ rows }) => rows)
  const failed = ctx.transaction !== undefined && outcomes.some(({ success }) => !success)
  return {
    // Only within an all-or-nothing composite: there the part as a whole has failed.
    status: failed ? 400 : 200,
    body: outcomes.map((outcome, n) =>
      rowResult(outcome, operation === 'upsert' ? isCreated(ctx, outcome, given[n]) : undefined),
    ),
  }
}

/**
 * Whether a row of an upsert was created, or would have been. Known from jsforce's tests against real
 * orgs: rows that failed or were rolled back also have it.
 */
const isCreated = (
  { org, params }: RestContext,
  outcome: RowOutcome,
  row: Record<string, unknown> = {},
): boolean | undefined => {
  if (outcome.success) return outcome.created
  const object = findObject(org, params['name'] ?? '')
  const name = (params['field'] ?? '').toLowerCase()
  const field = object?.fields.get(name)
  const [, key = null] = Object.entries(row).find(([each]) => each.toLowerCase() === name) ?? []
  if (object === undefined || field === undefined) return undefined
  if (field.describe.type === 'id') return key === null
  if (key === null) return undefined
  return recordStateOf(org).store.liveWith(object, field, key).length === 0
}

const saveChunk = async (
  ctx: RestContext,
  operation: SaveOperation,
  { object, rows, error }: Chunk,
  allOrNone: boolean,
  transaction: Transaction,
): Promise<RowOutcome[]> => {
  if (error !== undefined) return rows.map(() => ({ success: false, errors: [error] }))
  const { field } = ctx.params
  try {
    return await saveRecords(
      { ...saveContext(ctx), transaction },
      {
        operation,
        object,
        rows,
        ...(field === undefined ? {} : { externalIdField: field }),
        options: saveOptions(ctx, allOrNone),
      },
    )
  } catch (refused) {
    // An unknown type fails its rows; every other fault fails the request.
    if (!(refused instanceof Refusal) || findObject(ctx.org, object) !== undefined) throw refused
    if (field !== undefined || refused.fault.status === 501) throw refused
    const missing = rowError('INVALID_TYPE', `sObject type '${object}' is not supported.`)
    return rows.map(() => ({ success: false, errors: [missing] }))
  }
}

const list = ({ request }: RestContext, name: string): string[] =>
  (request.query.get(name) ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

const removeIds = async (ctx: RestContext): Promise<RestAnswer> => {
  const ids = list(ctx, 'ids')
  checkCount(ids.length)
  const prefixes = new Map(
    [...ctx.org.objects.values()].map((object) => [object.describe.keyPrefix, object.name]),
  )
  const chunks = chunksOf(
    ids.map((given) => {
      const id = toId18(given)
      return { object: (id && prefixes.get(id.slice(0, 3))) ?? `?${given}`, row: { Id: given } }
    }),
  ).map((chunk): Chunk =>
    chunk.object.startsWith('?') ? { ...chunk, error: badId(chunk) } : chunk,
  )
  return saveChunks(ctx, 'delete', chunks, ctx.request.query.get('allOrNone') === 'true')
}

const badId = ({ object }: Chunk): RowError => {
  const given = object.slice(1)
  const [error] = (
    toId18(given) === null
      ? problem('MALFORMED_ID', `malformed id ${given}`)
      : problem('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')
  ).errors
  return error ?? rowError('MALFORMED_ID', `malformed id ${given}`)
}

const retrieveBody = (ctx: RestContext): RestAnswer => {
  const { ids = [], fields = [] } = jsonBody(ctx)
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
  return retrieve(ctx, texts(ids), texts(fields))
}

/** Salesforce: null means a record that does not exist or that the user may not see. */
const retrieve = (ctx: RestContext, ids: string[], fields: string[]): RestAnswer => {
  const object = visibleObject(ctx)
  if (ids.length === 0 || fields.length === 0) {
    throw refusal(
      400,
      'REQUIRED_FIELD_MISSING',
      `At least 1 ${ids.length === 0 ? 'record' : 'field'} is required`,
    )
  }
  if (ids.length > RETRIEVE_MAX) {
    throw refusal(
      400,
      'EXCEEDED_ID_LIMIT',
      `record limit reached. cannot submit more than ${RETRIEVE_MAX} records in this operation`,
    )
  }
  const { store } = recordStateOf(ctx.org)
  return {
    status: 200,
    body: ids.map((given) => {
      const id = toId18(given)
      if (id === null) throw refusal(400, 'MALFORMED_ID', `malformed id ${given}`)
      const row = store.row(object, id)
      if (row === undefined || row['IsDeleted'] === true) return null
      return shownRecord(ctx, object, row, fields)
    }),
  }
}

const visibleObject = ({ org, viewer, params }: RestContext): SObject => {
  const name = params['name'] ?? ''
  const object = findObject(org, name)
  if (object === undefined || !viewer.seesObject(object)) {
    throw noSuchObject(name, object !== undefined)
  }
  return object
}
