// The rollback: read → release → submit → wait → verify. What it rolls back is decided again from the
// state when it runs, and what it reports in the end from a second reading.

import { type Progress, type WorkFault } from '../../../db/tables/work.ts'
import { EngineError, type MemberError } from '../../../errors.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type DeployResult } from '../../../salesforce/deploy-result.ts'
import { type FileProperties, listMetadata } from '../../../salesforce/metadata.ts'
import { PART_KINDS } from '../../metadata/kinds.ts'
import { type Component, keyOf, ownerOf, sameName } from '../../metadata/names.ts'
import { withoutParts } from '../../metadata/parts.ts'
import { assign, type AssignmentsSeen, readAssignments, unassign } from './assignment.ts'
import { clip } from '../../../text.ts'
import { plural } from '../../words.ts'
import { type Context, type RunKind, type Stage, type State } from '../run/context.ts'
import {
  awaitPackage,
  endDryRun,
  endRollback,
  type Endings,
  endUnseen,
  failedIn,
  refusalOf,
  sendPackage,
  unclearFault,
} from '../run/outcome.ts'
import { readBeside } from './beside.ts'
import { heldData, type HeldData } from './data-guard.ts'
import { heldByFirst } from './held-by-first.ts'
import { readHolding } from './holding-records.ts'
import { type Images, readImages, type Reading } from './images.ts'
import { prove } from './proof.ts'
import { type Kept, type Reversal, type ReversalInput, reverse } from './reversal.ts'
import { readRolledBack } from './rolled-back.ts'
import { readUsers } from './users.ts'
import {
  type Assignment,
  assignmentsOf,
  changesOf,
  componentsById,
  type DeploymentRow,
  type KeptComponent,
  type LeftComponent,
  type NamedComponent,
  nothingYet,
  removedByRollbacks,
  planOf,
  rollbackOf,
  type RollbackOptions,
  type RollbackResult,
  touchedObjects,
} from '../rows.ts'
import { packageOf, type StoredPackage } from '../run/send.ts'

const STAGES = ['read', 'release', 'submit', 'wait', 'verify'] as const

const at = (stage: (typeof STAGES)[number]): Progress => ({
  stage: `rollback_${stage}`,
  done: STAGES.indexOf(stage),
  total: STAGES.length,
})
const ended: Progress = { stage: 'done', done: STAGES.length, total: STAGES.length }

const named = (components: readonly { type: string; fullName: string }[]): NamedComponent[] =>
  components.map(({ type, fullName }) => ({ type, full_name: fullName }))

const asComponents = (list: readonly NamedComponent[]): Component[] =>
  list.map(({ type, full_name }) => ({ type, fullName: full_name }))

interface Seen {
  input: ReversalInput
  reading: Reading
  before: Images
  after: Images
}

interface Decided extends Seen {
  reversal: Reversal
}

/** What a decision is made from: the Salesforce org as it is, and what is stored about the deployment. */
const look = async (context: Context, { run, deployment }: State): Promise<Seen> => {
  const { org, journal, deps } = context
  const plan = planOf(deployment)
  const changes = changesOf(deployment)
  const options = run.options as RollbackOptions
  const [before, after] = [await journal.loadImages('before'), await journal.loadImages('after')]
  const found = await readImages(org, plan)
  const taken = asComponents(changes.taken ?? [])
  const reading = taken.length === 0 ? found : { ...found, files: withoutParts(found.files, taken) }
  const assignments: AssignmentsSeen[] = []
  for (const { permission_set, assignee_id } of assignmentsOf(changes)) {
    assignments.push(await readAssignments(org, permission_set, assignee_id))
  }
  const { rows, removedBefore, rolledBack } = await deps.db.as(journal.tenant).tx(async (tx) => {
    const found = await componentsById(tx, journal.tenant, deployment.id)
    const paths = [...new Set([...before.files.keys(), ...after.files.keys()])]
    return {
      rows: found,
      removedBefore: await removedByRollbacks(tx, journal.tenant, deployment.id),
      rolledBack: await readRolledBack(tx, journal.tenant, deployment, { rows: found, paths }),
    }
  })
  const made = asComponents(rows.filter(({ action }) => action === 'created'))
  const input: ReversalInput = {
    plan,
    rows,
    before: before.files,
    after: after.files,
    now: reading.files,
    rolledBack,
    removedBefore: asComponents(removedBefore),
    changes,
    named:
      options.components === null ? null : new Set(asComponents(options.components).map(keyOf)),
    leave: options.leave ?? [],
    assignments,
    beside: await readBeside(org, plan, changes, reading),
    users: await readUsers(org, made, reading),
    holding: await readHolding(org, made, reading),
  }
  return { input, reading, before, after }
}

/** Reads the Salesforce org and decides what to roll back in its current state. */
const decide = async (context: Context, state: State): Promise<Decided> => {
  const seen = await look(context, state)
  return { ...seen, reversal: reverse(seen.input) }
}

/** Whether what cannot be rolled back is left alone, so that the rest can: that of an off-boarding. */
const leavesAlone = ({ kind }: DeploymentRow): boolean => kind === 'offboarding'

const toKept = async (
  org: SalesforceOrg,
  kept: readonly Kept[],
  properties: readonly FileProperties[],
): Promise<KeptComponent[]> => {
  // A file that exists can be retrieved; only a list says whether a part of an object exists.
  const types = PART_KINDS.map(({ type }) => type).filter((type) =>
    kept.some(({ component, drifted }) => drifted && component.type === type),
  )
  // Who it was is worth a call, but no reason to fail.
  const listed = await listMetadata(
    org,
    types.map((type) => ({ type })),
  ).catch((error: unknown) => {
    if (error instanceof EngineError) return []
    throw error
  })
  const known = new Map([...properties, ...listed].map((one) => [keyOf(one), one]))
  return kept.map(({ component, reason, drifted, code }) => {
    const who = drifted ? known.get(keyOf(component)) : undefined
    return {
      type: component.type,
      full_name: component.fullName,
      code,
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

/** As `decide`, with what would lose data; an off-boarding leaves that alone and decides again. */
const decideByData = async (
  context: Context,
  state: State,
): Promise<{ decided: Decided; data: HeldData[]; leave: LeftComponent[] }> => {
  const { allow_data_loss, leave: before = [] } = state.run.options as RollbackOptions
  const seen = await look(context, state)
  const leave = [...before]
  for (;;) {
    const reversal = reverse({ ...seen.input, leave })
    const { remove, restore } = reversal
    const images = { before: seen.before.files, now: seen.reading.files }
    const data = await heldData(context.org, { remove, restore, ...images })
    const held = allow_data_loss ? [] : data.flatMap((one) => leftForData(one, reversal))
    if (!leavesAlone(state.deployment) || held.length === 0) {
      return { decided: { ...seen, reversal }, data, leave }
    }
    leave.push(...held)
  }
}

const leftForData = (held: HeldData, { remove, restore }: Reversal): LeftComponent[] =>
  [...remove, ...restore]
    .filter(
      ({ type, fullName }) =>
        (type === 'CustomObject' || type === 'CustomField') &&
        sameName(fullName) === sameName(held.name),
    )
    .map(({ type, fullName }) => ({
      type,
      full_name: fullName,
      code: 'holds_data' as const,
      reason: lossIn(held),
      rows: held.rows,
    }))

const reading: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const options = state.run.options as RollbackOptions
  const { decided, data, leave } = await decideByData(context, state)
  const { reversal, reading: now } = decided
  const result: RollbackResult = {
    ...nothingYet(),
    removed: named(reversal.remove),
    restored: named(reversal.restore),
    kept: await toKept(org, reversal.kept, now.properties),
    remaining: remainingOf(reversal.kept),
    data: data.map(({ name, rows }) => ({ name, rows })),
  }
  const stored = leavesAlone(state.deployment) ? { options: { ...options, leave } } : {}
  if (options.dry_run) return trying(context, options, result, reversal, stored)
  if (data.length > 0 && !options.allow_data_loss) {
    const told = { ...state.deployment, rollback: { ...nothingYet(), data: result.data } }
    await endRollback(context, told, lossOf(data))
    return 'stop'
  }
  packageOf(reversal.package, org.apiVersion)
  await journal.step(
    {
      stage: 'release',
      ...stored,
      package: { ...reversal.package, unassign: reversal.unassign },
    },
    { rollback: result, progress: at('release') },
    spent(),
  )
  return 'next'
}

/**
 * A dry run asks Salesforce as well: only Salesforce knows what it refuses, whatever uses a component.
 */
const trying = async (
  context: Context,
  { assumed = [] }: RollbackOptions,
  result: RollbackResult,
  { package: contents, unassign }: Reversal,
  stored: { options?: unknown },
): Promise<'next' | 'stop'> => {
  const { org, journal, spent } = context
  // Salesforce: a permission set that is assigned cannot be deleted, and a dry run unassigns nothing.
  const left = new Set([
    ...unassign.map(({ permission_set: fullName }) => keyOf({ type: 'PermissionSet', fullName })),
    ...asComponents(assumed).map(keyOf),
  ])
  const deleteAfter = Object.fromEntries(
    Object.entries(contents.deleteAfter)
      .map(
        ([type, names]) =>
          [type, names.filter((fullName) => !left.has(keyOf({ type, fullName })))] as const,
      )
      .filter(([, names]) => names.length > 0),
  )
  const checked = { ...contents, deleteAfter }
  if (isEmpty(checked)) return endDryRun(context, result, ended, null)
  packageOf(checked, org.apiVersion)
  await journal.step(
    { stage: 'submit', ...stored, package: { ...checked, unassign: [] } },
    { rollback: result, progress: at('submit') },
    spent(),
  )
  return 'next'
}

const lossIn = ({ name, rows, loses }: HeldData): string => {
  if (rows === null) {
    const lost = loses === null ? 'data' : `what would be lost: ${loses}`
    return `${name} may hold ${lost}; its rows cannot be counted.`
  }
  const counted = plural(rows, 'row')
  return loses === null
    ? `${name} holds data in ${counted}.`
    : `${name} would lose ${loses} in ${counted}.`
}

const lossOf = (data: readonly HeldData[]): WorkFault => {
  const errors: MemberError[] = data.map((held) => ({
    path: held.name,
    code: 'holds_data',
    message: lossIn(held),
  }))
  return {
    code: 'data_would_be_lost',
    message: `${clip(
      errors.map(({ message }) => message).join(' '),
      1_000,
    )} Nothing was rolled back; repeat with allow_data_loss to go ahead.`,
    errors,
  }
}

/** `unassign` of runs that the previous version began is whether the one assignment goes. */
type RollbackPackage = StoredPackage & { unassign: boolean | Assignment[] }

const toUnassign = ({ run, deployment }: State): Assignment[] => {
  const unassign = (run.package as RollbackPackage | null)?.unassign ?? []
  if (typeof unassign !== 'boolean') return unassign
  return unassign ? assignmentsOf(changesOf(deployment)) : []
}

const isEmpty = ({ files, deleteAfter }: StoredPackage): boolean =>
  Object.keys(files).length === 0 && Object.values(deleteAfter).flat().length === 0

/** Salesforce: a permission set that is assigned to somebody cannot be deleted. */
const releasing: Stage = async (context, state) => {
  const { org, journal, spent } = context
  for (const { permission_set, assignee_id } of toUnassign(state)) {
    await unassign(org, permission_set, assignee_id)
  }
  const stage = isEmpty(state.run.package as RollbackPackage) ? 'verify' : 'submit'
  await journal.step({ stage }, { progress: at(stage) }, spent())
  return 'next'
}

/** Restores what was released for a rollback that then did not happen. */
const takeBackRelease = async (context: Context, state: State): Promise<void> => {
  for (const { permission_set, assignee_id } of toUnassign(state)) {
    await assign(context.org, permission_set, assignee_id)
  }
}

/** What Salesforce refused to remove or restore: it is left alone, with Salesforce's words. */
const refusedIn = (result: DeployResult, planned: RollbackResult): LeftComponent[] => {
  const ours = [...planned.removed, ...planned.restored]
  const keyIn = ({ type, full_name }: NamedComponent) => keyOf({ type, fullName: full_name })
  const left = new Map<string, LeftComponent>()
  for (const failure of failedIn(result)) {
    // A part of an object that goes is deleted with it.
    const owner = { type: 'CustomObject', fullName: ownerOf(failure.fullName) }
    const found =
      ours.find((one) => keyIn(one) === keyOf(failure)) ??
      ours.find((one) => keyIn(one) === keyOf(owner))
    if (found === undefined || left.has(keyIn(found))) continue
    const { type, full_name } = found
    const reason = clip(failure.problem ?? 'Salesforce refused it.', 500)
    left.set(keyIn(found), { type, full_name, code: 'in_use', reason, rows: null })
  }
  return [...left.values()]
}

/** Goes on without what Salesforce refused; false if that is not known. */
const goOnWithout = async (
  context: Context,
  state: State,
  result: DeployResult | null,
): Promise<boolean> => {
  if (!leavesAlone(state.deployment) || result?.status !== 'Failed') return false
  const planned = rollbackOf(state.deployment)
  const refused = refusedIn(result, planned)
  if (refused.length === 0) return false
  const options = state.run.options as RollbackOptions
  const { first = [] } = changesOf(state.deployment)
  const held = await heldByFirst(context.org, refused, { first, going: planned.removed })
  const left = refused.filter((one) => !held.includes(one))
  await context.journal.step(
    {
      stage: 'read',
      sfdc_deploy_id: null,
      intended_at: null,
      options: {
        ...options,
        leave: [...(options.leave ?? []), ...left],
        assumed: [...(options.assumed ?? []), ...named(asComponents(held))],
      },
    },
    { progress: at('read') },
    context.spent(),
  )
  return true
}

/** What a rollback does for each outcome of its package: the current state shows how it ended. */
const endingsOf = (context: Context, state: State): Endings => {
  const { journal, spent, deps } = context
  const { run, deployment } = state
  const { dry_run } = run.options as RollbackOptions
  const verify = async (): Promise<'next'> => {
    const names = touchedObjects(deployment.plan)
    await journal.step({ stage: 'verify' }, { progress: at('verify') }, spent(), (tx) =>
      deps.topology.forget(tx, journal.tenant, run.client_id, names),
    )
    return 'next'
  }
  return {
    taken: () => ({ progress: at('wait') }),
    applied: verify,
    validated: (result) => endDryRun(context, rollbackOf(deployment), ended, result),
    unclear: async (why) => {
      if (!dry_run) return verify()
      await endRollback(context, deployment, unclearFault(why))
      return 'stop'
    },
    failed: async (fault, result) => {
      if (!dry_run) await takeBackRelease(context, state)
      if (await goOnWithout(context, state, result)) return 'next'
      if (dry_run && result?.status === 'Failed') {
        return endDryRun(context, rollbackOf(deployment), ended, result)
      }
      await endRollback(context, deployment, fault, result)
      return 'stop'
    },
    reasonOf: refusalOf,
  }
}

const sending: Stage = (context, state) => sendPackage(context, state, endingsOf(context, state))

const waiting: Stage = (context, state) => awaitPackage(context, state, endingsOf(context, state))

const verifying: Stage = async (context, state) => {
  const { org, journal, spent } = context
  const { deployment } = state
  const planned = rollbackOf(deployment)
  const decided = await decide(context, state)
  const { reversal, reading: now } = decided
  const kept = await toKept(org, reversal.kept, now.properties)
  const undone = new Set([...reversal.remove, ...reversal.restore].map(keyOf))
  const isUndone = ({ type, full_name }: NamedComponent): boolean =>
    !undone.has(keyOf({ type, fullName: full_name }))
  const remaining: RollbackResult['remaining'] = [
    ...named([...reversal.remove, ...reversal.restore]).map((component) => ({
      ...component,
      reason: 'Salesforce did not roll it back.',
    })),
    ...remainingOf(reversal.kept),
  ]
  const result: RollbackResult = {
    ...planned,
    status: remaining.length === 0 ? 'complete' : 'partial',
    removed: planned.removed.filter(isUndone),
    restored: planned.restored.filter(isUndone),
    kept,
    remaining,
    error: null,
  }
  result.proof = prove(result, decided)
  await journal.end(
    { error: null, result },
    {
      rollback: result,
      progress: ended,
      ...(remaining.length === 0
        ? { status: 'rolled_back' as const, rolled_back_at: 'now' as const, error: null }
        : {}),
    },
    spent(),
  )
  return 'stop'
}

/** A permission set that was released for it may already be unassigned. */
const isReleased = (state: State): boolean => toUnassign(state).length > 0

export const planRollback: RunKind = {
  stages: { read: reading, release: releasing, submit: sending, wait: waiting, verify: verifying },
  changesBeforeSending: isReleased,
  fail: (journal, state, fault, calls) => endUnseen({ journal, spent: () => calls }, state, fault),
}
