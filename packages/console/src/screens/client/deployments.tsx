import { Link, useNavigate } from '@tanstack/react-router'
import { type DeploymentSummary } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { DEPLOYMENT_KINDS, DeploymentState } from '../../app/deployment-status.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { Section } from '../../ui/layout.tsx'
import { List } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { count, RelativeTime } from '../../ui/text.tsx'

const SHOWN = 8

export const useNewestDeployments = (clientId: string, enabled: boolean) =>
  useList<DeploymentSummary>(
    clientKey(clientId, 'deployments', 'newest'),
    (page, options) => engine.deploy.list({ client_id: clientId, ...page }, options),
    { limit: SHOWN, enabled, refetchWhile: ({ is_final: isFinal }) => !isFinal },
  )

/** What we have deployed, the newest first; all of it is a page of its own. */
export const DeploymentsSection = ({
  clientId,
  deployments,
}: {
  clientId: string
  deployments: ReturnType<typeof useNewestDeployments>
}) => {
  const navigate = useNavigate()
  return (
    <Section
      title="What we have deployed"
      actions={
        <Link to="/clients/$clientId/deployments" params={{ clientId }} className="button quiet">
          All deployments
        </Link>
      }
    >
      <List
        // Only the newest: all of them are on their own page.
        query={{ ...deployments, hasNextPage: false }}
        label="What we have deployed"
        columns={COLUMNS}
        rowKey={({ id }) => id}
        onOpen={({ id }) =>
          void navigate({
            to: '/clients/$clientId/deployments/$deploymentId',
            params: { clientId, deploymentId: id },
          })
        }
        empty={
          <Empty title="Nothing yet">
            <p>What you deploy through this server is listed here, and can be rolled back.</p>
          </Empty>
        }
      />
    </Section>
  )
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
        {DEPLOYMENT_KINDS[kind]}
      </Link>
    ),
  },
  {
    id: 'status',
    header: 'State',
    width: 'minmax(9rem, 1fr)',
    cell: (deployment) => <DeploymentState {...deployment} />,
  },
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
