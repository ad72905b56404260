// Blueprints in the database: the blueprint, its versions, which never change, and which clients are bound
// to it with which parameters.

import { type Selectable, sql, type SqlBool } from 'kysely'
import { type Reader, type Tenant } from '../../../db/database.ts'
import { type TenantTables } from '../../../db/tables.ts'
import { EngineError, notFound } from '../../../errors.ts'
import { type Override } from '../drift/evaluate.ts'
import { type Declaration, type ParameterValues } from './parameters.ts'
import { type BlueprintContent } from './places.ts'

export interface Blueprint {
  id: string
  slug: string
  name: string
  description: string | null
  /** 0: it has none yet. */
  latest_version: number
  is_archived: boolean
  created_by: string | null
  created_at: string
  updated_at: string
}

export interface VersionSummary {
  id: string
  blueprint_id: string
  version: number
  /** SHA-256 of what it holds and declares: equal versions have equal hashes. */
  content_hash: string
  notes: string | null
  created_by: string | null
  created_at: string
}

export interface BlueprintVersion extends VersionSummary, BlueprintContent {
  parameters: Declaration[]
}

export interface Binding {
  id: string
  blueprint_id: string
  client_id: string
  parameters: ParameterValues
  /** Null: the client should stand at the newest version. */
  pinned_version: number | null
  /** What the client keeps as it is: differences that somebody accepted. */
  overrides: Override[]
  created_by: string | null
  created_at: string
  updated_at: string
}

type BlueprintRow = Selectable<TenantTables['blueprints']>
type VersionRow = Selectable<TenantTables['blueprint_versions']>
type BindingRow = Selectable<TenantTables['blueprint_bindings']>

export const toBlueprint = (row: BlueprintRow): Blueprint => ({
  id: row.id,
  slug: row.slug,
  name: row.name,
  description: row.description,
  latest_version: row.latest_version,
  is_archived: row.is_archived,
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

export const toVersionSummary = (
  row: Omit<VersionRow, 'content' | 'parameters'>,
): VersionSummary => ({
  id: row.id,
  blueprint_id: row.blueprint_id,
  version: row.version,
  content_hash: row.content_hash,
  notes: row.notes,
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
})

export const toVersion = (row: VersionRow): BlueprintVersion => ({
  ...toVersionSummary(row),
  ...(row.content as BlueprintContent),
  parameters: row.parameters as Declaration[],
})

export const toBinding = (row: BindingRow): Binding => ({
  id: row.id,
  blueprint_id: row.blueprint_id,
  client_id: row.client_id,
  parameters: row.parameters as ParameterValues,
  pinned_version: row.pinned_version,
  overrides: row.overrides as Override[],
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

/** Throws not_found; equally for one of another org. */
export const requireBlueprint = async (
  reader: Reader,
  { orgId }: Tenant,
  blueprintId: string,
  { lock = false } = {},
): Promise<BlueprintRow> => {
  const query = reader
    .selectFrom('blueprints')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('id', '=', blueprintId)
  const row = await (lock ? query.forUpdate() : query).executeTakeFirst()
  if (row === undefined) throw notFound('blueprint')
  return row
}

/** Throws blueprint_archived: nothing new begins with it. */
export const requireLive = ({
  name,
  is_archived,
}: Pick<Blueprint, 'name' | 'is_archived'>): void => {
  if (is_archived) throw new EngineError('blueprint_archived', `${name} is archived.`)
}

/** A version, or null if the blueprint has no such version. */
export const versionOf = async (
  reader: Reader,
  { orgId }: Tenant,
  blueprintId: string,
  version: number,
): Promise<BlueprintVersion | null> => {
  const row = await reader
    .selectFrom('blueprint_versions')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('blueprint_id', '=', blueprintId)
    .where('version', '=', version)
    .executeTakeFirst()
  return row === undefined ? null : toVersion(row)
}

/**
 * A version by its number, or the newest one, for what is about to bring it to clients. Throws `not_found`
 * for a blueprint or version that is not there, and for a blueprint without versions; `blueprint_archived`.
 */
export const versionForRollout = async (
  reader: Reader,
  tenant: Tenant,
  { blueprintId, version }: { blueprintId: string; version?: number | undefined },
): Promise<BlueprintVersion> => {
  const blueprint = await requireBlueprint(reader, tenant, blueprintId)
  requireLive(blueprint)
  const found = await versionOf(reader, tenant, blueprintId, version ?? blueprint.latest_version)
  if (found === null) throw notFound('version of the blueprint')
  return found
}

/** The bindings of a blueprint, by client; with `clientIds` only those of these clients. */
export const bindingsOf = async (
  reader: Reader,
  { orgId }: Tenant,
  blueprintId: string,
  clientIds?: readonly string[],
): Promise<Map<string, BindingRow>> => {
  let query = reader
    .selectFrom('blueprint_bindings')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('blueprint_id', '=', blueprintId)
  if (clientIds !== undefined) {
    query = query.where(sql<SqlBool>`client_id = any(${clientIds}::uuid[])`)
  }
  return new Map((await query.execute()).map((row) => [row.client_id, row]))
}
