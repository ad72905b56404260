import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { wordParam } from '../../app/params.ts'
import { clientRoute } from '../../app/parents.tsx'
import { type DeploymentsSearch, KINDS, STATUSES } from './filters.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/deployments',
  validateSearch: (search: Record<string, unknown>): DeploymentsSearch => ({
    ...wordParam('status', STATUSES, search),
    ...wordParam('kind', KINDS, search),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
