// How one client differs, and leaving it as it is.

import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type ComponentDrift, type DriftResult } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { ClientName, UserName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { Section } from '../../ui/layout.tsx'
import { Empty } from '../../ui/states.tsx'
import { Tag } from '../../ui/status.tsx'
import { counted, Foreign, RelativeTime } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { COMPONENT_STATES } from './words.ts'
import './drift.css'

export const Result = ({ result }: { result: DriftResult }) => {
  const mayWrite = useMay('fleet.write')
  const differing = result.components.filter(({ state }) => state !== 'in_sync')
  const open = differing.filter(({ accepted }) => !accepted)
  return (
    <Section
      title="How the client differs"
      actions={
        <>
          <ClientName id={result.client_id} />
          {mayWrite && result.state === 'drifted' && open.length > 0 && (
            <Accept result={result} components={open} />
          )}
        </>
      }
    >
      {result.reason !== null && (
        <p>
          <Foreign>{result.reason.message}</Foreign>
        </p>
      )}
      {differing.length === 0 ? (
        result.reason === null && <Empty title="It is as wanted" />
      ) : (
        <ul className="lines">
          {differing.map((component) => (
            <li key={`${component.type} ${component.full_name}`}>
              <Component component={component} clientId={result.client_id} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

const Component = ({ component, clientId }: { component: ComponentDrift; clientId: string }) => {
  const { type, full_name: name, state, accepted, differences, stands_at: at } = component
  return (
    <div className="drift-component">
      <p className="row">
        <Foreign mono>{name}</Foreign>
        <span className="muted small">{type}</span>
        <strong>
          {COMPONENT_STATES[state]}
          {at === null ? '' : `, version ${at}`}
        </strong>
        {accepted && <Tag>accepted</Tag>}
      </p>
      {differences.length > 0 && (
        <ul className="small">
          {differences.map(({ attribute, wanted, found }) => (
            <li key={attribute}>
              <Foreign mono>{attribute}</Foreign>: wanted <Foreign mono>{shown(wanted)}</Foreign>,
              found <Foreign mono>{shown(found)}</Foreign>
            </li>
          ))}
        </ul>
      )}
      {component.deployed !== null && (
        <p className="muted small">
          <Link
            to="/clients/$clientId/deployments/$deploymentId"
            params={{ clientId, deploymentId: component.deployed.deployment_id }}
          >
            Deployed
          </Link>{' '}
          <RelativeTime at={component.deployed.at} /> by <UserName id={component.deployed.by} />
        </p>
      )}
      {component.changed_at !== null && (
        <p className="muted small">
          Changed in Salesforce <RelativeTime at={component.changed_at} />
          {component.changed_by !== null && (
            <>
              {' '}
              by <Foreign>{component.changed_by}</Foreign>
            </>
          )}
        </p>
      )}
    </div>
  )
}

const shown = (value: unknown): string =>
  value === null || value === undefined
    ? 'nothing'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)

const Accept = ({
  result,
  components,
}: {
  result: DriftResult
  components: readonly ComponentDrift[]
}) => {
  const queryClient = useQueryClient()
  const { say } = useToast()
  const [asked, setAsked] = useState(false)
  const [note, setNote] = useState('')
  const accept = async () => {
    const { accepted } = await engine.fleet.driftAccept({
      result_id: result.id,
      ...(note.trim() === '' ? {} : { note: note.trim() }),
    })
    say(`${counted(accepted, 'difference')} accepted. Look again to see what is left.`)
    await queryClient.invalidateQueries({ queryKey: ['drift'] })
  }
  return (
    <>
      <Button onClick={() => setAsked(true)}>Accept</Button>
      <ConfirmSimply
        open={asked}
        onClose={() => setAsked(false)}
        action={`Accept ${counted(components.length, 'difference')}`}
        onConfirm={accept}
      >
        <p>
          The client keeps these as they are: they no longer count as drift, and rollouts leave them
          alone. Nothing is sent to Salesforce.
        </p>
        <TextField
          label="Why"
          placeholder="optional"
          value={note}
          maxLength={1000}
          onChange={({ target }) => setNote(target.value)}
        />
      </ConfirmSimply>
    </>
  )
}
