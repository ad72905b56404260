import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type ReconsentCampaign, type ReconsentReason } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { UserName } from '../../app/names.tsx'
import { NOTHING_SELECTED, type Selection, selectorOf } from '../../app/selection.ts'
import { SelectionFields } from '../../app/selection-fields.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { count, Foreign, RelativeTime } from '../../ui/text.tsx'
import { isReason, REASONS } from './words.ts'

const COLUMNS: readonly Column<ReconsentCampaign>[] = [
  {
    id: 'name',
    header: 'Campaign',
    width: 'minmax(10rem, 2fr)',
    cell: ({ id, name }) => (
      <Link to="/fleet/campaigns/$campaignId" params={{ campaignId: id }}>
        <Foreign>{name}</Foreign>
      </Link>
    ),
  },
  {
    id: 'done',
    header: 'Authorized again',
    width: '9rem',
    align: 'end',
    cell: ({ totals }) => `${count(totals.done)} of ${count(totals.clients)}`,
  },
  {
    id: 'refused',
    header: 'Not accepted',
    width: '7rem',
    align: 'end',
    wideOnly: true,
    cell: ({ totals }) => count(totals.refused),
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
  const [isCreating, setCreating] = useState(false)
  const list = useList(['campaigns', 'list'], (page, options) =>
    engine.fleet.reconsentList(page, options),
  )
  return (
    <ListPage
      title="Campaigns"
      lead="Clients that are asked to authorize again, and who has done it."
      actions={
        mayWrite && (
          <Button look="primary" onClick={() => setCreating(true)}>
            New campaign
          </Button>
        )
      }
      query={list}
      label="Campaigns"
      columns={COLUMNS}
      onOpen={({ id }) =>
        void navigate({ to: '/fleet/campaigns/$campaignId', params: { campaignId: id } })
      }
      empty={
        <Empty title="No campaign yet">
          <p>
            A campaign makes a link for each client whose authorization is dead or no longer enough,
            and shows who has used it.
          </p>
        </Empty>
      }
    >
      <NewCampaign open={isCreating} onClose={() => setCreating(false)} />
    </ListPage>
  )
})

const NewCampaign = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [note, setNote] = useState('')
  const [reason, setReason] = useState<ReconsentReason>('dead_grant')
  const [selection, setSelection] = useState<Selection>({ ...NOTHING_SELECTED, by: 'clients' })
  const create = async () => {
    const { id } = await engine.fleet.reconsentCreate({
      name,
      reason,
      selector: selectorOf(selection),
      ...(note.trim() === '' ? {} : { note: note.trim() }),
    })
    await queryClient.invalidateQueries({ queryKey: ['campaigns'] })
    await navigate({ to: '/fleet/campaigns/$campaignId', params: { campaignId: id } })
  }
  return (
    <ConfirmSimply open={open} onClose={onClose} action="Create the campaign" onConfirm={create}>
      <TextField
        label="Name"
        value={name}
        required
        maxLength={200}
        onChange={({ target }) => setName(target.value)}
      />
      <Select
        label="Why"
        options={Object.entries(REASONS).flatMap(([value, label]) =>
          isReason(value) ? [{ value, label }] : [],
        )}
        value={reason}
        onChange={setReason}
      />
      <SelectionFields
        value={selection}
        onChange={setSelection}
        kinds={['clients', 'tags', 'all']}
        error={null}
      />
      <TextField
        label="Note"
        placeholder="optional"
        value={note}
        maxLength={1000}
        onChange={({ target }) => setNote(target.value)}
      />
    </ConfirmSimply>
  )
}
