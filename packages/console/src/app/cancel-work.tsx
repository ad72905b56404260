import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Problem } from '../ui/states.tsx'

interface Props<Work> {
  /** As in "Cancel the …". */
  what: string
  /** It waits for somebody, perhaps for a connection that never comes back. */
  mayAbandon?: boolean
  onCancel: (abandon: boolean) => Promise<Work>
  onSuccess?: (work: Work) => void
  /** Whether it was cancelled or refused. */
  onSettled: () => Promise<unknown>
  /** What follows from it. */
  children: (isAbandon: boolean) => ReactNode
}

/** Ends what runs; or abandons what waits for a connection that is gone for good. */
export const CancelWork = <Work,>({
  what,
  mayAbandon = false,
  onCancel,
  onSuccess,
  onSettled,
  children,
}: Props<Work>) => {
  const [asked, setAsked] = useState<'cancel' | 'abandon' | null>(null)
  const cancel = useMutation({
    mutationFn: onCancel,
    onSuccess: (work) => {
      setAsked(null)
      onSuccess?.(work)
    },
    onSettled,
  })
  const isAbandon = asked === 'abandon'
  const action = isAbandon ? `Abandon the ${what}` : `Cancel the ${what}`
  return (
    <>
      {mayAbandon && <Button onClick={() => setAsked('abandon')}>Abandon the {what}</Button>}
      <Button onClick={() => setAsked('cancel')}>Cancel the {what}</Button>
      <Dialog open={asked !== null} onClose={() => setAsked(null)} title={action}>
        {children(isAbandon)}
        {cancel.error !== null && <Problem error={cancel.error} />}
        <div className="row end">
          <Button onClick={() => setAsked(null)}>Let it go on</Button>
          <Button
            look="primary"
            pending={cancel.isPending}
            onClick={() => cancel.mutate(isAbandon)}
          >
            {action}
          </Button>
        </div>
      </Dialog>
    </>
  )
}
