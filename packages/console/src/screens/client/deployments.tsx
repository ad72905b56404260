import { Link, useNavigate } from '@tanstack/react-router'
import { type DeploymentKind, type DeploymentSummary } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Section } from '../../ui/layout.tsx'
import { Empty, Loaded, Loading } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { count, RelativeTime } from '../../ui/text.tsx'

const SHOWN = 8

/** What we have deployed, the newest first; all of it is a page of its own. */
export const DeploymentsSection = ({ clientId }: { clientId: string }) => {
  const navigate = useNavigate()
  const deployments = useList<DeploymentSummary>(
    clientKey(clientId, 'deployments', 'newest'),
    (page, options) => engine.deploy.list({ client_id: clientId, ...page }, options),
    { limit: SHOWN, refetchWhile: ({ is_final: isFinal }) => !isFinal },
  )
  return (
    <Section
      title="What we have deployed"
      actions={
        <Link to="/clients/$clientId/deployments" params={{ clientId }} className="button quiet">
          All deployments
        </Link>
      }
    >
      <Loaded query={deployments} loading={<Loading lines={4} />}>
        {() =>
          deployments.items.length === 0 ? (
            <Empty title="Nothing yet">
              <p>What you deploy through this server is listed here, and can be rolled back.</p>
            </Empty>
          ) : (
            <DataTable
              label="What we have deployed"
              rows={deployments.items}
              columns={COLUMNS}
              rowKey={({ id }) => id}
              onOpen={({ id }) =>
                void navigate({
                  to: '/clients/$clientId/deployments/$deploymentId',
                  params: { clientId, deploymentId: id },
                })
              }
            />
          )
        }
      </Loaded>
    </Section>
  )
}

const KINDS: Readonly<Record<DeploymentKind, string>> = {
  custom_objects: 'Objects and fields',
  workflows: 'Workflows',
  workflow_removal: 'Removal of workflows',
  workflow_activation: 'Activation of a workflow',
}

const State = ({ status, error, rollback, check_only: isCheck }: DeploymentSummary) => {
  switch (status) {
    case 'pending':
      return <Status tone="running">{error === null ? 'Deploying' : 'Paused'}</Status>
    case 'validated':
      return <Status tone="idle">Validated only</Status>
    case 'deployed':
      return rollback?.status === 'running' ? (
        <Status tone="running">Rolling back</Status>
      ) : (
        <Status tone="done">Deployed</Status>
      )
    case 'rolled_back':
      return <Status tone="idle">Rolled back</Status>
    case 'failed':
      return (
        <span title={error?.message}>
          <Status tone="stopped">{isCheck ? 'Did not validate' : 'Failed'}</Status>
        </span>
      )
  }
}

const COLUMNS: readonly Column<DeploymentSummary>[] = [
  {
    id: 'kind',
    header: 'Deployment',
    width: 'minmax(9rem, 2fr)',
    cell: ({ id, client_id: clientId, kind }) => (
      <Link
        to="/clients/$clientId/deployments/$deploymentId"
        params={{ clientId, deploymentId: id }}
      >
        {KINDS[kind]}
      </Link>
    ),
  },
  { id: 'status', header: 'Status', width: 'minmax(7rem, 1fr)', cell: State },
  {
    id: 'at',
    header: 'When',
    width: 'minmax(7rem, 1fr)',
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
  {
    id: 'warnings',
    header: 'Warnings',
    width: '5.5rem',
    align: 'end',
    wideOnly: true,
    cell: ({ warnings }) => count(warnings.length),
  },
]
