import { Readable } from 'node:stream'
import { type FastifyReply } from 'fastify'
import { type Reply, type Route } from './route.ts'

/**
 * Sends what a handler returned. Every JSON body is cut to the route's schema: a member that the
 * contract does not name is not sent, and an answer that breaks the contract is our bug (500).
 */
export const sendReply = (route: Route, reply: FastifyReply, result: Reply): FastifyReply => {
  if (reply.sent) return reply // answered already, because the server is shutting down
  if (result.status >= 400) {
    // A stored problem, returned again.
    return reply
      .code(result.status)
      .headers(result.headers ?? {})
      .type('application/problem+json')
      .send(result.body)
  }
  const declared = route.replies[result.status]
  if (declared === undefined)
    throw new Error(`${route.path} answered an undeclared ${result.status}`)
  reply.code(result.status).headers(result.headers ?? {})
  if (result.body instanceof Readable || typeof result.body === 'string') {
    const mediaType = result.mediaType ?? declared.mediaType ?? 'application/json; charset=utf-8'
    return reply.type(mediaType).send(result.body)
  }
  const checked = declared.body.safeParse(result.body)
  if (!checked.success) {
    throw new Error(`${route.path} broke its own contract: ${checked.error.message}`)
  }
  return reply.type('application/json; charset=utf-8').send(checked.data)
}
