// The work of an ingest job: internal batches of 10,000 rows, several at a time, each saved in
// transactions of 200. Salesforce: Bulk API 2.0 guide, "How Requests Are Processed", "Bulk API 2.0
// Limits".

import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises'
import { CsvError } from 'csv-parse'
import { findObject } from '../../org/changes.ts'
import { type SObject, type User } from '../../org/model.ts'
import { viewerOf } from '../../org/visibility.ts'
import { ROWS_MAX, saveRecords, type RowError, type RowOutcome } from '../../records/save.ts'
import { Refusal } from '../../refusals.ts'
import { compileColumns, type Columns } from './columns.ts'
import { LINE_ENDINGS, readRows, splitRow, writeRows, type Upload } from './csv.ts'
import { DAILY, type BulkJobs, type IngestJob } from './jobs.ts'
import { BatchProblem } from './refusals.ts'

const BATCH_ROWS = 10_000
/** Salesforce: "TooManyLockFailure"; such a batch is put back and tried again. */
const LOCK_FAILURES_MAX = 200
const RETRIES_MAX = 20

type Cells = readonly string[]

interface Run {
  bulk: BulkJobs
  job: IngestJob
  object: SObject
  user: User
  columns: Columns
}

/** Runs the job from UploadComplete, or from Aborted before its work began, to its end. */
export const runIngest = async (bulk: BulkJobs, job: IngestJob): Promise<void> => {
  await bulk.queue(job)
  if (job.state === 'UploadComplete') bulk.enter(job, 'InProgress')
  try {
    await work(bulk, job)
  } catch (error) {
    noteFailure(job, error)
  }
  job.upload = null
  if (job.state === 'InProgress') {
    bulk.enter(job, job.errorMessage === undefined ? 'JobComplete' : 'Failed')
  }
}

const going = (bulk: BulkJobs, job: IngestJob): boolean => bulk.live && job.state === 'InProgress'

const work = async (bulk: BulkJobs, job: IngestJob): Promise<void> => {
  const { upload } = job
  // Known from jsforce's tests against real orgs: an empty upload is a job that completes with no rows.
  if (upload === null || (job.header === '' && upload.firstLine() === null)) return
  // The rows of a job that can't be processed, or was aborted, are still read: they are unprocessed.
  const run = going(bulk, job) ? startRun(bulk, job, upload) : null
  let batch: Cells[] = []
  const atWork = new Set<Promise<void>>()
  const begin = async (): Promise<void> => {
    const rows = batch
    batch = []
    if (run === null) return leave(job, rows)
    while (atWork.size >= bulk.pace.parallelBatches) await Promise.race(atWork)
    const done = runBatch(run, rows).finally(() => atWork.delete(done))
    atWork.add(done)
  }
  let header = true
  try {
    for await (const cells of readRows(upload, job)) {
      if (header) {
        header = false
        continue
      }
      batch.push(cells)
      if (batch.length === BATCH_ROWS) await begin()
    }
  } catch (error) {
    // A batch with invalid CSV fails; what follows can't be split into rows.
    noteFailure(job, error)
    leave(job, batch)
    batch = []
  }
  if (batch.length > 0) await begin()
  await Promise.all(atWork)
}

const startRun = (bulk: BulkJobs, job: IngestJob, upload: Upload): Run | null => {
  const { org } = bulk
  try {
    const object = findObject(org, job.object)
    const user = org.users.get(job.createdById)
    if (object === undefined || user === undefined) {
      throw new BatchProblem('InvalidBatch', `Entity '${job.object}' no longer exists`)
    }
    const columns = compileColumns(org, viewerOf(org, user), object, headerOf(job, upload))
    if (job.operation.endsWith('elete') && (columns.idAt !== 0 || columns.count !== 1)) {
      throw new BatchProblem('InvalidBatch', `A batch of ${job.operation} has only the column Id`)
    }
    return { bulk, job, object, user, columns }
  } catch (error) {
    noteFailure(job, error)
    return null
  }
}

/** Throws if the lines end differently than the job says. */
const headerOf = (job: IngestJob, upload: Upload): string[] => {
  const line = upload.firstLine()
  if (line !== null && line.ending !== '' && line.ending !== LINE_ENDINGS[job.lineEnding]) {
    throw new BatchProblem(
      'ClientInputError',
      `LineEnding is invalid on user data. Current LineEnding setting is ${job.lineEnding}`,
    )
  }
  return splitRow(job.header, job)
}

/** The job reports the first thing that goes wrong. */
const noteFailure = (job: IngestJob, error: unknown): void => {
  job.errorMessage ??= messageOf(error)
}

const messageOf = (error: unknown): string => {
  if (error instanceof BatchProblem) return error.message
  if (error instanceof CsvError) return `InvalidBatch : Failed to parse CSV: ${error.message}`
  if (error instanceof Refusal) {
    const [first] = error.fault.body as { errorCode?: string; message?: string }[]
    return `InvalidBatch : ${first?.errorCode ?? ''}: ${first?.message ?? ''}`
  }
  return `The simulator failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

const leave = (job: IngestJob, rows: readonly Cells[]): void => {
  if (rows.length > 0) job.results.unprocessed.push(writeRows(rows, job))
}

/** Never rejects: what goes wrong is the job's error message, and the rows left are unprocessed. */
const runBatch = async (run: Run, rows: Cells[]): Promise<void> => {
  const { bulk, job } = run
  let pending = rows
  try {
    if (bulk.usage.batches >= DAILY.batches || bulk.usage.rows + rows.length > DAILY.rows) {
      throw new BatchProblem('ExceededQuota', 'ApiBatchItems Limit exceeded.')
    }
    bulk.usage.batches++
    bulk.usage.rows += rows.length
    for (let attempt = 0; going(bulk, job); attempt++) {
      const locked: Failed[] = []
      const rest = await tryBatch(run, pending, locked)
      if (!going(bulk, job) || rest.length === 0) {
        pending = rest
        finishFailed(run, locked)
        break
      }
      pending = [...locked.map(({ cells }) => cells), ...rest]
      if (attempt === RETRIES_MAX) {
        throw new BatchProblem(
          'TooManyLockFailure',
          `Too many lock failure ${LOCK_FAILURES_MAX} Trying again later.`,
        )
      }
      job.retries++
      await sleep(bulk.pace.retryMs, undefined, { ref: false })
    }
  } catch (error) {
    if (error instanceof Unsaved) pending = error.rows
    noteFailure(job, error instanceof Unsaved ? error.cause : error)
  }
  leave(job, pending)
}

/** A row with its final errors, unless they were locks and it is tried again. */
interface Failed {
  cells: Cells
  error: readonly RowError[]
}

/** A transaction was aborted; these rows were not saved. */
class Unsaved extends Error {
  override name = 'Unsaved'
  readonly rows: Cells[]

  constructor(rows: Cells[], cause: unknown) {
    super('unsaved', { cause })
    this.rows = rows
  }
}

/** Goes through the rows to the end, or until too many locks failed; returns the remaining rows. */
const tryBatch = async (run: Run, rows: Cells[], locked: Failed[]): Promise<Cells[]> => {
  const { bulk, job } = run
  for (let from = 0; from < rows.length; from += ROWS_MAX) {
    // Gives other requests and batches their turn.
    await breathe()
    await bulk.pass(job)
    if (!going(bulk, job)) return rows.slice(from)
    const chunk = rows.slice(from, from + ROWS_MAX)
    try {
      await saveChunk(run, chunk, locked)
    } catch (error) {
      throw new Unsaved([...locked.map(({ cells }) => cells), ...rows.slice(from)], error)
    }
    if (locked.length >= LOCK_FAILURES_MAX && from + ROWS_MAX < rows.length) {
      return rows.slice(from + ROWS_MAX)
    }
  }
  return []
}

const saveChunk = async (run: Run, chunk: Cells[], locked: Failed[]): Promise<void> => {
  const { bulk, job, object, user, columns } = run
  const since = performance.now()
  const saved: Cells[] = []
  const rows: Record<string, unknown>[] = []
  const failed: Failed[] = []
  for (const cells of chunk) {
    if (cells.length > columns.count) {
      throw new BatchProblem('InvalidBatch', 'A row has more columns than the header')
    }
    const read = columns.read(cells)
    if ('error' in read) failed.push({ cells, error: [read.error] })
    else {
      saved.push(cells)
      rows.push(read.row)
    }
  }
  const outcomes = await saveRecords(
    { org: bulk.org, user, viewer: viewerOf(bulk.org, user) },
    {
      operation: job.operation,
      object: object.name,
      ...(job.externalIdFieldName === undefined
        ? {}
        : { externalIdField: job.externalIdFieldName }),
      rows,
      options: {
        allOrNone: false,
        // Salesforce: no rule unless the job names one.
        assignmentRule: job.assignmentRuleId === undefined ? 'none' : { id: job.assignmentRuleId },
        allowDuplicates: false,
      },
    },
  )
  const good: string[][] = []
  for (const [at, outcome] of outcomes.entries()) {
    const cells = saved[at] ?? []
    if (outcome.success) good.push(successOf(run, outcome, cells))
    else if (outcome.errors.some(({ statusCode }) => statusCode === 'UNABLE_TO_LOCK_ROW'))
      locked.push({ cells, error: outcome.errors })
    else failed.push({ cells, error: outcome.errors })
  }
  job.processed += good.length
  if (good.length > 0) job.results.successful.push(writeRows(good, job))
  finishFailed(run, failed)
  const took = performance.now() - since
  job.activeMs += took
  const rest = bulk.pace.transactionMs - took
  if (rest > 0) await sleep(rest, undefined, { ref: false })
}

const successOf = (
  { columns }: Run,
  { id, created }: RowOutcome & { success: true },
  cells: Cells,
): string[] => [id, String(created), ...filled(cells, columns)]

/** Writes the rows that failed permanently into the results. */
const finishFailed = (run: Run, rows: readonly Failed[]): void => {
  const { job, columns } = run
  if (rows.length === 0) return
  job.processed += rows.length
  job.failed += rows.length
  job.results.failed.push(
    writeRows(
      rows.map(({ cells, error }) => [
        columns.idAt < 0 ? '' : (cells[columns.idAt] ?? ''),
        error.map(errorText).join(';'),
        ...filled(cells, columns),
      ]),
      job,
    ),
  )
}

/** A short row counts as one with empty cells. */
const filled = (cells: Cells, { count }: Columns): Cells =>
  cells.length === count ? cells : Array.from({ length: count }, (_, at) => cells[at] ?? '')

/** `CODE:message:Field --`, as recorded; `CODE:message:--` if no field is named. */
const errorText = ({ statusCode, message, fields }: RowError): string =>
  `${statusCode}:${message}:${fields.length === 0 ? '' : `${fields.join(',')} `}--`
