// Conflict reports and deployments, with their components and images.

import { type ColumnType, type Generated } from 'kysely'
import {
  type DefaultedJson,
  type DefaultedTimestamp,
  type Json,
  type Timestamp,
} from './columns.ts'
import { type AuditLog } from './tenancy.ts'
import { type Progress, type WorkFault, type WorkWarning } from './work.ts'

export type DeploymentStatus = 'pending' | 'validated' | 'deployed' | 'failed' | 'rolled_back'

export type DeploymentKind =
  | 'custom_objects'
  | 'workflows'
  | 'workflow_removal'
  | 'workflow_activation'

/** Those that callers see, and what stands for all that an off-boarding takes out. */
export type StoredDeploymentKind = DeploymentKind | 'offboarding' | 'workflow_offboarding'

export interface CrmConflictReports {
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

export interface CrmDeployments {
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

export interface DeploymentRuns {
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

export interface DeploymentComponents {
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

export interface DeploymentImages {
  org_id: string
  client_id: string
  deployment_id: string
  moment: 'before' | 'after'
  kind: 'file' | 'describe' | 'flow'
  name: string
  content: string
}
