// Pushes with their rows and results, and the mappings that they follow.

import { type ColumnType, type Generated } from 'kysely'
import {
  type DefaultedJson,
  type DefaultedTimestamp,
  type Json,
  type Timestamp,
} from './columns.ts'
import { type AuditLog } from './tenancy.ts'
import { type WorkFault } from './work.ts'

/** Rows of a dry run that a push would send, by what it would do with them. */
export interface DryRunCounts {
  would_update: number
  would_send: number
}

export type PushStatus = 'queued' | 'in_progress' | 'succeeded' | 'partial' | 'failed'

export interface CrmPushLogs {
  id: string
  org_id: string
  client_id: string
  connection_id: string | null
  kind: 'records' | 'status_update' | 'link'
  canonical_object: string | null
  sfdc_object: string | null
  status: ColumnType<PushStatus, PushStatus | undefined, PushStatus>
  dry_run: Generated<boolean>
  transport: 'collections' | 'bulk' | null
  options: DefaultedJson<unknown>
  total: Generated<number>
  processed: Generated<number>
  succeeded: Generated<number>
  failed: Generated<number>
  created_count: Generated<number>
  updated_count: Generated<number>
  salesforce_api_calls: Generated<number>
  mapping_version: number | null
  mapping_id: string | null
  snapshot_id: string | null
  retry_of: string | null
  automations: Json<unknown> | null
  dry_run_counts: Json<DryRunCounts | null> | null
  error: Json<(WorkFault & { resumes_at?: string }) | null> | null
  value_profile: Json<unknown> | null
  content_hash: Buffer | null
  sfdc_org_id: string | null
  accepted_at: Timestamp | null
  staged_at: Timestamp | null
  open_chunks: Generated<number>
  cancel_requested_at: Timestamp | null
  stop: Json<WorkFault | null> | null
  resume_at: Timestamp | null
  results_expire_at: Timestamp | null
  results_discarded: Generated<boolean>
  created_by: string | null
  credential_type: AuditLog['credential_type'] | null
  credential_id: string | null
  request_id: string | null
  created_at: DefaultedTimestamp
  started_at: Timestamp | null
  completed_at: Timestamp | null
}

export interface PushLanes {
  id: string
  org_id: string
  client_id: string
  push_id: string
  lane: number
}

export interface PushRows {
  org_id: string
  client_id: string
  push_id: string
  block_no: number
  part: number | null
  window_start: number
  rows: number
  bytes: number
  object: string | null
  operation: 'upsert' | 'update' | null
  match_field: string | null
  chains: Generated<number[]>
  ready: Buffer | null
  source: Buffer
}

export interface PushChunks {
  org_id: string
  client_id: string
  push_id: string
  seq: number
  state: ColumnType<'pending' | 'done', 'pending' | undefined, 'pending' | 'done'>
  rows: number
  chains: Generated<number[]>
  send_state: Json<unknown> | null
  claims: Generated<number>
  faults: Generated<number>
  lease_holder: string | null
  lease_until: Timestamp | null
  resume_at: Timestamp | null
  started_at: Timestamp | null
  finished_at: Timestamp | null
}

export interface PushResults {
  org_id: string
  client_id: string
  push_id: string
  block_no: number
  window_start: number
  rows: number
  succeeded: number
  failed: number
  created: number
  updated: number
  body: Buffer
}

export interface CrmFieldMappings {
  id: string
  org_id: string
  client_id: string
  canonical_object: string
  sfdc_object: string
  external_id_field: string | null
  fields: DefaultedJson<unknown>
  version: Generated<number>
  is_active: Generated<boolean>
  deleted_at: Timestamp | null
  created_by: string | null
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
}

export interface FieldMappingVersions {
  org_id: string
  client_id: string
  mapping_id: string
  version: number
  sfdc_object: string
  external_id_field: string | null
  fields: Json<unknown>
  is_active: boolean
  created_by: string | null
  created_at: DefaultedTimestamp
}
