// Speaks HTTP and decides nothing: it serves route records. The order of checks is part of the contract:
// 401, body (413, 415, malformed), 422, 403, then the handler's 404, 409 and 400.

import { type Socket } from 'node:net'
import { finished, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  type RequestPayload,
} from 'fastify'
import { type Logger } from 'pino'
import { type Auth, type Identity } from '../domain/auth/auth.ts'
import { type Caller, type IdempotencyClaim } from '../domain/caller.ts'
import { EngineError, isExpected } from '../errors.ts'
import { clip } from '../text.ts'
import { type InSpan } from '../tracing.ts'
import { createIdempotencyStep, type IdempotencyStep } from './idempotency.ts'
import { mayHoldInexact, parseExactly } from '../exact-json.ts'
import { createBodyBudget, SMALL_BODY_BYTES } from './body-budget.ts'
import { checked, checkedWithRows, refuseInexact } from './checked.ts'
import { registerConsole } from './console.ts'
import { consoleSessionOf, registerConsoleSession } from './console-session.ts'
import { readJsonBody } from './json-body.ts'
import { limitCallers } from './limits.ts'
import { openLines } from './lines.ts'
import { problemOf, toEngineError } from './problems.ts'
import { registerDocs } from './docs.ts'
import { sendReply } from './reply.ts'
import { createRefusedCredentials, type RefusedCredentials } from './refused-credentials.ts'
import { requestIdOf } from './request-id.ts'
import { logRequests, noteAnswer, noteNamed, noteRefusal } from './request-log.ts'
import { openApiDocument } from './openapi.ts'
import { type RequestContext, type Route } from './route.ts'

// Not imported: an import of node:http also loads the HTTP client behind its WebSocket (60 ms, 14 MB).
const { STATUS_CODES } = process.getBuiltinModule('node:http')

/** How long requests that are under way at the shutdown may take; then they are answered with 503. */
export const FINISH_REQUESTS_MS = 10_000

export const BODY_LIMIT_BYTES = SMALL_BODY_BYTES

interface Options {
  routes: Route[]
  auth: Auth
  idempotency: Parameters<typeof createIdempotencyStep>[0]
  logger: Logger
  corsOrigins: string[]
  rateLimitPerMinute: number
  trustProxy: false | number | string
  onRequestDone: (event: { route: string; status: number; seconds: number }) => void
  /** Around the work of each request. */
  inSpan: InSpan
}

/** What is known about a request once its credential was checked. */
interface Admitted {
  identity: Identity | null
  claim: IdempotencyClaim | null
}

type AdmittedRequests = WeakMap<FastifyRequest, Admitted>

export const createApp = async (options: Options): Promise<FastifyInstance> => {
  const app = bareApp(options)
  const admitted: AdmittedRequests = new WeakMap()
  const inTime = endInOrder(app)
  limitReading(app)
  warnOfProxy(app, options)
  logRequests(app, (request) => admitted.get(request)?.identity ?? null, options.onRequestDone)
  await limitCallers(app, options, (request) => admitted.get(request)?.identity ?? null)
  parseBodies(app)
  app.setErrorHandler(renderError)
  const methodsOf = noteMethods(app)
  app.setNotFoundHandler((request, reply) =>
    renderError(noEndpoint(methodsOf, request, reply), request, reply),
  )
  registerDocs(app, () => openApiDocument(options.routes))
  registerConsole(app)
  registerConsoleSession(app, options.auth)
  const idempotency = createIdempotencyStep(options.idempotency)
  const reserve = createBodyBudget()
  const limited = options.rateLimitPerMinute > 0 ? createRefusedCredentials() : UNLIMITED
  for (const route of options.routes) {
    app.route({
      method: route.method,
      url: route.path,
      bodyLimit: route.bodyLimitBytes ?? BODY_LIMIT_BYTES,
      config: { route },
      onRequest: async (request, reply) => {
        const found = await admit(route, options.auth, limited, request)
        admitted.set(request, found)
        const most = route.bodyLimitBytes ?? BODY_LIMIT_BYTES
        if (most <= SMALL_BODY_BYTES) return
        // A large body is not even read if the caller may not send it, or if there is no room for it.
        authorize(route, found.identity)
        if (!isUpload(request)) reply.raw.once('close', reserve(bodyBytes(request, most)))
      },
      preParsing: async (request, _reply, payload) => inflate(route, request, payload),
      handler: (request, reply) =>
        inTime((gone) =>
          traced(route, request, reply, options.inSpan, () =>
            serve(
              route,
              request,
              reply,
              gone,
              admitted.get(request) ?? { identity: null, claim: null },
              idempotency,
            ),
          ),
        ),
    })
  }
  return app
}

/**
 * Bodies are checked in `serve`, with our own words, and answers are cut to their schema in `sendReply`.
 * Without these, Fastify would load compilers of its own: a hundred modules. (Its type asks for Ajv's.)
 */
const NO_COMPILERS = {
  compilersFactory: {
    buildValidator: () => () => () => true,
    buildSerializer: () => () => (value: unknown) => JSON.stringify(value),
  },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

const bareApp = ({ logger, trustProxy }: Options): FastifyInstance => {
  const loggerInstance: FastifyBaseLogger = logger
  const app = Fastify({
    loggerInstance,
    // Our own lines say more than "incoming request" and never a query string.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'request_id',
    }),
    genReqId: requestIdOf,
    requestIdHeader: false,
    trustProxy: trusted(trustProxy),
    bodyLimit: BODY_LIMIT_BYTES,
    // Slow clients: the head must arrive within 20 s; the whole request within 120 s, see below.
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 20_000 },
    return503OnClosing: false, // `endInOrder` answers it as a problem
    exposeHeadRoutes: true, // monitors ask for /health with HEAD
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 200 },
    schemaController: NO_COMPILERS,
    frameworkErrors: (error, request, reply) => {
      void renderError(error, request, reply)
    },
    clientErrorHandler,
  })
  // Node would answer an unknown Expect with a bare 417; ignoring it is also allowed (RFC 9110, 10.1.1).
  app.server.on('checkExpectation', (request, response) => {
    app.server.emit('request', request, response)
  })
  return app
}

type InTime = <T>(work: (gone: AbortController) => Promise<T>) => Promise<T>

/**
 * While the server shuts down, nothing new is started, no connection is kept, and a request that does
 * not finish in time gets an answer and is never cut off. Returns a function that runs work within that
 * time, and aborts its controller when the time is over.
 */
const endInOrder = (app: FastifyInstance): InTime => {
  let closing = false
  const unfinished = new Set<(reason: EngineError) => void>()
  app.addHook('preClose', async () => {
    closing = true
    setTimeout(() => {
      const reason = new EngineError(
        'unavailable',
        'This server shut down before it could answer. Accepted work continues; repeat with the same Idempotency-Key.',
        { retryAfterSeconds: 2 },
      )
      for (const giveUp of unfinished) giveUp(reason)
    }, FINISH_REQUESTS_MS).unref()
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
    // Responses contain a tenant's data and sometimes a secret: no cache on the way may store them.
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
    if (closing) {
      reply.header('connection', 'close')
      throw new EngineError('unavailable', 'This server is shutting down.', {
        retryAfterSeconds: 2,
      })
    }
  })
  app.addHook('onSend', async (_request, reply) => {
    // A keep-alive connection would hold up the shutdown until its client closes it.
    if (closing) reply.header('connection', 'close')
  })
  return (work) =>
    new Promise((resolve, reject) => {
      const gone = new AbortController()
      const giveUp = (reason: EngineError) => {
        reject(reason)
        gone.abort()
      }
      unfinished.add(giveUp)
      work(gone)
        .then(resolve, reject)
        .finally(() => unfinished.delete(giveUp))
    })
}

/** A request has to arrive completely, with its body, within a time limit. */
const limitReading = (app: FastifyInstance): void => {
  app.addHook('onRequest', async (request, reply) => {
    if (isUpload(request)) return // read with a time limit of its own
    const timer = setTimeout(() => {
      if (request.raw.complete) return
      if (reply.raw.headersSent) request.raw.socket.destroy()
      else app.server.emit('clientError', requestTimeout(), request.raw.socket)
    }, REQUEST_MS)
    reply.raw.once('close', () => clearTimeout(timer))
  })
}

/**
 * Logged once if a proxy seems to be in front but is not configured: then all callers have its address,
 * and fifty failed logins of one of them lock everybody out.
 */
const warnOfProxy = (app: FastifyInstance, { trustProxy, logger }: Options): void => {
  let isSaid = trustProxy !== false
  app.addHook('onRequest', async ({ headers }) => {
    if (isSaid || headers['x-forwarded-for'] === undefined) return
    isSaid = true
    logger.warn(
      'A request carries X-Forwarded-For, which is ignored. If a proxy is in front, set ' +
        'TRUST_PROXY to the number of proxies; otherwise the limit on failed logins counts all ' +
        'callers as one.',
    )
  })
}

/** JSON in UTF-8, and uploads of lines on routes that accept them; nothing else. */
const parseBodies = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      const { rawBody = false, rows } = request.routeOptions.config.route ?? {}
      if (rawBody) return bytes
      return readJsonBody(bytes, {
        rows,
        parse: (text) => {
          let parsed: { error: Error | null; value: unknown } | undefined
          void parseJson(request, text, (error, value) => {
            parsed = { error, value }
          })
          if (parsed?.error) throw parsed.error
          return mayHoldInexact(text) ? parseExactly(text) : parsed?.value
        },
      })
    },
  )
  // Not read here: the route reads it while it arrives.
  app.addContentTypeParser(LINES_TYPE, (request, payload, done) => {
    if (request.routeOptions.config.route?.lines !== undefined) done(null, payload)
    else done(new EngineError('unsupported_media_type', 'The body must be application/json.'))
  })
}

/** The body before gzip. Fastify applies the limit to the inflated bytes, as documented. */
const inflate = (
  route: Route,
  request: FastifyRequest,
  payload: RequestPayload,
): RequestPayload => {
  if (route.body === undefined && route.rawBody !== true) return payload
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return payload
  if (encoding !== 'gzip') {
    throw new EngineError('unsupported_media_type', 'Content-Encoding may be gzip or absent.')
  }
  const inflated = createGunzip()
  // pipe() does not notify its target when the client goes away in the middle.
  finished(payload, (cut) => {
    if (cut) inflated.destroy(cut)
  })
  inflated.on('error', () => undefined) // after a 413 nobody else still listens
  delete request.headers['content-length']
  return payload.pipe(inflated)
}

const LINES_TYPE = 'application/x-ndjson'
const REQUEST_MS = 120_000

const isUpload = (request: FastifyRequest): boolean =>
  request.routeOptions.config.route?.lines !== undefined &&
  (request.headers['content-type'] ?? '').toLowerCase().startsWith(LINES_TYPE)

/** How large the body may become: its Content-Length, unless it is compressed or has none. */
const bodyBytes = ({ headers }: FastifyRequest, most: number): number => {
  const told = Number(headers['content-length'] ?? most)
  return headers['content-encoding'] === undefined ? Math.min(told, most) : most
}

/** In the form of Node's own error, for the handler of what never became a request. */
const requestTimeout = (): Error =>
  Object.assign(new Error('the request did not arrive in time'), {
    code: 'ERR_HTTP_REQUEST_TIMEOUT',
  })

/** A number means that this many of the nearest hops are ours. */
const trusted = (setting: false | number | string) =>
  typeof setting === 'number' ? (_address: string, hop: number) => hop < setting : setting

declare module 'fastify' {
  interface FastifyContextConfig {
    route?: Route
  }
}

/** With RATE_LIMIT_PER_MINUTE=0. */
const UNLIMITED: RefusedCredentials = { admit: (_token, _address, look) => look() }

const admit = async (
  route: Route,
  auth: Auth,
  refused: RefusedCredentials,
  request: FastifyRequest,
): Promise<Admitted> => {
  const admittedAs = (identity: Identity | null): Admitted => ({ identity, claim: null })
  if (route.access === 'public') return admittedAs(null)
  const given = credentialOf(request)
  if (given !== null) {
    const { token, isCookie } = given
    const found = await refused.admit(token, request.ip, async () => {
      if (route.access === 'super_admin') {
        return !isCookie && auth.isSuperAdmin(token) ? admittedAs(null) : null
      }
      const identity = await auth.authenticate(token)
      if (identity === null || (isCookie && identity.credential.type !== 'session')) return null
      return admittedAs(identity)
    })
    if (found !== null) return found
  }
  throw new EngineError('unauthenticated', 'Send a valid credential as Authorization: Bearer.')
}

const BEARER = /^Bearer +([\x21-\x7e]{1,4096})$/i

const bearerOf = (request: FastifyRequest): string | null =>
  BEARER.exec(request.headers.authorization ?? '')?.[1] ?? null

/** The token of the header, and only where there is no such header, the session of the console's page. */
const credentialOf = (request: FastifyRequest): { token: string; isCookie: boolean } | null => {
  const isCookie = request.headers.authorization === undefined
  const token = isCookie ? consoleSessionOf(request) : bearerOf(request)
  return token === null ? null : { token, isCookie }
}

const authorize = (route: Route, identity: Identity | null): void => {
  if (route.access === 'public' || route.access === 'super_admin' || route.access === 'any') return
  if (identity?.permissions.includes(route.access) !== true) {
    throw new EngineError('forbidden', `This needs the permission ${route.access}.`)
  }
}

/** Runs the request in its span, which has the names of OpenTelemetry's conventions for HTTP. */
const traced = (
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  inSpan: InSpan,
  work: () => Promise<FastifyReply>,
): Promise<FastifyReply> =>
  inSpan(
    {
      name: `${route.method} ${route.path}`,
      of: 'request',
      attributes: {
        'http.request.method': route.method,
        'http.route': route.path,
        request_id: request.id,
      },
    },
    async (note) => {
      try {
        const sent = await work()
        note({ 'http.response.status_code': reply.statusCode })
        return sent
      } catch (error) {
        note({ 'http.response.status_code': toEngineError(error).status })
        throw error
      }
    },
  )

const serve = async (
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  gone: AbortController,
  { identity }: Admitted,
  idempotency: IdempotencyStep,
): Promise<FastifyReply> => {
  const upload = await openUpload(route, request, reply)
  const given = upload === null ? await checkedBody(route, request) : upload.envelope
  noteNamed(request, given)
  authorize(route, identity)
  const { body, approvalId } = withoutApproval(route, given)

  const onClose = () => {
    if (!reply.raw.writableFinished) gone.abort()
  }
  reply.raw.once('close', onClose)
  const context: RequestContext = {
    requestId: request.id,
    address: request.ip,
    headers: request.headers,
    signal: gone.signal,
  }
  const callerWith = (claim: IdempotencyClaim | null): unknown => {
    if (route.access === 'public') return null
    if (identity === null) return { requestId: request.id, idempotency: claim }
    const caller: Caller = {
      ...identity,
      requestId: request.id,
      idempotency: claim,
      ...(approvalId === undefined ? {} : { approvalId }),
    }
    return caller
  }
  if (approvalId !== undefined && identity?.mustAsk !== true) {
    throw new EngineError(
      'bad_request',
      'This credential needs no approvals. Leave approval_id out.',
    )
  }
  const result = await (upload === null
    ? idempotency.run(route, request, body, callerWith, (caller) =>
        route.handle({ caller, body, context }),
      )
    : idempotency.run(
        route,
        request,
        body,
        callerWith,
        (caller) => upload.handle({ caller, envelope: body, context }),
        upload.matches,
      ))
  noteAnswer(request, result.status, result.body)
  return sendReply(route, reply, result)
}

/** The approval is the caller's; it is no part of what the caller asks for, nor of what a key is bound to. */
const withoutApproval = (route: Route, given: unknown): { body: unknown; approvalId?: string } => {
  if (route.approvable !== true) return { body: given }
  const { approval_id: approvalId, ...body } = given as { approval_id?: string }
  return approvalId === undefined ? { body } : { body, approvalId }
}

/** The lines of an upload after its checked first one; null for any other request. */
const openUpload = async (route: Route, request: FastifyRequest, reply: FastifyReply) => {
  const spec = route.lines
  if (spec === undefined || !(request.body instanceof Readable)) return null
  // The rest of a refused upload is not awaited.
  reply.header('connection', 'close')
  const { first, rest } = await openLines(request.body, spec)
  if (first === null) {
    throw new EngineError('invalid_json', 'The body is empty; its first line must be the envelope.')
  }
  const envelope = checked(spec.envelope, first.value)
  return {
    envelope,
    handle: (input: { caller: unknown; envelope: unknown; context: RequestContext }) =>
      spec.handle({ ...input, lines: rest }),
    matches: (caller: unknown, resourceId: string) => spec.matches(caller, resourceId, rest),
  }
}

const checkedBody = async (route: Route, request: FastifyRequest): Promise<unknown> => {
  if (route.rawBody === true) return request.body ?? Buffer.alloc(0)
  if (route.body === undefined) return undefined
  if (route.exactNumbers !== true) refuseInexact(request.body)
  return route.rows === undefined
    ? checked(route.body, request.body)
    : checkedWithRows(route.body, request.body, route.rows)
}

/** The methods of each path, as routes are added from now on. */
const noteMethods = (app: FastifyInstance): ReadonlyMap<string, readonly string[]> => {
  const methods = new Map<string, string[]>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? []
    methods.set(url, [...new Set([...known, ...[method].flat()])].sort())
  })
  return methods
}

/** Says whether no endpoint has the path, or only the method is wrong. */
const noEndpoint = (
  methodsOf: ReadonlyMap<string, readonly string[]>,
  request: FastifyRequest,
  reply: FastifyReply,
): EngineError => {
  const path = pathOf(request)
  const allowed = methodsOf.get(path) ?? []
  if (allowed.length === 0 || allowed.includes(request.method)) {
    return new EngineError('not_found', `There is no endpoint ${request.method} ${path}.`)
  }
  reply.header('allow', allowed.join(', '))
  return new EngineError(
    'method_not_allowed',
    `${path} does not take ${request.method}. Use ${allowed.join(' or ')}.`,
  )
}

const pathOf = (request: FastifyRequest): string => clip(request.url.split('?')[0] ?? '', 200)

/** What was being done for a caller who is gone was broken off; the line of the request says so. */
const hasHungUp = (thrown: unknown, reply: FastifyReply): boolean =>
  thrown instanceof Error && thrown.name === 'AbortError' && reply.raw.destroyed

const renderError = (
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const error = toEngineError(thrown)
  noteRefusal(request, error)
  const isFault = !isExpected(error) && !hasHungUp(thrown, reply)
  if (isFault) request.log.error({ err: error.cause ?? error }, 'request failed')
  reply.header('x-request-id', request.id) // for a path that cannot be read, no hook runs
  if (error.status === 401) reply.header('www-authenticate', 'Bearer')
  if (error.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(error.retryAfterSeconds))
  }
  return reply
    .code(error.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problemOf(error, request.id))
}

/** What never became a request (bad bytes, a head too large) is still answered as a problem. */
function clientErrorHandler(
  this: FastifyInstance,
  error: Error & { code?: string },
  socket: Socket,
) {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, detail] = UNREADABLE[error.code ?? ''] ?? [400, 'This is not HTTP.']
  const requestId = requestIdOf({ headers: {} })
  const problem = { ...problemOf(new EngineError('bad_request', detail), requestId), status }
  const body = JSON.stringify(problem)
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `x-request-id: ${requestId}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}

/** Node's codes for requests that it could not read, with our status and words. */
const UNREADABLE: Readonly<Record<string, [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The head of the request is too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
}
