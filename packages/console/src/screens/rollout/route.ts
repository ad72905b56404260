import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'
import { isTargetState, type RolloutSearch } from './search.ts'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/rollouts/$rolloutId',
  validateSearch: ({ state, wave, code, target }: Record<string, unknown>): RolloutSearch => ({
    ...(isTargetState(state) ? { state } : {}),
    ...(typeof wave === 'number' && Number.isInteger(wave) && wave > 0 ? { wave } : {}),
    ...(typeof code === 'string' && code !== '' ? { code } : {}),
    ...(typeof target === 'string' && target !== '' ? { target } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
