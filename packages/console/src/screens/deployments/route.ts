import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { type DeploymentKind, type DeploymentStatus } from '@sfdc-engine-x/client'
import { clientRoute } from '../../app/parents.tsx'

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

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/deployments',
  validateSearch: (search: Record<string, unknown>): DeploymentsSearch => {
    const status = STATUSES.find((one) => one === search['status'])
    const kind = KINDS.find((one) => one === search['kind'])
    return { ...(status === undefined ? {} : { status }), ...(kind === undefined ? {} : { kind }) }
  },
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
