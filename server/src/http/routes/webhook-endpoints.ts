import * as z from 'zod'
import { type Deliveries } from '../../domain/webhooks/deliveries.ts'
import { type Endpoints } from '../../domain/webhooks/endpoints.ts'
import { route, type Route } from '../route.ts'
import { id, pageOf, pageRequest, timeRange, timestamp, update } from '../schemas.ts'
import {
  attempt,
  delivery,
  deliveryStatus,
  endpoint,
  ENDPOINT_ID,
  endpointStatus,
  exampleDelivery,
  exampleEndpoint,
  secret,
  settings,
} from './webhook-endpoint-schemas.ts'

const TAG = 'Webhook endpoints'

interface Deps {
  endpoints: Endpoints
  deliveries: Deliveries
}

export const webhookEndpointRoutes = (deps: Deps): Route[] => [
  ...lookingRoutes(deps),
  ...changingRoutes(deps),
  ...sendingRoutes(deps),
]

const lookingRoutes = ({ endpoints }: Deps): Route[] => [
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/create',
    tag: TAG,
    summary: 'Create a webhook endpoint',
    description:
      'Events are sent to it from now on, as the `webhooks` of this document show, signed as ' +
      '[Standard Webhooks](https://www.standardwebhooks.com) define it. At least once, in no ' +
      'promised order; an answer other than 2xx within ten seconds is a failure, and the event is ' +
      'sent again: ten times in three days. At most 20 endpoints.',
    access: 'webhooks.manage',
    body: z.strictObject(settings),
    replies: {
      201: { description: 'The endpoint, with its secret', body: endpoint.extend({ secret }) },
    },
    errors: ['endpoint_refused', 'too_many_endpoints', 'not_found'],
    example: {
      body: {
        url: exampleEndpoint.url,
        description: exampleEndpoint.description,
        event_types: exampleEndpoint.event_types,
      },
      reply: { ...exampleEndpoint, secret: 'whsec_…' },
    },
    idempotency: {
      replay: async (caller, endpointId) => ({
        status: 201,
        body: { ...(await endpoints.get(caller.tenant, endpointId)), secret: null },
      }),
      secrets: ['secret'],
    },
    handle: async ({ caller, body }) => ({
      status: 201,
      body: await endpoints.create(caller, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/list',
    tag: TAG,
    summary: 'List webhook endpoints, newest first; never their secrets',
    access: 'webhooks.manage',
    body: z.strictObject(pageRequest),
    replies: { 200: { description: 'A page of endpoints', body: pageOf(endpoint) } },
    errors: ['invalid_cursor'],
    example: { body: {}, reply: { items: [exampleEndpoint], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await endpoints.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/get',
    tag: TAG,
    summary: 'Get a webhook endpoint',
    access: 'webhooks.manage',
    body: z.strictObject({ endpoint_id: id }),
    replies: { 200: { description: 'The endpoint', body: endpoint } },
    errors: ['not_found'],
    example: { body: { endpoint_id: ENDPOINT_ID }, reply: exampleEndpoint },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await endpoints.get(caller.tenant, body.endpoint_id),
    }),
  }),
]

const changingRoutes = ({ endpoints }: Deps): Route[] => [
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/update',
    tag: TAG,
    summary: 'Change a webhook endpoint, disable it, or enable it again',
    description:
      'Nothing is sent to a disabled endpoint, and what was still to be sent ends as failed; ' +
      '`/api/webhook-endpoints/resend` brings it back once the endpoint is enabled.',
    access: 'webhooks.manage',
    body: update(
      { endpoint_id: id },
      { ...settings, url: settings.url.optional(), status: endpointStatus.optional() },
    ),
    replies: { 200: { description: 'The endpoint', body: endpoint } },
    errors: ['endpoint_refused', 'not_found'],
    example: {
      body: { endpoint_id: ENDPOINT_ID, event_types: null },
      reply: { ...exampleEndpoint, event_types: null },
    },
    handle: async ({ caller, body: { endpoint_id, ...input } }) => ({
      status: 200,
      body: await endpoints.update(caller, endpoint_id, input),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/delete',
    tag: TAG,
    summary: 'Delete a webhook endpoint, with the record of what was sent to it',
    access: 'webhooks.manage',
    body: z.strictObject({ endpoint_id: id }),
    replies: { 200: { description: 'Its id', body: z.object({ id }) } },
    errors: ['not_found'],
    example: { body: { endpoint_id: ENDPOINT_ID }, reply: { id: ENDPOINT_ID } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await endpoints.delete(caller, body.endpoint_id),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/rotate-secret',
    tag: TAG,
    summary: 'Give a webhook endpoint a new secret',
    description:
      'The previous secret signs beside the new one for `keep_hours`: put the new one into the ' +
      'receiver meanwhile, and no message is refused.',
    access: 'webhooks.manage',
    body: z.strictObject({
      endpoint_id: id,
      keep_hours: z.int().min(0).max(168).default(24).describe('0: the previous one ends at once'),
    }),
    replies: {
      200: { description: 'The endpoint, with its new secret', body: endpoint.extend({ secret }) },
    },
    errors: ['not_found'],
    example: {
      body: { endpoint_id: ENDPOINT_ID, keep_hours: 24 },
      reply: {
        ...exampleEndpoint,
        former_secret_until: '2026-11-23T09:00:00.000Z',
        secret: 'whsec_…',
      },
    },
    idempotency: {
      replay: async (caller, endpointId) => ({
        status: 200,
        body: { ...(await endpoints.get(caller.tenant, endpointId)), secret: null },
      }),
      secrets: ['secret'],
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await endpoints.rotateSecret(caller, body.endpoint_id, body.keep_hours),
    }),
  }),
]

const sendingRoutes = ({ endpoints, deliveries }: Deps): Route[] => [
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/test',
    tag: TAG,
    summary: 'Send a signed test message to a webhook endpoint',
    description:
      'Once and now. Its type is `webhook_endpoint.test`; it is not an event, and is listed nowhere.',
    access: 'webhooks.manage',
    body: z.strictObject({ endpoint_id: id }),
    replies: {
      200: {
        description: 'How the endpoint answered',
        body: attempt.omit({ at: true }).extend({ delivered: z.boolean() }),
      },
    },
    errors: ['not_found', 'endpoint_disabled'],
    example: {
      body: { endpoint_id: ENDPOINT_ID },
      reply: { delivered: true, status: 204, failure: null, ms: 87 },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await endpoints.test(caller, body.endpoint_id),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/deliveries',
    tag: TAG,
    summary: 'List what was sent to a webhook endpoint, and how it answered, newest first',
    description: 'For 30 days, as the events.',
    access: 'webhooks.manage',
    body: z.strictObject({
      endpoint_id: id,
      event_id: id.optional(),
      status: deliveryStatus.optional(),
      ...timeRange,
      ...pageRequest,
    }),
    replies: { 200: { description: 'A page of deliveries', body: pageOf(delivery) } },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { endpoint_id: ENDPOINT_ID, status: 'failed' },
      reply: { items: [exampleDelivery], next_cursor: null },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await deliveries.list(caller.tenant, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/webhook-endpoints/resend',
    tag: TAG,
    summary: 'Send an event again, or all since a time that were not taken',
    description:
      'Name `event_id` or `since`. An event by its id is sent whatever became of it before; of those ' +
      'since a time, the ones that the endpoint asks for and has not taken, also from the time when ' +
      'it was disabled or did not exist. What waits for its next try is sent now. At most 10,000 a ' +
      'call: while `has_more` is true, call again.',
    access: 'webhooks.manage',
    body: z
      .strictObject({
        endpoint_id: id,
        event_id: id.optional(),
        since: timestamp.optional(),
      })
      .refine(({ event_id, since }) => (event_id === undefined) !== (since === undefined), {
        path: ['event_id'],
        message: 'needs event_id or since, and not both',
      }),
    replies: {
      200: {
        description: 'How many are sent',
        body: z.object({ resent: z.int(), has_more: z.boolean() }),
      },
    },
    errors: ['not_found', 'endpoint_disabled'],
    example: {
      body: { endpoint_id: ENDPOINT_ID, since: '2026-11-20T00:00:00.000Z' },
      reply: { resent: 12, has_more: false },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await deliveries.resend(caller, body),
    }),
  }),
]
