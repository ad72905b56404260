// Conflict reports as rows and as callers see them.

import { type Selectable } from 'kysely'
import { type Reader, type Tenant } from '../../db/database.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type Progress, type WorkFault } from '../../db/tables/work.ts'
import { type Standing } from '../../jobs/account.ts'
import { type Work } from '../../jobs/jobs.ts'
import { type Plan, storedPlan } from '../plan/schema.ts'
import { type ConflictCheck } from './check.ts'
import { type PlannedWorkflow, type SalesforceProblem } from './facts.ts'
import { type ReversibilityLevel } from '../metadata/reversibility.ts'
import { type FindingComponent, type Severity } from './rule.ts'

export type ReportRow = Selectable<TenantTables['crm_conflict_reports']>
export type Stage = ReportRow['stage']

interface Component {
  type: string
  full_name: string
}

export interface ReportFinding {
  severity: Severity
  code: string
  message: string
  component: Component
  path: string
  remedy: string | null
}

export interface ReportReversibility {
  component: Component
  level: ReversibilityLevel
  reason: string
}

export interface ReportSummary {
  id: string
  client_id: string
  status: ReportRow['status']
  is_final: boolean
  progress: Progress
  error: WorkFault | null
  /** Of the worst finding; null unless complete. */
  severity: Severity | null
  plan_hash: string
  /** The snapshot that is checked against; null until it is chosen. */
  snapshot_id: string | null
  snapshot_version: number | null
  counts: Record<Severity, number>
  api_call_estimate: number
  created_by: string | null
  created_at: string
}

export interface Report extends ReportSummary {
  findings: ReportFinding[]
  /** One entry for each component, in the order of the plan. */
  reversibility: ReportReversibility[]
}

export const isFinal = (status: ReportRow['status']): boolean => status !== 'running'

export const toSummary = (row: ReportRow): ReportSummary => ({
  id: row.id,
  client_id: row.client_id,
  status: row.status,
  is_final: isFinal(row.status),
  progress: row.progress,
  error: row.error,
  severity: row.severity,
  plan_hash: row.plan_hash,
  snapshot_id: row.snapshot_id,
  snapshot_version: row.snapshot_version,
  counts: (row.counts as ReportSummary['counts'] | null) ?? { green: 0, yellow: 0, red: 0 },
  api_call_estimate: row.api_call_estimate ?? 0,
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
})

export const toReport = (row: ReportRow): Report => ({
  ...toSummary(row),
  findings: row.findings as ReportFinding[],
  reversibility: row.reversibility as ReportReversibility[],
})

const named = ({ type, fullName }: FindingComponent): Component => ({
  type,
  full_name: fullName,
})

/** What a finished check stores. */
export const toStored = ({ findings, reversibility }: ConflictCheck) => ({
  findings: findings.map(({ severity, code, message, component, path, remedy }): ReportFinding => ({
    severity,
    code,
    message,
    component: named(component),
    path,
    remedy,
  })),
  reversibility: reversibility.map(({ component, level, reason }): ReportReversibility => ({
    component: named(component),
    level,
    reason,
  })),
})

/** Plan and workflows of a row were checked before they were stored. */
export const planOf = (row: ReportRow): Plan => storedPlan(row.plan)
export const workflowsOf = (row: ReportRow): PlannedWorkflow[] => row.workflows as PlannedWorkflow[]
export const problemsOf = (row: ReportRow): SalesforceProblem[] | null =>
  row.salesforce_problems as SalesforceProblem[] | null

export const reportById = (
  reader: Reader,
  tenant: Tenant,
  id: string,
): Promise<ReportRow | undefined> =>
  reader
    .selectFrom('crm_conflict_reports')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', id)
    .executeTakeFirst()

/** How a check stands, without its plan and its findings. */
export const standingOf = async (reader: Reader, work: Work): Promise<Standing | null> => {
  const row = await reader
    .selectFrom('crm_conflict_reports')
    .select(['id', 'request_id', 'status', 'error'])
    .where('org_id', '=', work.orgId)
    .where('id', '=', work.id)
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    resource: { report_id: row.id },
    requestId: row.request_id,
    ended: row.status === 'running' ? null : row.status,
    fault: row.error,
  }
}
