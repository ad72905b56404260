import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'
import { diffSearchOf } from './address.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/diff',
  validateSearch: diffSearchOf,
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
