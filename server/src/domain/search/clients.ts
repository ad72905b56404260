// The clients that a question about the fleet is asked of, with what the index has of each.

import { sql } from 'kysely'
import { type Reader, type Tenant } from '../../db/database.ts'
import { presentOrgOf } from '../connections/rows.ts'
import { type ClientSelector, selectClients } from '../fleet/selectors.ts'

export interface SearchedSnapshot {
  id: string
  /** Null: retention has deleted it; a newer one is about to be indexed. */
  version: number | null
  completed_at: string | null
  age_seconds: number | null
}

export interface SearchedClient {
  id: string
  name: string
  /** In sets; null while the client has no snapshot in the index. */
  no: number | null
  snapshot: SearchedSnapshot | null
  /** A newer complete snapshot is not in the index yet. */
  isOutdated: boolean
}

/** The snapshot is of a Salesforce org to which the client is no longer connected: of the present one nothing is known. */
const isOfAnother = sql<boolean>`coalesce(
  t.sfdc_org_id <> ${presentOrgOf({ orgId: sql`c.org_id`, clientId: sql`c.id` })}, false)`

/** Active clients that the tenant sees, by name; those that the selector chooses, if there is one. */
export const searchedClients = async (
  reader: Reader,
  tenant: Tenant,
  selector: ClientSelector | undefined,
): Promise<SearchedClient[]> => {
  const only =
    selector === undefined
      ? undefined
      : (await selectClients(reader, tenant, selector)).map(({ client_id: id }) => id)
  let query = reader
    .selectFrom('clients as c')
    .leftJoin('search_clients as s', (join) =>
      join.onRef('s.org_id', '=', 'c.org_id').onRef('s.client_id', '=', 'c.id'),
    )
    .leftJoin('crm_topology_snapshots as t', (join) =>
      join.onRef('t.org_id', '=', 's.org_id').onRef('t.id', '=', 's.snapshot_id'),
    )
    .select(isOfAnother.as('is_of_another'))
    .select(['c.id', 'c.name', 's.no', 's.snapshot_id', 't.version', 't.completed_at'])
    .select([
      sql<number | null>`extract(epoch from now() - t.completed_at)::float8`.as('age_seconds'),
      sql<boolean>`exists (select from crm_topology_snapshots n
        where n.org_id = c.org_id and n.client_id = c.id and n.version is not null and not n.is_indexed)`.as(
        'is_outdated',
      ),
    ])
    .where('c.org_id', '=', tenant.orgId)
    .where('c.is_active', '=', true)
  if (only !== undefined) query = query.where('c.id', '=', sql<string>`any(${only}::uuid[])`)
  const rows = await query.execute()
  return rows
    .map(({ is_of_another, ...row }) => ({
      ...row,
      isKnown: row.snapshot_id !== null && !is_of_another,
    }))
    .map((row) => ({
      id: row.id,
      name: row.name,
      no: row.isKnown ? row.no : null,
      snapshot:
        !row.isKnown || row.snapshot_id === null
          ? null
          : {
              id: row.snapshot_id,
              version: row.version,
              completed_at: row.completed_at?.toISOString() ?? null,
              age_seconds:
                row.age_seconds === null ? null : Math.max(0, Math.round(row.age_seconds)),
            },
      isOutdated: row.is_outdated,
    }))
    .sort((a, b) => (comesBefore(a, b) ? -1 : 1))
}

/** The order of clients in every answer about the fleet: by name, then by id. */
export const comesBefore = (
  a: Pick<SearchedClient, 'name' | 'id'>,
  b: Pick<SearchedClient, 'name' | 'id'>,
): boolean => {
  const [nameA, nameB] = [a.name.toLowerCase(), b.name.toLowerCase()]
  return nameA === nameB ? a.id < b.id : nameA < nameB
}

/** How much of the fleet an answer is about. */
export interface Coverage {
  /** Clients that were searched. */
  searched: number
  /** Clients without a complete snapshot in the index: nothing is known about them. */
  without_snapshot: number
  /** Of the searched: a newer snapshot is complete and will be in the index in a moment. */
  outdated: number
}

export const coverageOf = (clients: readonly SearchedClient[]): Coverage => {
  const searched = clients.filter(({ no }) => no !== null)
  return {
    searched: searched.length,
    without_snapshot: clients.length - searched.length,
    outdated: searched.filter(({ isOutdated }) => isOutdated).length,
  }
}
