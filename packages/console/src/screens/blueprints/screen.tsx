import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type Blueprint } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { UserName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Checkbox, TextField } from '../../ui/field.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Tag } from '../../ui/status.tsx'
import { Absent, Foreign, RelativeTime } from '../../ui/text.tsx'

const route = getRouteApi('/_app/fleet/blueprints')

const COLUMNS: readonly Column<Blueprint>[] = [
  {
    id: 'name',
    header: 'Blueprint',
    width: 'minmax(11rem, 2fr)',
    cell: ({ id, name, is_archived: archived }) => (
      <>
        <Link to="/fleet/blueprints/$blueprintId" params={{ blueprintId: id }}>
          <Foreign>{name}</Foreign>
        </Link>{' '}
        {archived && <Tag>archived</Tag>}
      </>
    ),
  },
  {
    id: 'version',
    header: 'Newest version',
    width: '8rem',
    align: 'end',
    cell: ({ latest_version: latest }) => (latest === 0 ? <Absent /> : latest),
  },
  {
    id: 'description',
    header: 'Description',
    width: 'minmax(10rem, 3fr)',
    wideOnly: true,
    cell: ({ description }) => description !== null && <Foreign>{description}</Foreign>,
  },
  {
    id: 'by',
    header: 'By',
    wideOnly: true,
    cell: ({ created_by: by }) => <UserName id={by} />,
  },
  {
    id: 'at',
    header: 'Changed',
    width: '7rem',
    wideOnly: true,
    cell: ({ updated_at: at }) => <RelativeTime at={at} />,
  },
]

export const Screen = allowed('fleet.read', () => {
  const { archived = false } = route.useSearch()
  const navigate = useNavigate()
  const mayWrite = useMay('fleet.write')
  const [isCreating, setCreating] = useState(false)
  const list = useList(['blueprints', 'list', archived], (page, options) =>
    engine.blueprints.list({ ...page, include_archived: archived }, options),
  )
  return (
    <ListPage
      title="Blueprints"
      lead="What your clients should have in their Salesforce orgs, in versions."
      actions={
        mayWrite && (
          <Button look="primary" onClick={() => setCreating(true)}>
            New blueprint
          </Button>
        )
      }
      filters={
        <Checkbox
          label="Archived too"
          checked={archived}
          onChange={({ target }) =>
            void navigate({
              to: '/fleet/blueprints',
              search: target.checked ? { archived: true } : {},
            })
          }
        />
      }
      query={list}
      label="Blueprints"
      columns={COLUMNS}
      onOpen={({ id }) =>
        void navigate({ to: '/fleet/blueprints/$blueprintId', params: { blueprintId: id } })
      }
      empty={
        <Empty title="No blueprint yet">
          <p>
            A blueprint says what clients should have: objects, fields, permissions, automations.
            Clients are bound to it, and a rollout brings them there.
          </p>
        </Empty>
      }
    >
      <NewBlueprint open={isCreating} onClose={() => setCreating(false)} />
    </ListPage>
  )
})

const NewBlueprint = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const create = async () => {
    const { id } = await engine.blueprints.create({
      name,
      ...(description.trim() === '' ? {} : { description }),
    })
    await queryClient.invalidateQueries({ queryKey: ['blueprints'] })
    await navigate({ to: '/fleet/blueprints/$blueprintId', params: { blueprintId: id } })
  }
  return (
    <ConfirmSimply open={open} onClose={onClose} action="Create the blueprint" onConfirm={create}>
      <TextField
        label="Name"
        value={name}
        required
        maxLength={200}
        onChange={({ target }) => setName(target.value)}
      />
      <TextField
        label="Description"
        placeholder="optional"
        value={description}
        maxLength={2000}
        onChange={({ target }) => setDescription(target.value)}
      />
    </ConfirmSimply>
  )
}
