import { type ReactNode, useState } from 'react'
import { Link } from '@tanstack/react-router'
import { type Work, type WorkKind, type WorkState } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { LoadMore, Section } from '../../ui/layout.tsx'
import { Status, type StatusTone } from '../../ui/status.tsx'
import { Absent, Foreign, RelativeTime } from '../../ui/text.tsx'

const WEEK_MS = 7 * 86_400_000

/** What goes on, and what failed in the last week; nothing where there is neither. */
export const WorkSection = ({ clientId }: { clientId: string }) => {
  const [since] = useState(() => new Date(Date.now() - WEEK_MS).toISOString())
  const work = useList<Work>(
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
    { limit: 10, refetchWhile: ({ is_final: isFinal }) => !isFinal },
  )
  // Nobody looks for it here if it cannot be read: the sections below say so about theirs.
  if (work.items.length === 0) return null
  return (
    <Section title="Work under way or failed">
      <DataTable
        label="Work under way or failed"
        rows={work.items}
        columns={COLUMNS}
        rowKey={({ kind, id }) => `${kind} ${id}`}
      />
      <LoadMore query={work} />
    </Section>
  )
}

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

const COLUMNS: readonly Column<Work>[] = [
  { id: 'kind', header: 'Work', width: '8rem', cell: Kind },
  { id: 'state', header: 'State', width: 'minmax(8.5rem, 0.7fr)', cell: State },
  {
    id: 'why',
    header: 'Why',
    width: 'minmax(8rem, 3fr)',
    wideOnly: true,
    cell: ({ error }) =>
      error === null ? (
        <Absent />
      ) : (
        <span title={error.message}>
          <Foreign>{error.message}</Foreign>
        </span>
      ),
  },
  {
    id: 'at',
    header: 'Begun',
    width: '7rem',
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
]
