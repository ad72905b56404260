// Each org's own host (its My Domain): OAuth, REST and SOAP over HTTP, with the headers, the counting and
// the limits of every Salesforce answer.

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gunzipSync, gzip } from 'node:zlib'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { keptByOrg } from '../org/kept.ts'
import { type Org } from '../org/model.ts'
import { viewerOf } from '../org/visibility.ts'
import { registerAsync } from './bulk/async-v1.ts'
import { Upload } from './bulk/csv.ts'
import { type Dispatcher } from './dispatch.ts'
import { registerElsewhere } from './elsewhere.ts'
import { type RestAnswer, type RestRequest, type SoapRoute } from './rest.ts'
import { invalidSession, limitExceeded, refusal, type Refusal } from '../refusals.ts'
import { answerOf, type Faults, reword, type Strike } from './faults.ts'
import { liveSession, registerOAuth, type OAuthScope } from './oauth.ts'
import { versionList } from './resources.ts'

export interface Call {
  at: string
  org: string
  method: string
  path: string
  status: number
  /** How many API calls it counted as. */
  calls: number
  userAgent: string
}

export interface HostOptions {
  oauth: (org: Org) => OAuthScope
  dispatcher: Dispatcher
  soap: readonly SoapRoute[]
  faults: Faults
  latency: { callMs: number; describeMs: number }
  onCall: (call: Call) => void
  onTraffic: () => void
}

/** One address at which an org answers. */
export interface Host {
  port: number
  close(): Promise<void>
}

export interface Hosts {
  /** Starts to listen for the org, at any free port for 0, and stores the address in the org. */
  listen(org: Org, port: number): Promise<Host>
}

/** Salesforce: 25 requests of 20 seconds and more at once, 5 in Developer Edition and trials. */
const LONG_CALL_MS = 20_000
const longCallsMax = ({ edition, settings }: Org) =>
  settings.longCallsMax ?? (edition === 'Developer' ? 5 : 25)

const COMMON_HEADERS = {
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'none',
  'cache-control': 'no-cache,must-revalidate,max-age=0,no-store,private',
  'set-cookie': 'BrowserId=c2ltdWxhdG9y; path=/; SameSite=Lax',
  vary: 'Accept-Encoding',
}

const NOTHING = Buffer.alloc(0)
const WORTH_ZIPPING = 1024
const gzipAsync = promisify(gzip)

/** Requests that an org is working on. */
const runningIn = keptByOrg(() => new Set<{ since: number }>())

/**
 * The hosts of all orgs. Each org has a port of its own; what answers there is one for all, since its routes
 * would cost each of hundreds of orgs more time and memory than the org itself.
 */
export const createHosts = async (options: HostOptions): Promise<Hosts> => {
  const arrivedAt = new WeakMap<IncomingMessage, Org>()
  const orgOf = ({ raw }: FastifyRequest): Org => {
    const org = arrivedAt.get(raw)
    if (org === undefined) throw new Error('a request that came to no org')
    return org
  }
  const app = plainApp(options.onTraffic)
  registerOAuth(app, (request) => options.oauth(orgOf(request)))
  app.setErrorHandler(unforeseen)
  // With and without the last slash, as its guide writes it both ways (REST API guide, Versions).
  for (const path of ['/services/data', '/services/data/']) {
    app.get(path, (_request, reply) => reply.headers(COMMON_HEADERS).send(versionList()))
  }
  app.all('/services/data/*', (request, reply) => rest(options, orgOf(request), request, reply))
  registerAsync(app, orgOf)
  for (const route of options.soap) {
    for (const path of [route.pattern, `${route.pattern}/:org`]) {
      app.post(path, (request, reply) => soap(options, orgOf(request), route, request, reply))
    }
  }
  registerElsewhere(app)
  await app.ready()

  return {
    listen: async (org, port) => {
      const server = createServer((request, response) => {
        arrivedAt.set(request, org)
        app.routing(request, response)
      })
      server.keepAliveTimeout = app.server.keepAliveTimeout
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      const at = (server.address() as AddressInfo).port
      org.instanceUrl = `http://127.0.0.1:${at}`
      return {
        port: at,
        close: async () => {
          const closed = once(server, 'close')
          server.close()
          server.closeAllConnections()
          await closed
        },
      }
    },
  }
}

/** An unexpected error: a fault of the simulator, in the shape that clients understand. */
const unforeseen = (error: unknown, _request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  reply.code(500).send([
    {
      message: `The simulator failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      errorCode: 'UNKNOWN_EXCEPTION',
    },
  ])

/**
 * A server that accepts bodies as they are and serves paths that start with a double slash.
 * `onTraffic` is called when a request arrives, and when its answer was sent or cut.
 */
export const plainApp = (onTraffic: () => void): FastifyInstance => {
  const app = Fastify({
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    bodyLimit: 160 * 1024 * 1024,
    routerOptions: { maxParamLength: 2000 },
    // The Salesforce CLI keeps the instance URL with a slash at its end and asks for //services/….
    rewriteUrl: (request) => (request.url ?? '/').replace(/^\/{2,}/, '/'),
  })
  app.addHook('onRequest', async (_request, reply) => {
    onTraffic()
    reply.raw.once('close', onTraffic)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, text, done) => done(null, new URLSearchParams(text as string)),
  )
  app.addContentTypeParser('text/csv', (request: FastifyRequest, payload: IncomingMessage) =>
    Upload.of(payload, request.headers['content-encoding']),
  )
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, bytes, done) => {
    const raw = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
    done(null, raw)
  })
  return app
}

const headersOf = (request: FastifyRequest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )

const tokenOf = (request: FastifyRequest): string =>
  /^(?:Bearer|OAuth) +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''

/** A call in progress; its fault decides what happens to the answer. */
interface Arrived {
  org: Org
  request: FastifyRequest
  reply: FastifyReply
  headers: Record<string, string>
  path: string
  url: URL
  strike: Strike | null
  /** API calls it counts as. */
  calls: number
  onCall: HostOptions['onCall']
}

const note = ({ org, request, path, url, calls, headers, onCall }: Arrived, status: number): void =>
  onCall({
    at: new Date().toISOString(),
    org: org.id,
    method: request.method,
    path: path + url.search,
    status,
    calls,
    userAgent: headers['user-agent'] ?? '',
  })

const rest = async (
  options: HostOptions,
  org: Org,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const { faults } = options
  const running = runningIn(org)
  const url = new URL(request.url, 'http://host')
  const path = decodeURI(url.pathname)
  const strike = faults.take(org, { method: request.method, path, query: url.searchParams })
  const headers = headersOf(request)
  const { onCall } = options
  const arrived: Arrived = { org, request, reply, headers, path, url, strike, calls: 0, onCall }
  if (strike?.type === 'close' && strike.when === 'before') {
    note(arrived, 0)
    return hangUp(reply)
  }
  const live = liveSession(org, tokenOf(request))
  if (live === null) return answer(arrived, invalidSession().fault)
  const refused = refusedBy(org, running)
  if (refused !== null) return answer(arrived, refused.fault)

  arrived.calls = 1
  org.usage.used++
  let spent = options.latency.callMs + (strike?.type === 'slow' ? strike.ms : 0)
  const call = { since: Date.now() }
  running.add(call)
  try {
    const struck = strike === null ? null : answerOf(strike)
    const result =
      struck ??
      (await options.dispatcher.run({
        org,
        session: live.session,
        user: live.user,
        request: {
          method: request.method,
          // Still encoded: a part of it may contain a slash or a percent sign.
          path: url.pathname,
          query: url.searchParams,
          headers,
          body: bodyOf(request, headers),
        },
        spend: (ms) => {
          spent += ms
        },
        countCall: () => {
          arrived.calls++
          org.usage.used++
        },
      }))
    if (spent > 0) await sleep(spent)
    return await answer(arrived, result)
  } finally {
    running.delete(call)
  }
}

/** Why the org as a whole accepts no calls now, or null. */
const refusedBy = (org: Org, running: Set<{ since: number }>): Refusal | null => {
  if (!org.settings.apiEnabled) {
    return refusal(
      403,
      'API_DISABLED_FOR_ORG',
      'The REST API is not enabled for this Organization.',
    )
  }
  if (org.usage.used >= org.usage.max) return limitExceeded('total')
  const longBefore = Date.now() - (org.settings.longCallMs ?? LONG_CALL_MS)
  let long = 0
  for (const { since } of running) if (since <= longBefore) long++
  return long >= longCallsMax(org) ? limitExceeded('concurrent') : null
}

/** JSON if it says so and is valid; text or bytes otherwise. */
const bodyOf = (request: FastifyRequest, headers: Record<string, string>): RestRequest['body'] => {
  const body = request.body
  if (!Buffer.isBuffer(body)) return body
  const type = headers['content-type'] ?? ''
  if (!type.includes('json'))
    return type.startsWith('text/') || type.includes('xml') ? body.toString('utf8') : body
  try {
    return JSON.parse(body.toString('utf8')) as unknown
  } catch {
    return body.toString('utf8')
  }
}

const hangUp = (reply: FastifyReply): FastifyReply => {
  reply.hijack()
  reply.raw.socket?.destroy()
  return reply
}

const answer = async (arrived: Arrived, result: RestAnswer): Promise<FastifyReply> => {
  const { org, reply, headers, strike } = arrived
  note(arrived, result.status)
  const text = result.json ?? (result.body === undefined ? undefined : JSON.stringify(result.body))
  const bytes = worded(strike, result, text)
  if (strike?.type === 'close') return hangUp(reply)
  if (strike?.type === 'cut') return cut(reply, result.status, bytes)
  reply.code(result.status).headers({
    ...COMMON_HEADERS,
    'sforce-limit-info': `api-usage=${org.usage.used}/${org.usage.max}`,
    ...(text === undefined ? {} : { 'content-type': 'application/json;charset=UTF-8' }),
    ...result.headers,
  })
  if (bytes.length === 0) return reply.send()
  if (bytes.length < WORTH_ZIPPING || !/\bgzip\b/.test(headers['accept-encoding'] ?? '')) {
    return reply.send(bytes)
  }
  reply.header('content-encoding', 'gzip')
  return reply.send(await gzipAsync(bytes, { level: 1 }))
}

const worded = (strike: Strike | null, { bytes }: RestAnswer, json: string | undefined): Buffer => {
  if (strike?.type !== 'reword') return bytes ?? (json === undefined ? NOTHING : Buffer.from(json))
  return bytes === undefined
    ? Buffer.from(reword(json ?? '', strike, true))
    : Buffer.from(reword(bytes.toString('utf8'), strike, false))
}

/** Promises the whole body, sends half of it and hangs up. */
const cut = (reply: FastifyReply, status: number, bytes: Buffer): FastifyReply => {
  reply.hijack()
  reply.raw.writeHead(status, {
    'content-type': 'application/json;charset=UTF-8',
    'content-length': bytes.length + 1,
  })
  reply.raw.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () =>
    reply.raw.socket?.destroy(),
  )
  return reply
}

const soap = async (
  options: HostOptions,
  org: Org,
  route: SoapRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const { faults } = options
  const path = request.url.split('?')[0] ?? ''
  const body = Buffer.isBuffer(request.body) ? request.body.toString('utf8') : ''
  let calls = 0
  const report = (status: number) =>
    options.onCall({
      at: new Date().toISOString(),
      org: org.id,
      method: 'POST',
      path: `${path}#${/<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(body)?.[1] ?? ''}`,
      status,
      calls,
      userAgent: request.headers['user-agent'] ?? '',
    })
  const strike = faults.take(org, { method: 'POST', path })
  if (strike?.type === 'close' && strike.when === 'before') {
    report(0)
    return hangUp(reply)
  }
  const struck = strike === null ? null : answerOf(strike)
  if (struck !== null) {
    report(struck.status)
    return reply
      .code(struck.status)
      .headers(struck.headers ?? {})
      .send(struck.bytes ?? JSON.stringify(struck.body))
  }
  const spent = options.latency.callMs + (strike?.type === 'slow' ? strike.ms : 0)
  if (spent > 0) await sleep(spent)
  const result = await route.handler({
    org,
    version: Number.parseFloat((request.params as { version?: string }).version ?? '0'),
    body,
    soapAction: String(request.headers.soapaction ?? ''),
    authenticate: (sessionId) => {
      const live = liveSession(org, sessionId)
      if (live === null) return null
      calls = 1
      org.usage.used++
      return { ...live, viewer: viewerOf(org, live.user) }
    },
  })
  report(result.status)
  if (strike?.type === 'close') return hangUp(reply)
  return reply.code(result.status).type('text/xml;charset=UTF-8').send(result.body)
}
