// The newest snapshot of the Salesforce org to which the client is connected, minus what our rollbacks have removed
// since it was taken: a mapping that needs a removed field is broken now, not only after the next pull.

import { sql } from 'kysely'
import { type Database, type Tenant } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { connectionOfClient, type ConnectionRow } from '../connections/rows.ts'
import { sameName } from '../metadata/names.ts'
import { type CompleteSnapshot, type Topology } from '../topology/topology.ts'

/** What rollbacks removed, each with its deployment: `Job__c`, `Job__c.Title__c`, in lower case. */
export type Removed = ReadonlyMap<string, string>

export interface PresentSnapshot extends CompleteSnapshot {
  removed: Removed
}

export interface Present {
  /** Null also if the newest one is of a Salesforce org to which the client was connected before. */
  newestComplete(tenant: Tenant, clientId: string): Promise<PresentSnapshot | null>
}

/**
 * What was removed since then and not deployed again. Each rollback says what it removed: the deployment
 * shows only the last one, which may be a dry run or may have removed something else.
 */
const removedSince = (
  db: Database,
  tenant: Tenant,
  clientId: string,
  { completedAt: since, sfdcOrgId }: CompleteSnapshot,
): Promise<Map<string, string>> =>
  db.as(tenant).tx(async (tx) => {
    const { rows } = await sql<{ deployment_id: string; full_name: string }>`
      select d.id as deployment_id, gone.full_name
      from crm_deployments d
      join deployment_runs run on run.org_id = d.org_id and run.deployment_id = d.id
        and run.kind = 'rollback' and run.ended_at > ${since}
        and run.result ->> 'status' in ('complete', 'partial')
      cross join lateral jsonb_to_recordset(run.result -> 'removed') as gone(type text, full_name text)
      where d.org_id = ${tenant.orgId} and d.client_id = ${clientId}
        and d.sfdc_org_id = ${sfdcOrgId}
        and gone.type in ('CustomObject', 'CustomField')
        and not exists (
          select from crm_deployments again
          join deployment_components c
            on c.org_id = again.org_id and c.deployment_id = again.id
          where again.org_id = d.org_id and again.client_id = d.client_id
            and again.sfdc_org_id = d.sfdc_org_id
            and again.deployed_at > run.ended_at and again.status = 'deployed'
            and c.success and c.action <> 'deleted' and lower(c.full_name) = lower(gone.full_name)
        )
      order by run.ended_at`.execute(tx)
    return new Map(rows.map(({ deployment_id, full_name }) => [sameName(full_name), deployment_id]))
  })

const isOfAnother = (
  { sfdcOrgId }: CompleteSnapshot,
  connection: Pick<ConnectionRow, 'status' | 'sfdc_org_id'> | undefined,
): boolean =>
  connection !== undefined &&
  connection.status !== 'revoked' &&
  connection.sfdc_org_id !== null &&
  connection.sfdc_org_id !== sfdcOrgId

export const noSnapshot = (path?: string): EngineError => {
  const code = 'no_snapshot'
  const message =
    'The client has no complete snapshot of the Salesforce org that it is connected to. Pull the topology.'
  return new EngineError(
    code,
    message,
    path === undefined ? {} : { errors: [{ path, code, message }] },
  )
}

const withoutRemoved = (name: string, describe: JsonObject, removed: Removed): JsonObject => {
  const { fields } = describe
  const isGone = (field: unknown): boolean =>
    isObject(field) &&
    typeof field.name === 'string' &&
    removed.has(sameName(`${name}.${field.name}`))
  return Array.isArray(fields) && fields.some(isGone)
    ? { ...describe, fields: (fields as unknown[]).filter((field) => !isGone(field)) }
    : describe
}

export const createPresent = (
  db: Database,
  topology: Pick<Topology, 'newestComplete'>,
): Present => ({
  newestComplete: async (tenant, clientId) => {
    const snapshot = await topology.newestComplete(tenant, clientId)
    if (snapshot === null) return null
    const connection = await connectionOfClient(db.as(tenant).read, tenant, clientId)
    if (isOfAnother(snapshot, connection)) return null
    const removed = await removedSince(db, tenant, clientId, snapshot)
    if (removed.size === 0) return { ...snapshot, removed }
    return {
      ...snapshot,
      removed,
      objectNames: snapshot.objectNames.filter((name) => !removed.has(sameName(name))),
      readObjects: async (names) => {
        const objects = await snapshot.readObjects(
          names.filter((name) => !removed.has(sameName(name))),
        )
        return new Map(
          [...objects].map(([name, describe]) => [name, withoutRemoved(name, describe, removed)]),
        )
      },
    }
  },
})
