// Speaks HTTP and decides nothing: it serves route records. The order of checks is part of the contract:
// 401, body (413, 415, malformed), 422, 403, then the handler's 404, 409 and 400.

import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify'
import { type Logger } from 'pino'
import { type Auth } from '../domain/auth/auth.ts'
import { EngineError } from '../errors.ts'
import { type InSpan } from '../tracing.ts'
import { type Admitted, admit, authorize, UNLIMITED } from './admission.ts'
import { bodyBytes, inflate, isUpload, limitReading, parseBodies } from './bodies.ts'
import { createBodyBudget, SMALL_BODY_BYTES } from './body-budget.ts'
import { registerConsole } from './console.ts'
import { registerConsoleSession } from './console-session.ts'
import { registerDocs } from './docs.ts'
import { createIdempotencyStep } from './idempotency.ts'
import { limitCallers } from './limits.ts'
import { openApiDocument } from './openapi.ts'
import { toEngineError } from './problems.ts'
import { clientErrorHandler, noEndpoint, noteMethods, renderError } from './refusals.ts'
import { createRefusedCredentials } from './refused-credentials.ts'
import { requestIdOf } from './request-id.ts'
import { logRequests } from './request-log.ts'
import { type Route } from './route.ts'
import { serve } from './serve.ts'

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
  // One of its own, whose level is not that of the whole server.
  const loggerInstance: FastifyBaseLogger = logger.child({})
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

/** A number means that this many of the nearest hops are ours. */
const trusted = (setting: false | number | string) =>
  typeof setting === 'number' ? (_address: string, hop: number) => hop < setting : setting

declare module 'fastify' {
  interface FastifyContextConfig {
    route?: Route
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
