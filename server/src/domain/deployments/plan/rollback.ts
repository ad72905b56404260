// The rollback: read → release → submit → wait → verify. What it rolls back is decided again from the
// state when it runs, and what it reports in the end from a second reading.

import { type Progress, type WorkFault } from '../../../db/types.ts'
import { EngineError, type MemberError } from '../../../errors.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { type FileProperties, listMetadata } from '../../../salesforce/metadata.ts'
import { samePart } from '../../metadata/equality.ts'
import { kindOf, objectOf, PART_KINDS } from '../../metadata/kinds.ts'
import { type Component, keyOf, ownerOf, sameName } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'
import { type Plan } from '../../plan/schema.ts'
import { diffDescribes } from '../../topology/diff.ts'
import { assign, readAssignments, unassign } from './assignment.ts'
import { clip } from '../../../text.ts'
import { plural } from '../../words.ts'
import { type Context, type RunKind, type Stage, type State } from '../run/context.ts'
import {
  awaitPackage,
  endDryRun,
  endRollback,
  type Endings,
  refusalOf,
  sendPackage,
  unclearFault,
} from '../run/outcome.ts'
import { readBeside } from './beside.ts'
import { heldData, type HeldData } from './data-guard.ts'
import { readHolding } from './holding-records.ts'
import { type Images, readImages, type Reading } from './images.ts'
import { type Kept, type Reversal, reverse } from './reversal.ts'
import { readUsers } from './users.ts'
import {
  changesOf,
  type ComponentRow,
  componentsById,
  type KeptComponent,
  type NamedComponent,
  nothingYet,
  removedByRollbacks,
  planOf,
  type Proof,
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

interface Decided {
  reversal: Reversal
  reading: Reading
  before: Images
  after: Images
  rows: ComponentRow[]
}

/** Reads the Salesforce org and decides what to roll back in its current state. */
const decide = async (context: Context, { run, deployment }: State): Promise<Decided> => {
  const { org, journal, deps } = context
  const plan = planOf(deployment)
  const changes = changesOf(deployment)
  const options = run.options as RollbackOptions
  const [before, after] = [await journal.loadImages('before'), await journal.loadImages('after')]
  const reading = await readImages(org, plan)
  const { assignment } = changes
  const assignments =
    assignment === null
      ? null
      : await readAssignments(org, assignment.permission_set, assignment.assignee_id)
  const { rows, removedBefore } = await deps.db.as(journal.tenant).tx(async (tx) => ({
    rows: await componentsById(tx, journal.tenant, deployment.id),
    removedBefore: await removedByRollbacks(tx, journal.tenant, deployment.id),
  }))
  const made = asComponents(rows.filter(({ action }) => action === 'created'))
  const reversal = reverse({
    plan,
    rows,
    before: before.files,
    after: after.files,
    now: reading.files,
    removedBefore: asComponents(removedBefore),
    changes,
    named:
      options.components === null ? null : new Set(asComponents(options.components).map(keyOf)),
    assignments,
    beside: await readBeside(org, plan, changes, reading),
    users: await readUsers(org, made, reading),
    holding: await readHolding(org, made, reading),
  })
  return { reversal, reading, before, after, rows }
}

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
  return kept.map(({ component, reason, drifted }) => {
    const who = drifted ? known.get(keyOf(component)) : undefined
    return {
      type: component.type,
      full_name: component.fullName,
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
  const options = state.run.options as RollbackOptions
  const { reversal, reading: now, before } = await decide(context, state)
  const { remove, restore } = reversal
  const data = await heldData(org, { remove, restore, before: before.files, now: now.files })
  const result: RollbackResult = {
    ...nothingYet(),
    removed: named(reversal.remove),
    restored: named(reversal.restore),
    kept: await toKept(org, reversal.kept, now.properties),
    remaining: remainingOf(reversal.kept),
    data: data.map(({ name, rows }) => ({ name, rows })),
  }
  if (options.dry_run) return trying(context, result, reversal)
  if (data.length > 0 && !options.allow_data_loss) {
    await endRollback(context, state.deployment, lossOf(data))
    return 'stop'
  }
  packageOf(reversal.package, org.apiVersion)
  await journal.step(
    { stage: 'release', package: { ...reversal.package, unassign: reversal.unassign } },
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
  result: RollbackResult,
  { package: contents, unassign }: Reversal,
): Promise<'next' | 'stop'> => {
  const { org, journal, spent } = context
  // Salesforce: a permission set that is assigned cannot be deleted, and a dry run unassigns nothing.
  const { PermissionSet: _, ...others } = contents.deleteAfter
  const checked = unassign ? { ...contents, deleteAfter: others } : contents
  if (isEmpty(checked)) return endDryRun(context, result, ended, null)
  packageOf(checked, org.apiVersion)
  await journal.step(
    { stage: 'submit', package: { ...checked, unassign: false } },
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

type RollbackPackage = StoredPackage & { unassign: boolean }

const isEmpty = ({ files, deleteAfter }: StoredPackage): boolean =>
  Object.keys(files).length === 0 && Object.values(deleteAfter).flat().length === 0

/** Salesforce: a permission set that is assigned to somebody cannot be deleted. */
const releasing: Stage = async (context, { run, deployment }) => {
  const { org, journal, spent } = context
  const contents = run.package as RollbackPackage
  const { assignment } = changesOf(deployment)
  if (contents.unassign && assignment !== null) {
    await unassign(org, assignment.permission_set, assignment.assignee_id)
  }
  const stage = isEmpty(contents) ? 'verify' : 'submit'
  await journal.step({ stage }, { progress: at(stage) }, spent())
  return 'next'
}

/** Restores what was released for a rollback that then did not happen. */
const takeBackRelease = async (context: Context, { run, deployment }: State): Promise<void> => {
  const { assignment } = changesOf(deployment)
  if (!(run.package as RollbackPackage).unassign || assignment === null) return
  await assign(context.org, assignment.permission_set, assignment.assignee_id)
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
      if (dry_run && result?.status === 'Failed') {
        await endDryRun(context, rollbackOf(deployment), ended, result)
        return
      }
      await takeBackRelease(context, state)
      await endRollback(context, deployment, fault, result)
    },
    reasonOf: refusalOf,
  }
}

const sending: Stage = (context, state) => sendPackage(context, state, endingsOf(context, state))

const waiting: Stage = (context, state) => awaitPackage(context, state, endingsOf(context, state))

/** Names of what differs between two describes: attributes of the object, fields, record types. */
const differencesOf = (before: JsonObject, after: JsonObject): string[] => {
  const diff = diffDescribes(before, after, { acrossOrgs: false, acrossVersions: false })
  if (diff === null) return []
  const parts = [...diff.fields, ...diff.record_types, ...diff.child_relationships]
  return [...diff.attributes.map(({ name }) => name), ...parts.map(({ api_name }) => api_name)]
}

const isShared = (type: string): boolean => {
  const kind = kindOf(type)
  return kind !== null && 'folder' in kind && kind.isShared === true
}

/**
 * Compares the second reading with what was there before the deploy: each component that was rolled
 * back, and the describes of objects on which nothing of ours stays.
 */
const prove = (
  plan: Plan,
  result: RollbackResult,
  { reversal, reading: now, before, after, rows }: Decided,
): Proof => {
  const proof: Proof = { complete: true, compared: 0, differences: [] }
  const [was, is] = [partsIn(before.files), partsIn(now.files)]
  const differ = (type: string, full_name: string, what: string): void => {
    proof.differences.push({ type, full_name, what })
  }
  const still = new Set([...reversal.remove, ...reversal.restore].map(keyOf))
  const stays = new Set(
    result.kept.map(({ type, full_name }) => keyOf({ type, fullName: full_name })),
  )
  for (const row of rows) {
    const component = { type: row.type, fullName: row.full_name }
    if (row.action === 'unchanged' || stays.has(keyOf(component))) continue
    proof.compared += 1
    if (still.has(keyOf(component))) {
      differ(row.type, row.full_name, 'It is still as the deployment left it.')
      continue
    }
    // Files that others also write to are restored when nothing of ours is left in them.
    if (isShared(row.type)) continue
    if (!samePart(was.part(component), is.part(component))) {
      differ(row.type, row.full_name, 'It is not as it was before the deployment.')
    }
  }
  const keptOn = new Set(
    result.kept.map(({ type, full_name }) =>
      sameName(isShared(type) ? '' : (objectOf({ type, fullName: full_name }) ?? '')),
    ),
  )
  const objects = new Set(
    rows
      .filter(({ type }) => type === 'CustomObject' || type === 'CustomField')
      .map(({ full_name }) => ownerOf(full_name)),
  )
  for (const object of objects) {
    if (keptOn.has(sameName(object))) continue
    proof.compared += 1
    const find = (describes: Images['describes']) =>
      [...describes].find(([name]) => sameName(name) === sameName(object))?.[1]
    const [earlier, left, present] = [before, after, now].map(({ describes }) => find(describes))
    if (earlier === undefined || present === undefined) {
      if (earlier !== present) {
        differ(
          'Describe',
          object,
          earlier === undefined ? 'It still exists.' : 'It no longer exists.',
        )
      }
      continue
    }
    // What also differs from the state that the deployment left was changed by somebody else since.
    const since = left === undefined ? new Set() : new Set(differencesOf(left, present))
    const ours = differencesOf(earlier, present).filter((name) => !since.has(name))
    if (ours.length > 0) {
      differ(
        'Describe',
        object,
        `Its describe differs from the one before the deployment: ${ours.join(', ')}.`,
      )
    }
  }
  if (reversal.unassign) {
    const name = plan.permissions.permission_set ?? ''
    differ('PermissionSetAssignment', name, 'The connected user still has the permission set.')
  }
  proof.complete = proof.differences.length === 0
  return proof
}

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
  result.proof = prove(planOf(deployment), result, decided)
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
const isReleased = ({ run }: State): boolean =>
  (run.package as RollbackPackage | null)?.unassign === true

export const planRollback: RunKind = {
  stages: { read: reading, release: releasing, submit: sending, wait: waiting, verify: verifying },
  changesBeforeSending: isReleased,
  fail: (journal, { deployment }, fault, calls) =>
    endRollback({ journal, spent: () => calls }, deployment, fault),
}
