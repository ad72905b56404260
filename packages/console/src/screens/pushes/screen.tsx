import { getRouteApi, Link } from '@tanstack/react-router'
import { type Push } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { ChoiceFilter } from '../../app/list-filters.tsx'
import { filled } from '../../app/params.ts'
import { PUSH_KINDS, PUSH_STATUSES, PushState } from '../../app/push-status.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ListPage } from '../../ui/list.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Empty } from '../../ui/states.tsx'
import { Tag } from '../../ui/status.tsx'
import { Absent, count, Foreign, RelativeTime } from '../../ui/text.tsx'

const route = getRouteApi('/_app/clients/$clientId/pushes')
const REFRESH_MS = 5_000

const COLUMNS: readonly Column<Push>[] = [
  {
    id: 'when',
    header: 'Begun',
    width: 'minmax(5.5rem, 1fr)',
    narrow: '5rem',
    cell: ({ id, client_id: clientId, created_at: at }) => (
      <Link to="/clients/$clientId/pushes/$pushId" params={{ clientId, pushId: id }}>
        <RelativeTime at={at} />
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(13rem, 1.5fr)',
    narrow: 'minmax(0, 1fr)',
    cell: (push) => <PushState {...push} />,
  },
  {
    id: 'object',
    header: 'Object',
    width: 'minmax(8rem, 2fr)',
    wideOnly: true,
    cell: ({ canonical_object: name, sfdc_object: object, kind, retry_of: of }) => (
      <>
        {name === null ? PUSH_KINDS[kind] : <Foreign>{name}</Foreign>}
        {object !== null && object !== name && (
          <>
            {' → '}
            <Foreign mono>{object}</Foreign>
          </>
        )}{' '}
        {kind === 'status_update' && <Tag>Updates only</Tag>} {of !== null && <Tag>Retry</Tag>}
      </>
    ),
  },
  { id: 'total', header: 'Rows', width: '4rem', align: 'end', cell: ({ total }) => count(total) },
  {
    id: 'failed',
    header: 'Failed',
    width: '4rem',
    align: 'end',
    // The state says how many would fail, where there is room for one of the two.
    wideOnly: true,
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
    <ListPage
      title="Pushes"
      lead="Records written to this Salesforce org."
      actions={begin}
      filters={
        <>
          <ChoiceFilter
            label="State"
            words={PUSH_STATUSES}
            value={search.status}
            onChange={(status) => void navigate({ search: filled({ ...search, status }) })}
          />
          <SearchField
            label="Object"
            placeholder="lead, or Lead__c"
            value={search.object ?? ''}
            onChange={(object) => void navigate({ search: filled({ ...search, object }) })}
          />
        </>
      }
      query={list}
      label="Pushes"
      columns={COLUMNS}
      onOpen={({ id }) =>
        void navigate({
          to: '/clients/$clientId/pushes/$pushId',
          params: { clientId, pushId: id },
        })
      }
      empty={
        isFiltered ? (
          <Empty title="No push is like that" />
        ) : (
          <Empty title="Nothing was pushed yet">
            <p>
              A push needs a{' '}
              <Link to="/clients/$clientId/mappings" params={{ clientId }}>
                mapping
              </Link>
              , which says to which field of Salesforce each column goes, and a file of rows.
            </p>
          </Empty>
        )
      }
    />
  )
}
