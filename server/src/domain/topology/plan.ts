// What a pull still has to describe, and the resulting manifest. Pure functions.

import { type AutomationsRead } from './automations/stage.ts'
import { type ReadItem } from './journal.ts'
import { type Manifest } from './manifest.ts'

export interface ObjectsPlan {
  /** Still to be read. */
  names: string[]
  /** Read by an earlier run of this pull. */
  done: ReadItem[]
  /** Whether they may be read conditionally. */
  conditional: boolean
  total: number
  /** How many describes are unchanged without a request, because Salesforce said so. */
  carriedOver: number
}

/** Which describes this run has to request. `listed` is null if nothing has changed at all. */
export const planObjects = (
  scope: 'all' | string[],
  base: Manifest | null,
  listed: string[] | null,
  earlier: readonly ReadItem[],
): ObjectsPlan => {
  const done = earlier.filter(({ kind }) => kind === 'object')
  const isDone = new Set(done.map(({ name }) => name.toLowerCase()))
  const left = (names: readonly string[]) => names.filter((name) => !isDone.has(name.toLowerCase()))
  const total = (names: string[]) => names.length + done.length
  if (scope !== 'all') {
    const known = new Map(
      [...(listed ?? []), ...(base?.objects.keys() ?? [])].map((name) => [
        name.toLowerCase(),
        name,
      ]),
    )
    const names = left(scope.map((name) => known.get(name.toLowerCase()) ?? name))
    return { names, done, conditional: true, total: total(names), carriedOver: 0 }
  }
  if (listed !== null) {
    // In the order of a manifest: what is read together is stored in one frame, and is read back together.
    const names = left(listed).sort()
    return { names, done, conditional: true, total: total(names), carriedOver: 0 }
  }
  // What could not be read last time is tried again, whatever the dates say.
  const names = left(base?.unreadable ?? [])
  const carriedOver = base?.objects.size ?? 0
  return { names, done, conditional: false, total: total(names) + carriedOver, carriedOver }
}

/** Salesforce: describe of an object that does not exist (or no longer does). */
const isGone = ({ unreadable }: ReadItem): boolean => unreadable?.code === 'NOT_FOUND'

/**
 * The manifest of the whole snapshot, from what was read and what was carried over. `findHidden` adds
 * what the connected user does not see.
 */
export const manifestFrom = (
  scope: 'all' | string[],
  base: Manifest | null,
  plan: ObjectsPlan,
  items: readonly ReadItem[],
  automations: AutomationsRead,
): Manifest => {
  const carriesOver = scope !== 'all' || plan.carriedOver > 0
  const objects = new Map(carriesOver ? base?.objects : [])
  const unreadable = new Set(carriesOver ? base?.unreadable : [])
  for (const item of items) {
    if (item.hash !== null) {
      objects.set(item.name, { hash: item.hash, fieldsCount: item.fieldsCount })
      unreadable.delete(item.name)
    } else {
      objects.delete(item.name)
      // Named by the caller but nonexistent: reported, but not part of the Salesforce org.
      if (scope !== 'all' && isGone(item)) unreadable.delete(item.name)
      else unreadable.add(item.name)
    }
  }
  return {
    objects,
    automations: automations.hashes,
    unreadable: [...unreadable],
    hiddenObjects: new Map(),
    hiddenFields: [],
  }
}
