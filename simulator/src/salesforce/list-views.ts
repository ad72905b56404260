// The list views of an object. Salesforce: REST API guide, "List Views". Their contents and the queries
// behind them (`describe`, `results`) are not simulated.

import { findObject } from '../org/changes.ts'
import { notFound } from '../refusals.ts'
import type { RestAnswer, RestContext, RestRoute } from './rest.ts'

export const listViewRoutes: RestRoute[] = [
  { method: 'GET', pattern: '/sobjects/:name/listviews', handler: (ctx) => listViews(ctx) },
]

const PAGE = 25
const PAGE_MAX = 2_000

function listViews({ org, params, base, request }: RestContext): RestAnswer {
  const object = findObject(org, params['name'] ?? '')
  if (object === undefined) throw notFound()
  const own = `${base}/sobjects/${object.name}/listviews`
  const limit = Math.min(Number(request.query.get('limit') ?? PAGE), PAGE_MAX)
  const offset = Number(request.query.get('offset') ?? 0)
  const shown = object.parts.listViews.slice(offset, offset + limit)
  const more = offset + shown.length < object.parts.listViews.length
  return {
    status: 200,
    body: {
      done: !more,
      listviews: shown.map((view) => ({
        describeUrl: `${own}/${view.id}/describe`,
        developerName: view.name,
        id: view.id,
        label: view.label,
        resultsUrl: `${own}/${view.id}/results`,
        soqlCompatible: true,
        url: `${own}/${view.id}`,
      })),
      nextRecordsUrl: more ? `${own}?limit=${limit}&offset=${offset + limit}` : null,
      size: shown.length,
      sobjectType: object.name,
    },
  }
}
