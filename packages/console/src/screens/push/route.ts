import { createRoute } from '@tanstack/react-router'
import { lazy } from '../../app/lazy.ts'
import { clientRoute } from '../../app/parents.tsx'
import { textParam, wordParam } from '../../app/params.ts'

export interface PushSearch {
  status?: 'failed' | 'succeeded'
  /** Only rows with this error. */
  code?: string
  /** The row that is open, by its place in the input. */
  row?: number
}

export const route = createRoute({
  getParentRoute: () => clientRoute,
  path: '/pushes/$pushId',
  validateSearch: (search: Record<string, unknown>): PushSearch => {
    const { row } = search
    return {
      ...wordParam('status', ['failed', 'succeeded'], search),
      ...textParam('code', search),
      ...(typeof row === 'number' && Number.isSafeInteger(row) && row >= 0 ? { row } : {}),
    }
  },
  component: lazy(() => import('./screen.tsx'), 'Screen'),
})
