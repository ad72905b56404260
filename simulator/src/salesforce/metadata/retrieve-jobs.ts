import { keptByOrg } from '../../org/kept.ts'
import type { RetrieveOutput } from './retrieve.ts'

/** How far a retrieve is. Salesforce: Metadata API guide, "RetrieveResult". */
export type RetrieveStatus = 'Pending' | 'InProgress' | 'Succeeded'

interface RetrieveJob {
  id: string
  startedAt: number
  output: RetrieveOutput
  zipTaken: boolean
}

export interface RetrieveState {
  id: string
  status: RetrieveStatus
  output: RetrieveOutput
  /** False once the zip was handed out: Salesforce deletes it then. */
  zipAvailable: boolean
}

/** Milliseconds a retrieve stays Pending, and until it has Succeeded. */
export interface RetrievePace {
  pendingMs: number
  doneMs: number
}

const kept = 50

/** The asynchronous retrieves of one Salesforce org. They proceed by the clock, not by polls. */
export class RetrieveJobs {
  private readonly jobs = new Map<string, RetrieveJob>()
  private readonly pace: RetrievePace

  constructor(pace: RetrievePace = { pendingMs: 20, doneMs: 60 }) {
    this.pace = pace
  }

  /** Stores a retrieve. Its content is what the org holds at this moment. */
  start(id: string, output: RetrieveOutput): void {
    this.jobs.set(id.slice(0, 15), { id, startedAt: Date.now(), output, zipTaken: false })
    const [oldest] = this.jobs.keys()
    if (this.jobs.size > kept && oldest) this.jobs.delete(oldest)
  }

  /**
   * The state of a retrieve, undefined for an unknown id. With `takeZip`, the zip of a finished one is
   * used up.
   */
  check(id: string, takeZip: boolean): RetrieveState | undefined {
    const job = this.jobs.get(id.slice(0, 15))
    if (!job) return undefined
    const age = Date.now() - job.startedAt
    const { pendingMs, doneMs } = this.pace
    const status = age < pendingMs ? 'Pending' : age < doneMs ? 'InProgress' : 'Succeeded'
    const zipAvailable = status === 'Succeeded' && !job.zipTaken
    if (zipAvailable && takeZip) job.zipTaken = true
    return { id: job.id, status, output: job.output, zipAvailable }
  }
}

export const retrievesOf = keptByOrg(() => new RetrieveJobs())
