// The Bulk API 2.0 jobs of one org, what they have used of its allocations, and their pace.

import { setTimeout as sleep } from 'node:timers/promises'
import { keptByOrg, type Lasting } from '../../org/kept.ts'
import { type Org } from '../../org/model.ts'
import { Upload, type CsvFormat } from './csv.ts'

export type IngestOperation = 'insert' | 'update' | 'upsert' | 'delete' | 'hardDelete'
export type JobState =
  | 'Open'
  | 'UploadComplete'
  | 'InProgress'
  | 'JobComplete'
  | 'Failed'
  | 'Aborted'

interface Job extends CsvFormat {
  /** 750… */
  id: string
  object: string
  state: JobState
  /** As in the path: 66. */
  apiVersion: number
  createdById: string
  createdDate: Date
  systemModstamp: Date
  startedAt?: Date
  processed: number
  retries: number
  /** Milliseconds from the start of the work to its end. */
  totalMs: number
  /** Milliseconds spent reading or saving records. */
  activeMs: number
  errorMessage?: string
  /** Resolves when the job has ended; results are complete then. */
  settled: Promise<void>
}

export interface IngestJob extends Job {
  operation: IngestOperation
  externalIdFieldName?: string
  assignmentRuleId?: string
  /** Kept until the job no longer needs it. */
  upload: Upload | null
  /** The first line of the upload as it was sent. */
  header: string
  failed: number
  /** CSV without header, in the order in which rows were finished. */
  results: Record<'successful' | 'failed' | 'unprocessed', Buffer[]>
}

export interface QueryJob extends Job {
  operation: 'query' | 'queryAll'
  query: string
  /** CSV; `starts` are the offsets of the rows in it, one more than there are rows. */
  result: { header: Buffer; rows: Buffer; starts: Uint32Array } | null
}

export interface BulkPace {
  /** Milliseconds between UploadComplete and InProgress. */
  queueMs: number
  /** Milliseconds that each transaction of 200 rows takes at least. */
  transactionMs: number
  /** Milliseconds before a batch is tried again. */
  retryMs: number
  /** Internal batches of 10,000 rows that one job processes at a time. */
  parallelBatches: number
  /** Rows per page of query results, if the request does not say. */
  queryPageRows: number
}

const PACE: BulkPace = {
  queueMs: 20,
  transactionMs: 0,
  retryMs: 100,
  parallelBatches: 4,
  queryPageRows: 100_000,
}

/** Where jobs stop for the control port: before they start, or once so many rows are processed. */
export type Hold = 'queued' | number

/** Salesforce: "Bulk API 2.0 Limits", in a rolling 24 hours. Batches are shared with Bulk API 1. */
export const DAILY = {
  batches: 15_000,
  rows: 150_000_000,
  queryJobs: 10_000,
  queryResultKB: 1_000_000_000,
}

/** Salesforce: jobs and their results are deleted after seven days. */
const KEPT_MS = 7 * 24 * 3600 * 1000
/** A limit of the simulator, so that long runs do not fill the memory. */
const KEPT_MAX = 2000

/** Promises end with the process, and an upload is its bytes. */
interface Saved {
  usage: BulkJobs['usage']
  ingest: (Omit<IngestJob, 'settled' | 'upload'> & { uploaded: Buffer[] | null })[]
  query: Omit<QueryJob, 'settled'>[]
  pace: BulkPace
  hold: Hold | null
}

export class BulkJobs implements Lasting {
  readonly org: Org
  readonly usage: Record<keyof typeof DAILY, number> = {
    batches: 0,
    rows: 0,
    queryJobs: 0,
    queryResultKB: 0,
  }
  readonly #ingest = new Map<string, IngestJob>()
  readonly #query = new Map<string, QueryJob>()
  #pace = PACE
  #hold: Hold | null = null
  #wake: (() => void)[] = []

  constructor(org: Org) {
    this.org = org
  }

  saved(): Saved {
    return {
      usage: this.usage,
      ingest: [...this.#ingest.values()].map(({ settled: _settled, upload, ...job }) => ({
        ...job,
        uploaded: upload?.chunks ?? null,
      })),
      query: [...this.#query.values()].map(({ settled: _settled, ...job }) => job),
      pace: this.#pace,
      hold: this.#hold,
    }
  }

  /** The jobs as they were; `resumeJobs` brings unfinished ones to their end. */
  restore({ usage, ingest, query, pace, hold }: Saved): void {
    Object.assign(this.usage, usage)
    const settled = Promise.resolve()
    for (const { uploaded, ...job } of ingest) {
      this.addIngest({ ...job, settled, upload: uploaded && Upload.from(uploaded) })
    }
    for (const job of query) this.addQuery({ ...job, settled })
    this.#pace = pace
    this.#hold = hold
  }

  /** True while one waits or runs. */
  get busy(): boolean {
    return [...this.#ingest.values(), ...this.#query.values()].some(
      ({ state }) => state === 'UploadComplete' || state === 'InProgress',
    )
  }

  get pace(): Readonly<BulkPace> {
    return this.#pace
  }

  /** What is not given has its usual pace. */
  setPace(pace: Partial<BulkPace>): void {
    this.#pace = { ...PACE, ...pace }
  }

  /** Stops jobs at a point, until a different one or null is set. */
  setHold(hold: Hold | null): void {
    this.#hold = hold
    this.stir()
  }

  /** Makes everything that waits check again whether it still has to. */
  stir(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** False once the org was reset: the results of its jobs are no longer needed. */
  get live(): boolean {
    return bulkOf(this.org) === this
  }

  /** Oldest first. */
  get ingestJobs(): readonly IngestJob[] {
    return kept(this.#ingest)
  }

  /** Oldest first. */
  get queryJobs(): readonly QueryJob[] {
    return kept(this.#query)
  }

  addIngest(job: IngestJob): void {
    this.#ingest.set(job.id, job)
  }

  addQuery(job: QueryJob): void {
    this.#query.set(job.id, job)
  }

  ingest(id: string): IngestJob | undefined {
    return byId(this.#ingest, id)
  }

  query(id: string): QueryJob | undefined {
    return byId(this.#query, id)
  }

  remove(job: Job): void {
    this.#ingest.delete(job.id)
    this.#query.delete(job.id)
  }

  enter(job: Job, state: JobState): void {
    job.state = state
    job.systemModstamp = wholeSeconds()
    if (state === 'InProgress') job.startedAt = new Date()
    else if (job.startedAt !== undefined) job.totalMs = Date.now() - job.startedAt.getTime()
    this.stir()
  }

  /** How long a job waits in the queue. */
  async queue(job: Job): Promise<void> {
    await sleep(this.#pace.queueMs, undefined, { ref: false })
    while (this.#hold === 'queued' && job.state === 'UploadComplete') await this.#stirred()
  }

  /** Waits while the job is held. */
  async pass(job: Job): Promise<void> {
    const held = () => typeof this.#hold === 'number' && job.processed >= this.#hold
    while (held() && job.state === 'InProgress') await this.#stirred()
  }

  #stirred(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }
}

const kept = <T extends Job>(jobs: Map<string, T>): T[] => {
  const oldest = Date.now() - KEPT_MS
  let tooMany = jobs.size - KEPT_MAX
  for (const job of jobs.values()) {
    const over = !['Open', 'UploadComplete', 'InProgress'].includes(job.state)
    if (job.createdDate.getTime() < oldest || (over && tooMany > 0)) {
      jobs.delete(job.id)
      tooMany--
    }
  }
  return [...jobs.values()]
}

const byId = <T extends Job>(jobs: Map<string, T>, id: string): T | undefined => {
  if (id.length === 18) return jobs.get(id)
  return [...jobs.values()].find((job) => id.length === 15 && job.id.startsWith(id))
}

export const bulkOf = keptByOrg((org) => new BulkJobs(org))

/** Salesforce stamps jobs in whole seconds. */
export const wholeSeconds = (): Date => new Date(Math.floor(Date.now() / 1000) * 1000)
