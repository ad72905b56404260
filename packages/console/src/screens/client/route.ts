import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/',
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
