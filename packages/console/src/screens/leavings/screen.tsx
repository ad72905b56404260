import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type OffboardingSummary } from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { ClientPicker } from '../../app/client-picker.tsx'
import { UserName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Checkbox } from '../../ui/field.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Foreign, RelativeTime } from '../../ui/text.tsx'
import { standing } from './words.ts'

const COLUMNS: readonly Column<OffboardingSummary>[] = [
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(10rem, 2fr)',
    cell: ({ id, client_name: name }) => (
      <Link to="/fleet/leaving/$offboardingId" params={{ offboardingId: id }}>
        <Foreign>{name}</Foreign>
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(9rem, 1fr)',
    cell: (offboarding) => {
      const [tone, word] = standing(offboarding)
      return <Status tone={tone}>{word}</Status>
    },
  },
  {
    id: 'data',
    header: 'Its data here',
    width: '8rem',
    wideOnly: true,
    cell: ({ purged }) => (purged ? 'deleted' : 'kept'),
  },
  {
    id: 'by',
    header: 'By',
    wideOnly: true,
    cell: ({ created_by: by }) => <UserName id={by} />,
  },
  {
    id: 'at',
    header: 'Begun',
    width: '7rem',
    wideOnly: true,
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
]

export const Screen = allowed('fleet.read', () => {
  const mayWrite = useMay('fleet.write')
  const navigate = useNavigate()
  const [isAsking, setAsking] = useState(false)
  const list = useList<OffboardingSummary>(
    ['offboardings'],
    (page, options) => engine.fleet.offboardList(page, options),
    { refetchWhile: ({ is_final: isFinal }) => !isFinal },
  )
  return (
    <ListPage
      title="Leaving"
      lead="Clients that leave: what was ever deployed to them is removed again, with a certificate."
      actions={
        mayWrite && (
          <Button look="primary" onClick={() => setAsking(true)}>
            Look what leaving would do
          </Button>
        )
      }
      query={list}
      label="Off-boardings and previews"
      columns={COLUMNS}
      onOpen={({ id }) =>
        void navigate({ to: '/fleet/leaving/$offboardingId', params: { offboardingId: id } })
      }
      empty={
        <Empty title="No client has left">
          <p>A preview reads everything and changes nothing: it is always the first step.</p>
        </Empty>
      }
    >
      <Preview open={isAsking} onClose={() => setAsking(false)} />
    </ListPage>
  )
})

const Preview = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [chosen, setChosen] = useState<readonly string[]>([])
  const [leaves, setLeaves] = useState(false)
  const preview = async () => {
    const [clientId] = chosen
    if (clientId === undefined) throw new InputError('Choose the client.')
    const work = await engine.fleet.offboardPreview({
      client_id: clientId,
      leave_in_place: leaves,
    })
    await queryClient.invalidateQueries({ queryKey: ['offboardings'] })
    await navigate({
      to: '/fleet/leaving/$offboardingId',
      params: { offboardingId: work.id },
    })
  }
  return (
    <ConfirmSimply open={open} onClose={onClose} action="Make the preview" onConfirm={preview}>
      <p>Everything is read from the Salesforce org. Nothing is changed.</p>
      <ClientPicker label="Which client" chosen={chosen} onChange={setChosen} max={1} />
      <Checkbox
        label="Leave everything where it is"
        hint="For a client whose connection is lost for good."
        checked={leaves}
        onChange={({ target }) => setLeaves(target.checked)}
      />
    </ConfirmSimply>
  )
}
