// What is in a snapshot: names and content hashes. A manifest is itself a content of the store, so
// that two snapshots of an unchanged Salesforce org share it; its hash is the snapshot's content hash.

import { canonicalJson, hashBytes, hashText } from './canonical.ts'

export interface ObjectEntry {
  hash: string
  fieldsCount: number
}

export interface Manifest {
  /** By API name. */
  objects: Map<string, ObjectEntry>
  /** Content hash by `type/api_name`. */
  automations: Map<string, string>
  /** Objects that exist and could not be described. */
  unreadable: string[]
}

export const emptyManifest = (): Manifest => ({
  objects: new Map(),
  automations: new Map(),
  unreadable: [],
})

export const fieldsCountOf = ({ objects }: Manifest): number => {
  let sum = 0
  for (const { fieldsCount } of objects.values()) sum += fieldsCount
  return sum
}

const byName = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1))

const HASH_BYTES = 32

const joinHashes = (hashes: readonly string[]): string =>
  Buffer.concat(hashes.map(hashBytes)).toString('base64')

const splitHashes = (joined: string): string[] => {
  const bytes = Buffer.from(joined, 'base64')
  const hashes: string[] = []
  for (let at = 0; at < bytes.length; at += HASH_BYTES) {
    hashes.push(hashText(bytes.subarray(at, at + HASH_BYTES)))
  }
  return hashes
}

/** As stored: column by column, because names and counts compress well and hashes do not at all. */
interface StoredManifest {
  automation_hashes: string
  automations: string[]
  fields: number[]
  object_hashes: string
  objects: string[]
  unreadable: string[]
}

/** Canonical: the same content gives the same text, whatever the order in which it was put in. */
export const encodeManifest = (manifest: Manifest): string => {
  const objects = byName(manifest.objects)
  const automations = byName(manifest.automations)
  const stored: StoredManifest = {
    automation_hashes: joinHashes(automations.map(([, hash]) => hash)),
    automations: automations.map(([name]) => name),
    fields: objects.map(([, { fieldsCount }]) => fieldsCount),
    object_hashes: joinHashes(objects.map(([, { hash }]) => hash)),
    objects: objects.map(([name]) => name),
    unreadable: manifest.unreadable.toSorted(),
  }
  return canonicalJson(stored)
}

export const decodeManifest = (text: string): Manifest => {
  const stored = JSON.parse(text) as StoredManifest
  const objectHashes = splitHashes(stored.object_hashes)
  const automationHashes = splitHashes(stored.automation_hashes)
  return {
    objects: new Map(
      stored.objects.map((name, i) => [
        name,
        { hash: objectHashes[i] ?? '', fieldsCount: stored.fields[i] ?? 0 },
      ]),
    ),
    automations: new Map(stored.automations.map((name, i) => [name, automationHashes[i] ?? ''])),
    unreadable: stored.unreadable,
  }
}

export interface KeyChanges {
  added: string[]
  removed: string[]
  /** Another content hash; whether it means anything only the contents tell. */
  differing: string[]
  same: number
}

/** Compares two sides by hash alone. Names come sorted. */
export const compareHashes = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): KeyChanges => {
  const changes: KeyChanges = { added: [], removed: [], differing: [], same: 0 }
  for (const [name, hash] of after) {
    const other = before.get(name)
    if (other === undefined) changes.added.push(name)
    else if (other !== hash) changes.differing.push(name)
    else changes.same += 1
  }
  for (const name of before.keys()) if (!after.has(name)) changes.removed.push(name)
  changes.added.sort()
  changes.removed.sort()
  changes.differing.sort()
  return changes
}

export const objectHashes = ({ objects }: Manifest): Map<string, string> =>
  new Map([...objects].map(([name, { hash }]) => [name, hash]))
