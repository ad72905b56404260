// Which automations of a client's Salesforce org exist because of a deployment of ours.

import { type Reader, type Tenant } from '../../../db/database.ts'
import { rollbackOf, type DeploymentRow } from '../rows.ts'
import { sameName } from '../../metadata/names.ts'
import { keyOfAutomation } from '../../topology/automations/automation.ts'
import { workflowNameOf } from '../../workflows/transition.ts'

/** Identifies an automation, case-insensitive. */
export const madeKey = (name: Parameters<typeof keyOfAutomation>[0]): string =>
  sameName(keyOfAutomation(name))

/** Whether a rollback of the deployment removed or restored this component. */
export const isTakenBack = (
  deployment: Pick<DeploymentRow, 'rollback'>,
  type: string,
  fullName: string,
): boolean => {
  if (deployment.rollback === null) return false
  const { status, removed, restored } = rollbackOf(deployment as DeploymentRow)
  if (status !== 'complete' && status !== 'partial') return false
  return [...removed, ...restored].some(
    (one) => one.type === type && sameName(one.full_name) === sameName(fullName),
  )
}

/**
 * Keys (`madeKey`) of what a deployment created or changed, and what was neither rolled back since nor
 * removed by a later one. Deployments to another Salesforce org of this client do not count.
 */
export const madeByUs = async (
  reader: Reader,
  tenant: Tenant,
  clientId: string,
  sfdcOrgId: string | null,
): Promise<Set<string>> => {
  const rows = await reader
    .selectFrom('deployment_components as component')
    .innerJoin('crm_deployments as deployment', 'deployment.id', 'component.deployment_id')
    .select(['component.type', 'component.full_name', 'component.action', 'component.success'])
    .select('deployment.rollback')
    .where('component.org_id', '=', tenant.orgId)
    .where('deployment.org_id', '=', tenant.orgId)
    .where('deployment.client_id', '=', clientId)
    .where('deployment.sfdc_org_id', '=', sfdcOrgId)
    .where('deployment.check_only', '=', false)
    .where((where) =>
      where.or([
        where('deployment.status', '=', 'deployed'),
        // Applied, while something after it is still being tried.
        where.and([
          where('deployment.status', '=', 'pending'),
          where('deployment.applied', '=', 'all'),
        ]),
      ]),
    )
    .where('component.type', 'in', ['Flow', 'AssignmentRule', 'ValidationRule'])
    .where('component.action', '!=', 'unchanged')
    // A rule that was deactivated because another one was activated has no position in the request.
    .where('component.path', '!=', 'workflows')
    // By the database's clock: a later removal counts, whichever replica wrote it.
    .orderBy('deployment.created_at')
    .orderBy('deployment.id')
    .orderBy('component.position')
    .execute()
  const made = new Set<string>()
  for (const { type, full_name: fullName, action, success, rollback } of rows) {
    const name = workflowNameOf({ type, fullName })
    if (name === null || isTakenBack({ rollback }, type, fullName)) continue
    // What a removal could not delete still exists, no matter who created it.
    if (action === 'deleted' && success === false) continue
    if (action === 'deleted') made.delete(madeKey(name))
    else made.add(madeKey(name))
  }
  return made
}
