// The rollback of a rollout, and its dry run: what people begin. Each in one transaction that locks it.

import { sql } from 'kysely'
import { type Tx } from '../../../db/database.ts'
import { EngineError } from '../../../errors.ts'
import { type Caller } from '../../caller.ts'
import { TO_UNDO } from './claims.ts'
import { conflict, NOT_PAUSED, NOW, requireState, skipUnbegun } from './controls.ts'
import { recall } from './journal.ts'
import { restoreMappings } from './mappings.ts'
import { actingFor, type RolloutRow, type TargetRow, updateRollout } from './rows.ts'

/** Throws rollout_state_conflict, and not_rollbackable if nothing of it is in place. */
export const requireRollback = async (tx: Tx, row: RolloutRow): Promise<void> => {
  if (row.state === 'running') throw conflict('The rollout is running. Pause or stop it first.')
  requireState(row, 'rolled back')
  if (row.preview_state === 'running') {
    throw conflict('A dry run of the rollback is running. Wait for its end.')
  }
  const { rows } = await sql`
    select from rollout_targets t
     where t.org_id = ${row.org_id} and t.rollout_id = ${row.id}
       and (t.state = 'rollback_partial' or t.state = 'deploying' or ${TO_UNDO} or ${ONLY_MAPPINGS}) limit 1`.execute(
    tx,
  )
  if (rows.length > 0) return
  throw new EngineError('not_rollbackable', 'Nothing that this rollout deployed is left in place.')
}

/** What was rolled back in part is tried again. */
const reopenPartial = async (tx: Tx, row: RolloutRow): Promise<void> => {
  await tx
    .updateTable('rollout_targets')
    .set({ state: 'deployed', fault: null, due_at: null, updated_at: NOW })
    .where('org_id', '=', row.org_id)
    .where('rollout_id', '=', row.id)
    .where('state', '=', 'rollback_partial')
    .execute()
}

/** Nothing was sent to its Salesforce org, and mappings were saved for the client. */
const ONLY_MAPPINGS = sql`t.state = 'unchanged' and exists (
  select from jsonb_array_elements(t.mappings) m where m ->> 'action' in ('created', 'updated'))`

/** Where there is nothing to roll back in Salesforce, no deployment is begun for the mappings. */
const undoOnlyMappings = async (tx: Tx, caller: Caller, row: RolloutRow): Promise<void> => {
  const { rows } = await sql<TargetRow>`
    select t.* from rollout_targets t
     where t.org_id = ${row.org_id} and t.rollout_id = ${row.id} and ${ONLY_MAPPINGS}
     order by t.position`.execute(tx)
  for (const target of rows) {
    await restoreMappings(tx, caller, target)
    await tx
      .updateTable('rollout_targets')
      .set({ state: 'rolled_back', updated_at: NOW })
      .where('org_id', '=', target.org_id)
      .where('id', '=', target.id)
      .execute()
  }
}

export const beginRollback = async (
  tx: Tx,
  caller: Caller,
  row: RolloutRow,
  allowDataLoss: boolean,
): Promise<void> => {
  await skipUnbegun(tx, caller, row, 'The rollout was rolled back.')
  await recall(tx, row)
  await reopenPartial(tx, row)
  await undoOnlyMappings(tx, caller, row)
  await updateRollout(tx, row, {
    state: 'rolling_back',
    ...NOT_PAUSED,
    allow_data_loss: allowDataLoss,
    rolled_back_at: null,
    wake_at: NOW,
    ...actingFor(caller),
  })
}

/** Every target that would be rolled back gets a dry run. */
export const beginPreview = async (tx: Tx, caller: Caller, row: RolloutRow): Promise<void> => {
  await sql`
    update rollout_targets t
       set preview = null, due_at = null,
           preview_state = case when t.state = 'rollback_partial' or ${TO_UNDO} then 'pending' end
     where t.org_id = ${row.org_id} and t.rollout_id = ${row.id}`.execute(tx)
  await updateRollout(tx, row, {
    preview_state: 'running',
    previewed_at: null,
    wake_at: NOW,
    ...actingFor(caller),
  })
}
