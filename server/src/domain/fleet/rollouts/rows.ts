// Rollouts, their waves and targets as rows and as callers see them.

import { type Selectable, sql, type UpdateObject } from 'kysely'
import { type Reader, type Tenant, type Tx } from '../../../db/database.ts'
import { type TenantTables } from '../../../db/tables.ts'
import { type WorkFault } from '../../../db/tables/work.ts'
import { notFound } from '../../../errors.ts'
import { type Caller } from '../../caller.ts'
import { type ParameterValues } from '../blueprints/parameters.ts'
import { thawed } from './kept.ts'
import {
  type Counts,
  countOf,
  ENDED_STATES,
  isByTheClock,
  isSettled,
  type PauseReason,
  type RolloutState,
  sumOf,
  TARGET_STATES,
  type TargetMapping,
  type TargetState,
} from './model.ts'
import { type DeliveryWindow } from './window.ts'

export type RolloutRow = Selectable<TenantTables['rollouts']>
export type WaveRow = Selectable<TenantTables['rollout_waves']>
export type TargetRow = Selectable<TenantTables['rollout_targets']>

export interface RolloutWave {
  position: number
  name: string
  state: WaveRow['state']
  targets: number
  counts: Counts
  max_concurrent: number
  failure_tolerance: number
  soak_seconds: number
  gate: WaveRow['gate']
  approved_by: string | null
  approved_at: string | null
  opened_at: string | null
  closed_at: string | null
}

export interface RollbackTotals {
  /** Deployments that were tried. */
  targets: number
  removed: number
  restored: number
  /** What others changed since, or what was there before. */
  kept: number
  /** What cannot be rolled back. */
  remaining: number
  /** Rows whose values would be lost; null in it: unknown many. */
  data: { client_id: string; name: string; rows: number | null }[]
  /** Targets whose dry run failed, by the code of the error. */
  failed: { client_id: string; code: string }[]
  mappings: MappingTotals
}

/** Of the mappings that a rollout created or changed. */
export interface MappingTotals {
  removed: number
  restored: number
  /** Somebody changed them since. */
  kept: number
}

export interface RolloutSummary {
  id: string
  name: string | null
  kind: RolloutRow['kind']
  blueprint_id: string | null
  version: number | null
  /** Those of the version are saved for each client whose deployment is in place. */
  with_mappings: boolean
  state: RolloutState
  pause_reason: PauseReason | null
  pause_detail: Record<string, string | number> | null
  paused_until: string | null
  is_final: boolean
  revision: number
  targets: number
  counts: Counts
  progress: { stage: string; done: number; total: number }
  created_by: string | null
  created_at: string
  started_at: string | null
  finished_at: string | null
  rolled_back_at: string | null
}

export interface Rollout extends RolloutSummary {
  mode: RolloutRow['mode']
  accept: 'yellow'[]
  window: DeliveryWindow | null
  connection_grace_seconds: number
  waves: RolloutWave[]
  /** What a rollback would do, by its last dry run. */
  rollback_preview: (RollbackTotals & { state: 'running' | 'complete' }) | null
}

/** How a rollback of one target ended, or what a dry run says that it would do. */
export interface TargetRollback {
  status: string
  removed: number
  restored: number
  kept: number
  remaining: number
  data: { name: string; rows: number | null }[]
  proof: { complete: boolean; differences: number } | null
  error: WorkFault | null
}

export interface Target {
  id: string
  client_id: string
  client_name: string
  wave: number
  state: TargetState
  reason: string | null
  error: WorkFault | null
  is_failure: boolean
  severity: TargetRow['severity']
  checked_at: string | null
  conflict_report_id: string | null
  deployment_id: string | null
  /** Of the binding, as it was checked; null: not of a blueprint. */
  parameters: ParameterValues | null
  /** Null: none were saved. */
  mappings: TargetMapping[] | null
  waiting_since: string | null
  next_try_at: string | null
  decided_by: string | null
  decision: string | null
  rollback: TargetRollback | null
  rollback_preview: TargetRollback | null
  updated_at: string
}

export const toTarget = (row: TargetRow & { client_name: string }): Target => ({
  id: row.id,
  client_id: row.client_id,
  client_name: row.client_name,
  wave: row.wave,
  state: row.state,
  reason: row.reason,
  error: row.fault,
  is_failure: row.is_failure,
  severity: row.severity,
  checked_at: row.checked_at?.toISOString() ?? null,
  conflict_report_id: row.report_id,
  deployment_id: row.deployment_id,
  parameters: row.values === null ? null : thawed(row.values).parameters,
  mappings: row.mappings as TargetMapping[] | null,
  waiting_since: row.waiting_since?.toISOString() ?? null,
  next_try_at: row.due_at?.toISOString() ?? null,
  decided_by: row.decided_by,
  decision: row.decision,
  rollback: row.rollback as TargetRollback | null,
  rollback_preview: row.preview as TargetRollback | null,
  updated_at: row.updated_at.toISOString(),
})

/** States in which something of a target is being done, or is about to be. */
const AT_WORK: readonly TargetState[] = ['checking', 'deploying', 'rolling_back']

/**
 * Whether nothing happens any more before somebody acts. Of a rollout that was paused or stopped, what was
 * already sent still ends.
 */
export const isFinal = (row: RolloutRow, counts: Counts): boolean => {
  if (row.preview_state === 'running') return false
  if (row.state === 'checking' || row.state === 'running' || row.state === 'rolling_back') {
    return false
  }
  if (row.state === 'paused' && isByTheClock(row.pause_reason)) return false
  return countOf(counts, ...AT_WORK) === 0
}

const progressOf = (row: RolloutRow, counts: Counts) => {
  const states = TARGET_STATES.filter((state) =>
    row.started_at === null ? state !== 'pending' && state !== 'checking' : isSettled(state),
  )
  const stage = row.pause_reason === null ? row.state : `paused: ${row.pause_reason}`
  return { stage, done: countOf(counts, ...states), total: row.targets_total }
}

const time = (at: Date | null): string | null => at?.toISOString() ?? null

export const toSummary = (row: RolloutRow, counts: Counts): RolloutSummary => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  blueprint_id: row.blueprint_id,
  version: row.version,
  with_mappings: row.with_mappings,
  state: row.state,
  pause_reason: row.pause_reason,
  pause_detail: row.pause_detail,
  paused_until: time(row.paused_until),
  is_final: isFinal(row, counts),
  revision: row.revision,
  targets: row.targets_total,
  counts,
  progress: progressOf(row, counts),
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
  started_at: time(row.started_at),
  finished_at: time(row.finished_at),
  rolled_back_at: time(row.rolled_back_at),
})

const toWave = (row: WaveRow, counts: Counts): RolloutWave => ({
  position: row.position,
  name: row.name,
  state: row.state,
  targets: countOf(counts, ...TARGET_STATES),
  counts,
  max_concurrent: row.max_concurrent,
  failure_tolerance: row.failure_tolerance,
  soak_seconds: row.soak_seconds,
  gate: row.gate,
  approved_by: row.approved_by,
  approved_at: time(row.approved_at),
  opened_at: time(row.opened_at),
  closed_at: time(row.closed_at),
})

export const toRollout = (
  row: RolloutRow,
  waves: readonly WaveRow[],
  counts: ReadonlyMap<number, Counts>,
  preview: RollbackTotals | null,
): Rollout => ({
  ...toSummary(row, sumOf([...counts.values()])),
  mode: row.mode,
  accept: row.accepts_yellow ? ['yellow'] : [],
  window: row.delivery_window,
  connection_grace_seconds: row.connection_grace_seconds,
  waves: waves.map((wave) => toWave(wave, counts.get(wave.position) ?? {})),
  rollback_preview:
    preview === null || row.preview_state === null
      ? null
      : { ...preview, state: row.preview_state },
})

export const rolloutById = (
  reader: Reader,
  { orgId }: Tenant,
  id: string,
): Promise<RolloutRow | undefined> =>
  reader
    .selectFrom('rollouts')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .executeTakeFirst()

/**
 * The rollout, locked: whatever changes it, or begins something for it, does so one after the other. Throws
 * not_found.
 */
export const lockRollout = async (tx: Tx, { orgId }: Tenant, id: string): Promise<RolloutRow> => {
  const row = await tx
    .selectFrom('rollouts')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (row === undefined) throw notFound('rollout')
  return row
}

export const wavesOf = (reader: Reader, { orgId }: Tenant, id: string): Promise<WaveRow[]> =>
  reader
    .selectFrom('rollout_waves')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('rollout_id', '=', id)
    .orderBy('position')
    .execute()

/** The account of the waves, by their positions. */
export const countsOf = async (
  reader: Reader,
  { orgId }: Tenant,
  id: string,
): Promise<Map<number, Counts>> => {
  const rows = await reader
    .selectFrom('rollout_counts')
    .select(['wave', 'state', 'targets'])
    .where('org_id', '=', orgId)
    .where('rollout_id', '=', id)
    .where('targets', '<>', 0)
    .execute()
  const counts = new Map<number, Partial<Record<TargetState, number>>>()
  for (const { wave, state, targets } of rows) {
    counts.set(wave, { ...counts.get(wave), [state]: targets })
  }
  return counts
}

export const hasEnded = ({ state }: RolloutRow): boolean => ENDED_STATES.includes(state)

/** Changes the rollout; whoever decided on how it was before, finds that it has changed. */
export const updateRollout = (
  tx: Tx,
  { org_id: orgId, id }: Pick<RolloutRow, 'org_id' | 'id'>,
  set: UpdateObject<TenantTables, 'rollouts'>,
): Promise<RolloutRow> =>
  tx
    .updateTable('rollouts')
    .set({ ...set, generation: sql<number>`generation + 1` })
    .where('org_id', '=', orgId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()

export const wakeConductor = async (
  tx: Tx,
  { org_id: orgId, id }: Pick<RolloutRow, 'org_id' | 'id'>,
): Promise<void> => {
  await sql`select engine.announce_rollout(${orgId}, ${id})`.execute(tx)
}

/** Who the work of the rollout is done for from now on: its credential's audit rows name them. */
export const actingFor = (caller: Caller) => ({
  acts_for: caller.userId,
  credential_type: caller.credential.type,
  credential_id: caller.credential.id,
  request_id: caller.requestId,
})
