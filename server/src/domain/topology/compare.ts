// Two snapshots beside each other: by hash first, then only what differs is opened, a few contents
// at a time.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { type JsonObject } from '../../salesforce/json.ts'
import {
  type AttributeChange,
  type Change,
  diffAutomations,
  diffDescribes,
  type DiffOptions,
  type ObjectDiff,
} from './diff.ts'
import { compareHashes, type Manifest, objectHashes } from './manifest.ts'
import { type Contents } from './store.ts'

/** One snapshot: what is in it and where its contents are. */
export interface Side {
  manifest: Manifest
  contents: Contents
}

export type Difference =
  | {
      kind: 'object'
      name: string
      change: Change
      /** Of the object where it is added or removed. */
      fieldsCount: number
      diff: ObjectDiff | null
    }
  | { kind: 'automation'; name: string; change: Change; attributes: AttributeChange[] }

const BATCH = 32

interface Pair {
  name: string
  before: JsonObject
  after: JsonObject
}

/** Both contents of each name, in the order of the names. */
async function* openPairs(
  before: Side,
  after: Side,
  names: readonly string[],
  hashOf: (manifest: Manifest, name: string) => string,
): AsyncGenerator<Pair, void, undefined> {
  for (let start = 0; start < names.length; start += BATCH) {
    const batch = names.slice(start, start + BATCH)
    const [old, fresh] = await Promise.all([
      before.contents.read(batch.map((name) => hashOf(before.manifest, name))),
      after.contents.read(batch.map((name) => hashOf(after.manifest, name))),
    ])
    const parse = (from: Map<string, Buffer>, side: Side, name: string): JsonObject =>
      JSON.parse(String(from.get(hashOf(side.manifest, name)))) as JsonObject
    for (const name of batch) {
      yield { name, before: parse(old, before, name), after: parse(fresh, after, name) }
    }
    await nextTurn()
  }
}

/**
 * What differs, objects first, each kind by name. An object that one side could not read is no
 * difference: nothing is known about it there.
 */
export async function* differencesOf(
  before: Side,
  after: Side,
  options: DiffOptions,
): AsyncGenerator<Difference, void, undefined> {
  const unknownBefore = new Set(before.manifest.unreadable)
  const unknownAfter = new Set(after.manifest.unreadable)
  const objects = compareHashes(objectHashes(before.manifest), objectHashes(after.manifest))
  const whole = (name: string, change: 'added' | 'removed', side: Side): Difference => ({
    kind: 'object',
    name,
    change,
    fieldsCount: side.manifest.objects.get(name)?.fieldsCount ?? 0,
    diff: null,
  })
  for (const name of objects.added) {
    if (!unknownBefore.has(name)) yield whole(name, 'added', after)
  }
  for (const name of objects.removed) {
    if (!unknownAfter.has(name)) yield whole(name, 'removed', before)
  }
  const objectHash = (manifest: Manifest, name: string) => manifest.objects.get(name)?.hash ?? ''
  for await (const pair of openPairs(before, after, objects.differing, objectHash)) {
    const diff = diffDescribes(pair.before, pair.after, options)
    if (diff !== null) {
      yield { kind: 'object', name: pair.name, change: 'changed', fieldsCount: 0, diff }
    }
  }

  const automations = compareHashes(before.manifest.automations, after.manifest.automations)
  for (const change of ['added', 'removed'] as const) {
    for (const name of automations[change]) {
      yield { kind: 'automation', name, change, attributes: [] }
    }
  }
  const automationHash = (manifest: Manifest, name: string) => manifest.automations.get(name) ?? ''
  for await (const pair of openPairs(before, after, automations.differing, automationHash)) {
    const attributes = diffAutomations(pair.before, pair.after, options)
    if (attributes.length > 0) {
      yield { kind: 'automation', name: pair.name, change: 'changed', attributes }
    }
  }
}

/** Objects of which one side knows nothing. */
export const notCompared = (before: Side, after: Side): string[] =>
  [...new Set([...before.manifest.unreadable, ...after.manifest.unreadable])].sort()
