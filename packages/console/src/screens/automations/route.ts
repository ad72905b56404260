import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'
import { type AutomationsSearch, isRecordEvent } from './search.ts'

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/automations',
  validateSearch: ({
    object,
    event,
    live,
    change,
  }: Record<string, unknown>): AutomationsSearch => ({
    ...(typeof object === 'string' && object !== '' ? { object } : {}),
    ...(isRecordEvent(event) ? { event } : {}),
    ...(live === true ? { live } : {}),
    ...(typeof change === 'string' ? { change } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
