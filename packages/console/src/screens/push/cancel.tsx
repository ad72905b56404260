import { useQueryClient } from '@tanstack/react-query'
import { type PushWithResults } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { CancelWork } from '../../app/cancel-work.tsx'

export const CancelPush = ({ push }: { push: PushWithResults }) => {
  const mayPush = useMay('push.write')
  const queryClient = useQueryClient()
  if (push.is_final || !mayPush) return null
  return (
    <CancelWork
      what="push"
      onCancel={() => engine.push.cancel({ push_id: push.id })}
      onSettled={() => queryClient.invalidateQueries({ queryKey: ['work', 'push', push.id] })}
    >
      {() => (
        <p>
          Rows that were not sent yet fail, and can be sent again later. What was sent stays in
          Salesforce.
        </p>
      )}
    </CancelWork>
  )
}
