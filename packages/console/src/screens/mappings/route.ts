import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'
import { textParam } from '../../app/params.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/mappings',
  /** `mapping`: the one that is open; `new` for one that is not stored yet. */
  validateSearch: (search: Record<string, unknown>): { mapping?: string } =>
    textParam('mapping', search),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
