// What is in a snapshot: names and content hashes. A manifest is itself stored as contents: pages, and a
// root that names them. Two snapshots of an unchanged Salesforce org share all of it, and a change of
// one in a hundred objects writes a few pages instead of all hashes. The root's hash is the snapshot's
// content hash.

import { canonicalJson } from '../canonical.ts'
import { hashBytes, hashOf, hashText } from './content-hash.ts'
import { type Contents } from './contents.ts'
import { type Content } from './store.ts'

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
  /**
   * Objects of an earlier version that the connected user no longer sees but that may still exist, with
   * their content when last seen.
   */
  hiddenObjects: Map<string, ObjectEntry>
  /** The same for fields, as `Object.Field`, in visible objects. */
  hiddenFields: string[]
}

export const emptyManifest = (): Manifest => ({
  objects: new Map(),
  automations: new Map(),
  unreadable: [],
  hiddenObjects: new Map(),
  hiddenFields: [],
})

export const fieldsCountOf = ({ objects }: Manifest): number => {
  let sum = 0
  for (const { fieldsCount } of objects.values()) sum += fieldsCount
  return sum
}

/** What the connected user does not see although it may exist: `Object`, `Object.Field`. */
export const hiddenNames = ({ hiddenObjects, hiddenFields }: Manifest): string[] =>
  [
    ...hiddenObjects.keys(),
    // Those of a hidden object are remembered for the time when it is seen again.
    ...hiddenFields.filter((key) => !hiddenObjects.has(key.slice(0, key.indexOf('.')))),
  ].sort()

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

/** A page as stored: column by column, because names compress well and hashes do not at all. */
interface StoredPage {
  automation_hashes: string
  automations: string[]
  fields: number[]
  object_hashes: string
  objects: string[]
}

interface StoredRoot {
  /** These two are left out if nothing is hidden. */
  hidden_fields?: string[]
  hidden_objects?: StoredPage
  pages: string
  unreadable: string[]
}

/** On average: small enough to rewrite few entries, large enough to be worth a row. */
const ENTRIES_PER_PAGE = 16

/** A power of two, so that every entry stays on its page when a few are added or removed. */
const pagesFor = (entries: number): number =>
  2 ** Math.max(0, Math.ceil(Math.log2(Math.max(1, entries) / ENTRIES_PER_PAGE)))

const pageOf = (key: string, pages: number): number =>
  hashBytes(hashOf(key)).readUInt16BE(0) % pages

const toPage = (
  objects: readonly [string, ObjectEntry][],
  automations: readonly [string, string][],
): StoredPage => ({
  automation_hashes: joinHashes(automations.map(([, hash]) => hash)),
  automations: automations.map(([name]) => name),
  fields: objects.map(([, { fieldsCount }]) => fieldsCount),
  object_hashes: joinHashes(objects.map(([, { hash }]) => hash)),
  objects: objects.map(([name]) => name),
})

const objectsOf = (page: StoredPage): [string, ObjectEntry][] => {
  const hashes = splitHashes(page.object_hashes)
  return page.objects.map((name, i) => [
    name,
    { hash: hashes[i] ?? '', fieldsCount: page.fields[i] ?? 0 },
  ])
}

const contentOf = (text: string): Content => ({ hash: hashOf(text), text })

/** The contents of the manifest. The same manifest gives the same contents, however it was filled. */
export const encodeManifest = (manifest: Manifest): { root: Content; pages: Content[] } => {
  const count = pagesFor(manifest.objects.size + manifest.automations.size)
  const objects: [string, ObjectEntry][][] = Array.from({ length: count }, () => [])
  const automations: [string, string][][] = Array.from({ length: count }, () => [])
  for (const entry of byName(manifest.objects)) objects[pageOf(entry[0], count)]?.push(entry)
  for (const entry of byName(manifest.automations))
    automations[pageOf(entry[0], count)]?.push(entry)
  const pages = objects.map((page, i) =>
    contentOf(canonicalJson(toPage(page, automations[i] ?? []))),
  )
  const root: StoredRoot = {
    ...(manifest.hiddenFields.length === 0
      ? {}
      : { hidden_fields: manifest.hiddenFields.toSorted() }),
    ...(manifest.hiddenObjects.size === 0
      ? {}
      : { hidden_objects: toPage(byName(manifest.hiddenObjects), []) }),
    pages: joinHashes(pages.map(({ hash }) => hash)),
    unreadable: manifest.unreadable.toSorted(),
  }
  return { root: contentOf(canonicalJson(root)), pages }
}

const sortedMap = <T>(entries: [string, T][]): Map<string, T> => new Map(byName(new Map(entries)))

/** Reads the manifest back; names come sorted. */
export const readManifest = async (
  contents: Pick<Contents, 'read'>,
  rootHash: string,
): Promise<Manifest> => {
  const parse = async <T>(hashes: readonly string[]): Promise<T[]> => {
    const texts = await contents.read(hashes)
    return hashes.map((hash) => JSON.parse(String(texts.get(hash))) as T)
  }
  const [root] = await parse<StoredRoot>([rootHash])
  const pages = await parse<StoredPage>(splitHashes(root?.pages ?? ''))
  const objects: [string, ObjectEntry][] = []
  const automations: [string, string][] = []
  for (const page of pages) {
    objects.push(...objectsOf(page))
    const ofAutomations = splitHashes(page.automation_hashes)
    for (const [i, name] of page.automations.entries()) {
      automations.push([name, ofAutomations[i] ?? ''])
    }
  }
  return {
    objects: sortedMap(objects),
    automations: sortedMap(automations),
    unreadable: root?.unreadable ?? [],
    hiddenObjects: new Map(
      root?.hidden_objects === undefined ? [] : objectsOf(root.hidden_objects),
    ),
    hiddenFields: root?.hidden_fields ?? [],
  }
}

/** Every content that the manifest consists of and names: root, pages, describes, automations. */
export const hashesIn = async (
  contents: Pick<Contents, 'read'>,
  rootHash: string,
): Promise<string[]> => {
  const parse = async <T>(hashes: readonly string[]): Promise<T[]> =>
    [...(await contents.read(hashes)).values()].map((text) => JSON.parse(String(text)) as T)
  const [root] = await parse<StoredRoot>([rootHash])
  const pageHashes = splitHashes(root?.pages ?? '')
  const pages = [...(await parse<StoredPage>(pageHashes)), root?.hidden_objects ?? []].flat()
  const named = pages.flatMap((page) => [
    ...splitHashes(page.object_hashes),
    ...splitHashes(page.automation_hashes),
  ])
  return [rootHash, ...pageHashes, ...named]
}

export interface KeyChanges {
  added: string[]
  removed: string[]
  /** A different content hash; only the contents show whether the difference matters. */
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
