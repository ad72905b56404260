// Pushes: many records written to a client's Salesforce org as one durable piece of work, with one
// result for each. The calls here accept a push, follow it, and return its state.

import { timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import { type Tenant } from '../../db/database.ts'
import { json, type JsonText } from '../../db/json.ts'
import { type PushStatus } from '../../db/tables/pushes.ts'
import { type WorkFault } from '../../db/tables/work.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Jobs, type Work, type Worker } from '../../jobs/jobs.ts'
import { type Secrets } from '../../secret.ts'
import { type Approvals, type Approved, CHANGES_NOTHING } from '../approvals/approvals.ts'
import { actorOf, audit } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { requireClient, requireWorking } from '../clients.ts'
import { type LastPush } from '../conflicts/facts.ts'
import { pageOf, type Page, type PageRequest, type TimeRange, within } from '../page.ts'
import { destinationOf } from '../work/door.ts'
import { handOver, waitForEnd } from '../work/follow.ts'
import { type StageDeps } from '../work/stages.ts'
import { ALL_OR_NONE_MAX, type Accepted, type Manner, takeIn, uploadHash } from './intake.ts'
import { pushChange, retryChange, uploadChange } from './change.ts'
import { type InputRow, type Intention, type PushInput, type Taken } from './intention.ts'
import {
  countErrors,
  type FailedRowsPage,
  type PushErrors,
  readFailed,
  streamFailed,
} from './failed-rows.ts'
import { createLaneWorker } from './lane.ts'
import { type MendedRow } from './mending.ts'
import { type PushKind, type PushOptions } from './model.ts'
import { type Preparation } from './preparation.ts'
import {
  readResults,
  type ResultsPage,
  type ResultsRequest,
  streamResults,
  type Wanted,
} from './results.ts'
import { refuseWritten, requireUnretried, rowsGone, rowsToRetry } from './retry.ts'
import {
  isFinal,
  lockPush,
  optionsOf,
  type Push,
  pushById,
  type PushRow,
  type PushWithResults,
  RESULTS_IN_ANSWER_MAX,
  toPush,
} from './rows.ts'
import { type Transport } from './transport/transport.ts'
import { keyOf } from './store.ts'
import { objectWarnings, type PushListWarning } from './unknown-object.ts'

export { type InputRow, type PushInput } from './intention.ts'
export { type PushKind, type PushOptions, type RowResult } from './model.ts'
export { type ResultsPage } from './results.ts'
export { type Push, type PushWithResults } from './rows.ts'

export interface PushListInput extends PageRequest, TimeRange {
  client_id?: string | undefined
  object?: string | undefined
  kind?: PushKind | undefined
  status?: PushStatus | undefined
}

interface Options extends StageDeps {
  approvals: Pick<Approvals, 'require' | 'requireGranted'>
  jobs: Pick<Jobs, 'enqueue' | 'announce' | 'waitFor'>
  /** The code that checks rows, made from mapping and snapshot. */
  preparation: Preparation
  transports: Readonly<Record<'collections' | 'bulk', Transport>>
  maxRows: number
  resultRetentionDays: number
  /** Keys the fingerprint by which a repeated upload is recognised. */
  secrets: Secrets
  /** How soon a dead replica's chunks are taken over; tests shorten it. */
  leaseSeconds?: number
}

const LEASE_SECONDS = 15

export interface Pushes {
  /**
   * Accepts the rows of a body, and waits for the end of the push as long as requested. Throws
   * not_found, client_inactive, connection_not_ready, no_snapshot, mapping_missing, unknown_object,
   * unknown_field, all_or_none_too_large, bad_request.
   */
  push(
    caller: Caller,
    input: PushInput,
    rows: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<PushWithResults>
  /**
   * The same for rows that are streamed. A client has one upload at a time: upload_in_progress. An
   * upload that ends before its last row leaves nothing.
   */
  upload(
    caller: Caller,
    input: PushInput,
    batches: AsyncIterable<readonly InputRow[]>,
    signal?: AbortSignal,
  ): Promise<PushWithResults>
  /** Whether these are the rows of the push. For a repetition of an upload. */
  isSameUpload(
    tenant: Tenant,
    pushId: string,
    batches: AsyncIterable<readonly { source: string }[]>,
  ): Promise<boolean>
  /** With its results if it has ended and they are few. */
  get(tenant: Tenant, pushId: string): Promise<PushWithResults>
  /** In input order; for a running push, what is settled so far. */
  results(tenant: Tenant, pushId: string, request: ResultsRequest): Promise<ResultsPage>
  /** All results, one JSON line each. Throws before the first piece, or never. */
  streamResults(tenant: Tenant, pushId: string, which: Wanted): Promise<AsyncIterable<Buffer>>
  /** The failed rows of a push that has ended, with their values. Throws what `retry` throws for want of rows. */
  failedRows(
    tenant: Tenant,
    pushId: string,
    request: { index?: number | undefined; limit: number; cursor?: string | undefined },
  ): Promise<FailedRowsPage>
  /** All of them, one JSON line each. Throws before the first piece, or never. */
  streamFailedRows(tenant: Tenant, pushId: string): Promise<AsyncIterable<Buffer>>
  /** The errors of the failed rows, counted. */
  errors(tenant: Tenant, pushId: string): Promise<PushErrors>
  /** With a warning for an object that nothing names: an empty list alone would not tell. */
  list(tenant: Tenant, input: PushListInput): Promise<Page<Push> & { warnings: PushListWarning[] }>
  /** Rows that were not sent fail with CANCELLED; does nothing if the push has ended. */
  cancel(caller: Caller, pushId: string): Promise<PushWithResults>
  /**
   * A new push of the failed rows, those in `changes` mended, checked again with the current mapping. Throws
   * not_found, push_in_progress, nothing_to_retry, already_retried, bad_request for a change of a row that did
   * not fail or of a member that it cannot have, and what `push` throws.
   */
  retry(
    caller: Caller,
    input: { push_id: string; changes?: readonly MendedRow[] | undefined; wait_seconds: number },
    signal?: AbortSignal,
  ): Promise<PushWithResults>
  /** Statistics of the values of the last push with this mapping; null: there was none. */
  lastPush(tenant: Tenant, mappingId: string): Promise<LastPush | null>
  /** For the queue. */
  worker: Worker
}

/** Rows of a body that are checked before other work gets its turn. */
const ROWS_A_TURN = 500
const CHARS_A_TURN = 64 * 1024
/** Failed rows that a retry stores in one transaction. */
const RETRIED_AT_ONCE_MAX = 20_000

export const createPushes = ({
  db,
  jobs,
  connections,
  preparation,
  approvals,
  transports,
  logger,
  maxRows,
  resultRetentionDays,
  secrets,
  leaseSeconds = LEASE_SECONDS,
  waitScale = 1,
}: Options): Pushes => {
  const intakeDeps = { db, jobs, maxRows, retentionDays: resultRetentionDays, secrets }

  const rowOf = async (tenant: Tenant, pushId: string): Promise<PushRow> => {
    const row = await pushById(db.as(tenant).read, tenant, pushId)
    if (row === undefined) throw notFound('push')
    return row
  }

  const get: Pushes['get'] = async (tenant, pushId) => {
    const row = await rowOf(tenant, pushId)
    const push = toPush(row)
    const isShort = row.total <= RESULTS_IN_ANSWER_MAX
    if (!isFinal(row.status) || !isShort || row.results_discarded) return push
    const page = await readResults(db, keyOf(tenant, row), { limit: RESULTS_IN_ANSWER_MAX })
    return { ...push, results: page.items }
  }

  /** Everything that is read and checked before the first row. */
  const intend = async (
    caller: Caller,
    input: Omit<PushInput, 'wait_seconds'>,
    retryOf: string | null,
  ): Promise<Omit<Intention, 'approve'>> => {
    const { tenant } = caller
    const { options } = input
    await db.as(tenant).tx(async (tx) => {
      requireWorking(await requireClient(tx, tenant, input.client_id))
    })
    refuseContradictions(options)
    const connection = options.dry_run ? null : await usable(tenant, input.client_id)
    const prepared = await preparation.prepare(tenant, {
      clientId: input.client_id,
      kind: input.kind,
      object: input.object,
      options,
      sfdcOrgId: connection?.sfdcOrgId ?? null,
    })
    return {
      ...prepared,
      clientId: input.client_id,
      kind: input.kind,
      options,
      connection,
      retryOf,
    }
  }

  const usable = async (tenant: Tenant, clientId: string) => {
    const { id, sfdc_org_id: sfdcOrgId } = await destinationOf(connections, tenant, clientId)
    return { id, sfdcOrgId }
  }

  /** Hands the lanes to the queue and waits for the end of the push. */
  const follow = async (
    tenant: Tenant,
    clientId: string,
    accepted: Accepted,
    waitSeconds: number,
    signal: AbortSignal | undefined,
  ): Promise<PushWithResults> => {
    await enqueue({ ...tenant, clientId }, accepted.laneIds, accepted.sfdcOrgId)
    if (accepted.laneIds.length > 0) {
      const isDone = async () => isFinal((await rowOf(tenant, accepted.id)).status)
      await waitForEnd({ jobs }, accepted.id, isDone, waitSeconds, signal)
    }
    return get(tenant, accepted.id)
  }

  const enqueue = async (
    scope: Omit<Work, 'id'>,
    laneIds: readonly string[],
    sfdcOrgId: string | null,
  ): Promise<void> => {
    // The second lane of a push waits until every push has its first.
    await Promise.all(
      laneIds.map((id, lane) =>
        handOver({ jobs, logger }, 'push', { ...scope, id }, sfdcOrgId ?? '', { rank: lane }),
      ),
    )
  }

  /** Starts a push that may be sent, as `approve` finds when all rows are known. */
  const start = async (
    caller: Caller,
    input: PushInput,
    batches: AsyncIterable<readonly InputRow[]>,
    manner: Manner,
    approve: (taken: Taken, mapping: Intention['mapping']) => Promise<Approved>,
    signal: AbortSignal | undefined,
    retried?: PushRow,
  ): Promise<PushWithResults> => {
    const intended = await intend(caller, input, retried?.id ?? null)
    if (retried !== undefined) await refuseWritten(db, caller.tenant, retried, intended.judge)
    const intention: Intention = {
      ...intended,
      approve: async (taken) =>
        input.options.dry_run ? CHANGES_NOTHING : approve(taken, intended.mapping),
    }
    const accepted = await takeIn(intakeDeps, caller, intention, batches, manner)
    return follow(caller.tenant, input.client_id, accepted, input.wait_seconds, signal)
  }

  const push: Pushes['push'] = (caller, input, rows, signal) => {
    if (input.options.all_or_none && rows.length > ALL_OR_NONE_MAX) throw allOrNoneTooLarge()
    const approve = ({ failed }: Taken, mapping: Intention['mapping']) =>
      approvals.require(caller, () => pushChange(input, rows, failed, mapping))
    return start(caller, input, batchesOf(rows.map((row) => ({ row }))), 'body', approve, signal)
  }

  /**
   * Rows that a person has to approve come twice: what came first is judged, told to the person and not kept,
   * and what comes then has to be the same.
   */
  const upload: Pushes['upload'] = async (caller, input, batches, signal) => {
    if (!input.options.dry_run) await approvals.requireGranted(caller)
    const approve = (taken: Taken, mapping: Intention['mapping']) =>
      approvals.require(caller, () => uploadChange(input, taken, mapping))
    return start(caller, input, batches, 'upload', approve, signal)
  }

  /** A push that has ended and whose failed rows are still there. */
  const rowWithRows = async (tenant: Tenant, pushId: string): Promise<PushRow> => {
    const row = await rowOf(tenant, pushId)
    if (!isFinal(row.status)) {
      throw new EngineError('push_in_progress', 'The push has not ended yet.', {
        retryAfterSeconds: 5,
      })
    }
    if (row.failed === 0) throw new EngineError('nothing_to_retry', 'No row of this push failed.')
    if (row.results_discarded) throw rowsGone()
    if (row.dry_run) {
      throw new EngineError('nothing_to_retry', 'A dry run keeps no rows: push them again.')
    }
    return row
  }

  const retry: Pushes['retry'] = async (caller, input, signal) => {
    const { tenant } = caller
    const row = await rowWithRows(tenant, input.push_id)
    await requireUnretried(db.as(tenant).read, tenant, row.id)
    const changes = input.changes ?? []
    const again: PushInput = {
      kind: row.kind,
      client_id: row.client_id,
      object: row.canonical_object,
      options: optionsOf(row),
      wait_seconds: input.wait_seconds,
    }
    // A large number is stored while it is read, so that memory does not grow with it.
    const manner = row.failed > RETRIED_AT_ONCE_MAX ? 'upload' : 'body'
    const approve = (_taken: Taken, mapping: Intention['mapping']) =>
      approvals.require(caller, () => retryChange(row, changes, mapping))
    const rows = batchesOf(rowsToRetry(db, tenant, row, changes))
    return start(caller, again, rows, manner, approve, signal, row)
  }

  const cancel: Pushes['cancel'] = async (caller, pushId) => {
    const { tenant } = caller
    const lanes = await db.as(tenant).tx(async (tx) => {
      const row = await lockPush(tx, tenant, pushId)
      if (row === undefined) throw notFound('push')
      await audit(tx, actorOf(caller), {
        action: 'push.cancel',
        clientId: row.client_id,
        targetType: 'push',
        targetId: row.id,
      })
      if (isFinal(row.status)) return null
      await tx
        .updateTable('crm_push_logs')
        .set({
          cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, clock_timestamp())`,
          stop: sql<JsonText<WorkFault>>`coalesce(stop, ${json({
            code: 'cancelled',
            message: 'The push was cancelled.',
          })}::jsonb)`,
          // Whatever it was paused for, there is work to do now.
          resume_at: null,
        })
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', pushId)
        .execute()
      const rows = await tx
        .selectFrom('push_lanes')
        .select('id')
        .where('org_id', '=', tenant.orgId)
        .where('push_id', '=', pushId)
        .execute()
      return { row, ids: rows.map(({ id }) => id) }
    })
    if (lanes !== null) {
      const scope = { orgId: lanes.row.org_id, clientId: lanes.row.client_id }
      await enqueue(scope, lanes.ids, lanes.row.sfdc_org_id)
    }
    return get(tenant, pushId)
  }

  const requireResults = (row: PushRow): void => {
    if (!row.results_discarded) return
    throw new EngineError('not_found', 'The results of this push have expired.')
  }

  return {
    push,
    upload,

    isSameUpload: async (tenant, pushId, batches) => {
      const row = await rowOf(tenant, pushId)
      const hashes = secrets.map(uploadHash)
      let rows = 0
      for await (const batch of batches) {
        rows += batch.length
        if (rows > row.total) return false
        for (const { source } of batch) {
          for (const hash of hashes) hash.update(source).update('\n')
        }
      }
      const known = row.content_hash
      return hashes
        .map((hash) => hash.digest())
        .some((digest) => known?.byteLength === digest.byteLength && timingSafeEqual(known, digest))
    },

    get,

    results: async (tenant, pushId, request) => {
      const row = await rowOf(tenant, pushId)
      requireResults(row)
      return readResults(db, keyOf(tenant, row), request)
    },

    streamResults: async (tenant, pushId, which) => {
      const row = await rowOf(tenant, pushId)
      requireResults(row)
      const due = which.status === undefined ? row.total : row[which.status]
      const isKnown = isFinal(row.status) && which.code === undefined
      return streamResults(db, keyOf(tenant, row), which, isKnown ? due : null)
    },

    failedRows: async (tenant, pushId, request) => {
      const row = await rowWithRows(tenant, pushId)
      return readFailed(db, keyOf(tenant, row), request)
    },

    streamFailedRows: async (tenant, pushId) => {
      const row = await rowWithRows(tenant, pushId)
      return streamFailed(db, keyOf(tenant, row))
    },

    errors: async (tenant, pushId) => {
      const row = await rowOf(tenant, pushId)
      requireResults(row)
      return countErrors(db, keyOf(tenant, row))
    },

    list: (tenant, input) =>
      db.as(tenant).tx(async (tx) => {
        const { client_id, object, kind, status } = input
        let query = tx
          .selectFrom('crm_push_logs')
          .selectAll()
          .where('org_id', '=', tenant.orgId)
          .where('accepted_at', 'is not', null)
        if (client_id !== undefined) {
          await requireClient(tx, tenant, client_id)
          query = query.where('client_id', '=', client_id)
        }
        if (object !== undefined) {
          query = query.where((where) =>
            where.or([where('canonical_object', '=', object), where('sfdc_object', '=', object)]),
          )
        }
        if (kind !== undefined) query = query.where('kind', '=', kind)
        if (status !== undefined) query = query.where('status', '=', status)
        const page = await pageOf(within(query, 'created_at', input), 'id', input, toPush)
        const isEmpty = page.items.length === 0 && input.cursor === undefined
        const warnings =
          object === undefined || !isEmpty
            ? []
            : await objectWarnings(tx, tenant, client_id, object)
        return { ...page, warnings }
      }),

    cancel,
    retry,

    lastPush: (tenant, mappingId) =>
      db.as(tenant).tx(async (tx) => {
        const row = await tx
          .selectFrom('crm_push_logs')
          .select('value_profile')
          .where('org_id', '=', tenant.orgId)
          .where('mapping_id', '=', mappingId)
          .where('accepted_at', 'is not', null)
          .where('dry_run', '=', false)
          .where('value_profile', 'is not', null)
          .orderBy('accepted_at', 'desc')
          .limit(1)
          .executeTakeFirst()
        return (row?.value_profile as LastPush | undefined) ?? null
      }),

    worker: createLaneWorker({
      db,
      jobs,
      connections,
      transports,
      explain: (row) => preparation.explain(row),
      logger,
      retentionDays: resultRetentionDays,
      leaseSeconds,
      waitScale,
    }),
  }
}

const allOrNoneTooLarge = (): EngineError =>
  new EngineError(
    'all_or_none_too_large',
    `all_or_none takes at most ${ALL_OR_NONE_MAX} rows: they go in one call.`,
  )

/** Bulk API 2.0 has neither transactions over all rows nor the header that allows duplicates. */
const refuseContradictions = (options: PushOptions): void => {
  if (options.transport !== 'bulk') return
  const member = options.all_or_none
    ? 'all_or_none'
    : options.allow_duplicates
      ? 'allow_duplicates'
      : null
  if (member === null) return
  throw new EngineError(
    'bad_request',
    `Bulk does not support ${member}; use the transport collections or auto.`,
    {
      errors: [
        {
          path: `options.${member}`,
          code: 'not_with_bulk',
          message: 'Only sObject Collections can do this.',
        },
      ],
    },
  )
}

async function* batchesOf(
  rows: Iterable<Omit<InputRow, 'source'>> | AsyncIterable<Omit<InputRow, 'source'>>,
): AsyncGenerator<InputRow[], void, undefined> {
  let batch: InputRow[] = []
  let chars = 0
  for await (const row of rows) {
    const source = JSON.stringify(row.row)
    batch.push({ ...row, source })
    chars += source.length
    if (batch.length < ROWS_A_TURN && chars < CHARS_A_TURN) continue
    yield batch
    batch = []
    chars = 0
  }
  if (batch.length > 0) yield batch
}
