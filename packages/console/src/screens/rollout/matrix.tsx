// What the checks have found: one change of the blueprint frees so many clients.

import { Link, useNavigate } from '@tanstack/react-router'
import { type Rollout, type RolloutFinding, type RolloutMatrix } from '@sfdc-engine-x/client'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Section } from '../../ui/layout.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Verdict } from '../../ui/status.tsx'
import { count, counted, Foreign } from '../../ui/text.tsx'
import { isTargetReason, TARGET_REASONS } from '../rollouts/words.ts'
import { useMatrix } from './queries.ts'

const COLUMNS: readonly Column<RolloutFinding>[] = [
  {
    id: 'severity',
    header: 'Verdict',
    width: '7rem',
    cell: ({ severity }) => <Verdict severity={severity} />,
  },
  {
    id: 'code',
    header: 'Finding',
    width: 'minmax(10rem, 1fr)',
    cell: ({ code }) => <Foreign>{code.replaceAll('_', ' ')}</Foreign>,
  },
  {
    id: 'clients',
    header: 'Clients',
    width: '5rem',
    align: 'end',
    cell: ({ clients }) => count(clients),
  },
  {
    id: 'frees',
    header: 'Have nothing else',
    width: '9rem',
    align: 'end',
    wideOnly: true,
    cell: ({ frees }) => count(frees),
  },
  {
    id: 'components',
    header: 'About',
    width: 'minmax(12rem, 2fr)',
    wideOnly: true,
    cell: ({ components }) => (
      <Foreign mono>{components.map(({ full_name: name }) => name).join(', ')}</Foreign>
    ),
  },
]

export const Matrix = ({ rollout }: { rollout: Rollout }) => {
  const matrix = useMatrix(rollout)
  if (rollout.state === 'draft') {
    return (
      <Section title="Checks">
        <Empty title="Not checked yet">
          <p>Check first: each client gets a report, and nothing is changed in Salesforce.</p>
        </Empty>
      </Section>
    )
  }
  return (
    <Section title="Checks">
      <Loaded query={matrix}>{(data) => <Findings rollout={rollout} matrix={data} />}</Loaded>
    </Section>
  )
}

const Findings = ({ rollout: { id }, matrix }: { rollout: Rollout; matrix: RolloutMatrix }) => {
  const navigate = useNavigate()
  const { severities, findings, blocked, estimate } = matrix
  return (
    <>
      <div className="rollout-verdicts">
        {(['green', 'yellow', 'red'] as const).map((severity) => (
          <Verdict key={severity} severity={severity} count={severities[severity]} />
        ))}
        {severities.unchecked > 0 && (
          <span className="muted">{counted(severities.unchecked, 'client')} not checked</span>
        )}
        <span className="muted">
          Estimated: {counted(estimate.api_calls, 'Salesforce call')},{' '}
          {counted(estimate.minutes, 'minute')}
        </span>
      </div>
      {blocked.length > 0 && (
        <p className="rollout-verdicts small">
          <span>Blocked:</span>
          {blocked.map(({ reason, clients }) => (
            <Link
              key={reason}
              to="/fleet/rollouts/$rolloutId"
              params={{ rolloutId: id }}
              search={{ code: reason }}
              hash="clients"
            >
              {count(clients)} by {isTargetReason(reason) ? TARGET_REASONS[reason] : reason}
            </Link>
          ))}
        </p>
      )}
      {findings.length > 0 && (
        <DataTable
          label="Findings by code; Enter shows their clients"
          rows={findings}
          columns={COLUMNS}
          rowKey={({ code, severity }) => `${severity} ${code}`}
          onOpen={({ code }) =>
            void navigate({
              to: '/fleet/rollouts/$rolloutId',
              params: { rolloutId: id },
              search: { code },
              hash: 'clients',
            })
          }
        />
      )}
    </>
  )
}
