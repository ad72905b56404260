// The line that each request leaves in the log: who asked for what about which resource, what was
// answered, and if it was refused, why. Ids and codes only, never a value of a body.

import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Identity } from '../domain/auth/auth.ts'
import { type EngineError } from '../errors.ts'
import { CONSOLE_ASSETS } from './console.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The ids that the request names, and that of what it created. */
    subject: Readonly<Record<string, string>> | null
    /** Why it was refused. */
    refusal: Refusal | null
    isLogged: boolean
  }
}

interface Refusal {
  code: string
  error: EngineError | null
}

/** As web servers log a client that hung up before its answer was complete. */
const CLIENT_GONE = 499

const ID_MEMBER = /^[a-z_]+_id$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const isId = (value: unknown): value is string => typeof value === 'string' && UUID.test(value)

const membersOf = (body: unknown): Record<string, unknown> =>
  typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}

/** Notes the ids that a checked body names: `client_id`, `deployment_id` … */
export const noteNamed = (request: FastifyRequest, body: unknown): void => {
  const ids = Object.entries(membersOf(body)).filter(
    (entry): entry is [string, string] => ID_MEMBER.test(entry[0]) && isId(entry[1]),
  )
  if (ids.length > 0) request.subject = { ...request.subject, ...Object.fromEntries(ids) }
}

/**
 * Notes what an answer is about: the resource that it shows, with its client, or the code of a stored
 * problem that is returned again.
 */
export const noteAnswer = (request: FastifyRequest, status: number, body: unknown): void => {
  const { id, client_id: clientId, code } = membersOf(body)
  if (status >= 400) {
    if (typeof code === 'string') request.refusal = { code, error: null }
    return
  }
  const known = new Set(Object.values(request.subject ?? {}))
  request.subject = {
    ...(isId(clientId) ? { client_id: clientId } : {}),
    ...request.subject,
    ...(isId(id) && !known.has(id) ? { resource_id: id } : {}),
  }
}

export const noteRefusal = (request: FastifyRequest, error: EngineError): void => {
  request.refusal = { code: error.code, error }
}

/** What an operator needs beside the code: which service failed, or why we cannot serve. */
const reasonOf = ({ code, error }: Refusal): Record<string, unknown> => {
  if (error === null || error.status < 500 || code === 'internal') return { code }
  const { upstream, cause, message } = error
  if (upstream !== undefined) {
    // Without its message, which may quote a customer's data.
    const { service, status, code: theirs } = upstream
    return { code, upstream: { service, status, code: theirs } }
  }
  return { code, reason: message, ...(cause instanceof Error ? { cause: cause.message } : {}) }
}

/** One line and one measurement for each request, also if its client hung up. */
export const logRequests = (
  app: FastifyInstance,
  identityOf: (request: FastifyRequest) => Identity | null,
  onRequestDone: (event: { route: string; status: number; seconds: number }) => void,
): void => {
  app.decorateRequest('subject', null)
  app.decorateRequest('refusal', null)
  app.decorateRequest('isLogged', false)
  const done = (request: FastifyRequest, reply: FastifyReply, status: number): void => {
    if (request.isLogged) return
    request.isLogged = true
    const route = request.routeOptions.url ?? 'unknown'
    onRequestDone({ route, status, seconds: reply.elapsedTime / 1000 })
    const identity = identityOf(request)
    const clientId = identity?.tenant.clientId ?? null
    const line = {
      method: request.method,
      route,
      status,
      ms: Math.round(reply.elapsedTime),
      ...(status === CLIENT_GONE ? { code: 'client_gone' } : {}),
      ...(request.refusal === null ? {} : reasonOf(request.refusal)),
      ...(clientId === null ? {} : { client_id: clientId }),
      ...request.subject,
      ...(identity === null
        ? {}
        : {
            org_id: identity.tenant.orgId,
            user_id: identity.userId,
            credential_id: identity.credential.id,
          }),
    }
    // Errors are our bugs, and have a line of their own with the stack. A page of the console is dozens of files.
    const isAsset = route === CONSOLE_ASSETS && status < 400
    request.log[status >= 500 ? 'warn' : isAsset ? 'debug' : 'info'](line, 'request')
  }
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) done(request, reply, CLIENT_GONE)
    })
  })
  app.addHook('onResponse', async (request, reply) => {
    if (reply.raw.writableFinished) done(request, reply, reply.statusCode)
  })
}
