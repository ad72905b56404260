import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { signedInRoute } from '../../app/parents.tsx'

/** Not below its client: that may no longer exist. */
export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/leaving/$offboardingId',
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
