// Deploying, activating, deactivating and removing automations: before_image → build → submit → wait →
// activate → delete_versions → read_back. Stages with nothing to do are skipped.

import { type Tx } from '../../../db/database.ts'
import { type WorkWarning, type Progress } from '../../../db/tables/work.ts'
import { EngineError } from '../../../errors.ts'
import { type DeployResult } from '../../../salesforce/deploy-result.ts'
import { sameName } from '../../metadata/names.ts'
import { ruleIn } from '../../workflows/rule-files.ts'
import {
  findFlow,
  readWorkflowState,
  type WorkflowName,
  type WorkflowState,
  waitingInterviews,
} from '../../workflows/state.ts'
import {
  componentOf,
  hasPackage,
  type WorkflowRow,
  workflowNameOf,
} from '../../workflows/transition.ts'
import { type Context, type RunKind, type Stage, type State } from '../run/context.ts'
import {
  awaitPackage,
  endDeploy,
  endMissing,
  type Endings,
  judged,
  sendPackage,
  strayProblems,
  unclearFault,
  warn,
  whyFailed,
} from '../run/outcome.ts'
import { type ComponentRow, componentsById } from '../rows.ts'
import { packageOf } from '../run/send.ts'
import { loadWorkflowState, saveWorkflowState } from './images.ts'
import {
  activateFlows,
  decideFor,
  deleteFlowVersions,
  FLOW_IS_ACTIVE,
  namesOf,
  type StepFailure,
  type StoredTransition,
  storeTransition,
  type WorkflowPlan,
  workflowPlanOf,
} from './steps.ts'

const STAGES = [
  'before_image',
  'build',
  'submit',
  'wait',
  'activate',
  'delete_versions',
  'read_back',
] as const

const at = (stage: (typeof STAGES)[number]): Progress => ({
  stage,
  done: STAGES.indexOf(stage),
  total: STAGES.length,
})
const ended: Progress = { stage: 'done', done: STAGES.length, total: STAGES.length }

const read = (context: Context, { deployment }: State): Promise<WorkflowState> =>
  readWorkflowState(context.org, namesOf(workflowPlanOf(deployment)))

const beforeImage: Stage = async (context, state) => {
  const { journal, spent } = context
  const seen = await read(context, state)
  await journal.step({ stage: 'build' }, { progress: at('build'), error: null }, spent(), (tx) =>
    saveWorkflowState(tx, state.run, 'before', seen),
  )
  return 'next'
}

const toComponents = (
  rows: readonly WorkflowRow[],
): Omit<ComponentRow, 'org_id' | 'client_id' | 'deployment_id'>[] =>
  rows.map(({ type, fullName, path, action, reversibility, reason }, position) => ({
    position,
    type,
    full_name: fullName,
    path,
    action,
    reversibility,
    reason,
    success: action === 'unchanged' ? true : null,
    problem: null,
  }))

/** Why a removal is refused; null: no interviews wait in the flows. */
export const waitingFault = (waiting: ReadonlyMap<string, number>): WorkWarning | null => {
  if (waiting.size === 0) return null
  const each = [...waiting].map(([flow, count]) => `${flow}: ${count}`).join(', ')
  return {
    code: 'flow_interviews_waiting',
    message: `Flows to be removed have paused or waiting interviews (${each}). Let them finish or delete them first.`,
  }
}

const build: Stage = async (context, state) => {
  const { org, journal, spent, deps } = context
  const { run, deployment } = state
  const before = await loadWorkflowState(deps.db.as(journal.tenant).read, run, 'before')
  const { rows, transition } = decideFor(deployment, before, org.apiVersion)
  if (deployment.kind === 'workflow_removal') {
    const fault = waitingFault(await waitingInterviews(org, before.flows))
    if (fault !== null) {
      await endDeploy(journal, fault, spent())
      return 'stop'
    }
  }
  const stored = storeTransition(transition)
  const components = toComponents(rows)
  const save = (tx: Tx): Promise<void> => journal.saveComponents(tx, components)
  if (hasPackage(transition)) {
    packageOf(stored, org.apiVersion)
    await journal.step(
      { stage: 'submit', package: stored },
      { progress: at('submit') },
      spent(),
      save,
    )
    return 'next'
  }
  if (deployment.check_only) {
    // Salesforce cannot check beforehand whether flows can be activated, deactivated or deleted.
    await journal.end(
      { error: null },
      { status: 'validated', applied: 'nothing', progress: ended, error: null },
      spent(),
      save,
    )
    return 'stop'
  }
  await journal.step(
    { stage: 'activate', package: stored },
    { progress: at('activate') },
    spent(),
    save,
  )
  return 'next'
}

const rowsOf = (context: Context, state: State): Promise<ComponentRow[]> =>
  componentsById(
    context.deps.db.as(context.journal.tenant).read,
    context.journal.tenant,
    state.deployment.id,
  )

/** The same components with the same changes: the same deployment as understood before. */
const sameRows = (a: readonly ComponentRow[], b: readonly WorkflowRow[]): boolean =>
  a.length === b.length &&
  a.every(
    ({ type, full_name: name, action }, index) =>
      type === b[index]?.type && name === b[index].fullName && action === b[index].action,
  )

/**
 * What waited to be sent may contain rules of the client that were changed in the meantime: it is
 * written again from their current state. Null: what would have to be done now differs from what was
 * announced.
 */
const renewed = async (context: Context, state: State): Promise<State | null> => {
  const { org, journal, spent } = context
  const { run, deployment } = state
  if ((run.attempts === 0 && run.sends === 0) || run.intended_at !== null) return state
  if (run.sfdc_deploy_id !== null) return state
  const now = await read(context, state)
  const { rows, transition } = decideFor(deployment, now, org.apiVersion)
  if (!hasPackage(transition) || !sameRows(await rowsOf(context, state), rows)) return null
  const stored = storeTransition(transition)
  await journal.step({ package: stored }, {}, spent(), (tx) =>
    saveWorkflowState(tx, run, 'before', now),
  )
  return { run: { ...run, package: stored }, deployment }
}

const sending: Stage = async (context, state) => {
  const current = await renewed(context, state)
  if (current === null) {
    const message =
      'The automations were changed by others while this deployment waited to be sent. Deploy again.'
    await endDeploy(context.journal, { code: 'topology_drifted', message }, context.spent())
    return 'stop'
  }
  return sendPackage(context, current, endingsOf(context, current, []))
}

const waiting: Stage = async (context, state) =>
  awaitPackage(context, state, endingsOf(context, state, await rowsOf(context, state)))

/** What workflows do for each outcome of their package. */
const endingsOf = (context: Context, state: State, rows: readonly ComponentRow[]): Endings => {
  const { journal, spent } = context
  const save = (result: DeployResult) => (tx: Tx) =>
    journal.saveComponents(tx, judged(rows, result))
  const warnings = (result: DeployResult): WorkWarning[] =>
    strayProblems(rows, result)
      // The file of all rules of an object stands for the ones that are ours.
      .filter((message) => !result.success || !message.startsWith('AssignmentRules '))
      .map((message) => ({ code: 'salesforce_warning', message }))
  return {
    taken: (id) => ({
      sfdc_deploy_id: id,
      progress: { stage: 'wait', done: 0, total: 0 },
      error: null,
    }),
    applied: async (result) => {
      await journal.step(
        { stage: 'activate' },
        {
          applied: 'all',
          progress: at('activate'),
          error: null,
          warnings: warnings(result),
        },
        spent(),
        save(result),
      )
      return 'next'
    },
    validated: async (result) => {
      await journal.end(
        { error: null },
        {
          status: 'validated',
          applied: 'nothing',
          progress: ended,
          error: null,
          warnings: warnings(result),
        },
        spent(),
        save(result),
      )
      return 'stop'
    },
    unclear: async (why) => {
      if (why.ids.length === 0) return settleByReading(context, state)
      await endDeploy(journal, unclearFault(why), spent(), 'unknown')
      return 'stop'
    },
    failed: (fault, result) =>
      endDeploy(journal, fault, spent(), 'nothing', result === null ? undefined : save(result)),
    reasonOf: (result) => whyFailed(rows, result),
  }
}

/** Salesforce does not say how the deploy ended: if nothing is left to send, it was applied. */
const settleByReading = async (context: Context, state: State): Promise<'next' | 'stop'> => {
  const { org, journal, spent } = context
  const now = await read(context, state)
  // What was to be deleted and is gone does not need another decision.
  const { deleteAfter } = stored(state)
  const isGone = Object.entries(deleteAfter).every(([type, names]) =>
    names.every((fullName) => {
      const name = workflowNameOf({ type, fullName })
      return name === null || name.type === 'flow' || ruleIn(now, name.type, fullName) === null
    }),
  )
  const isApplied =
    state.deployment.kind === 'workflow_removal'
      ? isGone
      : !hasPackage(decideFor(state.deployment, now, org.apiVersion).transition)
  if (isApplied && !state.deployment.check_only) {
    await journal.step({ stage: 'activate' }, { applied: 'all', progress: at('activate') }, spent())
    return 'next'
  }
  await endDeploy(journal, unclearFault({ ids: [] }), spent(), 'unknown')
  return 'stop'
}

const stored = ({ run }: State): StoredTransition => run.package as StoredTransition

/** Marks the flows that Salesforce refused to activate, deactivate or delete, in its own words. */
const withFailures = (
  rows: readonly ComponentRow[],
  failures: readonly StepFailure[],
): ComponentRow[] =>
  rows.map((row) => {
    const failure = failures.find(
      ({ flow }) => row.type === 'Flow' && sameName(flow) === sameName(row.full_name),
    )
    // A flow that could not be deactivated is not deleted either: the first error counts.
    if (failure === undefined || row.problem !== null) return row
    const { code, message } = failure
    return {
      ...row,
      success: false,
      problem: { message, severity: 'error', file: null, line: null, column: null, code },
    }
  })

const activating: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const { activate, deleteVersions } = stored(state)
  const failures = await activateFlows(org, activate)
  const [first] = failures
  const isWhole = failures.length === activate.length && state.deployment.applied !== 'all'
  const rows = withFailures(await rowsOf(context, state), failures)
  if (first !== undefined && isWhole) {
    // Nothing was changed yet, and nothing can be: refused as a whole.
    await endDeploy(journal, first.fault, spent(), 'nothing', (tx) =>
      journal.saveComponents(tx, rows),
    )
    return 'stop'
  }
  let { warnings } = state.deployment
  for (const { flow, fault } of failures) {
    warnings = warn(warnings, { code: 'activation_failed', message: `${flow}: ${fault.message}` })
  }
  const stage = deleteVersions.length === 0 ? 'read_back' : 'delete_versions'
  await journal.step(
    { stage },
    { applied: 'all', progress: at(stage), warnings, error: null },
    spent(),
    (tx) => journal.saveComponents(tx, rows),
  )
  return 'next'
}

/**
 * Flows of which no version could be deleted run again as before: what is not removed is not deactivated
 * either. True if everything that was requested is as it was.
 */
const leaveAsTheyWere = async (
  context: Context,
  state: State,
  failures: readonly StepFailure[],
): Promise<boolean> => {
  const { org, deps, journal } = context
  const untouched = failures.filter((failure) => failure.untouched)
  if (untouched.length === 0) return false
  const before = await loadWorkflowState(deps.db.as(journal.tenant).read, state.run, 'before')
  const again = await activateFlows(
    org,
    untouched.flatMap(({ flow, code }) => {
      const version = findFlow(before, flow)?.active ?? null
      // One that is active was never deactivated, or somebody has activated it again.
      return version === null || code === FLOW_IS_ACTIVE ? [] : [{ flow, version }]
    }),
  )
  return again.length === 0 && untouched.length === namesOf(workflowPlanOf(state.deployment)).length
}

const deleting: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const failures = await deleteFlowVersions(org, stored(state).deleteVersions)
  const [first] = failures
  if (first !== undefined && (await leaveAsTheyWere(context, state, failures))) {
    const refused = withFailures(await rowsOf(context, state), failures)
    await endDeploy(journal, first.fault, spent(), 'nothing', (tx) =>
      journal.saveComponents(tx, refused),
    )
    return 'stop'
  }
  let { warnings } = state.deployment
  for (const { flow, fault } of failures) {
    warnings = warn(warnings, { code: 'deletion_failed', message: `${flow}: ${fault.message}` })
  }
  const rows = withFailures(await rowsOf(context, state), failures)
  await journal.step(
    { stage: 'read_back' },
    { progress: at('read_back'), warnings, error: null },
    spent(),
    (tx) => journal.saveComponents(tx, rows),
  )
  return 'next'
}

const readingBack: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const { run, deployment } = state
  const after = await read(context, state)
  let { warnings } = deployment
  // Decided again over the current state, what is in place leaves nothing to do.
  const left = leftOver(deployment, after, org.apiVersion)
  const rows = (await rowsOf(context, state)).map((row): ComponentRow => {
    const open = left.find(
      ({ type, fullName }) => type === row.type && sameName(fullName) === sameName(row.full_name),
    )
    if (open === undefined) return { ...row, success: row.success ?? true }
    const message = `${row.type} ${row.full_name} does not read back as deployed.`
    if (row.success !== false) warnings = warn(warnings, { code: 'component_differs', message })
    return { ...row, success: false }
  })
  const save = async (tx: Tx): Promise<void> => {
    await journal.saveComponents(tx, rows)
    await saveWorkflowState(tx, run, 'after', after)
  }
  const missing = rows.filter((row) => row.success === false && isMissing(row, after))
  if (missing.length > 0) return endMissing(context, run, missing, save)
  await journal.end(
    { error: null },
    { status: 'deployed', progress: ended, error: null, warnings, deployed_at: 'now' },
    spent(),
    save,
  )
  return 'stop'
}

/** Whether it should exist but does not. */
const isMissing = (row: ComponentRow, after: WorkflowState): boolean => {
  const name = workflowNameOf({ type: row.type, fullName: row.full_name })
  return row.action !== 'deleted' && name !== null && !isThere(name, after)
}

const isThere = ({ type, api_name }: WorkflowName, state: WorkflowState): boolean =>
  type === 'flow' ? findFlow(state, api_name) !== null : ruleIn(state, type, api_name) !== null

/** Components that are not as the deployment wants them; all of them if that is not known. */
export const leftOver = (
  deployment: Pick<State['deployment'], 'kind' | 'plan'>,
  after: WorkflowState,
  apiVersion: string,
): { type: string; fullName: string }[] => {
  const wanted = namesOf(deployment.plan as WorkflowPlan)
  if (deployment.kind === 'workflow_removal') {
    return wanted.filter((name) => isThere(name, after)).map(componentOf)
  }
  try {
    return decideFor(deployment, after, apiVersion)
      .rows.filter(({ action }) => action !== 'unchanged')
      .filter((row) => workflowNameOf(row) !== null)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return wanted.map(componentOf)
  }
}

export const workflowDeploy: RunKind = {
  stages: {
    before_image: beforeImage,
    build,
    submit: sending,
    wait: waiting,
    activate: activating,
    delete_versions: deleting,
    read_back: readingBack,
  },
  fail: (journal, _state, fault, calls) => endDeploy(journal, fault, calls),
}
