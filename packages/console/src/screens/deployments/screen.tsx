import { getRouteApi, Link } from '@tanstack/react-router'
import { type DeploymentSummary } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import {
  DEPLOYMENT_KINDS,
  DEPLOYMENT_STATUSES,
  DeploymentState,
} from '../../app/deployment-status.tsx'
import { ChoiceFilter } from '../../app/list-filters.tsx'
import { filled } from '../../app/params.ts'
import { type Column } from '../../ui/data-table.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Tag } from '../../ui/status.tsx'
import { RelativeTime } from '../../ui/text.tsx'

const route = getRouteApi('/_app/clients/$clientId/deployments')
const REFRESH_MS = 5_000

const COLUMNS: readonly Column<DeploymentSummary>[] = [
  {
    id: 'when',
    header: 'Begun',
    width: 'minmax(7rem, 1fr)',
    cell: ({ id, client_id: clientId, created_at: at }) => (
      <Link
        to="/clients/$clientId/deployments/$deploymentId"
        params={{ clientId, deploymentId: id }}
      >
        <RelativeTime at={at} />
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(9rem, 1.5fr)',
    cell: (deployment) => <DeploymentState {...deployment} />,
  },
  {
    id: 'kind',
    header: 'What',
    width: 'minmax(8rem, 2fr)',
    cell: ({ kind, check_only: isTrial }) => (
      <>
        {DEPLOYMENT_KINDS[kind]} {isTrial && <Tag>Validation only</Tag>}
      </>
    ),
  },
  {
    id: 'ended',
    header: 'Deployed',
    wideOnly: true,
    cell: ({ deployed_at: at }) => <RelativeTime at={at} />,
  },
  {
    id: 'rolled back',
    header: 'Rolled back',
    wideOnly: true,
    cell: ({ rolled_back_at: at }) => <RelativeTime at={at} />,
  },
]

export const Screen = () => {
  const { clientId } = route.useParams()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const list = useList(
    clientKey(clientId, 'deployments', search),
    (page, options) => engine.deploy.list({ client_id: clientId, ...search, ...page }, options),
    { refetchInterval: REFRESH_MS },
  )
  const isFiltered = Object.keys(search).length > 0
  return (
    <ListPage
      title="Deployments"
      lead="Everything that was sent to this Salesforce org from here."
      filters={
        <>
          <ChoiceFilter
            label="State"
            words={DEPLOYMENT_STATUSES}
            value={search.status}
            onChange={(status) => void navigate({ search: filled({ ...search, status }) })}
          />
          <ChoiceFilter
            label="What"
            words={DEPLOYMENT_KINDS}
            value={search.kind}
            onChange={(kind) => void navigate({ search: filled({ ...search, kind }) })}
          />
        </>
      }
      query={list}
      label="Deployments"
      columns={COLUMNS}
      onOpen={({ id }) =>
        void navigate({
          to: '/clients/$clientId/deployments/$deploymentId',
          params: { clientId, deploymentId: id },
        })
      }
      empty={
        isFiltered ? (
          <Empty title="No deployment is like that" />
        ) : (
          <Empty title="Nothing was deployed yet">
            <p>
              Write a{' '}
              <Link to="/clients/$clientId/plan" params={{ clientId }}>
                plan
              </Link>
              , check it, and deploy it from its verdict.
            </p>
          </Empty>
        )
      }
    />
  )
}
