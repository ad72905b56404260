// What taking a deployment back would do, from what was there before, what the deployment left behind
// and what is there now. Pure: it decides, nothing is sent here.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type Component, type ComponentType, filePath } from '../../plan/components.ts'
import { fileDifferences } from '../../metadata/object-file.ts'
import { sameName } from '../../metadata/names.ts'
import { destructiveChanges, membersOf } from '../../plan/manifest.ts'
import { type Plan } from '../../plan/schema.ts'
import { keyOf, type Changes, type ComponentRow } from '../rows.ts'
import { type StoredPackage, storePackage } from '../run/send.ts'
import { type AssignmentsSeen } from './assignment.ts'
import { partsIn, writeParts } from './parts.ts'
import {
  isObjectDrifted,
  objectOf,
  type Reason,
  type Scene,
  undoChange,
  undoFieldChange,
  type Undoing,
  undoLayoutChange,
  undoMade,
  undoMadeObject,
  undoMadeRecordType,
  undoPermissionSet,
  undoProfile,
} from './undoing.ts'

type Files = ReadonlyMap<string, string>

export interface ReversalInput {
  plan: Plan
  rows: readonly ComponentRow[]
  before: Files
  /** Empty where the deployment's outcome was never known: then nothing is taken for ours unasked. */
  after: Files
  now: Files
  changes: Changes
  /** Named by the caller: only these, and these whatever happened to them since. Null: all. */
  named: ReadonlySet<string> | null
  /** Who has the plan's permission set now; null where it wants none assigned. */
  assignments: AssignmentsSeen | null
}

export interface Kept extends Reason {
  component: Component
}

export interface Reversal {
  remove: Component[]
  restore: Component[]
  kept: Kept[]
  package: StoredPackage
  /** The permission set is to be taken from the connected user. */
  unassign: boolean
}

/** What an entry of a profile, by its list, is about: the entry goes with it. */
const GRANTED: Readonly<Record<string, ComponentType>> = {
  objectPermissions: 'CustomObject',
  fieldPermissions: 'CustomField',
  recordTypeVisibilities: 'RecordType',
  tabVisibilities: 'CustomTab',
}

interface Change {
  component: Component
  made: boolean
}

const changesIn = (rows: readonly ComponentRow[]): Change[] =>
  rows
    .filter(({ action }) => action === 'created' || action === 'updated')
    .map(({ type, full_name, action }) => ({
      component: { type: type as ComponentType, fullName: full_name },
      made: action === 'created',
    }))

/** Which of the objects that were made are deleted, and which stay. */
const objectsMade = (
  changes: readonly Change[],
  { named, ...images }: Pick<Scene, 'after' | 'now' | 'named'>,
): Pick<Scene, 'goes' | 'stays'> => {
  const made = changes.filter(({ component, made }) => made && component.type === 'CustomObject')
  const isGoing = ({ component }: Change): boolean =>
    named === null ? !isObjectDrifted(component.fullName, images) : named.has(keyOf(component))
  const namesOf = (some: readonly Change[]) =>
    new Set(some.map(({ component }) => sameName(component.fullName)))
  return {
    goes: namesOf(made.filter(isGoing)),
    stays: namesOf(made.filter((change) => !isGoing(change))),
  }
}

/** Files that hold other people's content too: what of them is ours depends on what else stays. */
const isShared = ({ component: { type }, made }: Change): boolean =>
  type === 'PermissionSet' || (!made && (type === 'Profile' || type === 'Layout'))

const undoOwn = ({ component, made }: Change, scene: Scene): Undoing => {
  const { type } = component
  if (!made) return (type === 'CustomField' ? undoFieldChange : undoChange)(component, scene)
  if (type === 'CustomObject') return undoMadeObject(component, scene)
  return (type === 'RecordType' ? undoMadeRecordType : undoMade)(component, scene)
}

interface Undone {
  component: Component
  undoing: Undoing
}

/** Takes what is ours out of shared files, but for the entries of components that stay. */
const undoShared = (
  { component, made }: Change,
  input: ReversalInput,
  scene: Scene,
  own: readonly Undone[],
): Undoing => {
  const { type, fullName } = component
  const keysOf = (some: readonly Undone[]) => new Set(some.map((one) => keyOf(one.component)))
  const removed = keysOf(own.filter(({ undoing }) => undoing.remove))
  // A record type that nobody can delete by API needs no access of ours to stay.
  const staying = keysOf(
    own.filter(
      ({ component: one, undoing: { kept } }) =>
        kept !== null && (kept.removable || one.type !== 'RecordType'),
    ),
  )
  /** Does an entry belong to something that stays? */
  const isOurs = (name: string): boolean =>
    !Object.values(GRANTED).some((granted) => staying.has(keyOf({ type: granted, fullName: name })))

  if (type === 'PermissionSet') {
    const all = input.changes.permissionSets[fullName] ?? []
    const entries = all.filter(({ key }) => isOurs(key))
    const others = isAssigned(input, fullName) ? (input.assignments?.others ?? 0) : 0
    const grants = { entries, all: entries.length === all.length, others, made }
    return undoPermissionSet(component, grants, scene)
  }
  if (type === 'Profile') {
    const entries = (input.changes.profiles[fullName] ?? []).filter(
      ({ list, key }) =>
        isOurs(key) && !removed.has(keyOf({ type: GRANTED[list] ?? '', fullName: key })),
    )
    return undoProfile(component, entries, scene)
  }
  const change = input.changes.layouts[fullName]
  const fields = change?.fields.filter((field) => isOurs(`${objectOf(component)}.${field}`)) ?? []
  return undoLayoutChange(component, change && { ...change, fields }, scene)
}

/** What taking the deployment back does to each component, and the package that does it. */
export const reverse = (input: ReversalInput): Reversal => {
  const { plan, named } = input
  const [before, after, now] = [partsIn(input.before), partsIn(input.after), partsIn(input.now)]
  const changes = changesIn(input.rows)
  const scene: Scene = { before, after, now, named, ...objectsMade(changes, { after, now, named }) }

  const own = changes
    .filter((change) => !isShared(change))
    .map((change) => ({ component: change.component, undoing: undoOwn(change, scene) }))
  const shared = changes.filter(isShared).map((change) => ({
    component: change.component,
    undoing: undoShared(change, input, scene, own),
  }))

  const undone = [...own, ...shared]
  const removed = undone.filter(({ undoing }) => undoing.remove).map(({ component }) => component)
  const restored = undone.filter(({ undoing }) => undoing.restore !== null)
  const kept = undone.flatMap(({ component, undoing }) =>
    undoing.kept === null ? [] : [{ component, ...undoing.kept }],
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
      })),
    ],
    package: storePackage({
      files,
      members: membersOf(restore),
      deleteAfter: destructive.deleteAfter,
    }),
    unassign: mayUnassign(input, scene, remove, files),
  }
}

const isSameFile = (a: string, b: string): boolean =>
  fileDifferences('PermissionSet', a, b).length === 0

const isAssigned = ({ changes }: ReversalInput, permissionSet: string): boolean =>
  changes.assignment !== null &&
  sameName(changes.assignment.permission_set) === sameName(permissionSet)

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
 * The assignment is ours to take back where we made it and the permission set goes, or is as it was
 * before the deploy: as long as it holds more, other deployments need it.
 */
const mayUnassign = (
  { changes, assignments, named }: ReversalInput,
  { before, now }: Scene,
  remove: readonly Component[],
  files: ReadonlyMap<string, string>,
): boolean => {
  const { assignment } = changes
  if (assignment === null || !assignment.made_by_us || assignments?.assignmentId == null)
    return false
  const component = { type: 'PermissionSet' as const, fullName: assignment.permission_set }
  if (named !== null && !named.has(keyOf(component))) return false
  if (remove.some((one) => keyOf(one) === keyOf(component))) return true
  const path = filePath('PermissionSet', assignment.permission_set)
  const was = before.file(path)
  const next = (path === null ? undefined : files.get(path)) ?? now.file(path)
  return was !== null && next !== null && isSameFile(was, next)
}
