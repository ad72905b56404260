import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'
import { type DriftSearch, isClientState } from './search.ts'

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
