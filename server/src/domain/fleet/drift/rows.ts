// Runs and results of drift in the database, and as callers see them.

import { type Selectable, sql } from 'kysely'
import { type Reader, type Tenant, type Tx } from '../../../db/database.ts'
import { type TenantTables } from '../../../db/tables.ts'
import { type Fault } from '../../../db/tables/work.ts'
import { notFound } from '../../../errors.ts'
import { type ClientSelector } from '../selectors.ts'
import { type ComponentDrift, type StateCounts } from './evaluate.ts'
import { newestOf } from './newest.ts'

export interface RunCounts {
  in_sync: number
  drifted: number
  unknown: number
  /** Their pulls have not ended. */
  waiting: number
  components: StateCounts
}

export interface DriftRun {
  id: string
  blueprint_id: string | null
  selector: ClientSelector | null
  max_age_hours: number | null
  refresh: boolean
  status: 'running' | 'complete'
  is_final: boolean
  counts: RunCounts
  created_by: string | null
  created_at: string
  completed_at: string | null
}

export interface DriftResult {
  id: string
  run_id: string
  client_id: string
  blueprint_id: string
  version: number
  state: 'waiting' | 'in_sync' | 'drifted' | 'unknown'
  reason: Fault | null
  snapshot_id: string | null
  snapshot_version: number | null
  snapshot_at: string | null
  counts: StateCounts
  components: ComponentDrift[]
  created_at: string
}

export type RunRow = Selectable<TenantTables['fleet_drift_runs']>
export type ResultRow = Selectable<TenantTables['fleet_drift_results']>

export const noCounts = (): RunCounts => ({
  ...{ in_sync: 0, drifted: 0, unknown: 0, waiting: 0, components: {} },
})

export const toRun = (row: RunRow): DriftRun => ({
  id: row.id,
  blueprint_id: row.blueprint_id,
  selector: row.selector as ClientSelector | null,
  max_age_hours: row.max_age_hours,
  refresh: row.refresh,
  status: row.status,
  is_final: row.status === 'complete',
  counts: { ...noCounts(), ...(row.counts as Partial<RunCounts>) },
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
  completed_at: row.completed_at?.toISOString() ?? null,
})

export const toResult = (row: ResultRow): DriftResult => ({
  id: row.id,
  run_id: row.run_id,
  client_id: row.client_id,
  blueprint_id: row.blueprint_id,
  version: row.version,
  state: row.state ?? 'waiting',
  reason: row.reason,
  snapshot_id: row.snapshot_id,
  snapshot_version: row.snapshot_version,
  snapshot_at: row.snapshot_at?.toISOString() ?? null,
  counts: row.counts as StateCounts,
  components: (row.components as ComponentDrift[]).map((one) => ({ ...NOT_SAID, ...one })),
  created_at: row.created_at.toISOString(),
})

/** What results of earlier versions do not say. */
const NOT_SAID = { changed_by: null, reason: null }

/** Throws not_found. */
export const requireRun = async (
  reader: Reader,
  { orgId }: Tenant,
  runId: string,
  { lock = false } = {},
): Promise<RunRow> => {
  const query = reader
    .selectFrom('fleet_drift_runs')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', runId)
  const row = await (lock ? query.forUpdate() : query).executeTakeFirst()
  if (row === undefined) throw notFound('drift run')
  return row
}

/** The newest result of a client that is known, for a blueprint; `except` leaves out those of one run. */
export const newestResult = async (
  reader: Tx,
  { orgId }: Tenant,
  of: { clientId: string; blueprintId: string; except?: string },
): Promise<ResultRow | undefined> => {
  const [clientId, blueprintId] = [sql`${of.clientId}::uuid`, sql`${of.blueprintId}::uuid`]
  const ids = { orgId: sql`${orgId}::uuid`, clientId, blueprintId }
  const { rows } = await newestOf<ResultRow>(ids, of.except).execute(reader)
  return rows[0]
}
