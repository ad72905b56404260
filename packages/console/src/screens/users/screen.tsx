import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type Role, type User } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMe } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { ClientName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, Foreign, RelativeTime } from '../../ui/text.tsx'
import { EditUser, NewUser } from './user-dialogs.tsx'
import { ROLES } from './words.ts'

const columnsOf = (edit: (user: User) => void, ownId: string): readonly Column<User>[] => [
  {
    id: 'email',
    header: 'User',
    width: 'minmax(11rem, 2fr)',
    cell: (user) => (
      <>
        <button type="button" className="link" onClick={() => edit(user)}>
          <Foreign>{user.email}</Foreign>
        </button>
        {user.id === ownId && <span className="muted"> (you)</span>}
      </>
    ),
  },
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ full_name: name }) => (name === null ? <Absent /> : <Foreign>{name}</Foreign>),
  },
  { id: 'role', header: 'Role', width: 'minmax(8rem, 12rem)', cell: ({ role }) => roleOf(role) },
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ client_id: id }) => (id === null ? 'all' : <ClientName id={id} />),
  },
  {
    id: 'state',
    header: 'State',
    width: '8rem',
    wideOnly: true,
    cell: ({ is_active: active }) => (
      <Status tone={active ? 'done' : 'stopped'}>{active ? 'Active' : 'Deactivated'}</Status>
    ),
  },
  {
    id: 'at',
    header: 'Created',
    width: '7rem',
    wideOnly: true,
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
]

const roleOf = (role: Role): string => ROLES[role].label

export const Screen = allowed('org.manage', () => {
  const queryClient = useQueryClient()
  const { user_id: ownId } = useMe()
  const [isCreating, setCreating] = useState(false)
  const [edited, setEdited] = useState<User | null>(null)
  const list = useList(['users', 'list'], (page, options) => engine.users.list(page, options))
  const changed = () => queryClient.invalidateQueries({ queryKey: ['users'] })
  return (
    <ListPage
      title="Users"
      lead="The people of your organization, and of the companies that are your clients."
      actions={
        <Button look="primary" onClick={() => setCreating(true)}>
          New user
        </Button>
      }
      query={list}
      label="Users"
      columns={columnsOf(setEdited, ownId)}
      onOpen={setEdited}
    >
      <NewUser open={isCreating} onClose={() => setCreating(false)} onSaved={changed} />
      {edited !== null && (
        <EditUser
          key={edited.id}
          user={edited}
          isOwn={edited.id === ownId}
          onClose={() => setEdited(null)}
          onSaved={changed}
        />
      )}
    </ListPage>
  )
})
