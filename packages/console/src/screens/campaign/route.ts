import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { signedInRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/campaigns/$campaignId',
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
