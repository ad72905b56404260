// A local Nango: the API that an application backend and a connecting browser use, for Salesforce
// integrations, on 127.0.0.1. It behaves as Nango's server 0.71 was observed to; coverage.ts lists the
// routes, control/ the `/_sim/*` routes that steer it.
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type ApiKey, Gatekeeper, pathOf } from './auth.ts'
import { connectionRoutes } from './connections.ts'
import { type NangoContext } from './context.ts'
import { controlRoutes } from './control/routes.ts'
import { environmentRoutes } from './environment.ts'
import { ERRORS, NangoError } from './errors.ts'
import { type FaultRule, type RefreshFaultRule, RefreshFaults, RequestFaults } from './faults.ts'
import { Journal, type JournalEntry } from './journal.ts'
import { oauthRoutes } from './oauth.ts'
import { TokenRefresher } from './refresh.ts'
import { SalesforceOAuth } from './salesforce-oauth.ts'
import { sessionRoutes } from './sessions.ts'
import { type Integration, NangoStore, type SavedStore } from './store.ts'
import { WebhookSender, type WebhookSettings } from './webhooks.ts'

export interface NangoOptions {
  /** Default 0: any free port. */
  port?: number
  /**
   * Where Salesforce's host names are answered, e.g. `login.salesforce.com` →
   * `http://127.0.0.1:41000`. Other names are called as https, loopback ones as plain http.
   */
  hosts: Record<string, string>
  /** The environment's full API key, a UUID v4. */
  secretKey: string
  /** Further API keys, with scopes. */
  extraKeys?: ApiKey[]
  webhookSigningKey: string
  webhookUrl?: string
  /**
   * Nango's environment toggles. A fresh self-hosted environment has both off; here both default to on,
   * as in an environment that was set up to send webhooks.
   */
  webhookOnCreation?: boolean
  webhookOnRefreshError?: boolean
  integrations: Integration[]
  /** Requests per minute before 429; default: the headers count, nothing is refused. */
  rateLimitPerMinute?: number
  /** What `saved` of an earlier environment returned. */
  saved?: SavedNango
  /** Called when a request arrives, and when its answer was sent or cut. */
  onTraffic?: () => void
}

/** The state of an environment as plain data. Counters and journals belong to a process. */
export interface SavedNango {
  store: SavedStore
  webhooks: WebhookSettings
  requestFaults: readonly FaultRule[]
  refreshFaults: readonly RefreshFaultRule[]
  rateLimitPerMinute: number | null
}

export interface NangoSimulator {
  url: string
  /** The registered routes as `METHOD /path`, without the control routes. */
  routes: string[]
  /** Forgets connections, sessions, attempts, faults, counters and the moved clock. */
  reset(): void
  saved(): SavedNango
  close(): Promise<void>
}

/** Starts a Nango environment with the given integrations; resolves when it listens. */
export async function startNango(options: NangoOptions): Promise<NangoSimulator> {
  const ctx = createContext(options)
  if (options.saved !== undefined) restore(ctx, options.saved)
  const app = Fastify({
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    bodyLimit: 10 * 1024 * 1024,
    routerOptions: { querystringParser: nestedQuery },
  })
  const { onTraffic } = options
  if (onTraffic !== undefined) reportTraffic(app, onTraffic)
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    const verb = Array.isArray(method) ? 'ALL' : method
    if (!isControl(url)) routes.push(`${verb} ${url}`)
  })
  parseBodies(app)
  renderErrors(app)
  keepJournal(app, ctx)
  applyFaults(app, ctx)
  sessionRoutes(app, ctx)
  oauthRoutes(app, ctx)
  connectionRoutes(app, ctx)
  environmentRoutes(app, ctx)
  controlRoutes(app, ctx)

  ctx.url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  return {
    url: ctx.url,
    routes,
    reset: () => ctx.reset(),
    saved: () => ({
      store: ctx.store.saved(),
      webhooks: ctx.webhooks.settings,
      requestFaults: ctx.requestFaults.pending,
      refreshFaults: ctx.refreshFaults.pending,
      rateLimitPerMinute: ctx.gate.rateLimitPerMinute,
    }),
    close: async () => {
      await ctx.webhooks.close()
      await app.close()
    },
  }
}

function createContext(options: NangoOptions): NangoContext {
  const store = new NangoStore(options.integrations)
  const keys: ApiKey[] = [
    { key: options.secretKey, scopes: ['environment:*'] },
    ...(options.extraKeys ?? []),
  ]
  const gate = new Gatekeeper(keys, options.rateLimitPerMinute ?? null, store)
  const webhooks = new WebhookSender({
    url: options.webhookUrl ?? null,
    signingKey: options.webhookSigningKey,
    onCreation: options.webhookOnCreation ?? true,
    onRefreshError: options.webhookOnRefreshError ?? true,
  })
  const salesforce = new SalesforceOAuth(options.hosts)
  const refreshFaults = new RefreshFaults()
  const requestFaults = new RequestFaults()
  const refresher = new TokenRefresher(store, salesforce, webhooks, refreshFaults)
  const journal = new Journal()
  return {
    url: '',
    store,
    gate,
    salesforce,
    refresher,
    webhooks,
    requestFaults,
    refreshFaults,
    journal,
    reset: () => {
      for (const part of [
        store,
        gate,
        refresher,
        webhooks,
        requestFaults,
        refreshFaults,
        journal,
      ]) {
        part.reset()
      }
    },
  }
}

function restore(ctx: NangoContext, saved: SavedNango): void {
  ctx.store.restore(saved.store)
  Object.assign(ctx.webhooks.settings, saved.webhooks)
  ctx.requestFaults.restore(saved.requestFaults)
  ctx.refreshFaults.restore(saved.refreshFaults)
  ctx.gate.rateLimitPerMinute = saved.rateLimitPerMinute
}

function reportTraffic(app: FastifyInstance, onTraffic: () => void): void {
  app.addHook('onRequest', async (_req, reply) => {
    onTraffic()
    reply.raw.once('close', onTraffic)
  })
}

/** JSON as Express reads it (an empty body is `{}`, only objects and arrays), all else as bytes. */
function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_req, body, done) => {
    try {
      const text = String(body)
      done(null, text.trim() === '' ? {} : parseStrictJson(text))
    } catch (error) {
      // Nango reads the body before it checks the key: this answer comes even without one.
      done(ERRORS.invalidJson(error instanceof Error ? error.message : String(error)))
    }
  })
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_req, body, done) => done(null, body))
}

function parseStrictJson(text: string): unknown {
  const value = JSON.parse(text) as unknown
  if (typeof value === 'object' && value !== null) return value
  throw new SyntaxError(`Unexpected token '${text.trim().charAt(0)}', ${text} is not valid JSON`)
}

/** `tags[client_id]=x` as `{ tags: { client_id: 'x' } }`, one level deep, as Express does. */
function nestedQuery(query: string): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  const nested = new Map<string, Record<string, string>>()
  for (const [name, value] of new URLSearchParams(query)) {
    const [, outer, inner] = /^([^[\]]+)\[([^[\]]+)\]$/.exec(name) ?? []
    if (outer === undefined || inner === undefined) {
      result[name] = value
      continue
    }
    const group = nested.get(outer) ?? {}
    group[inner] = value
    nested.set(outer, group)
    result[outer] = group
  }
  return result
}

function renderErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, _req, reply) => {
    const known =
      error instanceof NangoError
        ? error
        : ERRORS.serverError(error instanceof Error ? error.message : String(error))
    return reply.status(known.status).send({ error: known.body })
  })
  app.setNotFoundHandler((req, reply) => {
    const { body, status } = ERRORS.unknownRoute(req.method, pathOf(req))
    return reply.status(status).send({ error: body })
  })
}

function keepJournal(app: FastifyInstance, ctx: NangoContext): void {
  const open = new WeakMap<FastifyRequest, JournalEntry>()
  app.addHook('onRequest', async (req) => {
    if (isControl(req.url)) return
    const entry: JournalEntry = {
      at: new Date(ctx.store.now()).toISOString(),
      method: req.method,
      url: req.url,
      route: req.routeOptions.url ?? null,
      body: undefined,
      status: null,
    }
    open.set(req, entry)
    ctx.journal.record(entry)
  })
  app.addHook('preHandler', async (req) => {
    const entry = open.get(req)
    if (entry !== undefined && !Buffer.isBuffer(req.body)) entry.body = req.body
  })
  app.addHook('onResponse', async (req, reply) => {
    const entry = open.get(req)
    if (entry !== undefined) entry.status = reply.statusCode
  })
}

function applyFaults(app: FastifyInstance, ctx: NangoContext): void {
  const cutAfter = new WeakSet<FastifyRequest>()
  app.addHook('onRequest', async (req, reply) => {
    if (isControl(req.url)) return
    const fault = ctx.requestFaults.take(req.method, pathOf(req))
    if (fault === undefined) return
    if (fault.delay_ms !== undefined) await pause(fault.delay_ms)
    if (fault.close === 'before') {
      reply.hijack()
      req.raw.socket.destroy()
      return
    }
    if (fault.close === 'after') cutAfter.add(req)
    if (fault.status !== undefined) return answerFault(req, reply, ctx, fault, fault.status)
  })
  app.addHook('onSend', async (req) => {
    if (cutAfter.has(req)) req.raw.socket.destroy()
  })
}

function answerFault(
  req: FastifyRequest,
  reply: FastifyReply,
  ctx: NangoContext,
  fault: FaultRule,
  status: number,
): FastifyReply {
  const retryAfter = fault.retry_after_seconds ?? (status === 429 ? 8 : undefined)
  if (status === 429) ctx.gate.refusalHeaders(reply, retryAfter ?? 0)
  else if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  const nangosOwn =
    status === 429
      ? ERRORS.tooManyRequests(req.method, pathOf(req)).body
      : ERRORS.serverError('Internal server error').body
  return reply.status(status).send(fault.body ?? { error: nangosOwn })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function isControl(url: string): boolean {
  return url.startsWith('/_sim/')
}
