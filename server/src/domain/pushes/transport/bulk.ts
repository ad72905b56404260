// Pushes of many rows: one Bulk API 2.0 job for a part, further ones for what it left, and Collections
// for the rest. Salesforce keeps the results of a job for a week, so the journal holds little more than
// the jobs' ids: after a crash, the result of each row is read again.

import { type BulkJob } from '../../../salesforce/bulk.ts'
import { type Failure, makeFailure } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type RowError } from '../model.ts'
import { beginJob, isQuota, isRunning, quotaExhausted, waitForJob } from './bulk-job.ts'
import { ROUTE } from './bulk-ledger.ts'
import { type Part, surveyPart } from './bulk-part.ts'
import { type CallsNote, settleByCalls } from './bulk-rest.ts'
import { readJobResults } from './bulk-results.ts'
import { type KeptTargets } from './bulk-targets.ts'
import { createClock, type SalesforceClock } from './clock.ts'
import { meterCalls } from './meter.ts'
import { leftOutOf } from './only-on-create.ts'
import { errorsOf } from './row-failures.ts'
import { type Shipment, type Transport } from './transport.ts'

/** A job as stored in the journal. */
interface JobNote {
  id: string
  /** By Salesforce's clock, before anything was uploaded. */
  at: number
  /** The last of the open rows that were put into it. */
  through: number
}

interface BulkState {
  via: 'bulk'
  /** Jobs that have ended, with rows of ours in their results. Oldest first. */
  jobs: JobNote[]
  /** The job that was created and is not known to have ended. */
  open: JobNote | null
  calls: CallsNote | null
  /** The records that updates by a key were sent to. */
  found?: KeptTargets
}

/** The most jobs for the rows of one part, if each left some that may still succeed. */
const JOBS_MAX = 3
/** The most consecutive jobs that reached no row. */
const BARREN_MAX = 2
/** Up to this many rows are not worth another job. */
const CALLS_ROWS_MAX = 1_000

/**
 * Salesforce: Bulk API guide, ExceptionCode: errors that may not occur again when the rows are resent.
 */
const PASSING_JOB: ReadonlySet<string> = new Set(['Timeout', 'TooManyLockFailure', 'Unknown'])

const ABORTED: Failure = makeFailure('other', {
  code: 'JOB_ABORTED',
  message: 'The Bulk job was aborted in the Salesforce org before it reached this row.',
})

/**
 * Bulk API 2.0. A part has a few hundred thousand rows at most, is read several times, and yields its
 * results in the order of its rows once all are known.
 */
export const createBulkTransport = (clock: SalesforceClock = createClock()): Transport => ({
  async *send(org: SalesforceOrg, shipment: Shipment) {
    const meter = meterCalls(org, shipment.onCalls)
    try {
      const sent = shipment.state as BulkState | null
      const part = await surveyPart(org, shipment, sent?.found ?? null)
      if (part === null) return
      await settlePart(org, clock, part, shipment, meter.tell)
      let ordinal = 0
      for await (const some of shipment.rows()) {
        yield some.map((row) => {
          const at = ordinal
          ordinal += 1
          const result = part.ledger.resultOf(at, row, (failures) =>
            errorsOf(failures, row, shipment),
          )
          return part.ledger.isForExisting(at) ? { ...result, warnings: [leftOutOf(row)] } : result
        })
      }
    } finally {
      meter.tell()
    }
  },
})

/** Brings every row of the part to its result. */
const settlePart = async (
  org: SalesforceOrg,
  clock: SalesforceClock,
  part: Part,
  shipment: Shipment,
  tellCalls: () => void,
): Promise<void> => {
  const { ledger } = part
  const state: BulkState = (shipment.state as BulkState | null) ?? {
    via: 'bulk',
    jobs: [],
    open: null,
    calls: null,
    ...(part.found === null ? {} : { found: part.found }),
  }
  const save = async (): Promise<void> => {
    tellCalls()
    const isNothing = state.jobs.length === 0 && state.open === null && state.calls === null
    await shipment.save(isNothing ? null : structuredClone(state))
  }
  const intend = (note: CallsNote): Promise<RowError | null> => {
    state.calls = note
    tellCalls()
    return shipment.intend(structuredClone(state))
  }

  if (state.open !== null && !(await isRunning(org, state.open.id, shipment.signal))) {
    state.open = null
    await save()
  }
  for (const note of state.jobs) {
    const job = await waitForJob(org, note.id, ledger.countForJob(), shipment)
    await digest(org, part, shipment, job, note)
  }
  let barren = 0
  for (;;) {
    if (state.open !== null) {
      const note = state.open
      const before = ledger.countForJob()
      const job = await waitForJob(org, note.id, before, shipment)
      const hasRows = await digest(org, part, shipment, job, note)
      barren = ledger.countForJob() === before ? barren + 1 : 0
      // A job that did nothing need not be read again.
      state.open = null
      if (hasRows) state.jobs.push(note)
      await save()
      if (job?.failure != null && isQuota(job.failure)) throw quotaExhausted()
    }
    const count = ledger.countForJob()
    if (count === 0) break
    const reason = await shipment.stopped()
    if (reason !== null) {
      for (const ordinal of ledger.forJob()) {
        if (!ledger.endAsFailed(ordinal)) ledger.fail(ordinal, [reason])
      }
      break
    }
    const isFirst = state.jobs.length === 0 && barren === 0
    if (!isFirst && count <= CALLS_ROWS_MAX) {
      for (const ordinal of ledger.forJob()) ledger.route(ordinal, ROUTE.calls)
      break
    }
    if (barren >= BARREN_MAX || state.jobs.length >= JOBS_MAX) {
      // Too many for calls, and jobs do not help. Rows that were never tried are still sent with calls.
      for (const ordinal of ledger.forJob()) {
        if (!ledger.endAsFailed(ordinal)) ledger.route(ordinal, ROUTE.calls)
      }
      break
    }
    const through = part.lastForJob()
    const refusal = await beginJob(org, part, shipment, through, async (id) => {
      const at = id === null ? 0 : (await clock.now(org)).getTime()
      state.open = id === null ? null : { id, at, through }
      await save()
    })
    if (refusal === null) continue
    for (const ordinal of ledger.forJob()) ledger.failed(ordinal, [refusal], true)
  }

  await settleByCalls({
    org,
    clock,
    shipment,
    ledger,
    batches: part.batches,
    note: state.calls,
    save: async (note) => {
      state.calls = note
      await save()
    },
    intend,
  })
}

/**
 * Takes over the results of a job that has ended (null: Salesforce no longer knows it). True: it reports
 * rows of ours.
 */
const digest = async (
  org: SalesforceOrg,
  part: Part,
  shipment: Shipment,
  job: BulkJob | null,
  { at, through }: JobNote,
): Promise<boolean> => {
  const { ledger } = part
  const sentAt = new Date(at)
  const rows = [...ledger.forJob()].filter((ordinal) => ordinal <= through)
  if (job === null) {
    for (const ordinal of rows) ledger.doubt(ordinal, sentAt)
    return true
  }
  const told = await readJobResults({
    org,
    job,
    part,
    rows,
    kind: shipment.kind,
    signal: shipment.signal,
  })
  // Aborted by somebody else: we do not start it again against their will.
  const isTakenAway = job.state === 'Aborted' && (await shipment.stopped()) === null
  const failure = isTakenAway ? ABORTED : job.failure
  for (const ordinal of rows) {
    if (told.isTold(ordinal)) continue
    if (!told.isUnprocessed(ordinal)) ledger.doubt(ordinal, sentAt)
    else if (failure !== null && !isQuota(failure)) {
      ledger.sent(ordinal)
      ledger.failed(ordinal, [failure], !failure.passing && !PASSING_JOB.has(failure.code))
    }
  }
  return told.rows > 0
}
