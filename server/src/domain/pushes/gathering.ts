// Checks the rows of a push as they come and turns them into what is stored: blocks of rows to send, and
// the results of those that cannot be sent. Holds one window of the input in memory, whatever its size.

import { type DryRunCounts } from '../../db/tables/pushes.ts'
import { EngineError } from '../../errors.ts'
import { cutBlocks, type IncomingRow } from './blocks.ts'
import { type InputRow, type Intention } from './intention.ts'
import { requireKnown } from './mending.ts'
import { failedResult, type ReadyRow, type RowResult, warned } from './model.ts'
import {
  addCounts,
  NO_COUNTS,
  packBlock,
  compressResults,
  packSettled,
  type PackedResults,
  type StoredBlock,
} from './store.ts'

/** Rows that are checked and cut into blocks together. */
const WINDOW_ROWS = 2_000
/** As text; bounds what is in memory where rows are large. */
const WINDOW_CHARS = 4 * 1024 * 1024
/**
 * Salesforce: Bulk API 2.0 limits, 150 MB per upload including base64 growth: 100 MB of CSV. We
 * estimate.
 */
const PART_BYTES = 85_000_000
/**
 * Bounds how much of a job's results is kept in memory until they can be stored in order. Two parts of a
 * large push go on side by side: rows of one are read or uploaded while Salesforce works on the other.
 */
const PART_ROWS = 100_000

/** What is to be written. */
export interface Pending {
  blocks: StoredBlock[]
  results: PackedResults[]
}

export type Gathering = ReturnType<typeof createGathering>

const ALL_OR_NONE_FAULT = {
  code: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  message: 'Another row of the push cannot be sent, and all_or_none was requested.',
  fields: [],
  remedy: 'Correct the other row, or push without all_or_none.',
}

/**
 * Numbers the parts that blocks are sent in: one job each, of one kind of rows and within its limits.
 */
const createParts = () => {
  const open = new Map<string, { part: number; rows: number; bytes: number }>()
  let parts = 0
  return {
    partOf: (kind: string, rows: number, bytes: number): number => {
      const last = open.get(kind)
      if (last !== undefined && last.rows + rows <= PART_ROWS && last.bytes + bytes <= PART_BYTES) {
        last.rows += rows
        last.bytes += bytes
        return last.part
      }
      const part = parts
      parts += 1
      open.set(kind, { part, rows, bytes })
      return part
    },
  }
}

/**
 * Checks rows and turns them into what is stored: blocks to send, and results of those that are not
 * sent.
 */
export const createGathering = ({ judge, options }: Intention) => {
  const keepsRows = !options.dry_run
  let pending: Pending = { blocks: [], results: [] }
  let pendingBytes = 0
  let counts = NO_COUNTS
  const wouldDo: DryRunCounts = { would_update: 0, would_send: 0 }
  let total = 0
  let blockNo = 0
  const parts = createParts()

  let windowStart = 0
  let windowChars = 0
  let ready: IncomingRow[] = []
  let settled: { index: number; source: string; result: RowResult }[] = []

  const keepBlocks = async (): Promise<void> => {
    for (const block of cutBlocks(ready)) {
      const bytes = block.rows.reduce((sum, row) => sum + csvBytes(row.ready.fields), 0)
      const { operation, object } = block
      const kind = `${operation}:${object}:${operation === 'upsert' ? block.matchField : ''}`
      const part = parts.partOf(kind, block.rows.length, bytes)
      const stored = await packBlock(block, { blockNo, windowStart, part, bytes })
      pending.blocks.push(stored)
      pendingBytes += (stored.ready?.byteLength ?? 0) + stored.source.byteLength
      blockNo += 1
    }
  }

  const keepSettled = async (): Promise<void> => {
    if (settled.length === 0) return
    const results = await compressResults(
      blockNo,
      windowStart,
      settled.map(({ result }) => result),
    )
    pending.results.push(results)
    pendingBytes += results.body.byteLength
    counts = addCounts(counts, results)
    const failed = settled.filter(({ result }) => !result.success)
    if (keepsRows && failed.length > 0) {
      const kept = await packSettled(blockNo, windowStart, failed)
      pending.blocks.push(kept)
      pendingBytes += kept.source.byteLength
    }
    blockNo += 1
  }

  const closeWindow = async (): Promise<void> => {
    if (!keepsRows) {
      for (const { ready: row } of ready) wouldDo[wouldActionOf(row)] += 1
      settle(wouldBeSent)
    }
    await keepBlocks()
    await keepSettled()
    windowStart = total
    windowChars = 0
    ready = []
    settled = []
  }

  /** Gives the rows that could be sent their final results instead of sending them. */
  const settle = (resultOf: (row: ReadyRow) => RowResult): void => {
    for (const { ready: row, source } of ready) {
      settled.push({ index: row.index, source, result: warned(resultOf(row), row.warnings) })
    }
    settled.sort((a, b) => a.index - b.index)
    ready = []
  }

  return {
    get total() {
      return total
    },
    get counts() {
      return counts
    },
    /** Of a dry run; null for a push. */
    get dryRunCounts() {
      return keepsRows ? null : wouldDo
    },
    pendingBytes: () => pendingBytes,

    /** True: the window is full and must be closed. */
    add: ({ row, source, mended, refused }: InputRow): boolean => {
      const index = total
      total += 1
      const judged = judge.judge(index, row, refused)
      if (mended !== undefined && 'result' in judged) requireKnown(mended, judged.result)
      if ('ready' in judged) ready.push({ ready: judged.ready, source })
      else settled.push({ index, source, result: judged.result })
      windowChars += source.length
      return total - windowStart >= WINDOW_ROWS || windowChars >= WINDOW_CHARS
    },

    closeWindow,

    end: async (): Promise<void> => {
      if (options.all_or_none) {
        // A push of this kind never fills a window by its number of rows; a few large rows may by their
        // size, and what is then packed can no longer be undone.
        const isRefused = settled.some(({ result }) => !result.success)
        if (windowStart > 0 || (!isRefused && cutBlocks(ready).length > 1)) {
          throw new EngineError(
            'bad_request',
            'all_or_none needs rows of one object that fit into one call: rows of several objects ' +
              '(or megabytes of them) cannot be written together or not at all.',
          )
        }
        if (isRefused) {
          settle(({ index, key }) => failedResult(index, key, ALL_OR_NONE_FAULT))
        }
      }
      await closeWindow()
    },

    /** What is to be written now. */
    take: (): Pending => {
      const taken = pending
      pending = { blocks: [], results: [] }
      pendingBytes = 0
      return taken
    },
  }
}

/** Only Salesforce knows whether an upsert finds a record, and a dry run does not ask. */
const wouldActionOf = ({ operation }: ReadyRow): keyof DryRunCounts =>
  operation === 'update' ? 'would_update' : 'would_send'

/**
 * The result of a dry run for a row that a push would send: nothing was done, and nothing is wrong with
 * it.
 */
const wouldBeSent = (row: ReadyRow): RowResult => ({
  index: row.index,
  key: row.key,
  id: null,
  action: wouldActionOf(row),
  success: true,
  attempts: 0,
  errors: [],
})

/** Estimate of the row's size in a CSV; rather too large than too small. */
const csvBytes = (fields: IncomingRow['ready']['fields']): number => {
  let bytes = 2
  for (const name in fields) {
    const value = fields[name]
    if (typeof value === 'string') {
      bytes += Buffer.byteLength(value) + 3
      if (value.includes('"')) bytes += value.length
    } else if (typeof value === 'object' && value !== null) bytes += JSON.stringify(value).length
    else bytes += 16
  }
  return bytes
}
