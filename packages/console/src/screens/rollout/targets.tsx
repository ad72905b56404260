// The clients of a rollout, one a line, and what is known about the one that is open.

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type Rollout, type RolloutTarget, type RolloutTargetState } from '@sfdc-engine-x/client'
import { inConsoleWords } from '../../api/words.ts'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { UserName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ConfirmFleet, ConfirmSimply } from '../../ui/dialog.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { KeyValue, Section, Toolbar } from '../../ui/layout.tsx'
import { List } from '../../ui/list.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Status, Verdict } from '../../ui/status.tsx'
import { counted, Foreign, RelativeTime } from '../../ui/text.tsx'
import { TARGET_REASONS, TARGET_STATES } from '../rollouts/words.ts'
import { isTargetState } from './search.ts'
import { rolloutChanged, useTargets } from './queries.ts'

const route = getRouteApi('/_app/fleet/rollouts/$rolloutId')

const standing = ({ state, reason }: RolloutTarget): string => {
  const [, word] = TARGET_STATES[state]
  return reason === null ? word : `${word}: ${TARGET_REASONS[reason]}`
}

const columnsOf = (open: (target: RolloutTarget) => void): readonly Column<RolloutTarget>[] => [
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(9rem, 1.5fr)',
    narrow: '5.5rem',
    cell: (target) => (
      <button type="button" className="link" onClick={() => open(target)}>
        <Foreign>{target.client_name}</Foreign>
      </button>
    ),
  },
  {
    id: 'wave',
    header: 'Wave',
    width: '4rem',
    align: 'end',
    wideOnly: true,
    cell: ({ wave }) => wave,
  },
  {
    id: 'severity',
    header: 'Verdict',
    width: '7rem',
    narrow: '6.5rem',
    cell: ({ severity }) => <Verdict severity={severity} />,
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(10rem, 2fr)',
    narrow: '7rem',
    cell: (target) => <Status tone={TARGET_STATES[target.state][0]}>{standing(target)}</Status>,
  },
  {
    id: 'error',
    header: 'Why',
    width: 'minmax(8rem, 2fr)',
    cell: ({ error, decision }) => {
      const why = error?.message ?? decision
      return why !== null && <Foreign>{why}</Foreign>
    },
  },
  {
    id: 'at',
    header: 'Changed',
    width: '7rem',
    wideOnly: true,
    cell: ({ updated_at: at }) => <RelativeTime at={at} />,
  },
]

export const Targets = ({ rollout }: { rollout: Rollout }) => {
  const search = route.useSearch()
  const navigate = useNavigate()
  const list = useTargets(rollout, search)
  const go = (more: typeof search) =>
    void navigate({
      to: '/fleet/rollouts/$rolloutId',
      params: { rolloutId: rollout.id },
      search: more,
      resetScroll: false,
    })
  const open = list.items.find(({ client_id: id }) => id === search.target)
  return (
    <Section title="Clients">
      <Toolbar label="Filters">
        <Select
          label="State"
          options={statesOf(rollout)}
          value={search.state ?? 'all'}
          onChange={(value) => {
            const { state: _state, target: _target, ...rest } = search
            go(isTargetState(value) ? { ...rest, state: value } : rest)
          }}
        />
        <Select
          label="Wave"
          options={wavesOf(rollout)}
          value={String(search.wave ?? 'all')}
          onChange={(value) => {
            const { wave: _wave, target: _target, ...rest } = search
            go(value === 'all' ? rest : { ...rest, wave: Number(value) })
          }}
        />
        {search.code !== undefined && (
          <span className="row">
            With <Foreign mono>{search.code}</Foreign>
            <Button look="quiet" onClick={() => go({})}>
              Show all
            </Button>
          </span>
        )}
      </Toolbar>
      <div id="clients" />
      <List
        query={list}
        label="Clients of the rollout"
        columns={columnsOf(({ client_id: target }) => go({ ...search, target }))}
        rowKey={({ id }) => id}
        chosenKey={open?.id ?? null}
        onOpen={({ client_id: target }) => go({ ...search, target })}
        empty={<Empty title="No client fits the filters" />}
      />
      {open !== undefined && <Target key={open.id} rollout={rollout} target={open} />}
    </Section>
  )
}

const statesOf = ({ counts }: Rollout) => [
  { value: 'all', label: 'All' },
  ...Object.entries(TARGET_STATES).flatMap(([value, [, label]]) =>
    (counts[value] ?? 0) === 0 ? [] : [{ value, label: `${label} (${counts[value]})` }],
  ),
]

const wavesOf = ({ waves }: Rollout) => [
  { value: 'all', label: 'All' },
  ...waves.map(({ position, name }) => ({
    value: String(position),
    label: `${position}. ${name}`,
  })),
]

const Target = ({ rollout, target }: { rollout: Rollout; target: RolloutTarget }) => {
  const mayWrite = useMay('fleet.write')
  const { client_id: clientId, client_name: name, deployment_id: deploymentId, error } = target
  return (
    <section className="rollout-target stack" aria-label={name}>
      <header className="section-head">
        <h3>
          <Foreign>{name}</Foreign>
        </h3>
        <div className="row">
          <Link to="/clients/$clientId" params={{ clientId }}>
            The client
          </Link>
          {deploymentId !== null && (
            <Link
              to="/clients/$clientId/deployments/$deploymentId"
              params={{ clientId, deploymentId }}
            >
              Its deployment
            </Link>
          )}
          {mayWrite && <TargetActions rollout={rollout} target={target} />}
        </div>
      </header>
      <Status tone={TARGET_STATES[target.state][0]}>{standing(target)}</Status>
      {target.decision !== null && (
        <p>
          <Foreign>{target.decision}</Foreign>
          {target.decided_by !== null && (
            <span className="muted">
              {' '}
              (<UserName id={target.decided_by} />)
            </span>
          )}
        </p>
      )}
      {error !== null && (
        <div className="problem">
          <p className="problem-message">
            <Foreign>{error.message}</Foreign>
          </p>
          {error.upstream !== undefined && (
            <p className="mono small">
              <Foreign>{`${error.upstream.code}: ${error.upstream.message}`}</Foreign>
            </p>
          )}
          <code className="small muted">{error.code}</code>
        </div>
      )}
      {target.rollback !== null && <Undone rollback={target.rollback} />}
      {target.conflict_report_id !== null && <Report id={target.conflict_report_id} />}
    </section>
  )
}

const Undone = ({ rollback }: { rollback: NonNullable<RolloutTarget['rollback']> }) => (
  <KeyValue
    items={[
      ['Removed', counted(rollback.removed, 'component')],
      ['Restored', counted(rollback.restored, 'component')],
      ['Kept', counted(rollback.kept, 'component')],
      ['Not rolled back', counted(rollback.remaining, 'component')],
      [
        'Proof',
        rollback.proof === null
          ? 'Not read back yet'
          : rollback.proof.complete
            ? 'It is as before'
            : counted(rollback.proof.differences, 'difference'),
      ],
    ]}
  />
)

/** Findings that are not green, with what to do. */
const Report = ({ id }: { id: string }) => {
  const report = useQuery({
    queryKey: ['conflicts', id],
    queryFn: ({ signal }) => engine.conflicts.get({ report_id: id }, { signal }),
  })
  return (
    <Loaded query={report}>
      {({ findings }) => {
        const open = findings.filter(({ severity }) => severity !== 'green')
        return open.length === 0 ? (
          <p className="muted">Everything that the check looked at is green.</p>
        ) : (
          <ul className="lines">
            {open.map(({ severity, code, message, remedy }, at) => (
              <li key={`${at} ${code}`} className="row">
                <Verdict severity={severity} />
                <Foreign>{message}</Foreign>
                {remedy !== null && (
                  <span className="muted">
                    <Foreign>{inConsoleWords(remedy)}</Foreign>
                  </span>
                )}
              </li>
            ))}
          </ul>
        )
      }}
    </Loaded>
  )
}

const UNBEGUN: readonly RolloutTargetState[] = [
  'pending',
  'checking',
  'ready',
  'blocked',
  'queued',
  'failed',
]
const RETRYABLE: readonly RolloutTargetState[] = ['failed', 'blocked', 'skipped', 'rolled_back']
const OVER: readonly string[] = ['rolling_back', 'rolled_back', 'rollback_partial']
const OPEN: readonly string[] = ['draft', 'checking', 'ready', 'running', 'paused']

const TargetActions = ({ rollout, target }: { rollout: Rollout; target: RolloutTarget }) => {
  const queryClient = useQueryClient()
  const [asked, setAsked] = useState<'skip' | 'retry' | null>(null)
  const [reason, setReason] = useState('')
  const names = { rollout_id: rollout.id, client_ids: [target.client_id] }
  const isBefore = rollout.started_at === null
  const act = async (work: () => PromiseLike<unknown>) => {
    await work()
    await rolloutChanged(queryClient, rollout.id)
  }
  return (
    <>
      {OPEN.includes(rollout.state) && UNBEGUN.includes(target.state) && (
        <Button onClick={() => setAsked('skip')}>{isBefore ? 'Exclude' : 'Skip'}</Button>
      )}
      {!isBefore && !OVER.includes(rollout.state) && RETRYABLE.includes(target.state) && (
        <Button onClick={() => setAsked('retry')}>Try again</Button>
      )}
      <ConfirmSimply
        open={asked === 'skip'}
        onClose={() => setAsked(null)}
        action={isBefore ? 'Exclude the client' : 'Skip the client'}
        onConfirm={() => act(() => engine.fleet.rolloutsSkip({ ...names, reason }))}
      >
        <TextField
          label="Why"
          hint="It is shown with the rollout."
          value={reason}
          required
          maxLength={500}
          onChange={({ target: { value } }) => setReason(value)}
        />
      </ConfirmSimply>
      <ConfirmFleet
        open={asked === 'retry'}
        onClose={() => setAsked(null)}
        action="Try again"
        subject={
          <strong>
            <Foreign>{target.client_name}</Foreign>
          </strong>
        }
        clients={1}
        onConfirm={() =>
          act(() => engine.fleet.rolloutsRetry({ ...names, revision: rollout.revision }))
        }
      >
        <p>
          It is checked once more, and goes with its own wave if that has not begun, else with the
          one that is open or comes next.
        </p>
        {target.reason === 'drifted' && (
          <p>What its report says by now is accepted; if the new one says more, it stops again.</p>
        )}
      </ConfirmFleet>
    </>
  )
}
