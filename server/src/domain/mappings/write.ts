// Every write to a mapping: the row, its version, and the audit row, in the transaction of the change.

import { sql } from 'kysely'
import { type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { json } from '../../db/json.ts'
import { actorOf, audit, type AuditAction } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { type MappingDraft } from './mapping.ts'
import { keepVersion, type MappingRow } from './rows.ts'

const noted = async (
  tx: Tx,
  caller: Caller,
  row: MappingRow,
  action: AuditAction,
): Promise<MappingRow> => {
  await audit(tx, actorOf(caller), {
    action,
    clientId: row.client_id,
    targetType: 'mapping',
    targetId: row.id,
  })
  return row
}

const insertion = (tx: Tx, caller: Caller, clientId: string, draft: MappingDraft) =>
  tx
    .insertInto('crm_field_mappings')
    .values({
      id: newId(),
      org_id: caller.tenant.orgId,
      client_id: clientId,
      canonical_object: draft.canonical_object,
      sfdc_object: draft.sfdc_object,
      external_id_field: draft.external_id_field,
      fields: json(draft.fields),
      created_by: caller.userId,
    })
    .returningAll()

const created = async (tx: Tx, caller: Caller, row: MappingRow): Promise<MappingRow> => {
  await keepVersion(tx, row, caller.userId)
  return noted(tx, caller, row, 'mapping.create')
}

/** A new, active mapping. A client has one of a canonical object (`crm_field_mappings_one_active`). */
export const insertMapping = async (
  tx: Tx,
  caller: Caller,
  clientId: string,
  draft: MappingDraft,
): Promise<MappingRow> =>
  created(tx, caller, await insertion(tx, caller, clientId, draft).executeTakeFirstOrThrow())

/** The same; null, and nothing changed, if the client has one, also one that was not committed a moment ago. */
export const insertMappingIfNone = async (
  tx: Tx,
  caller: Caller,
  clientId: string,
  draft: MappingDraft,
): Promise<MappingRow | null> => {
  const row = await insertion(tx, caller, clientId, draft)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return row === undefined ? null : created(tx, caller, row)
}

/** The next version of a mapping that this transaction has locked. */
export const changeMapping = async (
  tx: Tx,
  caller: Caller,
  before: MappingRow,
  to: Partial<Omit<MappingDraft, 'canonical_object'>> & { is_active?: boolean | undefined },
): Promise<MappingRow> => {
  const row = await tx
    .updateTable('crm_field_mappings')
    .set({
      ...(to.sfdc_object === undefined ? {} : { sfdc_object: to.sfdc_object }),
      ...(to.external_id_field === undefined ? {} : { external_id_field: to.external_id_field }),
      ...(to.fields === undefined ? {} : { fields: json(to.fields) }),
      ...(to.is_active === undefined ? {} : { is_active: to.is_active }),
      version: before.version + 1,
      updated_at: sql<Date>`now()`,
    })
    .where('org_id', '=', caller.tenant.orgId)
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await keepVersion(tx, row, caller.userId)
  return noted(tx, caller, row, 'mapping.update')
}

/** Deletes it; accepted pushes go on with it. */
export const removeMapping = async (tx: Tx, caller: Caller, id: string): Promise<MappingRow> => {
  const row = await tx
    .updateTable('crm_field_mappings')
    .set({ is_active: false, deleted_at: sql<Date>`now()` })
    .where('org_id', '=', caller.tenant.orgId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return noted(tx, caller, row, 'mapping.delete')
}
