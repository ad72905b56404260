import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'

export interface DeploymentSearch {
  /** Only components with this in their name. */
  q?: string
  /** Only components that failed. */
  failed?: true
  /** The component that is open: `CustomField Lead.Job__c`. */
  component?: string
}

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/deployments/$deploymentId',
  validateSearch: ({ q, failed, component }: Record<string, unknown>): DeploymentSearch => ({
    ...(typeof q === 'string' && q !== '' ? { q } : {}),
    ...(failed === true ? { failed } : {}),
    ...(typeof component === 'string' && component !== '' ? { component } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
