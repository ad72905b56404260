import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'

export interface BlueprintSearch {
  /** Default: the versions. */
  tab?: 'clients'
  /** The version that is shown; default: the newest. */
  version?: number
  /** The version with which it is compared. */
  from?: number
}

const isVersion = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/blueprints/$blueprintId',
  validateSearch: ({ tab, version, from }: Record<string, unknown>): BlueprintSearch => ({
    ...(tab === 'clients' ? { tab } : {}),
    ...(isVersion(version) ? { version } : {}),
    ...(isVersion(from) ? { from } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
