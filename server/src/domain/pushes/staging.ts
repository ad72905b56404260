// An upload under way: its rows are stored as they come, under a push that is not accepted yet.

import { sql } from 'kysely'
import { type Database, isUniqueViolation, type Tx } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type Caller } from '../caller.ts'
import { keepIdempotency } from '../idempotency.ts'
import { type Pending } from './gathering.ts'
import { baseRow, type Intention } from './intention.ts'
import { insertBlocks, insertResults, type PushKey } from './store.ts'

const HEARTBEAT_MS = 10_000
/** After this long without a sign of life, an upload has lost its process. */
const DEAD_UPLOAD_SECONDS = 60

/** The place of an upload: one per client, freed when its process shows no sign of life. */
export const openStage = async (
  db: Database,
  caller: Caller,
  key: PushKey,
  intention: Intention,
) => {
  const { tenant } = caller
  const begin = () =>
    db.as(tenant).tx(async (tx) => {
      await tx
        .deleteFrom('crm_push_logs')
        .where('org_id', '=', tenant.orgId)
        .where('client_id', '=', key.clientId)
        .where('accepted_at', 'is', null)
        .where(
          sql<boolean>`staged_at < clock_timestamp() - make_interval(secs => ${DEAD_UPLOAD_SECONDS})`,
        )
        .execute()
      await tx
        .insertInto('crm_push_logs')
        .values({ ...baseRow(caller, key, intention), staged_at: sql<Date>`clock_timestamp()` })
        .execute()
    })
  await begin().catch((error: unknown) => {
    if (!isUniqueViolation(error, 'crm_push_logs_one_upload_per_client')) throw error
    throw new EngineError(
      'upload_in_progress',
      'Another upload for this client has not ended; only one may run at a time.',
      { retryAfterSeconds: 5 },
    )
  })

  /** Throws if the upload was abandoned in the meantime (this process was thought dead). */
  const sign = async (tx: Tx): Promise<void> => {
    const alive = await tx
      .updateTable('crm_push_logs')
      .set({ staged_at: sql<Date>`clock_timestamp()` })
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', key.pushId)
      .returning('id')
      .executeTakeFirst()
    if (alive === undefined) {
      throw new EngineError('unavailable', 'The upload was abandoned; send it again.')
    }
    await keepIdempotency(tx, caller)
  }

  let lost: Error | null = null
  let signing: Promise<void> = Promise.resolve()
  let flushing: Promise<void> = Promise.resolve()
  const beat = setInterval(() => {
    signing = signing
      .then(() => db.as(tenant).tx(sign))
      .catch((error: unknown) => {
        lost ??= error instanceof Error ? error : new Error('upload not kept', { cause: error })
      })
  }, HEARTBEAT_MS)

  const stop = async (): Promise<void> => {
    clearInterval(beat)
    await signing
  }

  return {
    check: (): void => {
      if (lost !== null) throw lost
    },
    /**
     * Begins to store this, once what was given before is stored; more rows are read meanwhile. `close`
     * and the next call throw what it throws.
     */
    flush: async ({ blocks, results }: Pending): Promise<void> => {
      await flushing
      flushing = db.as(tenant).tx(async (tx) => {
        await sign(tx)
        await insertBlocks(tx, key, blocks)
        await insertResults(tx, key, results)
      })
      // Whoever awaits it next gets the error; until then it must not end the process.
      flushing.catch(() => undefined)
    },
    close: async (): Promise<void> => {
      await flushing
      await stop()
      if (lost !== null) throw lost
    },
    /** Deletes everything; housekeeping deletes what cannot be deleted now. */
    abandon: async (): Promise<void> => {
      await flushing.catch(() => undefined)
      await stop()
      await db
        .as(tenant)
        .tx(async (tx) => {
          await tx
            .deleteFrom('crm_push_logs')
            .where('org_id', '=', tenant.orgId)
            .where('id', '=', key.pushId)
            .where('accepted_at', 'is', null)
            .execute()
        })
        .catch(() => undefined)
    },
  }
}
