// The lanes of one push in this process share their transactions: while one runs, what the others have
// to store and what they need next gathers for the one after it. A commit, and each way to the database,
// cost more than what is in them.

import { type Fault } from '../../db/tables/work.ts'
import { EngineError } from '../../errors.ts'
import { type ChunkEnd, type Claimed, type StateToSave } from './chunks.ts'
import {
  LeaseLost,
  type Present,
  type PushJournal,
  type RoundOutcome,
  StandingLost,
} from './journal.ts'
import { type PushRow } from './rows.ts'

export type Claim =
  | ({ kind: 'chunk'; push: PushRow } & Claimed)
  /** What is left waits for a chunk under way that shares its parents. */
  | { kind: 'busy' }
  /** Nothing to take now: others work on what is left, or the push is paused or has ended. */
  | { kind: 'none' }

export interface Rounds {
  /** Takes the next chunk. Its holder is `holder` of the claim. */
  take(): Promise<Claim>
  /** A chunk that was taken ahead; null if there is none. */
  takeReady(): Claim | null
  /** Committed when it resolves. Throws {@link LeaseLost}. */
  save(state: Omit<StateToSave, 'intent'>): Promise<void>
  /**
   * The same before a sending, unless nothing more of the push may be sent: then it stores nothing and
   * returns why. Throws {@link StandingLost} if the connection no longer stands as it was opened.
   */
  intend(state: Omit<StateToSave, 'intent'>, standing: string | null): Promise<Fault | null>
  /**
   * Looks once more before rows are sent whose intent has waited: returns and throws what `intend` does,
   * as things stand now. It changes nothing.
   */
  confirm(holder: string, standing: string | null): Promise<Fault | null>
  /** Settles the chunk: committed when it resolves. Throws {@link LeaseLost}. */
  end(end: ChunkEnd): Promise<void>
  /** Resolves when a chunk was settled here, and after `ms` in any case. */
  settled(ms: number): Promise<void>
  /** How many chunks may be taken before a lane needs them; at first none. */
  takeAhead(most: number): void
  /** Gives back what was taken ahead. */
  giveBack(): Promise<void>
}

interface Waiting<T> {
  resolve: (value: T) => void
  reject: (error: unknown) => void
}
type WaitingState = StateToSave & Waiting<Fault | null>
type WaitingEnd = ChunkEnd & Waiting<void>
type WaitingLook = { holder: string; standing: string | null } & Waiting<Fault | null>
/** What one transaction is for. */
interface Batch {
  states: WaitingState[]
  ends: WaitingEnd[]
  takers: Waiting<Claim>[]
}

/** A chunk that was taken before a lane needed it. */
interface Ahead {
  claimed: Claimed
  /** When its lease was last renewed, by our own clock. */
  aliveAt: number
}

/** The share of the lease after which a chunk taken ahead is left to whoever takes it then. */
const FRESH_SHARE = 0.5
const BEATS_A_LEASE = 5

export const createRounds = (
  journal: Pick<PushJournal, 'round' | 'present' | 'renewAll' | 'releaseAll'>,
  { leaseSeconds }: { leaseSeconds: number },
): Rounds => {
  const leaseMs = leaseSeconds * 1000
  let batch: Batch = emptyBatch()
  let isRunning = false
  let looks: WaitingLook[] = []
  let isLooking = false
  let aheadMost = 0
  let ahead: Ahead[] = []
  /** As the last round saw it. */
  let push: PushRow | null = null
  /** The last round found fewer chunks than it asked for. */
  let isDry = false
  const listeners: (() => void)[] = []
  let beat: NodeJS.Timeout | undefined

  const run = async (): Promise<void> => {
    isRunning = true
    while (!isEmpty(batch)) {
      // What lanes do about the same event is stored together.
      await new Promise((resolve) => setImmediate(resolve))
      const due = batch
      batch = emptyBatch()
      // What the last round took ahead is theirs: they must not leave while it waits for other lanes.
      due.takers = due.takers.filter(({ resolve }) => {
        const claim = nextAhead()
        if (claim !== null) resolve(claim)
        return claim === null
      })
      if (!isEmpty(due)) await perform(due)
    }
    isRunning = false
  }

  /** A chunk that was taken ahead and whose lease is certainly ours. */
  const nextAhead = (): Claim | null => {
    for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
      const isFresh = performance.now() - next.aliveAt < leaseMs * FRESH_SHARE
      if (isFresh && push !== null) return { kind: 'chunk', push, ...next.claimed }
      // Its lease runs out by itself if it cannot be given back.
      journal.releaseAll([next.claimed.holder]).catch(() => undefined)
    }
    return null
  }

  /** What the lanes ask while one look is under way is answered by the next. */
  const look = async (): Promise<void> => {
    isLooking = true
    while (looks.length > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      const due = looks
      looks = []
      try {
        const present = await journal.present(due.map(({ holder }) => holder))
        for (const one of due) answer(one, present)
      } catch (error) {
        for (const { reject } of due) reject(error)
      }
    }
    isLooking = false
  }

  const start = (): void => {
    if (!isRunning) void run()
  }

  /** Never throws: whoever waits gets the outcome, or the error. */
  const perform = async (due: Batch): Promise<void> => {
    const more = isDry ? 0 : Math.max(0, aheadMost - ahead.length)
    const at = performance.now()
    let outcome: RoundOutcome | null
    try {
      outcome = await journal.round({ ...due, needed: due.takers.length, ahead: more })
    } catch (error) {
      // One of them may be to blame: it must not take the others with it.
      const alone = apart(due)
      const isAway = error instanceof EngineError && error.code === 'unavailable'
      if (alone.length > 1 && !isAway) for (const one of alone) await perform(one)
      else for (const { reject } of everyone(due)) reject(error)
      return
    }
    tell(due, outcome, at)
    isDry = outcome === null || outcome.claimed.length < due.takers.length + more
    if (due.ends.length === 0) return
    isDry = false
    for (const wake of listeners.splice(0)) wake()
  }

  const tell = (
    { states, ends, takers }: Batch,
    outcome: RoundOutcome | null,
    at: number,
  ): void => {
    if (outcome === null) {
      for (const { reject } of [...states, ...ends]) reject(new LeaseLost('the push has ended'))
      for (const { resolve } of takers) resolve({ kind: 'none' })
      return
    }
    const { stop, standing, stored, claimed, isAnyWaiting } = outcome
    push = outcome.push
    for (const { holder, intent, resolve, reject } of states) {
      if (intent !== null && stop !== null) resolve(stop)
      else if (intent !== null && intent.standing !== standing) {
        reject(new StandingLost('the connection was changed or closed'))
      } else if (stored.has(holder)) resolve(null)
      else reject(new LeaseLost('the chunk is in other hands'))
    }
    for (const { holder, resolve, reject } of ends) {
      if (stored.has(holder)) resolve()
      else reject(new LeaseLost('the chunk is in other hands'))
    }
    const left = [...claimed]
    for (const { resolve } of takers) {
      const one = left.shift()
      if (one !== undefined) resolve({ kind: 'chunk', push: outcome.push, ...one })
      else resolve({ kind: isAnyWaiting ? 'busy' : 'none' })
    }
    ahead.push(...left.map((one) => ({ claimed: one, aliveAt: at })))
  }

  const renew = (): void => {
    const at = performance.now()
    const waiting = [...ahead]
    if (waiting.length === 0) return
    journal.renewAll(waiting.map(({ claimed }) => claimed.holder)).then(
      (renewed) => {
        for (const one of waiting) if (renewed.has(one.claimed.holder)) one.aliveAt = at
        const isLost = (one: Ahead): boolean =>
          waiting.includes(one) && !renewed.has(one.claimed.holder)
        ahead = ahead.filter((one) => !isLost(one))
      },
      () => undefined, // the next beat tries again; a stale one is not begun
    )
  }

  return {
    takeReady: nextAhead,

    confirm: (holder, standing) =>
      new Promise((resolve, reject) => {
        looks.push({ holder, standing, resolve, reject })
        if (!isLooking) void look()
      }),

    take: async () =>
      nextAhead() ??
      new Promise<Claim>((resolve, reject) => {
        batch.takers.push({ resolve, reject })
        start()
      }),

    save: async (state) => {
      await new Promise<Fault | null>((resolve, reject) => {
        batch.states.push({ ...state, intent: null, resolve, reject })
        start()
      })
    },

    intend: (state, standing) =>
      new Promise((resolve, reject) => {
        batch.states.push({ ...state, intent: { standing }, resolve, reject })
        start()
      }),

    end: (end) =>
      new Promise((resolve, reject) => {
        batch.ends.push({ ...end, resolve, reject })
        start()
      }),

    settled: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        listeners.push(() => {
          clearTimeout(timer)
          resolve()
        })
      }),

    takeAhead: (most) => {
      aheadMost = most
      if (most > 0) beat ??= setInterval(renew, leaseMs / BEATS_A_LEASE)
      else {
        clearInterval(beat)
        beat = undefined
      }
    },

    giveBack: async () => {
      const holders = ahead.map(({ claimed }) => claimed.holder)
      ahead = []
      if (holders.length > 0) await journal.releaseAll(holders)
    },
  }
}

const answer = (
  { holder, standing, resolve, reject }: WaitingLook,
  present: Present | null,
): void => {
  if (present === null) reject(new LeaseLost('the push has ended'))
  else if (present.stop !== null) resolve(present.stop)
  else if (present.standing !== standing) {
    reject(new StandingLost('the connection was changed or closed'))
  } else if (present.held.has(holder)) resolve(null)
  else reject(new LeaseLost('the chunk is in other hands'))
}

const emptyBatch = (): Batch => ({ states: [], ends: [], takers: [] })

const isEmpty = ({ states, ends, takers }: Batch): boolean =>
  states.length === 0 && ends.length === 0 && takers.length === 0

const everyone = ({ states, ends, takers }: Batch) => [...states, ...ends, ...takers]

/** What can be done by itself, each as a batch of its own. */
const apart = ({ states, ends, takers }: Batch): Batch[] => [
  ...states.map((state) => ({ ...emptyBatch(), states: [state] })),
  ...ends.map((end) => ({ ...emptyBatch(), ends: [end] })),
  ...(takers.length > 0 ? [{ ...emptyBatch(), takers }] : []),
]
