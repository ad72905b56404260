import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { clientRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/schema',
  validateSearch: (
    search: Record<string, unknown>,
  ): { version?: number; object?: string; field?: string } => search,
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
