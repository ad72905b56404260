// What every stage of a run works with, and what follows when one fails.

import { type Logger } from 'pino'
import { type Database, type Tenant, type Tx } from '../../../db/database.ts'
import { EngineError } from '../../../errors.ts'
import { type Jobs } from '../../../jobs/jobs.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type OpenConnection } from '../../connections/connections.ts'
import { createJournal, type Journal, RunOver } from './journal.ts'
import { type DeploymentRow, runById, type RunFault, type RunRow } from '../rows.ts'
import { type Work, type Worker } from '../../../jobs/jobs.ts'
import { clip } from '../../../text.ts'

/** The one door to Salesforce, as far as deployments need it. */
export interface ConnectionDoor {
  open(
    tenant: Tenant,
    clientId: string,
    priority: 'work' | 'protected' | 'interactive',
    signal?: AbortSignal,
  ): Promise<OpenConnection>
}

export interface RunDeps {
  db: Database
  jobs: Pick<Jobs, 'announce'>
  connections: ConnectionDoor
  topology: {
    forget(tx: Tx, tenant: Tenant, clientId: string, objects: readonly string[]): Promise<void>
  }
  logger: Logger
  /** See `submit`. */
  adoptGraceMs: number
}

export interface State {
  run: RunRow
  deployment: DeploymentRow
}

export interface Context {
  deps: RunDeps
  journal: Journal
  signal: AbortSignal
  org: SalesforceOrg
  userId: string
  /** Calls made since it was last asked, to be noted with the next step. */
  spent: () => number
}

/** Each stage takes one step and stores it; `stop`: the run has ended or stands still. */
export type Stage = (context: Context, state: State) => Promise<'next' | 'stop'>

/** Faults of the way to Salesforce that only a person can mend. */
const LOST: ReadonlySet<string> = new Set([
  'connection_not_ready',
  'connection_revoked',
  'salesforce_org_changed',
  'host_refused',
])

export const isLost = (error: unknown): boolean =>
  error instanceof EngineError &&
  (LOST.has(error.code) ||
    (error instanceof SalesforceError &&
      ['session_dead', 'session_unusable', 'api_disabled'].includes(error.failure.kind)))

export const isPassing = (error: EngineError): boolean =>
  error instanceof SalesforceError ? error.failure.passing : error.retryable

/** What a caller is told about why something ended; Salesforce's own words where it gave them. */
export const faultOf = (error: unknown): RunFault => {
  if (error instanceof SalesforceError) {
    const { code, message } = error.failure
    return {
      code: error.code,
      message: clip(`${code}: ${message}`, 1000),
      ...(error.upstream === undefined ? {} : { upstream: error.upstream }),
    }
  }
  if (error instanceof EngineError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.errors === undefined ? {} : { errors: error.errors }),
    }
  }
  return { code: 'internal', message: 'Something went wrong on our side.' }
}

/** Before anything was sent a cause that passes is waited for so often, about a quarter of an hour. */
const TRIES_UNSENT = 20

export interface RunKind {
  stages: Readonly<Record<string, Stage>>
  /** Ends the run because of a fault before anything of it was applied. */
  fail: (journal: Journal, state: State, fault: RunFault, calls: number) => Promise<void>
}

const mayBeApplied = ({ run }: State): boolean =>
  run.sfdc_deploy_id !== null || run.intended_at !== null || !UNSENT.has(run.stage)

const UNSENT: ReadonlySet<string> = new Set(['before_image', 'read', 'build', 'release', 'submit'])

/** After a fault: stands still, ends, or (by throwing) lets the queue try again. */
const settle = async (
  kindOf: (state: State) => RunKind,
  journal: Journal,
  error: unknown,
  calls: number,
): Promise<void> => {
  if (!(error instanceof EngineError)) throw error
  const state = await journal.load()
  const fault = faultOf(error)
  if (mayBeApplied(state)) {
    // Whatever happens to us now says nothing about what runs at Salesforce.
    const shown: RunFault = isLost(error) ? { ...fault, code: 'connection_lost' } : fault
    await journal.hold(shown, isPassing(error) ? null : 60, calls)
    return
  }
  if (error.code === 'api_budget_exhausted') {
    await journal.hold(fault, 60, calls)
    return
  }
  if (isPassing(error) && state.run.attempts < TRIES_UNSENT) await journal.hold(fault, null, calls)
  else await kindOf(state).fail(journal, state, fault, calls)
}

const open = async (deps: RunDeps, { run }: State, signal: AbortSignal) => {
  const tenant = { orgId: run.org_id, clientId: null }
  // What has been sent is settled in any case, and taking back is never held up.
  const isUnsent = run.kind === 'deploy' && UNSENT.has(run.stage) && run.intended_at === null
  const opened = await deps.connections.open(
    tenant,
    run.client_id,
    isUnsent ? 'work' : 'protected',
    signal,
  )
  if (opened.connection.sfdc_org_id !== run.sfdc_org_id) {
    throw new EngineError(
      'salesforce_org_changed',
      'The connection leads to another Salesforce org than when this began.',
    )
  }
  return opened
}

/** A worker that walks through the stages of its kind, going on at the one that is stored. */
export const createRunWorker = (deps: RunDeps, kindOf: (state: State) => RunKind): Worker => {
  const journalOf = async ({ orgId, id }: Work): Promise<Journal | null> => {
    const row = await deps.db
      .as({ orgId, clientId: null })
      .tx((tx) => runById(tx, { orgId, clientId: null }, id))
    return row === undefined || row.ended_at !== null
      ? null
      : createJournal(deps.db, deps.jobs, row)
  }
  return {
    run: async (work, signal) => {
      const journal = await journalOf(work)
      if (journal === null) return
      let spent = (): number => 0
      let handle = null as { key: string; opened: OpenConnection } | null
      try {
        for (;;) {
          signal.throwIfAborted()
          const state = await journal.load()
          const stage = kindOf(state).stages[state.run.stage]
          if (stage === undefined) throw new Error(`no stage ${state.run.stage}`)
          const key = UNSENT.has(state.run.stage) ? 'work' : 'protected'
          if (handle?.key !== key) {
            const opened = await open(deps, state, signal)
            handle = { key, opened }
            let counted = 0
            spent = () => {
              const fresh = opened.salesforce.calls - counted
              counted += fresh
              return fresh
            }
          }
          const { connection, salesforce } = handle.opened
          const userId = connection.sfdc_user_id ?? ''
          const context = { deps, journal, signal, org: salesforce, userId, spent }
          if ((await stage(context, state)) === 'stop') return
        }
      } catch (error) {
        if (signal.aborted) throw error
        if (error instanceof RunOver) return
        await settle(kindOf, journal, error, spent()).catch((thrown: unknown) => {
          if (!(thrown instanceof RunOver)) throw thrown
        })
      }
    },

    giveUp: async (work, error) => {
      const journal = await journalOf(work)
      if (journal === null) return
      const state = await journal.load()
      // What may be in the Salesforce org is never called failed: it is tried again, slowly.
      if (mayBeApplied(state)) await journal.hold(faultOf(error), 300)
      else await kindOf(state).fail(journal, state, faultOf(error), 0)
    },
  }
}
