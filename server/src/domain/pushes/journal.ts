// What a running push writes. A chunk is worked on under a lease; a worker that lost it can no longer
// write anything. Counters move in the transaction that stores the results they count. Every transaction
// locks the push first, so that none waits for another in a circle.

import { sql } from 'kysely'
import { type Database, type Tx } from '../../db/database.ts'
import { json, jsonOrNull } from '../../db/json.ts'
import { type Fault, type WorkFault } from '../../db/types.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { audit, type AuditAction } from '../audit.ts'
import { presentStanding } from '../connections/rows.ts'
import {
  type ChunkRow,
  finalStatus,
  isFinal,
  lockPush,
  pushActor,
  pushById,
  type PushFault,
  type PushRow,
  stopOf,
} from './rows.ts'
import {
  type BlockInHand,
  type Counts,
  dropInput,
  insertResults,
  type KeptInput,
  NO_COUNTS,
  type PackedResults,
  type PushKey,
} from './store.ts'

/** The chunk now belongs to another worker (or is settled): leave it alone. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

/** The connection was changed or closed since it was opened: nothing was stored, and nothing may be sent. */
export class StandingLost extends LeaseLost {
  override name = 'StandingLost'
}

/** What a chunk is held by: each claim has a holder of its own, so that no two can be confused. */
export interface Hold {
  seq: number
  holder: string
}

/** A chunk with its state as its holder knows it: null as long as nothing was sent. */
export interface InHand extends Hold {
  chunk: Pick<ChunkRow, 'send_state'>
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

/** What is stored and taken in one transaction. */
export interface RoundWork {
  states: readonly StateToSave[]
  ends: readonly ChunkEnd[]
  /** How many chunks are needed now, and how many more may be taken for later. */
  needed: number
  ahead: number
}

export interface RoundOutcome {
  push: PushRow
  /** Why nothing more may be sent, as of this transaction. */
  stop: Fault | null
  /** Of the client's connection; null also if nobody asked. */
  standing: string | null
  /** Holders whose states or ends were stored; the chunks of the others are in other hands. */
  stored: ReadonlySet<string>
  claimed: Claimed[]
  /** What is left waits for chunks under way that share its parents. */
  isAnyWaiting: boolean
}

/** What is looked at before rows are sent whose intent was stored a moment ago. */
export interface Present {
  /** Why nothing more may be sent. */
  stop: Fault | null
  /** Of the client's connection. */
  standing: string | null
  /** Those who still hold their chunks. */
  held: ReadonlySet<string>
}

type ClaimRow = ChunkRow & { lease_holder: string } & {
  [Column in keyof Omit<BlockInHand, 'rows'>]: BlockInHand[Column]
} & { block_no: number | null }

/** So many open chunks keep all lanes of a Salesforce org busy: what is left goes to whoever is free. */
const AHEAD_CHUNKS_MIN = 8
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

/** Rows that were never sent are in no doubt, whatever was intended. */
const withoutIntent = ({ send_state }: InHand['chunk']): { send_state?: null } =>
  send_state === null ? { send_state } : {}

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

  const updateHeld = (tx: Tx, holders: readonly string[]) =>
    tx
      .updateTable('push_chunks')
      .where('org_id', '=', tenant.orgId)
      .where('push_id', '=', pushId)
      .where('state', '=', 'pending')
      .where(sql<boolean>`lease_holder = any(${holders}::uuid[])`)

  const updatePush = (tx: Tx) =>
    tx.updateTable('crm_push_logs').where('org_id', '=', tenant.orgId).where('id', '=', pushId)

  /** Adds what was settled. Whatever held the push up is over, since something got through. */
  const count = (tx: Tx, counts: Counts, calls: number, chunks = 0): Promise<PushRow> =>
    updatePush(tx)
      .set({
        processed: sql<number>`processed + ${counts.rows}`,
        succeeded: sql<number>`succeeded + ${counts.succeeded}`,
        failed: sql<number>`failed + ${counts.failed}`,
        created_count: sql<number>`created_count + ${counts.created}`,
        updated_count: sql<number>`updated_count + ${counts.updated}`,
        salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}`,
        open_chunks: sql<number>`open_chunks - ${chunks}`,
        ...(counts.rows > 0 ? { error: null, resume_at: null } : {}),
      })
      .returningAll()
      .executeTakeFirstOrThrow()

  const begin = (tx: Tx): Promise<PushRow> =>
    updatePush(tx)
      .set({
        status: 'in_progress',
        started_at: sql<Date>`coalesce(started_at, clock_timestamp())`,
      })
      .returningAll()
      .executeTakeFirstOrThrow()

  const claimable = sql`c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
    and (c.lease_until is null or c.lease_until <= clock_timestamp())
    and (c.resume_at is null or c.resume_at <= clock_timestamp())`

  /** Chunks that could be taken if no chunk under way shared their parents. */
  const isAnyHeldUp = async (tx: Tx): Promise<boolean> => {
    const { rows } = await sql<{ yes: boolean }>`
      select exists (select from push_chunks c where ${claimable} and cardinality(c.chains) > 0)
         and exists (select from crm_push_logs p
                      where p.org_id = ${tenant.orgId} and p.id = ${pushId}
                        and (p.resume_at is null or p.resume_at <= clock_timestamp()
                             or p.stop is not null)) as yes`.execute(tx)
    return rows[0]?.yes === true
  }

  /** Returns the holders whose states were stored. */
  const saveStates = async (tx: Tx, states: readonly StateToSave[]): Promise<string[]> => {
    if (states.length === 0) return []
    const { rows } = await sql<{ holder: string }>`
      update push_chunks c set send_state = s.state, lease_until = ${leaseUntil}
        from unnest(${states.map(({ holder }) => holder)}::uuid[],
                    ${states.map(({ state }) => jsonOrNull(state))}::jsonb[]) as s (holder, state)
       where c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
         and c.lease_holder = s.holder
      returning s.holder`.execute(tx)
    return rows.map(({ holder }) => holder)
  }

  /** Settles chunks. Returns their holders, and what their results add to the counters. */
  const endChunks = async (
    tx: Tx,
    push: PushRow,
    ends: readonly ChunkEnd[],
  ): Promise<{ ended: string[]; counts: Counts }> => {
    if (ends.length === 0) return { ended: [], counts: NO_COUNTS }
    const { rows } = await sql<{ holder: string }>`
      update push_chunks c
         set state = 'done', send_state = null, lease_holder = null, lease_until = null,
             finished_at = clock_timestamp()
        from unnest(${ends.map(({ holder }) => holder)}::uuid[]) as e (holder)
       where c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
         and c.lease_holder = e.holder
      returning e.holder`.execute(tx)
    const ended = rows.map(({ holder }) => holder)
    const held = ends.filter(({ holder }) => ended.includes(holder))
    if (held.length === 0) return { ended, counts: NO_COUNTS }
    const counts = await insertResults(
      tx,
      key,
      held.flatMap(({ packed }) => packed),
    )
    const by = push.transport === 'bulk' ? 'part' : 'block_no'
    await dropInput(
      tx,
      key,
      { by, seqs: held.map(({ seq }) => seq) },
      {
        whole: held.flatMap(({ kept }) => kept.whole),
        parts: held.flatMap(({ kept }) => kept.parts),
      },
    )
    return { ended, counts }
  }

  /** Ends the push: its last chunk is settled. */
  const end = async (tx: Tx, push: PushRow): Promise<PushRow> => {
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
    return ended
  }

  /** Takes the next chunks that nobody works on, in the order of the input, and counts the claims. */
  const claim = async (tx: Tx, push: PushRow, count: number): Promise<Claimed[]> => {
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
         where ${claimable} and (select yes from free)
           -- Of those with parents in several chunks one at a time: two may share one.
           and (cardinality(c.chains) = 0 or c.seq = (
             select c.seq from push_chunks c
              where ${claimable} and cardinality(c.chains) > 0
                and not c.chains && (select chains from busy)
              order by c.seq limit 1))
         order by c.seq limit ${count}
      ), taken as (
        update push_chunks c
           set lease_holder = gen_random_uuid(), lease_until = ${leaseUntil}, claims = c.claims + 1,
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

  return {
    key,

    load: (): Promise<PushRow | undefined> => pushById(db.as(tenant).read, tenant, pushId),

    /**
     * Stores states and ends of chunks, and takes the next ones. Null: the push has ended, so nothing
     * is stored and nothing is left.
     */
    round: ({ states, ends, needed, ahead }: RoundWork): Promise<RoundOutcome | null> =>
      db.as(tenant).tx(async (tx) => {
        const before = await lockPush(tx, tenant, pushId)
        if (before === undefined || isFinal(before.status)) return null
        const stop = stopOf(before)
        const isAsked = states.some(({ intent }) => intent !== null)
        const standing = isAsked ? await presentStanding(tx, tenant, key.clientId) : null
        const due = states.filter(
          ({ intent }) => intent === null || (stop === null && intent.standing === standing),
        )
        const saved = await saveStates(tx, due)
        const { ended, counts } = await endChunks(tx, before, ends)
        const stored = new Set([...saved, ...ended])
        const calls = [...due, ...ends].reduce(
          (sum, one) => sum + (stored.has(one.holder) ? one.calls : 0),
          0,
        )
        let push = before
        if (ended.length > 0 || calls > 0) push = await count(tx, counts, calls, ended.length)
        if (push.open_chunks === 0) push = await end(tx, push)
        // The last chunks, and a part for Bulk, are taken by whoever can begin with them.
        const isMany = push.transport === 'collections' && push.open_chunks > AHEAD_CHUNKS_MIN
        const most = needed + (isMany ? ahead : 0)
        const claimed = most > 0 && push.open_chunks > 0 ? await claim(tx, push, most) : []
        if (claimed.length > 0 && push.status === 'queued') push = await begin(tx)
        const isAnyWaiting = claimed.length < needed && (await isAnyHeldUp(tx))
        return { push, stop, standing, stored, claimed, isAnyWaiting }
      }),

    /** How things stand for chunks whose intents are stored. Null: the push has ended. */
    present: async (holders: readonly string[]): Promise<Present | null> => {
      const { read } = db.as(tenant)
      const [push, standing] = await Promise.all([
        read
          .selectFrom('crm_push_logs')
          .select(['status', 'stop', 'cancel_requested_at'])
          .select(
            sql<string[]>`array(
              select c.lease_holder from push_chunks c
               where c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
                 and c.lease_holder = any(${holders}::uuid[])
                 and c.lease_until > clock_timestamp())`.as('held'),
          )
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', pushId)
          .executeTakeFirst(),
        presentStanding(read, tenant, key.clientId),
      ])
      if (push === undefined || isFinal(push.status)) return null
      return { stop: stopOf(push), standing, held: new Set(push.held) }
    },

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

    /** Renews the leases of chunks that wait for their turn. Returns whose: the others were taken over. */
    renewAll: (holders: readonly string[]): Promise<ReadonlySet<string>> =>
      db.as(tenant).tx(async (tx) => {
        await lockPush(tx, tenant, pushId)
        const held = await updateHeld(tx, holders)
          .set({ lease_until: leaseUntil })
          .returning(sql<string>`lease_holder`.as('holder'))
          .execute()
        return new Set(held.map(({ holder }) => holder))
      }),

    /** Gives chunks back that were not begun: the claims do not count. */
    releaseAll: (holders: readonly string[]): Promise<void> =>
      db.as(tenant).tx(async (tx) => {
        await lockPush(tx, tenant, pushId)
        await updateHeld(tx, holders)
          .set({ lease_holder: null, lease_until: null, claims: sql<number>`claims - 1` })
          .execute()
      }),

    /** Gives the chunk back without a failure: the claim does not count. */
    release: ({ seq, holder, chunk }: InHand, calls: number): Promise<void> =>
      asHolder(seq, holder, async (tx) => {
        await updateChunk(tx, seq)
          .set({
            lease_holder: null,
            lease_until: null,
            claims: sql<number>`claims - 1`,
            ...withoutIntent(chunk),
          })
          .execute()
        if (calls > 0) await count(tx, NO_COUNTS, calls)
      }),

    /** Gives it back after an unexpected fault, to be tried again in so many seconds. */
    fault: ({ seq, holder, chunk }: InHand, afterSeconds: number, calls: number): Promise<void> =>
      asHolder(seq, holder, async (tx) => {
        await updateChunk(tx, seq)
          .set({
            lease_holder: null,
            lease_until: null,
            claims: sql<number>`claims - 1`,
            faults: sql<number>`faults + 1`,
            resume_at: sql<Date>`clock_timestamp() + make_interval(secs => ${afterSeconds})`,
            ...withoutIntent(chunk),
          })
          .execute()
        if (calls > 0) await count(tx, NO_COUNTS, calls)
      }),

    /** Blocks of the chunk that already have their results, and which of their rows failed. */
    storedBlocks: (blockNos: readonly number[]): Promise<{ block_no: number; failed: number }[]> =>
      db
        .as(tenant)
        .read.selectFrom('push_results')
        .select(['block_no', 'failed'])
        .where('org_id', '=', tenant.orgId)
        .where('push_id', '=', pushId)
        .where(sql<boolean>`block_no = any(${blockNos}::integer[])`)
        .execute(),

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
