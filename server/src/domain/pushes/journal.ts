// What a running push writes. A chunk is worked on under a lease; a worker that lost it can no longer
// write anything. Counters move in the transaction that stores the results they count. Every transaction
// locks the push first, so that none waits for another in a circle.

import { sql } from 'kysely'
import { type Database, type Tx } from '../../db/database.ts'
import { json, jsonOrNull } from '../../db/json.ts'
import { type Fault, type WorkFault } from '../../db/tables/work.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { audit, type AuditAction } from '../audit.ts'
import { presentStanding } from '../connections/rows.ts'
import {
  type ChunkEnd,
  type Claimed,
  claimChunks,
  endChunks,
  type Hold,
  isAnyHeldUp,
  saveStates,
  type StateToSave,
} from './chunks.ts'
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
import { type Counts, insertResults, NO_COUNTS, type PackedResults, type PushKey } from './store.ts'

/** The chunk now belongs to another worker (or is settled): leave it alone. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

/** The connection was changed or closed since it was opened: nothing was stored, and nothing may be sent. */
export class StandingLost extends LeaseLost {
  override name = 'StandingLost'
}

/** A chunk with its state as its holder knows it: null as long as nothing was sent. */
export interface InHand extends Hold {
  chunk: Pick<ChunkRow, 'send_state'>
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
  const count = (tx: Tx, counts: Counts, calls: number): Promise<PushRow> =>
    updatePush(tx)
      .set({
        processed: sql<number>`processed + ${counts.rows}`,
        succeeded: sql<number>`succeeded + ${counts.succeeded}`,
        failed: sql<number>`failed + ${counts.failed}`,
        created_count: sql<number>`created_count + ${counts.created}`,
        updated_count: sql<number>`updated_count + ${counts.updated}`,
        salesforce_api_calls: sql<number>`salesforce_api_calls + ${calls}`,
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
        const { saved, standing } = await saveStates(tx, key, states, { stop, leaseSeconds })
        const spent = states.reduce((sum, one) => sum + (saved.has(one.holder) ? one.calls : 0), 0)
        const { ended, push: counted } = await endChunks(tx, key, before, ends, spent)
        const stored = new Set([...saved, ...ended])
        let push = counted
        if (push === before && spent > 0) push = await count(tx, NO_COUNTS, spent)
        if (push.open_chunks === 0) push = await end(tx, push)
        // The last chunks, and a part for Bulk, are taken by whoever can begin with them.
        const isMany = push.transport === 'collections' && push.open_chunks > AHEAD_CHUNKS_MIN
        const most = needed + (isMany ? ahead : 0)
        const claimed =
          most > 0 && push.open_chunks > 0
            ? await claimChunks(tx, key, push, { most, leaseSeconds })
            : []
        if (claimed.length > 0 && push.status === 'queued') push = await begin(tx)
        const isAnyWaiting = claimed.length < needed && (await isAnyHeldUp(tx, key))
        return { push, stop, standing, stored, claimed, isAnyWaiting }
      }),

    /** How things stand for chunks whose intents are stored. Null: the push has ended. */
    present: async (holders: readonly string[]): Promise<Present | null> => {
      const push = await db
        .as(tenant)
        .read.selectFrom('crm_push_logs')
        .select(['status', 'stop', 'cancel_requested_at'])
        .select([
          sql<string[]>`array(
            select c.lease_holder from push_chunks c
             where c.org_id = ${tenant.orgId} and c.push_id = ${pushId} and c.state = 'pending'
               and c.lease_holder = any(${holders}::uuid[])
               and c.lease_until > clock_timestamp())`.as('held'),
          presentStanding(tenant, key.clientId).as('standing'),
        ])
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', pushId)
        .executeTakeFirst()
      if (push === undefined || isFinal(push.status)) return null
      return { stop: stopOf(push), standing: push.standing, held: new Set(push.held) }
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
