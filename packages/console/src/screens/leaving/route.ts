import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'

/** Not below its client: that may no longer exist. */
export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/leaving/$offboardingId',
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
