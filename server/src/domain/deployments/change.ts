// What a deployment or a rollback changes, for the person who approves it.

import { type DeploymentKind } from '../../db/tables/deployments.ts'
import { type Change, listedComponents, YELLOW_ACCEPTED } from '../approvals/change.ts'
import { type DeploymentRow, type NamedComponent, type RollbackOptions } from './rows.ts'

export interface Wish {
  clientId: string
  kind: DeploymentKind
  /** Checked; shown to callers as it is stored. */
  plan: unknown
  hash: string | null
  /** What it creates, changes, activates or removes. */
  components: readonly { type: string; fullName: string }[]
  checkOnly: boolean
  reportId: string | null
  acceptsYellow: boolean
  waitSeconds: number
}

const counted = (count: number): string => `${count} component${count === 1 ? '' : 's'}`

const verbOf = ({ kind, plan, components, reportId }: Wish): string => {
  const checked = reportId === null ? '' : `, checked by report ${reportId}`
  const count = counted(components.length)
  if (kind === 'custom_objects') return `Deploys ${count} of a plan${checked}`
  if (kind === 'workflows') return `Deploys ${count}, and activates them as asked${checked}`
  if (kind === 'workflow_removal') return `Removes ${count}, flows with all their versions`
  const { active } = (plan as { activation: { active: boolean } }).activation
  return active ? 'Activates an automation' : 'Deactivates an automation'
}

export const changeOf = (wish: Wish): Change => ({
  action: wish.kind,
  clientId: wish.clientId,
  request: { client_id: wish.clientId, kind: wish.kind, plan: wish.plan, report: wish.reportId },
  restsOn: { plan_hash: wish.hash, conflict_report_id: wish.reportId },
  words: [
    verbOf(wish),
    ...(wish.acceptsYellow ? [YELLOW_ACCEPTED] : []),
    ...listedComponents(wish.components),
  ],
})

export const rollbackChange = (
  row: DeploymentRow,
  components: readonly NamedComponent[],
  options: RollbackOptions,
): Change => {
  const named = options.components ?? components
  return {
    action: 'rollback',
    clientId: row.client_id,
    request: { deployment_id: row.id, options },
    restsOn: { deployment_id: row.id, deployment_status: row.status },
    words: [
      `Rolls back deployment ${row.id}: ${counted(named.length)}`,
      options.allow_data_loss
        ? 'Values and records that it holds may be deleted'
        : 'Nothing that holds data is deleted',
      ...listedComponents(named.map(({ type, full_name }) => ({ type, fullName: full_name }))),
    ],
  }
}
