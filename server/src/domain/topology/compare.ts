// Compares two snapshots: by hash first; then only what differs is opened, a few contents at a time.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { type JsonObject } from '../../salesforce/json.ts'
import {
  type AttributeChange,
  type Change,
  changeOf,
  diffAutomations,
  diffDescribes,
  type DiffOptions,
  type ObjectDiff,
} from './diff.ts'
import { compareHashes, type Manifest, objectHashes } from './manifest.ts'
import { type Contents } from './contents.ts'

/** One snapshot: what it contains and where its contents are. */
export interface Side {
  manifest: Manifest
  contents: Contents
}

export type Difference =
  | {
      kind: 'object'
      name: string
      change: Change
      /** Number of fields for a whole object; 0 if only a part of it differs. */
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
export async function* openPairs(
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

export const objectHash = (manifest: Manifest, name: string): string =>
  manifest.objects.get(name)?.hash ?? ''

/** What the connected user did not see although it may exist, as `Object` or `Object.Field`. */
const hiddenIn = ({ manifest: { hiddenObjects, hiddenFields } }: Side): ReadonlySet<string> =>
  new Set([...hiddenObjects.keys(), ...hiddenFields])

/** Objects with unchanged describes of which a field was hidden on one side but not on the other. */
const objectsOfSightChanges = (before: Side, after: Side, differing: readonly string[]) => {
  const [was, is] = [before, after].map(({ manifest }) => new Set(manifest.hiddenFields))
  const moved = [...(was ?? [])].filter((key) => is?.has(key) !== true)
  const names = moved.map((key) => key.split('.', 1)[0] ?? key)
  const known = new Set(differing)
  return [...new Set(names)].filter(
    (name) =>
      !known.has(name) && before.manifest.objects.has(name) && after.manifest.objects.has(name),
  )
}

/** Whole objects that only one side has, in the order of the report. */
const wholeObjects = (
  before: Side,
  after: Side,
  { added, removed }: { added: readonly string[]; removed: readonly string[] },
): Difference[] => {
  const [was, is] = [before.manifest, after.manifest]
  const [unknownBefore, unknownAfter] = [new Set(was.unreadable), new Set(is.unreadable)]
  const found: [string, Change, number | undefined][] = [
    ...added
      .filter((name) => !unknownBefore.has(name))
      .map((name): [string, Change, number | undefined] => [
        name,
        was.hiddenObjects.has(name) ? 'now_visible' : 'added',
        is.objects.get(name)?.fieldsCount,
      ]),
    ...removed
      .filter((name) => !unknownAfter.has(name))
      .map((name): [string, Change, number | undefined] => [
        name,
        is.hiddenObjects.has(name) ? 'not_visible' : 'removed',
        was.objects.get(name)?.fieldsCount,
      ]),
    // Hidden before, and since known to be gone.
    ...[...was.hiddenObjects]
      .filter(
        ([name]) => !is.objects.has(name) && !is.hiddenObjects.has(name) && !unknownAfter.has(name),
      )
      .map(([name, { fieldsCount }]): [string, Change, number | undefined] => [
        name,
        'removed',
        fieldsCount,
      ]),
  ]
  const order: readonly Change[] = ['added', 'now_visible', 'removed', 'not_visible']
  return order.flatMap((change) =>
    found
      .filter(([, other]) => other === change)
      .map(([name, , fieldsCount = 0]) => ({
        kind: 'object' as const,
        name,
        change,
        fieldsCount,
        diff: null,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  )
}

/**
 * What differs, objects first, each kind by name. An object that one side could not read is not a
 * difference: nothing is known about it there.
 */
export async function* differencesOf(
  before: Side,
  after: Side,
  options: DiffOptions,
): AsyncGenerator<Difference, void, undefined> {
  const objects = compareHashes(objectHashes(before.manifest), objectHashes(after.manifest))
  yield* wholeObjects(before, after, objects)
  const hidden = { before: hiddenIn(before), after: hiddenIn(after) }
  const names = [
    ...objects.differing,
    ...objectsOfSightChanges(before, after, objects.differing),
  ].sort()
  for await (const pair of openPairs(before, after, names, objectHash)) {
    const diff = diffDescribes(pair.before, pair.after, { ...options, hidden })
    if (diff !== null) {
      yield { kind: 'object', name: pair.name, change: changeOf(diff), fieldsCount: 0, diff }
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

/** Objects about which one side knows nothing. */
export const notCompared = (before: Side, after: Side): string[] =>
  [...new Set([...before.manifest.unreadable, ...after.manifest.unreadable])].sort()
