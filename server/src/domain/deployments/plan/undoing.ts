// What becomes of one component when its deployment is taken back, kind by kind. Pure functions: each
// looks at what was there before, what the deployment left and what is there now.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type FileDifference, fileDifferences } from '../../metadata/object-file.ts'
import { sameName } from '../../metadata/names.ts'
import {
  type AccessChange,
  readAccess,
  takeOutOfPermissionSet,
  takeOutOfProfile,
} from '../../plan/access.ts'
import { type Component, filePath } from '../../plan/components.ts'
import { type LayoutChange, takeOutOfLayout } from '../../plan/layouts.ts'
import { keyOf } from '../rows.ts'
import { addedValues, type FileParts, ownerOf, picklistOf, samePart } from './parts.ts'
import { withDeactivated } from './picklists.ts'

/** What the fate of a component depends on beside itself. */
export interface Scene {
  before: FileParts
  /** Empty where the deployment's outcome was never known: then nothing is taken for ours unasked. */
  after: FileParts
  now: FileParts
  /** Named by the caller: only these, and these whatever happened to them since. Null: all. */
  named: ReadonlySet<string> | null
  /** Objects that the deployment made, in small letters: those that are deleted. */
  goes: ReadonlySet<string>
  /** … and those that are not. */
  stays: ReadonlySet<string>
}

export interface Reason {
  reason: string
  /** Somebody changed it since: who and when is shown. */
  drifted: boolean
  /** It could be taken out still, if it is named. */
  removable: boolean
}

export interface Undoing {
  /** It is deleted. */
  remove: boolean
  /** It is put back: a part of an object as its element, anything else as its file. */
  restore: { element: JsonObject } | { file: string } | null
  /** Why it stays, or what of it stays. */
  kept: Reason | null
}

/** It is gone, or as it was: nothing is to be done and nothing to be told. */
export const NOTHING: Undoing = { remove: false, restore: null, kept: null }
const REMOVED: Undoing = { ...NOTHING, remove: true }

const keep = (reason: string, { drifted = false, removable = true } = {}): Undoing => ({
  ...NOTHING,
  kept: { reason, drifted, removable },
})

const NOT_NAMED = keep('Not named in components.')
const DRIFTED = 'Changed by somebody else since.'
const VALUES_DEACTIVATED = keep('Values it gained are deactivated.', { removable: false })

const isNamed = (component: Component, { named }: Scene): boolean =>
  named?.has(keyOf(component)) ?? false

const isLeftOut = (component: Component, scene: Scene): boolean =>
  scene.named !== null && !isNamed(component, scene)

/** The object with which a component comes and goes. */
export const objectOf = ({ type, fullName }: Component): string =>
  type === 'Layout' ? fullName.slice(0, fullName.indexOf('-')) : ownerOf(fullName)

/** An object that was made and whose file is not as the deployment left it holds somebody's work. */
export const isObjectDrifted = (
  object: string,
  { after, now }: Pick<Scene, 'after' | 'now'>,
): boolean => {
  const path = filePath('CustomObject', object)
  const [left, is] = [after.file(path), now.file(path)]
  if (left === null || is === null) return is !== null
  return fileDifferences('CustomObject', left, is).length > 0
}

/** An object that the deployment made. */
export const undoMadeObject = (component: Component, scene: Scene): Undoing => {
  if (scene.now.part(component) === null) return NOTHING
  if (scene.goes.has(sameName(component.fullName))) return REMOVED
  if (isLeftOut(component, scene)) return NOT_NAMED
  return keep('It, or something on it, was changed by somebody else since.', { drifted: true })
}

/** Something that the deployment made on an object: a field, a rule, a layout, a tab. */
export const undoMade = (component: Component, scene: Scene): Undoing => {
  const is = scene.now.part(component)
  if (is === null) return NOTHING
  const object = sameName(objectOf(component))
  if (scene.goes.has(object)) return REMOVED
  if (isLeftOut(component, scene)) return NOT_NAMED
  if (isNamed(component, scene)) return REMOVED
  if (scene.stays.has(object)) return keep('Its object stays.')
  if (!samePart(scene.after.part(component), is)) return keep(DRIFTED, { drifted: true })
  return REMOVED
}

/** A record type that the deployment made: it goes with its object or not at all. */
export const undoMadeRecordType = (component: Component, scene: Scene): Undoing => {
  const isDecided =
    scene.now.part(component) === null ||
    scene.goes.has(sameName(objectOf(component))) ||
    isLeftOut(component, scene)
  return isDecided
    ? undoMade(component, scene)
    : keep('Salesforce deletes no record type by API.', { removable: false })
}

/** Something that was there before the deployment and that it changed: it is put back as it was. */
export const undoChange = (component: Component, scene: Scene): Undoing => {
  const [was, is] = [scene.before.part(component), scene.now.part(component)]
  if (is === null) return keep('Deleted by somebody else since.', { removable: false })
  if (was === null || samePart(was, is)) return NOTHING
  if (isLeftOut(component, scene)) return NOT_NAMED
  if (!isNamed(component, scene) && !samePart(scene.after.part(component), is)) {
    return keep(DRIFTED, { drifted: true })
  }
  return { ...NOTHING, restore: { element: was } }
}

/** A field that was there before: values that its picklist gained are deactivated. */
export const undoFieldChange = (component: Component, scene: Scene): Undoing => {
  const [was, is] = [scene.before.part(component), scene.now.part(component)]
  const undoing = undoChange(component, scene)
  if (was === null || is === null || isLeftOut(component, scene)) return undoing
  // Values that an earlier rollback deactivated are all that can be done about them.
  if (isRestoredButValues(was, is)) return VALUES_DEACTIVATED
  if (undoing.restore === null) return undoing
  if (was.type !== is.type && !isNamed(component, scene)) {
    return keep('Its type was converted; converting it back may lose values.')
  }
  return addedValues(was, is).length > 0
    ? { ...NOTHING, restore: { element: withDeactivated(was, is) } }
    : undoing
}

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

/**
 * A file that others write to as well is not looked at as a whole. Null: what is ours is to be taken
 * out of the text.
 */
const undoWithoutLooking = (component: Component, scene: Scene): Undoing | null => {
  if (scene.now.file(filePath(component.type, component.fullName)) === null) return NOTHING
  if (!isLeftOut(component, scene)) return null
  return samePart(scene.before.part(component), scene.now.part(component)) ? NOTHING : NOT_NAMED
}

export interface GrantsToTakeBack {
  /** Entries of ours, without those of components that stay. */
  entries: readonly AccessChange[]
  /** None of ours is to stay. */
  all: boolean
  /** How many users other than the connected one have it. */
  others: number
  /** The deployment made the permission set. */
  made: boolean
}

const differences = (a: string, b: string): FileDifference[] =>
  fileDifferences('PermissionSet', a, b)

/** A permission set: one that we made goes if nobody else uses it, else our entries are taken out. */
export const undoPermissionSet = (
  component: Component,
  { entries, all, others, made }: GrantsToTakeBack,
  scene: Scene,
): Undoing => {
  const path = filePath('PermissionSet', component.fullName)
  const text = scene.now.file(path) ?? ''
  const early = undoWithoutLooking(component, scene)
  if (early !== null) return early

  const out = takeOutOfPermissionSet(text, entries)
  const left = scene.after.file(path)
  // What would be left of it is what we made it with: nobody else has put anything in.
  const untouched =
    left !== null &&
    out.kept.length === 0 &&
    differences(takeOutOfPermissionSet(left, entries).text, out.text).length === 0
  if (made && all && others === 0 && (untouched || isNamed(component, scene))) return REMOVED

  const restore = out.removed.length > 0 ? { file: out.text } : null
  if (out.kept.length > 0) {
    const { kept } = keep(`${DRIFTED} ${out.kept.join(', ')}`, { drifted: true })
    return { remove: false, restore, kept }
  }
  if (!made) return { ...NOTHING, restore }
  const why =
    others > 0 ? `It is assigned to ${others} other users.` : 'It holds other entries by now.'
  const { kept } = keep(`${why} Only ours are taken out.`, { removable: false })
  return { remove: false, restore, kept }
}

/** A profile: entries that still grant what we granted are set back. */
export const undoProfile = (
  component: Component,
  entries: readonly AccessChange[],
  scene: Scene,
): Undoing => {
  const early = undoWithoutLooking(component, scene)
  if (early !== null) return early
  const text = scene.now.file(filePath('Profile', component.fullName)) ?? ''
  const present = readAccess(text, 'Profile')
  const still = entries.filter((change) => isAsLeft(present[change.list] ?? [], change))
  return still.length === 0 ? NOTHING : { ...NOTHING, restore: { file: takeOutOfProfile(still) } }
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

/** A layout that was there before: our fields and sections are taken out. */
export const undoLayoutChange = (
  component: Component,
  change: LayoutChange | undefined,
  scene: Scene,
): Undoing => {
  const early = undoWithoutLooking(component, scene)
  if (early !== null || change === undefined) return early ?? NOTHING
  const text = scene.now.file(filePath('Layout', component.fullName)) ?? ''
  const out = takeOutOfLayout(text, change)
  const stay = `Sections that hold other fields by now: ${out.kept.join(', ')}.`
  return {
    remove: false,
    restore: out.removed.length > 0 ? { file: out.text } : null,
    kept: out.kept.length > 0 ? keep(stay, { removable: false }).kept : null,
  }
}
