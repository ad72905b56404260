import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'

export interface NewRolloutSearch {
  blueprint?: string
  version?: number
  /** Whom it is offered for. */
  to?: 'drifted'
}

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/rollouts/new',
  validateSearch: ({ blueprint, version, to }: Record<string, unknown>): NewRolloutSearch => ({
    ...(typeof blueprint === 'string' ? { blueprint } : {}),
    ...(typeof version === 'number' && Number.isInteger(version) && version > 0 ? { version } : {}),
    ...(to === 'drifted' ? { to } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
