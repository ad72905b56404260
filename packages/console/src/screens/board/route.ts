import { createRoute, redirect } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'
import { type BoardFilters, filtersOf } from './filters.ts'
import { hasBoard } from './first.ts'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/',
  validateSearch: (search: Record<string, unknown>): BoardFilters => filtersOf(search),
  beforeLoad: ({ context: { me } }) => {
    if (me.client_id === null || hasBoard(me)) return
    // A user of one client has no fleet: their page is that client's.
    // oxlint-disable-next-line typescript/only-throw-error -- how the router is told
    throw redirect({ to: '/clients/$clientId', params: { clientId: me.client_id } })
  },
  loader: async ({ context: { queryClient }, location }) => {
    const { begin } = await import('./screen.tsx')
    begin(queryClient, filtersOf(location.search))
  },
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
