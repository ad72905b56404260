// Blueprints, rollouts, drift, and clients that leave.

import { type ColumnType, type Generated } from 'kysely'
import {
  type DefaultedJson,
  type DefaultedTimestamp,
  type Json,
  type Timestamp,
} from './columns.ts'
import { type AuditLog } from './tenancy.ts'
import { type Fault, type WorkFault } from './work.ts'

export interface Blueprints {
  id: string
  org_id: string
  slug: string
  name: string
  description: string | null
  latest_version: Generated<number>
  is_archived: Generated<boolean>
  created_by: string | null
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
}

export interface BlueprintVersions {
  id: string
  org_id: string
  blueprint_id: string
  version: number
  content_hash: string
  content: Json<unknown>
  parameters: Json<unknown>
  notes: string | null
  created_by: string | null
  created_at: DefaultedTimestamp
}

export interface BlueprintBindings {
  id: string
  org_id: string
  client_id: string
  blueprint_id: string
  parameters: DefaultedJson<Record<string, unknown>>
  pinned_version: number | null
  overrides: DefaultedJson<unknown>
  created_by: string | null
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
}

export interface FleetDriftRuns {
  id: string
  org_id: string
  blueprint_id: string | null
  selector: Json<unknown> | null
  max_age_hours: number | null
  refresh: Generated<boolean>
  status: Generated<'running' | 'complete'>
  counts: DefaultedJson<unknown>
  created_by: string | null
  created_at: DefaultedTimestamp
  completed_at: Timestamp | null
}

export interface Offboardings {
  id: string
  org_id: string
  client_id: string | null
  status: Generated<'running' | 'complete' | 'partial' | 'failed'>
  is_preview: boolean
  options: Json<unknown>
  stage: Generated<string>
  sfdc_org_id: string | null
  automations_id: string | null
  components_id: string | null
  result: Json<unknown>
  certificate: Json<unknown> | null
  certificate_hash: string | null
  error: Json<WorkFault | null> | null
  resume_at: Timestamp | null
  salesforce_api_calls: Generated<number>
  created_by: string | null
  credential_type: AuditLog['credential_type'] | null
  credential_id: string | null
  request_id: string | null
  created_at: DefaultedTimestamp
  completed_at: Timestamp | null
}

export interface FleetReadings {
  org_id: string
  client_id: string
  sfdc_org_id: string
  read_at: Timestamp
  error: Json<Fault | null> | null
  components: DefaultedJson<Record<string, { at: string | null; by: string | null } | null>>
  files: DefaultedJson<Record<string, string>>
}

export interface FleetDriftResults {
  id: string
  org_id: string
  client_id: string
  run_id: string
  blueprint_id: string
  version: number
  state: 'in_sync' | 'drifted' | 'unknown' | null
  reason: Json<Fault | null> | null
  pull_id: string | null
  snapshot_id: string | null
  snapshot_version: number | null
  snapshot_at: Timestamp | null
  counts: DefaultedJson<unknown>
  components: DefaultedJson<unknown>
  created_at: DefaultedTimestamp
}

type RolloutStateName =
  | 'draft'
  | 'checking'
  | 'ready'
  | 'running'
  | 'paused'
  | 'succeeded'
  | 'partial'
  | 'stopped'
  | 'failed'
  | 'rolling_back'
  | 'rolled_back'
  | 'rollback_partial'

export interface Rollouts {
  id: string
  org_id: string
  name: string | null
  kind: 'custom_objects' | 'workflows'
  blueprint_id: string | null
  version: number | null
  content: Json<unknown> | null
  mode: 'strict' | 'soft'
  accepts_yellow: Generated<boolean>
  with_mappings: Generated<boolean>
  delivery_window: Json<{ from: string; to: string; zone: string } | null> | null
  connection_grace_seconds: number
  targets_total: number
  state: ColumnType<RolloutStateName, RolloutStateName | undefined, RolloutStateName>
  pause_reason:
    | 'user'
    | 'gate'
    | 'tolerance'
    | 'systemic'
    | 'unknown_fate'
    | 'soak'
    | 'window'
    | null
  pause_detail: Json<Record<string, string | number> | null> | null
  paused_until: Timestamp | null
  revision: Generated<number>
  generation: Generated<number>
  wake_at: Timestamp | null
  preview_state: 'running' | 'complete' | null
  previewed_at: Timestamp | null
  allow_data_loss: Generated<boolean>
  acts_for: string | null
  credential_type: AuditLog['credential_type'] | null
  credential_id: string | null
  request_id: string | null
  created_by: string | null
  created_at: DefaultedTimestamp
  started_at: Timestamp | null
  finished_at: Timestamp | null
  rolled_back_at: Timestamp | null
}

export interface RolloutWaves {
  org_id: string
  rollout_id: string
  position: number
  name: string
  targets_total: number
  max_concurrent: number
  failure_tolerance: number
  soak_seconds: number
  gate: 'auto' | 'manual'
  state: Generated<'pending' | 'open' | 'closed'>
  approved_by: string | null
  approved_at: Timestamp | null
  opened_at: Timestamp | null
  closed_at: Timestamp | null
}

type RolloutTargetState =
  | 'pending'
  | 'checking'
  | 'ready'
  | 'blocked'
  | 'queued'
  | 'deploying'
  | 'waiting'
  | 'deployed'
  | 'unchanged'
  | 'failed'
  | 'unknown'
  | 'skipped'
  | 'excluded'
  | 'rolling_back'
  | 'rolled_back'
  | 'rollback_partial'

export interface RolloutTargets {
  id: string
  org_id: string
  client_id: string
  rollout_id: string
  wave: number
  position: number
  state: ColumnType<RolloutTargetState, RolloutTargetState | undefined, RolloutTargetState>
  reason: string | null
  fault: Json<WorkFault | null> | null
  is_failure: Generated<boolean>
  is_acknowledged: Generated<boolean>
  values: Json<unknown> | null
  plan_hash: string
  report_id: string | null
  checked_at: Timestamp | null
  severity: 'green' | 'yellow' | 'red' | null
  needs_refresh: Generated<boolean>
  is_rechecked: Generated<boolean>
  shown_report_id: string | null
  deployment_id: string | null
  is_recalled: Generated<boolean>
  revision: Generated<number>
  claim: string | null
  claimed_until: Timestamp | null
  attempts: Generated<number>
  due_at: Timestamp | null
  waiting_since: Timestamp | null
  decided_by: string | null
  decision: string | null
  rollback: Json<unknown> | null
  preview: Json<unknown> | null
  preview_state: 'pending' | 'running' | 'done' | null
  mappings: Json<unknown> | null
  updated_at: DefaultedTimestamp
}

export interface RolloutCounts {
  org_id: string
  rollout_id: string
  wave: number
  state: RolloutTargetState
  targets: number
}
