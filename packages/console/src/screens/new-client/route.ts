import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/clients/new',
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
