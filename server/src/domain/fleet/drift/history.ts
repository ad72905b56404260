// What our own deployments put into the Salesforce orgs of clients, component by component: who last did, when,
// and what the plan of that deployment said.

import { type Expression, sql, type SqlBool } from 'kysely'
import { type Reader, type Tenant } from '../../../db/database.ts'
import { isTakenBack } from '../../deployments/workflows/made-by-us.ts'
import { type AccessChange } from '../../metadata/entries.ts'
import { plannedPart } from '../../metadata/kinds/kind.ts'
import { sameName } from '../../metadata/names.ts'
import { storedPlan } from '../../plan/schema.ts'
import { type Granted, keyOfEntry } from './files.ts'

export interface Deployed {
  deployment_id: string
  at: string
  by: string | null
}

/** By client and component: `keyOfDeployed`. */
export type History = ReadonlyMap<string, Deployed>

export const keyOfDeployed = (clientId: string, type: string, fullName: string): string =>
  sameName(`${clientId}/${type}/${fullName}`)

const AT_ONCE = 100

/**
 * The newest deployment that put each component in place and was not rolled back since; components that a
 * later deployment removed are left out. Deployments to a different Salesforce org than the client's present one do
 * not count.
 */
export const historyOf = async (
  reader: Reader,
  tenant: Tenant,
  clientIds: readonly string[],
): Promise<History> => {
  const found = new Map<string, Deployed>()
  for (let from = 0; from < clientIds.length; from += AT_ONCE) {
    const ids = clientIds.slice(from, from + AT_ONCE)
    const removed = await removalsOf(reader, tenant, ids)
    const rows = await reader
      .selectFrom('deployment_components as c')
      .innerJoin('crm_deployments as d', 'd.id', 'c.deployment_id')
      .select(['c.client_id', 'c.type', 'c.full_name', 'c.action', 'd.id', 'd.created_by'])
      .select(['d.created_at', 'd.deployed_at', 'd.rollback'])
      .where('c.org_id', '=', tenant.orgId)
      .where('d.org_id', '=', tenant.orgId)
      .where(sql<SqlBool>`c.client_id = any(${ids}::uuid[])`)
      .where('d.check_only', '=', false)
      .where('d.status', '=', 'deployed')
      .where('c.success', 'is distinct from', false)
      .where(isPresentOrg())
      .orderBy('d.created_at')
      .orderBy('d.id')
      .orderBy('c.position')
      .execute()
    for (const row of rows) {
      const key = keyOfDeployed(row.client_id, row.type, row.full_name)
      const gone = removed.get(key)
      // It was in place already, and a rollback of what had put it there has removed it since.
      if (row.action === 'unchanged' && gone !== undefined && gone > row.created_at) continue
      if (row.action === 'deleted') found.delete(key)
      else if (!isTakenBack(row, row.type, row.full_name)) {
        found.set(key, {
          deployment_id: row.id,
          at: (row.deployed_at ?? row.created_at).toISOString(),
          by: row.created_by,
        })
      }
    }
  }
  return found
}

/** When rollbacks removed components last. */
const removalsOf = async (
  reader: Reader,
  { orgId }: Tenant,
  clientIds: readonly string[],
): Promise<ReadonlyMap<string, Date>> => {
  const rows = await reader
    .selectFrom('crm_deployments as d')
    .innerJoinLateral(
      sql<{
        type: string
        full_name: string
      }>`(select c ->> 'type' as type, c ->> 'full_name' as full_name
        from jsonb_array_elements(d.rollback -> 'removed') c)`.as('c'),
      (join) => join.onTrue(),
    )
    .select(['d.client_id', 'c.type', 'c.full_name'])
    .select(({ fn }) => fn.max('d.rolled_back_at').as('at'))
    .where('d.org_id', '=', orgId)
    .where(sql<SqlBool>`d.client_id = any(${clientIds}::uuid[])`)
    .where('d.status', '=', 'rolled_back')
    .where(isPresentOrg())
    .groupBy(['d.client_id', 'c.type', 'c.full_name'])
    .execute()
  return new Map(
    rows.flatMap(({ client_id, type, full_name, at }) =>
      at === null ? [] : [[keyOfDeployed(client_id, type, full_name), at] as const],
    ),
  )
}

/** A client that moved to a different Salesforce org has a new history. */
const isPresentOrg = (): Expression<SqlBool> => sql<SqlBool>`not exists (
  select from crm_connections k where k.org_id = d.org_id and k.client_id = d.client_id
     and k.status <> 'revoked' and k.sfdc_org_id is distinct from d.sfdc_org_id)`

/** Members of a plan that a snapshot shows one by one. */
const MEMBERS = { CustomField: 'fields', RecordType: 'record_types' } as const

/** What a deployment's plan said about an attribute of a component; null where it says nothing. */
export const plannedThen = (
  stored: unknown,
  component: { type: string; full_name: string },
  attribute: string,
): unknown => {
  if (!Object.hasOwn(MEMBERS, component.type)) return null
  const list = MEMBERS[component.type as keyof typeof MEMBERS]
  const part = plannedPart(storedPlan(stored), list, component.full_name)?.part
  return (part as Record<string, unknown> | undefined)?.[attribute] ?? null
}

/** The plans of these deployments. */
export const plansOf = async (
  reader: Reader,
  { orgId }: Tenant,
  deploymentIds: readonly string[],
): Promise<Map<string, unknown>> => {
  if (deploymentIds.length === 0) return new Map()
  const rows = await reader
    .selectFrom('crm_deployments')
    .select(['id', 'plan'])
    .where('org_id', '=', orgId)
    .where('kind', '=', 'custom_objects')
    .where(sql<SqlBool>`id = any(${deploymentIds}::uuid[])`)
    .execute()
  return new Map(rows.map(({ id, plan }) => [id, plan]))
}

/** What deployments that are in place put into permission sets of a client, the newest last. */
export const grantedBy = async (
  reader: Reader,
  { orgId }: Tenant,
  clientId: string,
): Promise<Granted> => {
  const rows = await reader
    .selectFrom('crm_deployments')
    .select(sql<Record<string, AccessChange[]> | null>`changes -> 'permissionSets'`.as('sets'))
    .where('org_id', '=', orgId)
    .where('client_id', '=', clientId)
    .where('kind', '=', 'custom_objects')
    .where('check_only', '=', false)
    .where('status', '=', 'deployed')
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return new Map(
    rows.flatMap(({ sets }) =>
      Object.entries(sets ?? {}).flatMap(([set, changes]) =>
        changes.map(({ list, key, after }) => [keyOfEntry(set, list, key), after ?? {}] as const),
      ),
    ),
  )
}
