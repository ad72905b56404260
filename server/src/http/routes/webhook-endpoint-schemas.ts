// The shapes of webhook endpoints, and of what is sent to them.

import * as z from 'zod'
import { eventType } from '../event-schemas.ts'
import { id, line, timestamp } from '../schemas.ts'

export const endpointStatus = z.enum(['active', 'disabled']).meta({ id: 'WebhookEndpointStatus' })
export const deliveryStatus = z
  .enum(['pending', 'delivered', 'failed'])
  .meta({ id: 'WebhookDeliveryStatus' })

export const endpoint = z
  .object({
    id,
    url: z.string(),
    description: z.string().nullable(),
    event_types: z.array(z.string()).nullable().describe('null: all, also of later versions'),
    client_ids: z
      .array(id)
      .nullable()
      .describe('null: events of all clients, and of the organization itself'),
    status: endpointStatus,
    disabled_reason: z
      .enum(['by_request', 'gone', 'failing'])
      .meta({ id: 'EndpointDisabledReason' })
      .nullable()
      .describe('`gone`: it answered 410. `failing`: only failures came back for five days'),
    disabled_at: timestamp.nullable(),
    failing_since: timestamp.nullable().describe('null: the last try succeeded'),
    last_success_at: timestamp.nullable().describe('Noted once a minute'),
    last_failure_at: timestamp.nullable(),
    last_failure: z.string().nullable().describe('For example `answered_with_error 500`'),
    former_secret_until: timestamp
      .nullable()
      .describe('Until then the secret before the last rotation signs too'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'WebhookEndpoint' })

export const secret = z
  .string()
  .nullable()
  .describe('Shown only once; null when the answer is a replay')

const failure = z
  .string()
  .nullable()
  .describe(
    'null: it was taken. `answered_with_error`, `redirected`, `timeout`, `connection_failed`, ' +
      '`tls_failed`, `host_not_found`, or `endpoint_refused`: its address is not a public one',
  )
export const attempt = z.object({
  at: timestamp,
  status: z.int().nullable().describe('The HTTP status; null: no answer came'),
  failure,
  ms: z.int(),
})

export const delivery = z
  .object({
    id,
    endpoint_id: id,
    event_id: id,
    event_type: z.string(),
    client_id: id.nullable(),
    status: deliveryStatus,
    tries: z.int(),
    attempts: z.array(attempt),
    next_try_at: timestamp.nullable(),
    created_at: timestamp,
    ended_at: timestamp.nullable(),
  })
  .meta({ id: 'WebhookDelivery' })

export const ENDPOINT_ID = '01931f2a-7c00-7000-8000-000000000030'
const EVENT_ID = '01931f2a-7c00-7000-8000-000000000020'
export const exampleEndpoint = {
  id: ENDPOINT_ID,
  url: 'https://hooks.agency.example/sfdc',
  description: 'our back office',
  event_types: ['push.finished', 'deployment.finished'],
  client_ids: null,
  status: 'active',
  disabled_reason: null,
  disabled_at: null,
  failing_since: null,
  last_success_at: null,
  last_failure_at: null,
  last_failure: null,
  former_secret_until: null,
  created_at: '2026-11-22T09:00:00.000Z',
  updated_at: '2026-11-22T09:00:00.000Z',
}

export const settings = {
  url: z
    .string()
    .min(1)
    .max(2_000)
    .describe(
      'https, without user name, password and fragment; its host has public addresses only',
    ),
  description: line(500).nullable().optional(),
  event_types: z
    .array(eventType)
    .min(1)
    .max(50)
    .nullable()
    .optional()
    .describe('null, the default: all'),
  client_ids: z
    .array(id)
    .min(1)
    .max(200)
    .nullable()
    .optional()
    .describe('null, the default: events of all clients, and of the organization itself'),
}

export const exampleDelivery = {
  id: '01931f2a-7c00-7000-8000-000000000031',
  endpoint_id: ENDPOINT_ID,
  event_id: EVENT_ID,
  event_type: 'push.finished',
  client_id: '01931f2a-7c00-7000-8000-000000000003',
  status: 'failed',
  tries: 1,
  attempts: [
    {
      at: '2026-11-22T09:00:00.000Z',
      status: 410,
      failure: 'answered_with_error',
      ms: 41,
    },
  ],
  next_try_at: null,
  created_at: '2026-11-22T09:00:00.000Z',
  ended_at: '2026-11-22T09:00:00.050Z',
}
