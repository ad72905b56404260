// A line at the edge that says what came of something, and goes by itself. Errors stay until they are closed.

import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react'
import { Button } from './button.tsx'
import { Problem } from './states.tsx'

interface Toasts {
  /** Something went as it should. */
  say: (text: string) => void
  /** Something did not; for what has no place of its own to show it. */
  fail: (error: unknown) => void
}

type Toast = { id: number } & ({ text: string } | { error: unknown })

const Context = createContext<Toasts | null>(null)
const SHOWN_MS = 5_000

export const useToast = (): Toasts => {
  const toasts = useContext(Context)
  if (toasts === null) throw new Error('useToast outside of ToastArea')
  return toasts
}

export const ToastArea = ({ children }: { children: ReactNode }) => {
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const close = useCallback(
    (id: number) => setToasts((before) => before.filter((toast) => toast.id !== id)),
    [],
  )
  const value = useMemo<Toasts>(() => {
    const add = (toast: { text: string } | { error: unknown }) =>
      setToasts((before) => [...before, { ...toast, id: (before.at(-1)?.id ?? 0) + 1 }])
    return { say: (text) => add({ text }), fail: (error) => add({ error }) }
  }, [])
  return (
    <Context value={value}>
      {children}
      <div className="toasts" aria-live="polite">
        {toasts.map((toast) => (
          <OneToast key={toast.id} toast={toast} close={close} />
        ))}
      </div>
    </Context>
  )
}

const OneToast = ({ toast, close }: { toast: Toast; close: (id: number) => void }) => {
  const { id } = toast
  const isError = 'error' in toast
  useEffect(() => {
    if (isError) return
    const timer = setTimeout(() => close(id), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [id, isError, close])
  return (
    <div className="toast">
      {isError ? <Problem error={toast.error} /> : <p>{toast.text}</p>}
      <Button look="quiet" onClick={() => close(id)} aria-label="Close this message">
        Close
      </Button>
    </div>
  )
}
