// A link for the client's Salesforce administrator, and the wait until they have used it.

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import {
  type ClientDetail,
  type ConnectionsCreateRequest,
  type Environment,
} from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Checkbox, Select, TextField } from '../../ui/field.tsx'
import { Problem } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { CopyButton, Foreign, Moment } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'

interface Props {
  client: ClientDetail
  /** Of the former connection. */
  environment: Environment | null
  open: boolean
  onClose: () => void
}

export const ConnectDialog = (props: Props) => (
  <Dialog open={props.open} onClose={props.onClose} title="Connect a Salesforce org">
    <Connect {...props} />
  </Dialog>
)

const ENVIRONMENTS = [
  { value: 'production', label: 'Production' },
  { value: 'sandbox', label: 'Sandbox' },
] as const

const Connect = ({ client, environment: former, onClose }: Props) => {
  const [environment, setEnvironment] = useState<Environment>(former ?? 'production')
  const [host, setHost] = useState('')
  const [other, setOther] = useState(false)
  const create = useMutation({
    mutationFn: (body: ConnectionsCreateRequest) => engine.connections.create(body),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate({
      client_id: client.id,
      environment,
      ...(host.trim() === '' ? {} : { login_host: host.trim() }),
      ...(other ? { allow_other_org: true } : {}),
    })
  }
  if (create.data?.connect_link != null) {
    return (
      <Waiting
        client={client}
        link={create.data.connect_link}
        until={create.data.expires_at}
        onClose={onClose}
      />
    )
  }
  return (
    <form className="stack" onSubmit={submit}>
      <p>
        For <Foreign>{client.name}</Foreign>. You get a link that is valid for half an hour; whoever
        opens it signs in at Salesforce and allows the access.
      </p>
      <Select
        label="Environment"
        options={ENVIRONMENTS}
        value={environment}
        onChange={setEnvironment}
      />
      <TextField
        label="My Domain (optional)"
        hint="Where single sign-on or a company domain is required."
        placeholder="acme.my.salesforce.com"
        value={host}
        onChange={({ target }) => setHost(target.value)}
      />
      {former !== null && (
        <Checkbox
          label="Accept a different Salesforce org"
          hint="Otherwise only the org that was connected before is accepted."
          checked={other}
          onChange={({ target }) => setOther(target.checked)}
        />
      )}
      {create.error !== null && <Problem error={create.error} />}
      <div className="row end">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" pending={create.isPending}>
          Create the link
        </Button>
      </div>
    </form>
  )
}

const Waiting = ({
  client,
  link,
  until,
  onClose,
}: {
  client: ClientDetail
  link: string
  until: string
  onClose: () => void
}) => {
  const queryClient = useQueryClient()
  const { say } = useToast()
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    const closed = new AbortController()
    engine.connected({ client_id: client.id }, { signal: closed.signal }).then(
      async () => {
        await queryClient.invalidateQueries({ queryKey: clientKey(client.id) })
        say(`${client.name} is connected.`)
        onClose()
      },
      (thrown: unknown) => {
        if (!closed.signal.aborted) setError(thrown)
      },
    )
    return () => closed.abort()
  }, [client, queryClient, say, onClose])
  return (
    <div className="stack">
      <p>
        Send this link to the Salesforce administrator of <Foreign>{client.name}</Foreign>, or open
        it yourself. It is valid until <Moment at={until} />.
      </p>
      <p className="client-link mono">
        <Foreign>{link}</Foreign>
      </p>
      <div className="row">
        <CopyButton text={link}>Copy the link</CopyButton>
        <a className="button quiet" href={link} target="_blank" rel="noopener noreferrer">
          Open it in a new tab
        </a>
      </div>
      {error === null ? (
        <p role="status">
          <Status tone="running">Waiting for somebody to allow the access</Status>
        </p>
      ) : (
        <Problem error={error} />
      )}
      <div className="row end">
        <Button onClick={onClose}>Close</Button>
      </div>
      <p className="hint">You can close this: a link that is used later is found all the same.</p>
    </div>
  )
}
