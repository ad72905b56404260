import { type DeploymentKind, type DeploymentSummary } from '@sfdc-engine-x/client'
import { Status, type StatusTone } from '../ui/status.tsx'

export const DEPLOYMENT_KINDS: Readonly<Record<DeploymentKind, string>> = {
  custom_objects: 'Plan',
  workflows: 'Automations',
  workflow_removal: 'Removal of automations',
  workflow_activation: 'Activation of an automation',
}

export const DEPLOYMENT_STATUSES: Readonly<
  Record<DeploymentSummary['status'], readonly [StatusTone, string]>
> = {
  pending: ['running', 'Running'],
  validated: ['done', 'Validated'],
  deployed: ['done', 'Deployed'],
  failed: ['stopped', 'Failed'],
  rolled_back: ['idle', 'Rolled back'],
}

type Standing = Pick<DeploymentSummary, 'status' | 'is_final' | 'error' | 'rollback'>

/** How a deployment stands, with what is under way or left of a rollback. */
export const DeploymentState = ({ status, is_final: isFinal, error, rollback }: Standing) => {
  const waiting = rollback?.error?.waiting ?? error?.waiting
  if (!isFinal && waiting !== undefined) {
    return waiting.for === 'person' ? (
      <Status tone="attention">Waits for somebody</Status>
    ) : (
      <Status tone="running">Waits</Status>
    )
  }
  if (!isFinal && status !== 'pending') return <Status tone="running">Rolling back</Status>
  if (status === 'failed' && error?.code === 'cancelled') {
    return <Status tone="idle">Cancelled</Status>
  }
  if (rollback?.status === 'partial') return <Status tone="attention">Rolled back in part</Status>
  const [tone, words] = DEPLOYMENT_STATUSES[status]
  return <Status tone={tone}>{words}</Status>
}
