import { useRouter } from '@tanstack/react-router'
import { type ReactNode } from 'react'
import { Failed } from '../ui/states.tsx'

/** In place of a page whose code was not loaded, or that has a fault: both are tried anew. */
export const Failure = ({ error }: { error: unknown }): ReactNode => {
  const router = useRouter()
  return <Failed error={error} retry={() => void router.invalidate()} />
}
