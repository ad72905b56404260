import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
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
  component: lazyRouteComponent(() => import('./screen.tsx'), 'Screen'),
})
