// Composite graphs: several composites in one request, each of them all or nothing. Salesforce: REST
// API guide, "Composite Graph" and "Composite Graph Limits".

import { checkedParts, runParts, type Part } from '../composite.ts'
import { type RestAnswer, type RestContext, type RestRoute } from '../rest.ts'
import { refusal } from '../../refusals.ts'
import { jsonBody } from './write.ts'

const GRAPHS_MAX = 75
const NODES_MAX = 500
const DEPTH_MAX = 15
const KINDS_MAX = 15
/** After so many failed graphs, the rest are not tried. */
const FAILURES_MAX = 14

export const graphRoutes: RestRoute[] = [
  { method: 'POST', pattern: '/composite/graph', handler: (ctx) => graphs(ctx) },
]

interface Graph {
  graphId: string
  parts: Part[]
}

const limit = (message: string) => refusal(400, 'LIMIT_EXCEEDED', message)

const graphs = async (ctx: RestContext): Promise<RestAnswer> => {
  const all = graphsOf(jsonBody(ctx)['graphs'])
  const items: string[] = []
  let failures = 0
  for (const { graphId, parts } of all) {
    const tried = failures < FAILURES_MAX
    const { json, failed } = tried
      ? await runParts(ctx, parts, true)
      : { json: notTried(parts), failed: true }
    if (failed) failures++
    items.push(
      `{"graphId":${JSON.stringify(graphId)},"graphResponse":${json},"isSuccessful":${!failed}}`,
    )
  }
  return { status: 200, json: `{"graphs":[${items.join(',')}]}` }
}

const notTried = (parts: Part[]): string =>
  JSON.stringify({
    compositeResponse: parts.map(({ referenceId }) => ({
      body: [
        {
          errorCode: 'PROCESSING_HALTED',
          message: `The graph was not processed since ${FAILURES_MAX} other graphs of the request failed.`,
        },
      ],
      httpHeaders: {},
      httpStatusCode: 400,
      referenceId,
    })),
  })

const graphsOf = (given: unknown): Graph[] => {
  if (!Array.isArray(given) || given.length === 0) {
    throw refusal(400, 'JSON_PARSER_ERROR', 'The graphs list is required')
  }
  if (given.length > GRAPHS_MAX) throw limit(`A request has ${GRAPHS_MAX} graphs at most`)
  const seen = new Set<string>()
  const all = (given as { graphId?: unknown; compositeRequest?: unknown }[]).map((graph): Graph => {
    const { graphId } = graph
    if (typeof graphId !== 'string' || graphId === '') {
      throw refusal(400, 'JSON_PARSER_ERROR', 'Missing required field: graphId')
    }
    if (seen.has(graphId)) throw refusal(400, 'INVALID_INPUT', `Duplicate graphId: ${graphId}`)
    seen.add(graphId)
    return { graphId, parts: checkedParts(graph.compositeRequest) }
  })
  if (all.reduce((sum, { parts }) => sum + parts.length, 0) > NODES_MAX) {
    throw limit(`A request has ${NODES_MAX} nodes at most`)
  }
  for (const { graphId, parts } of all) checkShape(graphId, parts)
  return all
}

/** A node depends on those that it refers to; its kind is its operation and object. */
const checkShape = (graphId: string, parts: Part[]): void => {
  const depths = new Map<string, number>()
  const kinds = new Set<string>()
  for (const { referenceId, method, url, body } of parts) {
    const text = `${url} ${JSON.stringify(body ?? null)}`
    const above = [...text.matchAll(/@\{(\w+)[.[]/g)].map(([, name = '']) => depths.get(name) ?? 0)
    const depth = 1 + Math.max(0, ...above)
    if (depth > DEPTH_MAX) throw limit(`Graph ${graphId} is more than ${DEPTH_MAX} levels deep`)
    depths.set(referenceId, depth)
    kinds.add(`${method} ${/\/sobjects\/(\w+)/i.exec(url)?.[1] ?? url}`)
  }
  if (kinds.size > KINDS_MAX)
    throw limit(`Graph ${graphId} has more than ${KINDS_MAX} kinds of nodes`)
}
