import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { clientRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/plan',
  /** `report`: the check whose verdict stands beside the plan. */
  validateSearch: ({ report }: Record<string, unknown>): { report?: string } =>
    typeof report === 'string' && report !== '' ? { report } : {},
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
