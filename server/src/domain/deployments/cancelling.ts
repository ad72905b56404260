// The end of work that somebody no longer wants: cancelled while that is possible, or abandoned.

import { sql } from 'kysely'
import { tenantOf, type Tx } from '../../db/database.ts'
import { type WorkFault } from '../../db/tables/work.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { cancelDeploy } from '../../salesforce/deploy.ts'
import { actorOf, audit } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { type Topology } from '../topology/topology.ts'
import { type StageDeps } from '../work/stages.ts'
import {
  deploymentById,
  type DeploymentRow,
  isShown,
  openRunOf,
  type RunRow,
  touchedObjects,
} from './rows.ts'
import { createJournal } from './run/journal.ts'
import { endUnseen, mayHaveChanged } from './run/outcome.ts'

export interface CancelInput {
  deployment_id: string
  abandon?: boolean | undefined
}

interface Deps extends Pick<StageDeps, 'db' | 'connections' | 'logger'> {
  jobs: Pick<Jobs, 'enqueue' | 'announce' | 'waitFor'>
  topology: Pick<Topology, 'forget'>
}

/**
 * Cancels what runs for the deployment, if that is still possible. With `abandon`, ends one whose connection
 * is lost, whatever became of it. Does nothing if nothing runs.
 */
export const createCancelling = ({ db, connections, jobs, topology, logger }: Deps) => {
  /** `isCombined`: one that stands for several (`combined.ts`), which callers do not see. */
  const cancel = async (
    caller: Caller,
    input: CancelInput,
    { isCombined = false } = {},
  ): Promise<void> => {
    const { tenant } = caller
    const id = input.deployment_id
    const run = await db.as(tenant).tx(async (tx) => {
      const row = await deploymentById(tx, tenant, id)
      if (row === undefined || isShown(row) === isCombined) throw notFound('deployment')
      const open = await openRunOf(tx, tenant, id)
      if (open === undefined) return undefined
      if (input.abandon === true) requireStanding(open)
      // An unsent package is never sent after this; a sent one is cancelled by the worker that watches it.
      await tx
        .updateTable('deployment_runs')
        .set({
          cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, clock_timestamp())`,
          // What waits for something looks at once.
          resume_at: null,
        })
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', open.id)
        .execute()
      await audit(tx, actorOf(caller), {
        action: 'deployment.cancel',
        clientId: row.client_id,
        targetType: 'deployment',
        targetId: id,
        outcome: input.abandon === true ? 'abandoned' : 'ok',
      })
      return open
    })
    if (run === undefined) return
    if (input.abandon === true) await abandon(run, id)
    else if (run.sfdc_deploy_id !== null && run.stage === 'wait') {
      try {
        const { salesforce } = await connections.open(tenant, run.client_id, 'protected')
        await cancelDeploy(salesforce, run.sfdc_deploy_id)
      } catch (error) {
        // Salesforce refuses while it is finalizing, or cannot be reached: the end of the deploy is the
        // answer in any case.
        if (!(error instanceof EngineError)) throw error
        logger.info({ code: error.code }, 'cancel not taken')
      }
    }
  }

  /** Abandons it at whatever stage it is; what is known about it decides its status. */
  const abandon = async (run: RunRow, deploymentId: string): Promise<void> => {
    const tenant = tenantOf(run)
    const journal = createJournal(db, jobs, run)
    const { deployment } = await journal.load()
    const why = run.error?.code ?? 'connection_lost'
    const message = `Abandoned while stalled (${why}).`
    const names = touchedObjects(deployment.plan)
    const forget = (tx: Tx) => topology.forget(tx, tenant, run.client_id, names)
    if (run.kind === 'rollback') {
      const unclear = mayHaveChanged(run) ? ` ${maybe(deployment)}` : ''
      const ended: WorkFault = { code: 'abandoned', message: message + unclear }
      await endUnseen({ journal, spent: () => 0 }, { run, deployment }, ended, forget)
      return
    }
    const fault: WorkFault = { code: 'abandoned', message }
    const applied = deployment.applied === 'all'
    await journal.end(
      { error: fault },
      applied
        ? {
            status: 'deployed',
            error: null,
            deployed_at: 'now',
            warnings: [...deployment.warnings, fault],
          }
        : { status: 'failed', error: fault, applied: 'unknown' },
      0,
      forget,
    )
    logger.warn({ deployment_id: deploymentId }, 'deployment abandoned')
  }

  return cancel
}

const maybe = (deployment: DeploymentRow): string => {
  const again = isShown(deployment) ? 'Roll it back again' : 'Start the off-boarding again'
  return `Salesforce may have done what it was sent, or do it yet. ${again} to find out.`
}

/** After so many failed tries of a stage, a cause that seemed temporary may be permanent. */
const TRIES_STUCK = 3

/** Throws deployment_in_progress for a run that is running, or may resume in a moment. */
const requireStanding = ({ error, attempts }: RunRow): void => {
  const code = error?.code
  if (code === 'connection_lost' || code === 'outcome_unknown') return
  if (code !== undefined && attempts >= TRIES_STUCK) return
  throw new EngineError(
    'deployment_in_progress',
    'Only a deployment whose connection is lost, or that is stalled, can be abandoned.',
    { retryAfterSeconds: 10 },
  )
}
