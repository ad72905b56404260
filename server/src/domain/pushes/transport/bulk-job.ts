// One Bulk job from its creation to its end, whatever breaks on the way. There is never a second one for
// the same rows before the end of the first is known.

import { EngineError } from '../../../errors.ts'
import { waitMs } from '../../../retry.ts'
import {
  abortBulkJob,
  awaitBulkJob,
  type BulkJob,
  type BulkJobSpec,
  getBulkJob,
  startBulkIngest,
} from '../../../salesforce/bulk.ts'
import { soql } from '../../../salesforce/escape.ts'
import { type Failure, SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText } from '../../../salesforce/json.ts'
import { query } from '../../../salesforce/rest.ts'
import { type Part } from './bulk-part.ts'
import { isRefusal } from './look-up.ts'
import { type Shipment } from './transport.ts'

/** How often a job may fail to start for a temporary reason. */
const STARTS_MAX = 3
/** Salesforce: the allocation of Bulk batches comes back over 24 hours. */
const QUOTA_SECONDS = 900

/** Salesforce: Bulk API guide, ExceptionCode; version 2.0 returns it in capitals. */
export const isQuota = ({ code }: Failure): boolean => /^exceededquota$/i.test(code)

export const quotaExhausted = (): EngineError =>
  new EngineError(
    'api_budget_exhausted',
    'Salesforce says that its daily allowance of Bulk batches is used up.',
    { retryAfterSeconds: QUOTA_SECONDS },
  )

/** What a job does with the part. Throws SalesforceError. */
const specOf = async (
  org: SalesforceOrg,
  { object, operation, matchField }: Part,
  { options }: Shipment,
): Promise<BulkJobSpec> => {
  const ruleId = await assignmentRuleId(org, object, options.assignment_rules)
  return {
    object,
    ...(operation === 'update' ? { operation } : { operation, externalIdFieldName: matchField }),
    ...(ruleId === null ? {} : { assignmentRuleId: ruleId }),
  }
}

const assignmentRuleId = async (
  org: SalesforceOrg,
  object: string,
  rule: boolean | string,
): Promise<string | null> => {
  if (typeof rule === 'string') return rule
  // Salesforce: only these have assignment rules; Bulk requires the id where REST accepts "the active
  // one".
  if (!rule || !/^(lead|case|account)$/i.test(object)) return null
  const text = soql`SELECT Id FROM AssignmentRule WHERE SobjectType = ${object} AND Active = true`
  for await (const record of query(org, text)) return asText(record.Id)
  return null
}

/** Null: Salesforce no longer knows the job. */
const forgotten = (error: unknown): null => {
  if (error instanceof SalesforceError && error.failure.kind === 'not_found') return null
  throw error
}

/**
 * Settles a job that may be open or running: an open one is aborted. False: it did nothing and never
 * will.
 */
export const isRunning = async (
  org: SalesforceOrg,
  id: string,
  signal: AbortSignal,
): Promise<boolean> => {
  const job = await getBulkJob(org, id, { signal }).catch(forgotten)
  if (job === null) return true
  const ended = job.state === 'Open' ? await abortBulkJob(org, id) : job
  return !(ended.state === 'Aborted' && ended.processed === 0)
}

/**
 * Begins a job for the rows up to `through`; `onJob` stores its id before anything is uploaded, and null
 * once that job is certain to do nothing. Returns the refusal if no job can be made of these rows; null
 * if a job is under way, or if there is none because the push was stopped in the meantime. Throws what
 * stops the push.
 */
export const beginJob = async (
  org: SalesforceOrg,
  part: Part,
  shipment: Shipment,
  through: number,
  onJob: (id: string | null) => Promise<void>,
): Promise<Failure | null> => {
  const { signal, stopped } = shipment
  let open: string | null = null
  let isStopped = false
  /**
   * An upload takes a while: if it is stopped in the meantime it is never complete, so the job cannot
   * start.
   */
  async function* unlessStopped(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* part.csv(through)()
    isStopped = (await stopped()) !== null
    if (isStopped) throw new Error('The push was stopped while its rows were uploaded')
  }
  for (let starts = 1; ; starts += 1) {
    try {
      const spec = await specOf(org, part, shipment)
      await startBulkIngest(org, spec, unlessStopped, async (id) => {
        open = id
        await onJob(id)
      })
      return null
    } catch (error) {
      if (signal.aborted || !(isStopped || error instanceof SalesforceError)) throw error
      // The request to close the job may have succeeded.
      if (open !== null && (await isRunning(org, open, signal))) return null
      if (open !== null) await onJob(null)
      open = null
      if (isStopped) return null
      if (!(error instanceof SalesforceError)) throw error
      const { failure } = error
      if (isQuota(failure)) throw quotaExhausted()
      if (isRefusal(error)) return failure
      if (!failure.passing || starts >= STARTS_MAX) throw error
      const { retryAfterSeconds } = failure
      const ms = waitMs({ attempt: starts, retryAfterSeconds, random: Math.random() })
      await org.pause(ms, signal)
    }
  }
}

/**
 * Waits for the end of a job of so many rows; if the push is stopped in the meantime, so is the job. Null:
 * Salesforce no longer knows it.
 */
export const waitForJob = async (
  org: SalesforceOrg,
  id: string,
  rows: number,
  { stopped, signal }: Shipment,
): Promise<BulkJob | null> => {
  let isAsked = false
  return awaitBulkJob(org, id, {
    signal,
    shareDone: ({ processed }) => processed / rows,
    onProgress: async (seen) => {
      if (seen.done || isAsked || (await stopped()) === null) return
      isAsked = true
      // Refused if it is just ending by itself.
      await abortBulkJob(org, id).catch((error: unknown) => {
        if (!(error instanceof EngineError)) throw error
      })
    },
  }).catch(forgotten)
}
