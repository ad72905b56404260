import * as z from 'zod'
import { type Connections } from '../../domain/connections/connections.ts'
import { route, type Route } from '../route.ts'
import {
  approvalId,
  fault,
  id,
  line,
  pageOf,
  pageRequest,
  timeRange,
  timestamp,
  update,
} from '../schemas.ts'

export const environment = z.enum(['production', 'sandbox']).meta({ id: 'Environment' })
export const connectionStatus = z
  .enum(['pending', 'connected', 'expired', 'revoked', 'error'])
  .meta({ id: 'ConnectionStatus' })

/** Salesforce: versions up to 30 are retired; version numbers in paths have one decimal, always zero. */
const apiVersion = z
  .string()
  .regex(/^v(3[1-9]|[4-9]\d|1\d\d)\.0$/, 'must look like v66.0')
  .describe("Salesforce's API version, for all calls of this connection")

const connection = z
  .object({
    id,
    client_id: id,
    status: connectionStatus.describe(
      '`pending`: the authorization is not finished. `connected`: usable. `expired`: the grant ' +
        'is dead. `error`: connected but unusable, `error.code` says why. `revoked`: ended.',
    ),
    environment,
    provider_config_key: z.string().optional().describe('Shown to org_admin only'),
    nango_connection_id: z.string().nullable().optional().describe('Shown to org_admin only'),
    instance_url: z.string().nullable(),
    sfdc_org_id: z.string().nullable().describe('18 characters'),
    sfdc_user_id: z.string().nullable(),
    api_version: z.string(),
    error: fault.nullable(),
    connected_at: timestamp.nullable().describe('When the current grant was accepted'),
    last_refreshed_at: timestamp.nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Connection' })

export const possibleCause = z
  .object({ code: z.string(), message: z.string(), remedy: z.string() })
  .meta({ id: 'PossibleCause' })

export const connectionHealth = z
  .object({
    ok: z.boolean().describe('True when there is no fault'),
    checked_at: timestamp,
    identity: z
      .object({
        sfdc_org_id: z.string(),
        sfdc_user_id: z.string(),
        username: z.string().nullable(),
      })
      .meta({ id: 'SalesforceIdentity' })
      .nullable()
      .describe('Who the connection acts as in Salesforce'),
    api_usage: z
      .object({
        used: z.int(),
        max: z.int(),
        remaining: z.int(),
        reserve: z
          .int()
          .describe('Calls reserved for other tools: new work stops before it uses them'),
      })
      .meta({ id: 'ApiUsage' })
      .nullable()
      .describe("The Salesforce org's API calls of the last 24 hours"),
    missing_permissions: z
      .array(z.string())
      .nullable()
      .describe(
        'Permissions that the connected user needs for all features and lacks; null if they could not be read',
      ),
    faults: z.array(
      z.object({
        code: z.string(),
        message: z.string(),
        remedy: z.string().describe('What to do about it'),
        possible_causes: z
          .array(possibleCause)
          .describe(
            'Where Nango or Salesforce gives no reason: the possible causes, most likely first, and who can do what about each',
          ),
      }),
    ),
  })
  .describe('The live state in Salesforce; only with `check`')
  .meta({ id: 'ConnectionHealth' })

const created = z.object({
  connection,
  session_token: z
    .string()
    .nullable()
    .describe("For Nango's connect UI; handed out once, null on a replay"),
  connect_link: z
    .string()
    .nullable()
    .describe('Opens the authorization in a browser; null on a replay'),
  expires_at: timestamp.describe('Until when the session accepts an authorization'),
})

const failedStep = z.object({
  step: z
    .enum(['read_grant', 'revoke_at_salesforce', 'delete_at_nango'])
    .meta({ id: 'RevocationStep' }),
  code: z.string(),
  message: z.string(),
})

const example = {
  id: '01931f2a-7c00-7000-8000-000000000010',
  client_id: '01931f2a-7c00-7000-8000-000000000003',
  status: 'connected',
  environment: 'production',
  provider_config_key: 'salesforce',
  nango_connection_id: '2fe4fa02-7fff-4429-b81d-dbcde17e51d4',
  instance_url: 'https://acme.my.salesforce.com',
  sfdc_org_id: '00DWs000001AbCdMAK',
  sfdc_user_id: '005Ws000001XyZaIAK',
  api_version: 'v66.0',
  error: null,
  connected_at: '2026-11-22T09:05:00.000Z',
  last_refreshed_at: null,
  created_at: '2026-11-22T09:00:00.000Z',
  updated_at: '2026-11-22T09:05:00.000Z',
}

const examplePending = {
  ...example,
  status: 'pending',
  nango_connection_id: null,
  instance_url: null,
  sfdc_org_id: null,
  sfdc_user_id: null,
  connected_at: null,
  updated_at: '2026-11-22T09:00:00.000Z',
}

const exampleHealth = {
  ok: false,
  checked_at: '2026-11-22T10:00:00.000Z',
  identity: {
    sfdc_org_id: example.sfdc_org_id,
    sfdc_user_id: example.sfdc_user_id,
    username: 'integration@acme.example',
  },
  api_usage: { used: 677, max: 15_000, remaining: 14_323, reserve: 1_500 },
  missing_permissions: ['Modify Metadata Through Metadata API Functions'],
  faults: [
    {
      code: 'missing_permission',
      message:
        'The connected user lacks "Modify Metadata Through Metadata API Functions", which is needed for deploying.',
      remedy:
        'Give the connected user the permission "Modify Metadata Through Metadata API Functions", by a permission set or its profile.',
      possible_causes: [],
    },
  ],
}

const byClient = { body: { client_id: example.client_id } }

const createRoute = (connections: Connections): Route =>
  route({
    method: 'POST',
    path: '/api/connections/create',
    tag: 'Connections',
    summary: 'Start connecting a client to its Salesforce org',
    description:
      'Creates a new connect session and returns the link that somebody with the right to ' +
      'authorize opens in a browser. The session is open for 35 minutes, until an authorization is accepted, ' +
      'or until the next call of this endpoint for the client. A client that is connected stays so ' +
      'on its old grant until the new one is accepted with `/api/connections/callback`.\n\n' +
      '`login_host` names the My Domain where the user signs in: a host under `my.salesforce.com`, ' +
      '`my.salesforce.mil` or `my.sfcrmproducts.cn`; without it, `login.salesforce.com` or, for a ' +
      'sandbox, `test.salesforce.com`.',
    access: 'connections.write',
    body: z.strictObject({
      client_id: id,
      environment: environment
        .optional()
        .describe(
          'Default: what `login_host` implies, else as in the previous connection of the client, else production',
        ),
      login_host: line(253).optional(),
      api_version: apiVersion.optional(),
      allow_other_org: z
        .boolean()
        .default(false)
        .describe(
          'Accept a different Salesforce org than the one that the client was connected to before',
        ),
    }),
    replies: { 201: { description: 'The connection and its connect session', body: created } },
    errors: ['not_found', 'client_inactive', 'host_refused', 'nango_error'],
    example: {
      body: { client_id: example.client_id, login_host: 'acme.my.salesforce.com' },
      reply: {
        connection: examplePending,
        session_token: 'nango_connect_session_…',
        connect_link: 'https://connect.nango.dev/?session_token=nango_connect_session_…',
        expires_at: '2026-11-22T09:30:00.000Z',
      },
    },
    idempotency: {
      replay: async (caller, attemptId) => ({
        status: 201,
        body: await connections.created(caller, attemptId),
      }),
      secrets: ['session_token', 'connect_link'],
    },
    handle: async ({ caller, body }) => ({
      status: 201,
      body: await connections.create(caller, body),
    }),
  })

const callbackRoute = (connections: Connections): Route =>
  route({
    method: 'POST',
    path: '/api/connections/callback',
    tag: 'Connections',
    summary: 'Complete a connection',
    description:
      'Reads the authorized connection at Nango and makes it the live one of the client, if it ' +
      'belongs to the open attempt, is on a Salesforce host, and leads to the Salesforce org that ' +
      'the client had before. The previous grant is revoked and deleted. May be called again: what ' +
      'is accepted stays accepted. Without `nango_connection_id` it is found by the attempt. An id ' +
      'that does not belong to this client is answered with 404 and left alone.',
    access: 'connections.write',
    body: z.strictObject({
      client_id: id,
      nango_connection_id: id.optional().describe("As the browser got it from Nango's connect UI"),
    }),
    replies: { 200: { description: 'The connection', body: connection } },
    errors: [
      'not_found',
      'client_inactive',
      'host_refused',
      'already_exists',
      'connection_not_ready',
      'salesforce_org_mismatch',
      'salesforce_org_changed',
      'nango_error',
    ],
    example: {
      body: { client_id: example.client_id, nango_connection_id: example.nango_connection_id },
      reply: example,
    },
    idempotency: {},
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await connections.callback(caller, body),
    }),
  })

const listRoute = (connections: Connections): Route =>
  route({
    method: 'POST',
    path: '/api/connections/list',
    tag: 'Connections',
    summary: 'List connections, newest first',
    description: 'Revoked ones are included. A company user sees its own client only.',
    access: 'connections.read',
    body: z.strictObject({
      ...pageRequest,
      client_id: id.optional(),
      status: connectionStatus.optional(),
      ...timeRange,
    }),
    replies: { 200: { description: 'A page of connections', body: pageOf(connection) } },
    errors: ['invalid_cursor', 'not_found'],
    example: { body: { status: 'connected' }, reply: { items: [example], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await connections.list(caller, body),
    }),
  })

const getRoute = (connections: Connections): Route =>
  route({
    method: 'POST',
    path: '/api/connections/get',
    tag: 'Connections',
    summary: 'Get a connection, with a live check on request',
    description:
      'By client (its live connection, or the last revoked one) or by id. `check` asks Salesforce ' +
      'who the connection acts as, how many API calls are left, and which permissions are missing; ' +
      'each fault comes with its remedy. A check makes two API calls, is never stopped by the API ' +
      'budget, and restores a connection that has become usable again.',
    access: 'connections.read',
    body: z
      .strictObject({
        client_id: id.optional(),
        connection_id: id.optional(),
        check: z.boolean().default(false),
      })
      .refine((body) => (body.client_id === undefined) !== (body.connection_id === undefined), {
        message: 'Send either client_id or connection_id',
        path: ['client_id'],
      }),
    replies: {
      200: {
        description: 'The connection',
        body: connection.extend({ health: connectionHealth.optional() }),
      },
    },
    errors: ['not_found'],
    example: {
      body: { client_id: example.client_id, check: true },
      reply: { ...example, health: exampleHealth },
    },
    handle: async ({ caller, body, context }) => ({
      status: 200,
      body: await connections.get(caller, body, context.signal),
    }),
  })

const updateRoute = (connections: Connections): Route =>
  route({
    method: 'POST',
    path: '/api/connections/update',
    tag: 'Connections',
    summary: 'Change the API version of a connection',
    access: 'connections.write',
    body: update({ client_id: id }, { api_version: apiVersion.optional() }),
    replies: { 200: { description: 'The connection', body: connection } },
    errors: ['not_found', 'connection_not_ready'],
    example: {
      body: { client_id: example.client_id, api_version: 'v67.0' },
      reply: { ...example, api_version: 'v67.0' },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await connections.update(caller, body),
    }),
  })

const refreshRoute = (connections: Connections): Route =>
  route({
    method: 'POST',
    path: '/api/connections/refresh',
    tag: 'Connections',
    summary: 'Refresh the Salesforce session',
    description:
      'Refreshes at Nango and updates `status` and `instance_url`; a success restores an expired or ' +
      'faulty connection. Never returns a token. A grant counts as expired when refreshing it ' +
      'was refused three times over at least ten minutes.',
    access: 'connections.write',
    body: z.strictObject({ client_id: id }),
    replies: { 200: { description: 'The connection', body: connection } },
    errors: [
      'not_found',
      'host_refused',
      'connection_not_ready',
      'salesforce_org_changed',
      'nango_error',
    ],
    example: {
      ...byClient,
      reply: { ...example, last_refreshed_at: '2026-11-22T10:00:00.000Z' },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await connections.refresh(caller, body),
    }),
  })

const revokeRoute = (connections: Connections): Route =>
  route({
    method: 'POST',
    path: '/api/connections/revoke',
    tag: 'Connections',
    summary: 'Revoke a connection',
    description:
      'The connection is `revoked` at once and in any case. Then the grant is revoked at Salesforce ' +
      'and deleted at Nango, where "already gone" is a success. Steps that failed are named in ' +
      '`failed_steps`; calling the endpoint again tries them again. Running work of the client ends ' +
      'with `connection_revoked`.',
    access: 'connections.write',
    body: z.strictObject({ client_id: id, ...approvalId }),
    approvable: true,
    replies: {
      200: {
        description: 'The connection, and the steps that failed',
        body: connection.extend({ failed_steps: z.array(failedStep) }),
      },
    },
    errors: ['not_found'],
    example: { ...byClient, reply: { ...example, status: 'revoked', failed_steps: [] } },
    idempotency: {},
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await connections.revoke(caller, body),
    }),
  })

export const connectionRoutes = ({ connections }: { connections: Connections }): Route[] => [
  createRoute(connections),
  callbackRoute(connections),
  listRoute(connections),
  getRoute(connections),
  updateRoute(connections),
  refreshRoute(connections),
  revokeRoute(connections),
]
