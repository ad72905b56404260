import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { clientRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/mappings',
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
