import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'
import { isDeliveryStatus, type WebhookSearch } from './search.ts'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/settings/webhooks/$endpointId',
  validateSearch: ({ status, delivery }: Record<string, unknown>): WebhookSearch => ({
    ...(isDeliveryStatus(status) ? { status } : {}),
    ...(typeof delivery === 'string' ? { delivery } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
