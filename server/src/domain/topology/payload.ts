// A snapshot as the answer to topology/get: written piece by piece, so that a large one costs no
// memory, and read in short transactions, so that a slow client holds no database connection.

import { type JsonObject } from '../../salesforce/json.ts'
import { type Manifest } from './manifest.ts'
import { type Snapshot } from './snapshots.ts'
import { type Contents } from './contents.ts'
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

/** How an object's describe is introduced in the payload, and in the frame where it is stored. */
export const labelOf = (name: string): string => `${JSON.stringify(name)}:`

/** The members of `objects` without these members of their own. */
async function* shortened(
  contents: Contents,
  labelled: readonly { hash: string; label: string }[],
  leftOut: readonly string[],
): AsyncGenerator<Buffer, void, undefined> {
  let index = 0
  for await (const batch of contents.inOrder(labelled.map(({ hash }) => hash))) {
    const members = batch.map((text) => {
      const describe = JSON.parse(String(text)) as JsonObject
      for (const member of leftOut) delete describe[member]
      const label = labelled[index]?.label ?? ''
      index += 1
      return `${index === 1 ? '' : ','}${label}${JSON.stringify(describe)}`
    })
    yield Buffer.from(members.join(''))
  }
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
    yield Buffer.from(',"objects":{')
    const labelled = entries.map(([name, { hash }]) => ({ hash, label: labelOf(name) }))
    if (leftOut.length === 0) yield* source.contents.joined(labelled)
    else yield* shortened(source.contents, labelled, leftOut)
    yield Buffer.from('}')
  }

  if (source === null || !chosen.has('automations')) yield Buffer.from(',"automations":null')
  else {
    yield Buffer.from(',"automations":[')
    const hashes = [...source.manifest.automations.values()]
    yield* source.contents.joined(hashes.map((hash) => ({ hash, label: '' })))
    yield Buffer.from(']')
  }
  yield Buffer.from('}')
}
