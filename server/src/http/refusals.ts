// What is refused, as problems: errors of handlers, paths that do not exist, bytes that are no request.

import { type Socket } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { EngineError, isExpected } from '../errors.ts'
import { clip } from '../text.ts'
import { readRest } from './bodies.ts'
import { problemOf, toEngineError } from './problems.ts'
import { requestIdOf } from './request-id.ts'
import { noteRefusal } from './request-log.ts'

// Not imported: an import of node:http also loads the HTTP client behind its WebSocket (60 ms, 14 MB).
const { STATUS_CODES } = process.getBuiltinModule('node:http')

/** The methods of each path, as routes are added from now on. */
export const noteMethods = (app: FastifyInstance): ReadonlyMap<string, readonly string[]> => {
  const methods = new Map<string, string[]>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? []
    methods.set(url, [...new Set([...known, ...[method].flat()])].sort())
  })
  return methods
}

/** Says whether no endpoint has the path, or only the method is wrong. */
export const noEndpoint = (
  methodsOf: ReadonlyMap<string, readonly string[]>,
  request: FastifyRequest,
  reply: FastifyReply,
): EngineError => {
  const path = pathOf(request)
  const allowed = methodsOf.get(path) ?? []
  if (allowed.length === 0 || allowed.includes(request.method)) {
    return new EngineError('not_found', `There is no endpoint ${request.method} ${path}.`, {
      remedy: 'Check the path; /docs lists every endpoint.',
    })
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

/** Fastify has looked at its length, and read no more of it. */
const isUnreadBody = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'FST_ERR_CTP_BODY_TOO_LARGE'

/** Answers with the error as a problem, and logs it where it is a fault of ours. */
export const renderError = (
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const { config, bodyLimit } = request.routeOptions
  const error = toEngineError(thrown, {
    bodyBytes: bodyLimit,
    lines: config.route?.lines !== undefined,
  })
  noteRefusal(request, error)
  const isFault = !isExpected(error) && !hasHungUp(thrown, reply)
  if (isFault) request.log.error({ err: error.cause ?? error }, 'request failed')
  if (isUnreadBody(thrown)) readRest(request, reply)
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
export function clientErrorHandler(
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
