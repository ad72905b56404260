// Bulk API 2.0 ingest: many rows as one CSV, processed by Salesforce in its own time. A job does nothing
// until it is closed, so if anything goes wrong before that it can be dropped and started again.

import { EngineError } from '../errors.ts'
import { waitMs } from '../retry.ts'
import { urlPath } from './escape.ts'
import { classifyError, type Failure, malformed, SalesforceError } from './failure.ts'
import { type SalesforceOrg } from './gateway.ts'
import { isObject } from './json.ts'
import { pollUntilDone, type PollOptions } from './polling.ts'
import { leaf } from './xml.ts'

/**
 * Bytes of CSV. Salesforce: Bulk API 2.0 guide, limits: an upload may have 150 MB after Salesforce's
 * own base64, which makes 100 MB.
 */
export const BULK_UPLOAD_MAX = 100_000_000

const JOBS = '/jobs/ingest'
const UPLOAD_TIMEOUT_MS = 60 * 60_000

export interface BulkJobSpec {
  /** API name of the object. */
  object: string
  operation: 'insert' | 'update' | 'upsert' | 'delete' | 'hardDelete'
  /** For an upsert only. */
  externalIdFieldName?: string
  /** Salesforce: Bulk has no Sforce-Auto-Assign; without this id no assignment rule runs. */
  assignmentRuleId?: string
}

export interface BulkJob {
  id: string
  /** `Open`, `UploadComplete`, `InProgress`, `JobComplete`, `Failed`, `Aborted`. */
  state: string
  /** Nothing more will happen. `JobComplete` does not mean that rows succeeded. */
  done: boolean
  /** Rows processed so far, including `failed`. */
  processed: number
  failed: number
  /** How often Salesforce itself tried again. */
  retries: number
  totalProcessingMs: number
  /** Why the job as a whole failed; its rows are still in the three kinds of results. */
  failure: Failure | null
}

const DONE: ReadonlySet<string> = new Set(['JobComplete', 'Failed', 'Aborted'])

const count = (value: unknown): number => {
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : 0
}

/** `InvalidBatch : Field name not found : X`: the part before the first colon is the code. */
const jobFailure = (message: string): Failure => {
  const code = /^\s*(\w+)\s*:/.exec(message)?.[1] ?? 'BULK_JOB_FAILED'
  return classifyError({ errorCode: code, message })
}

const readJob = (body: unknown): BulkJob => {
  const id = isObject(body) ? leaf(body.id) : null
  const state = isObject(body) ? leaf(body.state) : null
  if (!isObject(body) || id === null || state === null) {
    throw new SalesforceError(malformed('The answer is not a Bulk job.'))
  }
  const message = leaf(body.errorMessage)
  return {
    id,
    state,
    done: DONE.has(state),
    processed: count(body.numberRecordsProcessed),
    failed: count(body.numberRecordsFailed),
    retries: count(body.retries),
    totalProcessingMs: count(body.totalProcessingTime),
    failure: state === 'Failed' ? jobFailure(message ?? 'The job failed without a reason.') : null,
  }
}

/** An empty job, in state `Open`. */
export const createBulkJob = async (org: SalesforceOrg, spec: BulkJobSpec): Promise<BulkJob> => {
  if ((spec.operation === 'upsert') !== (spec.externalIdFieldName !== undefined)) {
    throw new TypeError('An upsert, and nothing else, needs an external id field')
  }
  const { object, operation, externalIdFieldName, assignmentRuleId } = spec
  const { body } = await org.request({
    method: 'POST',
    path: JOBS,
    kind: 'bulk',
    // A second empty job does no harm: it does nothing, and Salesforce drops it after a week.
    effect: 'idempotent',
    json: {
      object,
      operation,
      contentType: 'CSV',
      columnDelimiter: 'COMMA',
      lineEnding: 'LF',
      ...(externalIdFieldName === undefined ? {} : { externalIdFieldName }),
      ...(assignmentRuleId === undefined ? {} : { assignmentRuleId }),
    },
  })
  return readJob(body)
}

/** The source of an upload; called anew for each attempt. */
export type CsvSource = () => AsyncIterable<Uint8Array>

async function* limited(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const piece of source) {
    size += piece.byteLength
    if (size > BULK_UPLOAD_MAX) {
      const most = `${BULK_UPLOAD_MAX} bytes`
      throw new EngineError('payload_too_large', `A Bulk job takes at most ${most} of CSV.`)
    }
    yield piece
  }
}

/**
 * Uploads the rows of an open job, streamed. Repeated only if Salesforce certainly accepted nothing: a
 * job with two uploads cannot be closed (INVALIDJOB), so after an error for which `isUnknownFate` holds
 * the caller aborts the job and creates a new one. Throws EngineError `payload_too_large` beyond 100 MB,
 * and what the source itself throws.
 */
export const uploadBulkData = async (
  org: SalesforceOrg,
  jobId: string,
  csv: CsvSource,
): Promise<void> => {
  await org.request({
    method: 'PUT',
    path: urlPath`/jobs/ingest/${jobId}/batches`,
    kind: 'bulk',
    effect: 'create',
    body: { type: 'text/csv', content: () => limited(csv()) },
    timeouts: { callMs: UPLOAD_TIMEOUT_MS },
  })
}

/** The state of a job. Never stopped by the budget. */
export const getBulkJob = async (
  org: SalesforceOrg,
  jobId: string,
  { attemptsMax, signal }: { attemptsMax?: number; signal?: AbortSignal } = {},
): Promise<BulkJob> => {
  const { body } = await org.request({
    path: urlPath`/jobs/ingest/${jobId}`,
    kind: 'bulk',
    priority: 'protected',
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
    ...(signal === undefined ? {} : { signal }),
  })
  return readJob(body)
}

/** Sets the state; if that fails, the job itself shows whether it was done after all. */
const setState = async (
  org: SalesforceOrg,
  jobId: string,
  state: 'UploadComplete' | 'Aborted',
  isThere: (job: BulkJob) => boolean,
): Promise<BulkJob> => {
  try {
    const { body } = await org.request({
      method: 'PATCH',
      path: urlPath`/jobs/ingest/${jobId}`,
      json: { state },
      kind: 'bulk',
      priority: 'protected',
    })
    return readJob(body)
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error
    // Salesforce refuses to set a state twice, so it also refuses a retry after a lost answer.
    const job = await getBulkJob(org, jobId).catch((lookError: unknown) => {
      if (lookError instanceof EngineError) return null
      throw lookError
    })
    if (job === null || !isThere(job)) throw error
    return job
  }
}

/** Tells Salesforce to start. From here on the rows are being written. May be repeated. */
export const closeBulkJob = (org: SalesforceOrg, jobId: string): Promise<BulkJob> =>
  setState(org, jobId, 'UploadComplete', ({ state }) => state !== 'Open' && state !== 'Aborted')

/** Stops a job; rows that it wrote stay written. One that has already ended is returned as it ended. */
export const abortBulkJob = (org: SalesforceOrg, jobId: string): Promise<BulkJob> =>
  setState(org, jobId, 'Aborted', ({ done }) => done)

/** Waits for the end of a job, however long it takes; errors are those of `pollUntilDone`. */
export const awaitBulkJob = (
  org: SalesforceOrg,
  jobId: string,
  options: PollOptions<BulkJob> = {},
): Promise<BulkJob> => {
  const { signal } = options
  const at = signal === undefined ? {} : { signal }
  return pollUntilDone(org, () => getBulkJob(org, jobId, { ...at, attemptsMax: 1 }), options)
}

const JOBS_MAX = 3

/**
 * Creates, fills and closes a job. `onJob` gets each job's id before anything is uploaded, and is
 * awaited: store it, and after a crash ask `getBulkJob`: an `Open` one did nothing and may be aborted
 * and started again. A lost upload is started again here, up to three times in total; after an error in
 * closing, the job with the last id may be running.
 */
export const startBulkIngest = async (
  org: SalesforceOrg,
  spec: BulkJobSpec,
  csv: CsvSource,
  onJob: (jobId: string) => unknown,
): Promise<BulkJob> => {
  for (let jobs = 1; ; jobs += 1) {
    const { id } = await createBulkJob(org, spec)
    await onJob(id)
    try {
      await uploadBulkData(org, id, csv)
    } catch (error) {
      // Only cleanup: an open job does nothing, and Salesforce drops it in the end.
      await abortBulkJob(org, id).catch(() => undefined)
      const again =
        error instanceof SalesforceError && error.failure.passing && org.signal?.aborted !== true
      if (!again || jobs >= JOBS_MAX) throw error
      const { retryAfterSeconds } = error.failure
      await org.pause(waitMs({ attempt: jobs, retryAfterSeconds, random: Math.random() }))
      continue
    }
    return closeBulkJob(org, id)
  }
}
