// /api/super-admin: the bootstrap. Only SUPER_ADMIN_JWT_SECRET is valid here.

import * as z from 'zod'
import { wholeOrg } from '../../db/database.ts'
import { type Organizations } from '../../domain/organizations.ts'
import { type Purges } from '../../domain/purge/purges.ts'
import { type Users } from '../../domain/users.ts'
import { route, type Route } from '../route.ts'
import { isFinal, replyWith } from '../running.ts'
import {
  id,
  line,
  pageOf,
  pageRequest,
  timestamp,
  waitSeconds,
  workFault,
  update,
} from '../schemas.ts'
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

const orgPurge = z
  .object({
    org_id: id,
    status: z.enum(['running', 'complete']).meta({ id: 'OrganizationPurgeStatus' }),
    is_final: isFinal,
    stage: z
      .enum(['drain', 'grants', 'delete', 'done'])
      .meta({ id: 'OrganizationPurgeStage' })
      .describe('Work ends, grants are deleted at Nango, then all rows'),
    deleted: z
      .record(z.string(), z.int())
      .nullable()
      .describe('Deleted rows by table; null once it has ended'),
    error: workFault.nullable().describe('What it waits for'),
    started_at: timestamp.nullable(),
    completed_at: timestamp.nullable(),
  })
  .meta({ id: 'OrganizationPurge' })

const purgeRoute = (purges: Pick<Purges, 'purgeOrg'>): Route =>
  route({
    method: 'POST',
    path: '/api/super-admin/orgs/purge',
    tag: 'Super-admin',
    summary: 'Delete an inactive organization',
    description:
      'Deletes everything that is stored of an inactive organization: its clients, users, tokens, ' +
      'snapshots, deployments and pushes, and its grants at Nango. Only audit rows stay, which have no ' +
      'contents. Nothing in Salesforce is changed. `confirm` is the slug. Its work ends first; the deletion ' +
      'survives a restart and cannot be stopped. Repeat the call to see how far it is.',
    access: 'super_admin',
    body: z.strictObject({
      org_id: id,
      confirm: z.string().max(64).describe('The slug of the organization'),
      wait_seconds: waitSeconds,
    }),
    replies: {
      200: { description: 'The organization is deleted', body: orgPurge },
      202: { description: 'The deletion is under way', body: orgPurge },
    },
    errors: ['not_found', 'org_active', 'confirmation_mismatch'],
    example: {
      body: { org_id: exampleOrganization.id, confirm: exampleOrganization.slug },
      reply: {
        org_id: exampleOrganization.id,
        status: 'complete',
        is_final: true,
        stage: 'done',
        deleted: null,
        error: null,
        started_at: null,
        completed_at: '2026-11-22T09:00:00.000Z',
      },
    },
    handle: async ({ caller, body, context }) =>
      replyWith(await purges.purgeOrg(caller, body, context.signal), '/api/super-admin/orgs/purge'),
  })

export const superAdminRoutes = (deps: {
  organizations: Organizations
  users: Users
  purges: Pick<Purges, 'purgeOrg'>
}): Route[] => [
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
    body: update({ org_id: id }, { name: line(200).optional(), is_active: z.boolean().optional() }),
    replies: { 200: { description: 'The organization', body: organization } },
    errors: ['not_found', 'purge_in_progress'],
    example: {
      body: { org_id: exampleOrganization.id, is_active: true },
      reply: exampleOrganization,
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await deps.organizations.update(caller, body),
    }),
  }),
  purgeRoute(deps.purges),
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
