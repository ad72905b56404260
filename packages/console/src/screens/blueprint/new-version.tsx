// A new version: written as JSON, or taken from what a client has.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type Blueprint, type BlueprintFromClient } from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'
import { clientsQuery } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmSimply, Dialog } from '../../ui/dialog.tsx'
import { Select, TextArea, TextField } from '../../ui/field.tsx'
import { Foreign } from '../../ui/text.tsx'
import { contentOf, objectsOf } from './content.ts'

const WAYS = [
  { value: 'client', label: 'What a client has' },
  { value: 'json', label: 'Written as JSON' },
] as const

interface Props {
  blueprint: Blueprint
  open: boolean
  onClose: () => void
  onCreated: (version: number) => void
  /** What a client has and is not in the version. */
  onLeftOut: (things: LeftOut) => void
}

export type LeftOut = NonNullable<BlueprintFromClient['left_out']>

const EXAMPLE = {
  plan: {
    objects: [
      {
        api_name: 'Lead',
        fields: [{ api_name: 'Tier__c', label: 'Tier', type: 'Text', length: 80 }],
      },
    ],
  },
  parameters: [],
}

export const NewVersion = ({ blueprint, open, onClose, onCreated, onLeftOut }: Props) => {
  const { id: blueprintId, latest_version: latest } = blueprint
  const queryClient = useQueryClient()
  const [way, setWay] = useState<'client' | 'json'>(latest === 0 ? 'client' : 'json')
  const [notes, setNotes] = useState('')
  const [written, setWritten] = useState<string | null>(null)
  const [clientId, setClientId] = useState('')
  const [objects, setObjects] = useState('')
  const clients = useQuery({ ...clientsQuery, enabled: open })
  const newest = useQuery({
    queryKey: ['blueprints', blueprintId, 'version', latest],
    queryFn: ({ signal }) =>
      engine.blueprints.versionsGet({ blueprint_id: blueprintId, version: latest }, { signal }),
    enabled: open && latest > 0,
  })
  const json = written ?? JSON.stringify(contentToEdit(newest.data), null, 2)
  const common = {
    blueprint_id: blueprintId,
    expected_latest: latest,
    ...(notes.trim() === '' ? {} : { notes: notes.trim() }),
  }
  const create = async () => {
    const created =
      way === 'json'
        ? await engine.blueprints.versionsCreate({ ...common, ...contentOf(json) })
        : await fromClient()
    await queryClient.invalidateQueries({ queryKey: ['blueprints'] })
    onCreated(created.version)
  }
  const fromClient = async () => {
    if (clientId === '') throw new InputError('Choose the client.')
    const made = await engine.blueprints.fromClient({
      ...common,
      client_id: clientId,
      objects: objectsOf(objects),
    })
    onLeftOut(made.left_out ?? [])
    return made.version
  }
  return (
    <ConfirmSimply
      open={open}
      onClose={onClose}
      action={`Create version ${latest + 1}`}
      onConfirm={create}
    >
      <Select label="From" options={WAYS} value={way} onChange={setWay} />
      {way === 'json' ? (
        <TextArea
          label="Content"
          hint={
            <>
              plan, workflows, mappings and parameters; <code>{'{ "param": "name" }'}</code> stands
              for a value that each client brings
            </>
          }
          rows={16}
          value={json}
          onChange={({ target }) => setWritten(target.value)}
        />
      ) : (
        <>
          <Select
            label="Client"
            options={[
              { value: '', label: 'Choose a client' },
              ...(clients.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
            ]}
            value={clientId}
            onChange={setClientId}
          />
          <TextArea
            label="Objects and fields"
            hint="One a line: Lead, or Lead: Tier__c, Region__c. Without fields: all custom fields."
            value={objects}
            onChange={({ target }) => setObjects(target.value)}
          />
        </>
      )}
      <TextField
        label="Notes"
        placeholder="optional: what is different"
        value={notes}
        maxLength={2000}
        onChange={({ target }) => setNotes(target.value)}
      />
    </ConfirmSimply>
  )
}

/** What of the newest version a new one is written from. */
const contentToEdit = (version: object | undefined): object => {
  if (version === undefined) return EXAMPLE
  const { plan, workflows, mappings, parameters } = version as Record<string, unknown>
  return { plan, workflows, mappings, parameters }
}

/** What could not be taken over, with the reason. */
export const LeftOutDialog = ({ things, onClose }: { things: LeftOut; onClose: () => void }) => (
  <Dialog open={things.length > 0} onClose={onClose} title="Created; these are not in it">
    <ul className="lines small">
      {things.map(({ type, full_name: name, reason }) => (
        <li key={`${type} ${name}`}>
          <Foreign mono>{name}</Foreign>: <Foreign>{reason}</Foreign>
        </li>
      ))}
    </ul>
    <div className="row end">
      <Button onClick={onClose}>Close</Button>
    </div>
  </Dialog>
)
