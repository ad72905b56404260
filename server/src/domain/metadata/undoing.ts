// What happens to a component when its deployment is rolled back, decided from the state before, the
// state that the deployment left and the current state. Pure functions, shared by the kinds of
// components.

import { type JsonObject } from '../../salesforce/json.ts'
import { type AccessChange } from './entries.ts'
import { samePart } from './equality.ts'
import { listed } from '../words.ts'
import { type LayoutChange } from './layout-file.ts'
import { isAsLeft, type RolledBack } from './left-over.ts'
import { type MastersOf } from './masters.ts'
import { type Component, keyOf, sameName } from './names.ts'
import { type Reversibility } from './reversibility.ts'

/** The metadata files of one moment. Names are case-insensitive. */
export interface FileParts {
  /** The text of a component's own file; null if the component does not exist or has none. */
  file(component: Component): string | null
  /** The component as in the files, comparable by `sameElement`; null if it does not exist. */
  part(component: Component): JsonObject | null
}

/** What merging changed in files that hold other people's content too, by full name; plain JSON. */
export interface MergeChanges {
  permissionSets: Record<string, AccessChange[]>
  profiles: Record<string, AccessChange[]>
  layouts: Record<string, LayoutChange>
}

/** A component that a deployment created or changed. */
export interface Change {
  component: Component
  made: boolean
  /** What the deployment said about rolling it back. */
  told: Reversibility
}

export interface HoldingRecords {
  object: string
  rows: number
}

/** What the decision about a component depends on, beside the component itself. */
export interface Scene {
  before: FileParts
  /**
   * Empty if the deployment's outcome was never known: then nothing counts as ours unless the caller
   * names it.
   */
  after: FileParts
  now: FileParts
  /** Deployments of ours whose rollbacks could not take back all of a component. */
  since: (component: Component) => readonly RolledBack[]
  /** Named by the caller: only these are rolled back, even if others changed them since. Null: all. */
  named: ReadonlySet<string> | null
  /** Objects that the deployment created, in lower case: those that are deleted. */
  goes: ReadonlySet<string>
  /** … and those that are not. */
  stays: ReadonlySet<string>
  /** What the deployment recorded about files that it merged. */
  changes: MergeChanges
  /** How many users other than the connected one have a permission set. */
  othersWith: (permissionSet: string) => number
  /** The objects that an object's records are now read through. */
  mastersOf: MastersOf
  /** Objects beside those of the plan that a profile or permission set gives read access to. */
  opensBeside: (component: Component) => readonly string[]
  /** What uses a component now, as far as Salesforce says; for kinds that are kept while in use. */
  usersOf: (component: Component) => readonly Component[]
  /** The records that refer to a component now, by their object; for kinds that say which. */
  heldBy: (component: Component) => readonly HoldingRecords[]
}

/** What is known about the other components once they are decided. */
export interface Settled {
  /**
   * Whether we may remove an entry: it gives access to nothing that stays, nor to the object of such a
   * thing.
   */
  isOurs: (list: string, name: string) => boolean
  /** Whether a component of the deployment stays as it is, together with what shows it. */
  stays: (component: Component) => boolean
  /** Whether an entry is deleted together with what it names. */
  isRemoved: (list: string, name: string) => boolean
  /** Whether the same rollback deletes a component or restores it as it was. */
  isTakenBack: (component: Component) => boolean
  /** What the deployment created or changed and that stays as it is now. */
  kept: readonly Component[]
}

export interface Reason {
  reason: string
  /** Somebody else changed it since: who and when is reported. */
  drifted: boolean
  /** It can still be removed, if the caller names it. */
  removable: boolean
}

export interface Undoing {
  /** It is deleted. */
  remove: boolean
  /** It is restored: by its element, or by the whole text of its file. */
  restore: { element: JsonObject } | { file: string } | null
  /** Why it stays, or what of it stays. */
  kept: Reason | null
}

/** It is gone, or as it was: nothing to do and nothing to report. */
export const NOTHING: Undoing = { remove: false, restore: null, kept: null }
export const REMOVED: Undoing = { ...NOTHING, remove: true }

export const keep = (reason: string, { drifted = false, removable = true } = {}): Undoing => ({
  ...NOTHING,
  kept: { reason, drifted, removable },
})

export const NOT_NAMED = keep('Not named in components.')
export const OBJECT_STAYS = 'Its object stays.'

/** Somebody else changed these members since; none: it is not known which. */
export const changedSince = (members: readonly string[]): string =>
  members.length === 0
    ? 'Changed by somebody else since.'
    : `Changed by somebody else since: ${listed(members)}.`

const differ = (member: string, a: JsonObject, b: JsonObject): boolean =>
  !samePart({ [member]: a[member] }, { [member]: b[member] })

/** The members in which two states of a component differ; none if one of them is not known. */
const differences = (a: JsonObject | null, b: JsonObject | null): string[] =>
  a === null || b === null
    ? []
    : [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((member) => differ(member, a, b))

/** What is as before the deployment is nobody's change: an earlier rollback may have restored it. */
const drifted = (
  left: JsonObject | null,
  is: JsonObject,
  was: JsonObject | null = null,
): Undoing => {
  const members = differences(left, is).filter((name) => was === null || differ(name, was, is))
  return keep(changedSince(members), { drifted: true })
}

/** The caller named it: it is deleted or restored, even if others changed it since. */
export const isNamed = (component: Component, { named }: Scene): boolean =>
  named?.has(keyOf(component)) ?? false

/** The caller named others. */
export const isLeftOut = (component: Component, scene: Scene): boolean =>
  scene.named !== null && !isNamed(component, scene)

/**
 * Something that the deployment created: it is deleted with its object, stays with it, or is deleted by
 * itself.
 */
export const undoMade = (component: Component, object: string | null, scene: Scene): Undoing => {
  const is = scene.now.part(component)
  if (is === null) return NOTHING
  const owner = object === null ? null : sameName(object)
  if (owner !== null && scene.goes.has(owner)) return REMOVED
  if (isLeftOut(component, scene)) return NOT_NAMED
  if (isNamed(component, scene)) return REMOVED
  if (owner !== null && scene.stays.has(owner)) return keep(OBJECT_STAYS)
  const left = scene.after.part(component)
  return isAsLeft(left, is, scene.since(component)) ? REMOVED : drifted(left, is)
}

/** Something that existed before the deployment and that it changed: it is restored as it was. */
export const undoChange = (component: Component, scene: Scene): Undoing => {
  const [was, is] = [scene.before.part(component), scene.now.part(component)]
  if (is === null) return keep('Deleted by somebody else since.', { removable: false })
  if (was === null || samePart(was, is)) return NOTHING
  if (isLeftOut(component, scene)) return NOT_NAMED
  const left = scene.after.part(component)
  if (!isNamed(component, scene) && !isAsLeft(left, is, scene.since(component))) {
    return drifted(left, is, was)
  }
  return { ...NOTHING, restore: { element: was } }
}

/**
 * As `undoChange`, but if somebody else changed it since, only members that are still as the deployment
 * left them are restored.
 */
export const undoMembers = (component: Component, scene: Scene): Undoing => {
  const undoing = undoChange(component, scene)
  const [was, left, is] = [scene.before, scene.after, scene.now].map((at) => at.part(component))
  if (undoing.kept?.drifted !== true || !was || !left || !is) return undoing
  const ours = [...new Set([...Object.keys(was), ...Object.keys(left)])].filter(
    (member) => differ(member, was, left) && !differ(member, left, is),
  )
  if (ours.length === 0) return undoing
  const others = Object.entries(is).filter(([member]) => !ours.includes(member))
  const restored = ours.flatMap((member) => (member in was ? [[member, was[member]]] : []))
  return {
    remove: false,
    restore: { element: Object.fromEntries([...others, ...restored]) as JsonObject },
    kept: {
      ...undoing.kept,
      reason: `${undoing.kept.reason} Only what nobody else changed is restored.`,
    },
  }
}

/**
 * Our entries that stay in a file shared with others, because they give access to what stays, and what
 * else to report. They can be removed once that is deleted.
 */
export const stillOpening = (entries: readonly AccessChange[], more = ''): Reason => {
  const names = [...new Set(entries.map(({ key }) => key))]
  const opens =
    names.length === 0
      ? ''
      : `It still gives access to ${listed(names)}; these entries can be removed later.`
  return { reason: `${opens} ${more}`.trim(), drifted: false, removable: names.length > 0 }
}

/**
 * For a file that others also write to, and that is not compared as a whole: what is known without
 * looking into it. Null: our entries have to be removed from its text.
 */
export const undoUnread = (component: Component, scene: Scene): Undoing | null => {
  if (scene.now.file(component) === null) return NOTHING
  if (!isLeftOut(component, scene)) return null
  return samePart(scene.before.part(component), scene.now.part(component)) ? NOTHING : NOT_NAMED
}
