import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { signedInRoute } from '../../app/parents.tsx'
import { type FleetSearch, isKind } from './search.ts'

const TEXTS = ['object', 'name', 'label', 'formula', 'flag', 'tags'] as const

export const route = createRoute({
  getParentRoute: () => signedInRoute,
  path: '/fleet/search',
  validateSearch: (search: Record<string, unknown>): FleetSearch => ({
    ...(isKind(search.kind) ? { kind: search.kind } : {}),
    ...Object.fromEntries(
      TEXTS.flatMap((name) => {
        // A number or `true` in the address is what somebody searched for as a text.
        const value = search[name]
        const isPlain = ['string', 'number', 'boolean'].includes(typeof value)
        return isPlain && value !== '' ? [[name, `${value as string | number | boolean}`]] : []
      }),
    ),
    ...(search.missing === true ? { missing: true } : {}),
  }),
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
