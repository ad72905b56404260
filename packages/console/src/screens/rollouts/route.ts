import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { type RolloutState } from '@sfdc-engine-x/client'
import { signedInRoute } from '../../app/parents.tsx'
import { isRolloutState } from './search.ts'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/rollouts',
  validateSearch: ({ state }: Record<string, unknown>): { state?: RolloutState } =>
    isRolloutState(state) ? { state } : {},
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
