import { getRouteApi, Link } from '@tanstack/react-router'
import { type DeploymentSummary } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import {
  DEPLOYMENT_KINDS,
  DEPLOYMENT_STATUSES,
  DeploymentState,
} from '../../app/deployment-status.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Select } from '../../ui/field.tsx'
import { Page, Toolbar } from '../../ui/layout.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Tag } from '../../ui/status.tsx'
import { RelativeTime } from '../../ui/text.tsx'
import { KINDS, STATUSES } from './filters.ts'

const route = getRouteApi('/_app/clients/$clientId/deployments')
const REFRESH_MS = 5_000

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
  const columns: Column<DeploymentSummary>[] = [
    {
      id: 'when',
      header: 'Begun',
      width: 'minmax(7rem, 1fr)',
      cell: ({ id, created_at: at }) => (
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
  return (
    <Page title="Deployments" lead="Everything that was sent to this Salesforce org from here.">
      <Toolbar label="Filters">
        <Select
          label="State"
          value={search.status ?? ''}
          options={[
            { value: '', label: 'All' },
            ...STATUSES.map((status) => ({ value: status, label: DEPLOYMENT_STATUSES[status][1] })),
          ]}
          onChange={(status) =>
            void navigate({
              search: ({ status: _, ...rest }) => (status === '' ? rest : { ...rest, status }),
            })
          }
        />
        <Select
          label="What"
          value={search.kind ?? ''}
          options={[
            { value: '', label: 'All' },
            ...KINDS.map((kind) => ({ value: kind, label: DEPLOYMENT_KINDS[kind] })),
          ]}
          onChange={(kind) =>
            void navigate({
              search: ({ kind: _, ...rest }) => (kind === '' ? rest : { ...rest, kind }),
            })
          }
        />
      </Toolbar>
      <Loaded query={list}>
        {() =>
          list.items.length === 0 && !isFiltered ? (
            <Empty title="Nothing was deployed yet">
              <p>
                Write a{' '}
                <Link to="/clients/$clientId/plan" params={{ clientId }}>
                  plan
                </Link>
                , check it, and deploy it from its verdict.
              </p>
            </Empty>
          ) : (
            <DataTable
              label="Deployments"
              rows={list.items}
              columns={columns}
              rowKey={({ id }) => id}
              onOpen={({ id }) =>
                void navigate({
                  to: '/clients/$clientId/deployments/$deploymentId',
                  params: { clientId, deploymentId: id },
                })
              }
              onEnd={() =>
                list.hasNextPage && !list.isFetchingNextPage && void list.fetchNextPage()
              }
              empty="No deployment is like that."
            />
          )
        }
      </Loaded>
    </Page>
  )
}
