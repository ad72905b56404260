import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ConflictReportSummary } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { List } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status, Verdict } from '../../ui/status.tsx'
import { Absent, count, RelativeTime } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { textOfPlan } from './plan-text.ts'

interface Props {
  clientId: string
  currentId: string | undefined
  /** With the plan of the report that was opened. */
  onOpen: (draft: { text: string; checked: { reportId: string; text: string } }) => void
}

export const Reports = ({ clientId, currentId, onOpen }: Props) => {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { fail, say } = useToast()
  const list = useList(clientKey(clientId, 'reports'), (page, options) =>
    engine.conflicts.list({ client_id: clientId, ...page }, options),
  )
  const open = async (reportId: string) => {
    try {
      const { plan } = await queryClient.fetchQuery({
        queryKey: ['report plan', reportId],
        queryFn: ({ signal }) =>
          engine.conflicts.get({ report_id: reportId, include: ['plan'] }, { signal }),
      })
      if (plan == null) say('That check was about automations, not about a plan.')
      else {
        const text = textOfPlan(plan)
        onOpen({ text, checked: { reportId, text } })
      }
      await navigate({
        to: '/clients/$clientId/plan',
        params: { clientId },
        search: { report: reportId },
      })
    } catch (error) {
      fail(error)
    }
  }
  const columns: Column<ConflictReportSummary>[] = [
    {
      id: 'when',
      header: 'Checked',
      width: 'minmax(8rem, 1fr)',
      cell: ({ id, created_at: at }) => (
        <Button look="quiet" className="plan-report-link" onClick={() => void open(id)}>
          <RelativeTime at={at} />
        </Button>
      ),
    },
    {
      id: 'verdict',
      header: 'Verdict',
      width: '9rem',
      cell: ({ status, severity }) =>
        status === 'complete' ? (
          <Verdict severity={severity} />
        ) : (
          <Status tone={status === 'running' ? 'running' : 'stopped'}>
            {status === 'running' ? 'Running' : 'Failed'}
          </Status>
        ),
    },
    {
      id: 'counts',
      header: 'Red · yellow · green',
      wideOnly: true,
      cell: ({ counts }) =>
        `${count(counts.red)} · ${count(counts.yellow)} · ${count(counts.green)}`,
    },
    {
      id: 'version',
      header: 'Schema version',
      align: 'end',
      width: '8rem',
      wideOnly: true,
      cell: ({ snapshot_version: version }) => (version === null ? <Absent /> : count(version)),
    },
  ]
  return (
    <div className="plan-reports">
      <List
        query={list}
        label="Earlier checks"
        columns={columns}
        rowKey={({ id }) => id}
        chosenKey={currentId ?? null}
        onOpen={({ id }) => void open(id)}
        empty={<Empty title="No plan of this client was checked yet" />}
      />
    </div>
  )
}
