// What becomes of a component when its deployment is rolled back: what was there before, what the
// deployment left and what is there now decide. Pure functions, which the kinds of components share.

import { type JsonObject } from '../../salesforce/json.ts'
import { type AccessChange } from './entries.ts'
import { samePart } from './equality.ts'
import { listed } from '../words.ts'
import { type LayoutChange } from './layout-file.ts'
import { type MastersOf } from './masters.ts'
import { type Component, keyOf, sameName } from './names.ts'
import { type Reversibility } from './reversibility.ts'

/** The metadata files of one moment. Names count without case. */
export interface FileParts {
  /** The text of a component's own file; null where it is not there, or has none. */
  file(component: Component): string | null
  /** The component as the files have it, comparable by `sameElement`; null where it is not there. */
  part(component: Component): JsonObject | null
}

/** What merging changed in files that hold other people's content too, by full name; plain JSON. */
export interface MergeChanges {
  permissionSets: Record<string, AccessChange[]>
  profiles: Record<string, AccessChange[]>
  layouts: Record<string, LayoutChange>
}

/** A component that a deployment made, or that was there and that it changed. */
export interface Change {
  component: Component
  made: boolean
  /** What the deployment said of taking it back. */
  told: Reversibility
}

export interface HoldingRecords {
  object: string
  rows: number
}

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
  /** What the deployment noted of files that it merged. */
  changes: MergeChanges
  /** How many users other than the connected one have a permission set. */
  othersWith: (permissionSet: string) => number
  /** What an object's records are read through now. */
  mastersOf: MastersOf
  /** Objects beside those of the plan that a profile or permission set lets read. */
  opensBeside: (component: Component) => readonly string[]
  /** What uses a component now, as far as Salesforce says; for kinds that are kept while used. */
  usersOf: (component: Component) => readonly Component[]
  /** The records that name a component now, by their object; for kinds that say which. */
  heldBy: (component: Component) => readonly HoldingRecords[]
}

/** What is known of the other components once their fate is decided. */
export interface Settled {
  /** Whether an entry opens nothing that stays, nor the object that it is on, so that it is ours to take out. */
  isOurs: (name: string) => boolean
  /** Whether an entry is gone as soon as what it names is deleted. */
  isRemoved: (list: string, name: string) => boolean
  /** Whether the same rollback deletes a component or puts it back as it was. */
  isTakenBack: (component: Component) => boolean
  /** What the deployment made or changed and that stays as it is now. */
  kept: readonly Component[]
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
  /** It is put back: by its element, or by the whole text of its file. */
  restore: { element: JsonObject } | { file: string } | null
  /** Why it stays, or what of it stays. */
  kept: Reason | null
}

/** It is gone, or as it was: there is nothing to do and nothing to say. */
export const NOTHING: Undoing = { remove: false, restore: null, kept: null }
export const REMOVED: Undoing = { ...NOTHING, remove: true }

export const keep = (reason: string, { drifted = false, removable = true } = {}): Undoing => ({
  ...NOTHING,
  kept: { reason, drifted, removable },
})

export const NOT_NAMED = keep('Not named in components.')
export const OBJECT_STAYS = 'Its object stays.'
export const DRIFTED = 'Changed by somebody else since.'

/** The caller named it: whatever happened to it since, it is to go or to be put back. */
export const isNamed = (component: Component, { named }: Scene): boolean =>
  named?.has(keyOf(component)) ?? false

/** The caller named others. */
export const isLeftOut = (component: Component, scene: Scene): boolean =>
  scene.named !== null && !isNamed(component, scene)

/** Something that the deployment made: it goes with its object, stays with it, or goes by itself. */
export const undoMade = (component: Component, object: string | null, scene: Scene): Undoing => {
  const is = scene.now.part(component)
  if (is === null) return NOTHING
  const owner = object === null ? null : sameName(object)
  if (owner !== null && scene.goes.has(owner)) return REMOVED
  if (isLeftOut(component, scene)) return NOT_NAMED
  if (isNamed(component, scene)) return REMOVED
  if (owner !== null && scene.stays.has(owner)) return keep(OBJECT_STAYS)
  if (!samePart(scene.after.part(component), is)) return keep(DRIFTED, { drifted: true })
  return REMOVED
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

/**
 * Entries of ours that stay in a file of others, because they open what stays, and what else is to be said.
 * They can be taken out once that goes.
 */
export const stillOpening = (entries: readonly AccessChange[], more = ''): Reason => {
  const names = [...new Set(entries.map(({ key }) => key))]
  const opens =
    names.length === 0 ? '' : `It still opens ${listed(names)}; that goes with what it opens.`
  return { reason: `${opens} ${more}`.trim(), drifted: false, removable: names.length > 0 }
}

/**
 * For a file that others write to as well, which is not compared as a whole: what is known without
 * looking into it. Null: what is ours is to be taken out of its text.
 */
export const undoUnread = (component: Component, scene: Scene): Undoing | null => {
  if (scene.now.file(component) === null) return NOTHING
  if (!isLeftOut(component, scene)) return null
  return samePart(scene.before.part(component), scene.now.part(component)) ? NOTHING : NOT_NAMED
}
