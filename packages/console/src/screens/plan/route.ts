import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/plan',
  /** `report`: the check whose verdict stands beside the plan. */
  validateSearch: ({ report }: Record<string, unknown>): { report?: string } =>
    typeof report === 'string' && report !== '' ? { report } : {},
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
