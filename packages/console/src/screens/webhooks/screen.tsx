import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type EventType, type WebhookEndpoint } from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { allowed } from '../../app/allowed.tsx'
import { ClientPicker } from '../../app/client-picker.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Checkbox, Select, TextField } from '../../ui/field.tsx'
import { ListPage } from '../../ui/list.tsx'
import { SecretDialog } from '../../ui/secret.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Foreign, RelativeTime } from '../../ui/text.tsx'
import { isEventType } from '../events/search.ts'
import { endpointStanding, EVENT_TYPES } from './words.ts'

const COLUMNS: readonly Column<WebhookEndpoint>[] = [
  {
    id: 'url',
    header: 'Endpoint',
    width: 'minmax(12rem, 3fr)',
    cell: ({ id, url }) => (
      <Link to="/settings/webhooks/$endpointId" params={{ endpointId: id }}>
        <Foreign>{url}</Foreign>
      </Link>
    ),
  },
  {
    id: 'description',
    header: 'Description',
    width: 'minmax(8rem, 2fr)',
    wideOnly: true,
    cell: ({ description }) => description !== null && <Foreign>{description}</Foreign>,
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(7rem, 1fr)',
    cell: (endpoint) => {
      const [tone, word] = endpointStanding(endpoint)
      return <Status tone={tone}>{word}</Status>
    },
  },
  {
    id: 'events',
    header: 'Events',
    width: '6rem',
    wideOnly: true,
    cell: ({ event_types: types }) => (types === null ? 'all' : `${types.length} types`),
  },
  {
    id: 'clients',
    header: 'Clients',
    width: '6rem',
    wideOnly: true,
    cell: ({ client_ids: ids }) => (ids === null ? 'all' : ids.length),
  },
  {
    id: 'last',
    header: 'Last taken',
    width: '7rem',
    wideOnly: true,
    cell: ({ last_success_at: at }) => <RelativeTime at={at} />,
  },
]

export const Screen = allowed('webhooks.manage', () => {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [isCreating, setCreating] = useState(false)
  const [secret, setSecret] = useState<string | null>(null)
  const list = useList(['webhooks', 'list'], (page, options) =>
    engine.webhookEndpoints.list(page, options),
  )
  return (
    <ListPage
      title="Webhooks"
      lead="Events are sent to these addresses, signed, as soon as they happen."
      actions={
        <Button look="primary" onClick={() => setCreating(true)}>
          New endpoint
        </Button>
      }
      query={list}
      label="Webhook endpoints"
      columns={COLUMNS}
      onOpen={({ id }) =>
        void navigate({ to: '/settings/webhooks/$endpointId', params: { endpointId: id } })
      }
      empty={
        <Empty title="No endpoint yet">
          <p>Nothing is sent. All events are listed under Events for 30 days.</p>
        </Empty>
      }
    >
      <NewEndpoint
        open={isCreating}
        onClose={() => setCreating(false)}
        onCreated={async (created) => {
          await queryClient.invalidateQueries({ queryKey: ['webhooks'] })
          setSecret(created)
        }}
      />
      <SecretDialog title="The signing secret" secret={secret} onClose={() => setSecret(null)}>
        The receiver needs it to check the signatures. It is never shown again; a new one can be
        made.
      </SecretDialog>
    </ListPage>
  )
})

const ALL_OR_CHOSEN = [
  { value: 'all', label: 'All, also of later versions' },
  { value: 'chosen', label: 'Only these' },
] as const
const CLIENTS = [
  { value: 'all', label: 'All, and of the organization itself' },
  { value: 'chosen', label: 'Only of these' },
] as const
const CLIENTS_MAX = 200

const NewEndpoint = ({
  open,
  onClose,
  onCreated,
}: {
  open: boolean
  onClose: () => void
  onCreated: (secret: string | null) => Promise<void>
}) => {
  const [url, setUrl] = useState('')
  const [description, setDescription] = useState('')
  const [events, setEvents] = useState<'all' | 'chosen'>('all')
  const [types, setTypes] = useState<readonly EventType[]>([])
  const [clients, setClients] = useState<'all' | 'chosen'>('all')
  const [clientIds, setClientIds] = useState<readonly string[]>([])
  const create = async () => {
    if (events === 'chosen' && types.length === 0)
      throw new InputError('Choose at least one event.')
    if (clients === 'chosen' && clientIds.length === 0) {
      throw new InputError('Choose at least one client.')
    }
    const { secret } = await engine.webhookEndpoints.create({
      url: url.trim(),
      ...(description.trim() === '' ? {} : { description: description.trim() }),
      event_types: events === 'all' ? null : types,
      client_ids: clients === 'all' ? null : clientIds,
    })
    setUrl('')
    await onCreated(secret)
  }
  return (
    <ConfirmSimply open={open} onClose={onClose} action="Create the endpoint" onConfirm={create}>
      <TextField
        label="Address"
        hint="https, at a public address"
        placeholder="https://"
        inputMode="url"
        value={url}
        required
        maxLength={2000}
        onChange={({ target }) => setUrl(target.value)}
      />
      <TextField
        label="Description"
        placeholder="optional"
        value={description}
        maxLength={500}
        onChange={({ target }) => setDescription(target.value)}
      />
      <Select label="Events" options={ALL_OR_CHOSEN} value={events} onChange={setEvents} />
      {events === 'chosen' && (
        <fieldset className="choices">
          <legend className="visually-hidden">Events</legend>
          {Object.keys(EVENT_TYPES)
            .filter(isEventType)
            .map((type) => (
              <Checkbox
                key={type}
                label={EVENT_TYPES[type]}
                checked={types.includes(type)}
                onChange={({ target }) =>
                  setTypes(target.checked ? [...types, type] : types.filter((one) => one !== type))
                }
              />
            ))}
        </fieldset>
      )}
      <Select label="Clients" options={CLIENTS} value={clients} onChange={setClients} />
      {clients === 'chosen' && (
        <ClientPicker
          label="Only these clients"
          chosen={clientIds}
          onChange={setClientIds}
          max={CLIENTS_MAX}
        />
      )}
    </ConfirmSimply>
  )
}
