import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type ApiToken } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { allowed } from '../../app/allowed.tsx'
import { UserName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { ListPage } from '../../ui/list.tsx'
import { SecretDialog } from '../../ui/secret.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Foreign, RelativeTime } from '../../ui/text.tsx'
import { NewToken } from './new-token.tsx'

const standing = ({ is_active: active, expires_at: expires }: ApiToken) =>
  !active
    ? (['stopped', 'Revoked'] as const)
    : expires !== null && Date.parse(expires) <= Date.now()
      ? (['idle', 'Expired'] as const)
      : (['done', 'Valid'] as const)

const columnsOf = (revoke: (token: ApiToken) => void): readonly Column<ApiToken>[] => [
  {
    id: 'name',
    header: 'Token',
    width: 'minmax(9rem, 2fr)',
    cell: ({ name }) => <Foreign>{name}</Foreign>,
  },
  {
    id: 'prefix',
    header: 'Begins with',
    width: '9rem',
    wideOnly: true,
    cell: ({ prefix }) => <code>{prefix}…</code>,
  },
  {
    id: 'user',
    header: 'Acts as',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ user_id: id }) => <UserName id={id} />,
  },
  {
    id: 'may',
    header: 'May',
    width: 'minmax(9rem, 2fr)',
    wideOnly: true,
    cell: ({ scopes, client_ids: clients, approval }) =>
      [
        ...(approval === 'required' ? ['asks a person'] : []),
        ...(clients === null ? [] : [`${clients.length} clients only`]),
        scopes === null ? 'all that its user may' : scopes.join(', '),
      ].join('; '),
  },
  {
    id: 'state',
    header: 'State',
    width: '7rem',
    cell: (token) => {
      const [tone, word] = standing(token)
      return <Status tone={tone}>{word}</Status>
    },
  },
  {
    id: 'used',
    header: 'Last used',
    width: '7rem',
    wideOnly: true,
    cell: ({ last_used_at: at }) => <RelativeTime at={at} />,
  },
  {
    id: 'expires',
    header: 'Expires',
    width: '7rem',
    wideOnly: true,
    cell: ({ expires_at: at }) => (at === null ? 'never' : <RelativeTime at={at} />),
  },
  {
    id: 'revoke',
    header: 'Action',
    width: '5rem',
    cell: (token) =>
      token.is_active && (
        <button
          type="button"
          className="link"
          aria-label={`Revoke ${token.name}`}
          onClick={() => revoke(token)}
        >
          Revoke
        </button>
      ),
  },
]

export const Screen = allowed('org.manage', () => {
  const queryClient = useQueryClient()
  const [isCreating, setCreating] = useState(false)
  const [secret, setSecret] = useState<string | null>(null)
  const [revoked, setRevoked] = useState<ApiToken | null>(null)
  const list = useList(['tokens'], (page, options) => engine.tokens.list(page, options))
  const changed = () => queryClient.invalidateQueries({ queryKey: ['tokens'] })
  return (
    <ListPage
      title="Tokens"
      lead="For programs and agents: each acts as one user, with as much power as it is given."
      actions={
        <Button look="primary" onClick={() => setCreating(true)}>
          New token
        </Button>
      }
      query={list}
      label="Tokens"
      columns={columnsOf(setRevoked)}
      empty={
        <Empty title="No token yet">
          <p>A program needs one to call the API.</p>
        </Empty>
      }
    >
      <NewToken
        open={isCreating}
        onClose={() => setCreating(false)}
        onCreated={async (token) => {
          await changed()
          setSecret(token)
        }}
      />
      <SecretDialog title="The new token" secret={secret} onClose={() => setSecret(null)}>
        Give it to the program now. It is stored nowhere, and is never shown again.
      </SecretDialog>
      <ConfirmSimply
        open={revoked !== null}
        onClose={() => setRevoked(null)}
        action="Revoke the token"
        onConfirm={async () => {
          if (revoked !== null) await engine.tokens.revoke({ token_id: revoked.id })
          await changed()
        }}
      >
        <p>
          <Foreign>{revoked?.name ?? ''}</Foreign> is refused from the next request on, everywhere.
          Work that it has begun goes on.
        </p>
      </ConfirmSimply>
    </ListPage>
  )
})
