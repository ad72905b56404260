import { type DeploymentKind, type DeploymentStatus } from '@sfdc-engine-x/client'

export const STATUSES: readonly DeploymentStatus[] = [
  'pending',
  'validated',
  'deployed',
  'failed',
  'rolled_back',
]
export const KINDS: readonly DeploymentKind[] = [
  'custom_objects',
  'workflows',
  'workflow_removal',
  'workflow_activation',
]

export interface DeploymentsSearch {
  status?: DeploymentStatus
  kind?: DeploymentKind
}
