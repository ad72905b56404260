// Queries, reads and describes of the Tooling API; writes are in writes.ts. Salesforce: Tooling API guide, "REST Resources".

import { isDocumentedInTooling } from '../../documented.ts'
import { findObject } from '../../org/changes.ts'
import type { SoqlSource } from '../../soql/schema.ts'
import { readField } from '../../soql/paths.ts'
import type { RestAnswer, RestContext, RestRoute } from '../rest.ts'
import { notFound, notSimulated } from '../../refusals.ts'
import { firstPage, followingPage, refuseExplain } from '../query/routes.ts'
import { columnsAnswer } from '../query/columns.ts'
import type { QueryAnswer } from '../query/cursors.ts'
import { tableSource } from '../query/tables.ts'
import { toolingTable, toolingTables } from './component-tables.ts'
import { asSeenBy } from './entity-tables.ts'
import { writeRoutes } from './writes.ts'

export const routes: RestRoute[] = [
  { method: 'GET', pattern: '/tooling/query', handler: (ctx) => query(ctx) },
  { method: 'GET', pattern: '/tooling/queryAll', handler: (ctx) => query(ctx) },
  { method: 'GET', pattern: '/tooling/query/:locator', handler: (ctx) => nextPage(ctx) },
  { method: 'GET', pattern: '/tooling/sobjects/:name/:id', handler: (ctx) => record(ctx) },
  ...writeRoutes,
]

const resourceOf = (ctx: RestContext) => `${ctx.base}/tooling`

const sourceOf = (ctx: RestContext): SoqlSource => {
  const source = tableSource(toolingTables(ctx.org), resourceOf(ctx), () => new Date())
  return {
    ...source,
    object: (name) => asSeenBy(ctx.viewer, source.object(name)),
    // Salesforce: objects of records are not in Tooling.
    unsimulated: (name) =>
      isDocumentedInTooling(name) && findObject(ctx.org, name)?.describe.layoutable !== true,
  }
}

const query = (ctx: RestContext): RestAnswer => {
  refuseExplain(ctx)
  const source = sourceOf(ctx)
  const columns = columnsAnswer(ctx, source)
  if (columns !== null) return columns
  const { answer, entityName } = firstPage(ctx, source, `${resourceOf(ctx)}/query`)
  return { status: 200, body: withEnvelope(answer, entityName) }
}

// Salesforce: Tooling answers also have `size`, `queryLocator` and `entityTypeName`.
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

/** A single row with every column, including FullName and Metadata. */
const record = (ctx: RestContext): RestAnswer => {
  const { name = '', id = '' } = ctx.params
  const table = toolingTable(ctx.org, name)
  if (id === 'describe') throw notSimulated(`the describe of the Tooling object ${table.name}`)
  const source = sourceOf(ctx)
  const object = source.object(table.name)
  const row = object && source.rowById(object, id)
  if (!object || !row || object.restrictions?.hidden) throw notFound()
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
