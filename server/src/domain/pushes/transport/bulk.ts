// Pushes of many rows: one Bulk API 2.0 job for a part, further ones for what it left, and Collections
// for the rest. Salesforce keeps the results of a job for a week, so the journal holds the jobs' ids and
// hardly more: what each row came to is read again after a crash.

import { EngineError } from '../../../errors.ts'
import { waitMs } from '../../../retry.ts'
import { bulkRowFault, type BulkValue, encodeBulkCsv } from '../../../salesforce/bulk-rows.ts'
import {
  abortBulkJob,
  awaitBulkJob,
  type BulkJob,
  type BulkJobSpec,
  getBulkJob,
  startBulkIngest,
} from '../../../salesforce/bulk.ts'
import { soql } from '../../../salesforce/escape.ts'
import { type Failure, makeFailure, SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText } from '../../../salesforce/json.ts'
import { query } from '../../../salesforce/rest.ts'
import { type ReadyRow } from '../model.ts'
import { cellsOf, Columns, valuesOf } from './bulk-columns.ts'
import { KeyIndex, PartLedger, ROUTE } from './bulk-ledger.ts'
import { readJobResults } from './bulk-results.ts'
import { type CallsNote, settleByCalls } from './bulk-rest.ts'
import { createClock, type SalesforceClock } from './clock.ts'
import { newItem } from './items.ts'
import { isRefusal, keyText, textOf } from './look-up.ts'
import { matchRecords } from './matching.ts'
import { meterCalls } from './meter.ts'
import { errorsOf } from './row-failures.ts'
import { type Shipment, type Transport } from './transport.ts'

/** A job as the journal knows it. */
interface JobNote {
  id: string
  /** By Salesforce's clock, before it was made. */
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
}

/** Under Salesforce's 100 MB, as far as our reckoning of CSV may be wrong. */
const CSV_BYTES_MAX = 95_000_000
/** Jobs for the rows of one part, where each left some that may pass. */
const JOBS_MAX = 3
/** Jobs one after the other that came to no row. */
const BARREN_MAX = 2
/** So few rows are not worth a job. */
const CALLS_ROWS_MAX = 1_000
/** Times that a job cannot be begun for a passing reason. */
const STARTS_MAX = 3
const MATCH_ROWS = 1_000
/** Salesforce: the allocation of Bulk batches comes back over 24 hours. */
const QUOTA_SECONDS = 900

/** Salesforce: Bulk API guide, ExceptionCode: what may pass when the rows are sent again. */
const PASSING_JOB: ReadonlySet<string> = new Set(['Timeout', 'TooManyLockFailure', 'Unknown'])

/** Salesforce: Bulk API guide, ExceptionCode; version 2.0 answers requests with it in capitals. */
const isQuota = ({ code }: Failure): boolean => /^exceededquota$/i.test(code)

const quotaExhausted = (): EngineError =>
  new EngineError(
    'api_budget_exhausted',
    'Salesforce says that its daily allowance of Bulk batches is used up.',
    { retryAfterSeconds: QUOTA_SECONDS },
  )

const ABORTED: Failure = makeFailure('other', {
  code: 'JOB_ABORTED',
  message: 'The Bulk job was aborted in the Salesforce org before it came to this row.',
})

/** Bulk API 2.0. A part's rows (up to some hundred thousand) are read several times and never held. */
export const createBulkTransport = (clock: SalesforceClock = createClock()): Transport => ({
  async *send(org: SalesforceOrg, shipment: Shipment) {
    const meter = meterCalls(org, shipment.onCalls)
    try {
      const part = createPart(org, clock, shipment, meter.tell)
      yield* part.run()
    } finally {
      meter.tell()
    }
  },
})

const createPart = (
  org: SalesforceOrg,
  clock: SalesforceClock,
  shipment: Shipment,
  tellCalls: () => void,
) => {
  const { signal } = shipment
  const state: BulkState = (shipment.state as BulkState | null) ?? {
    via: 'bulk',
    jobs: [],
    open: null,
    calls: null,
  }
  let part: Part | null = null

  const save = async (): Promise<void> => {
    tellCalls()
    const isNothing = state.jobs.length === 0 && state.open === null && state.calls === null
    await shipment.save(isNothing ? null : structuredClone(state))
  }

  // ---------------------------------------------------------------------------------- a job

  const specOf = async (): Promise<BulkJobSpec> => {
    if (sample === null) throw new TypeError('A part without rows')
    const { object, matchField } = sample
    const ruleId = await assignmentRuleId(object)
    return {
      object,
      ...(isUpdate()
        ? { operation: 'update' as const }
        : { operation: 'upsert' as const, externalIdFieldName: matchField }),
      ...(ruleId === null ? {} : { assignmentRuleId: ruleId }),
    }
  }

  const assignmentRuleId = async (object: string): Promise<string | null> => {
    const { assignment_rules: rule } = shipment.options
    if (rule === false) return null
    if (rule !== true) return rule
    // Salesforce: only these have assignment rules; Bulk wants the id where REST takes "the active one".
    if (!/^(lead|case|account)$/i.test(object)) return null
    const text = soql`SELECT Id FROM AssignmentRule WHERE SobjectType = ${object} AND Active = true`
    for await (const record of query(org, text)) return asText(record.Id)
    return null
  }

  /** Begins a job for the open rows. Afterwards `state.open` is it, unless no row can go this way. */
  const begin = async (): Promise<void> => {
    const through = throughFor()
    const spec = await specOf().catch((error: unknown) => {
      if (!isRefusal(error)) throw error
      failOpen(error.failure)
      return null
    })
    if (spec === null) return
    for (let starts = 1; ; starts += 1) {
      try {
        await startBulkIngest(org, spec, csv(through), async (id) => {
          state.open = { id, at: (await clock.now(org)).getTime(), through }
          await save()
        })
        return
      } catch (error) {
        if (signal.aborted || !(error instanceof SalesforceError)) throw error
        const { failure } = error
        // The closing of the job may have come through; an open one is thrown away.
        if (state.open !== null && (await isRunning(state.open))) return
        state.open = null
        await save()
        if (isQuota(failure)) throw quotaExhausted()
        if (isRefusal(error)) {
          failOpen(failure)
          return
        }
        if (!failure.passing || starts >= STARTS_MAX) throw error
        await pause(starts, failure)
      }
    }
  }

  const pause = (attempt: number, { retryAfterSeconds }: Failure): Promise<void> =>
    org.pause(waitMs({ attempt, retryAfterSeconds, random: Math.random() }), signal)

  /** False: the job did nothing and never will. */
  const isRunning = async ({ id }: JobNote): Promise<boolean> => {
    const job = await jobOf(id)
    if (job === null) return true
    if (job.state !== 'Open') return !(job.state === 'Aborted' && job.processed === 0)
    const ended = await abortBulkJob(org, id)
    return !(ended.state === 'Aborted' && ended.processed === 0)
  }

  /** Null: Salesforce does not know it any more. */
  const jobOf = async (id: string): Promise<BulkJob | null> => {
    try {
      return await getBulkJob(org, id, { signal })
    } catch (error) {
      if (error instanceof SalesforceError && error.failure.kind === 'not_found') return null
      throw error
    }
  }

  const failOpen = (failure: Failure): void => {
    for (let ordinal = 0; ordinal < ledger.rows; ordinal += 1) {
      if (ledger.isForJob(ordinal)) ledger.failed(ordinal, [failure], true)
    }
  }

  /** Waits for the end of a job; where the push is stopped meanwhile, the job is too. */
  const waitFor = async ({ id }: JobNote): Promise<BulkJob | null> => {
    let isAsked = false
    try {
      return await awaitBulkJob(org, id, {
        signal,
        onProgress: async (seen) => {
          if (seen.done || isAsked || (await shipment.stopped()) === null) return
          isAsked = true
          // Refused where it ends by itself just now.
          await abortBulkJob(org, id).catch((error: unknown) => {
            if (!(error instanceof EngineError)) throw error
          })
        },
      })
    } catch (error) {
      if (error instanceof SalesforceError && error.failure.kind === 'not_found') return null
      throw error
    }
  }

  /** Somebody else ended the job: not to be begun again behind their back. */
  const wasTakenAway = async ({ state: ended }: BulkJob): Promise<boolean> =>
    ended === 'Aborted' && (await shipment.stopped()) === null

  /** Takes over what a job that is over did. True: rows of ours are in its results. */
  const digest = async (job: BulkJob | null, { at, through }: JobNote): Promise<boolean> => {
    const sentAt = new Date(at)
    const wasIn = (ordinal: number): boolean => ordinal <= through && ledger.isForJob(ordinal)
    if (job === null) {
      for (let ordinal = 0; ordinal <= through; ordinal += 1) {
        if (wasIn(ordinal)) ledger.doubt(ordinal, sentAt)
      }
      return true
    }
    const told = await readJobResults({
      org,
      job,
      ledger,
      keyColumn: columns.names[0] ?? '',
      ordinalOf: (key) => index.get(isUpdate() ? keyText('Id', key) : key.trim()),
      wasIn,
      isLink: shipment.kind === 'link',
      isUpdateById: isUpdate() && sample?.matchField.toLowerCase() === 'id',
      signal,
    })
    const failure = (await wasTakenAway(job)) ? ABORTED : job.failure
    for (let ordinal = 0; ordinal <= through; ordinal += 1) {
      if (!wasIn(ordinal) || told.isTold(ordinal)) continue
      if (!told.isUnprocessed(ordinal)) ledger.doubt(ordinal, sentAt)
      else if (failure !== null && !isQuota(failure)) {
        const passes = failure.passing || PASSING_JOB.has(failure.code)
        ledger.sent(ordinal)
        ledger.failed(ordinal, [failure], !passes)
      }
    }
    return told.rows > 0
  }

  // ------------------------------------------------------------------------------- the whole

  const work = async (): Promise<void> => {
    await survey()
    for (const note of state.jobs) await digest(await waitFor(note), note)
    let barren = 0
    for (;;) {
      if (state.open !== null) {
        const note = state.open
        const job = await waitFor(note)
        const before = ledger.countForJob()
        const hasRows = await digest(job, note)
        barren = ledger.countForJob() === before ? barren + 1 : 0
        state.open = null
        // A job that did nothing needs not be read again.
        if (hasRows) state.jobs.push(note)
        await save()
        if (job?.failure != null && isQuota(job.failure)) throw quotaExhausted()
      }
      const count = ledger.countForJob()
      if (count === 0) return
      const reason = await shipment.stopped()
      if (reason !== null) {
        for (let ordinal = 0; ordinal < ledger.rows; ordinal += 1) {
          if (!ledger.isForJob(ordinal)) continue
          const failures = ledger.failuresOf(ordinal)
          if (failures.length > 0) ledger.failed(ordinal, failures, true)
          else ledger.fail(ordinal, [reason])
        }
        return
      }
      const isFirst = state.jobs.length === 0 && barren === 0
      if (!isFirst && count <= CALLS_ROWS_MAX) {
        sendByCalls()
        return
      }
      if (barren >= BARREN_MAX || state.jobs.length >= JOBS_MAX) {
        giveUp()
        return
      }
      await begin()
    }
  }

  const sendByCalls = (): void => {
    for (let ordinal = 0; ordinal < ledger.rows; ordinal += 1) {
      if (ledger.isForJob(ordinal)) ledger.route(ordinal, ROUTE.calls)
    }
  }

  /** Too many for calls, and jobs do not help: what failed ends so, what was never tried is called. */
  const giveUp = (): void => {
    for (let ordinal = 0; ordinal < ledger.rows; ordinal += 1) {
      if (!ledger.isForJob(ordinal)) continue
      const failures = ledger.failuresOf(ordinal)
      if (failures.length > 0) ledger.failed(ordinal, failures, true)
      else ledger.route(ordinal, ROUTE.calls)
    }
  }

  return {
    async *run() {
      if (state.open !== null && !(await isRunning(state.open))) {
        state.open = null
        await save()
      }
      await work()
      await settleByCalls({
        org,
        clock,
        shipment,
        ledger,
        rows: numbered,
        note: state.calls,
        save: async (note) => {
          state.calls = note
          await save()
        },
      })
      let ordinal = 0
      for await (const some of shipment.rows()) {
        yield some.map((row) => {
          const at = ordinal
          ordinal += 1
          return ledger.resultOf(at, row, (failures) => errorsOf(failures, row, shipment))
        })
      }
    },
  }
}
