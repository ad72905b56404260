import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { signedInRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/leaving',
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
