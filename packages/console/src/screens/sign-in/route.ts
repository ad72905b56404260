import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { rootRoute } from '../../app/parents.tsx'

export const route = createRoute({
  getParentRoute: () => rootRoute,
  path: '/signin',
  /** `return`: the page of the console that somebody wanted to see. */
  validateSearch: ({ return: wanted }: Record<string, unknown>): { return?: string } =>
    typeof wanted === 'string' && isOwnPath(wanted) ? { return: wanted } : {},
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})

/** A path of the console; never an address of somebody else. */
const isOwnPath = (path: string): boolean => /^\/(?![/\\])/.test(path)
