// Choosing clients by hand, out of hundreds.

import { useQuery } from '@tanstack/react-query'
import { useId, useMemo, useState } from 'react'
import { type Client } from '@sfdc-engine-x/client'
import { clientsQuery, marksOf } from '../api/directory.ts'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Loaded } from '../ui/states.tsx'
import { count, counted, Foreign } from '../ui/text.tsx'
import './client-picker.css'

/** More are found by typing. */
const SHOWN_MAX = 100

interface Props {
  label: string
  chosen: readonly string[]
  onChange: (ids: readonly string[]) => void
  /** At most so many can be chosen. */
  max?: number
}

export const ClientPicker = (props: Props) => {
  const clients = useQuery(clientsQuery)
  return (
    <Loaded query={clients}>
      {(all) => <Picker {...props} clients={all.filter(({ is_active: active }) => active)} />}
    </Loaded>
  )
}

const Mark = ({ text }: { text: string | undefined }) =>
  text === undefined ? null : (
    <span className="muted small">
      <Foreign mono>{text}</Foreign>
    </span>
  )

const Picker = ({
  label,
  chosen,
  onChange,
  clients,
  max = Infinity,
}: Props & { clients: readonly Client[] }) => {
  const [query, setQuery] = useState('')
  const id = useId()
  const marks = useMemo(() => marksOf(clients), [clients])
  const wanted = query.trim().toLocaleLowerCase()
  const found = clients.filter((client) =>
    [client.name, client.domain ?? '', client.id].some((text) =>
      text.toLocaleLowerCase().includes(wanted),
    ),
  )
  const shown = found.slice(0, SHOWN_MAX)
  const isChosen = new Set(chosen)
  const toggle = (clientId: string) =>
    onChange(
      isChosen.has(clientId) ? chosen.filter((one) => one !== clientId) : [...chosen, clientId],
    )
  return (
    <fieldset className="client-picker">
      <legend>{label}</legend>
      <TextField
        label="Find a client"
        hideLabel
        type="search"
        placeholder="Find a client"
        value={query}
        onChange={({ target }) => setQuery(target.value)}
      />
      <ul className="client-picker-list" aria-label={label}>
        {shown.map((client) => (
          <li key={client.id} className="checkbox">
            <input
              type="checkbox"
              id={`${id}-${client.id}`}
              checked={isChosen.has(client.id)}
              disabled={!isChosen.has(client.id) && chosen.length >= max}
              onChange={() => toggle(client.id)}
            />
            <label htmlFor={`${id}-${client.id}`}>
              <Foreign>{client.name}</Foreign> <Mark text={marks.get(client.id)} />
            </label>
          </li>
        ))}
        {found.length === 0 && <li className="muted">No client has such a name.</li>}
        {found.length > shown.length && (
          <li className="muted">
            and {count(found.length - shown.length)} more; type to find them
          </li>
        )}
      </ul>
      <p className="row small" aria-live="polite">
        <span>{counted(chosen.length, 'client')} chosen</span>
        {chosen.length > 0 && (
          <Button look="quiet" onClick={() => onChange([])}>
            Choose none
          </Button>
        )}
      </p>
    </fieldset>
  )
}
