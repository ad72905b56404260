// /openapi.json and the page at /docs, with the page's script served from here: no CDN. Both are made
// when somebody first asks for them: most servers are never asked, and would start half a second later.

import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

/** Serves the OpenAPI document that `describe` makes, and a page that shows it. */
export const registerDocs = (
  app: FastifyInstance,
  describe: () => Record<string, unknown>,
): void => {
  let document: string | undefined
  app.get('/openapi.json', (_request, reply) => {
    document ??= JSON.stringify(describe())
    return reply.type('application/json; charset=utf-8').send(document)
  })

  let page: Promise<FastifyInstance> | undefined
  const show = async (request: FastifyRequest, reply: FastifyReply) => {
    page ??= createPage()
    const answer = await (await page).inject({ method: 'GET', url: request.url })
    if (answer.statusCode === 404) return reply.callNotFound()
    const { 'content-type': type, location } = answer.headers
    if (location !== undefined) return reply.redirect(location, answer.statusCode)
    return reply.type(type ?? 'text/html').send(answer.rawPayload)
  }
  app.get('/docs', show)
  app.get('/docs/*', show)
}

const createPage = async (): Promise<FastifyInstance> => {
  const { default: reference } = await import('@scalar/fastify-api-reference')
  const page = Fastify()
  await page.register(reference, {
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
  return page
}
