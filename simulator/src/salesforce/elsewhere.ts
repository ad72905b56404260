// What else Salesforce's hosts serve: pages, and APIs beside REST, Bulk and Metadata. None of it is
// simulated, and the simulator says so in the shape that a client of that API understands.

import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { notSimulatedFault, writeFault } from './metadata/soap.ts'
import { notSimulated } from '../refusals.ts'

/** First parts of paths, the longest first, and what they are. */
const FAMILIES: readonly (readonly [path: string, what: string])[] = [
  ['/services/Soap/u', 'the Partner API over SOAP'],
  ['/services/Soap/c', 'the Enterprise API over SOAP'],
  ['/services/Soap/T', 'the Tooling API over SOAP'],
  ['/services/Soap/s', 'the Apex API over SOAP'],
  ['/services/Soap', 'this SOAP API'],
  ['/services/apexrest', 'Apex REST'],
  ['/services/async', 'Bulk API 1'],
  ['/services/auth', 'single sign-on'],
  ['/services/oauth2', 'this OAuth endpoint'],
  ['/services', 'this service'],
  ['/cometd', 'the Streaming API'],
  ['/.well-known', 'discovery documents'],
  ['/apex', 'Visualforce pages'],
  ['/lightning', 'the user interface'],
  ['/secur', 'pages of the user interface'],
  ['/setup', 'pages of the user interface'],
  ['/sfc', 'content delivery'],
  ['/servlet', 'servlets'],
]

const familyOf = (path: string): string | undefined =>
  FAMILIES.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))?.[1]

/**
 * Answers requests without a route: 501 for what Salesforce has, otherwise Salesforce's page for a wrong
 * address.
 */
export const registerElsewhere = (app: FastifyInstance): void => {
  app.setNotFoundHandler((request, reply) => {
    const path = (request.url.split('?')[0] ?? '').replace(/^\/{2,}/, '/')
    const family = familyOf(path)
    if (family !== undefined) return refuse(request, reply, path, family)
    return reply
      .code(404)
      .type('text/html')
      .send('<html><body><h1>URL No Longer Exists</h1></body></html>')
  })
}

const refuse = (
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  family: string,
): FastifyReply => {
  const what = `${request.method} ${path} (${family})`
  return path.startsWith('/services/Soap')
    ? reply
        .code(501)
        .type('text/xml;charset=UTF-8')
        .send(writeFault(notSimulatedFault(what)))
    : reply.code(501).send(notSimulated(what).fault.body)
}
