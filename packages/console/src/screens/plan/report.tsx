// The verdict beside the plan: how far the check is, what it found, whether it still holds, and the deploy.

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type ConflictReport } from '@sfdc-engine-x/client'
import { clientQuery, useWork } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { WorkFaultNote } from '../../app/work-fault.tsx'
import { ProgressBar } from '../../ui/layout.tsx'
import { Loaded, NotFound } from '../../ui/states.tsx'
import { Verdict } from '../../ui/status.tsx'
import { count, counted, RelativeTime } from '../../ui/text.tsx'
import { Deploy } from './deploy.tsx'
import { Findings } from './findings.tsx'

interface Props {
  clientId: string
  reportId: string
  /** Whether the text is the one that was checked. */
  isSameText: boolean
  lineOf: (path: string) => number
  onGoTo: (line: number) => void
}

export const Report = (props: Props) => {
  const { clientId, reportId } = props
  const work = useWork({ kind: 'report', id: reportId, client_id: clientId })
  return (
    <Loaded query={work}>
      {(report) =>
        report.client_id === clientId ? <Stated {...props} report={report} /> : <NotFound />
      }
    </Loaded>
  )
}

const STAGES: Readonly<Record<string, string>> = {
  pull: 'Reading the schema',
  salesforce: 'Salesforce validates the plan',
  facts: 'Counting records, reading limits and permissions',
  rules: 'Comparing the plan with the Salesforce org',
}

const Stated = ({ report, ...props }: Props & { report: ConflictReport }) => {
  switch (report.status) {
    case 'running': {
      const { stage, done, total } = report.progress
      return (
        <div className="stack" aria-live="polite">
          <ProgressBar label={STAGES[stage] ?? stage} done={done} total={total} />
          {report.error !== null && <WorkFaultNote fault={report.error} />}
          <p className="muted small">
            The check goes on at the server; this page can be closed and opened again.
          </p>
        </div>
      )
    }
    case 'failed':
      return report.error === null ? (
        <p>The check failed.</p>
      ) : (
        <WorkFaultNote fault={report.error} />
      )
    case 'complete':
      return <Complete report={report} {...props} />
  }
}

const Complete = ({
  report,
  clientId,
  isSameText,
  lineOf,
  onGoTo,
}: Props & { report: ConflictReport }) => {
  const mayDeploy = useMay('deploy.write')
  const [accepted, setAccepted] = useState<ReadonlySet<number>>(new Set())
  const accept = (at: number, isAccepted: boolean) =>
    setAccepted((before) => {
      const after = new Set(before)
      if (isAccepted) after.add(at)
      else after.delete(at)
      return after
    })
  const { severity, counts, findings } = report
  const isDeployable = isSameText && severity !== 'red' && mayDeploy
  return (
    <div className="stack">
      <div className="row" role="status">
        <Verdict severity={severity} />
        <span className="muted small">
          {count(counts.red)} red, {count(counts.yellow)} yellow, {count(counts.green)} green ·
          about {counted(report.api_call_estimate, 'Salesforce call')} to deploy
        </span>
      </div>
      <Staleness clientId={clientId} report={report} isSameText={isSameText} />
      {isDeployable && (
        <Deploy
          clientId={clientId}
          report={report}
          isAccepted={accepted.size === counts.yellow}
          left={counts.yellow - accepted.size}
        />
      )}
      <Findings
        clientId={clientId}
        findings={findings}
        accepted={isDeployable ? accepted : null}
        onAccept={accept}
        lineOf={isSameText ? lineOf : null}
        onGoTo={onGoTo}
      />
    </div>
  )
}

/** What the verdict rests on, and whether that has changed since. */
const Staleness = ({
  clientId,
  report,
  isSameText,
}: {
  clientId: string
  report: ConflictReport
  isSameText: boolean
}) => {
  const client = useQuery(clientQuery(clientId))
  const newest = client.data?.latest_snapshot_version ?? null
  const { snapshot_version: version } = report
  const isOld = version !== null && newest !== null && newest > version
  return (
    <>
      <p className="muted small">
        Checked <RelativeTime at={report.created_at} />
        {version !== null && (
          <>
            {' '}
            against{' '}
            <Link to="/clients/$clientId/schema" params={{ clientId }} search={{ version }}>
              version {version}
            </Link>{' '}
            of the schema
          </>
        )}
      </p>
      {isOld && (
        <p className="plan-stale" role="status">
          The schema has been read since (version {newest}). Check again: what changed in between is
          not in this verdict.
        </p>
      )}
      {!isSameText && (
        <p className="plan-stale" role="status">
          The plan has been edited since this check. The verdict is about the text before.
        </p>
      )}
    </>
  )
}
