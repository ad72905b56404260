// /openapi.json and /openapi.yaml, the reference at /docs with its script served from here (no CDN), the
// guides, and a page for each code. All are made on the first request: most servers are never asked, and would start half a second
// later.

import { createHash } from 'node:crypto'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { codePage, codesPage } from './error-pages.ts'
import { guidePage, guidesPage, guideText, llmsText } from './guides.ts'

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

  let yaml: Promise<string> | undefined
  app.get('/openapi.yaml', async (_request, reply) => {
    yaml ??= import('yaml').then(({ stringify }) => stringify(describe(), WITHOUT_ALIASES))
    return reply.type('application/yaml; charset=utf-8').send(await yaml)
  })
  registerGuides(app)

  app.get('/', (_request, reply) => reply.redirect('/docs/', 302))
  app.get('/docs/errors', (_request, reply) =>
    reply.type(HTML).header('content-security-policy', policy([])).send(codesPage()),
  )
  app.get<{ Params: { code: string } }>('/docs/errors/:code', (request, reply) => {
    const text = codePage(request.params.code)
    if (text === null) return reply.callNotFound()
    return reply.type(HTML).header('content-security-policy', policy([])).send(text)
  })

  let page: Promise<FastifyInstance> | undefined
  const show = async (request: FastifyRequest, reply: FastifyReply) => {
    page ??= createPage()
    const answer = await (await page).inject({ method: 'GET', url: request.url })
    if (answer.statusCode === 404) return reply.callNotFound()
    const { 'content-type': type = HTML, location } = answer.headers
    if (location !== undefined) return reply.redirect(location, answer.statusCode)
    if (type.startsWith('text/html')) {
      reply.header('content-security-policy', policy(inlineScripts(answer.body)))
    }
    return reply.type(type).send(answer.rawPayload)
  }
  app.get('/docs', show)
  app.get('/docs/*', show)
}

const HTML = 'text/html; charset=utf-8'
const MARKDOWN = 'text/markdown; charset=utf-8'
/** A schema that is used twice is a reference already. */
const WITHOUT_ALIASES = { aliasDuplicateObjects: false }

const registerGuides = (app: FastifyInstance): void => {
  app.get('/llms.txt', async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(await llmsText()),
  )
  app.get('/docs/guides', async (_request, reply) =>
    reply
      .type(HTML)
      .header('content-security-policy', policy([]))
      .send(await guidesPage()),
  )
  app.get<{ Params: { name: string } }>('/docs/guides/:name', async (request, reply) => {
    const { name } = request.params
    const isMarkdown = name.endsWith('.md')
    const text = await (isMarkdown ? guideText(name.slice(0, -'.md'.length)) : guidePage(name))
    if (text === null) return reply.callNotFound()
    if (isMarkdown) return reply.type(MARKDOWN).send(text)
    return reply.type(HTML).header('content-security-policy', policy([])).send(text)
  })
}

/**
 * Tokens are typed into the reference: it loads from and sends to this server only, no other page may
 * frame it, and no script runs except those that are named. The reference writes its styles itself while
 * it runs.
 */
const policy = (scripts: readonly string[]): string =>
  [
    "default-src 'none'",
    `script-src 'self' ${scripts.map((script) => `'sha256-${hashOf(script)}'`).join(' ')}`.trim(),
    "style-src 'self' 'unsafe-inline'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64')

const inlineScripts = (html: string): string[] =>
  [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, script]) => script ?? '',
  )

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
