// Deployments as rows and as callers see them.

import { recordsOf } from '../../salesforce/activities.ts'
import { type Reader, type Tenant, type Tx } from '../../db/database.ts'
import { type TenantTables } from '../../db/tables.ts'
import {
  type DeploymentKind,
  type StoredDeploymentKind,
  type DeploymentStatus,
} from '../../db/tables/deployments.ts'
import { type WorkWarning, type Progress, type WorkFault } from '../../db/tables/work.ts'
import { type Selectable, sql } from 'kysely'
import { type Standing } from '../../jobs/account.ts'
import { type Work } from '../../jobs/jobs.ts'
import { FILE_KINDS } from '../metadata/kinds.ts'
import { type MergeChanges } from '../metadata/undoing.ts'
import { type Plan, storedPlan } from '../plan/schema.ts'

/** Kinds of deployments that callers see. */
export const SHOWN_KINDS = [
  'custom_objects',
  'workflows',
  'workflow_removal',
  'workflow_activation',
] as const satisfies StoredDeploymentKind[]

/** Whether callers see it: what stands for an off-boarding is none of theirs. */
export const isShown = (row: DeploymentRow | undefined): row is DeploymentRow =>
  row !== undefined && SHOWN_KINDS.some((kind) => kind === row.kind)

export type DeploymentRow = Selectable<TenantTables['crm_deployments']>
export type RunRow = Selectable<TenantTables['deployment_runs']>
export type ComponentRow = Selectable<TenantTables['deployment_components']>
export type Action = ComponentRow['action']
export type Reversibility = ComponentRow['reversibility']

/** Why Salesforce refused a component (or warned about it), in its own words. */
export interface ComponentProblem {
  message: string
  severity: 'error' | 'warning'
  file: string | null
  line: number | null
  column: number | null
  /** Salesforce's error code where the deploy as a whole carries one. */
  code: string | null
}

export interface DeploymentComponent {
  type: string
  full_name: string
  action: Action
  reversibility: Reversibility
  reason: string | null
  /** Null until Salesforce has answered. */
  success: boolean | null
  problem: ComponentProblem | null
}

export interface NamedComponent {
  type: string
  full_name: string
}

/** Why something stays, for programs. */
export const STAY_CODES = [
  'changed_by_others',
  'holds_data',
  'in_use',
  'object_stays',
  'cannot_be_deleted',
  'there_before',
  'not_stored',
  'outcome_unknown',
  'other_salesforce_org',
  'left_in_place',
] as const
export type StayCode = (typeof STAY_CODES)[number]

/** What a rollback of all that was deployed leaves alone, decided before or by Salesforce's refusal. */
export interface LeftComponent extends NamedComponent {
  code: StayCode
  reason: string
  /** Rows that would lose data; null: not countable, or not about data. */
  rows: number | null
}

export interface KeptComponent extends NamedComponent {
  /** Absent in rollbacks of before it was kept. */
  code?: StayCode
  reason: string
  changed_by: string | null
  changed_at: string | null
}

/** The reading after a rollback, compared with what was there before the deploy. */
export interface Proof {
  /** Nothing differs for any component that can be reversed. */
  complete: boolean
  compared: number
  differences: { type: string; full_name: string; what: string }[]
}

export interface RollbackResult {
  status: 'running' | 'dry_run' | 'complete' | 'partial' | 'failed'
  /** In a dry run: what would be removed, restored, kept. */
  removed: NamedComponent[]
  restored: NamedComponent[]
  kept: KeptComponent[]
  /** What is left of this deployment and can still be removed, and why it was not. */
  remaining: (NamedComponent & { reason: string })[]
  data: { name: string; rows: number | null }[]
  proof: Proof | null
  error: WorkFault | null
  /** Of several deployments as one: what it was about to do when its end was lost from sight. */
  unseen?: Doings
}

export interface Doings {
  removed: NamedComponent[]
  restored: NamedComponent[]
}

/** What a rollback needs to know beside the images; stored in `crm_deployments.changes`. */
export interface Assignment {
  permission_set: string
  assignee_id: string
  /** False: it was assigned before, and is not ours to roll back. */
  made_by_us: boolean
}

export interface Changes extends MergeChanges {
  assignment: Assignment | null
  /** Of several deployments as one: all their assignments, in place of the one. */
  assignments?: Assignment[]
  /** … what others changed between them, by object: names of what differs in its describe. */
  between?: Record<string, string[]>
  /** … what is removed beside it: its absence or presence is nobody's change. */
  taken?: NamedComponent[]
  /**
   * … automations that are removed or restored before it, which a preview finds as they are. `names`: what of the
   * Salesforce org each still mentions afterwards, in lower case.
   */
  first?: (NamedComponent & { names: string[] })[]
}

export const assignmentsOf = ({ assignment, assignments }: Changes): Assignment[] =>
  assignments ?? (assignment === null ? [] : [assignment])

export interface RollbackOptions {
  dry_run: boolean
  allow_data_loss: boolean
  components: NamedComponent[] | null
  /**
   * Of an off-boarding: what is left alone. What holds data, and what Salesforce refuses, joins it, and the
   * rest is rolled back; a rollback of one deployment is refused as a whole.
   */
  leave?: LeftComponent[]
  /** Of a preview: what Salesforce refuses only because of automations that go first. */
  assumed?: NamedComponent[]
}

export interface Deployment {
  id: string
  client_id: string
  kind: DeploymentKind
  status: DeploymentStatus
  is_final: boolean
  plan: unknown
  conflict_report_id: string | null
  sfdc_deploy_id: string | null
  check_only: boolean
  progress: Progress
  components: DeploymentComponent[]
  warnings: WorkWarning[]
  error: WorkFault | null
  rollback: RollbackResult | null
  created_by: string | null
  created_at: string
  deployed_at: string | null
  rolled_back_at: string | null
}

/** A rollback that has only begun. */
export const nothingYet = (): RollbackResult => ({
  status: 'running',
  removed: [],
  restored: [],
  kept: [],
  remaining: [],
  data: [],
  proof: null,
  error: null,
})

/** How far the last rollback of the deployment is. */
export const rollbackOf = (row: DeploymentRow): RollbackResult => ({
  ...nothingYet(),
  ...(row.rollback as Partial<RollbackResult> | null),
})

/** Whether nothing works on it: neither its deploy nor a rollback of it. */
export const isFinal = (row: DeploymentRow): boolean =>
  row.status !== 'pending' && (row.rollback === null || rollbackOf(row).status !== 'running')

export const toDeployment = (
  row: DeploymentRow,
  components: readonly ComponentRow[],
): Deployment => ({
  id: row.id,
  client_id: row.client_id,
  // What stands for an off-boarding is never shown as a deployment.
  kind: row.kind as DeploymentKind,
  status: row.status,
  is_final: isFinal(row),
  plan: row.plan,
  conflict_report_id: row.conflict_report_id,
  sfdc_deploy_id: row.sfdc_deploy_id,
  check_only: row.check_only,
  progress: row.progress,
  components: components.map(
    ({ type, full_name, action, reversibility, reason, success, problem }) => ({
      type,
      full_name,
      action,
      reversibility,
      reason,
      success,
      problem: problem as ComponentProblem | null,
    }),
  ),
  warnings: row.warnings,
  error: row.error,
  rollback: row.rollback === null ? null : rollbackOf(row),
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
  deployed_at: row.deployed_at?.toISOString() ?? null,
  rolled_back_at: row.rolled_back_at?.toISOString() ?? null,
})

/** The plan of a row: it was checked before it was stored. */
export const planOf = (row: DeploymentRow): Plan => storedPlan(row.plan)

/** Objects whose describes a deployment changes; automations are in none. */
export const touchedObjects = (stored: unknown): readonly string[] | 'all' => {
  const plan = storedPlan(stored)
  const isAnywhere = FILE_KINDS.some(
    ({ isDescribedAnywhere, named }) => isDescribedAnywhere === true && named(plan).length > 0,
  )
  return isAnywhere ? 'all' : plan.objects.flatMap(({ api_name }) => recordsOf(api_name))
}

export const changesOf = (row: DeploymentRow): Changes =>
  (row.changes as Changes | null) ?? {
    permissionSets: {},
    profiles: {},
    layouts: {},
    assignment: null,
  }

export const deploymentById = (
  reader: Reader,
  tenant: Tenant,
  id: string,
): Promise<DeploymentRow | undefined> =>
  reader
    .selectFrom('crm_deployments')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
    .executeTakeFirst()

export const componentsById = (
  reader: Reader,
  tenant: Tenant,
  id: string,
): Promise<ComponentRow[]> =>
  reader
    .selectFrom('deployment_components')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('deployment_id', '=', id)
    .orderBy('position')
    .execute()

/** What the ended rollbacks of the deployment removed. */
export const removedByRollbacks = async (
  reader: Reader,
  tenant: Tenant,
  deploymentId: string,
): Promise<NamedComponent[]> => {
  const runs = await reader
    .selectFrom('deployment_runs')
    .select('result')
    .where('org_id', '=', tenant.orgId)
    .where('deployment_id', '=', deploymentId)
    .where('kind', '=', 'rollback')
    .where('ended_at', 'is not', null)
    .execute()
  return runs.flatMap(({ result }) => {
    const { status, removed } = { ...nothingYet(), ...(result as Partial<RollbackResult> | null) }
    return status === 'complete' || status === 'partial' ? removed : []
  })
}

export const runById = (reader: Reader, tenant: Tenant, id: string): Promise<RunRow | undefined> =>
  reader
    .selectFrom('deployment_runs')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
    .executeTakeFirst()

/** How a run stands, without what it deploys. */
export const standingOf = async (reader: Reader, work: Work): Promise<Standing | null> => {
  const row = await reader
    .selectFrom('deployment_runs as r')
    .innerJoin('crm_deployments as d', 'd.id', 'r.deployment_id')
    .select(['r.deployment_id', 'r.request_id', 'r.kind', 'r.ended_at', 'r.error', 'd.status'])
    .select(sql<string | null>`d.rollback ->> 'status'`.as('rollback_status'))
    .where('r.org_id', '=', work.orgId)
    .where('r.id', '=', work.id)
    .executeTakeFirst()
  if (row === undefined) return null
  const status = row.kind === 'deploy' ? row.status : (row.rollback_status ?? 'failed')
  return {
    resource: { deployment_id: row.deployment_id },
    requestId: row.request_id,
    ended: row.ended_at === null ? null : status,
    fault: row.error,
  }
}

/** The run that works on the deployment now, if any. */
export const openRunOf = (
  tx: Tx,
  tenant: Tenant,
  deploymentId: string,
): Promise<RunRow | undefined> =>
  tx
    .selectFrom('deployment_runs')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('deployment_id', '=', deploymentId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
