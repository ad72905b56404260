// The account of a rollout as decisions need it: how many targets of a wave are under way, due, failed, left.

import { sql } from 'kysely'
import { type Tx } from '../../../db/database.ts'
import { type Tally, type Undoing, type Wave } from './advance.ts'
import { DUE, TO_UNDO, UNDOABLE } from './claims.ts'
import { type Counts } from './model.ts'
import { type RolloutRow, type WaveRow } from './rows.ts'

const NOTHING: Tally = { counts: {}, underWay: 0, due: 0, failures: 0, unknown: 0, common: null }

/** Waits without holding up others: it takes nobody's place. What is checked once more keeps its own. */
const HELD = sql`t.state = 'waiting' and t.reason in ('connection', 'api_budget')`

/** The open wave as `decide` needs it. */
export const tallyOf = async (
  tx: Tx,
  { org_id: orgId, id }: RolloutRow,
  wave: number,
  counts: Counts,
): Promise<Tally> => {
  const {
    rows: [row],
  } = await sql<Omit<Tally, 'counts' | 'common' | 'underWay'> & { under_way: number }>`
    select (count(*) filter (where t.claimed_until > clock_timestamp() or t.state = 'checking'
              or t.deployment_id is not null and not (${HELD})
                 and exists (select from deployment_runs u where u.org_id = t.org_id
                              and u.deployment_id = t.deployment_id and u.ended_at is null)))::int as under_way,
           (count(*) filter (where ${DUE}))::int as due,
           (count(*) filter (where t.is_failure and not t.is_acknowledged))::int as failures,
           (count(*) filter (where t.state = 'unknown' and not t.is_acknowledged))::int as unknown
      from rollout_targets t
     where t.org_id = ${orgId} and t.rollout_id = ${id} and t.wave = ${wave}`.execute(tx)
  const {
    rows: [common],
  } = await sql<{ code: string; count: number }>`
    select t.fault ->> 'code' as code, count(*)::int as count from rollout_targets t
     where t.org_id = ${orgId} and t.rollout_id = ${id} and t.wave = ${wave}
       and t.is_failure and not t.is_acknowledged and t.fault ->> 'code' is not null
     group by 1 order by 2 desc, 1 limit 1`.execute(tx)
  if (row === undefined) return { ...NOTHING, counts }
  const { under_way: underWay, ...rest } = row
  return { ...rest, underWay, counts, common: common ?? null }
}

/** How many checks, or dry runs, are under way or about to be. */
export const underWayOf = async (
  tx: Tx,
  { org_id: orgId, id }: RolloutRow,
  begin: 'check' | 'preview',
): Promise<{ underWay: number; left: number }> => {
  const mine = begin === 'check' ? sql`t.state = 'checking'` : sql`t.preview_state <> 'done'`
  const isBegun =
    begin === 'check' ? sql`t.report_id is not null` : sql`t.preview_state = 'running'`
  const {
    rows: [row],
  } = await sql<{ under_way: number; left: number }>`
    select (count(*) filter (where ${isBegun} or t.claimed_until > clock_timestamp()))::int as under_way,
           count(*)::int as left
      from rollout_targets t
     where t.org_id = ${orgId} and t.rollout_id = ${id} and ${mine}`.execute(tx)
  return { underWay: row?.under_way ?? 0, left: row?.left ?? 0 }
}

/** The waves as a rollback needs them. */
export const undoingOf = async (
  tx: Tx,
  { org_id: orgId, id }: RolloutRow,
  waves: readonly WaveRow[],
): Promise<Undoing[]> => {
  const { rows } = await sql<{ wave: number; under_way: number; due: number; left: number }>`
    select t.wave,
           (count(*) filter (where t.state = 'rolling_back' or ${TO_UNDO} and t.claimed_until > clock_timestamp()
              or t.state in ('deploying', 'waiting', 'unknown') and exists (
                   select from deployment_runs u where u.org_id = t.org_id
                    and u.deployment_id = t.deployment_id and u.ended_at is null)))::int as under_way,
           (count(*) filter (where ${UNDOABLE}))::int as due,
           (count(*) filter (where ${TO_UNDO}))::int as left
      from rollout_targets t
     where t.org_id = ${orgId} and t.rollout_id = ${id}
     group by t.wave`.execute(tx)
  return waves.map(({ position, max_concurrent: maxConcurrent }) => {
    const found = rows.find(({ wave }) => wave === position)
    const { under_way: underWay = 0, due = 0, left = 0 } = found ?? {}
    return { position, maxConcurrent, underWay, due, left }
  })
}

/** When something is due, or a claim ends; null: never. */
export const nextDueAt = async (
  tx: Tx,
  { org_id: orgId, id }: RolloutRow,
): Promise<Date | null> => {
  const {
    rows: [row],
  } = await sql<{ at: Date | null }>`
    select least(min(t.claimed_until) filter (where t.claimed_until > clock_timestamp()),
                 min(t.due_at) filter (where t.due_at > clock_timestamp() and (
                   t.state in ('queued', 'waiting', 'checking') or t.preview_state = 'pending'
                   or ${TO_UNDO}))) as at
      from rollout_targets t
     where t.org_id = ${orgId} and t.rollout_id = ${id}
       and (t.claimed_until is not null or t.due_at is not null)`.execute(tx)
  return row?.at ?? null
}

export const waveOf = (row: WaveRow, tally: Tally): Wave => ({
  ...tally,
  position: row.position,
  state: row.state,
  maxConcurrent: row.max_concurrent,
  failureTolerance: row.failure_tolerance,
  soakSeconds: row.soak_seconds,
  gate: row.gate,
  isApproved: row.approved_at !== null,
  closedAt: row.closed_at,
})

export const emptyTally = (counts: Counts): Tally => ({ ...NOTHING, counts })
