// The one way to a REST resource, from HTTP and from inside a composite: a table of routes, a context,
// an answer. Faults and the counting of API calls are also here, so that they apply to both.

import { type Org, type Session, type User } from '../org/model.ts'
import { type Transaction } from '../records/locks.ts'
import { viewerOf } from '../org/visibility.ts'
import { type Faults } from './faults.ts'
import { notFound, notSimulated, refusal, Refusal } from '../refusals.ts'
import { type RestAnswer, type RestRequest, type RestRoute } from './rest.ts'
import { unsimulated } from './unsimulated.ts'

interface Compiled {
  route: RestRoute
  parts: string[]
}

export const OLDEST_VERSION = 31
export const NEWEST_VERSION = 68

/** A table of routes that finds by method and path. Fixed parts win over named ones. */
export class RouteTable {
  readonly routes: readonly RestRoute[]
  readonly #compiled: Compiled[]

  constructor(routes: readonly RestRoute[]) {
    this.routes = routes
    this.#compiled = routes
      .map((route) => ({ route, parts: route.pattern.split('/').slice(1) }))
      .sort((a, b) => named(a.parts) - named(b.parts))
  }

  find(
    method: string,
    path: string,
  ): { route: RestRoute; params: Record<string, string> } | 'method' | null {
    const parts = path.split('/').slice(1)
    let otherMethod = false
    for (const { route, parts: pattern } of this.#compiled) {
      const params = match(pattern, parts)
      if (params === null) continue
      if (route.method === method || (route.method === 'GET' && method === 'HEAD'))
        return { route, params }
      otherMethod = true
    }
    return otherMethod ? 'method' : null
  }
}

const named = (parts: string[]) => parts.filter((part) => part.startsWith(':')).length

const match = (pattern: string[], parts: string[]): Record<string, string> | null => {
  if (pattern.length !== parts.length) return null
  const params: Record<string, string> = {}
  for (const [i, wanted] of pattern.entries()) {
    const part = parts[i] ?? ''
    if (wanted.startsWith(':')) {
      try {
        params[wanted.slice(1)] = decodeURIComponent(part)
      } catch {
        return null
      }
    } else if (wanted.toLowerCase() !== part.toLowerCase()) return null
  }
  return params
}

export interface Dispatcher {
  table: RouteTable
  /** Runs a request of an authenticated session. Never throws: refusals become answers. */
  run(options: {
    org: Org
    session: Session
    user: User
    request: RestRequest
    spend: (ms: number) => void
    countCall: () => void
    transaction?: Transaction | undefined
  }): Promise<RestAnswer>
}

const VERSIONED = /^\/services\/data\/v(\d{2,3})\.0(\/.*)?$/

export const createDispatcher = (options: {
  routes: readonly RestRoute[]
  faults: Faults
  latency: { describeMs: number; saveMs?: number }
}): Dispatcher => {
  const table = new RouteTable(options.routes)
  const run: Dispatcher['run'] = async (call) => {
    try {
      return await answer(call)
    } catch (error) {
      if (error instanceof Refusal) return error.fault
      throw error
    }
  }
  const answer: Dispatcher['run'] = async (call) => {
    const { org, session, user, request } = call
    const found = VERSIONED.exec(request.path)
    if (found === null) throw notFound()
    const version = Number(found[1])
    if (version < OLDEST_VERSION || version > NEWEST_VERSION) {
      throw version < OLDEST_VERSION
        ? refusal(410, 'GONE', 'This API version is no longer available')
        : notFound()
    }
    const below = found[2] === undefined || found[2] === '/' ? '' : found[2].replace(/\/$/, '')
    const hit = table.find(request.method, below === '' ? '/' : below)
    if (hit === null || hit === 'method') {
      const what = unsimulated(request.method, below)
      if (what !== null) throw notSimulated(what)
    }
    if (hit === null) throw notFound()
    if (hit === 'method') {
      throw refusal(
        405,
        'METHOD_NOT_ALLOWED',
        `HTTP Method '${request.method}' not allowed. Allowed are GET,HEAD,PATCH,POST,DELETE`,
      )
    }
    return hit.route.handler({
      org,
      session,
      user,
      viewer: viewerOf(org, user),
      request,
      params: hit.params,
      version,
      base: `/services/data/v${version}.0`,
      api: below.startsWith('/tooling') ? 'tooling' : 'data',
      // A fault on a path also applies to the parts of a series.
      dispatch: async (part, transaction) =>
        options.faults.answerFor(org, part) ?? (await run({ ...call, request: part, transaction })),
      transaction: call.transaction,
      spend: call.spend,
      countCall: call.countCall,
      latency: options.latency,
    })
  }
  return { table, run }
}
