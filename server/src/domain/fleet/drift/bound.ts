// Which clients should stand where: the bindings that a run looks at.

import { sql, type SqlBool } from 'kysely'
import { type Reader, type Tenant, type Tx } from '../../../db/database.ts'
import { presentOrgOf } from '../../connections/rows.ts'
import { type ParameterValues } from '../blueprints/parameters.ts'
import { requireBlueprint } from '../blueprints/rows.ts'
import { type ClientSelector, requireSome, selectClients } from '../selectors.ts'
import { type BoundClient } from './assess.ts'
import { type Override } from './evaluate.ts'

/** The bindings that a run looks at. */
export const chosenOf = async (
  tx: Tx,
  tenant: Tenant,
  {
    blueprint_id: blueprintId,
    selector,
  }: { blueprint_id?: string | undefined; selector?: ClientSelector | undefined },
): Promise<BoundClient[]> => {
  if (blueprintId !== undefined) await requireBlueprint(tx, tenant, blueprintId)
  const chosen =
    selector === undefined
      ? undefined
      : await selectClients(tx, tenant, selector, blueprintId === undefined ? {} : { blueprintId })
  if (chosen !== undefined) requireSome(chosen, 'selector')
  return boundOf(tx, tenant, {
    ...(blueprintId === undefined ? {} : { blueprintId }),
    ...(chosen === undefined ? {} : { clientIds: chosen.map(({ client_id }) => client_id) }),
  })
}

/** Bindings of active clients to blueprints that are not archived, in the order of the clients. */
export const boundOf = async (
  reader: Reader,
  { orgId }: Tenant,
  of: { blueprintId?: string; clientIds?: readonly string[] },
): Promise<BoundClient[]> => {
  let query = reader
    .selectFrom('blueprint_bindings as b')
    .innerJoin('blueprints as p', 'p.id', 'b.blueprint_id')
    .innerJoin('clients as c', 'c.id', 'b.client_id')
    .select(['b.client_id', 'b.blueprint_id', 'b.parameters', 'b.overrides', 'b.pinned_version'])
    .select('p.latest_version')
    .select(presentOrgOf({ orgId: sql`b.org_id`, clientId: sql`b.client_id` }).as('sfdc_org_id'))
    .where('b.org_id', '=', orgId)
    .where('p.org_id', '=', orgId)
    .where('c.org_id', '=', orgId)
    .where('c.is_active', '=', true)
    .where('p.is_archived', '=', false)
    .orderBy('b.client_id')
    .orderBy('b.blueprint_id')
  if (of.blueprintId !== undefined) query = query.where('b.blueprint_id', '=', of.blueprintId)
  if (of.clientIds !== undefined) {
    query = query.where(sql<SqlBool>`b.client_id = any(${of.clientIds}::uuid[])`)
  }
  return (await query.execute()).map((row) => ({
    client_id: row.client_id,
    blueprint_id: row.blueprint_id,
    version: row.pinned_version ?? row.latest_version,
    parameters: row.parameters as ParameterValues,
    overrides: row.overrides as Override[],
    sfdcOrgId: row.sfdc_org_id,
  }))
}
