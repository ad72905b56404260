// The chunks of a push in a transaction that has locked the push: what their holders store, and who takes
// which. A round trip costs more than what is in it, so each of these is one statement.

import { sql } from 'kysely'
import { type Tx } from '../../db/database.ts'
import { jsonOrNull } from '../../db/json.ts'
import { type Fault } from '../../db/tables/work.ts'
import { presentStanding } from '../connections/rows.ts'
import { type ChunkRow, type PushRow } from './rows.ts'
import {
  type BlockInHand,
  type KeptInput,
  keepInput,
  type PackedResults,
  type PushKey,
} from './store.ts'

/** What a chunk is held by: each claim has a holder of its own, so that no two can be confused. */
export interface Hold {
  seq: number
  holder: string
}

/** A chunk under a fresh lease. */
export interface Claimed extends Hold {
  chunk: ChunkRow
  /** Its rows, if it is one block. */
  block: BlockInHand | null
}

/** What a transport needs to continue after a crash. */
export interface StateToSave extends Hold {
  /** Null: nothing was sent. */
  state: unknown
  /**
   * It is the intent to send: not stored if nothing more of the push may be sent, or if the connection
   * that it was made for has lost its standing (see `connectionStanding`).
   */
  intent: { standing: string | null } | null
  calls: number
}

/** The end of a chunk, with its last results. */
export interface ChunkEnd extends Hold {
  packed: readonly PackedResults[]
  kept: KeptInput
  calls: number
}

type ClaimRow = ChunkRow & { lease_holder: string } & {
  [Column in keyof Omit<BlockInHand, 'rows'>]: BlockInHand[Column]
} & { block_no: number | null }

const leaseUntil = (seconds: number) =>
  sql<Date>`clock_timestamp() + make_interval(secs => ${seconds})`

/**
 * Stores states. An intent is not stored if there is a `stop`, or if its connection has lost its standing.
 * Returns whose states were stored, and the standing of the client's connection (null also if nobody
 * asked).
 */
export const saveStates = async (
  tx: Tx,
  { tenant, clientId, pushId }: PushKey,
  states: readonly StateToSave[],
  { stop, leaseSeconds }: { stop: Fault | null; leaseSeconds: number },
): Promise<{ saved: ReadonlySet<string>; standing: string | null }> => {
  const due = states.filter(({ intent }) => intent === null || stop === null)
  if (due.length === 0) return { saved: new Set(), standing: null }
  const { rows } = await sql<{ saved: string[]; standing: string | null }>`
    with present as materialized (
      select ${presentStanding(tenant, clientId)} as standing
    ), saved as (
      update push_chunks c set send_state = s.state, lease_until = ${leaseUntil(leaseSeconds)}
        from present,
             unnest(${due.map(({ holder }) => holder)}::uuid[],
                    ${due.map(({ state }) => jsonOrNull(state))}::jsonb[],
                    ${due.map(({ intent }) => intent !== null)}::boolean[],
                    ${due.map(({ intent }) => intent?.standing ?? null)}::text[])
               as s (holder, state, is_intent, standing)
       where c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
         and c.lease_holder = s.holder
         and (not s.is_intent or s.standing is not distinct from present.standing)
      returning s.holder
    )
    select standing, array(select holder from saved) as saved from present`.execute(tx)
  const [{ saved, standing } = { saved: [], standing: null }] = rows
  return { saved: new Set(saved), standing }
}

type Ended = PushRow & { ended: string[] }

/**
 * Settles chunks: stores their results, drops their input but for what is kept of it, and counts what was
 * added and `calls` beside that of the chunks. Whatever held the push up is over once something got
 * through. Returns the holders whose chunks were settled, and the push; the same one if there was nothing
 * to settle.
 */
export const endChunks = async (
  tx: Tx,
  key: PushKey,
  push: PushRow,
  ends: readonly ChunkEnd[],
  calls: number,
): Promise<{ ended: readonly string[]; push: PushRow }> => {
  if (ends.length === 0) return { ended: [], push }
  const { tenant, clientId, pushId } = key
  const results = ends.flatMap(({ holder, packed }) => packed.map((one) => ({ ...one, holder })))
  const kept = ends.flatMap(({ kept: { whole, parts } }) => [
    ...whole,
    ...parts.map(({ blockNo }) => blockNo),
  ])
  const by = sql.ref(push.transport === 'bulk' ? 'r.part' : 'r.block_no')
  const { rows } = await sql<Ended>`
    with ended as (
      update push_chunks c
         set state = 'done', send_state = null, lease_holder = null, lease_until = null,
             finished_at = clock_timestamp()
        from unnest(${ends.map(({ holder }) => holder)}::uuid[],
                    ${ends.map((one) => one.calls)}::integer[]) as e (holder, calls)
       where c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
         and c.lease_holder = e.holder
      returning c.seq, e.holder, e.calls
    ), added as (
      insert into push_results (org_id, client_id, push_id, block_no, window_start, rows, succeeded,
                                failed, created, updated, body)
      select ${tenant.orgId}, ${clientId}, ${pushId}, n.block_no, n.window_start, n.rows, n.succeeded,
             n.failed, n.created, n.updated, n.body
        from unnest(${results.map((one) => one.holder)}::uuid[],
                    ${results.map((one) => one.block_no)}::integer[],
                    ${results.map((one) => one.window_start)}::integer[],
                    ${results.map((one) => one.rows)}::integer[],
                    ${results.map((one) => one.succeeded)}::integer[],
                    ${results.map((one) => one.failed)}::integer[],
                    ${results.map((one) => one.created)}::integer[],
                    ${results.map((one) => one.updated)}::integer[],
                    ${results.map((one) => one.body)}::bytea[])
               as n (holder, block_no, window_start, rows, succeeded, failed, created, updated, body)
        join ended using (holder)
      -- An interrupted run has already stored them: what was stored first is kept.
      on conflict (push_id, block_no) do nothing
      returning rows, succeeded, failed, created, updated
    ), dropped as (
      delete from push_rows r using ended
       where r.org_id = ${tenant.orgId} and r.push_id = ${pushId} and ${by} = ended.seq
         and not (r.block_no = any(${kept}::integer[]))
    ), sums as (
      select coalesce(sum(rows), 0)::integer as rows, coalesce(sum(succeeded), 0)::integer as succeeded,
             coalesce(sum(failed), 0)::integer as failed, coalesce(sum(created), 0)::integer as created,
             coalesce(sum(updated), 0)::integer as updated
        from added
    )
    update crm_push_logs p
       set processed = p.processed + sums.rows, succeeded = p.succeeded + sums.succeeded,
           failed = p.failed + sums.failed, created_count = p.created_count + sums.created,
           updated_count = p.updated_count + sums.updated,
           salesforce_api_calls = p.salesforce_api_calls + ${calls}
             + (select coalesce(sum(ended.calls), 0)::integer from ended),
           open_chunks = p.open_chunks - (select count(*)::integer from ended),
           error = case when sums.rows > 0 then null else p.error end,
           resume_at = case when sums.rows > 0 then null else p.resume_at end
      from sums
     where p.org_id = ${tenant.orgId} and p.id = ${pushId}
    returning p.*, array(select holder from ended) as ended`.execute(tx)
  const [row] = rows
  if (row === undefined) throw new Error('the push that was locked is gone')
  const { ended, ...counted } = row
  const held = ends.filter(({ holder }) => ended.includes(holder))
  await keepInput(tx, key, {
    whole: held.flatMap((one) => one.kept.whole),
    parts: held.flatMap((one) => one.kept.parts),
  })
  return { ended, push: counted }
}

const claimable = ({ tenant, pushId }: PushKey) => sql`
  c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
  and (c.lease_until is null or c.lease_until <= clock_timestamp())
  and (c.resume_at is null or c.resume_at <= clock_timestamp())`

/** Whether chunks could be taken if no chunk under way shared their parents. */
export const isAnyHeldUp = async (tx: Tx, key: PushKey): Promise<boolean> => {
  const { tenant, pushId } = key
  const { rows } = await sql<{ yes: boolean }>`
    select exists (select from push_chunks c where ${claimable(key)} and cardinality(c.chains) > 0)
       and exists (select from crm_push_logs p
                    where p.org_id = ${tenant.orgId} and p.id = ${pushId}
                      and (p.resume_at is null or p.resume_at <= clock_timestamp()
                           or p.stop is not null)) as yes`.execute(tx)
  return rows[0]?.yes === true
}

/** Takes the next chunks that nobody works on, in the order of the input, and counts the claims. */
export const claimChunks = async (
  tx: Tx,
  key: PushKey,
  push: PushRow,
  { most, leaseSeconds }: { most: number; leaseSeconds: number },
): Promise<Claimed[]> => {
  const { tenant, pushId } = key
  const { rows } = await sql<ClaimRow>`
    with free as materialized (
      select p.resume_at is null or p.resume_at <= clock_timestamp() or p.stop is not null as yes
        from crm_push_logs p where p.org_id = ${tenant.orgId} and p.id = ${pushId}
    ), busy as materialized (
      select coalesce(array_agg(chain), '{}') as chains
        from push_chunks r, unnest(r.chains) as chain
       where r.org_id = ${tenant.orgId} and r.push_id = ${pushId} and r.state = 'pending'
         and r.lease_holder is not null and r.lease_until > clock_timestamp()
    ), next as (
      select c.seq
        from push_chunks c
       where ${claimable(key)} and (select yes from free)
         -- Of those with parents in several chunks one at a time: two may share one.
         and (cardinality(c.chains) = 0 or c.seq = (
           select c.seq from push_chunks c
            where ${claimable(key)} and cardinality(c.chains) > 0
              and not c.chains && (select chains from busy)
            order by c.seq limit 1))
       order by c.seq limit ${most}
    ), taken as (
      update push_chunks c
         set lease_holder = gen_random_uuid(), lease_until = ${leaseUntil(leaseSeconds)}, claims = c.claims + 1,
             started_at = coalesce(c.started_at, clock_timestamp())
        from next
       where c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.seq = next.seq
      returning c.*
    )
    select t.*, r.block_no, r.window_start, r.object, r.operation, r.ready
      from taken t
      left join push_rows r on r.org_id = t.org_id and r.push_id = t.push_id and r.block_no = t.seq
       and r.ready is not null and ${push.transport} = 'collections'
     order by t.seq`.execute(tx)
  return rows.map(({ block_no, window_start, object, operation, ready, ...chunk }) => ({
    seq: chunk.seq,
    holder: chunk.lease_holder,
    chunk,
    block:
      block_no === null
        ? null
        : { block_no, window_start, rows: chunk.rows, object, operation, ready },
  }))
}
