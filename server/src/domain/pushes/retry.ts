// A retry: a new push of all rows that failed in another one. Each row thus stands in one push that can be
// retried, the last of its line, and no row is sent by two of them. What the line has written is not overwritten:
// a row with the key of one that succeeded, or that was refused as a repetition, fails again.

import { type Database, type Reader, type Tenant, type Tx } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { failedFrom } from './failed-rows.ts'
import { type InputRow, type Judge } from './intention.ts'
import { type MendedRow, mending } from './mending.ts'
import { windowsFrom } from './results.ts'
import { lockPush, pushById, type PushRow } from './rows.ts'
import { keyOf } from './store.ts'

export const rowsGone = (): EngineError =>
  new EngineError('nothing_to_retry', 'The failed rows of this push have expired.')

/** The failed rows of the push, in input order. Throws nothing_to_retry if some have expired, and what `mending` throws. */
export async function* rowsToRetry(
  db: Database,
  tenant: Tenant,
  push: PushRow,
  changes: readonly MendedRow[],
): AsyncGenerator<Omit<InputRow, 'source'>, void, undefined> {
  const { mend, requireUsed } = mending(changes)
  let found = 0
  for await (const { index, key, row, errors } of failedFrom(db, keyOf(tenant, push))) {
    found += 1
    const isRepeated = errors.some(({ code }) => code === 'DUPLICATE_KEY_IN_INPUT')
    yield { ...mend(index, row), ...(isRepeated ? { refused: { row, key } } : {}) }
  }
  // The rows may have expired while they were read: a part of them is not a valid retry.
  if (found !== push.failed) throw rowsGone()
  requireUsed()
}

/** Has the judge refuse the keys that the push, and those that it retries, have written, as far as results are kept. */
export const refuseWritten = async (
  db: Database,
  tenant: Tenant,
  push: PushRow,
  judge: Judge,
): Promise<void> => {
  const { refuseWritten: refuse } = judge
  if (refuse === null) return
  for (let at: PushRow | undefined = push; at !== undefined;) {
    for await (const window of windowsFrom(db, keyOf(tenant, at), 0, { status: 'succeeded' })) {
      for (const { key, attempts } of window) if (key !== null && attempts > 0) refuse(key)
    }
    at = at.retry_of === null ? undefined : await pushById(db.as(tenant).read, tenant, at.retry_of)
  }
}

/** Throws already_retried. The push is held until the transaction ends: of two retries at once, one is refused. */
export const lockUnretried = async (tx: Tx, tenant: Tenant, pushId: string): Promise<void> => {
  await lockPush(tx, tenant, pushId)
  await requireUnretried(tx, tenant, pushId)
}

/** Throws already_retried. */
export const requireUnretried = async (
  reader: Reader,
  tenant: Tenant,
  pushId: string,
): Promise<void> => {
  const retry = await reader
    .selectFrom('crm_push_logs')
    .select('id')
    .where('org_id', '=', tenant.orgId)
    .where('retry_of', '=', pushId)
    .where('accepted_at', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (retry === undefined) return
  throw new EngineError(
    'already_retried',
    `All failed rows of this push went to push ${retry.id}. Retry that one: it has those that failed again.`,
  )
}
