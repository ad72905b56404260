// Deployments: a plan brought into a client's Salesforce org as one atomic package, followed to its
// end, and taken back. The work itself is durable; the calls here start it and tell how it stands.

import { sql } from 'kysely'
import { type Logger } from 'pino'
import { type Database, isUniqueViolation, type Tenant, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { type DeploymentStatus } from '../../db/types.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Jobs, type Worker } from '../../jobs/jobs.ts'
import { cancelDeploy } from '../../salesforce/deploy.ts'
import { actorOf, audit } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { bindIdempotency } from '../idempotency.ts'
import { cutPage, decodeCursor, type Page, type PageRequest } from '../page.ts'
import { parsePlan } from '../plan/check.ts'
import { planHash } from '../plan/plan-hash.ts'
import { type Topology } from '../topology/topology.ts'
import { type ConnectionDoor } from './context.ts'
import { createDeployWorker } from './deploy-run.ts'
import { checkReport, type ConflictReports } from './gate.ts'
import { createJournal } from './journal.ts'
import { createRollbackWorker } from './rollback-run.ts'
import {
  componentsById,
  type Deployment,
  deploymentById,
  type DeploymentRow,
  type NamedComponent,
  nothingYet,
  openRunOf,
  planOf,
  rollbackOf,
  type RollbackOptions,
  type RunFault,
  runById,
  type RunRow,
  toDeployment,
} from './rows.ts'

export { type ConflictReports, type JudgedReport } from './gate.ts'
export { type Deployment, type RollbackResult } from './rows.ts'

export interface DeployInput {
  client_id: string
  /** Unchecked: `parsePlan` judges it. */
  plan: unknown
  conflict_report_id?: string | undefined
  accept?: 'yellow'[] | undefined
  check_only?: boolean | undefined
  wait_seconds: number
}

export interface RollbackInput {
  deployment_id: string
  dry_run?: boolean | undefined
  allow_data_loss?: boolean | undefined
  /** Only these, and these even where somebody changed them since. */
  components?: NamedComponent[] | undefined
  wait_seconds: number
}

interface Options {
  db: Database
  jobs: Pick<Jobs, 'enqueue' | 'announce' | 'waitFor'>
  connections: ConnectionDoor
  topology: Pick<Topology, 'forget' | 'completeVersion'>
  reports: ConflictReports
  logger: Logger
  /** How long a lost request may take to show up at Salesforce; tests shorten it. */
  adoptGraceMs?: number
}

export interface Deployments {
  /**
   * Starts a deploy and waits for its end as long as asked. Throws not_found, invalid_plan,
   * client_inactive, connection_not_ready, deployment_in_progress, conflicts_found, topology_drifted.
   */
  deploy(caller: Caller, input: DeployInput, signal?: AbortSignal): Promise<Deployment>
  get(tenant: Tenant, deploymentId: string): Promise<Deployment>
  /** Is work under way for it? Then an answer is 202. */
  isRunning(tenant: Tenant, deploymentId: string): Promise<boolean>
  /** Newest first, without plan and components. */
  list(
    tenant: Tenant,
    input: PageRequest & { client_id?: string | undefined; status?: DeploymentStatus | undefined },
  ): Promise<Page<Omit<Deployment, 'plan' | 'components'>>>
  /**
   * Cancels what runs for the deployment while it still can be. With `abandon` lets go of one whose
   * connection is lost, whatever became of it. Nothing to do where nothing runs.
   */
  cancel(
    caller: Caller,
    input: { deployment_id: string; abandon?: boolean | undefined },
  ): Promise<Deployment>
  /**
   * Takes a deployment back, or with `dry_run` tells what that would do. Throws not_found,
   * not_rollbackable, deployment_in_progress, connection_not_ready, and data_would_be_lost with the
   * rows in `errors` where the work said so in time.
   */
  rollback(caller: Caller, input: RollbackInput, signal?: AbortSignal): Promise<Deployment>
  /** For the queue. */
  workers: { deploy: Worker; rollback: Worker }
}

/** Why a run ended; null while it goes on, and after a good end. */
const endOf = (run: RunRow | undefined): RunFault | null =>
  (run?.ended_at == null ? null : run.error) as RunFault | null

const LOCK = 'deployment_runs_one_per_salesforce_org'
const ADOPT_GRACE_MS = 30_000

export const createDeployments = ({
  db,
  jobs,
  connections,
  topology,
  reports,
  logger,
  adoptGraceMs = ADOPT_GRACE_MS,
}: Options): Deployments => {
  const get = (tenant: Tenant, id: string): Promise<Deployment> =>
    db.as(tenant).tx(async (tx) => {
      const row = await deploymentById(tx, tenant, id)
      if (row === undefined) throw notFound('deployment')
      return toDeployment(row, await componentsById(tx, tenant, id))
    })

  const isRunning = (tenant: Tenant, id: string): Promise<boolean> =>
    db.as(tenant).tx(async (tx) => (await openRunOf(tx, tenant, id)) !== undefined)

  /** Adds the run that holds the Salesforce org. The unique index decides between two at once. */
  const insertRun = async (
    tx: Tx,
    caller: Caller,
    of: { deploymentId: string; clientId: string; sfdcOrgId: string },
    kind: RunRow['kind'],
    options: unknown,
  ): Promise<string> => {
    const id = newId()
    await tx
      .insertInto('deployment_runs')
      .values({
        id,
        org_id: caller.tenant.orgId,
        client_id: of.clientId,
        deployment_id: of.deploymentId,
        kind,
        options: JSON.stringify(options),
        stage: kind === 'deploy' ? 'before_image' : 'read',
        sfdc_org_id: of.sfdcOrgId,
        locked_sfdc_org_id: of.sfdcOrgId,
        created_by: caller.userId,
        credential_type: caller.credential.type,
        credential_id: caller.credential.id,
        request_id: caller.requestId,
      })
      .execute()
    return id
  }

  const exclusively = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (!isUniqueViolation(error, LOCK)) throw error
      throw new EngineError(
        'deployment_in_progress',
        'Another deployment or rollback runs in this Salesforce org.',
        { retryAfterSeconds: 10 },
      )
    }
  }

  /** Hands the run to the queue and waits for its end; the run as it is then. */
  const follow = async (
    tenant: Tenant,
    kind: RunRow['kind'],
    runId: string,
    sfdcOrgId: string,
    waitSeconds: number,
    signal: AbortSignal | undefined,
  ): Promise<RunRow | undefined> => {
    // The row is the promise; a queue that is away for a moment only delays it until the sweep.
    await jobs
      .enqueue(kind, { orgId: tenant.orgId, id: runId }, sfdcOrgId)
      .catch((error: unknown) => logger.warn({ err: error }, `${kind} not enqueued yet`))
    const look = () => db.as(tenant).tx((tx) => runById(tx, tenant, runId))
    await jobs.waitFor(runId, {
      isDone: async () => (await look())?.ended_at !== null,
      timeoutMs: waitSeconds * 1000,
      ...(signal === undefined ? {} : { signal }),
    })
    return look()
  }

  const deploy: Deployments['deploy'] = async (caller, input, signal) => {
    const { tenant } = caller
    const { connection } = await connections.open(tenant, input.client_id, 'work')
    const sfdcOrgId = connection.sfdc_org_id
    if (sfdcOrgId === null || connection.sfdc_user_id === null) {
      throw new EngineError(
        'connection_not_ready',
        'The connection does not name its Salesforce org yet.',
      )
    }
    const plan = parsePlan(input.plan, 'plan')
    const hash = planHash(plan)
    if (input.conflict_report_id !== undefined) {
      await checkReport(
        tenant,
        {
          clientId: input.client_id,
          reportId: input.conflict_report_id,
          planHash: hash,
          plan,
          acceptYellow: input.accept?.includes('yellow') ?? false,
        },
        reports,
        (version) => topology.completeVersion(tenant, input.client_id, version),
        async () =>
          (await connections.open(tenant, input.client_id, 'interactive', signal)).salesforce,
      )
    }
    const id = newId()
    const runId = await exclusively(() =>
      db.as(tenant).tx(async (tx) => {
        await tx
          .insertInto('crm_deployments')
          .values({
            id,
            org_id: tenant.orgId,
            client_id: input.client_id,
            connection_id: connection.id,
            kind: 'custom_objects',
            plan: JSON.stringify(plan),
            plan_hash: hash,
            conflict_report_id: input.conflict_report_id ?? null,
            sfdc_org_id: sfdcOrgId,
            check_only: input.check_only === true,
            progress: JSON.stringify({ stage: 'before_image', done: 0, total: 6 }),
            created_by: caller.userId,
            request_id: caller.requestId,
          })
          .execute()
        const of = { deploymentId: id, clientId: input.client_id, sfdcOrgId }
        const run = await insertRun(tx, caller, of, 'deploy', {})
        await bindIdempotency(tx, caller, id)
        return run
      }),
    )
    const run = await follow(tenant, 'deploy', runId, sfdcOrgId, input.wait_seconds, signal)
    throwUpstream(run)
    return get(tenant, id)
  }

  const rollback: Deployments['rollback'] = async (caller, input, signal) => {
    const { tenant } = caller
    const id = input.deployment_id
    const row = await db.as(tenant).tx((tx) => deploymentById(tx, tenant, id))
    if (row === undefined) throw notFound('deployment')
    if (await isRunning(tenant, id)) {
      throw new EngineError('deployment_in_progress', 'Work on this deployment is under way.', {
        retryAfterSeconds: 5,
      })
    }
    const sfdcOrgId = requireRollbackable(row)
    await connections.open(tenant, row.client_id, 'protected')
    await requireKnown(tenant, id, input.components)
    const options: RollbackOptions = {
      dry_run: input.dry_run === true,
      allow_data_loss: input.allow_data_loss === true,
      components: input.components ?? null,
    }
    const runId = await exclusively(() =>
      db.as(tenant).tx(async (tx) => {
        const of = { deploymentId: id, clientId: row.client_id, sfdcOrgId }
        const run = await insertRun(tx, caller, of, 'rollback', options)
        await tx
          .updateTable('crm_deployments')
          .set({ rollback: JSON.stringify(nothingYet()) })
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', id)
          .execute()
        await bindIdempotency(tx, caller, id)
        return run
      }),
    )
    const run = await follow(tenant, 'rollback', runId, sfdcOrgId, input.wait_seconds, signal)
    throwUpstream(run)
    const fault = endOf(run)
    if (fault?.code === 'data_would_be_lost' || fault?.code === 'not_rollbackable') {
      throw new EngineError(fault.code, fault.message, {
        ...(fault.errors === undefined ? {} : { errors: fault.errors }),
      })
    }
    return get(tenant, id)
  }

  /** A caller who waited is told of Salesforce's failure as of any other call's: 502, in its own words. */
  const throwUpstream = (run: RunRow | undefined): void => {
    const fault = endOf(run)
    if (fault?.code !== 'salesforce_error' || fault.upstream === undefined) return
    throw new EngineError(
      'salesforce_error',
      `${fault.message} Nothing was changed; see deployment ${run?.deployment_id ?? ''}.`,
      { upstream: fault.upstream },
    )
  }

  const requireKnown = async (
    tenant: Tenant,
    id: string,
    named: readonly NamedComponent[] | undefined,
  ): Promise<void> => {
    if (named === undefined) return
    const rows = await db.as(tenant).tx((tx) => componentsById(tx, tenant, id))
    const known = new Set(rows.map((row) => nameKey(row)))
    const errors = named.flatMap((component, at) =>
      known.has(nameKey(component))
        ? []
        : [
            {
              path: `components.${at}`,
              code: 'not_of_this_deployment',
              message: `The deployment has no ${component.type} ${component.full_name}.`,
            },
          ],
    )
    const [first] = errors
    if (first !== undefined) throw new EngineError('bad_request', first.message, { errors })
  }

  const cancel: Deployments['cancel'] = async (caller, input) => {
    const { tenant } = caller
    const id = input.deployment_id
    const run = await db.as(tenant).tx(async (tx) => {
      const row = await deploymentById(tx, tenant, id)
      if (row === undefined) throw notFound('deployment')
      const open = await openRunOf(tx, tenant, id)
      if (open === undefined) return undefined
      // An unsent package is never sent after this; a sent one is cancelled by whoever watches it.
      await tx
        .updateTable('deployment_runs')
        .set({ cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, clock_timestamp())` })
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
    if (run === undefined) return get(tenant, id)
    if (input.abandon === true) await abandon(run, id)
    else if (run.sfdc_deploy_id !== null && run.stage === 'wait') {
      try {
        const { salesforce } = await connections.open(tenant, run.client_id, 'protected')
        await cancelDeploy(salesforce, run.sfdc_deploy_id)
      } catch (error) {
        // Refused while it is finalizing, or not to be reached: its end is the answer in any case.
        if (!(error instanceof EngineError)) throw error
        logger.info({ code: error.code }, 'cancel not taken')
      }
    }
    return get(tenant, id)
  }

  /** Lets go, at whatever point it stands: what is known of it decides how it is called. */
  const abandon = async (run: RunRow, deploymentId: string): Promise<void> => {
    const tenant: Tenant = { orgId: run.org_id, clientId: null }
    const lost = (run.error as RunFault | null)?.code
    const isLost = lost === 'connection_lost' || lost === 'outcome_unknown'
    if (!isLost) {
      throw new EngineError(
        'deployment_in_progress',
        'Only a deployment whose connection is lost can be let go of.',
      )
    }
    const journal = createJournal(db, jobs, run)
    const { deployment } = await journal.load()
    const fault = { code: 'abandoned', message: 'Let go of while its connection was lost.' }
    if (run.kind === 'rollback') {
      await journal.end(
        { error: fault },
        { rollback: { ...rollbackOf(deployment), status: 'failed', error: fault } },
      )
      return
    }
    const applied = deployment.applied === 'all'
    const names = planOf(deployment).objects.map(({ api_name }) => api_name)
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
      (tx) => topology.forget(tx, tenant, run.client_id, names),
    )
    logger.warn({ deployment_id: deploymentId }, 'deployment abandoned')
  }

  const deps = { db, jobs, connections, topology, logger, adoptGraceMs }
  return {
    deploy,
    rollback,
    cancel,
    get,
    isRunning,
    list: (tenant, input) =>
      db.as(tenant).tx(async (tx) => {
        if (input.client_id !== undefined) await requireClient(tx, tenant, input.client_id)
        let query = tx
          .selectFrom('crm_deployments')
          .selectAll()
          .where('org_id', '=', tenant.orgId)
          .orderBy('id', 'desc')
          .limit(input.limit + 1)
        if (input.client_id !== undefined) query = query.where('client_id', '=', input.client_id)
        if (input.status !== undefined) query = query.where('status', '=', input.status)
        if (input.cursor !== undefined) query = query.where('id', '<', decodeCursor(input.cursor))
        return cutPage(await query.execute(), input.limit, (row) => {
          const { plan: _plan, components: _components, ...rest } = toDeployment(row, [])
          return rest
        })
      }),
    workers: { deploy: createDeployWorker(deps), rollback: createRollbackWorker(deps) },
  }
}

const nameKey = ({ type, full_name }: NamedComponent): string =>
  `${type}:${full_name}`.toLowerCase()

/** The Salesforce org to roll back in. Throws not_rollbackable with the reason. */
const requireRollbackable = (row: DeploymentRow): string => {
  const refuse = (why: string) => new EngineError('not_rollbackable', why)
  if (row.kind !== 'custom_objects') throw refuse('This kind is rolled back by its own endpoint.')
  if (row.status === 'rolled_back') throw refuse('It is rolled back already.')
  if (row.status === 'pending') throw refuse('It has not ended yet.')
  // One that failed with its outcome unknown may have left something behind.
  if (row.status !== 'deployed' && row.applied !== 'unknown') {
    throw refuse('It changed nothing in the Salesforce org.')
  }
  if (row.sfdc_org_id === null) throw refuse('It names no Salesforce org.')
  return row.sfdc_org_id
}
