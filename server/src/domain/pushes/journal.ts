// What a running push writes. A chunk is worked on under a lease; a worker that lost it can no longer
// write anything. Counters move in the transaction that stores the results they count. Every transaction
// locks the push first, so that none waits for another in a circle.

import { sql } from 'kysely'
import { type Database, type Tx } from '../../db/database.ts'
import { json, jsonOrNull } from '../../db/json.ts'
import { type WorkFault } from '../../db/types.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { audit, type AuditAction } from '../audit.ts'
import {
  type ChunkRow,
  finalStatus,
  isFinal,
  lockPush,
  pushActor,
  pushById,
  type PushFault,
  type PushRow,
} from './rows.ts'
import { type Counts, insertResults, NO_COUNTS, type PackedResults, type PushKey } from './store.ts'

/** The chunk now belongs to another worker (or is settled): leave it alone. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

export type Claim =
  | { kind: 'chunk'; push: PushRow; chunk: ChunkRow }
  /** What is left waits for a chunk under way that shares its parents. */
  | { kind: 'busy' }
  /** Nothing to take now: others work on what is left, or the push is paused or has ended. */
  | { kind: 'none' }

/** How long a push is paused at most before it tries again, also if it was stopped. */
const HELD_SECONDS = 3_600
const STOPPED_SECONDS = 15

export const PUSH_ACTION: Readonly<Record<PushRow['kind'], AuditAction>> = {
  records: 'push.records',
  status_update: 'push.status_update',
  link: 'push.link',
}

/** What the end of a push writes: its audit row, and a notification for everyone who waits. */
export const noteEnd = async (
  tx: Tx,
  jobs: Pick<Jobs, 'announce'>,
  push: PushRow,
): Promise<void> => {
  await audit(tx, pushActor(push), {
    action: PUSH_ACTION[push.kind],
    clientId: push.client_id,
    targetType: 'push',
    targetId: push.id,
    outcome: push.error?.code ?? (push.status === 'succeeded' ? 'ok' : push.status),
    salesforceApiCalls: push.salesforce_api_calls,
  })
  await jobs.announce(tx, push.id)
}

export const createPushJournal = (
  db: Database,
  jobs: Pick<Jobs, 'announce'>,
  key: PushKey,
  { retentionDays, leaseSeconds }: { retentionDays: number; leaseSeconds: number },
) => {
  const { tenant, pushId } = key
  const leaseUntil = sql<Date>`clock_timestamp() + make_interval(secs => ${leaseSeconds})`

  /** Runs `fn` while the chunk is certainly still the holder's; throws {@link LeaseLost} otherwise. */
  const asHolder = <T>(seq: number, holder: string, fn: (tx: Tx) => Promise<T>): Promise<T> =>
    db.as(tenant).tx(async (tx) => {
      const push = await lockPush(tx, tenant, pushId)
      if (push === undefined || isFinal(push.status)) throw new LeaseLost('the push has ended')
      const held = await tx
        .selectFrom('push_chunks')
        .select('seq')
        .where('org_id', '=', tenant.orgId)
        .where('push_id', '=', pushId)
        .where('seq', '=', seq)
        .where('state', '=', 'pending')
        .where('lease_holder', '=', holder)
        .forUpdate()
        .executeTakeFirst()
      if (held === undefined) throw new LeaseLost('the chunk is in other hands')
      return fn(tx)
    })

  const updateChunk = (tx: Tx, seq: number) =>
    tx
      .updateTable('push_chunks')
      .where('org_id', '=', tenant.orgId)
      .where('push_id', '=', pushId)
      .where('seq', '=', seq)

  const updatePush = (tx: Tx) =>
    tx.updateTable('crm_push_logs').where('org_id', '=', tenant.orgId).where('id', '=', pushId)

  /** Adds what was settled. Whatever held the push up is over, since something got through. */
  const count = async (tx: Tx, counts: Counts, calls: number): Promise<void> => {
    await updatePush(tx)
      .set({
        processed: sql<number>`processed + ${counts.rows}`,
        succeeded: sql<number>`succeeded + ${counts.succeeded}`,
        failed: sql<number>`failed + ${counts.failed}`,
        created_count: sql<number>`created_count + ${counts.created}`,
        updated_count: sql<number>`updated_count + ${counts.updated}`,
        salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}`,
        ...(counts.rows > 0 ? { error: null, resume_at: null } : {}),
      })
      .execute()
  }

  const claimable = sql`c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
    and (c.lease_until is null or c.lease_until <= clock_timestamp())
    and (c.resume_at is null or c.resume_at <= clock_timestamp())`

  /** Chunks that could be taken if no chunk under way shared their parents. */
  const isAnyWaiting = async (tx: Tx): Promise<boolean> => {
    const { rows } = await sql<{ yes: boolean }>`
      select exists (select from push_chunks c where ${claimable} and cardinality(c.chains) > 0)
         and exists (select from crm_push_logs p
                      where p.org_id = ${tenant.orgId} and p.id = ${pushId}
                        and (p.resume_at is null or p.resume_at <= clock_timestamp()
                             or p.stop is not null)) as yes`.execute(tx)
    return rows[0]?.yes === true
  }

  /** Ends the push when its last chunk is settled. */
  const endWhenDone = async (tx: Tx): Promise<void> => {
    const push = await updatePush(tx)
      .set({ open_chunks: sql<number>`open_chunks - 1` })
      .returningAll()
      .executeTakeFirstOrThrow()
    if (push.open_chunks > 0) return
    const ended = await updatePush(tx)
      .set({
        status: finalStatus(push.total, push.failed),
        error: jsonOrNull(push.stop),
        resume_at: null,
        completed_at: sql<Date>`clock_timestamp()`,
        results_expire_at: sql<Date>`clock_timestamp() + make_interval(days => ${retentionDays})`,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    await noteEnd(tx, jobs, ended)
  }

  return {
    key,

    load: (): Promise<PushRow | undefined> =>
      db.as(tenant).tx((tx) => pushById(tx, tenant, pushId)),

    /** Takes the next chunk that nobody works on, in the order of the input, and counts the claim. */
    claim: (holder: string): Promise<Claim> =>
      db.as(tenant).tx(async (tx): Promise<Claim> => {
        const push = await lockPush(tx, tenant, pushId)
        if (push === undefined || isFinal(push.status)) return { kind: 'none' }
        const { rows } = await sql<{ seq: number }>`
          with free as materialized (
            select p.resume_at is null or p.resume_at <= clock_timestamp() or p.stop is not null as yes
              from crm_push_logs p where p.org_id = ${tenant.orgId} and p.id = ${pushId}
          ), busy as materialized (
            select coalesce(array_agg(chain), '{}') as chains
              from push_chunks r, unnest(r.chains) as chain
             where r.org_id = ${tenant.orgId} and r.push_id = ${pushId} and r.state = 'pending'
               and r.lease_holder is not null and r.lease_until > clock_timestamp()
          )
          select c.seq
            from push_chunks c
           where ${claimable} and (select yes from free)
             and not c.chains && (select chains from busy)
           order by c.seq limit 1`.execute(tx)
        const seq = rows[0]?.seq
        if (seq === undefined) return { kind: (await isAnyWaiting(tx)) ? 'busy' : 'none' }
        const chunk = await updateChunk(tx, seq)
          .set({
            lease_holder: holder,
            lease_until: leaseUntil,
            claims: sql<number>`claims + 1`,
            started_at: sql<Date>`coalesce(started_at, clock_timestamp())`,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        if (push.status !== 'queued') return { kind: 'chunk', push, chunk }
        const begun = await updatePush(tx)
          .set({
            status: 'in_progress',
            started_at: sql<Date>`coalesce(started_at, clock_timestamp())`,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        return { kind: 'chunk', push: begun, chunk }
      }),

    /** Renews the lease. False: the chunk was taken over. */
    renew: (seq: number, holder: string): Promise<boolean> =>
      db.as(tenant).tx(async (tx) => {
        const held = await updateChunk(tx, seq)
          .set({ lease_until: leaseUntil })
          .where('lease_holder', '=', holder)
          .where('state', '=', 'pending')
          .returning('seq')
          .executeTakeFirst()
        return held !== undefined
      }),

    /** Gives the chunk back without a failure: the claim does not count. */
    release: (seq: number, holder: string, calls: number): Promise<void> =>
      asHolder(seq, holder, async (tx) => {
        await updateChunk(tx, seq)
          .set({ lease_holder: null, lease_until: null, claims: sql<number>`claims - 1` })
          .execute()
        if (calls > 0) await count(tx, NO_COUNTS, calls)
      }),

    /** Gives it back after an unexpected fault, to be tried again in so many seconds. */
    fault: (seq: number, holder: string, afterSeconds: number, calls: number): Promise<void> =>
      asHolder(seq, holder, async (tx) => {
        await updateChunk(tx, seq)
          .set({
            lease_holder: null,
            lease_until: null,
            claims: sql<number>`claims - 1`,
            faults: sql<number>`faults + 1`,
            resume_at: sql<Date>`clock_timestamp() + make_interval(secs => ${afterSeconds})`,
          })
          .execute()
        if (calls > 0) await count(tx, NO_COUNTS, calls)
      }),

    /** Stores what the transport needs to continue after a crash; null: nothing was sent. */
    saveSendState: (seq: number, holder: string, state: unknown, calls: number): Promise<void> =>
      asHolder(seq, holder, async (tx) => {
        await updateChunk(tx, seq)
          .set({
            send_state: jsonOrNull(state),
            lease_until: leaseUntil,
          })
          .execute()
        if (calls > 0) await count(tx, NO_COUNTS, calls)
      }),

    /** Blocks of the chunk that already have their results, and which of their rows failed. */
    storedBlocks: (blockNos: readonly number[]): Promise<{ block_no: number; failed: number }[]> =>
      db.as(tenant).tx((tx) =>
        tx
          .selectFrom('push_results')
          .select(['block_no', 'failed'])
          .where('org_id', '=', tenant.orgId)
          .where('push_id', '=', pushId)
          .where(sql<boolean>`block_no = any(${blockNos}::integer[])`)
          .execute(),
      ),

    resultsOf: (blockNo: number): Promise<Buffer | undefined> =>
      db.as(tenant).tx(async (tx) => {
        const row = await tx
          .selectFrom('push_results')
          .select('body')
          .where('org_id', '=', tenant.orgId)
          .where('push_id', '=', pushId)
          .where('block_no', '=', blockNo)
          .executeTakeFirst()
        return row?.body
      }),

    /** Stores the results of some blocks of a chunk that continues. */
    storeResults: (
      seq: number,
      holder: string,
      packed: readonly PackedResults[],
      calls: number,
    ): Promise<void> =>
      asHolder(seq, holder, async (tx) => {
        await count(tx, await insertResults(tx, key, packed), calls)
      }),

    /** Settles the chunk; with the last one the push ends. */
    finishChunk: (
      seq: number,
      holder: string,
      packed: readonly PackedResults[],
      calls: number,
      drop: (tx: Tx) => Promise<void>,
    ): Promise<void> =>
      asHolder(seq, holder, async (tx) => {
        await count(tx, await insertResults(tx, key, packed), calls)
        await updateChunk(tx, seq)
          .set({
            state: 'done',
            send_state: null,
            lease_holder: null,
            lease_until: null,
            finished_at: sql<Date>`clock_timestamp()`,
          })
          .execute()
        await drop(tx)
        await endWhenDone(tx)
      }),

    /** Pauses and says why; the sweep puts the push back when it is due. */
    hold: (error: WorkFault, afterSeconds: number): Promise<void> =>
      db.as(tenant).tx(async (tx) => {
        const push = await lockPush(tx, tenant, pushId)
        if (push === undefined || isFinal(push.status)) return
        // One that was stopped in the meantime has rows to end now, whatever the others wait for.
        const longest = push.stop === null ? HELD_SECONDS : STOPPED_SECONDS
        const seconds = Math.min(afterSeconds, longest)
        const resumesAt = new Date(Date.now() + seconds * 1000).toISOString()
        const { waiting } = error
        const shown: PushFault = {
          ...error,
          ...(waiting === undefined ? {} : { waiting: { ...waiting, next_try_at: resumesAt } }),
          resumes_at: resumesAt,
        }
        await updatePush(tx)
          .set({
            error: json(shown),
            resume_at: sql<Date>`clock_timestamp() + make_interval(secs => ${seconds})`,
          })
          .execute()
      }),

    /** No further row is sent; the first reason is kept. */
    stop: (reason: WorkFault): Promise<void> =>
      db.as(tenant).tx(async (tx) => {
        const push = await lockPush(tx, tenant, pushId)
        if (push === undefined || isFinal(push.status) || push.stop !== null) return
        await updatePush(tx)
          .set({ stop: json(reason), resume_at: null })
          .execute()
      }),
  }
}

export type PushJournal = ReturnType<typeof createPushJournal>
