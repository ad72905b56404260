// /api/super-admin: the bootstrap. Only SUPER_ADMIN_JWT_SECRET is valid here.

import * as z from 'zod'
import { wholeOrg } from '../../db/database.ts'
import { type Organizations } from '../../domain/organizations.ts'
import { type Users } from '../../domain/users.ts'
import { route, type Route } from '../route.ts'
import { id, line, pageOf, pageRequest, timestamp } from '../schemas.ts'
import { exampleUser, newUser, user } from './users.ts'

const organization = z
  .object({
    id,
    name: z.string(),
    slug: z.string(),
    is_active: z.boolean(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Organization' })

const exampleOrganization = {
  id: '01931f2a-7c00-7000-8000-000000000001',
  name: 'Revenue Activation',
  slug: 'revenue-activation',
  is_active: true,
  created_at: '2026-11-22T09:00:00.000Z',
  updated_at: '2026-11-22T09:00:00.000Z',
}

export const superAdminRoutes = (deps: { organizations: Organizations; users: Users }): Route[] => [
  route({
    method: 'POST',
    path: '/api/super-admin/orgs',
    operationId: 'superAdminOrgsCreate',
    tag: 'Super-admin',
    summary: 'Create an organization',
    access: 'super_admin',
    body: z.strictObject({
      name: line(200),
      slug: z
        .string()
        .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'lower-case letters, digits and single hyphens')
        .max(64)
        .optional()
        .describe('Unique; derived from the name when absent'),
    }),
    replies: { 201: { description: 'The organization', body: organization } },
    errors: ['already_exists'],
    example: { body: { name: 'Revenue Activation' }, reply: exampleOrganization },
    idempotency: {
      replay: async (_caller, orgId) => ({
        status: 201,
        body: await deps.organizations.get(orgId),
      }),
    },
    handle: async ({ caller, body }) => ({
      status: 201,
      body: await deps.organizations.create(caller, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/super-admin/orgs/list',
    tag: 'Super-admin',
    summary: 'List organizations, newest first',
    access: 'super_admin',
    body: z.strictObject(pageRequest),
    replies: { 200: { description: 'A page of organizations', body: pageOf(organization) } },
    errors: ['invalid_cursor'],
    example: { body: { limit: 50 }, reply: { items: [exampleOrganization], next_cursor: null } },
    handle: async ({ body }) => ({ status: 200, body: await deps.organizations.list(body) }),
  }),
  route({
    method: 'POST',
    path: '/api/super-admin/orgs/update',
    tag: 'Super-admin',
    summary: 'Rename, deactivate or reactivate an organization',
    description: "An inactive organization's credentials are refused from the next request on.",
    access: 'super_admin',
    body: z.strictObject({
      org_id: id,
      name: line(200).optional(),
      is_active: z.boolean().optional(),
    }),
    replies: { 200: { description: 'The organization', body: organization } },
    errors: ['not_found'],
    example: {
      body: { org_id: exampleOrganization.id, is_active: true },
      reply: exampleOrganization,
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await deps.organizations.update(caller, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/super-admin/users',
    operationId: 'superAdminUsersCreate',
    tag: 'Super-admin',
    summary: 'Create a user in any organization',
    access: 'super_admin',
    body: newUser.extend({ org_id: id }),
    replies: { 201: { description: 'The user', body: user } },
    errors: ['not_found', 'already_exists', 'invalid_role'],
    example: {
      body: {
        org_id: exampleOrganization.id,
        email: 'ada@agency.example',
        password: 'a long passphrase',
        role: 'org_admin',
      },
      reply: exampleUser,
    },
    idempotency: {
      replay: async (_caller, userId, { org_id }) => ({
        status: 201,
        body: await deps.users.get(wholeOrg(org_id), userId),
      }),
    },
    handle: async ({ caller, body }) => ({
      status: 201,
      body: await deps.users.createAsSuperAdmin(caller, body),
    }),
  }),
]
