import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'
import { textParam, wordParam } from '../../app/params.ts'
import { type PushesSearch, STATUSES } from './filters.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/pushes',
  validateSearch: (search: Record<string, unknown>): PushesSearch => ({
    ...wordParam('status', STATUSES, search),
    ...textParam('object', search),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
