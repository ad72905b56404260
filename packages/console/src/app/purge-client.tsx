import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useClientMark } from '../api/directory.ts'
import { engine } from '../api/engine.ts'
import { clientKey } from '../api/queries.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDeletion } from '../ui/dialog.tsx'

/** For a client that has left: deletes what is stored here about it. Leads to the page that has the certificate then. */
export const PurgeClient = ({
  clientId,
  name,
  pending = false,
}: {
  clientId: string
  name: string
  /** Whether it has left is not known yet. */
  pending?: boolean
}) => {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const mark = useClientMark(clientId)
  const [asked, setAsked] = useState(false)
  const purge = async () => {
    const work = await engine.fleet.offboardStart({ client_id: clientId, purge: true })
    await navigate({ to: '/fleet/leaving/$offboardingId', params: { offboardingId: work.id } })
    // Not waited for: whatever looks at the client is left behind.
    for (const queryKey of [['offboardings'], clientKey(clientId)]) {
      void queryClient.invalidateQueries({ queryKey })
    }
  }
  return (
    <>
      <Button pending={pending} onClick={() => setAsked(true)}>
        Delete its data here
      </Button>
      <ConfirmDeletion
        open={asked}
        onClose={() => setAsked(false)}
        action="Delete its data here"
        clientName={name}
        mark={mark}
        onConfirm={purge}
      >
        <p>
          Everything that is stored here about the client is deleted: its snapshots and checks, its
          mappings, its deployments with what was there before them, its pushes with their rows, and
          its users.
        </p>
        <p>
          A certificate says what was deleted. It is all that remains, beside audit rows, which have
          no contents. Nothing is changed in Salesforce.
        </p>
      </ConfirmDeletion>
    </>
  )
}
