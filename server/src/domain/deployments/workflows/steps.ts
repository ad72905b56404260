// What deploying, activating, removing and rolling back automations have in common: flows are activated
// and deactivated by their definition, and their versions deleted, in steps that are safe to repeat.

import { type WorkFault } from '../../../db/tables/work.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { isObject } from '../../../salesforce/json.ts'
import {
  deleteToolingRecord,
  getToolingRecord,
  patchToolingRecord,
} from '../../../salesforce/tooling.ts'
import { sameName } from '../../metadata/names.ts'
import {
  type FlowState,
  findFlow,
  readWorkflowState,
  waitingInterviews,
  type WorkflowName,
  type WorkflowState,
} from '../../workflows/state.ts'
import {
  type Activation,
  activationTransition,
  type Decided,
  deployTransition,
  removalTransition,
  type Transition,
} from '../../workflows/transition.ts'
import { type PlannedWorkflow } from '../../workflows/workflow.ts'
import { isLost, isPassing, toldOf } from '../../work/faults.ts'
import { type DeploymentRow } from '../rows.ts'
import { type StoredPackage } from '../run/send.ts'

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

/**
 * The package of a run and the steps after it, stored with the run so that it is the same after a crash.
 */
export type StoredTransition = StoredPackage & Pick<Transition, 'activate' | 'deleteVersions'>

export const storeTransition = (transition: Transition): StoredTransition => ({
  files: transition.files,
  members: transition.members,
  deleteAfter: transition.deleteAfter,
  activate: transition.activate,
  deleteVersions: transition.deleteVersions,
})

/** A flow, and why the request was not carried out for it. */
export interface StepFailure {
  flow: string
  /** In Salesforce's words if it refused. */
  fault: WorkFault
  /** Salesforce's own code, or ours. */
  code: string
  message: string
  /** Nothing of the flow was changed by the step, now or before. */
  untouched: boolean
}

const failureOf = (flow: string, error: SalesforceError, untouched: boolean): StepFailure => {
  const { code, message } = error.failure
  return { flow, fault: toldOf(error), code, message, untouched }
}

/**
 * Why Salesforce refused permanently, or null when it is done; temporary failures are thrown, so that
 * the step runs again.
 */
const refusal = async (work: () => Promise<void>): Promise<SalesforceError | null> => {
  try {
    await work()
    return null
  } catch (error) {
    const isFinal =
      error instanceof SalesforceError &&
      !isPassing(error) &&
      !isLost(error) &&
      error.failure.fate !== 'unknown'
    if (!isFinal) throw error
    return error
  }
}

const flowsOf = (org: SalesforceOrg, names: readonly string[]): Promise<WorkflowState> =>
  readWorkflowState(
    org,
    [...new Set(names)].map((api_name) => ({ type: 'flow', api_name })),
  )

/**
 * Salesforce: a flow is activated by its definition, in production as in a sandbox; the definition's
 * metadata is replaced as a whole, so it is read first (Tooling API, FlowDefinition).
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

/** The version to activate: the newest, if it did not exist before; null: not known. */
const versionFor = (
  flow: FlowState,
  { version, above }: Transition['activate'][number],
): { number: number | null } | null => {
  if (version !== 'newest') return { number: version }
  const made = flow.versions.filter(({ number }) => number > (above ?? 0))
  if (made.length > 1 && above !== undefined) return null
  return { number: flow.latest }
}

/** Activates the version of each flow; one that is already active costs no call of its own. */
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
  for (const activation of wanted) {
    const flow = findFlow(state, activation.flow)
    if (flow === null) continue // deleted by an earlier run of this step
    const target = versionFor(flow, activation)
    if (target === null) {
      const fault: WorkFault = {
        code: 'several_new_versions',
        message: `Somebody else saved versions of ${flow.api_name} in the meantime, so none was activated. Choose one with /api/workflows/set-active.`,
      }
      failures.push({ flow: flow.api_name, fault, ...fault, untouched: true })
    } else if (target.number !== flow.active) {
      const error = await refusal(() => setActiveVersion(org, flow, target.number))
      if (error !== null) failures.push(failureOf(flow.api_name, error, true))
    }
  }
  return failures
}

/** Code for our own refusal to delete versions of an active flow. */
export const FLOW_IS_ACTIVE = 'flow_is_active'

/** Why none of these versions may be deleted now, as far as that is known in advance; null: they may. */
const obstacle = (flow: FlowState, waiting: number): WorkFault | null => {
  if (waiting > 0) {
    return {
      code: 'flow_interviews_waiting',
      message: `Interviews of ${flow.api_name} are paused or waiting (${waiting}). Let them finish or delete them first.`,
    }
  }
  return flow.versions.some(({ number }) => number === flow.active)
    ? {
        code: FLOW_IS_ACTIVE,
        message: `Version ${flow.active} of ${flow.api_name} is active; versions can be deleted only once the flow is inactive.`,
      }
    : null
}

/**
 * Deletes flow versions; one that is already gone is not a fault. If a flow is active or has waiting
 * interviews, none of its versions is deleted; after a refused version, no further one of that flow is.
 */
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
  const doomed = state.flows.map((flow) => {
    const ids = versions.map(({ id }) => id)
    const left = flow.versions
      .filter(({ id }) => ids.includes(id))
      .toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))
    const asked = versions.filter(({ flow: name }) => sameName(name) === sameName(flow.api_name))
    return { ...flow, versions: left, isWhole: left.length === asked.length }
  })
  const waiting = await waitingInterviews(org, doomed)
  for (const flow of doomed) {
    if (flow.versions.length === 0) continue
    const inTheWay = obstacle(flow, waiting.get(flow.api_name) ?? 0)
    if (inTheWay !== null) {
      const { isWhole: untouched } = flow
      failures.push({ flow: flow.api_name, fault: inTheWay, ...inTheWay, untouched })
      continue
    }
    for (const [index, { id }] of flow.versions.entries()) {
      const error = await refusal(async () => {
        try {
          await deleteToolingRecord(org, 'Flow', id)
        } catch (error) {
          if (!(error instanceof SalesforceError && error.failure.kind === 'not_found')) throw error
        }
      })
      if (error === null) continue
      failures.push(failureOf(flow.api_name, error, flow.isWhole && index === 0))
      break
    }
  }
  return failures
}
