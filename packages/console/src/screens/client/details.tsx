import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type ClientDetail } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { TagsField } from '../../app/tags-field.tsx'
import { tagsOf, textOfTags } from '../../app/tags.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { KeyValue, Section } from '../../ui/layout.tsx'
import { Problem } from '../../ui/states.tsx'
import { Absent, CopyButton, Foreign, Moment } from '../../ui/text.tsx'

/** What is said about the client, and by whom it is changed. */
export const DetailsSection = ({ client }: { client: ClientDetail }) => {
  const [editing, setEditing] = useState(false)
  const mayEdit = useMay('org.manage')
  const tags = textOfTags(client.tags)
  return (
    <Section
      title="Details"
      actions={mayEdit && <Button onClick={() => setEditing(true)}>Edit</Button>}
    >
      <KeyValue
        items={[
          ['Name', <Foreign key="name">{client.name}</Foreign>],
          [
            'Domain',
            client.domain === null ? (
              <Absent key="d" />
            ) : (
              <Foreign key="d">{client.domain}</Foreign>
            ),
          ],
          ['Tags', tags === '' ? <Absent key="t" /> : <Foreign key="t">{tags}</Foreign>],
          ['Created', <Moment key="created" at={client.created_at} />],
          [
            'Id',
            <span key="id">
              <span className="mono">{client.id}</span> <CopyButton text={client.id} />
            </span>,
          ],
        ]}
      />
      <Dialog open={editing} onClose={() => setEditing(false)} title="Edit the client">
        <Edit client={client} onClose={() => setEditing(false)} />
      </Dialog>
    </Section>
  )
}

const Edit = ({ client, onClose }: { client: ClientDetail; onClose: () => void }) => {
  const queryClient = useQueryClient()
  const [name, setName] = useState(client.name)
  const [domain, setDomain] = useState(client.domain ?? '')
  const [tags, setTags] = useState(textOfTags(client.tags))
  const read = tagsOf(tags)
  const save = useMutation({
    mutationFn: (body: Parameters<typeof engine.clients.update>[0]) => engine.clients.update(body),
    onSuccess: async () => {
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: clientKey(client.id) }),
        queryClient.invalidateQueries({ queryKey: ['board'] }),
      ])
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (read.tags === null) return
    save.mutate({
      client_id: client.id,
      name: name.trim(),
      domain: domain.trim() === '' ? null : domain.trim(),
      tags: read.tags,
    })
  }
  return (
    <form className="stack" onSubmit={submit}>
      <TextField
        label="Name"
        required
        maxLength={200}
        value={name}
        onChange={({ target }) => setName(target.value)}
      />
      <TextField
        label="Domain"
        maxLength={253}
        value={domain}
        onChange={({ target }) => setDomain(target.value)}
      />
      <TagsField value={tags} onChange={setTags} />
      {save.error !== null && <Problem error={save.error} />}
      <div className="row spread">
        <Button
          look="quiet"
          pending={save.isPending}
          onClick={() => save.mutate({ client_id: client.id, is_active: !client.is_active })}
        >
          {client.is_active ? 'Deactivate the client' : 'Activate the client'}
        </Button>
        <div className="row">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" pending={save.isPending}>
            Save
          </Button>
        </div>
      </div>
      {client.is_active && (
        <p className="hint">
          Deactivated: no new work at Salesforce, and users of this client cannot sign in. The
          connection stays.
        </p>
      )}
    </form>
  )
}
