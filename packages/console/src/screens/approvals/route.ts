import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'
import { type ApprovalsSearch, isApprovalState } from './search.ts'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/approvals',
  /** Without a state: what waits for a decision. */
  validateSearch: ({ state }: Record<string, unknown>): ApprovalsSearch =>
    state === 'all' || isApprovalState(state) ? { state } : {},
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
