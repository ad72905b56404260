import { getRouteApi, Link } from '@tanstack/react-router'
import { type Push } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { PUSH_KINDS, PUSH_STATUSES, PushState } from '../../app/push-status.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { Page, Toolbar } from '../../ui/layout.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Tag } from '../../ui/status.tsx'
import { Absent, count, Foreign, RelativeTime } from '../../ui/text.tsx'
import { STATUSES } from './filters.ts'

const route = getRouteApi('/_app/clients/$clientId/pushes')
const REFRESH_MS = 5_000

const COLUMNS: readonly Column<Push>[] = [
  {
    id: 'when',
    header: 'Begun',
    width: 'minmax(5.5rem, 1fr)',
    cell: ({ id, client_id: clientId, created_at: at }) => (
      <Link to="/clients/$clientId/pushes/$pushId" params={{ clientId, pushId: id }}>
        <RelativeTime at={at} />
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(9rem, 1.5fr)',
    cell: (push) => <PushState {...push} />,
  },
  {
    id: 'object',
    header: 'Object',
    width: 'minmax(8rem, 2fr)',
    wideOnly: true,
    cell: ({ canonical_object: name, sfdc_object: object, kind, dry_run: isDry, retry_of: of }) => (
      <>
        {name === null ? PUSH_KINDS[kind] : <Foreign>{name}</Foreign>}
        {object !== null && object !== name && (
          <>
            {' → '}
            <Foreign mono>{object}</Foreign>
          </>
        )}{' '}
        {kind === 'status_update' && <Tag>Updates only</Tag>} {isDry && <Tag>Dry run</Tag>}{' '}
        {of !== null && <Tag>Retry</Tag>}
      </>
    ),
  },
  { id: 'total', header: 'Rows', width: '4rem', align: 'end', cell: ({ total }) => count(total) },
  {
    id: 'failed',
    header: 'Failed',
    width: '4rem',
    align: 'end',
    cell: ({ failed }) => (failed === 0 ? <Absent /> : count(failed)),
  },
]

export const Screen = () => {
  const { clientId } = route.useParams()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const mayPush = useMay('push.write')
  const list = useList(
    clientKey(clientId, 'pushes', search),
    (page, options) => engine.push.list({ client_id: clientId, ...search, ...page }, options),
    { refetchInterval: REFRESH_MS },
  )
  const isFiltered = Object.keys(search).length > 0
  const begin = mayPush && (
    <Link className="button primary" to="/clients/$clientId/pushes/new" params={{ clientId }}>
      Push a file
    </Link>
  )
  return (
    <Page title="Pushes" lead="Records written to this Salesforce org." actions={begin}>
      <Toolbar label="Filters">
        <Select
          label="State"
          value={search.status ?? ''}
          options={[
            { value: '', label: 'All' },
            ...STATUSES.map((status) => ({ value: status, label: PUSH_STATUSES[status][1] })),
          ]}
          onChange={(status) =>
            void navigate({
              search: ({ status: _, ...rest }) => (status === '' ? rest : { ...rest, status }),
            })
          }
        />
        <TextField
          label="Object"
          defaultValue={search.object ?? ''}
          placeholder="lead, or Lead__c"
          onBlur={({ target }) =>
            void navigate({
              search: ({ object: _, ...rest }) =>
                target.value.trim() === '' ? rest : { ...rest, object: target.value.trim() },
            })
          }
          onKeyDown={({ key, currentTarget }) => key === 'Enter' && currentTarget.blur()}
        />
      </Toolbar>
      <Loaded query={list}>
        {() =>
          list.items.length === 0 && !isFiltered ? (
            <Empty title="Nothing was pushed yet">
              <p>
                A push needs a{' '}
                <Link to="/clients/$clientId/mappings" params={{ clientId }}>
                  mapping
                </Link>
                , which says to which field of Salesforce each column goes, and a file of rows.
              </p>
            </Empty>
          ) : (
            <DataTable
              label="Pushes"
              rows={list.items}
              columns={COLUMNS}
              rowKey={({ id }) => id}
              onOpen={({ id }) =>
                void navigate({
                  to: '/clients/$clientId/pushes/$pushId',
                  params: { clientId, pushId: id },
                })
              }
              onEnd={() =>
                list.hasNextPage && !list.isFetchingNextPage && void list.fetchNextPage()
              }
              empty="No push is like that."
            />
          )
        }
      </Loaded>
    </Page>
  )
}
