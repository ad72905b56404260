import * as z from 'zod'
import { PERMISSIONS } from '../../domain/auth/permissions.ts'
import { type Tokens } from '../../domain/tokens.ts'
import { route, type Route } from '../route.ts'
import { id, line, pageOf, pageRequest, timestamp } from '../schemas.ts'
import { approval, permission } from './auth.ts'

const token = z
  .object({
    id,
    name: z.string(),
    prefix: z.string().describe('The first characters, to tell tokens apart'),
    user_id: id,
    scopes: z.array(permission).nullable().describe("Null: all permissions of its user's role"),
    client_ids: z.array(id).nullable().describe('Null: all clients that its user sees'),
    approval,
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
  scopes: null,
  client_ids: null,
  approval: 'none',
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
    description:
      "The token acts with its user's current role, within its limits: `scopes` (a permission to write " +
      'includes reading what it starts), `client_ids`, and `approval`. A token with `client_ids` or ' +
      '`approval: "required"` never has `org.manage` or `webhooks.manage`, and one with `client_ids` ' +
      'no `fleet.read` or `fleet.write` either; one that needs approvals must expire. No credential ' +
      'creates a token with more power than its own. The token is shown in this answer only.',
    access: 'org.manage',
    body: z.strictObject({
      name: line(200),
      user_id: id.optional().describe('Default: the caller'),
      expires_at: timestamp
        .optional()
        .describe('Default: never. Required for a token that needs approvals'),
      scopes: z
        .array(permission)
        .min(1)
        .max(PERMISSIONS.length)
        .optional()
        .describe('Only these permissions. Default: all that the user has'),
      client_ids: z
        .array(id)
        .min(1)
        .max(200)
        .optional()
        .describe('Only these clients. Default: all that the user sees'),
      approval: approval.default('none'),
    }),
    replies: { 201: { description: 'The token', body: newToken } },
    errors: ['not_found', 'invalid_client'],
    example: {
      body: { name: 'nightly push' },
      reply: {
        id: exampleToken.id,
        token: 'sfx_…',
        name: exampleToken.name,
        prefix: exampleToken.prefix,
        user_id: exampleToken.user_id,
        scopes: null,
        client_ids: null,
        approval: 'none',
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
