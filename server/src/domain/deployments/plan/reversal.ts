// What taking a deployment back would do, from what was there before, what the deployment left behind
// and what is there now. Pure: it decides, nothing is sent here.

import { type JsonObject } from '../../../salesforce/json.ts'
import {
  type AccessChange,
  readAccess,
  takeOutOfPermissionSet,
  takeOutOfProfile,
} from '../../plan/access.ts'
import { type Component, type ComponentType, filePath } from '../../plan/components.ts'
import { fileDifferences, type ObjectImage, restoreObjectFile } from '../../metadata/object-file.ts'
import { takeOutOfLayout } from '../../plan/layouts.ts'
import { destructiveChanges, membersOf } from '../../plan/manifest.ts'
import { sameName } from '../../metadata/names.ts'
import { type Plan } from '../../plan/schema.ts'
import { type AssignmentsSeen } from './assignment.ts'
import {
  addedValues,
  type FileParts,
  memberOf,
  ownerOf,
  partsIn,
  picklistOf,
  samePart,
} from './parts.ts'
import { withDeactivated } from './picklists.ts'
import { keyOf, type Changes, type ComponentRow } from '../rows.ts'
import { type StoredPackage, storePackage } from '../run/send.ts'

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

export interface Kept {
  component: Component
  reason: string
  /** Somebody changed it since, so who and when is worth telling. */
  drifted: boolean
  /** It could be taken out still, if it is named. */
  removable: boolean
}

export interface Reversal {
  remove: Component[]
  restore: Component[]
  kept: Kept[]
  package: StoredPackage
  /** The permission set is to be taken from the connected user. */
  unassign: boolean
}

const DRIFT = 'Changed by somebody else since.'

/** What an entry of a profile, by its list, is about: the entry goes with it. */
const GRANTED: Readonly<Record<string, ComponentType>> = {
  objectPermissions: 'CustomObject',
  fieldPermissions: 'CustomField',
  recordTypeVisibilities: 'RecordType',
  tabVisibilities: 'CustomTab',
}

export const reverse = (input: ReversalInput): Reversal => {
  const { plan, named } = input
  const [before, after, now] = [partsIn(input.before), partsIn(input.after), partsIn(input.now)]
  const found: Reversal = {
    remove: [],
    restore: [],
    kept: [],
    package: storePackage({ files: new Map(), members: new Map() }),
    unassign: false,
  }
  const files = new Map<string, string>()
  const deactivated = new Map<string, JsonObject>()
  const isNamed = (component: Component): boolean => named?.has(keyOf(component)) ?? false
  const keep = (component: Component, reason: string, drifted = false, removable = true): void => {
    found.kept.push({ component, reason, drifted, removable })
  }

  const rows = input.rows.filter(({ action }) => action === 'created' || action === 'updated')
  const components = rows.map((row) => ({
    component: { type: row.type as ComponentType, fullName: row.full_name },
    row,
  }))

  /** An object that was made and whose file is not as the deployment left it holds somebody's work. */
  const objectDrifted = (object: string): boolean => {
    const path = filePath('CustomObject', object)
    const [left, is] = [after.file(path), now.file(path)]
    if (left === null || is === null) return is !== null
    return fileDifferences('CustomObject', left, is).length > 0
  }
  const goes = new Set<string>()
  const stays = new Set<string>()
  for (const { component, row } of components) {
    if (component.type !== 'CustomObject' || row.action !== 'created') continue
    if (named !== null ? isNamed(component) : !objectDrifted(component.fullName)) {
      goes.add(sameName(component.fullName))
    } else stays.add(sameName(component.fullName))
  }
  const ownerName = ({ type, fullName }: Component): string => {
    if (type === 'Layout') return fullName.slice(0, fullName.indexOf('-'))
    return type === 'CustomTab' ? fullName : ownerOf(fullName)
  }

  const created = ({ component }: { component: Component }): void => {
    const is = now.part(component)
    if (is === null) return // gone already
    const owner = sameName(ownerName(component))
    const named_ = isNamed(component)
    if (named !== null && !named_ && !goes.has(owner)) {
      keep(component, 'Not named in components.')
    } else if (goes.has(owner)) {
      found.remove.push(component)
    } else if (component.type === 'RecordType') {
      keep(component, 'Salesforce deletes no record type by API.', false, false)
    } else if (named_) {
      found.remove.push(component)
    } else if (component.type === 'CustomObject') {
      keep(component, 'It, or something on it, was changed by somebody else since.', true)
    } else if (stays.has(owner)) {
      keep(component, 'Its object stays.')
    } else if (!samePart(after.part(component), is)) keep(component, DRIFT, true)
    else found.remove.push(component)
  }

  const updated = ({ component }: { component: Component }): void => {
    const [was, left, is] = [before, after, now].map((image) => image.part(component))
    if (was == null || is == null) {
      if (is == null) keep(component, 'Deleted by somebody else since.', false, false)
      return
    }
    if (samePart(was, is)) return
    if (named !== null && !isNamed(component)) {
      keep(component, 'Not named in components.')
      return
    }
    if (!isNamed(component)) {
      if (!samePart(left ?? null, is)) {
        // Values that an earlier rollback deactivated are all that can be done about them.
        const rest = component.type === 'CustomField' && isRestoredButValues(was, is)
        if (rest) keep(component, 'Values it gained are deactivated.', false, false)
        else keep(component, DRIFT, true)
        return
      }
      if (component.type === 'CustomField' && was.type !== is.type) {
        keep(component, 'Its type was converted; converting it back may lose values.')
        return
      }
    }
    if (component.type === 'CustomField' && addedValues(was, is).length > 0) {
      if (isRestoredButValues(was, is)) {
        keep(component, 'Values it gained are deactivated.', false, false)
        return
      }
      deactivated.set(keyOf(component), withDeactivated(was, is))
    }
    found.restore.push(component)
  }

  const SHARED = new Set<string>(['PermissionSet', 'Profile', 'Layout'])
  for (const one of components) {
    const { type } = one.component
    if (SHARED.has(type) && (one.row.action === 'updated' || type === 'PermissionSet')) continue
    if (one.row.action === 'created') created(one)
    else updated(one)
  }

  const keptKeys = new Set(found.kept.map(({ component }) => keyOf(component)))
  const removedKeys = new Set(found.remove.map(keyOf))
  // A record type that nobody can delete by API needs no access of ours to stay.
  const staying = new Set(
    found.kept
      .filter(({ component, removable }) => removable || component.type !== 'RecordType')
      .map(({ component }) => keyOf(component)),
  )
  /** Does an entry of a shared file belong to something that stays? */
  const belongsToKept = (key: string): boolean =>
    ['CustomField', 'CustomObject', 'RecordType', 'CustomTab'].some((type) =>
      staying.has(keyOf({ type, fullName: key })),
    )
  const ours = (changes: readonly AccessChange[] = []): AccessChange[] =>
    changes.filter(({ key }) => !belongsToKept(key))

  for (const { component, row } of components) {
    const { type, fullName } = component
    if (!SHARED.has(type) || (row.action === 'created' && type !== 'PermissionSet')) continue
    const path = filePath(type, fullName)
    const text = now.file(path)
    if (text === null || path === null) continue
    if (named !== null && !isNamed(component)) {
      if (!samePart(before.part(component), now.part(component))) {
        keep(component, 'Not named in components.')
      }
      continue
    }
    if (type === 'PermissionSet') {
      const entries = ours(input.changes.permissionSets[fullName])
      const out = takeOutOfPermissionSet(text, entries)
      const left = after.file(path)
      // What would be left of it is what we made it with: nobody else has put anything in.
      const untouched =
        left !== null &&
        out.kept.length === 0 &&
        isSameFile(takeOutOfPermissionSet(left, entries).text, out.text)
      const others = isAssigned(input, fullName) ? (input.assignments?.others ?? 0) : 0
      const all = entries.length === (input.changes.permissionSets[fullName]?.length ?? 0)
      if (row.action === 'created' && all && (untouched || isNamed(component)) && others === 0) {
        found.remove.push(component)
        removedKeys.add(keyOf(component))
        continue
      }
      if (out.removed.length > 0) {
        found.restore.push(component)
        files.set(path, out.text)
      }
      if (out.kept.length > 0) keep(component, `${DRIFT} ${out.kept.join(', ')}`, true)
      else if (row.action === 'created') {
        const why =
          others > 0 ? `It is assigned to ${others} other users.` : 'It holds other entries by now.'
        keep(component, `${why} Only ours are taken out.`, false, false)
      }
    } else if (type === 'Profile') {
      const present = readAccess(text, 'Profile')
      const entries = ours(input.changes.profiles[fullName]).filter(
        ({ list, key }) => !removedKeys.has(keyOf({ type: GRANTED[list] ?? '', fullName: key })),
      )
      const still = entries.filter((change) => isAsLeft(present[change.list] ?? [], change))
      if (still.length > 0) {
        found.restore.push(component)
        files.set(path, takeOutOfProfile(still))
      }
    } else {
      const change = input.changes.layouts[fullName]
      if (change === undefined) continue
      const object = ownerName(component)
      const fields = change.fields.filter((field) => !belongsToKept(`${object}.${field}`))
      const out = takeOutOfLayout(text, { ...change, fields })
      if (out.removed.length > 0) {
        found.restore.push(component)
        files.set(path, out.text)
      }
      if (out.kept.length > 0) {
        keep(
          component,
          `Sections that hold other fields by now: ${out.kept.join(', ')}.`,
          false,
          false,
        )
      }
    }
  }

  for (const [path, text] of objectFiles(before, found.restore, deactivated)) files.set(path, text)
  const destructive = destructiveChanges(found.remove, plan)
  for (const component of destructive.notDeletable) {
    if (!keptKeys.has(keyOf(component))) {
      keep(component, 'Salesforce does not delete it by API.', false, false)
    }
  }
  const undeletable = new Set(destructive.notDeletable.map(keyOf))
  found.remove = found.remove.filter((component) => !undeletable.has(keyOf(component)))
  found.package = storePackage({
    files,
    members: membersOf(found.restore),
    deleteAfter: destructive.deleteAfter,
  })
  found.unassign = mayUnassign(input, before, now, found, files)
  return found
}

const isSameFile = (a: string, b: string): boolean =>
  fileDifferences('PermissionSet', a, b).length === 0

const isAssigned = ({ changes }: ReversalInput, permissionSet: string): boolean =>
  changes.assignment !== null &&
  sameName(changes.assignment.permission_set) === sameName(permissionSet)

/** Back as it was but for values that it gained, all of them inactive by now. */
const isRestoredButValues = (was: JsonObject, is: JsonObject): boolean => {
  const active = picklistOf(is)
  const added = addedValues(was, is)
  return (
    added.length > 0 &&
    added.every((value) => active.get(value) === false) &&
    samePart(withDeactivated(was, is), is)
  )
}

/** An entry of a profile that still grants what the deployment granted. */
const isAsLeft = (
  entries: readonly Record<string, string>[],
  { key, after }: AccessChange,
): boolean => {
  if (after === null) return false
  const entry = entries.find((one) =>
    Object.values(one).some((value) => sameName(value) === sameName(key)),
  )
  return (
    entry !== undefined &&
    Object.entries(after).every(([name, value]) => sameName(entry[name] ?? '') === sameName(value))
  )
}

/** Object files that put back what is to be restored on each object. */
const objectFiles = (
  before: FileParts,
  restore: readonly Component[],
  deactivated: ReadonlyMap<string, JsonObject>,
): Map<string, string> => {
  const files = new Map<string, string>()
  const inObjects = restore.filter(({ type }) =>
    ['CustomObject', 'CustomField', 'RecordType', 'ValidationRule'].includes(type),
  )
  for (const object of new Set(inObjects.map(({ fullName }) => ownerOf(fullName)))) {
    const image = before.object(object)
    const path = filePath('CustomObject', object)
    if (image === null || path === null) continue
    const names = (type: ComponentType): string[] =>
      inObjects
        .filter((one) => one.type === type && sameName(ownerOf(one.fullName)) === sameName(object))
        .map(({ fullName }) => memberOf(fullName))
    const withValues: ObjectImage = {
      ...image,
      fields: image.fields.map((field) => ({
        ...field,
        element:
          deactivated.get(keyOf({ type: 'CustomField', fullName: `${object}.${field.apiName}` })) ??
          field.element,
      })),
    }
    files.set(
      path,
      restoreObjectFile(withValues, {
        settings: names('CustomObject').length > 0,
        fields: names('CustomField'),
        recordTypes: names('RecordType'),
        validationRules: names('ValidationRule'),
      }),
    )
  }
  return files
}

/**
 * The assignment is ours to take back where we made it and the permission set goes, or is as it was
 * before the deploy: as long as it holds more, other deployments need it.
 */
const mayUnassign = (
  { changes, assignments, named }: ReversalInput,
  before: FileParts,
  now: FileParts,
  { remove }: Reversal,
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
