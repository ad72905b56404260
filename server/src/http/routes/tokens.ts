import * as z from 'zod'
import { type Tokens } from '../../domain/tokens.ts'
import { route, type Route } from '../route.ts'
import { id, line, pageOf, pageRequest, timestamp } from '../schemas.ts'

const token = z
  .object({
    id,
    name: z.string(),
    prefix: z.string().describe('The first characters, to tell tokens apart'),
    user_id: id,
    is_active: z.boolean(),
    last_used_at: timestamp.nullable(),
    expires_at: timestamp.nullable(),
    created_at: timestamp,
  })
  .meta({ id: 'ApiToken' })

const newToken = token
  .omit({ is_active: true, last_used_at: true })
  .extend({
    token: z.string().nullable().describe('Shown only once; null when the answer is a replay'),
  })
  .meta({ id: 'NewApiToken' })

const exampleToken = {
  id: '01931f2a-7c00-7000-8000-000000000004',
  name: 'nightly push',
  prefix: 'sfx_3q2-7wAB',
  user_id: '01931f2a-7c00-7000-8000-000000000002',
  is_active: true,
  last_used_at: null,
  expires_at: null,
  created_at: '2026-11-22T09:00:00.000Z',
}

export const tokenRoutes = ({ tokens }: { tokens: Tokens }): Route[] => [
  route({
    method: 'POST',
    path: '/api/tokens/create',
    tag: 'API tokens',
    summary: 'Create an API token',
    description: "The token acts with its user's current role. It is shown in this answer only.",
    access: 'org.manage',
    body: z.strictObject({
      name: line(200),
      user_id: id.optional().describe('Default: the caller'),
      expires_at: timestamp.optional().describe('Default: never'),
    }),
    replies: { 201: { description: 'The token', body: newToken } },
    errors: ['not_found'],
    example: {
      body: { name: 'nightly push' },
      reply: {
        id: exampleToken.id,
        token: 'sfx_…',
        name: exampleToken.name,
        prefix: exampleToken.prefix,
        user_id: exampleToken.user_id,
        expires_at: null,
        created_at: exampleToken.created_at,
      },
    },
    idempotency: {
      replay: async (caller, tokenId) => ({
        status: 201,
        body: { ...(await tokens.get(caller.tenant, tokenId)), token: null },
      }),
      secrets: ['token'],
    },
    handle: async ({ caller, body }) => ({ status: 201, body: await tokens.create(caller, body) }),
  }),
  route({
    method: 'POST',
    path: '/api/tokens/list',
    tag: 'API tokens',
    summary: 'List API tokens, newest first; never the token itself',
    access: 'org.manage',
    body: z.strictObject(pageRequest),
    replies: { 200: { description: 'A page of tokens', body: pageOf(token) } },
    errors: ['invalid_cursor'],
    example: { body: {}, reply: { items: [exampleToken], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await tokens.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/tokens/revoke',
    tag: 'API tokens',
    summary: 'Revoke an API token; takes effect on the next request, everywhere',
    access: 'org.manage',
    body: z.strictObject({ token_id: id }),
    replies: { 200: { description: 'The token, inactive', body: token } },
    errors: ['not_found'],
    example: { body: { token_id: exampleToken.id }, reply: { ...exampleToken, is_active: false } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await tokens.revoke(caller, body.token_id),
    }),
  }),
]
