import { Readable } from 'node:stream'
import * as z from 'zod'
import { type Database } from '../../db/database.ts'
import { exportClient } from '../../domain/client-export.ts'
import { type Clients } from '../../domain/clients.ts'
import { clientTags } from '../../domain/fleet/tags.ts'
import { route, type Route } from '../route.ts'
import { freeForm, id, line, pageOf, pageRequest, timestamp, update } from '../schemas.ts'
import { connectionStatus } from './connections.ts'

const client = z
  .object({
    id,
    org_id: id,
    name: z.string(),
    domain: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    tags: clientTags.describe('What selectors choose by'),
    is_active: z.boolean(),
    left_at: timestamp
      .nullable()
      .describe('When its off-boarding ended; null once it is activated again, and otherwise'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Client' })

const clientDetail = client
  .extend({
    connection_status: connectionStatus
      .nullable()
      .describe('Of the current connection; null if there never was one'),
    latest_snapshot_version: z.int().nullable(),
  })
  .meta({ id: 'ClientDetail' })

const exampleClient = {
  id: '01931f2a-7c00-7000-8000-000000000003',
  org_id: '01931f2a-7c00-7000-8000-000000000001',
  name: 'Acme Staffing',
  domain: 'acme.example',
  metadata: { account_manager: 'Grace' },
  tags: { tier: 'gold' },
  is_active: true,
  left_at: null,
  created_at: '2026-11-22T09:00:00.000Z',
  updated_at: '2026-11-22T09:00:00.000Z',
}

/** A line of an export. */
const exportLine = z.object({
  kind: z
    .string()
    .describe(
      '`export` in the first line and `complete` in the last; what `data` is in all others',
    ),
  data: z
    .record(z.string(), z.unknown())
    .describe('In the first line `format` (1), in the last `counts` by kind; else the stored row'),
})

const exportRoute = (db: Database): Route =>
  route({
    method: 'POST',
    path: '/api/clients/export',
    tag: 'Clients',
    summary: 'Export everything that is stored of a client',
    description:
      'A line of JSON for each stored row: the client, its users, connections, snapshots with their ' +
      'contents, reports, deployments with their images, mappings, pushes with the input that is ' +
      'still kept, and the audit log. Tokens, passwords and their hashes are not in it. An export ' +
      'without the line `complete` at its end was cut. What changes during the export may be missing.',
    access: 'org.manage',
    body: z.strictObject({ client_id: id }),
    replies: {
      200: { description: 'One line a row', body: exportLine, mediaType: 'application/x-ndjson' },
    },
    errors: ['not_found'],
    example: {
      body: { client_id: exampleClient.id },
      reply: { kind: 'client', data: exampleClient },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: Readable.from(await exportClient(db, caller, body.client_id), { objectMode: false }),
    }),
  })

export const clientRoutes = ({ clients, db }: { clients: Clients; db: Database }): Route[] => [
  route({
    method: 'POST',
    path: '/api/clients/create',
    tag: 'Clients',
    summary: 'Create a client',
    access: 'org.manage',
    body: z.strictObject({
      name: line(200),
      domain: line(253).nullable().optional(),
      metadata: freeForm.optional().describe('Your own data, stored and returned unchanged'),
      tags: clientTags.optional().describe('What selectors choose by: at most 20 keys with values'),
    }),
    replies: { 201: { description: 'The client', body: client } },
    example: {
      body: { name: 'Acme Staffing', domain: 'acme.example', tags: { tier: 'gold' } },
      reply: exampleClient,
    },
    idempotency: {
      replay: async (caller, clientId) => ({
        status: 201,
        body: await clients.get(caller.tenant, clientId),
      }),
    },
    handle: async ({ caller, body }) => ({ status: 201, body: await clients.create(caller, body) }),
  }),
  route({
    method: 'POST',
    path: '/api/clients/list',
    tag: 'Clients',
    summary: 'List clients, newest first',
    description: 'A company user gets its own client only.',
    access: 'any',
    body: z.strictObject({
      ...pageRequest,
      query: line(200).optional().describe('Searched for in name and domain, case-insensitive'),
      tags: clientTags.optional().describe('Only clients that have all of these'),
    }),
    replies: { 200: { description: 'A page of clients', body: pageOf(client) } },
    errors: ['invalid_cursor'],
    example: {
      body: { query: 'acme', tags: { tier: 'gold' } },
      reply: { items: [exampleClient], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await clients.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/clients/get',
    tag: 'Clients',
    summary: "Get a client, with its connection's status and its newest snapshot's version",
    description:
      'What of a client is kept how long, unless the operator decides otherwise: snapshots and conflict ' +
      'reports that nothing refers to 365 days, but always the newest 30 snapshots; results of pushes ' +
      '30 days; everything else, with what rollbacks need, until it is deleted.',
    access: 'any',
    body: z.strictObject({ client_id: id }),
    replies: { 200: { description: 'The client', body: clientDetail } },
    errors: ['not_found'],
    example: {
      body: { client_id: exampleClient.id },
      reply: { ...exampleClient, connection_status: 'connected', latest_snapshot_version: 12 },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await clients.get(caller.tenant, body.client_id),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/clients/update',
    tag: 'Clients',
    summary: 'Update a client',
    description:
      'No new Salesforce work is done for an inactive client, and its company users are refused; its ' +
      'connection stays.',
    access: 'org.manage',
    body: update(
      { client_id: id },
      {
        name: line(200).optional(),
        domain: line(253).nullable().optional(),
        metadata: freeForm.optional().describe('Replaces the stored data'),
        tags: clientTags.optional().describe('Replaces all tags of the client; `{}` removes them'),
        is_active: z.boolean().optional(),
      },
    ),
    replies: { 200: { description: 'The client', body: client } },
    errors: ['not_found'],
    example: { body: { client_id: exampleClient.id, is_active: true }, reply: exampleClient },
    handle: async ({ caller, body }) => ({ status: 200, body: await clients.update(caller, body) }),
  }),
  exportRoute(db),
]
