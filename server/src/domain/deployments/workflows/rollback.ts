// Rolling automations back: read → submit → wait → activate → delete_versions → verify. What it does is
// decided from the state when it runs; what it reports comes from a second reading.

import { type DeploymentKind } from '../../../db/tables/deployments.ts'
import { type Progress } from '../../../db/tables/work.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { listMetadata } from '../../../salesforce/metadata.ts'
import { EngineError } from '../../../errors.ts'
import { readWorkflowState } from '../../workflows/state.ts'
import {
  isUndone,
  type Kept,
  type ReversalInput,
  reversalTransition,
  type WorkflowReversal,
} from '../../workflows/reversal.ts'
import { hasPackage, workflowNameOf } from '../../workflows/transition.ts'
import { keyOf, sameName } from '../../metadata/names.ts'
import { type Context, type RunKind, type Stage, type State } from '../run/context.ts'
import {
  awaitPackage,
  endDryRun,
  endRollback,
  type Endings,
  endUnseen,
  refusalOf,
  sendPackage,
  unclearFault,
} from '../run/outcome.ts'
import {
  type ComponentRow,
  componentsById,
  type KeptComponent,
  type NamedComponent,
  nothingYet,
  type Proof,
  rollbackOf,
  type RollbackOptions,
  type RollbackResult,
  type RunRow,
} from '../rows.ts'
import { packageOf } from '../run/send.ts'
import { loadWorkflowState } from './images.ts'
import {
  activateFlows,
  deleteFlowVersions,
  type StepFailure,
  type StoredTransition,
  storeTransition,
} from './steps.ts'

const STAGES = ['read', 'submit', 'wait', 'activate', 'delete_versions', 'verify'] as const

const at = (stage: (typeof STAGES)[number]): Progress => ({
  stage: `rollback_${stage}`,
  done: STAGES.indexOf(stage),
  total: STAGES.length,
})
const ended: Progress = { stage: 'done', done: STAGES.length, total: STAGES.length }

const named = (components: readonly { type: string; fullName: string }[]): NamedComponent[] =>
  components.map(({ type, fullName }) => ({ type, full_name: fullName }))

interface Decided {
  reversal: WorkflowReversal
  input: ReversalInput
  rows: ComponentRow[]
}

const decide = async (context: Context, { run, deployment }: State): Promise<Decided> => {
  const { org, journal, deps } = context
  const { before, after, rows } = await deps.db.as(journal.tenant).tx(async (tx) => ({
    before: await loadWorkflowState(tx, run, 'before'),
    after: await loadWorkflowState(tx, run, 'after'),
    rows: await componentsById(tx, journal.tenant, deployment.id),
  }))
  const names = rows.flatMap(
    ({ type, full_name: fullName }) => workflowNameOf({ type, fullName }) ?? [],
  )
  const now = await readWorkflowState(org, names)
  const { components } = run.options as RollbackOptions
  const wanted = new Set(
    (components ?? []).map(({ type, full_name }) => keyOf({ type, fullName: full_name })),
  )
  const input: ReversalInput = {
    // All that was ever deployed, as one: versions that it made are removed as those of one deploy.
    kind:
      deployment.kind === 'workflow_offboarding'
        ? 'workflows'
        : (deployment.kind as DeploymentKind),
    rows,
    before,
    after,
    now,
    named: components === null ? null : (component) => wanted.has(keyOf(component)),
    apiVersion: org.apiVersion,
  }
  return { reversal: reversalTransition(input), input, rows }
}

/**
 * Salesforce: who activated or deactivated a flow is recorded in its definition, who edited it in its
 * versions.
 */
const LISTED: Readonly<Record<string, readonly string[]>> = { Flow: ['Flow', 'FlowDefinition'] }

const toKept = async (org: SalesforceOrg, kept: readonly Kept[]): Promise<KeptComponent[]> => {
  const types = [
    ...new Set(kept.flatMap(({ changed }) => (changed === null ? [] : changed.type))),
  ].flatMap((type) => LISTED[type] ?? [type])
  // Who it was is worth a call, but no reason to fail.
  const listed = await listMetadata(
    org,
    types.map((type) => ({ type })),
  ).catch((error: unknown) => {
    if (error instanceof EngineError) return []
    throw error
  })
  const lastChange = ({ type, fullName }: { type: string; fullName: string }) =>
    listed
      .filter((one) => (LISTED[type] ?? [type]).includes(one.type))
      .filter((one) => sameName(one.fullName) === sameName(fullName))
      .toSorted((a, b) => (a.lastModifiedDate ?? '').localeCompare(b.lastModifiedDate ?? ''))
      .at(-1)
  return kept.map(({ component, reason, changed, removable }) => {
    const who = changed === null ? undefined : lastChange(changed)
    return {
      type: component.type,
      full_name: component.fullName,
      code: changed !== null ? 'changed_by_others' : removable ? 'in_use' : 'cannot_be_deleted',
      reason,
      changed_by: who?.lastModifiedByName ?? null,
      changed_at: who?.lastModifiedDate ?? null,
    }
  })
}

const remainingOf = (kept: readonly Kept[]): RollbackResult['remaining'] =>
  kept
    .filter(({ removable }) => removable)
    .map(({ component, reason }) => ({
      type: component.type,
      full_name: component.fullName,
      reason,
    }))

const reading: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const { reversal } = await decide(context, state)
  const result: RollbackResult = {
    ...nothingYet(),
    removed: named(reversal.remove),
    restored: named(reversal.restore),
    kept: await toKept(org, reversal.kept),
    remaining: remainingOf(reversal.kept),
  }
  const { transition } = reversal
  const stored = storeTransition(transition)
  const sends = hasPackage(transition)
  if (isDryRun(state) && !sends) return endDryRun(context, result, ended, null)
  if (sends) packageOf(stored, org.apiVersion)
  const stage = sends ? 'submit' : 'activate'
  await journal.step({ stage, package: stored }, { rollback: result, progress: at(stage) }, spent())
  return 'next'
}

const isDryRun = ({ run }: State): boolean => (run.options as RollbackOptions).dry_run

/** What waited to be sent is decided again: others may have changed the files that it holds. */
const renewed = async (context: Context, state: State): Promise<RunRow> => {
  const { run } = state
  if ((run.attempts === 0 && run.sends === 0) || run.intended_at !== null) return run
  if (run.sfdc_deploy_id !== null) return run
  const { reversal } = await decide(context, state)
  const stored = storeTransition(reversal.transition)
  await context.journal.step({ package: stored }, {}, context.spent())
  return { ...run, package: stored }
}

const sending: Stage = async (context, state) => {
  const { journal, spent } = context
  const run = await renewed(context, state)
  if (!hasPackage(run.package as StoredTransition)) {
    if (isDryRun(state)) return endDryRun(context, rollbackOf(state.deployment), ended, null)
    await journal.step({ stage: 'activate' }, { progress: at('activate') }, spent())
    return 'next'
  }
  return sendPackage(context, { ...state, run }, endingsOf(context, state))
}

const waiting: Stage = (context, state) => awaitPackage(context, state, endingsOf(context, state))

/** What a rollback does for each outcome of its package: the current state shows how it ended. */
const endingsOf = (context: Context, state: State): Endings => {
  const { journal, spent } = context
  const { deployment } = state
  const goOn = async (): Promise<'next'> => {
    await journal.step({ stage: 'activate' }, { progress: at('activate') }, spent())
    return 'next'
  }
  return {
    taken: () => ({ progress: at('wait') }),
    applied: goOn,
    validated: (result) => endDryRun(context, rollbackOf(deployment), ended, result),
    unclear: async (why) => {
      if (!isDryRun(state)) return goOn()
      await endRollback(context, deployment, unclearFault(why))
      return 'stop'
    },
    failed: async (fault, result) => {
      if (isDryRun(state) && result?.status === 'Failed') {
        await endDryRun(context, rollbackOf(deployment), ended, result)
      } else await endRollback(context, deployment, fault, result)
    },
    reasonOf: refusalOf,
  }
}

const stored = ({ run }: State): StoredTransition => run.package as StoredTransition

/** What Salesforce refused to do is listed in `remaining`, with its words. */
const withReasons = (
  { deployment }: State,
  failures: readonly StepFailure[],
): RollbackResult | null => {
  if (failures.length === 0) return null
  const result = rollbackOf(deployment)
  const reasons = failures.map(({ flow, fault }) => ({
    type: 'Flow',
    full_name: flow,
    reason: fault.message,
  }))
  return { ...result, remaining: [...result.remaining, ...reasons] }
}

const activating: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const { activate, deleteVersions } = stored(state)
  const told = withReasons(state, await activateFlows(org, activate))
  const stage = deleteVersions.length === 0 ? 'verify' : 'delete_versions'
  await journal.step(
    { stage },
    { progress: at(stage), ...(told === null ? {} : { rollback: told }) },
    spent(),
  )
  return 'next'
}

const deleting: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const told = withReasons(state, await deleteFlowVersions(org, stored(state).deleteVersions))
  await journal.step(
    { stage: 'verify' },
    { progress: at('verify'), ...(told === null ? {} : { rollback: told }) },
    spent(),
  )
  return 'next'
}

const verifying: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const planned = rollbackOf(state.deployment)
  const { reversal, rows, input } = await decide(context, state)
  const open = [...reversal.remove, ...reversal.restore]
  const openKeys = new Set(open.map(keyOf))
  const isDone = ({ type, full_name }: NamedComponent): boolean =>
    !openKeys.has(keyOf({ type, fullName: full_name }))
  const reasonOf = (component: { type: string; fullName: string }): string =>
    planned.remaining.find(
      ({ type, full_name }) => keyOf({ type, fullName: full_name }) === keyOf(component),
    )?.reason ?? 'Salesforce did not roll it back.'
  const remaining: RollbackResult['remaining'] = [
    ...open.map((component) => ({
      type: component.type,
      full_name: component.fullName,
      reason: reasonOf(component),
    })),
    ...remainingOf(reversal.kept),
  ]
  const keptKeys = new Set(reversal.kept.map(({ component }) => keyOf(component)))
  const proof: Proof = { complete: true, compared: 0, differences: [] }
  for (const row of rows) {
    const component = { type: row.type, fullName: row.full_name }
    const name = workflowNameOf(component)
    if (row.action === 'unchanged' || name === null || keptKeys.has(keyOf(component))) continue
    proof.compared += 1
    if (isUndone(input, row)) continue
    const what = 'It is not as it was before the deployment.'
    proof.differences.push({ type: row.type, full_name: row.full_name, what })
  }
  proof.complete = proof.differences.length === 0
  const result: RollbackResult = {
    ...planned,
    status: remaining.length === 0 ? 'complete' : 'partial',
    removed: planned.removed.filter(isDone),
    restored: planned.restored.filter(isDone),
    kept: await toKept(org, reversal.kept),
    remaining,
    proof,
    error: null,
  }
  await journal.end(
    { error: null, result },
    {
      rollback: result,
      progress: ended,
      ...(result.status === 'complete'
        ? { status: 'rolled_back' as const, rolled_back_at: 'now' as const }
        : {}),
    },
    spent(),
  )
  return 'stop'
}

export const workflowRollback: RunKind = {
  stages: {
    read: reading,
    submit: sending,
    wait: waiting,
    activate: activating,
    delete_versions: deleting,
    verify: verifying,
  },
  fail: (journal, state, fault, calls) => endUnseen({ journal, spent: () => calls }, state, fault),
}
