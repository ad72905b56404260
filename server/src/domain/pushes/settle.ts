// Brings the rows of one chunk to their stored results: collects them, in whatever order they come, by
// block, stores full blocks as they fill, and ends the chunk.

import { type Database } from '../../db/database.ts'
import { type Fault } from '../../db/tables/work.ts'
import { decompress, unpackResults } from './block-body.ts'
import { type PushJournal } from './journal.ts'
import { failedResult, type ReadyRow, type RowError, type RowResult, warned } from './model.ts'
import { remedyOf } from './remedies.ts'
import { type LastWords } from './transport/last-words.ts'
import {
  type BlockPlace,
  type ChunkInput,
  type KeptInput,
  keptInput,
  compressResults,
  type PackedResults,
  type PushKey,
} from './store.ts'

/** Full blocks that are stored in one transaction. */
const BLOCKS_A_WRITE = 20

/** One block of the chunk while its results come in. */
interface OpenBlock extends BlockPlace {
  results: RowResult[]
}

const UNANSWERED: Fault = {
  code: 'outcome_unknown',
  message: 'The row was sent, and Salesforce could no longer be asked what became of it.',
}

/** The error of rows that end because of this. */
export const errorOf = ({ code, message }: Fault): RowError => ({
  code: code.toUpperCase(),
  message,
  fields: [],
  remedy: remedyOf(code),
})

export interface Settler {
  /** The chunk's rows, as often as they are asked for. */
  rows: () => AsyncIterable<ReadyRow[]>
  /** Must be called before `add`. */
  start(): Promise<void>
  add(results: readonly RowResult[]): Promise<void>
  /** Ends the chunk. The outcome of a row without a result is not known. */
  finish(): Promise<void>
  /** Ends the chunk: rows without a stored result fail with this. */
  failAll(fault: Fault): Promise<void>
  /**
   * Ends the chunk when Salesforce can no longer be asked: rows with a known result keep it, rows that
   * were not written fail with `reason`, and rows that were sent without an answer say so.
   */
  conclude(words: LastWords, reason: Fault): Promise<void>
}

interface Options {
  db: Database
  key: PushKey
  input: ChunkInput
  /** The results of a chunk of one block are stored with its end, or not at all. */
  isOneBlock: boolean
  storedBlocks: PushJournal['storedBlocks']
  resultsOf: PushJournal['resultsOf']
  /** Stores the results of some blocks of a chunk that continues. */
  store: (packed: readonly PackedResults[]) => Promise<void>
  /** Stores the last results, and ends the chunk. */
  end: (packed: readonly PackedResults[], kept: KeptInput) => Promise<void>
}

export const createSettler = ({
  db,
  key,
  input,
  isOneBlock,
  storedBlocks,
  resultsOf,
  store,
  end,
}: Options): Settler => {
  const open = new Map<number, OpenBlock>()
  /** Which block a row is in; filled as the transport reads the rows, before it returns results. */
  const blockOf = new Map<number, number>()
  const failed = new Map<number, Set<number>>()
  /** Warnings of the few rows that have some. */
  const warningsOf = new Map<number, RowError[]>()
  let full: PackedResults[] = []
  let started = false

  async function* rows(): AsyncGenerator<ReadyRow[], void, undefined> {
    for await (const { blockNo, rows: some } of input.read()) {
      // A part is read several times, and each time the same.
      const isNoted = blockOf.get(some[0]?.index ?? -1) === blockNo
      if (!isNoted) for (const row of some) note(blockNo, row)
      yield some
    }
  }

  const note = (blockNo: number, { index, warnings }: ReadyRow): void => {
    blockOf.set(index, blockNo)
    if (warnings !== undefined) warningsOf.set(index, warnings)
  }

  const start = async (): Promise<void> => {
    if (started) return
    started = true
    for (const block of await input.blocks()) open.set(block.block_no, { ...block, results: [] })
    if (isOneBlock) return
    // What an earlier run has stored is kept, and only the input of its failed rows is still needed.
    for (const stored of await storedBlocks([...open.keys()])) {
      open.delete(stored.block_no)
      if (stored.failed === 0) continue
      const body = await resultsOf(stored.block_no)
      if (body === undefined) continue
      noteFailed(stored.block_no, unpackResults(await decompress(body)))
    }
  }

  const noteFailed = (blockNo: number, results: readonly RowResult[]): void => {
    const indices = results.filter(({ success }) => !success).map(({ index }) => index)
    if (indices.length > 0) failed.set(blockNo, new Set(indices))
  }

  const close = async (block: OpenBlock): Promise<void> => {
    open.delete(block.block_no)
    noteFailed(block.block_no, block.results)
    full.push(await compressResults(block.block_no, block.window_start, block.results))
  }

  const add: Settler['add'] = async (results) => {
    for (const result of results) {
      const block = open.get(blockOf.get(result.index) ?? -1)
      if (block === undefined) continue // stored by an earlier run
      block.results.push(warned(result, warningsOf.get(result.index)))
      if (block.results.length === block.rows) await close(block)
    }
    // The last blocks are stored together with the end of the chunk.
    if (full.length < BLOCKS_A_WRITE || open.size === 0) return
    await store(takeFull())
  }

  const takeFull = (): PackedResults[] => {
    const packed = full
    full = []
    return packed
  }

  const finish = async (): Promise<void> => {
    if (open.size > 0) {
      const error = errorOf({
        code: 'outcome_unknown',
        message: 'The transport reported nothing about this row.',
      })
      await fillUp(({ index, key }) => failedResult(index, key, error))
    }
    await end(takeFull(), await keptInput(db, key, failed))
  }

  /** Gives every row without a result one. */
  const fillUp = async (
    resultFor: (row: ReadyRow, ordinal: number) => RowResult,
  ): Promise<void> => {
    let ordinal = -1
    for await (const { blockNo, rows: some } of input.read()) {
      const block = open.get(blockNo)
      if (block === undefined) {
        ordinal += some.length
        continue
      }
      const known = new Set(block.results.map(({ index }) => index))
      for (const row of some) {
        ordinal += 1
        if (known.has(row.index)) continue
        block.results.push(warned(resultFor(row, ordinal), row.warnings))
      }
      await close(block)
      if (full.length >= BLOCKS_A_WRITE) {
        await store(takeFull())
      }
    }
  }

  return {
    rows,
    start,
    add,
    finish,
    failAll: async (fault) => {
      const error = errorOf(fault)
      await start()
      await fillUp(({ index, key }) => failedResult(index, key, error))
      await finish()
    },
    conclude: async (words, reason) => {
      const errors = { not_written: errorOf(reason), unknown: errorOf(UNANSWERED) }
      await start()
      await fillUp((row, ordinal) => {
        const word = words(ordinal, row)
        if (word.kind === 'result') return word.result
        const { kind, attempts } = word
        return { ...failedResult(row.index, row.key, errors[kind]), attempts }
      })
      await finish()
    },
  }
}
