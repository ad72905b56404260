// The entry: an object whose members are the resources of the API.

import {
  type Connection,
  type ConnectionsCallbackRequest,
  ENDPOINTS,
  type ErrorCode,
  Resources,
} from './contract.ts'
import {
  type CallOptions,
  type Endpoint,
  type Operation,
  type PendingOperation,
  type Rows,
  type OperationKind,
  type WorkReference,
} from './calls.ts'
import { pause } from './clock.ts'
import { ApiError } from './errors.ts'
import { type EngineOptions, Http } from './http.ts'
import { linesPayload } from './lines.ts'
import { findWork, pending, ServerWork, type WorkResources } from './operation.ts'
import { linesOf, pagesOf } from './pages.ts'
import { jsonPayload, type Payload } from './payload.ts'

type Body = Readonly<Record<string, unknown>> & {
  readonly wait_seconds?: number
  readonly limit?: number
  readonly cursor?: string
}

/** More rows than this go as lines: they need not be in memory twice, and the server takes more of them. */
const ROWS_IN_A_BODY = 2_000
/** Short work ends within the call; of longer work the id is known soon. */
const WAIT_SECONDS = 1
const WAIT_SECONDS_OF_SERVER = 25
/** The link of a connect session is open for so long. */
const CONSENT_MS = 35 * 60_000
const CONSENT_LOOK_MS = 2_000
const NOT_YET: ErrorCode = 'connection_not_ready'

/**
 * A client of one server with one credential. It holds no connection and no state: make as many as you
 * like. Throws TypeError for a `baseUrl` that would give the token away.
 */
export class SfdcEngine extends Resources {
  readonly #http: Http

  constructor(options: EngineOptions) {
    super()
    this.#http = new Http(options)
    for (const [group, verbs] of Object.entries(ENDPOINTS)) {
      const methods = Object.entries(verbs as Record<string, Endpoint>).map(
        ([verb, endpoint]) => [verb, methodOf(this.#http, endpoint)] as const,
      )
      Object.assign(this, { [group]: Object.freeze(Object.fromEntries(methods)) })
    }
  }

  /** Finds work again that was begun earlier, by whomever. */
  operation<Kind extends OperationKind>(
    work: WorkReference & { readonly kind: Kind },
    options?: { signal?: AbortSignal },
  ): PendingOperation<WorkResources[Kind]> {
    return pending(findWork(this.#http, work, options) as Promise<Operation<WorkResources[Kind]>>)
  }

  /**
   * Waits until somebody has opened the link of `connections.create` and allowed the access, and accepts
   * the connection. Throws what `connections.callback` last threw (ConflictError
   * `connection_not_ready`) at the end of `timeout`, in milliseconds; without one, after 35 minutes, as
   * long as the link is open.
   */
  async connected(
    body: ConnectionsCallbackRequest,
    { signal, timeout = CONSENT_MS }: { signal?: AbortSignal; timeout?: number } = {},
  ): Promise<Connection> {
    const until = Date.now() + timeout
    for (;;) {
      try {
        return await this.connections.callback(body, { signal })
      } catch (error) {
        const isOpen = error instanceof ApiError && error.code === NOT_YET
        if (!isOpen || Date.now() > until) throw error
      }
      await pause(CONSENT_LOOK_MS, signal)
    }
  }

  /**
   * Calls any endpoint by its path, e.g. one that is newer than this library: POST with a body, else GET.
   * Retried as if a repetition could do harm, unless `idempotencyKey` is given.
   */
  call(path: `/${string}`, body?: unknown, options: CallOptions = {}): Promise<unknown> {
    const known = Object.values(ENDPOINTS)
      .flatMap((verbs) => Object.values(verbs as Record<string, Endpoint>))
      .find((endpoint) => endpoint.path === path)
    const endpoint: Endpoint = known ?? {
      path,
      method: body === undefined ? 'GET' : 'POST',
      ...(options.idempotencyKey === undefined ? {} : { key: true }),
    }
    return this.#http.json({
      endpoint,
      ...(endpoint.method === 'GET' ? {} : { payload: jsonPayload(body) }),
      ...timing(body),
      options,
    })
  }
}

const methodOf =
  (http: Http, endpoint: Endpoint) =>
  (...given: unknown[]): unknown => {
    const [body, options] = (endpoint.bare === true ? [undefined, ...given] : given) as [
      Body?,
      CallOptions?,
    ]
    if (endpoint.list !== undefined) return pagesOf(http, endpoint, body, options)
    if (endpoint.lines === true) return linesOf(http, endpoint, body, options)
    if (endpoint.work !== undefined) return beginWork(http, endpoint, body, options)
    return http.json({
      endpoint,
      ...(endpoint.method === 'GET' ? {} : { payload: jsonPayload(body) }),
      options,
    })
  }

const timing = (body: unknown) => ({
  waitMs: ((body as Body | undefined)?.wait_seconds ?? WAIT_SECONDS_OF_SERVER) * 1_000,
})

const beginWork = (
  http: Http,
  endpoint: Endpoint,
  given: Body = {},
  options?: CallOptions,
): PendingOperation<unknown> => {
  const body: Body = { wait_seconds: WAIT_SECONDS, ...given }
  const call = {
    endpoint,
    payload: payloadOf(endpoint, body),
    ...timing(body),
    options,
  }
  return pending(
    http.json(call).then((state) => new ServerWork(http, endpoint.work ?? 'push', state)),
  )
}

const payloadOf = ({ rows: member }: Endpoint, body: Body): Payload => {
  if (member === undefined) return jsonPayload(body)
  const { [member]: rows, ...envelope } = body
  if (rows === undefined || (Array.isArray(rows) && rows.length <= ROWS_IN_A_BODY)) {
    return jsonPayload(body)
  }
  return linesPayload(envelope, rows as Rows<unknown>)
}
