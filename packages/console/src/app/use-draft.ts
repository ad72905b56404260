// What somebody has begun and not yet sent: it outlives a visit to another page, never the session, and nothing of
// it is in the browser's storage.

import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'

export const useDraft = <Value>(
  key: QueryKey,
  initial: () => Value,
): [Value, (next: Value | ((before: Value) => Value)) => void] => {
  const queryClient = useQueryClient()
  const [value, setValue] = useState<Value>(() => queryClient.getQueryData<Value>(key) ?? initial())
  const name = JSON.stringify(key)
  const set = useCallback(
    (next: Value | ((before: Value) => Value)) =>
      setValue((before) => {
        const after = typeof next === 'function' ? (next as (before: Value) => Value)(before) : next
        const of = JSON.parse(name) as QueryKey
        queryClient.setQueryDefaults(of, { gcTime: Infinity, staleTime: Infinity })
        queryClient.setQueryData(of, after)
        return after
      }),
    [queryClient, name],
  )
  return [value, set]
}
