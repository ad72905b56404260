import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { type Rollout, type RolloutWave } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { UserName } from '../../app/names.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { KeyValue, Page, ProgressBar, Section } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { count, counted, Foreign, Moment, RelativeTime } from '../../ui/text.tsx'
import {
  countsInWords,
  MODES,
  nameOf,
  PAUSE_REASONS,
  ROLLOUT_STATES,
  settledCount,
} from '../rollouts/words.ts'
import { Actions } from './actions.tsx'
import { Matrix } from './matrix.tsx'
import { useRollout } from './queries.ts'
import { RollbackPreview } from './rollback-preview.tsx'
import { Targets } from './targets.tsx'
import './rollout.css'

const route = getRouteApi('/_app/fleet/rollouts/$rolloutId')

export const Screen = allowed('fleet.read', () => {
  const { rolloutId } = route.useParams()
  const rollout = useRollout(rolloutId)
  return <Loaded query={rollout}>{(data) => <Detail rollout={data} />}</Loaded>
})

const Detail = ({ rollout }: { rollout: Rollout }) => {
  const mayWrite = useMay('fleet.write')
  const { state, pause_reason: reason, counts, targets, progress } = rollout
  const [tone, words] = ROLLOUT_STATES[state]
  return (
    <Page
      title={<Foreign>{nameOf(rollout)}</Foreign>}
      lead={<What rollout={rollout} />}
      actions={mayWrite ? <Actions rollout={rollout} /> : undefined}
    >
      <div className="rollout-standing" aria-live="polite">
        <Status tone={tone}>{words}</Status>
        <span className="muted">{countsInWords(counts)}</span>
      </div>
      {reason !== null && (
        <p>
          {PAUSE_REASONS[reason]}
          {rollout.paused_until !== null && (
            <>
              {' '}
              Until <Moment at={rollout.paused_until} />.
            </>
          )}
        </p>
      )}
      {!rollout.is_final && (
        <ProgressBar
          label={`${count(progress.done)} of ${count(progress.total)}: ${progress.stage.replaceAll('_', ' ')}`}
          done={progress.done}
          total={progress.total}
        />
      )}
      <Section title="Waves">
        <Waves rollout={rollout} />
      </Section>
      {rollout.rollback_preview !== null && rollout.rolled_back_at === null && (
        <RollbackPreview preview={rollout.rollback_preview} targets={targets} />
      )}
      <Matrix rollout={rollout} />
      <Targets rollout={rollout} />
      <Section title="How it was set up">
        <KeyValue
          items={[
            ['Created by', <UserName id={rollout.created_by} />],
            ['Created', <Moment at={rollout.created_at} />],
            ['Started', <Moment at={rollout.started_at} />],
            ['Ended', <Moment at={rollout.finished_at} />],
            ...(rollout.rolled_back_at === null
              ? []
              : [['Rolled back', <Moment at={rollout.rolled_back_at} />] as const]),
            ['After a failure', MODES[rollout.mode]],
            ['Yellow findings', rollout.accept.includes('yellow') ? 'Accepted' : 'Not accepted'],
            [
              'Hours',
              rollout.window === null
                ? 'Any'
                : `${rollout.window.from} to ${rollout.window.to}, ${rollout.window.zone}`,
            ],
          ]}
        />
      </Section>
    </Page>
  )
}

const What = ({ rollout: { blueprint_id: id, version, kind, targets } }: { rollout: Rollout }) => {
  const blueprint = useQuery({
    queryKey: ['blueprints', id],
    queryFn: ({ signal }) => engine.blueprints.get({ blueprint_id: id ?? '' }, { signal }),
    enabled: id !== null,
  })
  const to = `to ${counted(targets, 'client')}`
  if (id === null) return `${kind === 'workflows' ? 'Automations' : 'A plan'} ${to}`
  return (
    <>
      Version {version} of{' '}
      <Link
        to="/fleet/blueprints/$blueprintId"
        params={{ blueprintId: id }}
        search={version === null ? {} : { version }}
      >
        <Foreign>{blueprint.data?.name ?? 'the blueprint'}</Foreign>
      </Link>
      {kind === 'workflows' ? ', its automations,' : ''} {to}
    </>
  )
}

const WAVE_STATES = {
  pending: ['idle', 'Not begun'],
  open: ['running', 'Under way'],
  closed: ['done', 'Closed'],
} as const

const COLUMNS: readonly Column<RolloutWave>[] = [
  {
    id: 'name',
    header: 'Wave',
    width: 'minmax(7rem, 1fr)',
    cell: ({ position, name }) => (
      <>
        {position}. <Foreign>{name}</Foreign>
      </>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(7rem, 9rem)',
    cell: ({ state }) => <Status tone={WAVE_STATES[state][0]}>{WAVE_STATES[state][1]}</Status>,
  },
  {
    id: 'bar',
    header: 'Done',
    width: '8rem',
    wideOnly: true,
    cell: ({ name, counts, targets }) => (
      <progress
        className="rollout-bar"
        aria-label={`Done of wave ${name}`}
        value={settledCount(counts)}
        max={Math.max(1, targets)}
      />
    ),
  },
  {
    id: 'counts',
    header: 'Clients',
    width: 'minmax(9rem, 2fr)',
    cell: ({ counts }) => countsInWords(counts),
  },
  {
    id: 'gate',
    header: 'Begins',
    width: '11rem',
    wideOnly: true,
    cell: ({ gate, approved_at: at }) =>
      gate === 'auto' ? (
        'By itself'
      ) : at === null ? (
        'When approved'
      ) : (
        <>
          Approved <RelativeTime at={at} />
        </>
      ),
  },
  {
    id: 'limits',
    header: 'Failures tolerated',
    width: '9rem',
    align: 'end',
    wideOnly: true,
    cell: ({ failure_tolerance: tolerance }) => count(tolerance),
  },
]

const Waves = ({ rollout: { waves } }: { rollout: Rollout }) => (
  <DataTable
    label="Waves"
    rows={waves}
    columns={COLUMNS}
    rowKey={({ position }) => String(position)}
  />
)
