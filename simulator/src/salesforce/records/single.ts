// Single records over REST. Salesforce: REST API guide, "sObject Basic Information", "sObject Rows"
// and "sObject Rows by External ID".

import { findObject } from '../../org/changes.ts'
import { toId18 } from '../../org/ids.ts'
import { type Field, type Row, type SObject } from '../../org/model.ts'
import { isExternalKey } from '../../records/prepare.ts'
import { saveRecords, type RowOutcome, type SaveRequest } from '../../records/save.ts'
import { recordStateOf } from '../../records/state.ts'
import { indexKey } from '../../records/store.ts'
import { type SoqlRow } from '../../soql/schema.ts'
import { type RestAnswer, type RestContext, type RestRoute } from '../rest.ts'
import { noSuchObject, notFound, notSimulated, refusal } from '../../refusals.ts'
import { setupTables } from '../query/setup-tables.ts'
import { shownRecord } from './read.ts'
import { jsonBody, rowRefusal, saveContext, saveOptions } from './write.ts'

export const recordRoutes: RestRoute[] = [
  { method: 'POST', pattern: '/sobjects/:name', handler: (ctx) => create(ctx) },
  { method: 'GET', pattern: '/sobjects/:name/:id', handler: (ctx) => read(ctx) },
  { method: 'PATCH', pattern: '/sobjects/:name/:id', handler: (ctx) => update(ctx) },
  { method: 'DELETE', pattern: '/sobjects/:name/:id', handler: (ctx) => remove(ctx) },
  { method: 'POST', pattern: '/sobjects/:name/Id', handler: (ctx) => create(ctx) },
  { method: 'GET', pattern: '/sobjects/:name/:field/:value', handler: (ctx) => readByKey(ctx) },
  { method: 'PATCH', pattern: '/sobjects/:name/:field/:value', handler: (ctx) => upsert(ctx) },
  {
    method: 'DELETE',
    pattern: '/sobjects/:name/:field/:value',
    handler: (ctx) => removeByKey(ctx),
  },
]

const objectOf = ({ org, viewer, params }: RestContext): SObject => {
  const name = params['name'] ?? ''
  const object = findObject(org, name)
  if (object === undefined || !viewer.seesObject(object)) {
    throw noSuchObject(name, object !== undefined)
  }
  return object
}

/** Saves one row; its failure fails the request. */
const saveOne = async (
  ctx: RestContext,
  request: Pick<SaveRequest, 'operation' | 'externalIdField'>,
  row: Record<string, unknown>,
): Promise<Extract<RowOutcome, { success: true }>> => {
  const [outcome] = await saveRecords(saveContext(ctx), {
    ...request,
    object: ctx.params['name'] ?? '',
    rows: [row],
    options: saveOptions(ctx, true),
  })
  if (outcome?.success === true) return outcome
  const [error] = outcome?.errors ?? []
  if (error?.matches !== undefined) throw severalMatches(ctx, error.matches)
  throw rowRefusal(outcome?.errors ?? [])
}

const severalMatches = (ctx: RestContext, ids: readonly string[]) => {
  const { name } = objectOf(ctx)
  // Salesforce: status 300, and an array of URLs in place of errors.
  const answer = refusal(300, '', '')
  answer.fault.body = ids.map((id) => `${ctx.base}/sobjects/${name}/${id}`)
  return answer
}

const create = async (ctx: RestContext): Promise<RestAnswer> => {
  const object = objectOf(ctx)
  const { id } = await saveOne(ctx, { operation: 'insert' }, jsonBody(ctx))
  return {
    status: 201,
    headers: { location: `${ctx.base}/sobjects/${object.name}/${id}` },
    body: { id, success: true, errors: [] },
  }
}

/** Below an object, but not the id of a record. */
const OBJECT_PARTS = new Set([
  'updated',
  'deleted',
  'listviews',
  'quickActions',
  'defaultValues',
  'describe',
  'relevantItems',
])

/** The record's id in the path. Throws as Salesforce does for an invalid one. */
const idOf = ({ params }: RestContext): string => {
  const given = params['id'] ?? ''
  if (OBJECT_PARTS.has(given)) throw notSimulated(`/sobjects/X/${given}`)
  const id = toId18(given)
  if (id !== null) return id
  if (/^[0-9A-Za-z]{18}$/.test(given)) throw refusal(400, 'MALFORMED_ID', `malformed id ${given}`)
  throw refusal(
    404,
    'NOT_FOUND',
    `Provided external ID field does not exist or is not accessible: ${given}`,
  )
}

/**
 * Users, profiles, permission sets … are stored as state of the org, not as records; they are read
 * alike.
 */
const setupRow = ({ org }: RestContext, name: string, id: string): SoqlRow | undefined => {
  const table = setupTables(org).get(name.toLowerCase())
  if (table === undefined) return undefined
  return [...table.rows(new Map([['id', [id]]]))].find((row) => row['Id'] === id)
}

const liveRow = (ctx: RestContext, object: SObject, id: string): Row => {
  const row = recordStateOf(ctx.org).store.row(object, id)
  if (row === undefined) throw notFound()
  if (row['IsDeleted'] === true) throw refusal(404, 'ENTITY_IS_DELETED', 'entity is deleted', [])
  return row
}

const wantedFields = ({ request }: RestContext): string[] | undefined =>
  request.query
    .get('fields')
    ?.split(',')
    .map((name) => name.trim())

const read = (ctx: RestContext): RestAnswer => {
  const object = objectOf(ctx)
  const id = idOf(ctx)
  const row = recordStateOf(ctx.org).store.row(object, id) ?? setupRow(ctx, object.name, id)
  if (row === undefined || row['IsDeleted'] === true) throw notFound()
  return { status: 200, body: shownRecord(ctx, object, row, wantedFields(ctx)) }
}

const update = async (ctx: RestContext): Promise<RestAnswer> => {
  const object = objectOf(ctx)
  const id = idOf(ctx)
  const row = liveRow(ctx, object, id)
  const body = jsonBody(ctx)
  refuseKeyInBody(body, 'Id')
  checkUnmodified(ctx, row)
  await saveOne(ctx, { operation: 'update' }, { ...body, Id: id })
  return { status: 204 }
}

const refuseKeyInBody = (body: Record<string, unknown>, key: string): void => {
  if (!Object.keys(body).some((name) => name.toLowerCase() === key.toLowerCase())) return
  throw refusal(
    400,
    'INVALID_FIELD',
    `The ${key} field should not be specified in the sobject data.`,
  )
}

/** Salesforce: REST API guide, "Conditional Request Headers". */
const checkUnmodified = ({ request }: RestContext, row: Row): void => {
  const since = Date.parse(request.headers['if-unmodified-since'] ?? '')
  if (Number.isNaN(since) || typeof row['LastModifiedDate'] !== 'string') return
  if (Date.parse(row['LastModifiedDate'].replace(/\+0000$/, 'Z')) <= since) return
  const answer = refusal(412, '', '')
  answer.fault.body = undefined
  throw answer
}

const remove = async (ctx: RestContext): Promise<RestAnswer> => {
  const object = objectOf(ctx)
  const id = idOf(ctx)
  liveRow(ctx, object, id)
  await saveOne(ctx, { operation: 'delete' }, { Id: id })
  return { status: 204 }
}

/** The field in the path by which records are found. */
const keyOf = (ctx: RestContext, object: SObject): Field => {
  const name = ctx.params['field'] ?? ''
  if (OBJECT_PARTS.has(name)) throw notSimulated(`/sobjects/X/${name}/…`)
  if (toId18(name) !== null) throw notSimulated("a record's relationship by its friendly URL")
  const field = object.fields.get(name.toLowerCase())
  if (field !== undefined && ctx.viewer.seesField(object, field) && isExternalKey(field)) {
    return field
  }
  throw refusal(
    404,
    'NOT_FOUND',
    `Provided external ID field does not exist or is not accessible: ${name}`,
  )
}

/** The one live record with the path's value. Throws 404 for none and 300 for several. */
const rowByKey = (ctx: RestContext, object: SObject): Row => {
  const field = keyOf(ctx, object)
  const value = ctx.params['value'] ?? ''
  const { store } = recordStateOf(ctx.org)
  if (field.describe.type === 'id') return liveRow(ctx, object, toId18(value) ?? '')
  const found = store
    .liveWith(object, field, indexKey(value))
    .filter((row) => !field.describe.caseSensitive || row[field.describe.name] === value)
  const [row] = found
  if (row === undefined) throw notFound()
  if (found.length > 1)
    throw severalMatches(
      ctx,
      found.map(({ Id }) => Id),
    )
  return row
}

const readByKey = (ctx: RestContext): RestAnswer => {
  const object = objectOf(ctx)
  const row = rowByKey(ctx, object)
  return { status: 200, body: shownRecord(ctx, object, row, wantedFields(ctx)) }
}

const upsert = async (ctx: RestContext): Promise<RestAnswer> => {
  const object = objectOf(ctx)
  const field = keyOf(ctx, object)
  const body = jsonBody(ctx)
  refuseKeyInBody(body, field.describe.name)
  // Salesforce: `?updateOnly=true` creates no record.
  if (ctx.request.query.get('updateOnly') === 'true') rowByKey(ctx, object)
  const { name } = field.describe
  const { id, created } = await saveOne(
    ctx,
    { operation: 'upsert', externalIdField: name },
    { ...body, [name]: keyValue(field, ctx.params['value'] ?? '') },
  )
  if (!created && ctx.version < 46) return { status: 204 }
  return {
    status: created ? 201 : 200,
    headers: created ? { location: `${ctx.base}/sobjects/${object.name}/${id}` } : {},
    body: { id, success: true, errors: [], created },
  }
}

const keyValue = ({ describe }: Field, text: string): unknown =>
  ['int', 'double'].includes(describe.type) && Number.isFinite(Number(text)) ? Number(text) : text

const removeByKey = async (ctx: RestContext): Promise<RestAnswer> => {
  const object = objectOf(ctx)
  const row = rowByKey(ctx, object)
  await saveOne(ctx, { operation: 'delete' }, { Id: row.Id })
  return { status: 204 }
}
