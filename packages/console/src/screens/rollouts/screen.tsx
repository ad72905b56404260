import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type RolloutState, type RolloutSummary } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Allowed } from '../../app/allowed.tsx'
import { UserName } from '../../app/names.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Select } from '../../ui/field.tsx'
import { LoadMore, Page, Toolbar } from '../../ui/layout.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { count, Foreign, RelativeTime } from '../../ui/text.tsx'
import { isRolloutState } from './search.ts'
import { countsInWords, nameOf, ROLLOUT_STATES } from './words.ts'

const route = getRouteApi('/_app/fleet/rollouts')
const LOOK_MS = 10_000

const STATES: readonly { value: RolloutState | 'all'; label: string }[] = [
  { value: 'all', label: 'All' },
  ...Object.entries(ROLLOUT_STATES).flatMap(([value, [, label]]) =>
    isRolloutState(value) ? [{ value, label }] : [],
  ),
]

const COLUMNS: readonly Column<RolloutSummary>[] = [
  {
    id: 'name',
    header: 'Rollout',
    width: 'minmax(11rem, 2fr)',
    cell: (rollout) => (
      <Link to="/fleet/rollouts/$rolloutId" params={{ rolloutId: rollout.id }}>
        <Foreign>{nameOf(rollout)}</Foreign>
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(9rem, 1fr)',
    cell: ({ state }) => (
      <Status tone={ROLLOUT_STATES[state][0]}>{ROLLOUT_STATES[state][1]}</Status>
    ),
  },
  {
    id: 'targets',
    header: 'Clients',
    width: '5rem',
    align: 'end',
    wideOnly: true,
    cell: ({ targets }) => count(targets),
  },
  {
    id: 'counts',
    header: 'How far',
    width: 'minmax(10rem, 2fr)',
    wideOnly: true,
    cell: ({ counts }) => countsInWords(counts),
  },
  {
    id: 'by',
    header: 'By',
    wideOnly: true,
    cell: ({ created_by: by }) => <UserName id={by} />,
  },
  {
    id: 'at',
    header: 'Created',
    width: '7rem',
    wideOnly: true,
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
]

export const Screen = () => (
  <Allowed permission="fleet.read">
    <Content />
  </Allowed>
)

const Content = () => {
  const { state } = route.useSearch()
  const navigate = useNavigate()
  const mayWrite = useMay('fleet.write')
  const list = useList(
    ['rollouts', 'list', state],
    (page, options) =>
      engine.fleet.rolloutsList({ ...page, ...(state === undefined ? {} : { state }) }, options),
    { refetchInterval: LOOK_MS },
  )
  return (
    <Page
      title="Rollouts"
      lead="One change on its way to many clients, in waves."
      actions={
        mayWrite && (
          <Link to="/fleet/rollouts/new" className="button primary">
            New rollout
          </Link>
        )
      }
    >
      <Toolbar label="Filters">
        <Select
          label="State"
          options={STATES}
          value={state ?? 'all'}
          onChange={(value) =>
            void navigate({
              to: '/fleet/rollouts',
              search: value === 'all' ? {} : { state: value },
            })
          }
        />
      </Toolbar>
      <Loaded query={list}>
        {() => (
          <>
            <DataTable
              label="Rollouts"
              rows={list.items}
              columns={COLUMNS}
              rowKey={({ id }) => id}
              onOpen={({ id }) =>
                void navigate({ to: '/fleet/rollouts/$rolloutId', params: { rolloutId: id } })
              }
              empty={
                state === undefined ? (
                  <Empty title="No rollout yet">
                    <p>
                      A rollout brings a version of a <Link to="/fleet/blueprints">blueprint</Link>{' '}
                      to the clients that you choose: checked first, then wave after wave.
                    </p>
                  </Empty>
                ) : (
                  <Empty title="No rollout is in this state" />
                )
              }
            />
            <LoadMore query={list} />
          </>
        )}
      </Loaded>
    </Page>
  )
}
