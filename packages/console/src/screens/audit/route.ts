import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'
import { periodOf } from '../../app/period.ts'
import { type AuditSearch } from './search.ts'

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/audit',
  validateSearch: (search: Record<string, unknown>): AuditSearch => ({
    ...(typeof search.client === 'string' ? { client: search.client } : {}),
    ...(typeof search.action === 'string' && search.action !== '' ? { action: search.action } : {}),
    ...periodOf(search),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
