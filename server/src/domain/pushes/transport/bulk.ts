// Pushes of many rows: one Bulk API 2.0 job for a part, further ones for what it left, and Collections
// for the rest. Salesforce keeps the results of a job for a week, so the journal holds the jobs' ids and
// hardly more: what each row came to is read again after a crash.

import { type BulkJob } from '../../../salesforce/bulk.ts'
import { type Failure, makeFailure } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
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

/** A job as the journal knows it. */
interface JobNote {
  id: string
  /** By Salesforce's clock, before anything was uploaded. */
  at: number
  /** The last row that was put into it, of those that were open. */
  through: number
}

interface BulkState {
  via: 'bulk'
  /** Over, with rows of ours in their results. Oldest first. */
  jobs: JobNote[]
  /** Made, and not known to be over. */
  open: JobNote | null
  calls: CallsNote | null
  /** The records that updates by a key were sent to. */
  found?: KeptTargets
}

/** Jobs for the rows of one part, where each left some that may pass. */
const JOBS_MAX = 3
/** Jobs one after the other that came to no row. */
const BARREN_MAX = 2
/** So few rows are not worth a further job. */
const CALLS_ROWS_MAX = 1_000

/** Salesforce: Bulk API guide, ExceptionCode: what may pass when the rows are sent again. */
const PASSING_JOB: ReadonlySet<string> = new Set(['Timeout', 'TooManyLockFailure', 'Unknown'])

const ABORTED: Failure = makeFailure('other', {
  code: 'JOB_ABORTED',
  message: 'The Bulk job was aborted in the Salesforce org before it reached this row.',
})

/**
 * Bulk API 2.0. A part has some hundred thousand rows at most, is read several times, and yields its
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

  if (state.open !== null && !(await isRunning(org, state.open.id, shipment.signal))) {
    state.open = null
    await save()
  }
  for (const note of state.jobs) {
    await digest(org, part, shipment, await waitForJob(org, note.id, shipment), note)
  }
  let barren = 0
  for (;;) {
    if (state.open !== null) {
      const note = state.open
      const before = ledger.countForJob()
      const job = await waitForJob(org, note.id, shipment)
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
      // Too many for calls, and jobs do not help. What was never tried is called nevertheless.
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
  })
}

/**
 * Takes over what a job that is over did (null: that Salesforce does not know any more). True: it tells
 * of rows of ours.
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
  // Ended by somebody else: not to be begun again behind their back.
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
