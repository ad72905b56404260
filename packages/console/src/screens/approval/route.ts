import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { signedInRoute } from '../../app/parents.tsx'

/** Where `url` of an `approval_required` leads. */
export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/approvals/$approvalId',
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
