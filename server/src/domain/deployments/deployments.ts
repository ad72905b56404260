// Deployments: a plan deployed to a client's Salesforce org as one atomic package, followed to its end,
// and rolled back. The work itself is durable; the calls here start it and return its state.

import { type Tenant } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { json } from '../../db/json.ts'
import { type DeploymentKind, type DeploymentStatus } from '../../db/tables/deployments.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Jobs, type Worker } from '../../jobs/jobs.ts'
import { type Approvals, CHANGES_NOTHING } from '../approvals/approvals.ts'
import { type Caller, requirePermission } from '../caller.ts'
import { requireClient } from '../clients.ts'
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
import { type OnBehalf } from '../work/follow.ts'
import { type StageDeps } from '../work/stages.ts'
import {
  automationsTouched,
  checkReport,
  componentsTouched,
  type ConflictReports,
  type GateInput,
  reportOfAnotherPlan,
} from './gate.ts'
import { changeOf, type Wish } from './change.ts'
import { type CancelInput, createCancelling } from './cancelling.ts'
import { createRollingBack, type RollbackInput } from './rolling-back.ts'
import { type Beginning, createAccept, endOf } from './run/accept.ts'
import { createDeploymentWorkers } from './workers.ts'
import { waitingFault } from './workflows/deploy.ts'
import {
  componentsById,
  type Deployment,
  deploymentById,
  isShown,
  type RunRow,
  SHOWN_KINDS,
  toDeployment,
} from './rows.ts'

export { type ConflictReports, type JudgedReport } from './gate.ts'
export { type RollbackInput } from './rolling-back.ts'
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
  /** See createCancelling. */
  cancel(caller: Caller, input: CancelInput): Promise<Deployment>
  /** The same for one that stands for several (`combined.ts`), which callers do not see. */
  cancelCombined(caller: Caller, input: CancelInput): Promise<void>
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

const namedWorkflow = ({ type, api_name: fullName }: WorkflowName) => ({ type, fullName })

/** A person cannot judge a plan that was not checked. */
const reportMissing = (): EngineError => {
  const message =
    'A credential that has to ask deploys only what was checked: name the report of /api/conflicts/check.'
  return new EngineError('bad_request', message, {
    errors: [{ path: 'conflict_report_id', code: 'required', message }],
  })
}

const ADOPT_GRACE_MS = 30_000

export const createDeployments = (options: Options): Deployments => {
  const { db, connections, topology, reports, approvals } = options
  const accept = createAccept(options)
  const rollBack = createRollingBack({ ...options, accept })
  const cancel = createCancelling(options)

  const get = async (tenant: Tenant, id: string): Promise<Deployment> => {
    const { read } = db.as(tenant)
    const row = await deploymentById(read, tenant, id)
    if (!isShown(row)) throw notFound('deployment')
    return toDeployment(row, await componentsById(read, tenant, id))
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
    const of = { deploymentId: id, clientId: wish.clientId, sfdcOrgId, approved }
    const run = await accept(
      caller,
      { ...of, kind: 'deploy', options: {}, waitSeconds: wish.waitSeconds },
      beginning,
      async (tx, insertRun) => {
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
        await insertRun()
      },
    )
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
    acceptsYellow: input.accept?.includes('yellow') ?? false,
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

  return {
    deploy,
    deployWorkflows,
    deployChecked,
    setActive,
    removeWorkflows,
    rollback: async (caller, input, signal, onBehalf) => {
      await rollBack(caller, input, { signal, onBehalf })
      return get(caller.tenant, input.deployment_id)
    },
    cancel: async (caller, input) => {
      await cancel(caller, input)
      return get(caller.tenant, input.deployment_id)
    },
    cancelCombined: (caller, input) => cancel(caller, input, { isCombined: true }),
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
