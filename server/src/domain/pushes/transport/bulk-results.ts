// What a Bulk job reports for each row. Its results come in no particular order and repeat what was
// sent, so they are joined by the key.

import { waitMs } from '../../../retry.ts'
import { failedResults, successfulResults, unprocessedRows } from '../../../salesforce/bulk-rows.ts'
import { type BulkJob } from '../../../salesforce/bulk.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type PushKind } from '../model.ts'
import { ROUTE } from './bulk-ledger.ts'
import { type Part } from './bulk-part.ts'
import { needsJudgement } from './matching.ts'
import { isRefusedForExisting } from './only-on-create.ts'
import { mayPass } from './row-failures.ts'

const READS_MAX = 3

export interface ReadOptions {
  org: SalesforceOrg
  /** The job has ended. */
  job: BulkJob
  part: Part
  /** Ordinals of the rows that were put into the job. */
  rows: readonly number[]
  kind: PushKind
  signal: AbortSignal
}

export interface Told {
  /** Rows for which the job reports a result, success or failure. */
  rows: number
  isTold: (ordinal: number) => boolean
  /** Certain: the job did not reach it. */
  isUnprocessed: (ordinal: number) => boolean
}

/**
 * Enters what the job reports into the ledger. A row that is neither reported nor unprocessed may have
 * been written. Throws SalesforceError; reading again is safe.
 */
export const readJobResults = async (options: ReadOptions): Promise<Told> => {
  const { org, job, part, rows: due, kind, signal } = options
  const { ledger, keyColumn } = part
  const told = new Uint8Array(ledger.rows)
  const unprocessed = new Uint8Array(ledger.rows)
  const isDue = new Uint8Array(ledger.rows)
  for (const ordinal of due) isDue[ordinal] = 1
  const meaning = {
    isLink: kind === 'link',
    // One part may match some rows by id and others by a key: `refuse` distinguishes them row by row.
    isUpdate: part.operation === 'update',
  }

  const enter = (row: Record<string, string>): number | null => {
    const key = row[keyColumn]
    const ordinal = key === undefined ? null : part.ordinalOf(key)
    return ordinal === null || isDue[ordinal] === 0 ? null : ordinal
  }
  const mark = (ordinal: number): void => {
    // A row that is read again after a broken answer still counts as sent once.
    if (told[ordinal] === 1) return
    told[ordinal] = 1
    ledger.sent(ordinal)
  }

  const readSuccesses = async (expected: number | null): Promise<void> => {
    const read = successfulResults(org, job.id, {
      signal,
      columns: [keyColumn],
      ...(expected === null ? {} : { expected }),
    })
    for await (const batch of read) {
      for (const { id, created, row } of batch) {
        const ordinal = enter(row)
        if (ordinal === null) continue
        mark(ordinal)
        ledger.succeed(ordinal, id, created ? 'created' : 'updated')
      }
    }
  }
  const readFailures = async (expected: number | null): Promise<void> => {
    const read = failedResults(org, job.id, {
      signal,
      columns: [keyColumn],
      ...(expected === null ? {} : { expected }),
    })
    for await (const batch of read) {
      for (const { failure, row } of batch) {
        const ordinal = enter(row)
        if (ordinal === null) continue
        mark(ordinal)
        const failures = [failure]
        if (!ledger.isForExisting(ordinal) && isRefusedForExisting(failures, part.createOnly)) {
          ledger.settleForExisting(ordinal)
          continue
        }
        const isOdd = needsJudgement(failures, meaning)
        ledger.failed(ordinal, failures, !isOdd && !mayPass(failures))
        if (isOdd) ledger.route(ordinal, ROUTE.judge)
      }
    }
  }
  const readUnprocessed = async (): Promise<void> => {
    for await (const batch of unprocessedRows(org, job.id, { signal, columns: [keyColumn] })) {
      for (const row of batch) {
        const ordinal = enter(row)
        if (ordinal !== null) unprocessed[ordinal] = 1
      }
    }
  }

  const isWhole = job.state === 'JobComplete'
  await persist(
    options,
    () => readSuccesses(isWhole ? job.processed - job.failed : null),
    () => readSuccesses(null),
  )
  const countTold = (): number => told.reduce((sum, one) => sum + one, 0)
  // A call that can only be empty is left out.
  if (countTold() < due.length) {
    await persist(
      options,
      () => readFailures(isWhole ? job.failed : null),
      () => readFailures(null),
    )
  }
  if (countTold() < due.length) {
    const rows = countTold()
    if (rows === 0 && job.processed === 0 && !isWhole) unprocessed.set(isDue)
    else await persist(options, readUnprocessed, readUnprocessed)
  }
  return {
    rows: countTold(),
    isTold: (ordinal) => told[ordinal] === 1,
    isUnprocessed: (ordinal) => unprocessed[ordinal] === 1 && told[ordinal] === 0,
  }
}

/**
 * Reads until it succeeds, a few times. An answer that stays incomplete is used as far as it goes, as
 * are results that Salesforce has deleted: rows missing there are looked up one by one.
 */
const persist = async (
  { org, signal }: ReadOptions,
  read: () => Promise<void>,
  readAsItIs: () => Promise<void>,
): Promise<void> => {
  for (let reads = 1; ; reads += 1) {
    try {
      await (reads < READS_MAX ? read() : readAsItIs())
      return
    } catch (error) {
      if (!(error instanceof SalesforceError) || signal.aborted) throw error
      const { failure } = error
      if (failure.kind === 'not_found') return
      if (reads >= READS_MAX && failure.kind === 'malformed') return
      if (!failure.passing || reads >= READS_MAX) throw error
      await org.pause(
        waitMs({
          attempt: reads,
          retryAfterSeconds: failure.retryAfterSeconds,
          random: Math.random(),
        }),
        signal,
      )
    }
  }
}
