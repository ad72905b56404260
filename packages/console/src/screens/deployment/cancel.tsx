import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type Deployment } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Problem } from '../../ui/states.tsx'
import { isRollingBack } from './stages.ts'

/** Ends what runs, while it still can be ended; or abandons what waits for a connection that is gone for good. */
export const Cancel = ({ deployment }: { deployment: Deployment }) => {
  const mayWrite = useMay('deploy.write') || useMay('workflows.write')
  const queryClient = useQueryClient()
  const [asked, setAsked] = useState<'cancel' | 'abandon' | null>(null)
  const cancel = useMutation({
    mutationFn: (abandon: boolean) =>
      engine.deploy.cancel({ deployment_id: deployment.id, ...(abandon ? { abandon } : {}) }),
    onSuccess: async () => {
      setAsked(null)
      await queryClient.invalidateQueries({ queryKey: ['work', 'deployment', deployment.id] })
    },
  })
  if (deployment.is_final || !mayWrite) return null
  const waiting = deployment.rollback?.error?.waiting ?? deployment.error?.waiting
  const what = isRollingBack(deployment) ? 'rollback' : 'deployment'
  const isAbandon = asked === 'abandon'
  const action = isAbandon ? `Abandon the ${what}` : `Cancel the ${what}`
  return (
    <>
      {waiting?.for === 'person' && (
        <Button onClick={() => setAsked('abandon')}>Abandon the {what}</Button>
      )}
      <Button onClick={() => setAsked('cancel')}>Cancel the {what}</Button>
      <Dialog open={asked !== null} onClose={() => setAsked(null)} title={action}>
        <p>
          {isAbandon
            ? 'Nobody looks any more whether Salesforce has applied it. Do this only if the connection is lost for good.'
            : 'Salesforce is asked to stop, as long as it has not applied the package. What was applied stays, and can be rolled back.'}
        </p>
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
