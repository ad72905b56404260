import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type Approval, type ApprovalState } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { ClientName, UserName } from '../../app/names.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { Tabs } from '../../ui/layout.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { RelativeTime } from '../../ui/text.tsx'
import { type ApprovalsSearch } from './search.ts'
import { ACTIONS, STATES } from './words.ts'

const route = getRouteApi('/_app/approvals')
/** Somebody waits for the answer, and it expires after minutes. */
const LOOK_MS = 5_000

const TABS: readonly [label: string, search: ApprovalsSearch][] = [
  ['Waiting', {}],
  ['Granted', { state: 'granted' }],
  ['Used', { state: 'used' }],
  ['Refused', { state: 'refused' }],
  ['Expired', { state: 'expired' }],
  ['All', { state: 'all' }],
]

const COLUMNS: readonly Column<Approval>[] = [
  {
    id: 'action',
    header: 'What',
    width: 'minmax(12rem, 2fr)',
    cell: ({ id, action }) => (
      <Link to="/approvals/$approvalId" params={{ approvalId: id }}>
        {ACTIONS[action]}
      </Link>
    ),
  },
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(8rem, 1.5fr)',
    cell: ({ client_id: id }) => (id === null ? 'Several' : <ClientName id={id} />),
  },
  {
    id: 'by',
    header: 'Asked for by',
    wideOnly: true,
    cell: ({ requested_by: by }) => <UserName id={by} />,
  },
  {
    id: 'at',
    header: 'Asked',
    width: '8rem',
    wideOnly: true,
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
  {
    id: 'state',
    header: 'State',
    width: '12rem',
    wideOnly: true,
    cell: ({ state }) => <Status tone={STATES[state][0]}>{STATES[state][1]}</Status>,
  },
  {
    id: 'expires',
    header: 'Expires',
    width: '7rem',
    cell: ({ state, expires_at: at }) =>
      state === 'pending' || state === 'granted' ? <RelativeTime at={at} /> : null,
  },
]

export const Screen = () => {
  const { state = 'pending' } = route.useSearch()
  const navigate = useNavigate()
  const list = useList(
    ['approvals', state],
    (page, options) =>
      engine.approvals.list({ ...page, ...(state === 'all' ? {} : { state }) }, options),
    { refetchInterval: LOOK_MS },
  )
  return (
    <ListPage
      title="Approvals"
      lead="Changes that a token with less power has asked for."
      filters={
        <Tabs label="State of the approvals">
          {TABS.map(([label, search]) => (
            <Link
              key={label}
              className="tab"
              to="/approvals"
              search={search}
              activeOptions={{ exact: true, includeSearch: true }}
            >
              {label}
            </Link>
          ))}
        </Tabs>
      }
      query={list}
      label="Approvals"
      columns={COLUMNS}
      onOpen={({ id }) =>
        void navigate({ to: '/approvals/$approvalId', params: { approvalId: id } })
      }
      empty={<Nothing state={state} />}
    />
  )
}

const Nothing = ({ state }: { state: ApprovalState | 'all' }) =>
  state === 'pending' ? (
    <Empty title="Nothing waits for a decision">
      <p>Programs and agents whose tokens have to ask appear here for 15 minutes.</p>
    </Empty>
  ) : (
    <Empty title="None">
      <p>
        A token asks if it was <Link to="/settings/tokens">created</Link> with “Has to ask a
        person”.
      </p>
    </Empty>
  )
