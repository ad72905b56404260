import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type PushWithResults } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Problem } from '../../ui/states.tsx'

export const CancelPush = ({ push }: { push: PushWithResults }) => {
  const mayPush = useMay('push.write')
  const queryClient = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const cancel = useMutation({
    mutationFn: () => engine.push.cancel({ push_id: push.id }),
    onSuccess: async () => {
      setAsking(false)
      await queryClient.invalidateQueries({ queryKey: ['work', 'push', push.id] })
    },
  })
  if (push.is_final || !mayPush) return null
  return (
    <>
      <Button onClick={() => setAsking(true)}>Cancel the push</Button>
      <Dialog open={isAsking} onClose={() => setAsking(false)} title="Cancel the push">
        <p>
          Rows that were not sent yet fail, and can be sent again later. What was sent stays in
          Salesforce.
        </p>
        {cancel.error !== null && <Problem error={cancel.error} />}
        <div className="row end">
          <Button onClick={() => setAsking(false)}>Let it go on</Button>
          <Button look="primary" pending={cancel.isPending} onClick={() => cancel.mutate()}>
            Cancel the push
          </Button>
        </div>
      </Dialog>
    </>
  )
}
