// Organizations, their clients, users and credentials, and what was done in their name.

import { type Generated } from 'kysely'
import {
  type DefaultedJson,
  type DefaultedTimestamp,
  type Json,
  type Timestamp,
} from './columns.ts'
import { type WorkFault } from './work.ts'

export type Role = 'org_admin' | 'company_admin' | 'company_member'

export interface Organizations {
  id: string
  name: string
  slug: string
  is_active: Generated<boolean>
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
  purging_at: Timestamp | null
}

export interface Clients {
  id: string
  org_id: string
  name: string
  domain: string | null
  metadata: DefaultedJson<Record<string, unknown>>
  tags: DefaultedJson<Record<string, string>>
  is_active: Generated<boolean>
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
  leaving_at: Timestamp | null
  left_at: Timestamp | null
  purging_at: Timestamp | null
}

export interface Users {
  id: string
  org_id: string
  client_id: string | null
  email: string
  password_hash: string
  full_name: string | null
  role: Role
  is_active: Generated<boolean>
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
}

export interface LoginSessions {
  id: string
  org_id: string
  client_id: string | null
  user_id: string
  created_at: DefaultedTimestamp
  expires_at: Timestamp
  ended_at: Timestamp | null
}

export interface ApiTokens {
  id: string
  org_id: string
  user_id: string
  created_by: string | null
  name: string
  prefix: string
  token_hash: Buffer
  scopes: string[] | null
  client_ids: string[] | null
  approval: Generated<'none' | 'required'>
  is_active: Generated<boolean>
  last_used_at: Timestamp | null
  expires_at: Timestamp | null
  created_at: DefaultedTimestamp
}

export interface Approvals {
  id: string
  org_id: string
  client_id: string | null
  token_id: string
  requested_by: string | null
  action: string
  request_hash: Buffer
  bound: Json<Record<string, unknown>>
  summary: Json<string[]>
  state: Generated<'pending' | 'granted' | 'refused' | 'used'>
  decided_by: string | null
  decided_at: Timestamp | null
  used_at: Timestamp | null
  resource_id: string | null
  request_id: string | null
  created_at: DefaultedTimestamp
  expires_at: Timestamp
}

export interface AuditLog {
  id: string
  org_id: string
  client_id: string | null
  at: DefaultedTimestamp
  user_id: string | null
  credential_type: 'super_admin' | 'api_token' | 'session' | 'password' | 'system'
  credential_id: string | null
  action: string
  target_type: string | null
  target_id: string | null
  outcome: string
  request_id: string | null
  salesforce_api_calls: Generated<number>
}

export interface IdempotencyKeys {
  org_id: string
  client_id: string | null
  user_id: string
  method: string
  path: string
  key: string
  body_hash: Buffer
  holder: string
  free_at: Timestamp
  resource_id: string | null
  response_status: number | null
  response_body: Json<unknown> | null
  created_at: DefaultedTimestamp
}

export interface Purges {
  id: string
  org_id: string
  client_id: string | null
  offboarding_id: string | null
  stage: Generated<'drain' | 'grants' | 'delete'>
  deleted: DefaultedJson<Record<string, number>>
  grants_left: Generated<number>
  attempts: Generated<number>
  error: Json<WorkFault | null> | null
  resume_at: Timestamp | null
  created_by: string | null
  credential_type: AuditLog['credential_type'] | null
  credential_id: string | null
  request_id: string | null
  created_at: DefaultedTimestamp
}
