// How durable work runs, whatever its kind: load the row, open the connection, do one step after the
// other, and after a fault wait or end as the table in faults.ts says. See docs/architecture.md, "The
// path of durable work".

import { type Logger } from 'pino'
import { type Database } from '../../db/database.ts'
import { type WorkFault } from '../../db/tables/work.ts'
import { type Standing } from '../../jobs/account.ts'
import { type Work, type Worker, type WorkKind } from '../../jobs/jobs.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { type ConnectionRow } from '../connections/connections.ts'
import { type ConnectionDoor, type Destination, explain, openDoor } from './door.ts'
import { decide, toldOf } from './faults.ts'

/**
 * The row has ended in the meantime (or another copy of this work has ended it): nothing is left to do.
 */
export class WorkOver extends Error {
  override name = 'WorkOver'
}

export interface StageDeps {
  db: Database
  connections: ConnectionDoor
  logger: Logger
  /** Multiplies all waiting; 1 except in tests. */
  waitScale?: number
}

/** What one step works with. */
export interface StageContext {
  signal: AbortSignal
  /** Ends every call that is under way, with the first fault. */
  leave: (fault: unknown) => void
  connection: ConnectionRow
  org: SalesforceOrg
  /** The connected user's Salesforce id. */
  userId: string
  /** Salesforce calls made since it was last called, to be stored with the next step. */
  spent: () => number
}

/**
 * What the engine of stages needs to know about a kind of work. `State` is its row with everything
 * loaded for it.
 */
export interface StagedWork<State> {
  /** The row with what its steps need; null if it has ended or does not exist. */
  load(work: Work): Promise<State | null>
  /** How the row stands, whether it has ended or not; null if there is none. */
  standing(work: Work): Promise<Standing | null>
  /** The kind that decides how long it waits. */
  kindOf(state: State): WorkKind
  destination(state: State): Destination
  /** Does one step and stores it. `stop`: it has ended, or has paused itself. */
  step(context: StageContext, state: State): Promise<'next' | 'stop'>
  /** Whether something of it may already be in the Salesforce org. */
  isSent(state: State): boolean
  /** Whether it changes nothing in the Salesforce org, however it ends; absent: it may. */
  isHarmless?(state: State): boolean
  /** Why it is paused, as stored; null if it is running. */
  waiting(state: State): WorkFault | null
  /** The fault with which it ends if its caller has cancelled it; null if nobody has. */
  cancelled?(state: State): WorkFault | null
  /** Stores why it is paused; the sweep puts it back after so many seconds. */
  hold(state: State, fault: WorkFault, afterSeconds: number, calls: number): Promise<void>
  /** Ends it with the fault. */
  end(state: State, fault: WorkFault, calls: number): Promise<void>
}

/** Seconds until work of which something was sent is tried again after it failed too often. */
const GIVEN_UP_SECONDS = 300

/** A worker that does step after step, continuing at the stored one. */
export const createStagedWorker = <State>(
  { db, connections, waitScale = 1 }: StageDeps,
  kind: StagedWork<State>,
): Worker => {
  /** The cancellation of work of which nothing was sent; such work ends with it at any stage. */
  const cancellationOf = (state: State): WorkFault | null =>
    kind.isSent(state) ? null : (kind.cancelled?.(state) ?? null)

  const walk = async (work: Work, until: AbortSignal, calls: Calls): Promise<void> => {
    const leaving = new AbortController()
    const signal = AbortSignal.any([until, leaving.signal])
    const leave = (fault: unknown): void => leaving.abort(fault)
    let open = null as { priority: string; step: StageContext } | null
    for (;;) {
      signal.throwIfAborted()
      const state = await kind.load(work)
      if (state === null) return
      const cancelled = cancellationOf(state)
      if (cancelled !== null) return kind.end(state, cancelled, calls.spent())
      const destination = kind.destination(state)
      if (open?.priority !== destination.priority) {
        const probe = kind.waiting(state) !== null
        const { connection, salesforce } = await openDoor(connections, destination, signal, {
          probe,
        })
        calls.count(salesforce)
        const userId = connection.sfdc_user_id ?? ''
        open = {
          priority: destination.priority,
          step: { signal, leave, connection, org: salesforce, userId, spent: calls.spent },
        }
      }
      if ((await kind.step(open.step, state)) === 'stop') return
    }
  }

  const settle = async (work: Work, thrown: unknown, calls: number): Promise<void> => {
    const state = await kind.load(work)
    if (state === null) return
    const cancelled = cancellationOf(state)
    if (cancelled !== null) return kind.end(state, cancelled, calls)
    const error = await explain(db, kind.destination(state), thrown)
    const decision = decide({
      kind: kind.kindOf(state),
      error,
      sent: kind.isSent(state),
      harmless: kind.isHarmless?.(state) ?? false,
      waiting: kind.waiting(state),
      now: new Date(),
      scale: waitScale,
    })
    if (decision.do === 'bug') throw thrown
    if (decision.do === 'end') return kind.end(state, decision.fault, calls)
    await kind.hold(state, decision.fault, decision.afterSeconds, calls)
  }

  return {
    run: async (work, signal) => {
      const calls = createCalls()
      try {
        await walk(work, signal, calls).catch(async (error: unknown) => {
          if (signal.aborted || error instanceof WorkOver) throw error
          await settle(work, error, calls.spent())
        })
      } catch (error) {
        if (signal.aborted || !(error instanceof WorkOver)) throw error
      }
    },

    giveUp: async (work, error) => {
      try {
        const state = await kind.load(work)
        if (state === null) return
        const told = toldOf(error)
        // What may be in the Salesforce org never ends as failed: it is tried again, slowly.
        const isHarmless = kind.isHarmless?.(state) ?? false
        if (kind.isSent(state) && !isHarmless)
          await kind.hold(state, told, GIVEN_UP_SECONDS * waitScale, 0)
        else await kind.end(state, told, 0)
      } catch (thrown) {
        if (!(thrown instanceof WorkOver)) throw thrown
      }
    },

    standing: (work) => kind.standing(work),
  }
}

interface Calls {
  count: (org: SalesforceOrg) => void
  spent: () => number
}

/** Counts the calls made through one handle after the other. */
const createCalls = (): Calls => {
  let org = null as SalesforceOrg | null
  let left = 0
  let counted = 0
  return {
    count: (next) => {
      left += (org?.calls ?? 0) - counted
      org = next
      counted = 0
    },
    spent: () => {
      const fresh = left + (org?.calls ?? 0) - counted
      left = 0
      counted = org?.calls ?? 0
      return fresh
    },
  }
}
