// The tables as Kysely sees them. The truth is migrations/; a test compares the two.

import { type ColumnType, type Generated } from 'kysely'
import { type FaultCode, type MemberError, type Upstream } from '../errors.ts'
import { type JsonText } from './json.ts'

export type Role = 'org_admin' | 'company_admin' | 'company_member'
export type Environment = 'production' | 'sandbox'
export type ConnectionStatus = 'pending' | 'connected' | 'expired' | 'revoked' | 'error'
export type SnapshotStatus = 'pulling' | 'complete' | 'failed'

type Timestamp = ColumnType<Date, Date | string, Date | string>
type DefaultedTimestamp = ColumnType<Date, Date | string | undefined, Date | string>
/** jsonb: read as the parsed value, written as what `json()` returns; no other text is accepted. */
export type Json<T> = ColumnType<T, JsonText<T>, JsonText<T>>
type DefaultedJson<T> = ColumnType<T, JsonText<T> | undefined, JsonText<T>>

/** A reason, for programs (`code`) and for people (`message`). */
export interface Fault {
  code: string
  message: string
}

/** How work waits: since when, until when, for what, and when it is tried again. Times are ISO 8601. */
export interface Waiting {
  /** `time`: it passes by itself. `person`: somebody has to act, in Salesforce or here. */
  for: 'time' | 'person'
  since: string
  /** When it ends with this fault. Null: it waits without limit, since something was already sent. */
  until: string | null
  next_try_at: string
}

/** Why durable work is paused (then with `waiting`), or why it ended as it did. */
export interface WorkFault extends Fault {
  code: FaultCode
  /** Where several things are named, such as rows that would be lost. */
  errors?: MemberError[]
  /** The words of Salesforce or Nango, if they failed. */
  upstream?: Upstream
  waiting?: Waiting
}

/** What went less well than planned in work that is done. */
export interface WorkWarning extends Fault {
  code: FaultCode
}

export interface Progress {
  stage: string
  done: number
  total: number
}

interface Organizations {
  id: string
  name: string
  slug: string
  is_active: Generated<boolean>
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
  purging_at: Timestamp | null
}

interface Clients {
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

interface Users {
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

interface LoginSessions {
  id: string
  org_id: string
  client_id: string | null
  user_id: string
  created_at: DefaultedTimestamp
  expires_at: Timestamp
  ended_at: Timestamp | null
}

interface ApiTokens {
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

interface Approvals {
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

interface CrmConnections {
  id: string
  org_id: string
  client_id: string
  status: ColumnType<ConnectionStatus, ConnectionStatus | undefined, ConnectionStatus>
  environment: Environment
  provider_config_key: string
  nango_connection_id: string | null
  instance_url: string | null
  sfdc_org_id: string | null
  sfdc_user_id: string | null
  api_version: string
  generation: Generated<number>
  error: Json<Fault | null> | null
  refresh_refused_since: Timestamp | null
  refresh_refused_count: Generated<number>
  refresh_refused_at: Timestamp | null
  refresh_lease_holder: string | null
  refresh_lease_until: Timestamp | null
  refresh_count: Generated<string>
  connected_at: Timestamp | null
  last_refreshed_at: Timestamp | null
  created_by: string | null
  created_at: DefaultedTimestamp
  updated_at: DefaultedTimestamp
}

/** Why what was authorized was not accepted. */
export interface Refusal extends Fault {
  nango_connection_id: string
}

interface ConnectionAttempts {
  id: string
  org_id: string
  client_id: string
  connection_id: string
  environment: Environment
  provider_config_key: string
  login_host: string
  api_version: string
  allow_other_org: Generated<boolean>
  status: ColumnType<
    'open' | 'accepted' | 'superseded' | 'abandoned',
    'open' | undefined,
    'open' | 'accepted' | 'superseded' | 'abandoned'
  >
  nango_connection_id: string | null
  instance_url: string | null
  sfdc_org_id: string | null
  refusal: Json<Refusal | null> | null
  retired_at: Timestamp | null
  session_expires_at: Timestamp | null
  expires_at: Timestamp
  created_by: string | null
  created_at: DefaultedTimestamp
}

interface TopologyFrames {
  org_id: string
  client_id: string
  id: string
  body: Buffer
  size_bytes: number
  created_at: DefaultedTimestamp
}

interface TopologyBlobs {
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

interface CrmTopologySnapshots {
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

interface TopologyPullItems {
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

interface TopologyValidators {
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

export type DeploymentStatus = 'pending' | 'validated' | 'deployed' | 'failed' | 'rolled_back'
export type DeploymentKind =
  | 'custom_objects'
  | 'workflows'
  | 'workflow_removal'
  | 'workflow_activation'
/** Those that callers see, and what stands for all that an off-boarding takes out. */
export type StoredDeploymentKind = DeploymentKind | 'offboarding' | 'workflow_offboarding'

interface CrmConflictReports {
  id: string
  org_id: string
  client_id: string
  status: Generated<'running' | 'complete' | 'failed'>
  severity: 'green' | 'yellow' | 'red' | null
  plan: Json<unknown>
  workflows: DefaultedJson<unknown>
  judged_workflows: Json<unknown> | null
  judged_components: Json<unknown> | null
  plan_hash: string
  stage: Generated<'pull' | 'salesforce' | 'rules'>
  validate_in_salesforce: Generated<boolean>
  sfdc_org_id: string | null
  snapshot_id: string | null
  snapshot_version: number | null
  pull_id: string | null
  validation_id: string | null
  salesforce_problems: Json<unknown> | null
  for_fleet: Generated<boolean>
  findings: DefaultedJson<unknown>
  reversibility: DefaultedJson<unknown>
  counts: Json<unknown> | null
  api_call_estimate: number | null
  progress: DefaultedJson<Progress>
  error: Json<WorkFault | null> | null
  attempts: Generated<number>
  resume_at: Timestamp | null
  salesforce_api_calls: Generated<number>
  created_by: string | null
  credential_type: AuditLog['credential_type'] | null
  credential_id: string | null
  request_id: string | null
  created_at: DefaultedTimestamp
  completed_at: Timestamp | null
}

interface CrmDeployments {
  id: string
  org_id: string
  client_id: string
  connection_id: string | null
  kind: StoredDeploymentKind
  status: ColumnType<DeploymentStatus, DeploymentStatus | undefined, DeploymentStatus>
  plan: Json<unknown>
  plan_hash: string | null
  conflict_report_id: string | null
  sfdc_org_id: string | null
  sfdc_deploy_id: string | null
  check_only: Generated<boolean>
  progress: DefaultedJson<Progress>
  warnings: DefaultedJson<WorkWarning[]>
  error: Json<WorkFault | null> | null
  rollback: Json<unknown> | null
  changes: Json<unknown> | null
  applied: 'all' | 'nothing' | 'unknown' | null
  salesforce_api_calls: Generated<number>
  created_by: string | null
  request_id: string | null
  created_at: DefaultedTimestamp
  deployed_at: Timestamp | null
  rolled_back_at: Timestamp | null
  images_discarded_at: Timestamp | null
}

interface DeploymentRuns {
  id: string
  org_id: string
  client_id: string
  deployment_id: string
  kind: 'deploy' | 'rollback'
  options: DefaultedJson<unknown>
  stage: Generated<string>
  sfdc_org_id: string
  locked_sfdc_org_id: string | null
  for_fleet: Generated<boolean>
  package: Json<unknown> | null
  sfdc_user_id: string | null
  intended_at: Timestamp | null
  sent_at: Timestamp | null
  sends: Generated<number>
  sfdc_deploy_id: string | null
  cancel_requested_at: Timestamp | null
  attempts: Generated<number>
  resume_at: Timestamp | null
  error: Json<WorkFault | null> | null
  result: Json<unknown> | null
  created_by: string | null
  credential_type: AuditLog['credential_type'] | null
  credential_id: string | null
  request_id: string | null
  salesforce_api_calls: Generated<number>
  created_at: DefaultedTimestamp
  ended_at: Timestamp | null
}

interface DeploymentComponents {
  org_id: string
  client_id: string
  deployment_id: string
  position: number
  type: string
  full_name: string
  path: string
  action: 'created' | 'updated' | 'unchanged' | 'deleted'
  reversibility: 'reversible' | 'reversible_with_data_loss' | 'irreversible'
  reason: string | null
  success: boolean | null
  problem: Json<unknown> | null
}

interface DeploymentImages {
  org_id: string
  client_id: string
  deployment_id: string
  moment: 'before' | 'after'
  kind: 'file' | 'describe' | 'flow'
  name: string
  content: string
}

/** Rows of a dry run that a push would send, by what it would do with them. */
export interface DryRunCounts {
  would_update: number
  would_send: number
}

export type PushStatus = 'queued' | 'in_progress' | 'succeeded' | 'partial' | 'failed'

interface CrmPushLogs {
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

interface PushLanes {
  id: string
  org_id: string
  client_id: string
  push_id: string
  lane: number
}

interface PushRows {
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

interface PushChunks {
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

interface PushResults {
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

interface CrmFieldMappings {
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

interface FieldMappingVersions {
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

interface AuditLog {
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

interface IdempotencyKeys {
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

/** Tables that belong to a tenant: reachable only inside `db.as(tenant).tx`. */
interface EventSequences {
  org_id: string
  client_id: string | null
  last: string
}

interface Events {
  id: string
  org_id: string
  client_id: string | null
  sequence: string
  type: string
  data: Json<Record<string, unknown>>
  created_at: Timestamp
}

interface WebhookEndpoints {
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

interface WebhookDeliveries {
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

interface Blueprints {
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

interface BlueprintVersions {
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

interface BlueprintBindings {
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

interface ReconsentCampaigns {
  id: string
  org_id: string
  name: string
  note: string | null
  created_by: string | null
  created_at: DefaultedTimestamp
}

interface ReconsentClients {
  id: string
  org_id: string
  client_id: string
  campaign_id: string
  reason: 'scope' | 'dead_grant' | 'app_rules'
  cause: Json<Fault | null> | null
  asked_at: DefaultedTimestamp
}

interface SearchClients {
  org_id: string
  client_id: string
  no: number
  snapshot_id: string | null
  manifest_hash: Buffer | null
}

interface SearchSets {
  org_id: string
  id: Generated<string>
  clients: number[]
  clients_key: Buffer | null
  size: number
}

interface SearchFacts {
  org_id: string
  hash: Buffer
  set_id: string
  flags: number
  kind: 'object' | 'field' | 'picklist_value' | 'record_type' | 'automation'
  object_key: string
  name_key: string
  label_key: string
  object: string | null
  name: string
  label: string | null
  field: string | null
  type: string
  formula: string | null
  detail: Json<Record<string, unknown>> | null
}

interface SearchContents {
  org_id: string
  key: Buffer
  facts: Buffer
}

interface FleetDriftRuns {
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

interface Offboardings {
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

interface FleetReadings {
  org_id: string
  client_id: string
  sfdc_org_id: string
  read_at: Timestamp
  error: Json<Fault | null> | null
  components: DefaultedJson<Record<string, { at: string | null; by: string | null } | null>>
  files: DefaultedJson<Record<string, string>>
}

interface FleetDriftResults {
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

interface Purges {
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

interface Rollouts {
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

interface RolloutWaves {
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

interface RolloutTargets {
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

interface RolloutCounts {
  org_id: string
  rollout_id: string
  wave: number
  state: RolloutTargetState
  targets: number
}

export interface TenantTables {
  organizations: Organizations
  clients: Clients
  users: Users
  login_sessions: LoginSessions
  api_tokens: ApiTokens
  approvals: Approvals
  crm_connections: CrmConnections
  connection_attempts: ConnectionAttempts
  topology_blobs: TopologyBlobs
  topology_frames: TopologyFrames
  crm_topology_snapshots: CrmTopologySnapshots
  topology_pull_items: TopologyPullItems
  topology_validators: TopologyValidators
  crm_conflict_reports: CrmConflictReports
  crm_deployments: CrmDeployments
  deployment_runs: DeploymentRuns
  deployment_components: DeploymentComponents
  deployment_images: DeploymentImages
  crm_push_logs: CrmPushLogs
  push_lanes: PushLanes
  push_rows: PushRows
  push_chunks: PushChunks
  push_results: PushResults
  crm_field_mappings: CrmFieldMappings
  field_mapping_versions: FieldMappingVersions
  audit_log: AuditLog
  idempotency_keys: IdempotencyKeys
  event_sequences: EventSequences
  events: Events
  webhook_endpoints: WebhookEndpoints
  webhook_deliveries: WebhookDeliveries
  blueprints: Blueprints
  blueprint_versions: BlueprintVersions
  blueprint_bindings: BlueprintBindings
  search_clients: SearchClients
  reconsent_campaigns: ReconsentCampaigns
  reconsent_clients: ReconsentClients
  search_sets: SearchSets
  search_facts: SearchFacts
  search_contents: SearchContents
  fleet_drift_runs: FleetDriftRuns
  fleet_drift_results: FleetDriftResults
  fleet_readings: FleetReadings
  offboardings: Offboardings
  purges: Purges
  rollouts: Rollouts
  rollout_waves: RolloutWaves
  rollout_targets: RolloutTargets
  rollout_counts: RolloutCounts
}
