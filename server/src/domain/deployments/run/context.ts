// What every stage of a deploy or rollback works with, and how the engine runs the stages.

import { type Tenant, type Tx } from '../../../db/database.ts'
import { type WorkFault } from '../../../db/tables/work.ts'
import { type Jobs, type Worker } from '../../../jobs/jobs.ts'
import { createStagedWorker, type StageContext, type StageDeps } from '../../work/stages.ts'
import {
  type DeploymentRow,
  type RollbackOptions,
  runById,
  type RunRow,
  standingOf,
} from '../rows.ts'
import { createJournal, type Journal } from './journal.ts'
import { explainRefusal } from './permissions.ts'

export interface RunDeps extends StageDeps {
  jobs: Pick<Jobs, 'announce'>
  topology: {
    forget(
      tx: Tx,
      tenant: Tenant,
      clientId: string,
      objects: readonly string[] | 'all',
    ): Promise<void>
  }
  /** See `submit`. */
  adoptGraceMs: number
}

export interface State {
  run: RunRow
  deployment: DeploymentRow
}

export interface Context extends StageContext {
  deps: RunDeps
  journal: Journal
}

/** Whether Salesforce only checks the package: a deploy with check_only, or the dry run of a rollback. */
export const isCheckOnly = ({ run, deployment }: State): boolean =>
  run.kind === 'deploy' ? deployment.check_only : (run.options as RollbackOptions).dry_run

/** Each stage does one step and stores it; `stop`: the run has ended or is paused. */
export type Stage = (context: Context, state: State) => Promise<'next' | 'stop'>

export interface RunKind {
  stages: Readonly<Record<string, Stage>>
  /**
   * Whether something was changed for the package before it is sent; then ending the run needs the
   * stage.
   */
  changesBeforeSending?: (state: State) => boolean
  /** Ends the run because of a fault before anything of it was applied. */
  fail: (journal: Journal, state: State, fault: WorkFault, calls: number) => Promise<void>
}

const UNSENT: ReadonlySet<string> = new Set(['before_image', 'read', 'build', 'release', 'submit'])

/** A worker that walks through the stages of its kind. */
export const createRunWorker = (
  deps: RunDeps,
  kindOf: (deployment: DeploymentRow) => RunKind,
): Worker => {
  /** From here on, our own failures say nothing about the deploy at Salesforce. */
  const isSent = (state: State): boolean => {
    const { run, deployment } = state
    if (run.sfdc_deploy_id !== null || run.intended_at !== null) return true
    return !UNSENT.has(run.stage) || (kindOf(deployment).changesBeforeSending?.(state) ?? false)
  }
  return createStagedWorker<State & { journal: Journal }>(deps, {
    load: async (work) => {
      const row = await runById(deps.db.as(work).read, work, work.id)
      if (row === undefined || row.ended_at !== null) return null
      const journal = createJournal(deps.db, deps.jobs, row)
      return { ...(await journal.load()), journal }
    },
    standing: (work) => standingOf(deps.db.as(work).read, work),
    kindOf: ({ run }) => run.kind,
    destination: (state) => ({
      tenant: state.journal.tenant,
      clientId: state.run.client_id,
      sfdcOrgId: state.run.sfdc_org_id,
      // What has been sent is settled in any case, and a rollback is never held up.
      priority: state.run.kind === 'deploy' && !isSent(state) ? 'work' : 'protected',
    }),
    step: async (context, { journal, ...state }) => {
      const stage = kindOf(state.deployment).stages[state.run.stage]
      if (stage === undefined) throw new Error(`no stage ${state.run.stage}`)
      try {
        return await stage({ ...context, deps, journal }, state)
      } catch (error) {
        throw isSent(state) ? error : await explainRefusal(error, context, state.deployment)
      }
    },
    isSent,
    isHarmless: isCheckOnly,
    waiting: ({ run }) => run.error,
    cancelled: ({ run }) =>
      run.cancel_requested_at === null
        ? null
        : { code: 'cancelled', message: 'Cancelled before anything was sent.' },
    hold: async ({ journal }, fault, afterSeconds, calls) => {
      await journal.hold(fault, afterSeconds, calls)
    },
    end: ({ journal, ...state }, fault, calls) =>
      kindOf(state.deployment).fail(journal, state, fault, calls),
  })
}
