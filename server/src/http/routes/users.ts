import * as z from 'zod'
import {
  normalized,
  PASSWORD_BYTES_MAX,
  PASSWORD_CHARACTERS_MIN,
} from '../../domain/auth/passwords.ts'
import { type Users } from '../../domain/users.ts'
import { route, type Route } from '../route.ts'
import {
  id,
  isWellFormed,
  line,
  NOT_WELL_FORMED,
  pageOf,
  pageRequest,
  timestamp,
  update,
} from '../schemas.ts'

export const role = z.enum(['org_admin', 'company_admin', 'company_member']).meta({ id: 'Role' })

export const email = z.email().max(254)

export const newPassword = z
  .string()
  .min(PASSWORD_CHARACTERS_MIN)
  .refine(
    (value) => Buffer.byteLength(normalized(value)) <= PASSWORD_BYTES_MAX,
    `must not be longer than ${PASSWORD_BYTES_MAX} bytes in UTF-8`,
  )
  .refine((value) => !value.includes('\0'), 'must not contain the character U+0000')
  .refine(isWellFormed, NOT_WELL_FORMED)
  .describe('12 characters to 72 bytes')

export const user = z
  .object({
    id,
    org_id: id,
    email: z.string(),
    full_name: z.string().nullable(),
    role,
    client_id: id.nullable(),
    is_active: z.boolean(),
    created_at: timestamp,
  })
  .meta({ id: 'User' })

export const newUser = z.strictObject({
  email,
  password: newPassword,
  role,
  full_name: line(200).nullable().optional(),
  client_id: id
    .nullable()
    .optional()
    .describe('Required for company_* roles, not allowed for org_admin'),
})

export const exampleUser = {
  id: '01931f2a-7c00-7000-8000-000000000002',
  org_id: '01931f2a-7c00-7000-8000-000000000001',
  email: 'ada@agency.example',
  full_name: null,
  role: 'org_admin',
  client_id: null,
  is_active: true,
  created_at: '2026-11-22T09:00:00.000Z',
}

export const userRoutes = ({ users }: { users: Users }): Route[] => [
  route({
    method: 'POST',
    path: '/api/users/create',
    tag: 'Users',
    summary: 'Create a user of your organization',
    access: 'org.manage',
    body: newUser,
    replies: { 201: { description: 'The user', body: user } },
    errors: ['already_exists', 'invalid_role', 'not_found'],
    example: {
      body: { email: 'ada@agency.example', password: 'a long passphrase', role: 'org_admin' },
      reply: exampleUser,
    },
    idempotency: {
      replay: async (caller, userId) => ({
        status: 201,
        body: await users.get(caller.tenant, userId),
      }),
    },
    handle: async ({ caller, body }) => ({ status: 201, body: await users.create(caller, body) }),
  }),
  route({
    method: 'POST',
    path: '/api/users/list',
    tag: 'Users',
    summary: 'List users, newest first',
    access: 'org.manage',
    body: z.strictObject(pageRequest),
    replies: { 200: { description: 'A page of users', body: pageOf(user) } },
    errors: ['invalid_cursor'],
    example: { body: {}, reply: { items: [exampleUser], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await users.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/users/update',
    tag: 'Users',
    summary: "Update a user's role, client, name, password or active state",
    description:
      "A new password, role or client and a deactivation end the user's sessions at once. The last " +
      'active org_admin can be neither demoted nor deactivated.',
    access: 'org.manage',
    body: update(
      { user_id: id },
      {
        is_active: z.boolean().optional(),
        role: role.optional(),
        full_name: line(200).nullable().optional(),
        client_id: id.nullable().optional(),
        password: newPassword.optional(),
      },
    ),
    replies: { 200: { description: 'The user', body: user } },
    errors: ['not_found', 'invalid_role', 'last_admin'],
    example: { body: { user_id: exampleUser.id, full_name: 'Ada' }, reply: exampleUser },
    handle: async ({ caller, body }) => ({ status: 200, body: await users.update(caller, body) }),
  }),
]
