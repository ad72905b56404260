// Query, QueryAll and their next pages, for REST and Tooling alike. Salesforce: REST API guide,
// "Query", "QueryAll" and "Query Options Header".

import { notSimulated } from '../../refusals.ts'
import { runQuery } from '../../soql/engine.ts'
import type { SoqlSource } from '../../soql/schema.ts'
import type { RestAnswer, RestContext, RestRoute } from '../rest.ts'
import { columnsAnswer } from './columns.ts'
import { batchSizeOf, cursorsOf, type QueryAnswer } from './cursors.ts'
import { refusing } from './refusals.ts'
import { orgSource } from './source.ts'

export const routes: RestRoute[] = [
  { method: 'GET', pattern: '/query', handler: (ctx) => query(ctx, 'query') },
  { method: 'GET', pattern: '/queryAll', handler: (ctx) => query(ctx, 'queryAll') },
  { method: 'GET', pattern: '/query/:locator', handler: (ctx) => nextPage(ctx, 'query') },
  { method: 'GET', pattern: '/queryAll/:locator', handler: (ctx) => nextPage(ctx, 'queryAll') },
]

const query = (ctx: RestContext, resource: 'query' | 'queryAll'): RestAnswer => {
  refuseExplain(ctx)
  const { org, viewer, base } = ctx
  const source = orgSource({ org, viewer, base, deletedToo: resource === 'queryAll' })
  return (
    columnsAnswer(ctx, source) ?? {
      status: 200,
      body: firstPage(ctx, source, `${base}/${resource}`).answer,
    }
  )
}

/** Salesforce: a query plan, `?explain=`, in place of `?q=` (REST API guide, "Get Feedback on Query Performance"). */
export const refuseExplain = ({ request }: RestContext): void => {
  if (request.query.has('explain')) throw notSimulated('the plan of a query (?explain=)')
}

const nextPage = (ctx: RestContext, resource: string): RestAnswer => ({
  status: 200,
  body: followingPage(ctx, `${ctx.base}/${resource}`),
})

/**
 * Runs the query of `?q=` and opens a cursor where it needs one. Throws refusals. The HTTP server
 * enforces the 16 KB of a URI; they do not apply to a query inside a composite.
 */
export function firstPage(
  ctx: RestContext,
  source: SoqlSource,
  resource: string,
): { answer: QueryAnswer; entityName: string } {
  const { request, org } = ctx
  const soql = request.query.get('q') ?? ''
  const cursors = cursorsOf(org)
  const batchSize = batchSizeOf(request.headers['sforce-query-options']) ?? 2000
  const paging = { resource, batchSize }
  return refusing(() => {
    const result = runQuery(source, soql, (children) => cursors.first(children, paging))
    return { answer: cursors.first(result, paging), entityName: result.entityName }
  })
}

/** The page of a locator in the path. */
export function followingPage(ctx: RestContext, resource: string): QueryAnswer {
  const { org, request, params } = ctx
  const batchSize = batchSizeOf(request.headers['sforce-query-options'])
  return refusing(() => cursorsOf(org).next(params['locator'] ?? '', resource, batchSize))
}
