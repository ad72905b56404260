import { type ReactNode } from 'react'
import { type ClientHealth, type Environment, type RiskLevel } from '@sfdc-engine-x/client'
import { hrefOf } from '../../app/href.ts'
import { type Column } from '../../ui/data-table.tsx'
import { EnvironmentTag, Status, type StatusTone } from '../../ui/status.tsx'
import { Absent, count, counted, Foreign, RelativeTime } from '../../ui/text.tsx'
import { RISKS } from './filters.ts'

/** Elements that many rows share: a row in whose place a different one comes keeps them as they are. */
const NOTHING = <Absent />
const NOT_KNOWN = <Absent>not known</Absent>
const NOT_USABLE = <Absent>nothing that can be used</Absent>
const NOT_LOOKED_FOR = <Absent>not looked for</Absent>
const ENVIRONMENTS: Readonly<Record<Environment, ReactNode>> = {
  production: <EnvironmentTag environment="production" />,
  sandbox: <EnvironmentTag environment="sandbox" />,
}

const TONES: Readonly<Record<RiskLevel, StatusTone>> = {
  critical: 'stopped',
  warning: 'attention',
  notice: 'idle',
  none: 'done',
}

const Wrong = ({ risk, risks: [worst, ...others] }: ClientHealth) => (
  <Status tone={TONES[risk]} title={worst?.message}>
    {worst === undefined ? 'Nothing to do' : RISKS[worst.code]}
    {others.length > 0 && <span className="muted number"> +{others.length}</span>}
  </Status>
)

const Usage = ({ api_usage: usage }: ClientHealth) => {
  if (usage === null) return NOT_KNOWN
  const left = Math.round((100 * usage.left) / Math.max(1, usage.max))
  return <span title={`${count(usage.left)} of ${count(usage.max)} calls left`}>{left} %</span>
}

const Work = ({ work: { running, waiting_for_person: waiting, failed } }: ClientHealth) => {
  const parts = [
    running > 0 && `${count(running)} running`,
    waiting > 0 && `${count(waiting)} waiting`,
    failed > 0 && `${count(failed)} failed`,
  ].filter(Boolean)
  return parts.length === 0 ? NOTHING : parts.join(', ')
}

export const COLUMNS: readonly Column<ClientHealth>[] = [
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(9rem, 3fr)',
    cell: ({ client_id: clientId, client_name: name, mark }) =>
      mark === null ? (
        <a href={hrefOf('/clients/$clientId', { clientId })} className="board-name" title={name}>
          <Foreign>{name}</Foreign>
        </a>
      ) : (
        <a
          href={hrefOf('/clients/$clientId', { clientId })}
          className="board-name board-namesake"
          title={`${name}, ${mark}`}
        >
          <Foreign>{name}</Foreign> <Foreign mono>{mark}</Foreign>
        </a>
      ),
  },
  {
    id: 'wrong',
    header: 'What is wrong',
    width: 'minmax(15rem, 1.6fr)',
    cell: Wrong,
  },
  {
    id: 'connection',
    header: 'Connected to',
    width: 'minmax(7.5rem, 0.8fr)',
    wideOnly: true,
    cell: ({ connection }) =>
      connection?.status === 'connected' ? ENVIRONMENTS[connection.environment] : NOT_USABLE,
  },
  { id: 'calls', header: 'Calls left', width: '5rem', align: 'end', wideOnly: true, cell: Usage },
  {
    id: 'snapshot',
    header: 'Snapshot',
    width: 'minmax(6rem, 0.8fr)',
    wideOnly: true,
    cell: ({ snapshot }) =>
      snapshot === null ? NOTHING : <RelativeTime at={snapshot.completed_at} />,
  },
  { id: 'work', header: 'Work', width: 'minmax(5rem, 0.8fr)', wideOnly: true, cell: Work },
  {
    id: 'drift',
    header: 'Drift',
    width: '5rem',
    wideOnly: true,
    cell: ({ drift }) =>
      drift === null ? (
        NOT_LOOKED_FOR
      ) : drift.drifted === 0 ? (
        'None'
      ) : (
        <span title={counted(drift.blueprints, 'blueprint')}>
          {count(drift.drifted)} of {count(drift.blueprints)}
        </span>
      ),
  },
  {
    id: 'tags',
    header: 'Tags',
    width: 'minmax(8rem, 1.4fr)',
    wideOnly: true,
    cell: ({ tags }) => {
      const all = Object.entries(tags).map(([key, value]) => `${key}=${value}`)
      return all.length === 0 ? (
        NOTHING
      ) : (
        <span className="muted" title={all.join(', ')}>
          <Foreign>{all.join(', ')}</Foreign>
        </span>
      )
    },
  },
]
