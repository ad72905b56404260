// The work on a push: a lane takes chunk after chunk, sends each, and stores what became of its rows.
// Lanes of all replicas share a push; no more of them than a Salesforce org may have under way at once,
// no matter whose client it is. A lane yields to other work after a few seconds.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault } from '../../db/tables/work.ts'
import { type Jobs, type Work, type Worker } from '../../jobs/jobs.ts'
import { workWaitSeconds } from '../../retry.ts'
import { type OpenConnection } from '../connections/connections.ts'
import { connectionStanding } from '../connections/rows.ts'
import { explain, openDoor } from '../work/door.ts'
import { causeOf, decide } from '../work/faults.ts'
import { type StageDeps } from '../work/stages.ts'
import { createDesks, type Desk } from './desk.ts'
import { LeaseLost, type PushJournal, StandingLost } from './journal.ts'
import { type Claim } from './rounds.ts'
import { type ChunkRow, optionsOf, type PushRow, standingOf, stopOf } from './rows.ts'
import { type Explain } from './prepare/explain.ts'
import { createPlace, type Place } from './place.ts'
import { createWire, type Wire } from './wire.ts'
import { createSettler, errorOf, type Settler } from './settle.ts'
import { type BlockInHand, inputInHand, storedInput } from './store.ts'
import { lastWordsOf } from './transport/last-words.ts'
import { type Transport } from './transport/transport.ts'

export interface LaneDeps extends StageDeps {
  jobs: Pick<Jobs, 'announce'>
  transports: Readonly<Record<'collections' | 'bulk', Transport>>
  /** Salesforce's errors in the words of the mapping that the push was accepted with. */
  explain: (push: PushRow) => Promise<Explain>
  retentionDays: number
  /** How long a holder that shows no sign of life keeps a chunk and a place in the Salesforce org. */
  leaseSeconds: number
}

/** How long a lane runs before it yields to whatever else waits. */
const TURN_MS = 2_000
const BUSY_MS = 100
/** While Salesforce answers within this, the intent of the next chunk is stored beside the call. */
const QUICK_MS = 500
/**
 * How often a chunk may crash its process (or lose it because of another chunk: rows that were sent are
 * better settled late than given up), or fail in an unexpected way.
 */
const DEATHS_MAX = 20
const FAULTS_MAX = 5
/** How often a chunk opens the connection again that was changed since, before it is given back. */
const RENEWALS_MAX = 3
const BEATS_A_LEASE = 5
/** The share of the lease after which a holder that could not renew it stops. */
const SILENCE_MAX = 0.75

export const createLaneWorker = (deps: LaneDeps): Worker => {
  const laneOf = (work: Work) =>
    deps.db
      .as(work)
      .read.selectFrom('push_lanes')
      .innerJoin('crm_push_logs', 'crm_push_logs.id', 'push_lanes.push_id')
      .select(['push_lanes.push_id', 'push_lanes.client_id', 'crm_push_logs.sfdc_org_id'])
      .where('push_lanes.org_id', '=', work.orgId)
      .where('push_lanes.id', '=', work.id)
      .executeTakeFirst()

  const desks = createDesks(deps)

  return {
    run: async (work, signal) => {
      const lane = await laneOf(work)
      if (lane === undefined) return
      const place = createPlace(deps.db, lane.sfdc_org_id ?? '', deps.leaseSeconds)
      if (!(await place.take())) {
        await sleep(BUSY_MS, undefined, { signal }).catch(() => undefined)
        signal.throwIfAborted()
        return 'again'
      }
      const { client_id: clientId, push_id: pushId } = lane
      const { desk, leave } = desks.join({ tenant: work, clientId, pushId })
      try {
        return await takeTurn(deps, desk, place, signal)
      } finally {
        await Promise.all([place.giveBack(), leave().catch(() => undefined)]) // leases run out
      }
    },

    // A chunk that crashes its process is settled by the worker that takes it next; a lane has no state,
    // and the sweep puts it back.
    giveUp: () => Promise.resolve(),

    standing: (work) => standingOf(deps.db.as(work).read, work),
  }
}

/** How far a chunk came. `stand_still`: the push waits for something; `leave`: our place is lost. */
type Outcome = 'next' | 'leave' | 'stand_still'

const takeTurn = async (
  deps: LaneDeps,
  desk: Desk,
  place: Place,
  signal: AbortSignal,
): Promise<'again' | void> => {
  const endsAt = performance.now() + TURN_MS
  const isOver = (): boolean => performance.now() >= endsAt
  /** In the order of their calls: the results of one are stored while the next is on the wire. */
  const underWay: Promise<Outcome>[] = []
  let free: Promise<boolean> = Promise.resolve(true)
  /** Its intent is stored while the chunk before it is on the wire. */
  let early: Claim | null = null
  /** Waits until no more than so many are under way. Returns how the lane ends; null: it goes on. */
  const settled = async (most: number): Promise<'again' | 'over' | null> => {
    for (let one = underWay[0]; one !== undefined && underWay.length > most; one = underWay[0]) {
      const outcome = await one
      void underWay.shift()
      if (outcome !== 'next') return outcome === 'leave' ? 'again' : 'over'
    }
    return null
  }
  try {
    for (;;) {
      if (early === null) signal.throwIfAborted()
      const claim: Claim = early ?? (isOver() ? { kind: 'none' } : await desk.rounds.take())
      early = null
      if (claim.kind === 'chunk') {
        const wire = createWire(free)
        const one = workOn(deps, desk, place, claim, signal, wire)
        underWay.push(one)
        free = wire.freeAfter(one)
        await Promise.race([one, wire.sending])
        const end = await settled(1)
        if (end !== null) return end === 'again' ? 'again' : undefined
        if (desk.answerMs < QUICK_MS && !isOver()) early = desk.rounds.takeReady()
        if (early === null) await Promise.race([one, wire.answered])
        continue
      }
      if (claim.kind === 'busy') {
        await desk.rounds.settled(BUSY_MS)
        if (!(await place.renew())) return 'again'
      }
      // What is stored now may make something free.
      const isLast = underWay.length === 0 && claim.kind === 'none'
      const end = await settled(0)
      if (end === 'again' || (end === null && isOver())) return 'again'
      if (end === 'over' || isLast) return
    }
  } finally {
    await Promise.allSettled(underWay)
  }
}

/**
 * Brings one chunk as far as possible. `stand_still`: the push waits for something; `leave`: our place
 * in the Salesforce org, or the chunk, now belongs to another worker.
 */
const workOn = async (
  deps: LaneDeps,
  desk: Desk,
  place: Place,
  claim: Extract<Claim, { kind: 'chunk' }>,
  signal: AbortSignal,
  wire: Wire,
): Promise<Outcome> => {
  const { journal } = desk
  const lost = new AbortController()
  const held = AbortSignal.any([signal, lost.signal])
  const rest = keepAlive(
    deps.leaseSeconds * 1000,
    async () =>
      !(await Promise.all([journal.renew(claim.seq, claim.holder), place.renew()])).includes(false),
    () => lost.abort(new LeaseLost('the lease ran out')),
  )
  const calls = createCallCount()
  const atHand = (): AtHand => ({
    ...claim,
    calls,
    wire,
    settler: settlerOf(deps, desk, claim, calls),
  })
  let now = atHand()
  try {
    for (let renewals = 0; ; renewals += 1) {
      try {
        await settleChunk(deps, desk, now, held)
        return 'next'
      } catch (error) {
        desk.connection = null
        // A fresh session changes the connection for everybody. Given back, this chunk would come after
        // those taken ahead, and its parents would meet those of later chunks.
        if (!(error instanceof StandingLost) || held.aborted || renewals >= RENEWALS_MAX)
          throw error
        now = atHand()
      }
    }
  } catch (error) {
    if (error instanceof LeaseLost || held.aborted) {
      // The next worker need not wait for the lease to run out.
      await journal.release(claim, calls.take()).catch(() => undefined)
      signal.throwIfAborted()
      return lost.signal.aborted ? 'leave' : 'next'
    }
    return await afterFault(deps, desk, now, error).catch((thrown: unknown) => {
      if (thrown instanceof LeaseLost) return 'next' as const
      throw thrown
    })
  } finally {
    rest()
  }
}

const settlerOf = (
  { db }: LaneDeps,
  { journal, rounds }: Desk,
  { push, seq, holder, block }: Extract<Claim, { kind: 'chunk' }>,
  calls: CallCount,
): Settler => {
  const { key, storedBlocks, resultsOf } = journal
  const isBulk = push.transport === 'bulk'
  return createSettler({
    db,
    key,
    input:
      block === null
        ? storedInput(db, key, { by: isBulk ? 'part' : 'block_no', seq })
        : inputInHand(block),
    isOneBlock: !isBulk,
    storedBlocks,
    resultsOf,
    store: (packed) => journal.storeResults(seq, holder, packed, calls.take()),
    end: (packed, kept) => rounds.end({ seq, holder, packed, kept, calls: calls.take() }),
  })
}

/**
 * Renews the lease until the returned function is called. `onLost`: the lease belongs to another worker,
 * or may soon. While the database is out of reach, our own clock decides, and before the lease ends: two
 * workers must never send the same rows.
 */
const keepAlive = (
  leaseMs: number,
  renew: () => Promise<boolean>,
  onLost: () => void,
): (() => void) => {
  let aliveAt = performance.now()
  let isAsking = false
  const beat = setInterval(() => {
    const now = performance.now()
    if (now - aliveAt >= leaseMs * SILENCE_MAX) return onLost()
    if (isAsking) return
    isAsking = true
    renew()
      .then(
        (held) => {
          if (held) aliveAt = now
          else onLost()
        },
        () => undefined, // the next beat tries again
      )
      .finally(() => {
        isAsking = false
      })
  }, leaseMs / BEATS_A_LEASE)
  return () => clearInterval(beat)
}

interface AtHand {
  push: PushRow
  seq: number
  chunk: ChunkRow
  holder: string
  block: BlockInHand | null
  settler: Settler
  calls: CallCount
  wire: Wire
}

const settleChunk = async (
  deps: LaneDeps,
  desk: Desk,
  atHand: AtHand,
  signal: AbortSignal,
): Promise<void> => {
  const { push, chunk, holder, block, settler, calls, wire } = atHand
  const { rounds } = desk
  if (chunk.claims > DEATHS_MAX || chunk.faults >= FAULTS_MAX) {
    const fault = { code: 'internal', message: 'Sending these rows failed too often on our side.' }
    await settler.conclude(lastWordsOf(chunk.send_state), fault)
    deps.logger.error({ push_id: push.id, chunk: chunk.seq }, 'chunk given up')
    return
  }
  const stop = stopOf(push)
  if (stop !== null && chunk.send_state === null) {
    await settler.failAll(stop)
    return
  }
  if (!startsWithItsIntent(atHand)) await wire.take()
  const [{ salesforce: org, connection }, explained] = await Promise.all([
    openFor(deps, desk, push, chunk, signal),
    desk.explain(push),
  ])
  const standing = connectionStanding(connection)
  await settler.start()
  const { all_or_none, assignment_rules, allow_duplicates } = optionsOf(push)
  const results = deps.transports[push.transport ?? 'collections'].send(org, {
    kind: push.kind,
    options: { all_or_none, assignment_rules, allow_duplicates },
    rows: settler.rows,
    rowCount: chunk.rows,
    state: chunk.send_state,
    save: async (state) => {
      await rounds.save({ seq: chunk.seq, holder, state, calls: calls.take() })
      // The result of the rows if Salesforce can no longer be reached.
      chunk.send_state = state
    },
    intend: async (state) => {
      const intent = { seq: chunk.seq, holder, state, calls: calls.take() }
      const why = await rounds.intend(intent, standing)
      if (why !== null) return errorOf(why)
      if (await wire.take()) {
        const late = await rounds.confirm(holder, standing)
        if (late !== null) return errorOf(late)
      }
      chunk.send_state = state
      wire.onSending()
      return null
    },
    stopped: async () => {
      const why = stopOf(await desk.journal.load())
      return why === null ? null : errorOf(why)
    },
    explain: explained,
    onCalls: calls.add,
    signal,
  })
  const answered = (): void => {
    desk.answerMs = wire.onAnswered() ?? desk.answerMs
  }
  for await (const some of results) {
    // Of one block they come once nothing more is asked of Salesforce: the next chunk need not wait until
    // they are packed.
    if (block !== null) answered()
    await settler.add(some)
  }
  if (block === null) answered()
  await settler.finish()
}

/** Nothing is asked of Salesforce before the intent to send these rows is stored. */
const startsWithItsIntent = ({ push, chunk, block }: AtHand): boolean =>
  block?.operation === 'upsert' &&
  chunk.send_state === null &&
  push.error === null &&
  stopOf(push) === null

/**
 * A way to the Salesforce org for this chunk. The connection is not read again for each of them: nothing
 * is sent once it lost its standing, which is seen when the intent is stored.
 */
const openFor = async (
  { connections }: LaneDeps,
  desk: Desk,
  push: PushRow,
  chunk: ChunkRow,
  signal: AbortSignal,
): Promise<OpenConnection> => {
  const stop = stopOf(push)
  const priority = stop === null ? ('work' as const) : ('protected' as const)
  const destination = { ...desk.journal.key, sfdcOrgId: push.sfdc_org_id, priority }
  const isPlain = stop === null && push.error === null && chunk.send_state === null
  const known = isPlain && push.transport === 'collections' ? desk.connection : null
  const probe = push.error !== null
  const opened = await openDoor(connections, destination, signal, {
    probe,
    known: known ?? undefined,
  })
  desk.connection = opened.connection
  return opened
}

const afterFault = async (
  deps: LaneDeps,
  { journal, rounds }: Desk,
  atHand: AtHand,
  thrown: unknown,
): Promise<'next' | 'stand_still'> => {
  const { push, chunk, settler, calls } = atHand
  const error = await explain(deps.db, journal.key, thrown)
  const decision = decide({
    kind: 'push',
    error,
    // Rows that were sent and cannot be looked up end with an unknown outcome: a push never waits
    // without limit.
    sent: false,
    waiting: push.error,
    now: new Date(),
    scale: deps.waitScale ?? 1,
  })
  if (decision.do === 'bug') {
    deps.logger.error({ err: error, push_id: push.id, chunk: chunk.seq }, 'chunk failed')
    await journal.fault(atHand, workWaitSeconds(chunk.faults), calls.take())
    return 'next'
  }
  const { fault } = decision
  if (decision.do === 'end') {
    // A refusal of these rows says nothing about the others.
    if (causeOf(error) === 'refused') await settler.conclude(lastWordsOf(chunk.send_state), fault)
    else {
      await journal.stop(fault)
      await settleWithoutSalesforce(journal, atHand, error, fault)
    }
    return 'next'
  }
  const stop = stopOf(push)
  if (stop !== null && fault.waiting?.for === 'person') {
    // What was sent cannot be looked up: only the caller can decide how long to wait for that.
    await settleWithoutSalesforce(journal, atHand, error, stop)
    return 'next'
  }
  await journal.hold(fault, decision.afterSeconds)
  await rounds.giveBack()
  await journal.release(atHand, calls.take())
  return 'stand_still'
}

/**
 * The Salesforce org can no longer be reached, permanently. Rows that have their result keep it; rows
 * that were not written fail with the reason; rows that were sent without an answer may or may not
 * exist, and their results say so. An inactive client still has its connection: what was sent is settled
 * through it in the next round.
 */
const settleWithoutSalesforce = async (
  journal: PushJournal,
  atHand: AtHand,
  error: unknown,
  reason: Fault,
): Promise<void> => {
  const { push, chunk, settler, calls } = atHand
  if (causeOf(error) === 'client_inactive' || chunk.send_state === null) {
    await journal.release(atHand, calls.take())
    return
  }
  // The first reason is kept, as it is for the push.
  await settler.conclude(lastWordsOf(chunk.send_state), stopOf(push) ?? reason)
}

/** Calls that were made but not yet stored. */
export interface CallCount {
  add: (calls: number) => void
  take: () => number
}

const createCallCount = (): CallCount => {
  let fresh = 0
  return {
    add: (calls) => {
      fresh += calls
    },
    take: () => {
      const taken = fresh
      fresh = 0
      return taken
    },
  }
}
