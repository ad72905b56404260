import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { clientRoute } from '../../app/parents.tsx'
import { diffSearchOf } from './address.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/diff',
  validateSearch: diffSearchOf,
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
