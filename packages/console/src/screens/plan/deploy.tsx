import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type ConflictReport } from '@sfdc-engine-x/client'
import { useClientMark } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { clientKey, clientQuery, connectionQuery } from '../../api/queries.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmProduction } from '../../ui/dialog.tsx'
import { counted, Foreign } from '../../ui/text.tsx'

/** Deploys what the report checked, as it checked it. */
export const Deploy = ({
  clientId,
  report,
  isAccepted,
  left,
}: {
  clientId: string
  report: ConflictReport
  /** All yellow findings are. */
  isAccepted: boolean
  left: number
}) => {
  const [isAsking, setAsking] = useState(false)
  const client = useQuery(clientQuery(clientId))
  const mark = useClientMark(client.data?.id)
  const connection = useQuery(connectionQuery(clientId))
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { reversibility, counts } = report
  const action = `Deploy ${counted(reversibility.length, 'component')}`
  const deploy = async () => {
    const { id } = await engine.deploy.checked({
      client_id: clientId,
      conflict_report_id: report.id,
      plan_hash: report.plan_hash,
      ...(counts.yellow > 0 ? { accept: ['yellow'] } : {}),
    })
    void queryClient.invalidateQueries({ queryKey: clientKey(clientId) })
    await navigate({
      to: '/clients/$clientId/deployments/$deploymentId',
      params: { clientId, deploymentId: id },
    })
  }
  return (
    <div className="row">
      <Button look="primary" disabled={!isAccepted} onClick={() => setAsking(true)}>
        {action}
      </Button>
      {!isAccepted && (
        <span className="muted small">
          {counted(left, 'yellow finding')} to accept first, one by one.
        </span>
      )}
      <ConfirmProduction
        open={isAsking}
        onClose={() => setAsking(false)}
        action={action}
        clientName={client.data?.name ?? ''}
        mark={mark}
        environment={connection.data?.environment ?? null}
        onConfirm={deploy}
      >
        <Consequences report={report} />
      </ConfirmProduction>
    </div>
  )
}

const NAMED = 8

/** What a rollback could not give back. */
const Consequences = ({ report: { reversibility, counts } }: { report: ConflictReport }) => {
  const final = reversibility.filter(({ level }) => level === 'irreversible')
  const lossy = reversibility.filter(({ level }) => level === 'reversible_with_data_loss')
  return (
    <div className="stack">
      <p>
        One deploy in the Salesforce org, all or nothing.
        {counts.yellow > 0 && ` ${counted(counts.yellow, 'yellow finding')} accepted.`}
      </p>
      <List title={`${counted(final.length, 'component')} cannot be rolled back`} items={final} />
      <List
        title={`Rolling back ${counted(lossy.length, 'component')} later loses what is stored in them by then`}
        items={lossy}
      />
    </div>
  )
}

const List = ({ title, items }: { title: string; items: ConflictReport['reversibility'] }) =>
  items.length === 0 ? null : (
    <div>
      <p>{title}:</p>
      <ul className="plan-names small">
        {items.slice(0, NAMED).map(({ component }) => (
          <li key={`${component.type} ${component.full_name}`}>
            <Foreign mono>{component.full_name}</Foreign>
          </li>
        ))}
        {items.length > NAMED && <li>and {items.length - NAMED} more</li>}
      </ul>
    </div>
  )
