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

/** Contents in memory at once. */
const BATCH = 16

async function* textsOf(
  contents: Contents,
  hashes: readonly string[],
): AsyncGenerator<Buffer, void, undefined> {
  for (let start = 0; start < hashes.length; start += BATCH) {
    const batch = hashes.slice(start, start + BATCH)
    const found = await contents.read(batch)
    for (const hash of batch) yield found.get(hash) ?? Buffer.from('null')
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
    for await (const text of textsOf(source.contents, hashes)) {
      const name = entries[index]?.[0] ?? ''
      yield Buffer.from(`${index === 0 ? '' : ','}${JSON.stringify(name)}:`)
      yield without(text, leftOut)
      index += 1
    }
    yield Buffer.from('}')
  }

  if (source === null || !chosen.has('automations')) yield Buffer.from(',"automations":null')
  else {
    let first = true
    yield Buffer.from(',"automations":[')
    for await (const text of textsOf(source.contents, [...source.manifest.automations.values()])) {
      if (!first) yield Buffer.from(',')
      first = false
      yield text
    }
    yield Buffer.from(']')
  }
  yield Buffer.from('}')
}
