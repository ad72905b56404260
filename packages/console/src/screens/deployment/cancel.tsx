import { useQueryClient } from '@tanstack/react-query'
import { type Deployment } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { CancelWork } from '../../app/cancel-work.tsx'
import { isRollingBack } from './stages.ts'

/** Ends what runs, while it still can be ended; or abandons what waits for a connection that is gone for good. */
export const Cancel = ({ deployment }: { deployment: Deployment }) => {
  const mayWrite = useMay('deploy.write') || useMay('workflows.write')
  const queryClient = useQueryClient()
  if (deployment.is_final || !mayWrite) return null
  const waiting = deployment.rollback?.error?.waiting ?? deployment.error?.waiting
  return (
    <CancelWork
      what={isRollingBack(deployment) ? 'rollback' : 'deployment'}
      mayAbandon={waiting?.for === 'person'}
      onCancel={(abandon) =>
        engine.deploy.cancel({ deployment_id: deployment.id, ...(abandon ? { abandon } : {}) })
      }
      onSettled={() =>
        queryClient.invalidateQueries({ queryKey: ['work', 'deployment', deployment.id] })
      }
    >
      {(isAbandon) => (
        <p>
          {isAbandon
            ? 'Nobody looks any more whether Salesforce has applied it. Do this only if the connection is lost for good.'
            : 'Salesforce is asked to stop, as long as it has not applied the package. What was applied stays, and can be rolled back.'}
        </p>
      )}
    </CancelWork>
  )
}
