// /mcp: agents reach the API by the Model Context Protocol, streamable HTTP, without sessions; both the
// revision 2026-07-28 and those of 2025. The SDK and the tools are loaded with the first request.

import { Readable } from 'node:stream'
import { type ReadableStream } from 'node:stream/web'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
// `import type` is no import at all; `import { type … }` would load the SDK with the server (6 MB).
import type { McpHttpHandler } from '@modelcontextprotocol/server'
import { type Permission } from '../domain/auth/permissions.ts'
import { EngineError } from '../errors.ts'
import { type Api, ApiProblem, type Problem } from './api.ts'
import type { Agent } from './server.ts'

/** A push of 200 rows fits many times. */
const BODY_LIMIT_BYTES = 1024 * 1024

interface Options {
  /** Pages of these may call, beside those of this server. */
  corsOrigins: readonly string[]
}

interface Me {
  permissions: Permission[]
  auth_method: 'api_token' | 'session'
  expires_at: string | null
}

/** Serves `POST /mcp`, which does everything through the other endpoints of `app`. */
export const registerMcp = (app: FastifyInstance, { corsOrigins }: Options): void => {
  let handler: Promise<McpHttpHandler> | undefined

  const create = async (): Promise<McpHttpHandler> => {
    const [{ createMcpHandler }, { createMcpServer }] = await Promise.all([
      import('@modelcontextprotocol/server'),
      import('./server.ts'),
    ])
    return createMcpHandler(({ authInfo }) => createMcpServer(authInfo?.extra?.agent as Agent), {
      maxRequestBodySize: BODY_LIMIT_BYTES,
      onerror: (error) => app.log.debug({ err: error }, 'mcp'),
    })
  }

  app.post('/mcp', { bodyLimit: BODY_LIMIT_BYTES }, async (request, reply) => {
    requireOrigin(request, corsOrigins)
    const me = await callerOf(app, request)
    handler ??= create()
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const asked = webRequestOf(request, gone.signal)
    const agent: Agent = {
      api: apiOf(app, request, gone.signal),
      permissions: me.permissions,
      urlOf: (path) => new URL(path, originOf(request)).href,
      opensAddresses: opensAddresses(request.body),
      onFault: (error) => request.log.error({ err: error }, 'a tool failed'),
    }
    const { fetch: answerTo } = await handler
    const answer = await answerTo(asked, {
      parsedBody: request.body,
      // The SDK only passes it on; the token itself is no business of it.
      authInfo: { token: '', clientId: '', scopes: [...me.permissions], extra: { agent } },
    })
    return sendAnswer(reply, answer)
  })
  app.addHook('onClose', async () => (await handler)?.close())
}

const originOf = (request: FastifyRequest): string => `${request.protocol}://${request.host}`

/** A page in a browser may be anybody's: one that a name of its own leads to this server is refused. */
const requireOrigin = (request: FastifyRequest, allowed: readonly string[]): void => {
  const { origin } = request.headers
  if (origin === undefined || origin === originOf(request) || allowed.includes(origin)) return
  throw new EngineError('forbidden', 'Pages of this origin may not call /mcp.')
}

/**
 * What the API token, which ends by itself, may do. Throws `unauthenticated` for anything else, `rate_limited`,
 * and `unavailable`.
 */
const callerOf = async (app: FastifyInstance, request: FastifyRequest): Promise<Me> => {
  const answer = await app.inject({
    method: 'GET',
    url: '/api/auth/me',
    headers: headersOf(request),
    remoteAddress: request.ip,
  })
  const body = answer.json<Me & Problem>()
  if (answer.statusCode === 429) {
    throw new EngineError('rate_limited', body.detail, { retryAfterSeconds: body.retry_after ?? 1 })
  }
  if (answer.statusCode === 401) throw new EngineError('unauthenticated', body.detail)
  // Not 401: a host would throw its token away because the database was down for a moment.
  if (answer.statusCode !== 200) {
    throw new EngineError('unavailable', body.detail, { retryAfterSeconds: body.retry_after ?? 2 })
  }
  if (body.auth_method !== 'api_token' || body.expires_at === null) {
    throw new EngineError(
      'unauthenticated',
      'Agents need an API token that expires. Create one with /api/tokens/create and expires_at.',
    )
  }
  return body
}

/** The credential and the id of the request: inner calls are logged under it. */
const headersOf = (request: FastifyRequest): Record<string, string> => ({
  authorization: request.headers.authorization ?? '',
  'x-request-id': request.id,
})

const apiOf = (app: FastifyInstance, request: FastifyRequest, signal: AbortSignal): Api => ({
  post: async <Answer>(path: string, body: object, key?: string): Promise<Answer> => {
    const answer = await app.inject({
      method: 'POST',
      url: path,
      headers: { ...headersOf(request), ...(key === undefined ? {} : { 'idempotency-key': key }) },
      payload: body,
      remoteAddress: request.ip,
      signal,
    })
    if (answer.statusCode >= 400) throw new ApiProblem(answer.json<Problem>())
    return answer.json<Answer>()
  },
})

/** Whether the host said, as each request of the newer revision does, that it can open addresses. */
const opensAddresses = (body: unknown): boolean => {
  const capabilities = (body as { params?: { _meta?: Record<string, unknown> } } | undefined)
    ?.params?._meta?.['io.modelcontextprotocol/clientCapabilities'] as
    | { elicitation?: { url?: unknown } }
    | undefined
  return capabilities?.elicitation?.url !== undefined
}

const webRequestOf = (request: FastifyRequest, signal: AbortSignal): Request => {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    // The body is handed over as parsed; the credential is no business of the SDK.
    if (['authorization', 'content-length', 'content-encoding'].includes(name)) continue
    for (const one of [value ?? []].flat()) headers.append(name, one)
  }
  return new Request(new URL('/mcp', originOf(request)), {
    method: 'POST',
    headers,
    body: JSON.stringify(request.body),
    signal,
  })
}

const sendAnswer = (reply: FastifyReply, answer: Response): FastifyReply => {
  reply.code(answer.status)
  for (const [name, value] of answer.headers) reply.header(name, value)
  if (answer.body === null) return reply.send()
  return reply.send(Readable.fromWeb(answer.body as ReadableStream<Uint8Array>))
}
