// The deploy: before_image → build → submit → wait → permissions → read_back. Each stage stores its
// step, so that another replica continues where this one was killed.

import { type Tx } from '../../../db/database.ts'
import { type WorkWarning, type Progress, type WorkFault } from '../../../db/tables/work.ts'
import { EngineError } from '../../../errors.ts'
import { workWaitSeconds } from '../../../retry.ts'
import { type DeployResult } from '../../../salesforce/deploy-result.ts'
import { partsIn } from '../../metadata/parts.ts'
import { compilePlan } from '../../plan/compile.ts'
import { type Plan } from '../../plan/schema.ts'
import { assign, readAssignments, wantedAssignment } from './assignment.ts'
import { isLost, isPassing } from '../../work/faults.ts'
import { type Context, type RunDeps, type RunKind, type Stage, type State } from '../run/context.ts'
import {
  awaitPackage,
  endDeploy,
  endMissing,
  type Endings,
  judged,
  sendPackage,
  stand,
  strayProblems,
  unclearFault,
  warn,
  whyFailed,
} from '../run/outcome.ts'
import { componentRows } from './component-rows.ts'
import { readImages } from './images.ts'
import { readBack } from './read-back.ts'
import { changesOf, type ComponentRow, componentsById, planOf, touchedObjects } from '../rows.ts'
import { packageOf, type StoredPackage, storePackage } from '../run/send.ts'

const STAGES = ['before_image', 'build', 'submit', 'wait', 'permissions', 'read_back'] as const

const at = (stage: (typeof STAGES)[number]): Progress => ({
  stage,
  done: STAGES.indexOf(stage),
  total: STAGES.length,
})
const ended: Progress = { stage: 'done', done: STAGES.length, total: STAGES.length }

/**
 * How often it looks for what was applied before the deployment ends with a warning that it is not
 * visible.
 */
const LOOKS_MAX = 6

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

const build: Stage = async (context, { deployment }) => {
  const { org, journal, spent } = context
  const plan = planOf(deployment)
  const before = await journal.loadImages('before')
  const compiled = compilePlan(plan, { current: before.files })
  const stored = storePackage(compiled)
  const components = await componentRows(org, plan, before.files, compiled)
  const save = (tx: Tx): Promise<void> => journal.saveComponents(tx, components)
  const changes = { ...changesOf(deployment), ...compiled.changes }
  if (compiled.components.length > 0) {
    packageOf(stored, org.apiVersion) // says now, and not after waiting, if it is too large
    await journal.step(
      { stage: 'submit', package: stored },
      { changes, progress: at('submit') },
      spent(),
      save,
    )
    return 'next'
  }
  // Everything already exists as planned: nothing is sent.
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

const rowsOf = ({ deps, journal }: Context, { deployment }: State): Promise<ComponentRow[]> =>
  componentsById(deps.db.as(journal.tenant).read, journal.tenant, deployment.id)

/** What the deploy of a plan does for each outcome of its package. */
const endingsOf = (context: Context, state: State, rows: readonly ComponentRow[]): Endings => {
  const { journal, spent, deps } = context
  const save = (result: DeployResult) => (tx: Tx) =>
    journal.saveComponents(tx, judged(rows, result))
  const warnings = (result: DeployResult): WorkWarning[] =>
    strayProblems(rows, result).map((message) => ({ code: 'salesforce_warning', message }))
  return {
    taken: (id) => ({
      sfdc_deploy_id: id,
      progress: { stage: 'wait', done: 0, total: 0 },
      error: null,
    }),
    applied: async (result) => {
      await journal.step(
        { stage: 'permissions' },
        {
          applied: 'all',
          progress: at('permissions'),
          error: null,
          warnings: warnings(result),
        },
        spent(),
        async (tx) => {
          await save(result)(tx)
          await forgetTouched(tx, deps, journal)
        },
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
      await endFailed(context, unclearFault(why), 'unknown')
      return 'stop'
    },
    failed: (fault, result) =>
      endFailed(context, fault, 'nothing', result === null ? undefined : save(result)),
    reasonOf: (result) => whyFailed(rows, result),
  }
}

const sending: Stage = async (context, state) =>
  sendPackage(context, state, endingsOf(context, state, []))

const waiting: Stage = async (context, state) =>
  awaitPackage(context, state, endingsOf(context, state, await rowsOf(context, state)))

/** Ends a deploy as failed; `applied` says what is known to be in the Salesforce org. */
const endFailed = (
  { journal, spent, deps }: Context,
  fault: WorkFault,
  applied: 'nothing' | 'unknown' = 'nothing',
  also: (tx: Tx) => Promise<void> = async () => undefined,
): Promise<void> =>
  endDeploy(journal, fault, spent(), applied, async (tx) => {
    if (applied === 'unknown') await forgetTouched(tx, deps, journal)
    await also(tx)
  })

/** What the next pull already knows about the touched objects is out of date. */
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

/** Salesforce does not say how much was applied: the current state decides. */
const settleByReading = async (
  context: Context,
  { run, deployment }: State,
): Promise<'next' | 'stop'> => {
  const { org, journal, spent, deps } = context
  const plan = planOf(deployment)
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
  const nothing = left >= sent || deployment.check_only
  await endFailed(context, unclearFault({ ids: [] }), nothing ? 'nothing' : 'unknown')
  return 'stop'
}

const permissions: Stage = async (context, { deployment }) => {
  const { org, journal, spent, userId } = context
  const permissionSet = wantedAssignment(planOf(deployment))
  let { warnings } = deployment
  if (permissionSet !== null) {
    try {
      await assign(org, permissionSet, userId)
    } catch (error) {
      if (!(error instanceof EngineError) || isLost(error) || isPassing(error)) throw error
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

const readingBack: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const { run, deployment } = state
  const plan = planOf(deployment)
  const after = await readImages(org, plan)
  const read = partsIn(after.files)
  const rows = (await rowsOf(context, state)).map((row): ComponentRow => {
    const isThere = read.part({ type: row.type, fullName: row.full_name }) !== null
    return { ...row, success: isThere ? (row.success ?? true) : false }
  })
  const save = async (tx: Tx): Promise<void> => {
    await journal.saveComponents(tx, rows)
    await journal.saveImages(tx, 'after', after)
  }
  const absent = rows.filter(({ success }) => success === false)
  if (absent.length > 0) return endMissing(context, run, absent, save)

  const { missing, differing } = await readBack(org, plan, after.describes)
  if (missing.length > 0 && run.attempts < LOOKS_MAX) {
    // Salesforce: rights of a fresh assignment may take a moment to show in a describe.
    const message = `Not visible yet: ${missing.join(', ')}.`
    const seconds = workWaitSeconds(run.attempts)
    await stand(context, run, { code: 'field_not_visible', message }, seconds)
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
    save,
  )
  return 'stop'
}

/** If the plan is in place, compiling it again over the current state leaves nothing to send. */
const stillToDo = (plan: Plan, files: ReadonlyMap<string, string>): string[] => {
  try {
    return compilePlan(plan, { current: files }).components.map(
      ({ type, fullName }) =>
        `${type} ${fullName} was deployed, but does not read back as planned.`,
    )
  } catch (error) {
    // Something that the plan builds on can no longer be read: reported, but no reason to fail.
    if (error instanceof EngineError && error.code === 'invalid_plan') return [error.message]
    throw error
  }
}

export const planDeploy: RunKind = {
  stages: {
    before_image: beforeImage,
    build,
    submit: sending,
    wait: waiting,
    permissions,
    read_back: readingBack,
  },
  fail: (journal, _state, fault, calls) => endDeploy(journal, fault, calls),
}
