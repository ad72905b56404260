import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type Offboarding } from '@sfdc-engine-x/client'
import { useClientMark } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { clientKey, connectionQuery } from '../../api/queries.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmProduction } from '../../ui/dialog.tsx'
import { Checkbox } from '../../ui/field.tsx'
import { counted } from '../../ui/text.tsx'

/** From the preview to the deed. */
export const Leave = ({ preview }: { preview: Offboarding }) => {
  const { client_id: clientId, client_name: name, options, removed, restored } = preview
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const connection = useQuery(connectionQuery(clientId))
  const mark = useClientMark(clientId)
  const [asked, setAsked] = useState(false)
  const [allowsDataLoss, setAllowsDataLoss] = useState(false)
  const [purges, setPurges] = useState(false)
  const leave = async () => {
    const work = await engine.fleet.offboardStart({
      client_id: clientId,
      allow_data_loss: allowsDataLoss,
      leave_in_place: options.leave_in_place,
      purge: purges,
    })
    await Promise.all([
      queryClient.invalidateQueries({ queryKey: ['offboardings'] }),
      queryClient.invalidateQueries({ queryKey: clientKey(clientId) }),
    ])
    await navigate({ to: '/fleet/leaving/$offboardingId', params: { offboardingId: work.id } })
  }
  return (
    <>
      <Button look="primary" onClick={() => setAsked(true)}>
        Off-board the client
      </Button>
      <ConfirmProduction
        open={asked}
        onClose={() => setAsked(false)}
        action="Off-board the client"
        clientName={name}
        mark={mark}
        environment={connection.data?.environment ?? null}
        isIrreversible={purges}
        onConfirm={leave}
      >
        <p>
          {options.leave_in_place
            ? 'Everything stays in the Salesforce org.'
            : `${counted(removed.length, 'component')} removed, ${counted(restored.length, 'component')} restored.`}{' '}
          Then the connection is revoked.
        </p>
        {!options.leave_in_place && (
          <Checkbox
            label="Remove what holds data too"
            hint="The values are deleted in Salesforce. Without it, such fields and objects stay."
            checked={allowsDataLoss}
            onChange={({ target }) => setAllowsDataLoss(target.checked)}
          />
        )}
        <Checkbox
          label="Then delete everything about the client here"
          hint="Only audit rows and the certificate remain. This cannot be rolled back."
          checked={purges}
          onChange={({ target }) => setPurges(target.checked)}
        />
      </ConfirmProduction>
    </>
  )
}
