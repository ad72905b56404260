import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { clientRoute } from '../../app/parents.tsx'
import { schemaSearchOf } from './address.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/schema',
  validateSearch: schemaSearchOf,
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
