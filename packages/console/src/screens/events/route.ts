import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'
import { periodOf } from '../../app/period.ts'
import { type EventsSearch, isEventType } from './search.ts'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/events',
  validateSearch: (search: Record<string, unknown>): EventsSearch => ({
    ...(typeof search.client === 'string' ? { client: search.client } : {}),
    ...(isEventType(search.type) ? { type: search.type } : {}),
    ...(typeof search.event === 'string' ? { event: search.event } : {}),
    ...periodOf(search),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
