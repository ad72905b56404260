// The stored input and the stored results of a push: written by the code that accepts the push and by
// the code that sends it, always in their transactions.

import { sql } from 'kysely'
import { type Database, type Tenant, type Tx } from '../../db/database.ts'
import {
  compress,
  decompress,
  packReady,
  packResults,
  packSource,
  unpackReady,
  unpackSource,
} from './block-body.ts'
import { type Block } from './blocks.ts'
import { type ReadyRow, type RowResult } from './model.ts'

/** Identifies one push in every statement. */
export interface PushKey {
  tenant: Tenant
  clientId: string
  pushId: string
}

export const keyOf = (tenant: Tenant, row: { id: string; client_id: string }): PushKey => ({
  tenant,
  clientId: row.client_id,
  pushId: row.id,
})

const columnsOf = ({ tenant, clientId, pushId }: PushKey) => ({
  org_id: tenant.orgId,
  client_id: clientId,
  push_id: pushId,
})

export interface StoredBlock {
  block_no: number
  part: number | null
  window_start: number
  rows: number
  bytes: number
  object: string | null
  operation: ReadyRow['operation'] | null
  match_field: string | null
  chains: number[]
  ready: Buffer | null
  source: Buffer
}

/** The totals of some results. */
export interface Counts {
  rows: number
  succeeded: number
  failed: number
  created: number
  updated: number
}

export const NO_COUNTS: Counts = { rows: 0, succeeded: 0, failed: 0, created: 0, updated: 0 }

export const addCounts = (a: Counts, b: Counts): Counts => ({
  rows: a.rows + b.rows,
  succeeded: a.succeeded + b.succeeded,
  failed: a.failed + b.failed,
  created: a.created + b.created,
  updated: a.updated + b.updated,
})

export const countResults = (results: readonly RowResult[]): Counts => {
  const counts = { ...NO_COUNTS, rows: results.length }
  for (const { success, action } of results) {
    if (success) counts.succeeded += 1
    else counts.failed += 1
    if (action === 'created') counts.created += 1
    if (action === 'updated') counts.updated += 1
  }
  return counts
}

export interface PackedResults extends Counts {
  block_no: number
  window_start: number
  body: Buffer
}

/** Compresses outside of any transaction. */
export const compressResults = async (
  blockNo: number,
  windowStart: number,
  results: readonly RowResult[],
): Promise<PackedResults> => {
  const ordered = results.toSorted((a, b) => a.index - b.index)
  return {
    ...countResults(ordered),
    block_no: blockNo,
    window_start: windowStart,
    body: await compress(packResults(ordered)),
  }
}

export const packBlock = async (
  block: Block,
  place: { blockNo: number; windowStart: number; part: number; bytes: number },
): Promise<StoredBlock> => ({
  block_no: place.blockNo,
  part: place.part,
  window_start: place.windowStart,
  rows: block.rows.length,
  bytes: place.bytes,
  object: block.object,
  operation: block.operation,
  match_field: block.matchField,
  chains: block.chains,
  ready: await compress(packReady(block.rows.map(({ ready }) => ready))),
  source: await compress(
    packSource(block.rows.map(({ ready, source }) => ({ index: ready.index, source }))),
  ),
})

/** Rows of which only the text is kept: they already have their results, and may be retried. */
export const packSettled = async (
  blockNo: number,
  windowStart: number,
  rows: readonly { index: number; source: string }[],
): Promise<StoredBlock> => {
  const text = packSource(rows)
  return {
    block_no: blockNo,
    part: null,
    window_start: windowStart,
    rows: rows.length,
    bytes: text.length,
    object: null,
    operation: null,
    match_field: null,
    chains: [],
    ready: null,
    source: await compress(text),
  }
}

export const insertBlocks = async (
  tx: Tx,
  key: PushKey,
  blocks: readonly StoredBlock[],
): Promise<void> => {
  if (blocks.length === 0) return
  const columns = columnsOf(key)
  await tx
    .insertInto('push_rows')
    .values(blocks.map((block) => ({ ...columns, ...block })))
    .execute()
}

/** Adds results that are not stored yet, and returns what was added. */
export const insertResults = async (
  tx: Tx,
  key: PushKey,
  packed: readonly PackedResults[],
): Promise<Counts> => {
  if (packed.length === 0) return NO_COUNTS
  const columns = columnsOf(key)
  const added = await tx
    .insertInto('push_results')
    .values(packed.map((results) => ({ ...columns, ...results })))
    // An interrupted run has already stored them: what was stored first is kept.
    .onConflict((conflict) => conflict.columns(['push_id', 'block_no']).doNothing())
    .returning(['rows', 'succeeded', 'failed', 'created', 'updated'])
    .execute()
  return added.reduce(addCounts, NO_COUNTS)
}

/** Which blocks a chunk sends: one with Collections, a part with Bulk. */
export interface ChunkPlace {
  by: 'block_no' | 'part'
  seq: number
}

/** Where the results of a block go, and how many there are. */
export interface BlockPlace {
  block_no: number
  window_start: number
  rows: number
}

/** The rows of a chunk, as often as they are asked for. */
export interface ChunkInput {
  /** The blocks of the chunk without their contents, in order. */
  blocks: () => Promise<BlockPlace[]>
  read: () => AsyncIterable<{ blockNo: number; rows: ReadyRow[] }>
}

/** A block with its rows, as stored. */
export type BlockInHand = BlockPlace & Pick<StoredBlock, 'object' | 'operation' | 'ready'>

/** The input of a chunk of any size, read block by block. */
export const storedInput = (db: Database, key: PushKey, place: ChunkPlace): ChunkInput => ({
  blocks: () => blocksOf(db, key, place),
  read: () => readChunk(db, key, place),
})

/** The input of a chunk of one block that was read already. */
export const inputInHand = (block: BlockInHand): ChunkInput => ({
  blocks: async () => [block],
  read: async function* () {
    const rows = await rowsIn(block)
    if (rows !== null) yield { blockNo: block.block_no, rows }
  },
})

const rowsIn = async ({
  object,
  operation,
  ready,
}: Pick<StoredBlock, 'object' | 'operation' | 'ready'>): Promise<ReadyRow[] | null> =>
  ready === null || object === null || operation === null
    ? null
    : unpackReady(await decompress(ready), { object, operation })

const blocksOf = (
  db: Database,
  { tenant, pushId }: PushKey,
  place: ChunkPlace,
): Promise<BlockPlace[]> =>
  db
    .as(tenant)
    .read.selectFrom('push_rows')
    .select(['block_no', 'window_start', 'rows'])
    .where('org_id', '=', tenant.orgId)
    .where('push_id', '=', pushId)
    .where(place.by, '=', place.seq)
    .where('ready', 'is not', null)
    .orderBy('block_no')
    .execute()

const BLOCKS_A_READ = 10

/** The rows of a chunk, block by block; no database connection is held between two reads. */
async function* readChunk(
  db: Database,
  { tenant, pushId }: PushKey,
  place: ChunkPlace,
): AsyncGenerator<{ blockNo: number; rows: ReadyRow[] }, void, undefined> {
  let after = -1
  for (;;) {
    const blocks = await db
      .as(tenant)
      .read.selectFrom('push_rows')
      .select(['block_no', 'object', 'operation', 'ready'])
      .where('org_id', '=', tenant.orgId)
      .where('push_id', '=', pushId)
      .where(place.by, '=', place.seq)
      .where('block_no', '>', after)
      .where('ready', 'is not', null)
      .orderBy('block_no')
      .limit(BLOCKS_A_READ)
      .execute()
    for (const block of blocks) {
      const rows = await rowsIn(block)
      if (rows !== null) yield { blockNo: block.block_no, rows }
    }
    const last = blocks.at(-1)
    if (last === undefined || blocks.length < BLOCKS_A_READ) return
    after = last.block_no
  }
}

/** What stays of the input of a settled chunk: the text of its failed rows. */
export interface KeptInput {
  /** Blocks of which every row failed. */
  whole: number[]
  /** The others, with what is left of them. */
  parts: { blockNo: number; source: Buffer; rows: number; bytes: number }[]
}

/** Reads what has to stay. `failed` holds the indices of failed rows by block. */
export const keptInput = async (
  db: Database,
  { tenant, pushId }: PushKey,
  failed: ReadonlyMap<number, ReadonlySet<number>>,
): Promise<KeptInput> => {
  const kept = [...failed].filter(([, indices]) => indices.size > 0)
  const whole: number[] = []
  const parts: KeptInput['parts'] = []
  for (let at = 0; at < kept.length; at += BLOCKS_A_READ) {
    const some = new Map(kept.slice(at, at + BLOCKS_A_READ))
    const blocks = await db
      .as(tenant)
      .read.selectFrom('push_rows')
      .select(['block_no', 'rows', 'source'])
      .where('org_id', '=', tenant.orgId)
      .where('push_id', '=', pushId)
      .where(sql<boolean>`block_no = any(${[...some.keys()]}::integer[])`)
      .execute()
    for (const { block_no, rows, source } of blocks) {
      const indices = some.get(block_no)
      if (indices === undefined) continue
      if (indices.size === rows) {
        whole.push(block_no)
        continue
      }
      const all = unpackSource(await decompress(source))
      const left = JSON.stringify(all.filter(([index]) => indices.has(index)))
      const body = await compress(left)
      parts.push({ blockNo: block_no, source: body, rows: indices.size, bytes: left.length })
    }
  }
  return { whole, parts }
}

/** Of the input of settled chunks, what is kept is no longer to be sent. */
export const keepInput = async (
  tx: Tx,
  { tenant, pushId }: PushKey,
  { whole, parts }: KeptInput,
): Promise<void> => {
  const updateKept = () =>
    tx
      .updateTable('push_rows')
      .set({ ready: null, part: null, chains: [] })
      .where('org_id', '=', tenant.orgId)
      .where('push_id', '=', pushId)
  if (whole.length > 0) {
    await updateKept()
      .where(sql<boolean>`block_no = any(${whole}::integer[])`)
      .execute()
  }
  for (const { blockNo, source, rows, bytes } of parts) {
    await updateKept().set({ source, rows, bytes }).where('block_no', '=', blockNo).execute()
  }
}

/**
 * The failed rows of a push that has ended, in input order, a window of the input at a time, beginning with
 * the one that holds row `index`.
 */
export async function* readFailedRows(
  db: Database,
  { tenant, pushId }: PushKey,
  index = 0,
): AsyncGenerator<[index: number, row: unknown][], void, undefined> {
  let from = null as { window: number; block: number } | null
  let open = null as { start: number; rows: [index: number, row: unknown][] } | null
  for (;;) {
    const after = from
    const blocks = await db.as(tenant).tx((tx) => {
      const query = tx
        .selectFrom('push_rows')
        .select(['block_no', 'window_start', 'source'])
        .where('org_id', '=', tenant.orgId)
        .where('push_id', '=', pushId)
        .where('ready', 'is', null)
        .orderBy('window_start')
        .orderBy('block_no')
        .limit(BLOCKS_A_READ)
      return after === null
        ? query
            .where(
              sql<boolean>`window_start >= coalesce((select max(w.window_start) from push_rows w
                where w.org_id = ${tenant.orgId} and w.push_id = ${pushId}
                  and w.window_start <= ${index}), 0)`,
            )
            .execute()
        : query
            .where(sql<boolean>`(window_start, block_no) > (${after.window}, ${after.block})`)
            .execute()
    })
    for (const { window_start, source } of blocks) {
      const rows = unpackSource(await decompress(source))
      if (open?.start === window_start) {
        open.rows.push(...rows)
        continue
      }
      if (open !== null) yield byIndex(open.rows)
      open = { start: window_start, rows }
    }
    const last = blocks.at(-1)
    if (last === undefined || blocks.length < BLOCKS_A_READ) break
    from = { window: last.window_start, block: last.block_no }
  }
  if (open !== null) yield byIndex(open.rows)
}

/** Blocks are formed by parents, not by the order of the rows. */
const byIndex = (rows: [index: number, row: unknown][]): [index: number, row: unknown][] =>
  rows.sort(([a], [b]) => a - b)
