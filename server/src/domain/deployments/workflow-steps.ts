// What deploying, switching, removing and taking back automations have in common: flows are switched
// by their definition, and their versions deleted, in steps that are safe to repeat.

import { EngineError } from '../../errors.ts'
import { SalesforceError } from '../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { isObject } from '../../salesforce/json.ts'
import {
  deleteToolingRecord,
  getToolingRecord,
  patchToolingRecord,
} from '../../salesforce/tooling.ts'
import { sameName } from '../plan/names.ts'
import {
  type FlowState,
  findFlow,
  readWorkflowState,
  type WorkflowName,
  type WorkflowState,
} from '../workflows/state.ts'
import {
  type Activation,
  activationTransition,
  type Decided,
  deployTransition,
  removalTransition,
  type Transition,
} from '../workflows/transition.ts'
import { type PlannedWorkflow } from '../workflows/workflow.ts'
import { isLost, isPassing } from './context.ts'
import { type DeploymentRow } from './rows.ts'
import { type StoredPackage } from './send.ts'

/** What `crm_deployments.plan` holds for the kinds of this file. */
export interface WorkflowPlan {
  /** To be deployed, or to be removed. */
  workflows?: PlannedWorkflow[] | WorkflowName[]
  activation?: Activation
}

export const workflowPlanOf = (row: DeploymentRow): WorkflowPlan => row.plan as WorkflowPlan

export const namesOf = ({ workflows, activation }: WorkflowPlan): WorkflowName[] =>
  (workflows ?? (activation === undefined ? [] : [activation])).map(
    ({ type, api_name }: WorkflowName) => ({ type, api_name }),
  )

export const decideFor = (
  row: Pick<DeploymentRow, 'kind' | 'plan'>,
  state: WorkflowState,
  apiVersion: string,
): Decided => {
  const plan = row.plan as WorkflowPlan
  if (row.kind === 'workflow_activation' && plan.activation !== undefined) {
    return activationTransition(plan.activation, state)
  }
  return row.kind === 'workflow_removal'
    ? removalTransition(namesOf(plan), state)
    : deployTransition((plan.workflows ?? []) as PlannedWorkflow[], state, apiVersion)
}

/** The package of a run with what follows it: kept with the run, the same after a crash. */
export type StoredTransition = StoredPackage & Pick<Transition, 'activate' | 'deleteVersions'>

export const storeTransition = (transition: Transition): StoredTransition => ({
  files: transition.files,
  members: transition.members,
  deleteAfter: transition.deleteAfter,
  activate: transition.activate,
  deleteVersions: transition.deleteVersions,
})

/** A flow, and why Salesforce did not do what was asked. */
export interface StepFailure {
  flow: string
  error: SalesforceError
}

/** Final refusals are collected; whatever may pass is thrown, and the step runs again. */
const attempt = async (
  flow: string,
  failures: StepFailure[],
  work: () => Promise<void>,
): Promise<void> => {
  try {
    await work()
  } catch (error) {
    const isFinal =
      error instanceof SalesforceError &&
      error instanceof EngineError &&
      !isPassing(error) &&
      !isLost(error) &&
      error.failure.fate !== 'unknown'
    if (!isFinal) throw error
    failures.push({ flow, error })
  }
}

const flowsOf = (org: SalesforceOrg, names: readonly string[]): Promise<WorkflowState> =>
  readWorkflowState(
    org,
    [...new Set(names)].map((api_name) => ({ type: 'flow', api_name })),
  )

/**
 * Salesforce: a flow is switched by its definition, in production as in a sandbox; the definition's
 * metadata is replaced whole, so it is read first (Tooling API, FlowDefinition).
 */
const setActiveVersion = async (
  org: SalesforceOrg,
  flow: FlowState,
  version: number | null,
): Promise<void> => {
  const record = await getToolingRecord(org, 'FlowDefinition', flow.definition_id)
  const metadata = isObject(record.Metadata) ? record.Metadata : {}
  await patchToolingRecord(org, 'FlowDefinition', flow.definition_id, {
    Metadata: { ...metadata, activeVersionNumber: version ?? 0 },
  })
}

/** Switches each flow to its version; one that is there already costs no call of its own. */
export const activateFlows = async (
  org: SalesforceOrg,
  wanted: Transition['activate'],
): Promise<StepFailure[]> => {
  const failures: StepFailure[] = []
  if (wanted.length === 0) return failures
  const state = await flowsOf(
    org,
    wanted.map(({ flow }) => flow),
  )
  for (const { flow: name, version } of wanted) {
    const flow = findFlow(state, name)
    if (flow === null) continue // deleted by an earlier run of this step
    const target = version === 'newest' ? flow.latest : version
    if (target === flow.active) continue
    await attempt(name, failures, () => setActiveVersion(org, flow, target))
  }
  return failures
}

/** Deletes flow versions; one that is gone already is no fault. */
export const deleteFlowVersions = async (
  org: SalesforceOrg,
  versions: Transition['deleteVersions'],
): Promise<StepFailure[]> => {
  const failures: StepFailure[] = []
  if (versions.length === 0) return failures
  const state = await flowsOf(
    org,
    versions.map(({ flow }) => flow),
  )
  const present = new Set(state.flows.flatMap((flow) => flow.versions.map(({ id }) => id)))
  for (const { flow, id } of versions) {
    if (!present.has(id)) continue
    // What refused to be switched off would refuse this as well: said once.
    if (failures.some((failure) => sameName(failure.flow) === sameName(flow))) continue
    await attempt(flow, failures, async () => {
      try {
        await deleteToolingRecord(org, 'Flow', id)
      } catch (error) {
        if (!(error instanceof SalesforceError && error.failure.kind === 'not_found')) throw error
      }
    })
  }
  return failures
}
