// What rolling a deployment back would do, from the state before it, the state it left behind and the
// current state. Pure: it only decides, nothing is sent here.

import { type JsonObject } from '../../../salesforce/json.ts'
import { fileDifferences } from '../../metadata/equality.ts'
import { filePath, kindOf } from '../../metadata/kinds.ts'
import { isObjectDrifted } from '../../metadata/kinds/custom-object.ts'
import { mastersIn } from '../../metadata/masters.ts'
import { type Component, keyOf, sameName } from '../../metadata/names.ts'
import { partsIn, withoutParts, writeParts } from '../../metadata/parts.ts'
import {
  type Change,
  keep,
  NOTHING,
  OBJECT_STAYS,
  type Reason,
  type Scene,
  type Settled,
  type Undoing,
} from '../../metadata/undoing.ts'
import { destructiveChanges, membersOf } from '../../plan/manifest.ts'
import { type Plan } from '../../plan/schema.ts'
import {
  type Assignment,
  assignmentsOf,
  type Changes,
  type ComponentRow,
  type LeftComponent,
  type StayCode,
} from '../rows.ts'
import { type StoredPackage, storePackage } from '../run/send.ts'
import { type AssignmentsSeen } from './assignment.ts'
import { type Holding } from './holding-records.ts'
import { type Beside } from './beside.ts'
import { type RolledBackDeployment, rolledBackIn } from './rolled-back.ts'
import { type Users } from './users.ts'

type Files = ReadonlyMap<string, string>

export interface ReversalInput {
  plan: Plan
  rows: readonly ComponentRow[]
  before: Files
  /**
   * Empty if the deployment's outcome was never known: then nothing counts as ours unless the caller
   * names it.
   */
  after: Files
  now: Files
  /** Deployments whose rollbacks could not take back all. */
  rolledBack: readonly RolledBackDeployment[]
  /** What earlier rollbacks of the deployment removed: its absence is not somebody else's change. */
  removedBefore: readonly Component[]
  changes: Changes
  /** Named by the caller: only these are rolled back, even if others changed them since. Null: all. */
  named: ReadonlySet<string> | null
  /** Who has the permission sets now that were assigned, in the order of `assignmentsOf`. */
  assignments: readonly AssignmentsSeen[]
  /** Left alone, whatever else is decided. */
  leave?: readonly LeftComponent[]
  /** Details, beside the plan, of the objects that it gives access to. */
  beside: Beside
  /** What uses components of a kind that is kept while in use, by the components' keys. */
  users: Users
  /** The records that refer to the components, by the components' keys. */
  holding: Holding
}

export interface Kept extends Reason {
  component: Component
  code: StayCode
}

export interface Reversal {
  remove: Component[]
  restore: Component[]
  kept: Kept[]
  package: StoredPackage
  /** Permission sets to be removed from the users to whom they were assigned. */
  unassign: Assignment[]
}

const changesIn = (rows: readonly ComponentRow[]): Change[] =>
  rows
    .filter(({ action }) => action === 'created' || action === 'updated')
    .map(({ type, full_name, action, reversibility, reason }) => ({
      component: { type, fullName: full_name },
      made: action === 'created',
      told: { level: reversibility, reason: reason ?? '' },
    }))

/** What is left alone, by its key. */
type Lefts = ReadonlyMap<string, LeftComponent>

/** Which of the created objects are deleted, and which stay. */
const objectsMade = (
  changes: readonly Change[],
  { named, left, ...images }: Pick<Scene, 'after' | 'now' | 'since' | 'named'> & { left: Lefts },
): Pick<Scene, 'goes' | 'stays'> => {
  const made = changes.filter(({ component, made }) => made && component.type === 'CustomObject')
  const isGoing = ({ component }: Change): boolean =>
    left.has(keyOf(component))
      ? false
      : named === null
        ? !isObjectDrifted(component.fullName, images)
        : named.has(keyOf(component))
  const [goes, stays] = [new Set<string>(), new Set<string>()]
  for (const change of made)
    (isGoing(change) ? goes : stays).add(sameName(change.component.fullName))
  return { goes, stays }
}

interface Undone {
  component: Component
  made: boolean
  undoing: Undoing
}

const entryKey = (list: string, name: string): string => `${list}:${sameName(name)}`

/**
 * The entries that give access to this component, by list and name; none if its kind has no such
 * entries.
 */
const entriesOf = ({ type, fullName }: Component): string[] => {
  const access = kindOf(type)?.access
  const names = access?.keysOf?.(fullName) ?? [fullName]
  return (access?.lists ?? []).flatMap((list) => names.map((name) => entryKey(list, name)))
}

/** The entries that give access to its object, without which nobody sees it. */
const entriesOfObject = ({ type, fullName }: Component): string[] => {
  const kind = kindOf(type)
  const object = kind?.access === undefined ? null : kind.objectOf(fullName)
  return object === null ? [] : entriesOf({ type: 'CustomObject', fullName: object })
}

/** What happens to entries of other components that name these. */
const settle = (undone: readonly Undone[]): Settled => {
  const keysOf = (some: readonly Undone[]) => new Set(some.map(({ component }) => keyOf(component)))
  // A component that stays because it cannot be deleted by API does not need our access entries, nor
  // does one that existed before and has been restored as far as possible.
  const isDeletable = ({ type }: Component): boolean =>
    (kindOf(type)?.deletion.place ?? null) !== null
  const staying = undone
    .filter(
      ({ component, made, undoing: { kept } }) =>
        kept !== null && (kept.removable || (made && isDeletable(component))),
    )
    .map(({ component }) => component)
  const stays = new Set(staying.map(keyOf))
  const opening = new Set(staying.flatMap((one) => [...entriesOf(one), ...entriesOfObject(one)]))
  const gone = new Set(
    undone.filter(({ undoing }) => undoing.remove).flatMap(({ component }) => entriesOf(component)),
  )
  const takenBack = keysOf(undone.filter(({ undoing }) => undoing.remove || undoing.restore))
  return {
    isOurs: (list, name) => !opening.has(entryKey(list, name)),
    stays: (component) => stays.has(keyOf(component)),
    isTakenBack: (component) => takenBack.has(keyOf(component)),
    kept: undone
      .filter(({ component, undoing }) => undoing.kept !== null && !takenBack.has(keyOf(component)))
      .map(({ component }) => component),
    isRemoved: (list, name) => gone.has(entryKey(list, name)),
  }
}

const leftAlone = (left: LeftComponent | undefined): Undoing | null =>
  left === undefined ? null : keep(left.reason)

/** For programs: why it stays. */
const codeOf = (
  component: Component,
  { reason, drifted, removable }: Reason,
  left: Lefts,
): StayCode => {
  const known = left.get(keyOf(component))
  if (known !== undefined) return known.code
  if (drifted) return 'changed_by_others'
  if (reason === OBJECT_STAYS) return 'object_stays'
  return removable ? 'in_use' : 'cannot_be_deleted'
}

/** What happens to each component; files that hold entries of others come after those others. */
const undoAll = (changes: readonly Change[], scene: Scene, left: Lefts): Undone[] => {
  const answers = changes.map((change) => ({
    component: change.component,
    made: change.made,
    undoing:
      leftAlone(left.get(keyOf(change.component))) ??
      kindOf(change.component.type)?.undo(change, scene) ??
      NOTHING,
  }))
  const undone: Undone[] = []
  for (const { undoing, ...change } of answers) {
    if (typeof undoing !== 'function') undone.push({ ...change, undoing })
  }
  const settled = settle(undone)
  for (const { undoing, ...change } of answers) {
    if (typeof undoing === 'function') undone.push({ ...change, undoing: undoing(settled) })
  }
  return undone
}

/** What rolling the deployment back does to each component, and the package that does it. */
export const reverse = (input: ReversalInput): Reversal => {
  const { plan, named } = input
  const [before, now] = [partsIn(input.before), partsIn(input.now)]
  const after = partsIn(withoutParts(input.after, input.removedBefore))
  const changes = changesIn(input.rows)
  const left = new Map(
    (input.leave ?? []).map((one) => [keyOf({ type: one.type, fullName: one.full_name }), one]),
  )
  const since = rolledBackIn(input.rolledBack)
  const scene: Scene = {
    before,
    after,
    now,
    since,
    named,
    ...objectsMade(changes, { after, now, since, named, left }),
    changes: input.changes,
    othersWith: (permissionSet) => othersWith(input, permissionSet),
    mastersOf: mastersIn(
      { ...plan, objects: [] },
      (fullName) => now.file({ type: 'CustomObject', fullName }) ?? input.beside.file(fullName),
    ),
    opensBeside: (component) => input.beside.readable.get(keyOf(component)) ?? [],
    usersOf: (component) => input.users.get(keyOf(component)) ?? [],
    heldBy: (component) => input.holding.get(keyOf(component)) ?? [],
  }
  const undone = undoAll(changes, scene, left)
  const removed = undone.filter(({ undoing }) => undoing.remove).map(({ component }) => component)
  const restored = undone.filter(({ undoing }) => undoing.restore !== null)
  const kept = undone.flatMap(({ component, undoing }) =>
    undoing.kept === null
      ? []
      : [{ component, ...undoing.kept, code: codeOf(component, undoing.kept, left) }],
  )
  const destructive = destructiveChanges(removed, plan)
  const undeletable = new Set(destructive.notDeletable.map(keyOf))
  const remove = removed.filter((component) => !undeletable.has(keyOf(component)))
  const restore = restored.map(({ component }) => component)
  const files = filesOf(restored)
  return {
    remove,
    restore,
    kept: [
      ...kept,
      ...destructive.notDeletable.map((component) => ({
        component,
        reason: 'Salesforce does not delete it by API.',
        drifted: false,
        removable: false,
        code: 'cannot_be_deleted' as const,
      })),
    ],
    package: storePackage({
      files,
      members: membersOf(restore),
      deleteAfter: destructive.deleteAfter,
    }),
    unassign: assignmentsOf(input.changes).filter((assignment, at) =>
      mayUnassign(input, assignment, input.assignments[at], scene, remove, files),
    ),
  }
}

const isSameFile = (a: string, b: string): boolean =>
  fileDifferences('PermissionSet', a, b).length === 0

/** Users who have the set, beside those to whom we assigned it. */
const othersWith = (input: ReversalInput, permissionSet: string): number => {
  const seen = assignmentsOf(input.changes).flatMap((assignment, at) => {
    const found = input.assignments[at]
    return sameName(assignment.permission_set) === sameName(permissionSet) && found !== undefined
      ? [found]
      : []
  })
  const [first] = seen
  // Where the plan assigns nobody, everybody who has the set is somebody else.
  if (first === undefined) {
    const key = keyOf({ type: 'PermissionSet', fullName: permissionSet })
    return (input.holding.get(key) ?? []).reduce((sum, { rows }) => sum + rows, 0)
  }
  const all = first.others + (first.assignmentId === null ? 0 : 1)
  return all - seen.filter(({ assignmentId }) => assignmentId !== null).length
}

const filesOf = (undone: readonly Undone[]): Map<string, string> => {
  const files = new Map<string, string>()
  const elements: { component: Component; element: JsonObject }[] = []
  for (const { component, undoing } of undone) {
    if (undoing.restore === null) continue
    if ('element' in undoing.restore) {
      elements.push({ component, element: undoing.restore.element })
    } else files.set(filePath(component.type, component.fullName) ?? '', undoing.restore.file)
  }
  return new Map([...writeParts(elements), ...files])
}

/**
 * An assignment is rolled back if we made it and the permission set is deleted or is as it was before
 * the deploy: as long as it holds more, other deployments need it.
 */
const mayUnassign = (
  { named }: ReversalInput,
  assignment: Assignment,
  seen: AssignmentsSeen | undefined,
  { before, now }: Scene,
  remove: readonly Component[],
  files: ReadonlyMap<string, string>,
): boolean => {
  if (!assignment.made_by_us || seen?.assignmentId == null) return false
  const component = { type: 'PermissionSet', fullName: assignment.permission_set }
  if (named !== null && !named.has(keyOf(component))) return false
  if (remove.some((one) => keyOf(one) === keyOf(component))) return true
  const path = filePath('PermissionSet', assignment.permission_set)
  const was = before.file(component)
  const next = (path === null ? undefined : files.get(path)) ?? now.file(component)
  return was !== null && next !== null && isSameFile(was, next)
}
