// Which rows of a push are kept together: up to 200, so that 5,000,000 rows are 25,000 rows of the
// database. Rows of one block are of one object and written the same way, and rows that share a parent
// are together, so that blocks sent side by side do not wait for each other's locks.

import { type ReadyRow } from './model.ts'

/** As many rows as one call of sObject Collections takes. */
export const BLOCK_ROWS = 200

/** A ready row on its way into a block, with its original text. */
export interface IncomingRow {
  ready: ReadyRow
  /** JSON of the row as the caller sent it. */
  source: string
}

/** What all rows of a block have in common. */
export interface BlockKind {
  object: string
  operation: ReadyRow['operation']
  /** '' if the rows of an update name their records in several ways. */
  matchField: string
}

export interface Block extends BlockKind {
  rows: IncomingRow[]
  /** Hashes of parents that rows of other blocks also name. */
  chains: number[]
}

/** Key of rows that one call can write: of one object, upserted by one field or updated. */
const kindKey = ({ object, operation, matchField }: ReadyRow): string =>
  operation === 'upsert' ? `${operation}:${object}:${matchField}` : `${operation}:${object}`

/** Cuts a stretch of the input into as few blocks as possible. */
export const cutBlocks = (rows: readonly IncomingRow[]): Block[] => {
  const kinds = new Map<string, IncomingRow[]>()
  for (const row of rows) {
    const key = kindKey(row.ready)
    const same = kinds.get(key)
    if (same === undefined) kinds.set(key, [row])
    else same.push(row)
  }
  return [...kinds.values()].flatMap(cutKind)
}

const cutKind = (rows: IncomingRow[]): Block[] => {
  const bins = pack(rows)
  const spread = keysOfSeveral(bins)
  return bins.map((bin) => {
    const ordered = bin.toSorted((a, b) => a.ready.index - b.ready.index)
    const { object, operation } = (bin[0] as IncomingRow).ready
    const fields = new Set(bin.map(({ ready }) => ready.matchField))
    const chains = new Set(
      bin.flatMap(({ ready }) => ready.lockKeys.filter((key) => spread.has(key)).map(hashKey)),
    )
    return {
      object,
      operation,
      matchField: fields.size === 1 ? (bin[0] as IncomingRow).ready.matchField : '',
      rows: ordered,
      chains: [...chains],
    }
  })
}

/**
 * Puts rows of one parent into one bin if they fit; never more bins than the number of rows requires.
 */
const pack = (rows: IncomingRow[]): IncomingRow[][] => {
  const count = Math.ceil(rows.length / BLOCK_ROWS)
  if (count === 1) return [rows]
  const frequency = new Map<string, number>()
  for (const { ready } of rows) {
    for (const key of ready.lockKeys) frequency.set(key, (frequency.get(key) ?? 0) + 1)
  }
  const groups = new Map<string, IncomingRow[]>()
  for (const row of rows) {
    // Grouped by the parent that most other rows share; rows without one fill what is left.
    let key = ''
    let most = 1
    for (const lockKey of row.ready.lockKeys) {
      const shared = frequency.get(lockKey) ?? 0
      if (shared > most) {
        key = lockKey
        most = shared
      }
    }
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  const single = groups.get('') ?? []
  groups.delete('')
  const bins: IncomingRow[][] = Array.from({ length: count }, () => [])
  const roomOf = (bin: IncomingRow[]): number => BLOCK_ROWS - bin.length
  for (const group of [...groups.values()].toSorted((a, b) => b.length - a.length)) {
    const home = bins.find((bin) => roomOf(bin) >= group.length)
    if (home === undefined) spill(group, bins, roomOf)
    else home.push(...group)
  }
  spill(single, bins, roomOf)
  return bins.filter((bin) => bin.length > 0)
}

const spill = (
  rows: readonly IncomingRow[],
  bins: IncomingRow[][],
  roomOf: (bin: IncomingRow[]) => number,
): void => {
  let at = 0
  for (const bin of bins) {
    if (at >= rows.length) return
    const room = roomOf(bin)
    bin.push(...rows.slice(at, at + room))
    at += room
  }
}

/** A wait for a parent of fewer rows is short; one of more would hold whole calls up. */
const CHAIN_ROWS_MIN = 50

/** Parents of many rows, named in more than one bin. */
const keysOfSeveral = (bins: readonly IncomingRow[][]): Set<string> => {
  const seen = new Map<string, { bins: Set<number>; rows: number }>()
  for (const [at, bin] of bins.entries()) {
    for (const { ready } of bin) {
      for (const key of ready.lockKeys) {
        const known = seen.get(key) ?? { bins: new Set(), rows: 0 }
        known.bins.add(at)
        known.rows += 1
        seen.set(key, known)
      }
    }
  }
  const heavy = [...seen].filter(([, of]) => of.bins.size > 1 && of.rows >= CHAIN_ROWS_MIN)
  return new Set(heavy.map(([key]) => key))
}

/**
 * FNV-1a as a signed 32-bit integer: two parents with the same hash only wait for each other needlessly.
 */
const hashKey = (key: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash | 0
}
