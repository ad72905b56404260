import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { type PushStatus } from '@sfdc-engine-x/client'
import { clientRoute } from '../../app/parents.tsx'
import { textParam, wordParam } from '../../app/params.ts'

export const STATUSES: readonly PushStatus[] = [
  'queued',
  'in_progress',
  'succeeded',
  'partial',
  'failed',
]

export interface PushesSearch {
  status?: PushStatus
  /** Canonical name, or that of the Salesforce object. */
  object?: string
}

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/pushes',
  validateSearch: (search: Record<string, unknown>): PushesSearch => ({
    ...wordParam('status', STATUSES, search),
    ...textParam('object', search),
  }),
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
