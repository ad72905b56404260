import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'

/** Where `url` of an `approval_required` leads. */
export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/approvals/$approvalId',
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
