// Which browsers may call, how often a credential may call, and how both are told.

import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type Identity } from '../domain/auth/auth.ts'
import { EngineError } from '../errors.ts'

/** Which browsers may call, and how often a credential may be used. */
export const limitCallers = async (
  app: FastifyInstance,
  { corsOrigins, rateLimitPerMinute }: { corsOrigins: string[]; rateLimitPerMinute: number },
  identityOf: (request: FastifyRequest) => Identity | null,
): Promise<void> => {
  if (corsOrigins.length > 0) {
    await app.register(cors, {
      origin: corsOrigins,
      methods: ['GET', 'POST'],
      exposedHeaders: [
        'x-request-id',
        'idempotency-replayed',
        'location',
        'retry-after',
        'ratelimit',
        'ratelimit-policy',
      ],
      maxAge: 600,
    })
  }
  if (rateLimitPerMinute <= 0) return
  await app.register(rateLimit, {
    global: true,
    max: rateLimitPerMinute,
    timeWindow: 60_000,
    hook: 'preParsing', // after the credential was checked
    keyGenerator: (request) => identityOf(request)?.credential.id ?? `address:${request.ip}`,
    allowList: (request) => !(request.routeOptions.url ?? '').startsWith('/api/'),
    errorResponseBuilder: (_request, limit) =>
      new EngineError(
        'rate_limited',
        `More than ${limit.max} requests per minute with this credential.`,
        {
          retryAfterSeconds: Math.max(1, Math.ceil(limit.ttl / 1000)),
        },
      ),
    enableDraftSpec: true,
  })
  tellLimits(app, rateLimitPerMinute, identityOf)
}

/**
 * How often the credential may still call, on each of its answers. The plugin writes the three fields of an
 * early draft; the current one has two (draft-ietf-httpapi-ratelimit-headers-11): the policy, and what is
 * left of it. Each replica counts for itself.
 */
const tellLimits = (
  app: FastifyInstance,
  rateLimitPerMinute: number,
  identityOf: (request: FastifyRequest) => Identity | null,
): void => {
  app.addHook('onSend', async (request, reply) => {
    const left = reply.getHeader('ratelimit-remaining')
    const seconds = reply.getHeader('ratelimit-reset')
    for (const name of PLUGIN_HEADERS) reply.removeHeader(name)
    if (identityOf(request) === null) return
    reply.header('ratelimit-policy', `"credential";q=${rateLimitPerMinute};w=60`)
    // A request that is refused before it is read is not counted.
    if (left === undefined) return
    reply.header('ratelimit', `"credential";r=${String(left)};t=${String(seconds)}`)
  })
}

const PLUGIN_HEADERS = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset']
