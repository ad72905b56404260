import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type Approval } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useClientMark } from '../../api/directory.ts'
import { clientQuery, connectionQuery } from '../../api/queries.ts'
import { ClientName, UserName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmFleet, ConfirmProduction, ConfirmSimply, Dialog } from '../../ui/dialog.tsx'
import { KeyValue, Page, Section } from '../../ui/layout.tsx'
import { Failed, Loaded, Loading } from '../../ui/states.tsx'
import { EnvironmentTag, Status } from '../../ui/status.tsx'
import { Absent, Foreign, Moment, RelativeTime } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { ACTIONS, STATES } from '../approvals/words.ts'

const route = getRouteApi('/_app/approvals/$approvalId')
const LOOK_MS = 3_000

const isOpen = ({ state }: Approval): boolean => state === 'pending' || state === 'granted'

const approvalKey = (id: string) => ['approvals', 'one', id] as const

export const Screen = () => {
  const { approvalId } = route.useParams()
  const approval = useQuery({
    queryKey: approvalKey(approvalId),
    queryFn: ({ signal }) => engine.approvals.get({ approval_id: approvalId }, { signal }),
    refetchInterval: ({ state: { data } }) =>
      data === undefined || isOpen(data) ? LOOK_MS : false,
  })
  return <Loaded query={approval}>{(data) => <Detail approval={data} />}</Loaded>
}

const Detail = ({ approval }: { approval: Approval }) => {
  const { action, state, summary, client_id: clientId, rests_on: restsOn } = approval
  const [tone, words] = STATES[state]
  return (
    <Page
      title={ACTIONS[action]}
      lead={
        state === 'pending'
          ? 'A program asks whether it may do this. It can do it once, exactly as described here.'
          : undefined
      }
      actions={isOpen(approval) ? <Decision approval={approval} /> : undefined}
    >
      <KeyValue
        items={[
          ['State', <Status tone={tone}>{words}</Status>],
          ['Client', clientId === null ? 'Several' : <ClientAndOrg id={clientId} />],
          ['Asked for by', <UserName id={approval.requested_by} />],
          ['Asked', <RelativeTime at={approval.created_at} />],
          ...(isOpen(approval)
            ? ([['Expires', <RelativeTime at={approval.expires_at} />]] as const)
            : []),
          ...(approval.decided_at === null
            ? []
            : ([
                [
                  state === 'refused' ? 'Refused by' : 'Granted by',
                  <UserName id={approval.decided_by} />,
                ],
                ['Decided', <Moment at={approval.decided_at} />],
              ] as const)),
          ...(approval.resource_id === null
            ? []
            : ([['Used for', <Used approval={approval} />]] as const)),
        ]}
      />
      <Section title="What will happen">
        <ul className="lines">
          {summary.map((line, at) => (
            // Lines may repeat, and never move.
            <li key={`${at} ${line}`}>
              <Foreign>{line}</Foreign>
            </li>
          ))}
        </ul>
      </Section>
      <details className="more">
        <summary>What it rests on</summary>
        <p className="muted small">
          If any of it differs when the change is made, nothing happens.
        </p>
        <KeyValue
          items={Object.entries(restsOn).map(([name, value]) => [
            name,
            value === null ? <Absent /> : <Foreign mono>{String(value)}</Foreign>,
          ])}
        />
      </details>
    </Page>
  )
}

const ClientAndOrg = ({ id }: { id: string }) => {
  const { data: connection } = useQuery(connectionQuery(id))
  return (
    <span className="row">
      <ClientName id={id} />
      {connection != null && <EnvironmentTag environment={connection.environment} />}
    </span>
  )
}

/** The page of what came of it. */
const Used = ({
  approval: { action, client_id: clientId, resource_id: id },
}: {
  approval: Approval
}) => {
  if (id === null) return <Absent />
  if (action.startsWith('rollout_')) {
    return (
      <Link to="/fleet/rollouts/$rolloutId" params={{ rolloutId: id }}>
        The rollout
      </Link>
    )
  }
  if (clientId === null) return <code>{id}</code>
  if (action.startsWith('push_')) {
    return (
      <Link to="/clients/$clientId/pushes/$pushId" params={{ clientId, pushId: id }}>
        The push
      </Link>
    )
  }
  if (action === 'connection_revoke' || action === 'offboarding') return <code>{id}</code>
  return (
    <Link to="/clients/$clientId/deployments/$deploymentId" params={{ clientId, deploymentId: id }}>
      The deployment
    </Link>
  )
}

const Decision = ({ approval }: { approval: Approval }) => {
  const [asked, setAsked] = useState<'grant' | 'refuse' | null>(null)
  const queryClient = useQueryClient()
  const { say } = useToast()
  const close = () => setAsked(null)
  const decide = (verb: 'grant' | 'refuse', done: string) => async () => {
    try {
      await engine.approvals[verb]({ approval_id: approval.id })
      say(done)
    } finally {
      await queryClient.invalidateQueries({ queryKey: ['approvals'] })
    }
  }
  const isGranted = approval.state === 'granted'
  const no = isGranted ? 'Withdraw' : 'Refuse'
  return (
    <>
      <Button onClick={() => setAsked('refuse')}>{no}</Button>
      {!isGranted && (
        <Button look="primary" onClick={() => setAsked('grant')}>
          Grant
        </Button>
      )}
      <ConfirmSimply
        open={asked === 'refuse'}
        onClose={close}
        action={no}
        onConfirm={decide(
          'refuse',
          isGranted ? 'Withdrawn. Nothing was changed.' : 'Refused. Nothing was changed.',
        )}
      >
        <p>The program is told that a person refused. It can ask again.</p>
      </ConfirmSimply>
      <GrantDialog
        approval={approval}
        open={asked === 'grant'}
        onClose={close}
        onConfirm={decide('grant', 'Granted. The program can go on now.')}
      />
    </>
  )
}

interface GrantProps {
  approval: Approval
  open: boolean
  onClose: () => void
  onConfirm: () => Promise<void>
}

const GrantDialog = (props: GrantProps) => {
  const { client_id: clientId, rests_on: restsOn } = props.approval
  if (clientId !== null) return <GrantForClient {...props} clientId={clientId} />
  const { rollout_id: rolloutId } = restsOn
  return <GrantForFleet {...props} rolloutId={typeof rolloutId === 'string' ? rolloutId : null} />
}

const GrantForClient = ({ approval, clientId, ...dialog }: GrantProps & { clientId: string }) => {
  const client = useQuery(clientQuery(clientId))
  const mark = useClientMark(client.data?.id)
  const connection = useQuery(connectionQuery(clientId))
  // Until the name is known there is nothing that could be typed.
  if (client.data === undefined || connection.data === undefined) {
    return <NotYet {...dialog} error={client.error ?? connection.error} />
  }
  return (
    <ConfirmProduction
      {...dialog}
      action="Grant"
      clientName={client.data.name}
      mark={mark}
      environment={connection.data?.environment ?? null}
    >
      <What approval={approval} />
    </ConfirmProduction>
  )
}

const GrantForFleet = ({
  approval,
  rolloutId,
  ...dialog
}: GrantProps & { rolloutId: string | null }) => {
  const rollout = useQuery({
    queryKey: ['rollouts', rolloutId],
    queryFn: ({ signal }) => engine.fleet.rolloutsGet({ rollout_id: rolloutId ?? '' }, { signal }),
    enabled: rolloutId !== null,
  })
  if (rollout.data === undefined) return <NotYet {...dialog} error={rollout.error} />
  const { name, targets } = rollout.data
  return (
    <ConfirmFleet
      {...dialog}
      action="Grant"
      subject={<strong>{name === null ? 'Rollout' : <Foreign>{name}</Foreign>}</strong>}
      clients={targets}
    >
      <What approval={approval} />
    </ConfirmFleet>
  )
}

/** What the question is about is not read yet, or cannot be read. */
const NotYet = ({
  open,
  onClose,
  error,
}: {
  open: boolean
  onClose: () => void
  error: unknown
}) => (
  <Dialog open={open} onClose={onClose} title="Grant">
    {error === null ? <Loading lines={3} /> : <Failed error={error} />}
  </Dialog>
)

const What = ({ approval: { action, summary } }: { approval: Approval }) => (
  <>
    <p>{ACTIONS[action]}:</p>
    <ul className="lines small">
      {summary.slice(0, 6).map((line, at) => (
        <li key={`${at} ${line}`}>
          <Foreign>{line}</Foreign>
        </li>
      ))}
      {summary.length > 6 && <li className="muted">and {summary.length - 6} more lines</li>}
    </ul>
  </>
)
