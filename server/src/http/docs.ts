// /openapi.json and the page at /docs, with the page's script served from here: no CDN.

import reference from '@scalar/fastify-api-reference'
import { type FastifyInstance } from 'fastify'

export const registerDocs = async (
  app: FastifyInstance,
  document: Record<string, unknown>,
): Promise<void> => {
  const text = JSON.stringify(document)
  app.get('/openapi.json', (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(text),
  )
  await app.register(reference, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      title: 'sfdc-engine-x API',
      withDefaultFonts: false, // they would come from a CDN
      // Nothing of the page goes elsewhere: no telemetry, no assistant, no sharing, no proxy.
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      showDeveloperTools: 'never',
      hideClientButton: true,
    },
  })
}
