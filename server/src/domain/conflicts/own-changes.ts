// What our deployments and rollbacks changed after the snapshots that would show it: a check against those
// would take our own fields for somebody else's.

import { sql } from 'kysely'
import { type Database, type Tenant } from '../../db/database.ts'
import { touchedObjects } from '../deployments/rows.ts'
import { sameName } from '../metadata/names.ts'

interface Change {
  kind: string
  plan: unknown
  ended_at: Date
}

interface Reading {
  scope: 'all' | string[]
  created_at: Date
}

/**
 * The objects that a pull has to read before the snapshot shows what we changed; `all` if that may be in
 * any of them. A snapshot shows what had ended when its pull began.
 */
export const changedByUs = (
  db: Database,
  tenant: Tenant,
  clientId: string,
  sfdcOrgId: string,
): Promise<readonly string[] | 'all'> =>
  db.as(tenant).tx(async (tx) => {
    const { rows: readings } = await sql<Reading>`
      select scope, created_at from crm_topology_snapshots s
       where s.org_id = ${tenant.orgId} and s.client_id = ${clientId}
         and s.sfdc_org_id = ${sfdcOrgId} and s.status = 'complete'
         and s.created_at >= coalesce((
           select max(created_at) from crm_topology_snapshots whole
            where whole.org_id = ${tenant.orgId} and whole.client_id = ${clientId}
              and whole.sfdc_org_id = ${sfdcOrgId} and whole.status = 'complete'
              and whole.scope = '"all"'), '-infinity')`.execute(tx)
    const { rows: changes } = await sql<Change>`
      select d.kind, d.plan, run.ended_at from crm_deployments d
        join deployment_runs run on run.org_id = d.org_id and run.deployment_id = d.id
       where d.org_id = ${tenant.orgId} and d.client_id = ${clientId}
         and d.sfdc_org_id = ${sfdcOrgId} and not d.check_only
         and run.ended_at >= ${readings.find(({ scope }) => scope === 'all')?.created_at ?? new Date(0)}
         and case run.kind when 'rollback' then run.result ->> 'status' in ('complete', 'partial')
             else d.applied in ('all', 'unknown') end`.execute(tx)
    const stale = new Map<string, string>()
    for (const { kind, plan, ended_at } of changes) {
      const later = readings.filter(({ created_at }) => created_at > ended_at)
      // Every pull reads all automations.
      const isOfPlan = kind === 'custom_objects' || kind === 'offboarding'
      if (!isOfPlan && later.length === 0) return 'all'
      const touched = isOfPlan ? touchedObjects(plan) : []
      if (touched === 'all') {
        if (later.every(({ scope }) => scope !== 'all')) return 'all'
        continue
      }
      const read = new Set(
        later.flatMap(({ scope }) => (scope === 'all' ? touched : scope)).map(sameName),
      )
      for (const name of touched) if (!read.has(sameName(name))) stale.set(sameName(name), name)
    }
    return [...stale.values()]
  })
