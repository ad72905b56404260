// What all routes hang below. A screen's route has one of these three as its parent.

import { type QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, Outlet, redirect } from '@tanstack/react-router'
import { meQuery } from '../api/session.ts'
import { Failure } from './failure.tsx'
import { lazy } from './lazy.ts'
import { Loading, NotFound } from '../ui/states.tsx'

export const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
})

/** Everything but signing in: with the shell around it, and only for who is signed in. */
export const signedInRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: '_app',
  beforeLoad: async ({ context: { queryClient }, location }) => {
    const me = await queryClient.ensureQueryData(meQuery)
    if (me === null) {
      // oxlint-disable-next-line typescript/only-throw-error -- how the router is told
      throw redirect({ to: '/signin', search: { return: location.href } })
    }
    return { me }
  },
  component: lazy(() => import('./shell.tsx'), 'Shell'),
  errorComponent: Failure,
  pendingComponent: Loading,
})

/** Pages of one client: its name and environment stay in sight above them. */
export const clientRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/clients/$clientId',
  component: lazy(() => import('./client-frame.tsx'), 'ClientFrame'),
})
