// Events and their deliveries.

import { type Generated } from 'kysely'
import {
  type DefaultedJson,
  type DefaultedTimestamp,
  type Json,
  type Timestamp,
} from './columns.ts'

/** Tables that belong to a tenant: reachable only inside `db.as(tenant).tx`. */
export interface EventSequences {
  org_id: string
  client_id: string | null
  last: string
}

export interface Events {
  id: string
  org_id: string
  client_id: string | null
  sequence: string
  type: string
  data: Json<Record<string, unknown>>
  created_at: Timestamp
}

export interface WebhookEndpoints {
  id: string
  org_id: string
  url: string
  description: string | null
  event_types: string[] | null
  client_ids: string[] | null
  status: Generated<'active' | 'disabled'>
  disabled_reason: 'by_request' | 'gone' | 'failing' | null
  disabled_at: Timestamp | null
  secret: Buffer
  former_secret: Buffer | null
  former_secret_until: Timestamp | null
  failing_since: Timestamp | null
  last_success_at: Timestamp | null
  last_failure_at: Timestamp | null
  last_failure: string | null
  created_by: string | null
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
}

/** One try to send an event to an endpoint. */
export interface DeliveryAttempt {
  at: string
  /** Of the answer; null: none came. */
  status: number | null
  /** Null: it was taken. */
  failure: string | null
  ms: number
}

export interface WebhookDeliveries {
  id: string
  org_id: string
  client_id: string | null
  endpoint_id: string
  event_id: string
  status: Generated<'pending' | 'delivered' | 'failed'>
  tries: Generated<number>
  attempts: DefaultedJson<DeliveryAttempt[]>
  next_try_at: Timestamp | null
  lease_holder: string | null
  lease_until: Timestamp | null
  created_at: DefaultedTimestamp
  ended_at: Timestamp | null
}
