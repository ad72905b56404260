import { useMutation, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { useState } from 'react'
import { type ClientDetail, type Connection, type ConnectionHealth } from '@sfdc-engine-x/client'
import { useClientMark } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { inConsoleWords } from '../../api/words.ts'
import { ConnectionState } from '../../app/connection-state.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmProduction } from '../../ui/dialog.tsx'
import { KeyValue, Section } from '../../ui/layout.tsx'
import { Empty, Loaded, Problem } from '../../ui/states.tsx'
import { EnvironmentTag, Status } from '../../ui/status.tsx'
import { Absent, count, Foreign, RelativeTime } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { ConnectDialog } from './connect.tsx'
import { Causes } from './causes.tsx'

export const ConnectionSection = ({
  client,
  connection,
}: {
  client: ClientDetail
  connection: UseQueryResult<Connection | null>
}) => {
  const [connecting, setConnecting] = useState(false)
  const mayWrite = useMay('connections.write') && client.is_active
  const isLive = connection.data?.status !== undefined && connection.data.status !== 'revoked'
  return (
    <Section
      title="Connection"
      actions={
        mayWrite &&
        connection.data !== undefined && (
          <>
            {connection.data !== null && isLive && (
              <Maintain client={client} connection={connection.data} />
            )}
            <Button look={isLive ? 'plain' : 'primary'} onClick={() => setConnecting(true)}>
              {isLive ? 'Connect again' : 'Connect by link'}
            </Button>
          </>
        )
      }
    >
      <Loaded query={connection}>
        {(data) => (data === null ? <NeverConnected /> : <Details connection={data} />)}
      </Loaded>
      <ConnectDialog
        client={client}
        environment={connection.data?.environment ?? null}
        open={connecting}
        onClose={() => setConnecting(false)}
      />
    </Section>
  )
}

const NeverConnected = () => (
  <Empty title="Not connected yet">
    <p>
      Send the client’s Salesforce administrator a link. They sign in at Salesforce and allow the
      access; no password comes here.
    </p>
  </Empty>
)

const Details = ({ connection }: { connection: Connection }) => {
  const { status, environment, instance_url: url, error } = connection
  return (
    <>
      {error !== null && (
        <p className="client-fault">
          <Foreign>{error.message}</Foreign> <code>{error.code}</code>
        </p>
      )}
      <KeyValue
        items={[
          ['Status', <ConnectionState key="status" status={status} />],
          [
            'Environment',
            // Before somebody has authorized, it is only where the link leads to.
            connection.sfdc_org_id === null ? (
              <Absent key="environment">not known</Absent>
            ) : (
              <EnvironmentTag key="environment" environment={environment} />
            ),
          ],
          ['Salesforce org', textOr(connection.sfdc_org_id)],
          ['Host', textOr(url === null ? null : hostOf(url))],
          ['Connected user', textOr(connection.sfdc_user_id)],
          [
            'API version',
            <Foreign key="version" mono>
              {connection.api_version}
            </Foreign>,
          ],
          ['Authorized', <RelativeTime key="connected" at={connection.connected_at} />],
          ['Last refreshed', <RelativeTime key="refreshed" at={connection.last_refreshed_at} />],
        ]}
      />
      {status === 'connected' && <Check clientId={connection.client_id} />}
    </>
  )
}

const textOr = (text: string | null) =>
  text === null ? <Absent>not known</Absent> : <Foreign mono>{text}</Foreign>

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url)

/** A live look at Salesforce, when somebody asks for it: it costs three calls. */
const Check = ({ clientId }: { clientId: string }) => {
  const queryClient = useQueryClient()
  const check = useMutation({
    mutationFn: () => engine.connections.get({ client_id: clientId, check: true }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: clientKey(clientId) }),
  })
  const health = check.data?.health
  return (
    <div className="stack">
      <div className="row">
        <Button pending={check.isPending} onClick={() => check.mutate()}>
          Check at Salesforce now
        </Button>
        {health?.ok === true && <Status tone="done">Healthy</Status>}
      </div>
      {check.error !== null && <Problem error={check.error} />}
      {health !== undefined && health !== null && <Checked health={health} />}
    </div>
  )
}

const Checked = ({ health }: { health: ConnectionHealth }) => (
  <>
    {health.faults.length > 0 && (
      <ul className="stack">
        {health.faults.map(({ code, message, remedy, possible_causes: causes }) => (
          <li key={code}>
            <Status tone="attention">
              <code>{code}</code>
            </Status>
            <p>
              <Foreign>{message}</Foreign>
            </p>
            <p className="muted">
              <Foreign>{inConsoleWords(remedy, 'client')}</Foreign>
            </p>
            <Causes causes={causes} />
          </li>
        ))}
      </ul>
    )}
    <KeyValue
      items={[
        ['Acts as', textOr(health.identity?.username ?? null)],
        [
          'Calls left today',
          health.api_usage === null ? <Absent key="calls" /> : count(health.api_usage.remaining),
        ],
        [
          'Missing permissions',
          health.missing_permissions === null ? (
            <Absent key="permissions">not known</Absent>
          ) : health.missing_permissions.length === 0 ? (
            'None'
          ) : (
            health.missing_permissions.join(', ')
          ),
        ],
      ]}
    />
  </>
)

/** What can be done to a live connection. */
const Maintain = ({ client, connection }: { client: ClientDetail; connection: Connection }) => {
  const queryClient = useQueryClient()
  const { say, fail } = useToast()
  const [revoking, setRevoking] = useState(false)
  const again = () => queryClient.invalidateQueries({ queryKey: clientKey(client.id) })
  const refresh = useMutation({
    mutationFn: () => engine.connections.refresh({ client_id: client.id }),
    onSuccess: () => say('Salesforce accepted the refresh.'),
    onError: fail,
    onSettled: again,
  })
  const mark = useClientMark(client.id)
  const revoke = async () => {
    const { failed_steps: failed } = await engine.connections.revoke({ client_id: client.id })
    await again()
    say(
      failed.length === 0
        ? 'Revoked at Salesforce and deleted at Nango.'
        : `Revoked here; not done: ${failed.map(({ step, message }) => `${step} (${message})`).join(', ')}`,
    )
  }
  return (
    <>
      {connection.status !== 'pending' && (
        <Button look="quiet" pending={refresh.isPending} onClick={() => refresh.mutate()}>
          Refresh
        </Button>
      )}
      <Button look="quiet" onClick={() => setRevoking(true)}>
        Revoke
      </Button>
      <ConfirmProduction
        open={revoking}
        onClose={() => setRevoking(false)}
        action="Revoke the connection"
        clientName={client.name}
        mark={mark}
        environment={connection.environment}
        onConfirm={revoke}
      >
        <p>
          The access ends at Salesforce, and running work ends with it. To work in this org again,
          somebody at the client has to allow it again.
        </p>
      </ConfirmProduction>
    </>
  )
}
