// Pages keep what they show while it is read again. If that fails, nobody would notice: one line says so.

import { useQueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { problemOf } from '../api/problems.ts'
import { Button } from '../ui/button.tsx'

/** What somebody looks at, and could not be read again. */
const FAILED = { type: 'active', predicate: hasOldData } as const

function hasOldData({ state }: { state: { data: unknown; error: unknown } }): boolean {
  if (state.data === undefined || state.error === null) return false
  return ['offline', 'fault'].includes(problemOf(state.error).kind)
}

export const ConnectionLost = () => {
  const queryClient = useQueryClient()
  const isLost = useSyncExternalStore(
    (changed) => queryClient.getQueryCache().subscribe(changed),
    () => queryClient.getQueryCache().findAll(FAILED).length > 0,
  )
  return (
    <div role="status">
      {isLost && (
        <p className="row connection-lost">
          The server does not answer. What you see may be old.
          <Button look="quiet" onClick={() => void queryClient.refetchQueries(FAILED)}>
            Read it again
          </Button>
        </p>
      )}
    </div>
  )
}
