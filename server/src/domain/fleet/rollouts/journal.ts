// What is written about targets, always while their rollout is locked: facts about the work that is under way,
// what follows from them.

import { sql } from 'kysely'
import { type Tx } from '../../../db/database.ts'
import { json, jsonOrNull } from '../../../db/json.ts'
import { type WorkFault } from '../../../db/tables/work.ts'
import { nothingYet, type RollbackResult } from '../../deployments/rows.ts'
import { type TargetState } from './model.ts'
import { IS_GATED, NEWS } from './news.ts'
import {
  afterDeployment,
  afterReport,
  afterRollback,
  type DeploymentFacts,
  type ReportFacts,
  type TargetChange,
} from './outcome.ts'
import { type RolloutRow, type TargetRollback, type TargetRow } from './rows.ts'

/** A target in whose name something is done in a Salesforce org, or that waits for the end of its check. */
const WATCHED = ['checking', 'deploying', 'waiting', 'unknown', 'rolling_back'] as const

/** Its deployment stands in the Salesforce org, until somebody rolls that back by itself. */
const LEFT_IN_PLACE: readonly TargetState[] = ['deployed', 'unchanged', 'rollback_partial']

export interface Watched extends TargetRow {
  report: ReportFacts | null
  deployment: (DeploymentFacts & { rollback: RollbackResult | null }) | null
}

/** Everything under way, and what somebody rolled back, with how its report or deployment stands. */
export const watched = async (tx: Tx, rollout: RolloutRow): Promise<Watched[]> => {
  const { rows } = await sql<
    TargetRow & {
      r_status: ReportFacts['status'] | null
      r_severity: ReportFacts['severity']
      r_error: WorkFault | null
      r_about_permissions: boolean
      r_of_old_snapshot: boolean
      r_says_more: boolean
      r_news: string[] | null
      d_status: DeploymentFacts['status'] | null
      d_plan_hash: string | null
      d_applied: DeploymentFacts['applied']
      d_error: WorkFault | null
      d_has_changed: boolean
      d_rollback: Partial<RollbackResult> | null
      u_kind: 'deploy' | 'rollback' | null
      u_error: WorkFault | null
      u_is_sent: boolean
    }
  >`
    select t.*,
           r.status as r_status, r.severity as r_severity, r.error as r_error,
           coalesce(r.severity = 'red' and not exists (
             select from jsonb_array_elements(r.findings) f
              where f ->> 'severity' = 'red' and f ->> 'code' not like 'permission\\_%'), false) as r_about_permissions,
           coalesce(r.status = 'complete' and r.severity <> 'green' and r.pull_id is null and exists (
             select from jsonb_array_elements(r.findings) f
              where f ->> 'code' in ('object_drifted', 'object_appeared', 'snapshot_stale')), false)
             as r_of_old_snapshot,
           coalesce(r.status = 'complete' and (
             o.id is null and (t.is_rechecked or t.shown_report_id is not null)
             or o.id is not null and news.codes is not null) and not ${IS_GATED}, false) as r_says_more,
           news.codes as r_news,
           d.status::text as d_status, d.plan_hash as d_plan_hash, d.applied as d_applied, d.error as d_error,
           coalesce(d.sfdc_deploy_id is not null or (d.changes #>> '{assignment,made_by_us}')::boolean
             or exists (select from deployment_components c where c.org_id = d.org_id
                         and c.deployment_id = d.id and c.action <> 'unchanged'), false) as d_has_changed,
           d.rollback as d_rollback,
           u.kind as u_kind, u.error as u_error,
           coalesce(u.intended_at is not null or u.sfdc_deploy_id is not null
             or u.stage not in ('before_image', 'read', 'build', 'release', 'submit'), false) as u_is_sent
      from rollout_targets t
      left join crm_conflict_reports r
        on t.state = 'checking' and r.org_id = t.org_id and r.id = t.report_id
      left join crm_conflict_reports o
        on t.state = 'checking' and o.org_id = t.org_id and o.id = t.shown_report_id
      left join lateral (select ${NEWS} as codes) news on r.status = 'complete'
      left join crm_deployments d
        on t.state <> 'checking' and d.org_id = t.org_id and d.id = t.deployment_id
      left join deployment_runs u
        on u.org_id = t.org_id and u.deployment_id = d.id and u.ended_at is null
     where t.org_id = ${rollout.org_id} and t.rollout_id = ${rollout.id}
       and (t.state = any(${WATCHED}::text[]) or t.preview_state = 'running'
            or t.state = any(${LEFT_IN_PLACE}::text[]) and d.status = 'rolled_back')
       and coalesce(r.id, d.id) is not null
     order by t.position`.execute(tx)
  return rows.map((row) => ({
    ...row,
    report:
      row.r_status === null
        ? null
        : {
            status: row.r_status,
            severity: row.r_severity,
            error: row.r_error,
            isAboutPermissions: row.r_about_permissions,
            isOfOldSnapshot: row.r_of_old_snapshot,
            saysMore: row.r_says_more ? (row.r_news ?? []) : null,
          },
    deployment:
      row.d_status === null
        ? null
        : {
            status: row.d_status,
            planHash: row.d_plan_hash,
            applied: row.d_applied,
            error: row.d_error,
            hasChanged: row.d_has_changed,
            rollback: row.d_rollback === null ? null : { ...nothingYet(), ...row.d_rollback },
            run:
              row.u_kind === null
                ? null
                : { kind: row.u_kind, error: row.u_error, isSent: row.u_is_sent },
          },
  }))
}

const summaryOf = (result: RollbackResult | null): TargetRollback | null =>
  result === null
    ? null
    : {
        status: result.status,
        removed: result.removed.length,
        restored: result.restored.length,
        kept: result.kept.length,
        remaining: result.remaining.length,
        data: result.data,
        proof:
          result.proof === null
            ? null
            : {
                complete: result.proof.complete,
                differences: result.proof.differences.length,
              },
        error: result.error,
      }

const rollbackOf = (result: RollbackResult | null): Pick<TargetChange, 'rollback'> => {
  const rollback = summaryOf(result)
  return rollback === null ? {} : { rollback }
}

interface Standing {
  /** Of the rollout's open wave. */
  openWave: number | null
  now: Date
  /** Multiplies every wait; 1 except in tests. */
  scale: number
}

/** What becomes of a target by what has happened; null: nothing. */
export const changeOf = (
  rollout: RolloutRow,
  row: Watched,
  { openWave, now, scale }: Standing,
): TargetChange | null => {
  const { report, deployment } = row
  if (row.state === 'checking' && report !== null) {
    return afterReport(report, {
      acceptsYellow: rollout.accepts_yellow,
      isOpen: row.wave === openWave,
    })
  }
  if (deployment === null) return null
  if (row.state === 'rolling_back') {
    return afterRollback({
      isRolledBack: deployment.status === 'rolled_back',
      hasOpenRun: deployment.run !== null,
      result: summaryOf(deployment.rollback),
    })
  }
  if (LEFT_IN_PLACE.includes(row.state)) {
    return deployment.status === 'rolled_back'
      ? { state: 'rolled_back', fault: null, ...rollbackOf(deployment.rollback) }
      : null
  }
  if (!['deploying', 'waiting', 'unknown'].includes(row.state)) return null
  return afterDeployment(deployment, {
    planHash: row.plan_hash,
    isRecalled: row.is_recalled,
    reason: row.reason,
    waitingSince: row.waiting_since,
    graceSeconds: rollout.connection_grace_seconds * scale,
    isStopped: rollout.state !== 'running' && rollout.state !== 'paused',
    now,
  })
}

/** The dry run of a target's rollback, once it has ended. */
export const previewOf = ({ deployment, preview_state }: Watched): TargetRollback | null => {
  if (preview_state !== 'running' || deployment?.run !== null) return null
  return summaryOf(deployment.rollback)
}

const isSame = (row: TargetRow, change: TargetChange): boolean =>
  row.state === change.state &&
  (change.reason === undefined || row.reason === change.reason) &&
  (change.fault === undefined || row.fault?.code === change.fault?.code) &&
  (change.isFailure === undefined || row.is_failure === change.isFailure) &&
  change.unbind !== true &&
  change.recall !== true

/** Stores what becomes of a target, and frees it. Returns whether anything changed. */
export const applyChange = async (
  tx: Tx,
  rollout: RolloutRow,
  row: TargetRow,
  change: TargetChange,
): Promise<boolean> => {
  if (isSame(row, change) && row.claim === null) return false
  const { dueInSeconds: due } = change
  const isVerdict = row.state === 'checking' || change.state === 'checking'
  await tx
    .updateTable('rollout_targets')
    .set({
      state: change.state,
      claim: null,
      claimed_until: null,
      ...(change.reason === undefined ? {} : { reason: change.reason }),
      ...(change.fault === undefined ? {} : { fault: jsonOrNull(change.fault) }),
      ...(change.isFailure === undefined ? {} : { is_failure: change.isFailure }),
      // A failure of its own, that nobody has seen yet.
      ...(change.isFailure === true && !row.is_failure ? { is_acknowledged: false } : {}),
      ...(change.severity === undefined ? {} : { severity: change.severity }),
      ...(change.waitingSince === undefined ? {} : { waiting_since: change.waitingSince }),
      ...(due === undefined
        ? {}
        : {
            due_at:
              due === null ? null : sql<Date>`clock_timestamp() + make_interval(secs => ${due})`,
          }),
      ...(change.unbind === true ? { deployment_id: null, is_recalled: false } : {}),
      ...(change.recall === true ? { is_recalled: true } : {}),
      ...(change.checkAgain === undefined ? {} : { report_id: null, needs_refresh: true }),
      ...(change.checkAgain === 'drifted' ? { is_rechecked: true } : {}),
      // What it was about to be deployed by is what a person has seen; a report that was refused is not.
      ...(change.checkAgain !== undefined && row.state !== 'checking'
        ? { shown_report_id: row.shown_report_id ?? row.report_id }
        : {}),
      ...(change.decision === undefined ? {} : { decision: change.decision }),
      ...(change.rollback === undefined ? {} : { rollback: json(change.rollback) }),
      ...(row.state === 'checking' && change.state !== 'checking'
        ? { checked_at: sql<Date>`clock_timestamp()` }
        : {}),
      ...(isVerdict ? { revision: rollout.revision + 1 } : {}),
      updated_at: sql<Date>`clock_timestamp()`,
    })
    .where('org_id', '=', row.org_id)
    .where('id', '=', row.id)
    .execute()
  if (change.recall === true) await recall(tx, rollout, [row.id])
  return true
}

/** Stores the dry run of a target's rollback. */
export const storePreview = async (
  tx: Tx,
  row: TargetRow,
  preview: TargetRollback,
): Promise<void> => {
  await tx
    .updateTable('rollout_targets')
    .set({ preview: json(preview), preview_state: 'done', claim: null, claimed_until: null })
    .where('org_id', '=', row.org_id)
    .where('id', '=', row.id)
    .execute()
}

/**
 * Cancels the deployments of these targets (default: of all) that have not been sent: from the commit on, none
 * of them is.
 */
export const recall = async (
  tx: Tx,
  { org_id: orgId, id }: RolloutRow,
  targetIds: readonly string[] | null = null,
): Promise<void> => {
  await sql`
    with recalled as (
      update deployment_runs u
         set cancel_requested_at = coalesce(u.cancel_requested_at, clock_timestamp()), resume_at = null
        from rollout_targets t
       where t.org_id = ${orgId} and t.rollout_id = ${id} and t.state in ('deploying', 'waiting')
         and (${targetIds}::uuid[] is null or t.id = any(${targetIds}::uuid[]))
         and u.org_id = t.org_id and u.deployment_id = t.deployment_id and u.kind = 'deploy'
         and u.ended_at is null and u.intended_at is null and u.sfdc_deploy_id is null
      returning t.id
    )
    update rollout_targets t set is_recalled = true
      from recalled where t.org_id = ${orgId} and t.id = recalled.id`.execute(tx)
}
