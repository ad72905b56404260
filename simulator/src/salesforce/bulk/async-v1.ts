// What is left of Bulk API 1 (`/services/async`): how it reports a dead session. Its jobs are not
// simulated.

import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Org } from '../../org/model.ts'
import { liveSession } from '../oauth.ts'

/**
 * Salesforce: 400, not 401, with codes in camel case and in a shape of its own: XML unless the request
 * is JSON (Bulk API guide, "Errors"; issue threads of API clients).
 */
export const registerAsync = (
  app: FastifyInstance,
  orgOf: (request: FastifyRequest) => Org,
): void => {
  app.all('/services/async/*', (request, reply) => {
    const org = orgOf(request)
    const session = String(request.headers['x-sfdc-session'] ?? '')
    const bearer = /^(?:Bearer|OAuth) +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    return liveSession(org, session === '' ? (bearer ?? '') : session) === null
      ? refuse(request, reply, 400, 'InvalidSessionId', 'Invalid session id')
      : refuse(
          request,
          reply,
          501,
          'NotSimulated',
          'The simulator does not do Bulk API 1. See its README for what it does.',
        )
  })
}

const refuse = (
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  exceptionCode: string,
  exceptionMessage: string,
): FastifyReply => {
  const json = [request.headers['content-type'], request.headers.accept].some((type) =>
    type?.includes('json'),
  )
  return json
    ? reply
        .code(status)
        .type('application/json;charset=UTF-8')
        .send(JSON.stringify({ exceptionCode, exceptionMessage }))
    : reply
        .code(status)
        .type('application/xml')
        .send(
          `<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>${exceptionCode}</exceptionCode><exceptionMessage>${exceptionMessage}</exceptionMessage></error>`,
        )
}
