// What a running check writes. Every statement is guarded by status = 'running', so that a copy of the
// work that was thought dead cannot touch a report that has ended.

import { sql, type UpdateObject } from 'kysely'
import { type Database, tenantOf } from '../../db/database.ts'
import { json, jsonOrNull } from '../../db/json.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type Progress, type WorkFault } from '../../db/tables/work.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { audit } from '../audit.ts'
import { WorkOver } from '../work/stages.ts'
import { type Fingerprints } from '../workflows/fingerprints.ts'
import { type ConflictCheck } from './check.ts'
import { type SalesforceProblem } from './facts.ts'
import { reportById, type ReportRow, type Stage, toStored } from './rows.ts'

export interface Step {
  stage?: Stage
  progress?: Progress
  pull_id?: string | null
  validation_id?: string | null
  problems?: SalesforceProblem[]
  snapshot?: { id: string; version: number }
}

const columnsOf = ({ progress, problems, snapshot, ...plain }: Step) => ({
  ...plain,
  ...(progress === undefined ? {} : { progress: json(progress) }),
  ...(problems === undefined ? {} : { salesforce_problems: json(problems) }),
  ...(snapshot === undefined
    ? {}
    : { snapshot_id: snapshot.id, snapshot_version: snapshot.version }),
})

type Change = UpdateObject<TenantTables, 'crm_conflict_reports'>

export const createJournal = (db: Database, jobs: Pick<Jobs, 'announce'>, report: ReportRow) => {
  const tenant = tenantOf(report)

  const update = (
    set: Change,
    calls: number,
    also: (row: ReportRow, tx: Parameters<typeof audit>[0]) => Promise<void> = async () =>
      undefined,
  ): Promise<ReportRow> =>
    db.as(tenant).tx(async (tx) => {
      const row = await tx
        .updateTable('crm_conflict_reports')
        .set({ ...set, salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}` })
        .where('org_id', '=', report.org_id)
        .where('id', '=', report.id)
        .where('status', '=', 'running')
        .returningAll()
        .executeTakeFirst()
      if (row === undefined) throw new WorkOver('the report has ended')
      await also(row, tx)
      return row
    })

  /** The end, with its audit row; wakes everyone who waits. */
  const end = async (set: Change, outcome: string, calls: number): Promise<void> => {
    const ended = { ...set, resume_at: null, completed_at: sql<Date>`clock_timestamp()` }
    await update(ended, calls, async (row, tx) => {
      await audit(
        tx,
        {
          orgId: row.org_id,
          userId: row.created_by,
          credentialType: row.credential_type ?? 'system',
          credentialId: row.credential_id,
          requestId: row.request_id,
        },
        {
          action: 'conflicts.check',
          clientId: row.client_id,
          targetType: 'conflict_report',
          targetId: row.id,
          outcome,
          salesforceApiCalls: row.salesforce_api_calls,
        },
      )
      await jobs.announce(tx, row.id)
    })
  }

  return {
    tenant,

    load: async (): Promise<ReportRow> => {
      const row = await reportById(db.as(tenant).read, tenant, report.id)
      if (row?.status !== 'running') throw new WorkOver('the report has ended')
      return row
    },

    /**
     * One step forward. A new stage means that whatever held the check up is over. `calls` are those
     * made since the last step.
     */
    step: (step: Step, calls = 0): Promise<ReportRow> =>
      update(
        {
          ...columnsOf(step),
          ...(step.stage === undefined ? {} : { error: null, resume_at: null }),
        },
        calls,
      ),

    /** Pauses and says why; the sweep puts the check back when it is due. */
    hold: async (error: WorkFault | null, afterSeconds: number, calls = 0): Promise<void> => {
      await update(
        {
          error: jsonOrNull(error),
          resume_at: sql<Date>`clock_timestamp() + make_interval(secs => ${afterSeconds})`,
        },
        calls,
      )
    },

    fail: (error: WorkFault, calls = 0): Promise<void> =>
      end({ status: 'failed', error: json(error) }, error.code, calls),

    complete: (
      check: ConflictCheck,
      judged: { workflows: Fingerprints; components: Fingerprints },
      progress: Progress,
      calls: number,
    ): Promise<void> => {
      const { findings, reversibility } = toStored(check)
      return end(
        {
          status: 'complete',
          severity: check.severity,
          judged_workflows: json(judged.workflows),
          judged_components: json(judged.components),
          findings: json(findings),
          reversibility: json(reversibility),
          counts: json(check.counts),
          api_call_estimate: check.apiCallEstimate,
          progress: json(progress),
          error: null,
        },
        'ok',
        calls,
      )
    },
  }
}

export type Journal = ReturnType<typeof createJournal>
