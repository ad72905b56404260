import * as z from 'zod'
import { type Auth } from '../../domain/auth/auth.ts'
import { PERMISSIONS } from '../../domain/auth/permissions.ts'
import { EngineError } from '../../errors.ts'
import { route, type Route } from '../route.ts'
import { id, timestamp } from '../schemas.ts'
import { email, newPassword, role } from './users.ts'

const ok = z.object({ ok: z.literal(true) }).meta({ id: 'Ok' })

export const permission = z.enum(PERMISSIONS).meta({ id: 'Permission' })

export const approval = z
  .enum(['none', 'required'])
  .describe(
    '`required`: what changes a Salesforce org is answered `409 approval_required` until a person has granted it',
  )
  .meta({ id: 'ApprovalRule' })

const loginRoute = (auth: Auth): Route =>
  route({
    method: 'POST',
    path: '/api/auth/login',
    tag: 'Auth',
    summary: 'Log in with e-mail and password',
    description:
      'A wrong e-mail and a wrong password get the same answer in the same time. Repeated failures ' +
      'are answered 429.',
    access: 'public',
    body: z.strictObject({ email, password: z.string().min(1).max(1000) }),
    replies: {
      200: {
        description: 'A session',
        body: z.object({
          access_token: z.string(),
          token_type: z.literal('Bearer'),
          expires_in: z.int().describe('Seconds'),
          expires_at: timestamp,
        }),
      },
    },
    errors: ['unauthenticated', 'rate_limited'],
    example: {
      body: { email: 'ada@agency.example', password: 'a long passphrase' },
      reply: {
        access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…',
        token_type: 'Bearer',
        expires_in: 43_200,
        expires_at: '2026-11-22T21:00:00.000Z',
      },
    },
    handle: async ({ body, context }) => ({
      status: 200,
      body: await auth.login({ ...body, address: context.address, requestId: context.requestId }),
    }),
  })

const meRoute = (): Route =>
  route({
    method: 'GET',
    path: '/api/auth/me',
    tag: 'Auth',
    summary: 'Get the current user',
    access: 'any',
    replies: {
      200: {
        description: 'The caller',
        body: z.object({
          org_id: id,
          user_id: id,
          email: z.string(),
          role,
          permissions: z.array(permission),
          client_id: id.nullable(),
          client_ids: z
            .array(id)
            .nullable()
            .describe('The clients that the token is confined to; null: not to several'),
          approval,
          auth_method: z.enum(['api_token', 'session']).meta({ id: 'AuthMethod' }),
          expires_at: timestamp.nullable().describe('When the credential ends; null: never'),
        }),
      },
    },
    example: {
      reply: {
        org_id: '01931f2a-7c00-7000-8000-000000000001',
        user_id: '01931f2a-7c00-7000-8000-000000000002',
        email: 'ada@agency.example',
        role: 'org_admin',
        permissions: [...PERMISSIONS],
        client_id: null,
        client_ids: null,
        approval: 'none',
        auth_method: 'session',
        expires_at: '2026-11-21T10:00:00.000Z',
      },
    },
    handle: async ({ caller }) => ({
      status: 200,
      body: {
        org_id: caller.tenant.orgId,
        user_id: caller.userId,
        email: caller.email,
        role: caller.role,
        permissions: [...caller.permissions],
        client_id: caller.tenant.clientId,
        client_ids: caller.tenant.clientIds === undefined ? null : [...caller.tenant.clientIds],
        approval: caller.mustAsk === true ? 'required' : 'none',
        auth_method: caller.credential.type,
        expires_at: caller.expiresAt?.toISOString() ?? null,
      },
    }),
  })

const logoutRoute = (auth: Auth): Route =>
  route({
    method: 'POST',
    path: '/api/auth/logout',
    tag: 'Auth',
    summary: 'Log out',
    access: 'any',
    body: z.strictObject({}),
    replies: { 200: { description: 'Ended', body: ok } },
    errors: ['bad_request'],
    example: { body: {}, reply: { ok: true } },
    handle: async ({ caller }) => {
      if (caller.credential.type !== 'session') {
        throw new EngineError('bad_request', 'An API token is ended with /api/tokens/revoke.')
      }
      await auth.logout(caller)
      return { status: 200, body: { ok: true } }
    },
  })

const changePasswordRoute = (auth: Auth): Route =>
  route({
    method: 'POST',
    path: '/api/auth/change-password',
    tag: 'Auth',
    summary: 'Change your password and end your other sessions',
    access: 'any',
    body: z.strictObject({
      current_password: z.string().min(1).max(1000),
      new_password: newPassword,
    }),
    replies: { 200: { description: 'Changed', body: ok } },
    errors: ['rate_limited'],
    example: {
      body: { current_password: 'a long passphrase', new_password: 'a better passphrase' },
      reply: { ok: true },
    },
    handle: async ({ caller, body }) => {
      await auth.changePassword(caller, body.current_password, body.new_password)
      return { status: 200, body: { ok: true } }
    },
  })

export const authRoutes = ({ auth }: { auth: Auth }): Route[] => [
  loginRoute(auth),
  meRoute(),
  logoutRoute(auth),
  changePasswordRoute(auth),
]
