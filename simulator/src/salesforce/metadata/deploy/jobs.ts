// The deployments of one Salesforce org: one runs, the others wait. Salesforce: Metadata API guide,
// "deploy()", "checkDeployStatus()", "cancelDeploy()".

import { isProduction } from '../../../org/edition.ts'
import { keptByOrg, type Lasting } from '../../../org/kept.ts'
import type { Org } from '../../../org/model.ts'
import { applyPackage, type DeployMessage } from './apply.ts'
import { DeployRefusal, type DeployOptions } from './options.ts'
import { BadZip, readPackage, type DeployPackage } from './package.ts'

export type DeployStatus =
  | 'Pending'
  | 'InProgress'
  | 'Succeeded'
  | 'SucceededPartial'
  | 'Failed'
  | 'Canceling'
  | 'Canceled'

export interface DeployJob {
  /** 0Af… */
  id: string
  status: DeployStatus
  options: DeployOptions
  createdById: string
  createdDate: Date
  startDate?: Date
  completedDate?: Date
  lastModifiedDate: Date
  canceledById?: string
  errorStatusCode?: string
  errorMessage?: string
  zipSize: number
  fileCount: number
  /** Known once it runs: components without the manifests. */
  componentsTotal: number
  messages: DeployMessage[]
}

/** Milliseconds that a deployment waits before it runs, and that it runs. */
export interface DeployPace {
  pendingMs: number
  runMs: number
}

/** What stops a deployment that would otherwise succeed. */
export type DeployLock = 'setup' | 'admin-operation'

const PACE: DeployPace = { pendingMs: 10, runMs: 30 }
const KEPT = 200
/** Salesforce: Metadata API guide, "Deploying and Retrieving Metadata with the Zip File". */
const MAX_FILES = 10_000
const MAX_ZIP_BYTES = 39 * 1024 * 1024
const SETUP_LOCKED =
  "The changes you requested require salesforce.com to temporarily lock your organization's administration setup. However, the administration setup has already been locked by another change. Please wait for the previous action to finish, then try again later."

/** Whether it has ended. */
export const isDone = ({ status }: DeployJob): boolean =>
  !['Pending', 'InProgress', 'Canceling'].includes(status)

interface Saved {
  jobs: ReadonlyMap<string, DeployJob>
  zips: ReadonlyMap<string, Uint8Array>
  locks: readonly DeployLock[]
  pace: DeployPace
}

/** Deployments proceed by the clock, whether or not anybody polls them. */
export class DeployJobs implements Lasting {
  readonly #org: Org
  readonly #jobs = new Map<string, DeployJob>()
  readonly #zips = new Map<string, Uint8Array>()
  readonly #locks: DeployLock[] = []
  #pace = PACE
  #running = false
  /** The next timer: one deployment runs at a time. */
  #next: { timer: NodeJS.Timeout; phase: keyof DeployPace; what: () => void } | undefined

  constructor(org: Org) {
    this.#org = org
  }

  /** All that are kept, oldest first. */
  get all(): readonly DeployJob[] {
    return [...this.#jobs.values()]
  }

  saved(): Saved {
    return { jobs: this.#jobs, zips: this.#zips, locks: this.#locks, pace: this.#pace }
  }

  /** What ran is begun again: it had not changed anything yet, a package is applied at its end. */
  restore({ jobs, zips, locks, pace }: Saved): void {
    for (const [id, job] of jobs) this.#jobs.set(id, job)
    for (const [id, zip] of zips) this.#zips.set(id, zip)
    this.#locks.push(...locks)
    this.#pace = pace
    for (const job of this.all) {
      if (job.status === 'Canceling') this.#finish(job, 'Canceled')
      if (job.status === 'InProgress') this.#enter(job, 'Pending')
    }
    this.#advance()
  }

  /** True while one waits or runs. */
  get busy(): boolean {
    return this.all.some((job) => !isDone(job))
  }

  /**
   * Slows deployments down, or speeds them up, including the current one; what is not given has its
   * usual pace.
   */
  setPace(pace: Partial<DeployPace> = {}): void {
    this.#pace = { ...PACE, ...pace }
    const next = this.#next
    if (next === undefined) return
    clearTimeout(next.timer)
    this.#later(next.phase, next.what)
  }

  /**
   * Makes the next deployments find the setup locked: so many of them, each as a whole or in one
   * component.
   */
  lock(kind: DeployLock, times: number): void {
    for (let i = 0; i < times; i++) this.#locks.push(kind)
  }

  find(id: string): DeployJob | undefined {
    return this.#jobs.get(id.slice(0, 15))
  }

  /** Queues a deployment. Throws `DeployRefusal` for what the org does not allow. */
  submit(zip: Uint8Array, options: DeployOptions, userId: string): DeployJob {
    if (isProduction(this.#org)) {
      if (options.purgeOnDelete) {
        throw new DeployRefusal(
          'INVALID_OPERATION',
          'purgeOnDelete option can only be used on a non-active org',
        )
      }
      if (!options.rollbackOnError) {
        throw new DeployRefusal(
          'INVALID_OPERATION',
          'rollbackOnError must be set to true when deploying to a production org',
        )
      }
    }
    if (zip.length > MAX_ZIP_BYTES) {
      throw new DeployRefusal('LIMIT_EXCEEDED', 'Maximum size of request reached (39 MB)')
    }
    const now = new Date()
    const job: DeployJob = {
      id: this.#org.ids.make('0Af'),
      status: 'Pending',
      options,
      createdById: userId,
      createdDate: now,
      lastModifiedDate: now,
      zipSize: zip.length,
      fileCount: 0,
      componentsTotal: 0,
      messages: [],
    }
    this.#jobs.set(job.id.slice(0, 15), job)
    this.#zips.set(job.id, zip)
    const [oldest] = this.#jobs.entries()
    if (this.#jobs.size > KEPT && oldest && isDone(oldest[1])) this.#jobs.delete(oldest[0])
    this.#advance()
    return job
  }

  /**
   * Cancels: at once while it waits, at its end while it runs. Returns undefined for an unknown id;
   * throws `DeployRefusal` if the deployment has ended.
   */
  cancel(id: string, userId: string): DeployJob | undefined {
    const job = this.find(id)
    if (job === undefined) return undefined
    if (isDone(job)) {
      throw new DeployRefusal('INVALID_ID_FIELD', 'Deployment already completed')
    }
    job.canceledById = userId
    if (job.status === 'Pending') this.#finish(job, 'Canceled')
    else this.#enter(job, 'Canceling')
    return job
  }

  /** Components done so far and what is being worked on, by the clock. */
  progress(job: DeployJob): { deployed: number; stateDetail: string | null } {
    if (job.status === 'InProgress' && job.startDate) {
      const part = (Date.now() - job.startDate.getTime()) / Math.max(this.#pace.runMs, 1)
      const deployed = Math.min(job.componentsTotal, Math.floor(part * job.componentsTotal))
      return { deployed, stateDetail: 'Processing Type: Components' }
    }
    return { deployed: countOf(job, true), stateDetail: null }
  }

  #enter(job: DeployJob, status: DeployStatus): void {
    job.status = status
    job.lastModifiedDate = new Date()
  }

  #finish(job: DeployJob, status: DeployStatus): void {
    this.#enter(job, status)
    job.completedDate = job.lastModifiedDate
    this.#zips.delete(job.id)
  }

  #later(phase: keyof DeployPace, what: () => void): void {
    const timer = setTimeout(() => {
      this.#next = undefined
      // After a reset the org is a different one, and this queue is no longer used.
      if (deploysOf(this.#org) === this) what()
    }, this.#pace[phase])
    timer.unref()
    this.#next = { timer, phase, what }
  }

  /** Starts the next one if none runs. */
  #advance(): void {
    if (this.#running || !this.all.some(({ status }) => status === 'Pending')) return
    this.#running = true
    this.#later('pendingMs', () => {
      const job = this.all.find(({ status }) => status === 'Pending')
      if (job === undefined) {
        this.#running = false
        return
      }
      const over = () => {
        this.#running = false
        this.#advance()
      }
      this.#start(job, over)
    })
  }

  #start(job: DeployJob, over: () => void): void {
    const lock = this.#locks.shift()
    this.#enter(job, 'InProgress')
    job.startDate = job.lastModifiedDate
    const read = this.#read(job)
    if (read === undefined || lock === 'setup') {
      // Salesforce: the whole deployment fails, with null in front of the message.
      if (lock === 'setup') fail(job, 'ALREADY_IN_PROCESS', `null: ${SETUP_LOCKED}`)
      this.#finish(job, 'Failed')
      over()
      return
    }
    job.fileCount = read.fileCount
    job.componentsTotal =
      read.items.length +
      read.deletionsBefore.length +
      read.deletionsAfter.length +
      read.problems.length
    if (lock === 'admin-operation') lockComponent(read)
    this.#later('runMs', () => {
      if (job.status === 'Canceling') this.#finish(job, 'Canceled')
      else this.#run(job, read)
      over()
    })
  }

  #read(job: DeployJob): DeployPackage | undefined {
    try {
      const read = readPackage(this.#zips.get(job.id) ?? new Uint8Array(), job.options)
      if (read.fileCount <= MAX_FILES) return read
      fail(job, 'LIMIT_EXCEEDED', `Maximum number of files (${MAX_FILES}) in the zip exceeded`)
    } catch (error) {
      if (!(error instanceof BadZip)) throw error
      fail(job, 'INVALID_FILE', error.message)
    }
    return undefined
  }

  #run(job: DeployJob, read: DeployPackage): void {
    try {
      const { messages, kept } = applyPackage(this.#org, job.createdById, read, job.options)
      job.messages = messages
      const failed = messages.some(({ success }) => !success)
      const partial = failed && kept && messages.some((each) => each.success && each.componentType)
      this.#finish(job, partial ? 'SucceededPartial' : failed ? 'Failed' : 'Succeeded')
    } catch (error) {
      // The simulator's own fault, reported in the result, where the caller will look.
      fail(
        job,
        'UNKNOWN_EXCEPTION',
        `The simulator failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
      this.#finish(job, 'Failed')
    }
  }
}

/** The deployments of the org. */
export const deploysOf = keptByOrg((org) => new DeployJobs(org))

const fail = (job: DeployJob, code: string, message: string): void => {
  job.errorStatusCode = code
  job.errorMessage = message
}

/** One component hits a lock, the others do not. */
function lockComponent(read: DeployPackage): void {
  const item = read.items.shift()
  if (item === undefined) return
  const { fileName, fullName, type } = item
  read.problems.push({ fileName, fullName, type, problem: 'admin operation already in progress' })
}

/** Components that succeeded or failed; manifests do not count. */
export const countOf = (job: DeployJob, success: boolean): number =>
  job.messages.filter(
    (message) => message.success === success && (message.componentType !== '' || !success),
  ).length
