import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/blueprints',
  validateSearch: ({ archived }: Record<string, unknown>): { archived?: true } =>
    archived === true ? { archived } : {},
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
