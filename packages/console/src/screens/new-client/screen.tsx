import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { type ClientsCreateRequest } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { TagsField } from '../../app/tags-field.tsx'
import { tagsOf } from '../../app/tags.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Page } from '../../ui/layout.tsx'
import { Forbidden, Problem } from '../../ui/states.tsx'
import './new-client.css'

export const Screen = () =>
  useMay('org.manage') ? (
    <Page title="New client" lead="A customer whose Salesforce org you work in.">
      <NewClient />
    </Page>
  ) : (
    <Forbidden />
  )

const NewClient = () => {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [domain, setDomain] = useState('')
  const [tags, setTags] = useState('')
  const create = useMutation({
    mutationFn: (body: ClientsCreateRequest) => engine.clients.create(body),
    onSuccess: async ({ id }) => {
      await queryClient.invalidateQueries({ queryKey: ['board'] })
      await navigate({ to: '/clients/$clientId', params: { clientId: id } })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const read = tagsOf(tags)
    if (read.tags === null) return
    create.mutate({
      name: name.trim(),
      ...(domain.trim() === '' ? {} : { domain: domain.trim() }),
      tags: read.tags,
    })
  }
  return (
    <form className="stack new-client" onSubmit={submit}>
      <TextField
        label="Name"
        required
        maxLength={200}
        value={name}
        onChange={({ target }) => setName(target.value)}
      />
      <TextField
        label="Domain (optional)"
        hint="Helps to find the client; nothing is sent there."
        placeholder="acme.example"
        maxLength={253}
        value={domain}
        onChange={({ target }) => setDomain(target.value)}
      />
      <TagsField value={tags} onChange={setTags} />
      {create.error !== null && <Problem error={create.error} />}
      <div className="row">
        <Button look="primary" type="submit" pending={create.isPending}>
          Create the client
        </Button>
        <Link to="/" className="button quiet">
          Cancel
        </Link>
      </div>
      <p className="hint">Next: connect its Salesforce org by a link.</p>
    </form>
  )
}
