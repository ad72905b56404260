// Queries, reads and describes of the Tooling API; writes are in writes.ts. Salesforce: Tooling API guide, "REST Resources".

import type { SoqlObject, SoqlSource } from '../../soql/schema.ts'
import { readField } from '../../soql/paths.ts'
import type { RestAnswer, RestContext, RestRoute } from '../rest.ts'
import { notFound } from '../../refusals.ts'
import { firstPage, followingPage } from '../query/routes.ts'
import { columnsAnswer } from '../query/columns.ts'
import type { QueryAnswer } from '../query/cursors.ts'
import { tableObject, tableSource } from '../query/tables.ts'
import { toolingTables } from './component-tables.ts'
import { writability, writeRoutes } from './writes.ts'

export const routes: RestRoute[] = [
  { method: 'GET', pattern: '/tooling/query', handler: (ctx) => query(ctx) },
  { method: 'GET', pattern: '/tooling/queryAll', handler: (ctx) => query(ctx) },
  { method: 'GET', pattern: '/tooling/query/:locator', handler: (ctx) => nextPage(ctx) },
  { method: 'GET', pattern: '/tooling/sobjects', handler: (ctx) => describeGlobal(ctx) },
  { method: 'GET', pattern: '/tooling/sobjects/:name/describe', handler: (ctx) => describe(ctx) },
  { method: 'GET', pattern: '/tooling/sobjects/:name/:id', handler: (ctx) => record(ctx) },
  ...writeRoutes,
]

const resourceOf = (ctx: RestContext) => `${ctx.base}/tooling`

const sourceOf = (ctx: RestContext): SoqlSource =>
  tableSource(toolingTables(ctx.org), resourceOf(ctx), () => new Date())

const query = (ctx: RestContext): RestAnswer => {
  const source = sourceOf(ctx)
  const columns = columnsAnswer(ctx, source)
  if (columns !== null) return columns
  const { answer, entityName } = firstPage(ctx, source, `${resourceOf(ctx)}/query`)
  return { status: 200, body: withEnvelope(answer, entityName) }
}

// Salesforce: Tooling answers carry `size`, `queryLocator` and `entityTypeName` besides the others.
function withEnvelope(answer: QueryAnswer, entityTypeName: string | null): object {
  const { records, nextRecordsUrl } = answer
  const queryLocator = nextRecordsUrl?.split('/').at(-1) ?? null
  return { size: records.length, ...answer, queryLocator, entityTypeName }
}

const nextPage = (ctx: RestContext): RestAnswer => {
  const answer = followingPage(ctx, `${resourceOf(ctx)}/query`)
  const [first] = answer.records as { attributes?: { type?: string } }[]
  return { status: 200, body: withEnvelope(answer, first?.attributes?.type ?? null) }
}

const tableOf = (ctx: RestContext) => {
  const table = toolingTables(ctx.org).get((ctx.params['name'] ?? '').toLowerCase())
  if (!table) throw notFound()
  return table
}

/** A single row with every column, FullName and Metadata among them. */
const record = (ctx: RestContext): RestAnswer => {
  const source = sourceOf(ctx)
  const object = source.object(tableOf(ctx).name)
  const row = object && source.rowById(object, ctx.params['id'] ?? '')
  if (!object || !row) throw notFound()
  const wanted = ctx.request.query.get('fields')?.split(',')
  const fields = wanted
    ? wanted.map((name) => {
        const field = object.field(name.trim())
        if (!field) throw notFound()
        return field
      })
    : object.fields()
  return {
    status: 200,
    body: {
      attributes: { type: object.name, url: object.url(row) },
      ...Object.fromEntries(fields.map((field) => [field.name, readField(field, row)])),
    },
  }
}

const describeGlobal = (ctx: RestContext): RestAnswer => {
  const sobjects = [...toolingTables(ctx.org).values()]
    .map((table) => tableObject(table, resourceOf(ctx)))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map((object) => summary(ctx, object))
  return { status: 200, body: { encoding: 'UTF-8', maxBatchSize: 200, sobjects } }
}

function summary(ctx: RestContext, object: SoqlObject): object {
  const own = `${resourceOf(ctx)}/sobjects/${object.name}`
  return {
    name: object.name,
    label: object.name,
    labelPlural: `${object.name}s`,
    custom: false,
    customSetting: false,
    ...writability(object.name),
    queryable: true,
    retrieveable: true,
    urls: { sobject: own, describe: `${own}/describe`, rowTemplate: `${own}/{ID}` },
  }
}

const describe = (ctx: RestContext): RestAnswer => {
  const object = tableObject(tableOf(ctx), resourceOf(ctx))
  const fields = object.fields().map((field) => ({
    name: field.name,
    label: field.name,
    type: field.type,
    custom: false,
    filterable: field.filterable,
    sortable: field.sortable,
    groupable: field.groupable,
    referenceTo: field.referenceTo ?? [],
    relationshipName: field.relationshipName ?? null,
  }))
  return { status: 200, body: { ...summary(ctx, object), fields } }
}
