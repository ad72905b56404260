// An off-boarding as durable work: automations → components → settle → revoke → certify, and then the purge
// if it was asked for. What goes to Salesforce is the rollback of one deployment that stands for all of
// them, durable work of its own, whose id is stored; everything else is safe to repeat.

import { type Logger } from 'pino'
import { type Database, isUniqueViolation, type Reader, type Tenant } from '../../db/database.ts'
import { json } from '../../db/json.ts'
import { type WorkFault } from '../../db/tables/work.ts'
import { type Jobs, type Worker } from '../../jobs/jobs.ts'
import { audit } from '../audit.ts'
import { type Connections } from '../connections/connections.ts'
import { connectionOfClient } from '../connections/rows.ts'
import { type Combined, insertCombined } from '../deployments/combined.ts'
import { LOCK } from '../deployments/run/accept.ts'
import { type Changes, type RollbackOptions } from '../deployments/rows.ts'
import { loadWorkflowState } from '../deployments/workflows/images.ts'
import { type Farewell, insertPurge, type Purged } from '../purge/purges.ts'
import { standingStill } from '../work/faults.ts'
import { handOver } from '../work/follow.ts'
import { WorkOver } from '../work/stages.ts'
import { certify, draftCertificate } from './certificate.ts'
import { combinedOf, doneBy, historyFor, runOf } from './done.ts'
import { type History } from './history.ts'
import { actorFor, createOffboardingJournal } from './journal.ts'
import { mergePlans } from './merge-plans.ts'
import { mentionedBy, mergeWorkflows } from './merge-workflows.ts'
import {
  offboardingById,
  type OffboardingRow,
  optionsOf,
  resultOf,
  scopeOf,
  standingOf,
} from './rows.ts'

export interface OffboardDeps {
  db: Database
  jobs: Pick<Jobs, 'announce' | 'waitFor' | 'enqueue'>
  connections: Pick<Connections, 'end'>
  logger: Logger
  /** Multiplies all waiting; 1 except in tests. */
  waitScale?: number
}

type Next = 'next' | 'stop'
type Step = (row: OffboardingRow, signal: AbortSignal) => Promise<Next>

/** How long a turn waits for the rollback before it leaves it to the sweep to go on. */
const WAIT_MS = 30_000
const LOOK_AGAIN_SECONDS = 5
const GIVEN_UP_SECONDS = 300

export const createOffboardWorker = (deps: OffboardDeps) => {
  const { db, jobs, connections, logger, waitScale = 1 } = deps
  const { write, update, step, hold, end, close, cancelUnbegun } = createOffboardingJournal(
    db,
    jobs,
  )

  const readerOf = (row: OffboardingRow): Reader => db.as(scopeOf(row)).read
  const history = (row: OffboardingRow): Promise<History> => historyFor(readerOf(row), row)

  /** Begins the rollback of what is merged, in the transaction that stores its id. */
  const begin = async (
    row: OffboardingRow,
    which: 'automations_id' | 'components_id',
    what: Combined,
    options: RollbackOptions,
  ): Promise<Next> => {
    const scope = scopeOf(row)
    const { clientId } = scope
    try {
      const runId = await write(row, async (tx) => {
        const connection = await connectionOfClient(tx, scope, clientId)
        const where = {
          tenant: scope,
          clientId,
          connectionId: connection?.id ?? '',
          sfdcOrgId: row.sfdc_org_id ?? '',
        }
        const made = await insertCombined({ db, jobs }, tx, where, actorFor(row), what, options)
        await update(tx, row, { [which]: made.deploymentId })
        return made.runId
      })
      const work = { orgId: row.org_id, clientId, id: runId }
      await handOver({ jobs, logger }, 'rollback', work, row.sfdc_org_id ?? '')
      return 'next'
    } catch (error) {
      if (!isUniqueViolation(error, LOCK)) throw error
      const fault = {
        code: 'deployment_in_progress' as const,
        message: 'Another deployment or rollback is running in this Salesforce org.',
      }
      await wait(row, fault)
      return 'stop'
    }
  }

  const wait = (row: OffboardingRow, fault: WorkFault): Promise<void> => {
    const afterSeconds = LOOK_AGAIN_SECONDS * waitScale
    const shown =
      fault.waiting === undefined
        ? standingStill(fault, { previous: row.error, afterSeconds, now: new Date() })
        : fault
    return hold(row, shown, afterSeconds)
  }

  /** Waits for the rollback of `id`. `next`: it has ended well. */
  const follow = async (row: OffboardingRow, id: string, signal: AbortSignal): Promise<Next> => {
    const run = await runOf(readerOf(row), row, id)
    if (run === undefined) throw new WorkOver('its deployment is gone')
    const look = async () => {
      const present = await runOf(readerOf(row), row, id)
      return present?.ended_at !== null || present.error !== null
    }
    if (run.ended_at === null) {
      await jobs.waitFor(run.id, { isDone: look, timeoutMs: WAIT_MS, signal })
      signal.throwIfAborted()
    }
    const ended = await runOf(readerOf(row), row, id)
    if (ended === undefined) throw new WorkOver('its deployment is gone')
    if (ended.ended_at === null) {
      const message = 'The rollback of all deployments is under way.'
      await wait(row, ended.error ?? { code: 'deployment_in_progress', message })
      return 'stop'
    }
    if (ended.error === null) return 'next'
    await end(row, { status: 'failed', error: ended.error })
    return 'stop'
  }

  const optionsFor = (row: OffboardingRow): RollbackOptions => ({
    dry_run: row.is_preview,
    allow_data_loss: optionsOf(row).allow_data_loss,
    components: null,
    leave: [],
  })

  const automations: Step = async (row, signal) => {
    if (row.automations_id !== null) {
      const ended = await follow(row, row.automations_id, signal)
      if (ended === 'stop') return 'stop'
      await step(row, { stage: 'components' })
      return 'next'
    }
    const { workflows } = await history(row)
    const merged = mergeWorkflows(workflows)
    if (row.sfdc_org_id === null || merged.rows.length === 0) {
      await step(row, { stage: 'components' })
      return 'next'
    }
    const { rows, before, after } = merged
    const what = { plan: { workflows: [] }, changes: null, rows, images: { before, after } }
    return begin(row, 'automations_id', what, optionsFor(row))
  }

  /** In a preview nothing has gone yet: the automations of which Salesforce will say that they use something. */
  const firstOf = async (row: OffboardingRow): Promise<NonNullable<Changes['first']>> => {
    if (!row.is_preview || row.automations_id === null) return []
    const { removed = [], restored = [] } =
      (await combinedOf(readerOf(row), row, 'automations_id'))?.result ?? {}
    const of = { org_id: row.org_id, deployment_id: row.automations_id }
    const before = await loadWorkflowState(db.as(scopeOf(row)).read, of, 'before')
    return [
      ...removed.map((one) => ({ ...one, names: [] })),
      ...restored.map((one) => ({ ...one, names: mentionedBy(one, before) })),
    ]
  }

  const components: Step = async (row, signal) => {
    if (row.components_id !== null) {
      const ended = await follow(row, row.components_id, signal)
      if (ended === 'stop') return 'stop'
      await step(row, { stage: 'settle' })
      return 'next'
    }
    const { plans, beside } = await history(row)
    const gone = (await combinedOf(readerOf(row), row, 'automations_id'))?.result.removed ?? []
    const merged = mergePlans(plans, beside)
    if (row.sfdc_org_id === null || merged.rows.length === 0) {
      await step(row, { stage: 'settle' })
      return 'next'
    }
    const { plan, rows, before, after } = merged
    const changes = { ...merged.changes, taken: gone, first: await firstOf(row) }
    const what = { plan, changes, rows, images: { before, after } }
    return begin(row, 'components_id', what, optionsFor(row))
  }

  const settling: Step = async (row) => {
    const account = await doneBy(readerOf(row), row)
    const { result, calls } = account
    await write(row, async (tx) => {
      if (!row.is_preview) await account.settle(tx)
      await close(tx, row)
      await update(tx, row, { stage: row.is_preview ? 'done' : 'revoke', result, calls })
    })
    return 'next'
  }

  const isAtWork = async (row: OffboardingRow): Promise<boolean> => {
    for (const id of [row.automations_id, row.components_id]) {
      const run = id === null ? undefined : await runOf(readerOf(row), row, id)
      if (run?.ended_at === null) return true
    }
    return false
  }

  const statusOf = (row: OffboardingRow): 'complete' | 'partial' =>
    resultOf(row).stays.some(({ code }) => code !== 'there_before') ? 'partial' : 'complete'

  const revoking: Step = async (row) => {
    const scope = scopeOf(row)
    const ended = await connections.end(scope, actorFor(row), scope.clientId)
    const connection =
      ended === null ? null : { status: 'revoked' as const, failed_steps: ended.failedSteps }
    await step(row, { stage: 'certify', result: { ...resultOf(row), connection } })
    return 'next'
  }

  const certifying: Step = async (row) => {
    const draft = await draftCertificate(db.as(scopeOf(row)).read, row)
    if (!optionsOf(row).purge) {
      await end(row, {
        status: statusOf(row),
        certificate: certify(draft, new Date(), null),
      })
      return 'stop'
    }
    const purgeId = await write(row, async (tx) => {
      await tx
        .updateTable('offboardings')
        .set({ stage: 'purge', certificate: json(draft) })
        .where('org_id', '=', row.org_id)
        .where('id', '=', row.id)
        .execute()
      await audit(tx, actorFor(row), {
        action: 'client.offboard',
        clientId: row.client_id,
        targetType: 'offboarding',
        targetId: row.id,
      })
      return insertPurge(tx, scopeOf(row), actorFor(row), row.id)
    })
    const work = { orgId: row.org_id, clientId: row.client_id, id: purgeId }
    await handOver({ jobs, logger }, 'purge', work, row.org_id)
    return 'stop'
  }

  const done: Step = async (row) => {
    await end(row, { status: statusOf(row) })
    return 'stop'
  }

  const steps: Readonly<Record<string, Step>> = {
    automations,
    components,
    settle: settling,
    revoke: revoking,
    certify: certifying,
    done,
  }

  const worker: Worker = {
    run: async (work, signal) => {
      try {
        for (;;) {
          signal.throwIfAborted()
          const row = await offboardingById(db.as(work).read, work, work.id)
          const next = row?.status === 'running' ? steps[row.stage] : undefined
          if (row === undefined || next === undefined) return
          if ((await next(row, signal)) === 'stop') return
        }
      } catch (error) {
        if (signal.aborted || !(error instanceof WorkOver)) throw error
      }
    },
    giveUp: async (work, error) => {
      const row = await offboardingById(db.as(work).read, work, work.id)
      if (row?.status !== 'running' || row.stage === 'purge') return
      logger.error({ err: error, offboarding_id: row.id }, 'off-boarding failed')
      const fault = { code: 'internal' as const, message: 'Something went wrong on our side.' }
      // What its rollback does has to be told, and nobody would after the end.
      if (await isAtWork(row)) return hold(row, fault, GIVEN_UP_SECONDS * waitScale)
      await end(row, { status: 'failed', error: fault })
    },
    standing: (work) => standingOf(db.as(work).read, work),
  }

  /** What the purge stores when the last row of the client goes. */
  const farewellOf = async (
    tenant: Tenant,
    offboardingId: string,
    purged: Purged,
  ): Promise<Farewell> => {
    const row = await offboardingById(db.as(tenant).read, tenant, offboardingId)
    if (row === undefined) throw new WorkOver('the off-boarding is gone')
    const draft = (row.certificate ?? {}) as Record<string, unknown>
    return { ...certify(draft, new Date(), purged), status: statusOf(row) }
  }

  return { worker, farewellOf, cancelUnbegun }
}
