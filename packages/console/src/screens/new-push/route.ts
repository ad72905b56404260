import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'
import { textParam } from '../../app/params.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/pushes/new',
  /** `object`: the mapping that is chosen. */
  validateSearch: (search: Record<string, unknown>): { object?: string } =>
    textParam('object', search),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
