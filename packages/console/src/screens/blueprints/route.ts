import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { signedInRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/blueprints',
  validateSearch: ({ archived }: Record<string, unknown>): { archived?: true } =>
    archived === true ? { archived } : {},
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
