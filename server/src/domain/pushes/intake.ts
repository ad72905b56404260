// Reads the input of a push and accepts the push in one transaction when everything is stored. Until
// then the push does not exist, and a cut upload leaves nothing.

import { createHash, createHmac, type Hmac } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { type Database, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { jsonOrNull } from '../../db/json.ts'
import { EngineError } from '../../errors.ts'
import { type Jobs } from '../../jobs/jobs.ts'
import { type Secret, type Secrets } from '../../secret.ts'
import { type Caller } from '../caller.ts'
import { type Approved, useApproval } from '../approvals/approvals.ts'
import { bindIdempotency } from '../idempotency.ts'
import { createGathering, type Gathering } from './gathering.ts'
import { baseRow, type InputRow, type Intention } from './intention.ts'
import { noteEnd } from './journal.ts'
import { type Transport } from './model.ts'
import { finalStatus, type PushRow } from './rows.ts'
import { lockUnretried } from './retry.ts'
import { openStage } from './staging.ts'
import { insertBlocks, insertResults, type PushKey } from './store.ts'

/** The most rows that 'auto' sends by Collections. */
const COLLECTIONS_ROWS_MAX = 2_000
export const ALL_OR_NONE_MAX = 200
/** How much gathers before it is written, during an upload. */
const FLUSH_BYTES = 1024 * 1024
const BLOCKS_A_WRITE = 200
/** More Bulk jobs at once on one object only wait for each other's locks. */
const BULK_LANES = 2
const COLLECTIONS_LANES = 8

interface Deps {
  db: Database
  jobs: Pick<Jobs, 'announce'>
  maxRows: number
  retentionDays: number
  /** Keys the fingerprint of an upload. */
  secrets: Secrets
}

/** An upload is stored as it comes; a body that is already complete is stored at once. */
export type Manner = 'upload' | 'body'

export interface Accepted {
  id: string
  laneIds: string[]
  sfdcOrgId: string | null
}

/** The fingerprint of an upload's rows, which distinguishes a repetition from a different upload. */
export const uploadHash = (secret: Secret): Hmac =>
  createHmac('sha256', `push-upload:${secret.reveal()}`)

/**
 * Stores the input and accepts the push. Rows come in batches of any size. Throws
 * upload_in_progress, payload_too_large, all_or_none_too_large, bad_request, approval_required, and
 * whatever `batches` throws; then nothing is left of it.
 */
export const takeIn = async (
  deps: Deps,
  caller: Caller,
  intention: Intention,
  batches: AsyncIterable<readonly InputRow[]>,
  manner: Manner,
): Promise<Accepted> => {
  const { db } = deps
  const { tenant } = caller
  const key: PushKey = { tenant, clientId: intention.clientId, pushId: newId() }
  const gathering = createGathering(intention)
  const hash = manner === 'upload' ? uploadHash(deps.secrets[0]) : null
  // What is approved outlives a change of our secrets, so it is not keyed.
  const rowsHash = manner === 'upload' && caller.mustAsk === true ? createHash('sha256') : null
  const stage = manner === 'upload' ? await openStage(db, caller, key, intention) : null
  try {
    for await (const batch of batches) {
      await intention.judge.meet?.(batch)
      for (const row of batch) {
        if (gathering.total === deps.maxRows) {
          throw new EngineError(
            'payload_too_large',
            `A push takes at most ${deps.maxRows} rows; nothing of it was accepted.`,
          )
        }
        if (intention.options.all_or_none && gathering.total === ALL_OR_NONE_MAX) {
          throw new EngineError(
            'all_or_none_too_large',
            `all_or_none takes at most ${ALL_OR_NONE_MAX} rows: they go in one call.`,
          )
        }
        if (gathering.add(row)) await gathering.closeWindow()
      }
      // One call a batch: a call of the hash costs more than the few bytes of a row.
      const text = hash === null ? '' : batch.map(({ source }) => `${source}\n`).join('')
      hash?.update(text)
      rowsHash?.update(text)
      if (stage !== null) {
        stage.check()
        if (gathering.pendingBytes() >= FLUSH_BYTES) await stage.flush(gathering.take())
      }
      await nextTurn()
    }
    await gathering.end()
    if (gathering.total === 0) {
      throw new EngineError('validation_failed', 'A push needs at least one row.', {
        errors: [{ path: 'records', code: 'too_small', message: 'Send at least one row.' }],
      })
    }
    await stage?.close()
    const approved = await intention.approve({
      total: gathering.total,
      failed: gathering.counts.failed,
      rowsHash: rowsHash?.digest('hex') ?? null,
    })
    return await accept(deps, caller, key, intention, gathering, {
      approved,
      staged: stage !== null,
      contentHash: hash?.digest() ?? null,
    })
  } catch (error) {
    await stage?.abandon()
    throw error
  }
}

const transportFor = ({ options }: Intention, total: number): Transport => {
  if (options.transport !== 'auto') return options.transport
  // Salesforce: only REST has the header that allows duplicates; a transaction is one call.
  if (options.all_or_none || options.allow_duplicates) return 'collections'
  return total <= COLLECTIONS_ROWS_MAX ? 'collections' : 'bulk'
}

/** The one transaction in which the push begins to exist. */
const accept = (
  { db, jobs, retentionDays }: Deps,
  caller: Caller,
  key: PushKey,
  intention: Intention,
  gathering: Gathering,
  {
    approved,
    staged,
    contentHash,
  }: { approved: Approved; staged: boolean; contentHash: Buffer | null },
): Promise<Accepted> =>
  db.as(caller.tenant).tx(async (tx) => {
    const { tenant, pushId } = key
    if (intention.retryOf !== null) await lockUnretried(tx, tenant, intention.retryOf)
    if (!staged) {
      await tx
        .insertInto('crm_push_logs')
        .values({ ...baseRow(caller, key, intention), accepted_at: sql<Date>`clock_timestamp()` })
        .execute()
    }
    const { blocks, results } = gathering.take()
    for (let at = 0; at < blocks.length; at += BLOCKS_A_WRITE) {
      await insertBlocks(tx, key, blocks.slice(at, at + BLOCKS_A_WRITE))
    }
    await insertResults(tx, key, results)

    const transport = transportFor(intention, gathering.total)
    const chunks = await insertChunks(tx, key, transport)
    const lanes = Math.min(chunks, transport === 'bulk' ? BULK_LANES : COLLECTIONS_LANES)
    const laneIds = Array.from({ length: lanes }, () => newId())
    if (lanes > 0) {
      await tx
        .insertInto('push_lanes')
        .values(
          laneIds.map((id, lane) => ({
            id,
            org_id: tenant.orgId,
            client_id: key.clientId,
            push_id: pushId,
            lane,
          })),
        )
        .execute()
    }

    const { counts, total } = gathering
    const profile = intention.judge.profile()
    const ended = chunks === 0
    const push: PushRow | undefined = await tx
      .updateTable('crm_push_logs')
      .set({
        accepted_at: sql<Date>`clock_timestamp()`,
        staged_at: null,
        transport,
        total,
        processed: counts.rows,
        succeeded: counts.succeeded,
        failed: counts.failed,
        open_chunks: chunks,
        content_hash: contentHash,
        value_profile: jsonOrNull(profile),
        dry_run_counts: jsonOrNull(gathering.dryRunCounts),
        ...(ended
          ? {
              status: finalStatus(total, counts.failed),
              started_at: sql<Date>`clock_timestamp()`,
              completed_at: sql<Date>`clock_timestamp()`,
              results_expire_at: sql<Date>`clock_timestamp() + make_interval(days => ${retentionDays})`,
            }
          : {}),
      })
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', pushId)
      .returningAll()
      .executeTakeFirst()
    if (push === undefined) {
      throw new EngineError('unavailable', 'The upload was abandoned; send it again.')
    }
    await bindIdempotency(tx, caller, pushId)
    await useApproval(tx, caller, approved, pushId)
    if (ended) await noteEnd(tx, jobs, push)
    return { id: pushId, laneIds, sfdcOrgId: push.sfdc_org_id }
  })

/** Cuts what is to be sent into chunks. Returns how many there are. */
const insertChunks = async (tx: Tx, key: PushKey, transport: Transport): Promise<number> => {
  const { tenant, clientId, pushId } = key
  const inserted =
    transport === 'collections'
      ? await sql`
          insert into push_chunks (org_id, client_id, push_id, seq, rows, chains)
          select ${tenant.orgId}::uuid, ${clientId}::uuid, ${pushId}::uuid, block_no, rows, chains
            from push_rows
           where org_id = ${tenant.orgId} and push_id = ${pushId} and part is not null`.execute(tx)
      : await sql`
          insert into push_chunks (org_id, client_id, push_id, seq, rows)
          select ${tenant.orgId}::uuid, ${clientId}::uuid, ${pushId}::uuid, part, sum(rows)::integer
            from push_rows
           where org_id = ${tenant.orgId} and push_id = ${pushId} and part is not null
           group by part`.execute(tx)
  return Number(inserted.numAffectedRows ?? 0n)
}
