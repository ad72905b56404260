import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { type WebhookDeliveryStatus } from '@sfdc-engine-x/client'
import { signedInRoute } from '../../app/parents.tsx'
import { isDeliveryStatus } from '../webhooks/words.ts'

export interface WebhookSearch {
  status?: WebhookDeliveryStatus
  /** The delivery that is open. */
  delivery?: string
}

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/settings/webhooks/$endpointId',
  validateSearch: ({ status, delivery }: Record<string, unknown>): WebhookSearch => ({
    ...(isDeliveryStatus(status) ? { status } : {}),
    ...(typeof delivery === 'string' ? { delivery } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
