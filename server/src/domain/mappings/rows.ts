// Mappings in the database: the current one, and every version that it ever had, so that a push
// continues with the mapping that it was accepted with.

import { type Selectable } from 'kysely'
import { type Reader, type Tenant, type Tx } from '../../db/database.ts'
import { json } from '../../db/json.ts'
import { type TenantTables } from '../../db/tables.ts'
import { notFound } from '../../errors.ts'
import { type Mapping, type MappingField } from './mapping.ts'

export type MappingRow = Selectable<TenantTables['crm_field_mappings']>

export const toMapping = (row: MappingRow): Mapping => ({
  id: row.id,
  client_id: row.client_id,
  canonical_object: row.canonical_object,
  sfdc_object: row.sfdc_object,
  external_id_field: row.external_id_field,
  fields: row.fields as MappingField[],
  version: row.version,
  is_active: row.is_active,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

/** Every mapping of the tenant that was not deleted, in no particular order. */
export const mappingsOf = (reader: Reader, tenant: Tenant) =>
  reader
    .selectFrom('crm_field_mappings')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('deleted_at', 'is', null)

/** Throws not_found. With `lock`, nobody else changes it before this transaction ends. */
export const requireMapping = async (
  tx: Tx,
  tenant: Tenant,
  mappingId: string,
  lock = false,
): Promise<MappingRow> => {
  const query = mappingsOf(tx, tenant).where('id', '=', mappingId)
  const row = await (lock ? query.forUpdate() : query).executeTakeFirst()
  if (row === undefined) throw notFound('mapping')
  return row
}

/** The active mapping of a canonical object; null where the client has none. */
export const mappingFor = async (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
  canonicalObject: string,
): Promise<Mapping | null> => {
  const row = await mappingsOf(reader, tenant)
    .where('client_id', '=', clientId)
    .where('canonical_object', '=', canonicalObject)
    .where('is_active', '=', true)
    .executeTakeFirst()
  return row === undefined ? null : toMapping(row)
}

/** Every active mapping of a client, by canonical object. */
export const activeMappings = async (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
): Promise<Mapping[]> =>
  (
    await mappingsOf(reader, tenant)
      .where('client_id', '=', clientId)
      .where('is_active', '=', true)
      .orderBy('canonical_object')
      .execute()
  ).map(toMapping)

/**
 * A mapping as it was in one of its versions, even after it was changed, deactivated or deleted;
 * `is_active` is that of the version, `updated_at` is when the version was created. Null if there is no
 * such version.
 */
export const mappingVersion = async (
  tx: Tx,
  tenant: Tenant,
  mappingId: string,
  version: number,
): Promise<Mapping | null> => {
  const row = await tx
    .selectFrom('field_mapping_versions as v')
    .innerJoin('crm_field_mappings as m', 'm.id', 'v.mapping_id')
    .select([
      'm.id',
      'm.client_id',
      'm.canonical_object',
      'm.created_at',
      'v.sfdc_object',
      'v.external_id_field',
      'v.fields',
      'v.version',
      'v.is_active',
      'v.created_at as updated_at',
    ])
    .where('v.org_id', '=', tenant.orgId)
    .where('v.mapping_id', '=', mappingId)
    .where('v.version', '=', version)
    .executeTakeFirst()
  return row === undefined
    ? null
    : {
        ...row,
        fields: row.fields as MappingField[],
        created_at: row.created_at.toISOString(),
        updated_at: row.updated_at.toISOString(),
      }
}

/** Stores the row as one of the mapping's versions. */
export const keepVersion = async (
  tx: Tx,
  row: MappingRow,
  userId: string | null,
): Promise<void> => {
  await tx
    .insertInto('field_mapping_versions')
    .values({
      org_id: row.org_id,
      client_id: row.client_id,
      mapping_id: row.id,
      version: row.version,
      sfdc_object: row.sfdc_object,
      external_id_field: row.external_id_field,
      fields: json(row.fields),
      is_active: row.is_active,
      created_by: userId,
    })
    .execute()
}
