// The rest of the environment's API: integrations, signing-key rotation, the proxy.
import { randomUUID } from 'node:crypto'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type NangoContext } from './context.ts'
import { ERRORS, NangoError, parse } from './errors.ts'

const PROXY_TIMEOUT_MS = 60_000
const DISPLAY_NAME = { salesforce: 'Salesforce', 'salesforce-sandbox': 'Salesforce Sandbox' }

const integrationQuery = z.strictObject({
  include: z.union([z.literal('webhook'), z.array(z.literal('webhook'))]).optional(),
})

export function environmentRoutes(app: FastifyInstance, ctx: NangoContext): void {
  const { gate, refresher, salesforce, store, webhooks } = ctx
  const environmentId = randomUUID()
  const startedAt = new Date(store.now()).toISOString()

  app.get('/integrations/:uniqueKey', (req, reply) => {
    gate.apiKey(req, reply, 'environment:integrations:read')
    const { uniqueKey } = z.object({ uniqueKey: z.string() }).parse(req.params)
    const { include } = parse(integrationQuery, req.query, 'invalid_query_params')
    const integration = store.integrations.get(uniqueKey)
    if (integration === undefined) {
      const message = `Integration "${uniqueKey}" does not exist`
      throw new NangoError(404, { code: 'not_found', message })
    }
    const { key, provider } = integration
    return {
      data: {
        unique_key: key,
        provider,
        display_name: DISPLAY_NAME[provider],
        logo: `${ctx.url}/images/template-logos/${provider}.svg`,
        ...(include === undefined
          ? {}
          : { webhook_url: `${ctx.url}/webhook/${environmentId}/${key}` }),
        forward_webhooks: true,
        created_at: startedAt,
        updated_at: startedAt,
      },
    }
  })

  app.post('/environment/webhook-signing-key/rotate', (req, reply) => {
    gate.apiKey(req, reply, 'environment:webhook_signing_key:rotate')
    webhooks.settings.signingKey = randomUUID()
    return { data: { webhook_signing_key: webhooks.settings.signingKey } }
  })

  app.all('/proxy/*', async (req, reply) => {
    gate.apiKey(req, reply, 'environment:proxy')
    const connection = store.findConnection(
      requiredHeader(req, 'provider-config-key'),
      requiredHeader(req, 'connection-id'),
    )
    if (connection === undefined) throw ERRORS.proxyConnection()
    const outcome = await refresher.ensureFresh(connection, false)
    if (!outcome.ok) throw ERRORS.proxyConnection()
    const base = String(connection.connectionConfig.instance_url)
    const answer = await fetch(salesforce.reachable(`${base}${req.url.slice('/proxy'.length)}`), {
      method: req.method,
      headers: {
        ...forwardedHeaders(req),
        authorization: `Bearer ${connection.credentials.accessToken ?? ''}`,
      },
      body: forwardedBody(req),
      redirect: 'manual',
      signal: AbortSignal.timeout(PROXY_TIMEOUT_MS),
    })
    return relay(reply, answer)
  })
}

/**
 * Callers prefix headers for the provider with `nango-proxy-`; their own `authorization` is not
 * forwarded.
 */
function forwardedHeaders(req: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(req.headers)) {
    if (typeof value !== 'string') continue
    if (name === 'content-type' || name === 'accept') headers[name] = value
    if (name.startsWith('nango-proxy-')) headers[name.slice('nango-proxy-'.length)] = value
  }
  return headers
}

function forwardedBody(req: FastifyRequest): string | Uint8Array<ArrayBuffer> | null {
  if (req.method === 'GET' || req.method === 'HEAD' || req.body === undefined) return null
  return Buffer.isBuffer(req.body) ? new Uint8Array(req.body) : JSON.stringify(req.body)
}

async function relay(reply: FastifyReply, answer: Response): Promise<FastifyReply> {
  const type = answer.headers.get('content-type')
  if (type !== null) reply.header('content-type', type)
  return reply.status(answer.status).send(Buffer.from(await answer.arrayBuffer()))
}

function requiredHeader(req: FastifyRequest, name: string): string {
  const value = req.headers[name]
  if (typeof value === 'string' && value !== '') return value
  throw new NangoError(400, {
    code: `missing_${name.replaceAll('-', '_')}`,
    message: `The header ${name} is missing`,
  })
}
