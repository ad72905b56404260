// Snapshots of Salesforce orgs: their contents once, whatever the number of snapshots.

import { type ColumnType, type Generated } from 'kysely'
import {
  type DefaultedJson,
  type DefaultedTimestamp,
  type Json,
  type Timestamp,
} from './columns.ts'
import { type AuditLog } from './tenancy.ts'
import { type Fault, type Progress, type WorkFault } from './work.ts'

export type SnapshotStatus = 'pulling' | 'complete' | 'failed'

export interface TopologyFrames {
  org_id: string
  client_id: string
  id: string
  body: Buffer
  size_bytes: number
  created_at: DefaultedTimestamp
}

export interface TopologyBlobs {
  org_id: string
  client_id: string
  hash: Buffer
  /** Of rows from before there were frames. */
  body: Buffer | null
  frame_id: string | null
  starts_at: number | null
  size_bytes: number
  created_at: DefaultedTimestamp
  gist: Buffer | null
}

export interface SnapshotStats {
  salesforce_api_calls: number
  not_modified: number
  bytes: number
  duration_ms: number
  unreadable: { object: string; code: string; message: string }[]
  /** Seen in an earlier version but not now, and may still exist: `Object`, `Object.Field`. */
  not_visible: string[]
  /** What the connected user lacks, as Setup calls it; null where Salesforce did not return it. */
  missing_permissions: string[] | null
}

export interface SnapshotChanges {
  added: number
  removed: number
  changed: number
}

export interface CrmTopologySnapshots {
  id: string
  org_id: string
  client_id: string
  connection_id: string | null
  version: number | null
  status: ColumnType<SnapshotStatus, SnapshotStatus | undefined, SnapshotStatus>
  scope: DefaultedJson<'all' | string[]>
  full_read: Generated<boolean>
  base_snapshot_id: string | null
  api_version: string
  sfdc_org_id: string
  sfdc_user_id: string
  language: string | null
  progress: DefaultedJson<Progress>
  error: Json<WorkFault | null> | null
  manifest_hash: Buffer | null
  content_hash: string | null
  objects_count: number | null
  fields_count: number | null
  automations_count: number | null
  stats: DefaultedJson<SnapshotStats>
  changes_from_previous: Json<SnapshotChanges | null> | null
  created_by: string | null
  credential_type: AuditLog['credential_type'] | null
  credential_id: string | null
  request_id: string | null
  created_at: DefaultedTimestamp
  completed_at: Timestamp | null
  resume_at: Timestamp | null
  /** It, or a newer one of the client, is in the search index. */
  is_indexed: Generated<boolean>
}

export interface TopologyPullItems {
  org_id: string
  client_id: string
  snapshot_id: string
  kind: 'global' | 'object' | 'automation'
  name: string
  hash: Buffer | null
  fields_count: Generated<number>
  last_modified: string | null
  not_modified: Generated<boolean>
  unreadable: Json<Fault | null> | null
}

export interface TopologyValidators {
  org_id: string
  client_id: string
  kind: 'global' | 'object' | 'automation'
  name: string
  scope: string
  last_modified: string
  hash: Buffer | null
  fields_count: Generated<number>
  read_at: DefaultedTimestamp
}
