import { type ReactNode, useState } from 'react'
import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { type Work, type WorkKind, type WorkState } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { LoadMore, Section } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Status, type StatusTone } from '../../ui/status.tsx'
import { Absent, counted, Foreign, RelativeTime } from '../../ui/text.tsx'

const WEEK_MS = 7 * 86_400_000

/** What goes on, and what failed in the last week. */
export const useWeekOfWork = (clientId: string, enabled: boolean) => {
  const [since] = useState(() => new Date(Date.now() - WEEK_MS).toISOString())
  return useList<Work>(
    clientKey(clientId, 'work', since),
    (page, options) =>
      engine.work.list(
        {
          client_id: clientId,
          states: ['running', 'paused', 'partial', 'failed'],
          since,
          ...page,
        },
        options,
      ),
    { limit: 10, enabled, refetchWhile: ({ is_final: isFinal }) => !isFinal },
  )
}

/** Always there, with room for one: work that begins moves nothing under the hand of whoever began it. */
export const WorkSection = ({ work }: { work: ReturnType<typeof useWeekOfWork> }) => (
  <Section title="Work under way or failed">
    <Loaded query={work}>
      {() => (
        <div className="client-work">
          <DataTable
            label="Work under way or failed"
            rows={work.items}
            columns={COLUMNS}
            rowKey={({ kind, id }) => `${kind} ${id}`}
            empty="None in the last 7 days"
          />
          <LoadMore query={work} />
        </div>
      )}
    </Loaded>
  </Section>
)

const KINDS: Readonly<Record<WorkKind, string>> = {
  snapshot: 'Snapshot',
  conflict_report: 'Check',
  deployment: 'Deployment',
  rollback: 'Rollback',
  push: 'Push',
  offboarding: 'Off-boarding',
}

const STATES: Readonly<Record<WorkState, readonly [StatusTone, string]>> = {
  running: ['running', 'Running'],
  paused: ['running', 'Paused'],
  succeeded: ['done', 'Succeeded'],
  partial: ['attention', 'Partly failed'],
  failed: ['stopped', 'Failed'],
}

const Kind = ({ kind, id, client_id: clientId }: Work): ReactNode => {
  switch (kind) {
    case 'deployment':
    case 'rollback':
      return (
        <Link
          to="/clients/$clientId/deployments/$deploymentId"
          params={{ clientId, deploymentId: id }}
        >
          {KINDS[kind]}
        </Link>
      )
    case 'push':
      return (
        <Link to="/clients/$clientId/pushes/$pushId" params={{ clientId, pushId: id }}>
          {KINDS[kind]}
        </Link>
      )
    case 'offboarding':
      return (
        <Link to="/fleet/leaving/$offboardingId" params={{ offboardingId: id }}>
          {KINDS[kind]}
        </Link>
      )
    default:
      return KINDS[kind]
  }
}

const State = ({ state, error }: Work) => {
  const [tone, word] =
    state === 'paused' && error?.waiting?.for === 'person'
      ? (['attention', 'Waits for a person'] as const)
      : STATES[state]
  return <Status tone={tone}>{word}</Status>
}

/** What went wrong with most of the rows that failed. */
const CommonestError = ({ id, client_id: clientId, is_final: isFinal }: Work) => {
  const { data } = useQuery({
    queryKey: ['push errors', id, isFinal],
    queryFn: ({ signal }) => engine.push.errors({ push_id: id }, { signal }),
  })
  const [most] = data?.items ?? []
  if (most === undefined) return <Absent />
  return (
    <span title={most.message}>
      <Link
        to="/clients/$clientId/pushes/$pushId"
        params={{ clientId, pushId: id }}
        search={{ code: most.code }}
      >
        {counted(most.count, 'row')}
      </Link>
      : <Foreign>{most.message}</Foreign>
    </span>
  )
}

const Why = (work: Work) => {
  const { kind, error, is_final: isFinal } = work
  if (error === null) return kind === 'push' && isFinal ? <CommonestError {...work} /> : <Absent />
  return (
    <span title={error.message}>
      <Foreign>{error.message}</Foreign>
    </span>
  )
}

const COLUMNS: readonly Column<Work>[] = [
  { id: 'kind', header: 'Work', width: '8rem', cell: Kind },
  { id: 'state', header: 'State', width: 'minmax(8.5rem, 0.7fr)', cell: State },
  {
    id: 'why',
    header: 'Why',
    width: 'minmax(8rem, 3fr)',
    wideOnly: true,
    cell: (work) => <Why {...work} />,
  },
  {
    id: 'at',
    header: 'Begun',
    width: '7rem',
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
]
