import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type RolloutSummary } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { ChoiceFilter } from '../../app/list-filters.tsx'
import { UserName } from '../../app/names.tsx'
import { filled } from '../../app/params.ts'
import { type Column } from '../../ui/data-table.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { count, Foreign, RelativeTime } from '../../ui/text.tsx'
import { countsInWords, nameOf, ROLLOUT_STATES } from './words.ts'

const route = getRouteApi('/_app/fleet/rollouts')
const LOOK_MS = 10_000

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

export const Screen = allowed('fleet.read', () => {
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
    <ListPage
      title="Rollouts"
      lead="One change on its way to many clients, in waves."
      actions={
        mayWrite && (
          <Link to="/fleet/rollouts/new" className="button primary">
            New rollout
          </Link>
        )
      }
      filters={
        <ChoiceFilter
          label="State"
          words={ROLLOUT_STATES}
          value={state}
          onChange={(chosen) =>
            void navigate({ to: '/fleet/rollouts', search: filled({ state: chosen }) })
          }
        />
      }
      query={list}
      label="Rollouts"
      columns={COLUMNS}
      onOpen={({ id }) =>
        void navigate({ to: '/fleet/rollouts/$rolloutId', params: { rolloutId: id } })
      }
      empty={
        state === undefined ? (
          <Empty title="No rollout yet">
            <p>
              A rollout brings a version of a <Link to="/fleet/blueprints">blueprint</Link> to the
              clients that you choose: checked first, then wave after wave.
            </p>
          </Empty>
        ) : (
          <Empty title="No rollout is in this state" />
        )
      }
    />
  )
})
