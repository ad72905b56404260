// What other deployments to the same Salesforce org left that their rollbacks could not take back, for the
// rollback of an earlier one, or of all at once: it is our own work.

import { sql, type SqlBool } from 'kysely'
import { type Reader, type Tenant } from '../../../db/database.ts'
import { type RolledBack } from '../../metadata/left-over.ts'
import { type Component, keyOf, sameName } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'
import { type DeploymentRow, type NamedComponent, rollbackOf } from '../rows.ts'

/** A deployment that was rolled back: which components kept something, and the files they are in. */
export interface RolledBackDeployment {
  /** By their keys. */
  kept: ReadonlySet<string>
  before: ReadonlyMap<string, string>
  after: ReadonlyMap<string, string>
}

/** Reads those that kept something of these components, which are in the files of these paths. */
export const readRolledBack = async (
  reader: Reader,
  tenant: Tenant,
  deployment: DeploymentRow,
  { rows, paths }: { rows: readonly NamedComponent[]; paths: readonly string[] },
): Promise<RolledBackDeployment[]> => {
  const ours = new Set(rows.map(keyIn))
  const found = await reader
    .selectFrom('crm_deployments')
    .select(['id', 'rollback'])
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', deployment.client_id)
    .where('sfdc_org_id', '=', deployment.sfdc_org_id)
    .where(sql<SqlBool>`rollback ->> 'status' in ('complete', 'partial')`)
    .execute()
  const kept = new Map(
    found
      .map(({ id, rollback }) => [id, keptBy({ rollback }).filter((key) => ours.has(key))] as const)
      .filter(([, keys]) => keys.length > 0),
  )
  if (kept.size === 0) return []
  const images = await reader
    .selectFrom('deployment_images')
    .select(['deployment_id', 'moment', 'name', 'content'])
    .where('org_id', '=', tenant.orgId)
    .where('deployment_id', 'in', [...kept.keys()])
    .where('kind', '=', 'file')
    .where(sql<SqlBool>`lower(name) = any(${paths.map(sameName)}::text[])`)
    .execute()
  return [...kept].map(([id, keys]) => {
    const filesAt = (moment: 'before' | 'after') =>
      new Map(
        images
          .filter((image) => image.deployment_id === id && image.moment === moment)
          .map(({ name, content }) => [name, content]),
      )
    return { kept: new Set(keys), before: filesAt('before'), after: filesAt('after') }
  })
}

const keyIn = ({ type, full_name: fullName }: NamedComponent): string => keyOf({ type, fullName })

/** What stays although nothing of it remains to be rolled back: no call takes it back. */
export const keptBy = (row: Pick<DeploymentRow, 'rollback'>): string[] => {
  const { kept, remaining } = rollbackOf(row as DeploymentRow)
  const open = new Set(remaining.map(keyIn))
  return kept.map(keyIn).filter((key) => !open.has(key))
}

/** What each of them found and left of a component of which it kept something. */
export const rolledBackIn = (
  found: readonly RolledBackDeployment[],
): ((component: Component) => readonly RolledBack[]) => {
  const read = found.map(({ kept, before, after }) => ({
    kept,
    before: partsIn(before),
    after: partsIn(after),
  }))
  return (component) =>
    read
      .filter(({ kept }) => kept.has(keyOf(component)))
      .map(({ before, after }) => ({
        before: before.part(component),
        after: after.part(component),
      }))
}
