import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'
import { schemaSearchOf } from './address.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/schema',
  validateSearch: schemaSearchOf,
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
