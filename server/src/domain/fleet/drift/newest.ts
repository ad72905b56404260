// Which result says how a client stands, in SQL. A run creates its rows before it pulls, so the last row may be of an
// older snapshot than one before it: of the newest snapshot, or of none at all, the last row counts. What was found in
// a Salesforce org to which the client is no longer connected says nothing of the present one.

import { type RawBuilder, sql } from 'kysely'
import { presentOrgOf } from '../../connections/rows.ts'

interface Of {
  orgId: RawBuilder<unknown>
  clientId: RawBuilder<unknown>
  blueprintId: RawBuilder<unknown>
}

/** The newest row of `fleet_drift_results` that is known, as a select; `exceptRun` leaves out those of one run. */
export const newestOf = <Row = unknown>(
  { orgId, clientId, blueprintId }: Of,
  exceptRun?: string,
): RawBuilder<Row> => {
  const known = (r: RawBuilder<unknown>) => sql`
    ${r}.org_id = ${orgId} and ${r}.client_id = ${clientId} and ${r}.blueprint_id = ${blueprintId}
    and ${r}.state is not null
    and (${r}.state = 'unknown' or not exists (
      select from crm_topology_snapshots of_then
       where of_then.org_id = ${orgId} and of_then.client_id = ${clientId}
         and of_then.version = ${r}.snapshot_version
         and of_then.sfdc_org_id <> ${presentOrgOf({ orgId, clientId })}))
    ${exceptRun === undefined ? sql`` : sql`and ${r}.run_id <> ${exceptRun}::uuid`}`
  return sql<Row>`
    select d.* from fleet_drift_results d
     where ${known(sql`d`)}
       and (d.snapshot_version is null or d.snapshot_version = (
         select max(s.snapshot_version) from fleet_drift_results s where ${known(sql`s`)}))
     order by d.id desc limit 1`
}

/** … of the binding `b` of the statement around it. */
export const newestOfBinding = (): RawBuilder<unknown> =>
  newestOf({ orgId: sql`b.org_id`, clientId: sql`b.client_id`, blueprintId: sql`b.blueprint_id` })
