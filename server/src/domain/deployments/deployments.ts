// Deployments: a plan deployed to a client's Salesforce org as one atomic package, followed to its end,
// and rolled back. The work itself is durable; the calls here start it and return its state.

import { sql } from 'kysely'
import { isUniqueViolation, type Tenant, tenantOf, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { json } from '../../db/json.ts'
import { type DeploymentKind, type DeploymentStatus, type WorkFault } from '../../db/types.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Jobs, type Worker } from '../../jobs/jobs.ts'
import { cancelDeploy } from '../../salesforce/deploy.ts'
import {
  type Approved,
  type Approvals,
  CHANGES_NOTHING,
  useApproval,
} from '../approvals/approvals.ts'
import { actorOf, audit } from '../audit.ts'
import { type Caller, requirePermission } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { bindIdempotency } from '../idempotency.ts'
import { pageOf, type Page, type PageRequest, type TimeRange, within } from '../page.ts'
import { didYouMean } from '../mappings/suggest/words.ts'
import { parsePlan } from '../plan/check.ts'
import { componentsOf } from '../plan/components.ts'
import { planHash } from '../plan/plan-hash.ts'
import { type Topology } from '../topology/topology.ts'
import { parseWorkflows } from '../workflows/definition/parse.ts'
import { existsIn } from '../workflows/rule-files.ts'
import { readWorkflowState, waitingInterviews, type WorkflowName } from '../workflows/state.ts'
import {
  type Activation,
  activationTransition,
  removalTransition,
} from '../workflows/transition.ts'
import { objectsOfWorkflows, workflowsHash } from '../workflows/workflow.ts'
import { destinationOf, type SettledConnection } from '../work/door.ts'
import { handOver, type OnBehalf, ofWhom, waitForEnd } from '../work/follow.ts'
import { type StageDeps } from '../work/stages.ts'
import {
  automationsTouched,
  checkReport,
  componentsTouched,
  type ConflictReports,
  type GateInput,
  reportOfAnotherPlan,
} from './gate.ts'
import { changeOf, rollbackChange, type Wish } from './change.ts'
import { SHOWN_KINDS } from './combined.ts'
import { createJournal } from './run/journal.ts'
import { createDeploymentWorkers } from './workers.ts'
import { waitingFault } from './workflows/deploy.ts'
import {
  componentsById,
  type Deployment,
  deploymentById,
  type DeploymentRow,
  isFinal,
  type NamedComponent,
  nothingYet,
  openRunOf,
  rollbackOf,
  type RollbackOptions,
  runById,
  type RunRow,
  toDeployment,
  touchedObjects,
} from './rows.ts'

export { type ConflictReports, type JudgedReport } from './gate.ts'
export { type Deployment, type RollbackResult } from './rows.ts'

export interface DeployInput {
  client_id: string
  /** Unchecked: `parsePlan` checks it. */
  plan: unknown
  conflict_report_id?: string | undefined
  accept?: 'yellow'[] | undefined
  check_only?: boolean | undefined
  wait_seconds: number
}

export interface WorkflowDeployInput extends Omit<DeployInput, 'plan'> {
  /** Unchecked: `parseWorkflows` checks it. */
  workflows: unknown
}

export interface CheckedDeployInput extends Omit<
  DeployInput,
  'plan' | 'conflict_report_id' | 'check_only'
> {
  conflict_report_id: string
  plan_hash: string
}

export interface ActivationInput extends Activation {
  client_id: string
  wait_seconds: number
}

export interface RemovalInput {
  client_id: string
  workflows: WorkflowName[]
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

export interface DeploymentListInput extends PageRequest, TimeRange {
  client_id?: string | undefined
  kind?: DeploymentKind | undefined
  status?: DeploymentStatus | undefined
}

interface Options extends StageDeps {
  jobs: Pick<Jobs, 'enqueue' | 'announce' | 'waitFor'>
  topology: Pick<Topology, 'forget' | 'completeVersion' | 'newestComplete'>
  reports: ConflictReports
  approvals: Pick<Approvals, 'require'>
  /** How long a lost request may take to show up at Salesforce; tests shorten it. */
  adoptGraceMs?: number
}

export interface Deployments {
  /**
   * Starts a deploy and waits for its end as long as asked. Throws not_found, invalid_plan,
   * client_inactive, connection_not_ready, deployment_in_progress, conflicts_found, topology_drifted.
   */
  deploy(
    caller: Caller,
    input: DeployInput,
    signal?: AbortSignal,
    onBehalf?: OnBehalf,
  ): Promise<Deployment>
  /** The same for automations; errors as for `deploy`. */
  deployWorkflows(
    caller: Caller,
    input: WorkflowDeployInput,
    signal?: AbortSignal,
    onBehalf?: OnBehalf,
  ): Promise<Deployment>
  /**
   * Deploys exactly what a conflict report checked; whoever has read the report names its hash. Throws as
   * `deploy` does, and forbidden if the report is about workflows and the caller may not deploy those.
   */
  deployChecked(
    caller: Caller,
    input: CheckedDeployInput,
    signal?: AbortSignal,
  ): Promise<Deployment>
  /**
   * Activates or deactivates one automation. Throws as `deploy` does, and not_found for one that does
   * not exist in the Salesforce org.
   */
  setActive(caller: Caller, input: ActivationInput, signal?: AbortSignal): Promise<Deployment>
  /**
   * Removes automations, flows with all their versions. Throws as `setActive` does, and
   * flow_interviews_waiting before anything is changed.
   */
  removeWorkflows(caller: Caller, input: RemovalInput, signal?: AbortSignal): Promise<Deployment>
  get(tenant: Tenant, deploymentId: string): Promise<Deployment>
  /** Newest first, without plan and components. */
  list(
    tenant: Tenant,
    input: DeploymentListInput,
  ): Promise<Page<Omit<Deployment, 'plan' | 'components'>>>
  /**
   * Cancels what runs for the deployment, if that is still possible. With `abandon`, ends one whose
   * connection is lost, whatever became of it. Does nothing if nothing runs.
   */
  cancel(
    caller: Caller,
    input: { deployment_id: string; abandon?: boolean | undefined },
  ): Promise<Deployment>
  /** The same for one that stands for several (`combined.ts`), which callers do not see. */
  cancelCombined(
    caller: Caller,
    input: { deployment_id: string; abandon?: boolean | undefined },
  ): Promise<void>
  /**
   * Rolls a deployment back, or with `dry_run` says what that would do. Throws not_found,
   * not_rollbackable, deployment_in_progress, connection_not_ready, and data_would_be_lost with the rows
   * in `errors` if the work reported it in time.
   */
  rollback(
    caller: Caller,
    input: RollbackInput,
    signal?: AbortSignal,
    onBehalf?: OnBehalf,
  ): Promise<Deployment>
  /** For the queue. */
  workers: { deploy: Worker; rollback: Worker }
}

/** Whether callers see it: what stands for an off-boarding is none of theirs. */
const isShown = (row: DeploymentRow | undefined): row is DeploymentRow =>
  row !== undefined && SHOWN_KINDS.some((kind) => kind === row.kind)
const isCombined = (row: DeploymentRow | undefined): row is DeploymentRow =>
  row !== undefined && !isShown(row)

interface Beginning {
  signal?: AbortSignal | undefined
  onBehalf?: OnBehalf | undefined
}

/** Why a run ended; null while it runs and after a success. */
const endOf = (run: RunRow | undefined): WorkFault | null =>
  run?.ended_at == null ? null : run.error

const namedWorkflow = ({ type, api_name: fullName }: WorkflowName) => ({ type, fullName })

/** A person cannot judge a plan that was not checked. */
const reportMissing = (): EngineError => {
  const message =
    'A credential that has to ask deploys only what was checked: name the report of /api/conflicts/check.'
  return new EngineError('bad_request', message, {
    errors: [{ path: 'conflict_report_id', code: 'required', message }],
  })
}

/** The index that allows one run in a Salesforce org. */
export const LOCK = 'deployment_runs_one_per_salesforce_org'
const ADOPT_GRACE_MS = 30_000

export const createDeployments = (options: Options): Deployments => {
  const { db, jobs, connections, topology, reports, approvals, logger } = options
  const get = async (tenant: Tenant, id: string): Promise<Deployment> => {
    const { read } = db.as(tenant)
    const row = await deploymentById(read, tenant, id)
    if (!isShown(row)) throw notFound('deployment')
    return toDeployment(row, await componentsById(read, tenant, id))
  }

  /**
   * Adds the run that holds the Salesforce org, and uses its approval up. The unique index decides between
   * two at once.
   */
  const insertRun = async (
    tx: Tx,
    caller: Caller,
    approved: Approved,
    of: { deploymentId: string; clientId: string; sfdcOrgId: string },
    { kind, options, onBehalf }: Pick<RunRow, 'kind' | 'options'> & Pick<Beginning, 'onBehalf'>,
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
        options: json(options),
        stage: kind === 'deploy' ? 'before_image' : 'read',
        sfdc_org_id: of.sfdcOrgId,
        locked_sfdc_org_id: of.sfdcOrgId,
        for_fleet: onBehalf !== undefined,
        created_by: caller.userId,
        credential_type: caller.credential.type,
        credential_id: caller.credential.id,
        request_id: caller.requestId,
      })
      .execute()
    await useApproval(tx, caller, approved, of.deploymentId)
    return id
  }

  const exclusively = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (!isUniqueViolation(error, LOCK)) throw error
      throw new EngineError(
        'deployment_in_progress',
        'Another deployment or rollback is running in this Salesforce org.',
        { retryAfterSeconds: 10 },
      )
    }
  }

  /** Hands the run to the queue and waits for its end; the run as it is then. */
  const follow = async (
    tenant: Tenant,
    kind: RunRow['kind'],
    { clientId, runId, sfdcOrgId }: { clientId: string; runId: string; sfdcOrgId: string },
    waitSeconds: number,
    { signal, onBehalf }: Beginning,
  ): Promise<RunRow | undefined> => {
    const look = () => runById(db.as(tenant).read, tenant, runId)
    const isDone = async () => (await look())?.ended_at !== null
    const work = { orgId: tenant.orgId, clientId, id: runId }
    await handOver({ jobs, logger }, kind, work, sfdcOrgId, { of: ofWhom(onBehalf) })
    await waitForEnd({ jobs }, runId, isDone, waitSeconds, signal)
    return look()
  }

  /** Stores the deployment with the run that brings it to its end, and follows it. */
  const begin = async (
    caller: Caller,
    connection: SettledConnection,
    wish: Wish,
    beginning: Beginning,
  ): Promise<{ id: string; run: RunRow | undefined }> => {
    const { tenant } = caller
    const id = newId()
    const sfdcOrgId = connection.sfdc_org_id
    const approved = wish.checkOnly
      ? CHANGES_NOTHING
      : await approvals.require(caller, () => changeOf(wish))
    const runId = await exclusively(() =>
      db.as(tenant).tx(async (tx) => {
        await tx
          .insertInto('crm_deployments')
          .values({
            id,
            org_id: tenant.orgId,
            client_id: wish.clientId,
            connection_id: connection.id,
            kind: wish.kind,
            plan: json(wish.plan),
            plan_hash: wish.hash,
            conflict_report_id: wish.reportId,
            sfdc_org_id: sfdcOrgId,
            check_only: wish.checkOnly,
            progress: json({ stage: 'before_image', done: 0, total: 0 }),
            created_by: caller.userId,
            request_id: caller.requestId,
          })
          .execute()
        const of = { deploymentId: id, clientId: wish.clientId, sfdcOrgId }
        const { onBehalf } = beginning
        const run = await insertRun(tx, caller, approved, of, {
          kind: 'deploy',
          options: {},
          onBehalf,
        })
        await bindIdempotency(tx, caller, id)
        await onBehalf?.bind(tx, id)
        return run
      }),
    )
    const of = { clientId: wish.clientId, runId, sfdcOrgId }
    const run = await follow(tenant, 'deploy', of, wish.waitSeconds, beginning)
    throwUpstream(run)
    return { id, run }
  }

  const passGate = async (
    caller: Caller,
    input: Omit<DeployInput, 'plan'>,
    hash: string,
    what: Pick<GateInput, 'objects' | 'touched'>,
    sfdcOrgId: string | null,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    const { tenant } = caller
    if (input.conflict_report_id === undefined) {
      if (caller.mustAsk === true && input.check_only !== true) throw reportMissing()
      return
    }
    await checkReport(
      tenant,
      {
        clientId: input.client_id,
        reportId: input.conflict_report_id,
        planHash: hash,
        ...what,
        sfdcOrgId,
        acceptYellow: input.accept?.includes('yellow') ?? false,
      },
      reports,
      (version) => topology.completeVersion(tenant, input.client_id, version),
      async () =>
        (await connections.open(tenant, input.client_id, 'interactive', signal)).salesforce,
    )
  }

  const wishOf = (
    input: Omit<DeployInput, 'plan'>,
  ): Omit<Wish, 'kind' | 'plan' | 'hash' | 'components'> => ({
    clientId: input.client_id,
    checkOnly: input.check_only === true,
    reportId: input.conflict_report_id ?? null,
    waitSeconds: input.wait_seconds,
  })

  const deploy: Deployments['deploy'] = async (caller, input, signal, onBehalf) => {
    const { tenant } = caller
    const connection = await destinationOf(connections, tenant, input.client_id)
    const plan = parsePlan(input.plan, 'plan')
    const hash = planHash(plan)
    const objects = plan.objects.map(({ api_name }) => api_name)
    const what = { objects, touched: componentsTouched(plan) }
    await passGate(caller, input, hash, what, connection.sfdc_org_id, signal)
    const wish = {
      ...wishOf(input),
      kind: 'custom_objects' as const,
      plan,
      hash,
      components: componentsOf(plan),
    }
    const { id } = await begin(caller, connection, wish, { signal, onBehalf })
    return get(tenant, id)
  }

  const deployWorkflows: Deployments['deployWorkflows'] = async (
    caller,
    input,
    signal,
    onBehalf,
  ) => {
    const { tenant } = caller
    const connection = await destinationOf(connections, tenant, input.client_id)
    const workflows = parseWorkflows(input.workflows, 'workflows')
    const hash = workflowsHash(workflows)
    await passGate(
      caller,
      input,
      hash,
      { objects: objectsOfWorkflows(workflows), touched: automationsTouched(workflows) },
      connection.sfdc_org_id,
      signal,
    )
    const wish = {
      ...wishOf(input),
      kind: 'workflows' as const,
      plan: { workflows },
      hash,
      components: workflows.map(namedWorkflow),
    }
    const { id } = await begin(caller, connection, wish, { signal, onBehalf })
    return get(tenant, id)
  }

  const deployChecked: Deployments['deployChecked'] = async (caller, input, signal) => {
    const { plan_hash: hash, ...rest } = input
    const report = await reports.find(caller.tenant, input.conflict_report_id)
    if (report === null) throw notFound('conflict report')
    if (report.planHash !== hash) throw reportOfAnotherPlan()
    const { checked } = report
    if ('plan' in checked) return deploy(caller, { ...rest, ...checked }, signal)
    requirePermission(caller, 'workflows.write')
    return deployWorkflows(caller, { ...rest, ...checked }, signal)
  }

  /** Checks before anything is stored, so that what cannot be done is refused as a request. */
  const look = async (
    tenant: Tenant,
    clientId: string,
    names: readonly WorkflowName[],
    signal: AbortSignal | undefined,
  ) => {
    const { salesforce } = await connections.open(tenant, clientId, 'interactive', signal)
    const state = await readWorkflowState(salesforce, names)
    const missing = names.find((name) => !existsIn(state, name))
    if (missing !== undefined) throw await noSuchWorkflow(tenant, clientId, missing)
    return { salesforce, state }
  }

  /** With the nearest name of the newest snapshot: Salesforce was only asked for this one. */
  const noSuchWorkflow = async (
    tenant: Tenant,
    clientId: string,
    { type, api_name: name }: WorkflowName,
  ): Promise<EngineError> => {
    const snapshot = await topology.newestComplete(tenant, clientId)
    const known = (await snapshot?.readAutomations()) ?? []
    const near = known.filter((one) => one.type === type).map((one) => one.api_name)
    return new EngineError(
      'not_found',
      `There is no ${type.replace('_', ' ')} ${name} in this Salesforce org.${didYouMean(name, near)}`,
    )
  }

  const setActive: Deployments['setActive'] = async (caller, input, signal) => {
    const { tenant } = caller
    const { client_id, wait_seconds, ...activation } = input
    const connection = await destinationOf(connections, tenant, client_id)
    const { state } = await look(tenant, client_id, [activation], signal)
    activationTransition(activation, state)
    const wish = {
      ...wishOf({ client_id, wait_seconds }),
      kind: 'workflow_activation' as const,
      plan: { activation },
      hash: null,
      components: [namedWorkflow(activation)],
    }
    const { id } = await begin(caller, connection, wish, { signal })
    return get(tenant, id)
  }

  const removeWorkflows: Deployments['removeWorkflows'] = async (caller, input, signal) => {
    const { tenant } = caller
    const { client_id, wait_seconds, workflows } = input
    const connection = await destinationOf(connections, tenant, client_id)
    const { salesforce, state } = await look(tenant, client_id, workflows, signal)
    removalTransition(workflows, state)
    const flows = state.flows
    const fault = waitingFault(await waitingInterviews(salesforce, flows))
    if (fault !== null) throw new EngineError('flow_interviews_waiting', fault.message)
    const wish = {
      ...wishOf({ client_id, wait_seconds }),
      kind: 'workflow_removal' as const,
      plan: { workflows },
      hash: null,
      components: workflows.map(namedWorkflow),
    }
    const { id, run } = await begin(caller, connection, wish, { signal })
    // Somebody paused an interview in the meantime.
    const late = endOf(run)
    if (late?.code === 'flow_interviews_waiting') {
      throw new EngineError('flow_interviews_waiting', late.message)
    }
    return get(tenant, id)
  }

  const rollback: Deployments['rollback'] = async (caller, input, signal, onBehalf) => {
    const { tenant } = caller
    const id = input.deployment_id
    const row = await deploymentById(db.as(tenant).read, tenant, id)
    if (!isShown(row)) throw notFound('deployment')
    if (!isFinal(row)) {
      throw new EngineError('deployment_in_progress', 'Work on this deployment is under way.', {
        retryAfterSeconds: 5,
      })
    }
    const sfdcOrgId = requireRollbackable(row)
    const { connection } = await connections.open(tenant, row.client_id, 'protected')
    if (connection.sfdc_org_id !== sfdcOrgId) {
      throw new EngineError(
        'not_rollbackable',
        'The client is connected to a different Salesforce org than the one deployed to.',
      )
    }
    const components = await componentsById(db.as(tenant).read, tenant, id)
    requireKnown(components, input.components)
    const options: RollbackOptions = {
      dry_run: input.dry_run === true,
      allow_data_loss: input.allow_data_loss === true,
      components: input.components ?? null,
    }
    const approved = options.dry_run
      ? CHANGES_NOTHING
      : await approvals.require(caller, () => rollbackChange(row, components, options))
    const runId = await exclusively(() =>
      db.as(tenant).tx(async (tx) => {
        const of = { deploymentId: id, clientId: row.client_id, sfdcOrgId }
        const run = await insertRun(tx, caller, approved, of, {
          kind: 'rollback',
          options,
          onBehalf,
        })
        // From here on nobody else works on it; another rollback may have ended just before.
        const present = await deploymentById(tx, tenant, id)
        if (present !== undefined) requireRollbackable(present)
        await tx
          .updateTable('crm_deployments')
          .set({ rollback: json(nothingYet()) })
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', id)
          .execute()
        await bindIdempotency(tx, caller, id)
        await onBehalf?.bind(tx, id)
        return run
      }),
    )
    const of = { clientId: row.client_id, runId, sfdcOrgId }
    const run = await follow(tenant, 'rollback', of, input.wait_seconds, { signal, onBehalf })
    throwUpstream(run)
    const fault = endOf(run)
    if (fault?.code === 'data_would_be_lost' || fault?.code === 'not_rollbackable') {
      throw new EngineError(fault.code, fault.message, {
        ...(fault.errors === undefined ? {} : { errors: fault.errors }),
      })
    }
    return get(tenant, id)
  }

  /**
   * A caller who waited gets Salesforce's failure like that of any other call: 502 in Salesforce's own
   * words, or the permissions that the connected user lacks if that is the reason.
   */
  const throwUpstream = (run: RunRow | undefined): void => {
    const fault = endOf(run)
    if (fault?.code !== 'salesforce_error' && fault?.code !== 'missing_permissions') return
    if (fault.upstream === undefined) return
    throw new EngineError(
      fault.code,
      `${fault.message.replace(/[.!?]?$/, '.')} Nothing was changed; see deployment ${run?.deployment_id ?? ''}.`,
      {
        upstream: fault.upstream,
        ...(fault.errors === undefined ? {} : { errors: fault.errors }),
      },
    )
  }

  const requireKnown = (
    components: readonly NamedComponent[],
    named: readonly NamedComponent[] | undefined,
  ): void => {
    if (named === undefined) return
    const known = new Set(components.map((one) => nameKey(one)))
    const errors = named.flatMap((component, at) =>
      known.has(nameKey(component))
        ? []
        : [
            {
              path: `components.${at}`,
              code: 'not_of_this_deployment',
              message: `The deployment does not contain ${component.type} ${component.full_name}.`,
            },
          ],
    )
    const [first] = errors
    if (first !== undefined) throw new EngineError('bad_request', first.message, { errors })
  }

  const cancel: Deployments['cancel'] = async (caller, input) => {
    await cancelRun(caller, input, isShown)
    return get(caller.tenant, input.deployment_id)
  }

  const cancelRun = async (
    caller: Caller,
    input: { deployment_id: string; abandon?: boolean | undefined },
    isMeant: (row: DeploymentRow | undefined) => row is DeploymentRow,
  ): Promise<void> => {
    const { tenant } = caller
    const id = input.deployment_id
    const run = await db.as(tenant).tx(async (tx) => {
      const row = await deploymentById(tx, tenant, id)
      if (!isMeant(row)) throw notFound('deployment')
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
    const fault: WorkFault = { code: 'abandoned', message: `Abandoned while stalled (${why}).` }
    if (run.kind === 'rollback') {
      await journal.end(
        { error: fault },
        { rollback: { ...rollbackOf(deployment), status: 'failed', error: fault } },
      )
      return
    }
    const applied = deployment.applied === 'all'
    const names = touchedObjects(deployment.plan)
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

  return {
    deploy,
    deployWorkflows,
    deployChecked,
    setActive,
    removeWorkflows,
    rollback,
    cancel,
    cancelCombined: (caller, input) => cancelRun(caller, input, isCombined),
    get,
    list: (tenant, input) =>
      db.as(tenant).tx(async (tx) => {
        if (input.client_id !== undefined) await requireClient(tx, tenant, input.client_id)
        let query = tx
          .selectFrom('crm_deployments')
          .selectAll()
          .where('org_id', '=', tenant.orgId)
          .where('kind', 'in', SHOWN_KINDS)
        if (input.client_id !== undefined) query = query.where('client_id', '=', input.client_id)
        if (input.kind !== undefined) query = query.where('kind', '=', input.kind)
        if (input.status !== undefined) query = query.where('status', '=', input.status)
        return pageOf(within(query, 'created_at', input), 'id', input, (row) => {
          const { plan: _plan, components: _components, ...rest } = toDeployment(row, [])
          return rest
        })
      }),
    workers: createDeploymentWorkers({
      ...options,
      adoptGraceMs: options.adoptGraceMs ?? ADOPT_GRACE_MS,
    }),
  }
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

const nameKey = ({ type, full_name }: NamedComponent): string =>
  `${type}:${full_name}`.toLowerCase()

/** The Salesforce org to roll back in. Throws not_rollbackable with the reason. */
const requireRollbackable = (row: DeploymentRow): string => {
  const refuse = (why: string) => new EngineError('not_rollbackable', why)
  if (row.status === 'rolled_back') throw refuse('It is already rolled back.')
  if (row.status === 'pending') throw refuse('It has not ended yet.')
  // One that failed with its outcome unknown may have left something behind.
  if (row.status !== 'deployed' && row.applied !== 'unknown') {
    throw refuse('It changed nothing in the Salesforce org.')
  }
  if (row.images_discarded_at !== null) {
    throw refuse(
      `What it found and changed is no longer stored since ${row.images_discarded_at.toISOString()} ` +
        '(DEPLOYMENT_RETENTION_DAYS), so nothing can be restored. Deploy the wanted state instead.',
    )
  }
  if (row.sfdc_org_id === null) throw refuse('It does not name a Salesforce org.')
  return row.sfdc_org_id
}
