import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { type RolloutTargetState } from '@sfdc-engine-x/client'
import { signedInRoute } from '../../app/parents.tsx'
import { isTargetState } from '../rollouts/words.ts'

export interface RolloutSearch {
  /** Of the targets that are shown. */
  state?: RolloutTargetState
  wave?: number
  /** Of an error or a finding. */
  code?: string
  /** The client whose target is open. */
  target?: string
}

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/rollouts/$rolloutId',
  validateSearch: ({ state, wave, code, target }: Record<string, unknown>): RolloutSearch => ({
    ...(isTargetState(state) ? { state } : {}),
    ...(typeof wave === 'number' && Number.isInteger(wave) && wave > 0 ? { wave } : {}),
    ...(typeof code === 'string' && code !== '' ? { code } : {}),
    ...(typeof target === 'string' && target !== '' ? { target } : {}),
  }),
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
