// One org's own host (its My Domain): OAuth, REST and SOAP over HTTP, with the headers, the counting
// and the limits that every answer of Salesforce shows.

import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Org } from '../org/model.ts'
import { viewerOf } from '../org/visibility.ts'
import { type Dispatcher, type RestAnswer, type RestRequest, type SoapRoute } from './dispatch.ts'
import { answerOf, type Faults, type Strike } from './faults.ts'
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
  org: Org
  port?: number
  oauth: OAuthScope
  dispatcher: Dispatcher
  soap: readonly SoapRoute[]
  faults: Faults
  latency: { callMs: number; describeMs: number }
  onCall: (call: Call) => void
}

/** Salesforce: 25 requests of 20 seconds and more at once, 5 in Developer Edition and trials. */
const LONG_CALL_MS = 20_000
const longCallsMax = (org: Org) => (org.edition === 'Developer' ? 5 : 25)

const COMMON_HEADERS = {
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'none',
  'cache-control': 'no-cache,must-revalidate,max-age=0,no-store,private',
  'set-cookie': 'BrowserId=c2ltdWxhdG9y; path=/; SameSite=Lax',
}

/** Starts to listen for one org and notes its address in the org. */
export const startHost = async (options: HostOptions): Promise<FastifyInstance> => {
  const { org } = options
  const app = plainApp()
  registerOAuth(app, options.oauth)
  const running = new Set<number>()

  app.get('/services/data', (_request, reply) => reply.headers(COMMON_HEADERS).send(versionList()))
  app.all('/services/data/*', (request, reply) => rest(options, running, request, reply))
  for (const route of options.soap) {
    app.post(route.pattern, (request, reply) => soap(options, route, request, reply))
    app.post(`${route.pattern}/:org`, (request, reply) => soap(options, route, request, reply))
  }
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .type('text/html')
      .send('<html><body><h1>URL No Longer Exists</h1></body></html>'),
  )
  const address = await app.listen({ port: options.port ?? 0, host: '127.0.0.1' })
  org.instanceUrl = address
  return app
}

/** A server that takes bodies as they are and serves a path with a doubled slash at its start. */
export const plainApp = (): FastifyInstance => {
  const app = Fastify({
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    bodyLimit: 160 * 1024 * 1024,
    routerOptions: { maxParamLength: 2000 },
    // The Salesforce CLI keeps the instance URL with a slash at its end and asks for //services/….
    rewriteUrl: (request) => (request.url ?? '/').replace(/^\/{2,}/, '/'),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, text, done) => done(null, new URLSearchParams(text as string)),
  )
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, bytes, done) => {
    const raw = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes as Buffer) : bytes
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

const json = (value: unknown): RestAnswer['json'] => JSON.stringify(value)

const rest = async (
  options: HostOptions,
  running: Set<number>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const { org, faults, dispatcher } = options
  const url = new URL(request.url, 'http://host')
  const headers = headersOf(request)
  const path = decodeURI(url.pathname)
  const report = (status: number, calls: number) =>
    options.onCall({
      at: new Date().toISOString(),
      org: org.id,
      method: request.method,
      path: path + url.search,
      status,
      calls,
      userAgent: headers['user-agent'] ?? '',
    })

  const strike = faults.take(org, { method: request.method, path, query: url.searchParams })
  if (strike?.type === 'close' && strike.when === 'before') {
    report(0, 0)
    return hangUp(reply)
  }
  const live = liveSession(org, tokenOf(request))
  if (live === null) {
    return answer(
      reply,
      report,
      0,
      {
        status: 401,
        json:
          json([{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]) ?? '',
      },
      org,
      headers,
      strike,
    )
  }
  if (!org.settings.apiEnabled) {
    return answer(
      reply,
      report,
      0,
      {
        status: 403,
        json:
          json([
            {
              message: 'The REST API is not enabled for this Organization.',
              errorCode: 'API_DISABLED_FOR_ORG',
            },
          ]) ?? '',
      },
      org,
      headers,
      strike,
    )
  }
  if (org.usage.used >= org.usage.max) {
    return answer(
      reply,
      report,
      0,
      {
        status: 403,
        json:
          json([
            { message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' },
          ]) ?? '',
      },
      org,
      headers,
      strike,
    )
  }
  const now = Date.now()
  if ([...running].filter((started) => now - started >= LONG_CALL_MS).length >= longCallsMax(org)) {
    return answer(
      reply,
      report,
      0,
      {
        status: 403,
        json:
          json([
            {
              message: 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.',
              errorCode: 'REQUEST_LIMIT_EXCEEDED',
            },
          ]) ?? '',
      },
      org,
      headers,
      strike,
    )
  }

  const struck = strike === null ? null : answerOf(strike)
  let calls = 1
  org.usage.used++
  let spent = options.latency.callMs
  running.add(now)
  try {
    if (strike?.type === 'slow') spent += strike.ms
    const result =
      struck ??
      (await dispatcher.run({
        org,
        session: live.session,
        user: live.user,
        request: {
          method: request.method,
          path,
          query: url.searchParams,
          headers,
          body: bodyOf(request, headers),
        },
        spend: (ms) => {
          spent += ms
        },
        countCall: () => {
          calls++
          org.usage.used++
        },
      }))
    if (spent > 0) await sleep(spent)
    return await answer(reply, report, calls, result, org, headers, strike)
  } finally {
    running.delete(now)
  }
}

/** JSON where it says so and is such; text and bytes otherwise. */
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

const answer = async (
  reply: FastifyReply,
  report: (status: number, calls: number) => void,
  calls: number,
  result: RestAnswer,
  org: Org,
  headers: Record<string, string>,
  strike: Strike | null,
): Promise<FastifyReply> => {
  report(result.status, calls)
  const text = result.json ?? (result.body === undefined ? undefined : JSON.stringify(result.body))
  let bytes = result.bytes ?? (text === undefined ? Buffer.alloc(0) : Buffer.from(text))
  reply.code(result.status).headers({
    ...COMMON_HEADERS,
    vary: 'Accept-Encoding',
    'sforce-limit-info': `api-usage=${org.usage.used}/${org.usage.max}`,
    ...(text === undefined ? {} : { 'content-type': 'application/json;charset=UTF-8' }),
    ...result.headers,
  })
  if (strike?.type === 'close') return hangUp(reply)
  if (strike?.type === 'cut') {
    reply.hijack()
    reply.raw.writeHead(result.status, {
      'content-type': 'application/json;charset=UTF-8',
      'content-length': bytes.length + 1,
    })
    reply.raw.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () =>
      reply.raw.socket?.destroy(),
    )
    return reply
  }
  if (bytes.length > 1024 && /\bgzip\b/.test(headers['accept-encoding'] ?? '')) {
    bytes = gzipSync(bytes, { level: 1 })
    reply.header('content-encoding', 'gzip')
  }
  return reply.send(bytes.length === 0 ? undefined : bytes)
}

const soap = async (
  options: HostOptions,
  route: SoapRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const { org, faults } = options
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
  if (strike?.type === 'close') {
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
  return reply.code(result.status).type('text/xml;charset=UTF-8').send(result.body)
}
