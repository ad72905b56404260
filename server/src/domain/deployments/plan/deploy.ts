// The deploy: before_image → build → submit → wait → permissions → read_back. Each stage stores its
// step, so that another replica goes on where this one was killed.

import { type Tx } from '../../../db/database.ts'
import { type Fault, type Progress } from '../../../db/types.ts'
import { EngineError } from '../../../errors.ts'
import { type Worker } from '../../../jobs/jobs.ts'
import { type DeployResult } from '../../../salesforce/deploy-result.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { clip } from '../../../text.ts'
import { compilePlan, type MetadataPackage } from '../../plan/compile.ts'
import { componentsOf } from '../../plan/components.ts'
import { sameName } from '../../metadata/names.ts'
import { definesObject, type Plan } from '../../plan/schema.ts'
import { assign, readAssignments, wantedAssignment } from './assignment.ts'
import {
  type Context,
  createRunWorker,
  isLost,
  isPassing,
  type RunDeps,
  type RunKind,
  type Stage,
} from '../run/context.ts'
import { readImages } from './images.ts'
import { backoffSeconds } from '../run/journal.ts'
import { keyOf, ownerOf, partsIn, reversibilityOf } from './parts.ts'
import { readBack } from './read-back.ts'
import {
  changesOf,
  type ComponentProblem,
  type ComponentRow,
  componentsById,
  planOf,
  touchedObjects,
} from '../rows.ts'
import { packageOf, type StoredPackage, storePackage, submit, watch } from '../run/send.ts'
import { workflowDeployKind } from '../workflows/deploy.ts'

const STAGES = ['before_image', 'build', 'submit', 'wait', 'permissions', 'read_back'] as const

const at = (stage: (typeof STAGES)[number]): Progress => ({
  stage,
  done: STAGES.indexOf(stage),
  total: STAGES.length,
})
const ended: Progress = { stage: 'done', done: STAGES.length, total: STAGES.length }

/** Sent so often at most when Salesforce's setup lock keeps refusing it. */
export const SENDS_MAX = 12
/** Tries of a stage after the package was applied, before the deployment ends with a warning. */
const TRIES_APPLIED = 6

type Saved = Omit<ComponentRow, 'org_id' | 'client_id' | 'deployment_id'>

const beforeImage: Stage = async ({ org, journal, userId, spent }, { deployment }) => {
  const plan = planOf(deployment)
  const images = await readImages(org, plan)
  const permissionSet = wantedAssignment(plan)
  const seen = permissionSet === null ? null : await readAssignments(org, permissionSet, userId)
  const assignment =
    permissionSet === null
      ? null
      : {
          permission_set: permissionSet,
          assignee_id: userId,
          made_by_us: seen?.assignmentId === null,
        }
  await journal.step(
    { stage: 'build' },
    { changes: { ...changesOf(deployment), assignment }, progress: at('build'), error: null },
    spent(),
    (tx) => journal.saveImages(tx, 'before', images),
  )
  return 'next'
}

/** Each component with what will happen to it, and whether that can be undone. */
const componentRows = (
  plan: Plan,
  before: ReadonlyMap<string, string>,
  compiled: MetadataPackage,
): Saved[] => {
  const unchanged = new Set(compiled.unchanged.map(keyOf))
  const [found, sent] = [partsIn(before), partsIn(compiled.files)]
  const made = new Set(
    plan.objects
      .filter((object) => definesObject(object) && found.object(object.api_name) === null)
      .map(({ api_name }) => sameName(api_name)),
  )
  // A merged file holds what the Salesforce org had beside it only for permission sets and layouts;
  // of an object it holds what changes, which is all that is compared here.
  return componentsOf(plan).map((component, position) => {
    const was = found.part(component)
    const action = unchanged.has(keyOf(component))
      ? 'unchanged'
      : was === null
        ? 'created'
        : 'updated'
    const isNew = made.has(sameName(ownerOf(component.fullName)))
    return {
      position,
      type: component.type,
      full_name: component.fullName,
      path: component.path,
      action,
      ...reversibilityOf(component, action, was, sent.part(component), isNew),
      success: action === 'unchanged' ? true : null,
      problem: null,
    }
  })
}

const build: Stage = async (context, { deployment }) => {
  const { org, journal, spent } = context
  const plan = planOf(deployment)
  const before = await journal.loadImages('before')
  const compiled = compilePlan(plan, { current: before.files })
  const stored = storePackage(compiled)
  const components = componentRows(plan, before.files, compiled)
  const save = (tx: Tx): Promise<void> => journal.saveComponents(tx, components)
  const changes = { ...changesOf(deployment), ...compiled.changes }
  if (compiled.components.length > 0) {
    packageOf(stored, org.apiVersion) // too large is said now, not after waiting
    await journal.step(
      { stage: 'submit', package: stored },
      { changes, progress: at('submit') },
      spent(),
      save,
    )
    return 'next'
  }
  // All of it is in place: nothing is sent.
  if (deployment.check_only) {
    await journal.end(
      { error: null },
      { status: 'validated', changes, applied: 'nothing', progress: ended, error: null },
      spent(),
      save,
    )
    return 'stop'
  }
  await journal.step(
    { stage: 'permissions' },
    { changes, applied: 'all', progress: at('permissions') },
    spent(),
    save,
  )
  return 'next'
}

const sending: Stage = async (context, { run, deployment }) => {
  const { org, journal, spent, userId, signal, deps } = context
  const submitted = await submit({
    org,
    journal,
    run,
    userId,
    checkOnly: deployment.check_only,
    signal,
    graceMs: deps.adoptGraceMs,
  })
  switch (submitted.kind) {
    case 'sent':
      await journal.step(
        { stage: 'wait', sfdc_deploy_id: submitted.id },
        {
          sfdc_deploy_id: submitted.id,
          progress: { stage: 'wait', done: 0, total: 0 },
          error: null,
        },
        spent(),
      )
      return 'next'
    case 'cancelled':
      await endFailed(context, { code: 'cancelled', message: 'Cancelled before it was sent.' })
      return 'stop'
    case 'look_again':
      await journal.hold(
        {
          code: 'outcome_unknown',
          message: 'The answer to the sending got lost; looking for the deploy.',
        },
        submitted.afterSeconds,
        spent(),
      )
      return 'stop'
    case 'ambiguous': {
      const message = `The answer to the sending got lost, and several deploys of Salesforce could be it: ${submitted.ids.join(', ')}.`
      await endFailed(context, { code: 'outcome_unknown', message }, 'unknown')
      return 'stop'
    }
  }
}

export const endFailed = (
  { journal, spent, deps }: Context,
  fault: Fault,
  applied: 'nothing' | 'unknown' = 'nothing',
  also: (tx: Tx) => Promise<void> = async () => undefined,
): Promise<void> =>
  journal.end(
    { error: fault },
    { status: 'failed', error: fault, applied },
    spent(),
    async (tx) => {
      if (applied === 'unknown') await forgetTouched(tx, deps, journal)
      await also(tx)
    },
  )

/** Whatever the next pull knows of the touched objects is out of date. */
const forgetTouched = async (tx: Tx, deps: RunDeps, journal: Context['journal']): Promise<void> => {
  const row = await tx
    .selectFrom('crm_deployments')
    .innerJoin('deployment_runs', 'deployment_runs.deployment_id', 'crm_deployments.id')
    .select(['crm_deployments.plan', 'crm_deployments.client_id'])
    .where('crm_deployments.org_id', '=', journal.tenant.orgId)
    .where('deployment_runs.id', '=', journal.runId)
    .executeTakeFirstOrThrow()
  const names = touchedObjects(row.plan)
  await deps.topology.forget(tx, journal.tenant, row.client_id, names)
}

/** What Salesforce said about each component, laid over the rows. */
export const judged = (rows: readonly ComponentRow[], result: DeployResult): Saved[] => {
  const said = new Map(
    (result.details?.components ?? []).map((component) => [keyOf(component), component]),
  )
  return rows.map((row) => {
    const component = said.get(keyOf({ type: row.type, fullName: row.full_name }))
    const problem: ComponentProblem | null =
      component === undefined || component.problem === null
        ? null
        : {
            message: component.problem,
            severity: component.outcome === 'failed' ? 'error' : 'warning',
            file: component.fileName,
            line: component.line,
            column: component.column,
            code: component.outcome === 'failed' ? (result.failure?.code ?? null) : null,
          }
    const failed = component?.outcome === 'failed'
    // All or nothing: beside a failed component the others were not applied either.
    const success = failed ? false : result.success ? true : row.success
    return { ...row, success, problem: problem ?? row.problem }
  })
}

/** Problems that belong to no component of the plan (a manifest, a test, the deploy as a whole). */
export const strayProblems = (rows: readonly ComponentRow[], result: DeployResult): string[] => {
  const known = new Set(rows.map((row) => keyOf({ type: row.type, fullName: row.full_name })))
  return [
    ...(result.details?.components ?? [])
      .filter((component) => component.problem !== null && !known.has(keyOf(component)))
      .map(({ type, fullName, problem }) => `${type} ${fullName}: ${problem}`.trim()),
    ...(result.details?.tests?.failures ?? []).map(
      ({ className, methodName, message }) => `Apex test ${className}.${methodName}: ${message}`,
    ),
  ]
}

export const whyFailed = (rows: readonly ComponentRow[], result: DeployResult): Fault => {
  if (result.failure !== null) {
    return { code: result.failure.code, message: result.failure.message }
  }
  const failed = (result.details?.components ?? []).filter(({ outcome }) => outcome === 'failed')
  const [first] = failed
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : ''
  const message =
    first === undefined
      ? (strayProblems(rows, result)[0] ?? `Salesforce says ${result.status}.`)
      : `${first.type} ${first.fullName}: ${first.problem ?? ''}${more}`
  return { code: 'components_failed', message: clip(message, 1000) }
}

const waiting: Stage = async (context, { run, deployment }) => {
  const { org, journal, signal, spent, deps } = context
  const id = run.sfdc_deploy_id ?? ''
  let result: DeployResult
  try {
    result = await watch({ org, journal, id, signal })
  } catch (error) {
    // Salesforce: results of deploys are kept for a while only; then the Salesforce org itself tells.
    if (!(error instanceof SalesforceError && error.failure.kind === 'not_found')) throw error
    return settleByReading(context, planOf(deployment))
  }
  const rows = await deps.db
    .as(journal.tenant)
    .tx((tx) => componentsById(tx, journal.tenant, deployment.id))
  const save = (tx: Tx): Promise<void> => journal.saveComponents(tx, judged(rows, result))
  const warnings: Fault[] = strayProblems(rows, result).map((message) => ({
    code: 'salesforce_warning',
    message,
  }))
  if (result.success && deployment.check_only) {
    await journal.end(
      { error: null },
      { status: 'validated', applied: 'nothing', progress: ended, error: null, warnings },
      spent(),
      save,
    )
    return 'stop'
  }
  if (result.applied === 'all') {
    await journal.step(
      { stage: 'permissions' },
      { applied: 'all', progress: at('permissions'), error: null, warnings },
      spent(),
      async (tx) => {
        await save(tx)
        await forgetTouched(tx, deps, journal)
      },
    )
    return 'next'
  }
  if (result.applied !== 'nothing') return settleByReading(context, planOf(deployment))
  if (result.passing && run.sends < SENDS_MAX && run.cancel_requested_at === null) {
    // Certainly nothing was applied, and the cause passes: the same package once more.
    const fault = whyFailed(rows, result)
    await journal.step({ stage: 'submit', sfdc_deploy_id: null, intended_at: null })
    await journal.hold(fault, backoffSeconds(run.sends), spent())
    return 'stop'
  }
  const fault: Fault =
    result.status === 'Canceled'
      ? { code: 'cancelled', message: 'Cancelled at Salesforce; nothing was applied.' }
      : whyFailed(rows, result)
  await endFailed(context, fault, 'nothing', save)
  return 'stop'
}

/** Salesforce does not say how much was applied: what is there now decides. */
const settleByReading = async (context: Context, plan: Plan): Promise<'next' | 'stop'> => {
  const { org, journal, spent, deps } = context
  const { run, deployment } = await journal.load()
  const now = await readImages(org, plan)
  const left = compilePlan(plan, { current: now.files }).components.length
  const sent = Object.values((run.package as StoredPackage).members).flat().length
  if (left === 0 && !deployment.check_only) {
    await journal.step(
      { stage: 'permissions' },
      { applied: 'all', progress: at('permissions') },
      spent(),
      (tx) => forgetTouched(tx, deps, journal),
    )
    return 'next'
  }
  const message = 'Salesforce does not say how this deploy ended.'
  const nothing = left >= sent || deployment.check_only
  await endFailed(context, { code: 'outcome_unknown', message }, nothing ? 'nothing' : 'unknown')
  return 'stop'
}

export const warn = (warnings: readonly Fault[], fault: Fault): Fault[] => [
  ...warnings.filter(({ code, message }) => code !== fault.code || message !== fault.message),
  fault,
]

const permissions: Stage = async (context, { run, deployment }) => {
  const { org, journal, spent, userId } = context
  const permissionSet = wantedAssignment(planOf(deployment))
  let { warnings } = deployment
  if (permissionSet !== null) {
    try {
      await assign(org, permissionSet, userId)
    } catch (error) {
      if (!(error instanceof EngineError) || isLost(error)) throw error
      if (isPassing(error) && run.attempts < TRIES_APPLIED) throw error
      warnings = warn(warnings, { code: 'assignment_failed', message: error.message })
    }
  }
  await journal.step(
    { stage: 'read_back' },
    { progress: at('read_back'), warnings, error: null },
    spent(),
  )
  return 'next'
}

const readingBack: Stage = async (context, { run, deployment }) => {
  const { org, journal, spent } = context
  const plan = planOf(deployment)
  const after = await readImages(org, plan)
  const { missing, differing } = await readBack(org, plan, after.describes)
  if (missing.length > 0 && run.attempts < TRIES_APPLIED) {
    // Salesforce: rights of a fresh assignment may take a moment to show in a describe.
    const message = `Not to be seen yet: ${missing.join(', ')}.`
    await journal.hold({ code: 'field_not_visible', message }, null, spent())
    return 'stop'
  }
  let warnings = deployment.warnings
  for (const name of missing) {
    const message = `${name} was deployed, but the connected user does not see it.`
    warnings = warn(warnings, { code: 'field_not_visible', message })
  }
  for (const fault of differing) warnings = warn(warnings, fault)
  for (const message of stillToDo(plan, after.files)) {
    warnings = warn(warnings, { code: 'component_differs', message })
  }
  await journal.end(
    { error: null },
    { status: 'deployed', progress: ended, error: null, warnings, deployed_at: 'now' },
    spent(),
    (tx) => journal.saveImages(tx, 'after', after),
  )
  return 'stop'
}

/** Compiled once more over what is there now, a plan that is in place leaves nothing to send. */
const stillToDo = (plan: Plan, files: ReadonlyMap<string, string>): string[] => {
  try {
    return compilePlan(plan, { current: files }).components.map(
      ({ type, fullName }) =>
        `${type} ${fullName} was deployed, but does not read back as planned.`,
    )
  } catch (error) {
    // Something that the plan builds on cannot be read (any more): said, and no reason to fail.
    if (error instanceof EngineError && error.code === 'invalid_plan') return [error.message]
    throw error
  }
}

const deployKind: RunKind = {
  stages: {
    before_image: beforeImage,
    build,
    submit: sending,
    wait: waiting,
    permissions,
    read_back: readingBack,
  },
  fail: (journal, _state, fault, calls) =>
    journal.end(
      { error: fault },
      {
        status: 'failed',
        applied: 'nothing',
        error: { code: fault.code, message: fault.message },
      },
      calls,
    ),
}

export const createDeployWorker = (deps: RunDeps): Worker =>
  createRunWorker(deps, ({ deployment }) =>
    deployment.kind === 'custom_objects' ? deployKind : workflowDeployKind,
  )
