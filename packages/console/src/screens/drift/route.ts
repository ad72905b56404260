import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { type DriftClientState } from '@sfdc-engine-x/client'
import { signedInRoute } from '../../app/parents.tsx'
import { isClientState } from './words.ts'

export interface DriftSearch {
  /** Runs about this blueprint only. */
  blueprint?: string
  /** Default: the newest. */
  run?: string
  state?: DriftClientState
  /** The result that is open. */
  result?: string
}

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/drift',
  validateSearch: ({ blueprint, run, state, result }: Record<string, unknown>): DriftSearch => ({
    ...(typeof blueprint === 'string' ? { blueprint } : {}),
    ...(typeof run === 'string' ? { run } : {}),
    ...(isClientState(state) ? { state } : {}),
    ...(typeof result === 'string' ? { result } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
