// A snapshot as the answer to topology/get: written piece by piece, so that a large one costs no
// memory, and read in short transactions, so that a slow client holds no database connection.

import { type JsonObject } from '../../salesforce/json.ts'
import { type Manifest } from './manifest.ts'
import { type Snapshot } from './snapshots.ts'
import { type Contents } from './store.ts'
import { warningsOf } from './unknown-names.ts'

/** Parts of the payload that a caller may choose. */
export const INCLUDABLE = [
  'objects',
  'fields',
  'record_types',
  'child_relationships',
  'automations',
] as const
export type Includable = (typeof INCLUDABLE)[number]

/** Members of a describe that are a part of their own. */
const PARTS: Readonly<Partial<Record<Includable, string>>> = {
  fields: 'fields',
  record_types: 'recordTypeInfos',
  child_relationships: 'childRelationships',
}

export interface PayloadChoice {
  /** Case-insensitive; a name that is not in the snapshot is left out, with a warning. */
  objects?: readonly string[] | undefined
  include?: readonly Includable[] | undefined
}

/** Contents that are read at once; two batches are in memory. */
const BATCH = 32

/** The contents in this order, a batch at a time; the next one is read while a batch is sent. */
async function* batchesOf(
  contents: Contents,
  hashes: readonly string[],
): AsyncGenerator<Buffer[], void, undefined> {
  const read = async (start: number): Promise<Buffer[]> => {
    const batch = hashes.slice(start, start + BATCH)
    const found = await contents.read(batch)
    return batch.map((hash) => found.get(hash) ?? Buffer.from('null'))
  }
  let next = read(0)
  for (let start = 0; start < hashes.length; start += BATCH) {
    const batch = await next
    next = read(start + BATCH)
    next.catch(() => undefined) // thrown above, if anybody still wants it
    yield batch
  }
}

const without = (text: Buffer, members: readonly string[]): Buffer => {
  if (members.length === 0) return text
  const describe = JSON.parse(text.toString()) as JsonObject
  for (const member of members) delete describe[member]
  return Buffer.from(JSON.stringify(describe))
}

/**
 * The JSON text of a snapshot with its payload. `source` is null for one that is not complete: its
 * payload is null. Stored text is written as it is; nothing is parsed unless a part is left out.
 */
export async function* payloadOf(
  snapshot: Snapshot,
  source: { manifest: Manifest; contents: Contents } | null,
  { objects: wanted, include = INCLUDABLE }: PayloadChoice,
): AsyncGenerator<Buffer, void, undefined> {
  const chosen = new Set(include)
  const hasObjects = ['objects', ...Object.keys(PARTS)].some((part) =>
    chosen.has(part as Includable),
  )
  const leftOut = Object.entries(PARTS).flatMap(([part, member]) =>
    chosen.has(part as Includable) ? [] : [member],
  )
  const warnings = source === null ? [] : warningsOf(wanted, source.manifest)
  yield Buffer.from(JSON.stringify({ ...snapshot, warnings }).slice(0, -1))

  if (source === null || !hasObjects) yield Buffer.from(',"objects":null')
  else {
    const filter = wanted === undefined ? null : new Set(wanted.map((name) => name.toLowerCase()))
    const entries = [...source.manifest.objects].filter(
      ([name]) => filter === null || filter.has(name.toLowerCase()),
    )
    let index = 0
    yield Buffer.from(',"objects":{')
    const hashes = entries.map(([, { hash }]) => hash)
    for await (const batch of batchesOf(source.contents, hashes)) {
      const pieces = batch.flatMap((text) => {
        const name = JSON.stringify(entries[index]?.[0] ?? '')
        const before = Buffer.from(`${index === 0 ? '' : ','}${name}:`)
        index += 1
        return [before, without(text, leftOut)]
      })
      yield Buffer.concat(pieces) // sent as one: a write for each piece costs more than the copy
    }
    yield Buffer.from('}')
  }

  if (source === null || !chosen.has('automations')) yield Buffer.from(',"automations":null')
  else {
    let first = true
    yield Buffer.from(',"automations":[')
    const hashes = [...source.manifest.automations.values()]
    for await (const batch of batchesOf(source.contents, hashes)) {
      const pieces = batch.flatMap((text) => {
        const before = Buffer.from(first ? '' : ',')
        first = false
        return [before, text]
      })
      yield Buffer.concat(pieces)
    }
    yield Buffer.from(']')
  }
  yield Buffer.from('}')
}
