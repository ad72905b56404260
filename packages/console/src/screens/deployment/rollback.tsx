// The rollback: first what it would do, then the deed, then what is left and the proof.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type ComponentName, type Deployment, type Rollback } from '@sfdc-engine-x/client'
import { useClientMark } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { clientKey, clientQuery, connectionQuery } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmProduction } from '../../ui/dialog.tsx'
import { Checkbox } from '../../ui/field.tsx'
import { Section } from '../../ui/layout.tsx'
import { Problem } from '../../ui/states.tsx'
import { count, counted, Foreign, RelativeTime } from '../../ui/text.tsx'
import { isRollingBack } from './stages.ts'

export const RollbackSection = ({ deployment }: { deployment: Deployment }) => {
  const { status, rollback, check_only: isTrial } = deployment
  const isDeployed = status === 'deployed' || status === 'rolled_back'
  if (!isDeployed || isTrial) return null
  if (status === 'rolled_back' && rollback === null) return null
  return (
    <Section title="Rollback">
      {rollback !== null && rollback.status !== 'dry_run' && rollback.status !== 'running' && (
        <Outcome rollback={rollback} />
      )}
      {status === 'deployed' && <Preview deployment={deployment} />}
    </Section>
  )
}

const keyOf = ({ type, full_name: name }: ComponentName): string => `${type} ${name}`

const Preview = ({ deployment }: { deployment: Deployment }) => {
  const { id, client_id: clientId, rollback, is_final: isFinal } = deployment
  const mayWrite = useMay('deploy.write')
  const queryClient = useQueryClient()
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['work', 'deployment', id] })
  const look = useMutation({
    mutationFn: async () => {
      const work = await engine.deploy.rollback({ deployment_id: id, dry_run: true })
      await refresh()
      return work.id
    },
  })
  const shown = rollback?.status === 'dry_run' ? rollback : null
  if (!mayWrite) return <p className="muted">Your role does not include rolling back.</p>
  return (
    <>
      <div className="row">
        <Button
          pending={look.isPending || isRollingBack(deployment)}
          disabled={!isFinal}
          onClick={() => look.mutate()}
        >
          {isRollingBack(deployment)
            ? 'Comparing with the Salesforce org'
            : shown === null
              ? 'Show what a rollback would do'
              : 'Look again'}
        </Button>
        {shown === null && (
          <span className="muted small">This changes nothing in the Salesforce org.</span>
        )}
      </div>
      {look.error !== null && <Problem error={look.error} />}
      {shown !== null && isFinal && (
        <Plan key={id} deployment={deployment} rollback={shown} clientId={clientId} />
      )}
    </>
  )
}

const Plan = ({
  deployment,
  rollback,
  clientId,
}: {
  deployment: Deployment
  rollback: Rollback
  clientId: string
}) => {
  const [anyway, setAnyway] = useState<ReadonlySet<string>>(new Set())
  const [allowsLoss, setAllowsLoss] = useState(false)
  const [isAsking, setAsking] = useState(false)
  const client = useQuery(clientQuery(clientId))
  const mark = useClientMark(client.data?.id)
  const connection = useQuery(connectionQuery(clientId))
  const queryClient = useQueryClient()
  const { removed, restored, kept, remaining, data } = rollback
  const chosen = remaining.filter((one) => anyway.has(keyOf(one)))
  const total = removed.length + restored.length + chosen.length
  const action = `Roll back ${counted(total, 'component')}`
  const begin = async () => {
    await engine.deploy.rollback({
      deployment_id: deployment.id,
      ...(allowsLoss ? { allow_data_loss: true } : {}),
      ...(chosen.length === 0
        ? {}
        : {
            components: [...removed, ...restored, ...chosen].map(({ type, full_name }) => ({
              type,
              full_name,
            })),
          }),
    })
    await queryClient.invalidateQueries({ queryKey: ['work', 'deployment', deployment.id] })
    void queryClient.invalidateQueries({ queryKey: clientKey(clientId) })
  }
  return (
    <div className="stack">
      <Names title="Is removed" items={removed} />
      <Names title="Gets back what it was before" items={restored} />
      <Kept
        kept={kept}
        remaining={new Set(remaining.map(keyOf))}
        anyway={anyway}
        onChange={(key, isChosen) =>
          setAnyway((before) => {
            const after = new Set(before)
            if (isChosen) after.add(key)
            else after.delete(key)
            return after
          })
        }
      />
      {data.length > 0 && (
        <div className="problem">
          <p className="problem-message">What users have stored since would be lost.</p>
          <ul className="deployment-names">
            {data.map(({ name, rows }) => (
              <li key={name}>
                <Foreign mono>{name}</Foreign>:{' '}
                {rows === null ? 'filled rows cannot be counted' : counted(rows, 'row')}
              </li>
            ))}
          </ul>
          <Checkbox
            label="Delete these values too"
            hint="They cannot be given back."
            checked={allowsLoss}
            onChange={({ target }) => setAllowsLoss(target.checked)}
          />
        </div>
      )}
      {total === 0 ? (
        <p>There is nothing to roll back.</p>
      ) : (
        <div className="row">
          <Button
            look="primary"
            disabled={data.length > 0 && !allowsLoss}
            onClick={() => setAsking(true)}
          >
            {action}
          </Button>
        </div>
      )}
      <ConfirmProduction
        open={isAsking}
        onClose={() => setAsking(false)}
        action={action}
        clientName={client.data?.name ?? ''}
        mark={mark}
        environment={connection.data?.environment ?? null}
        onConfirm={begin}
      >
        <p>
          {counted(removed.length, 'component')} removed, {count(restored.length)} restored,{' '}
          {count(kept.length - chosen.length)} left as they are.
          {chosen.length > 0 &&
            ` ${counted(chosen.length, 'component')} although somebody changed them since.`}
          {allowsLoss && ` The values of ${counted(data.length, 'component')} are deleted.`}
        </p>
      </ConfirmProduction>
    </div>
  )
}

const SHOWN = 100

const Names = ({ title, items }: { title: string; items: readonly ComponentName[] }) => {
  const [shown, setShown] = useState(SHOWN)
  return items.length === 0 ? null : (
    <div>
      <h3>
        {title} <span className="muted number">{count(items.length)}</span>
      </h3>
      <ul className="deployment-names">
        {items.slice(0, shown).map((one) => (
          <li key={keyOf(one)}>
            <Foreign mono>{one.full_name}</Foreign> <span className="muted small">{one.type}</span>
          </li>
        ))}
      </ul>
      {items.length > shown && (
        <Button onClick={() => setShown(shown + 10 * SHOWN)}>
          Show more of {count(items.length)}
        </Button>
      )}
    </div>
  )
}

const Kept = ({
  kept,
  remaining,
  anyway,
  onChange,
}: {
  kept: Rollback['kept']
  /** Of these, what can be rolled back by naming it. */
  remaining: ReadonlySet<string>
  anyway: ReadonlySet<string>
  onChange: (key: string, isChosen: boolean) => void
}) =>
  kept.length === 0 ? null : (
    <div>
      <h3>
        Stays as it is <span className="muted number">{count(kept.length)}</span>
      </h3>
      <ul className="deployment-names">
        {kept.map((one) => (
          <li key={keyOf(one)}>
            <Foreign mono>{one.full_name}</Foreign> <span className="muted small">{one.type}</span>
            <p className="small">
              <Foreign>{one.reason}</Foreign>
              {one.changed_by !== null && (
                <>
                  {' '}
                  Changed by <Foreign>{one.changed_by}</Foreign>
                </>
              )}
              {one.changed_at !== null && (
                <>
                  {' '}
                  <RelativeTime at={one.changed_at} />
                </>
              )}
            </p>
            {remaining.has(keyOf(one)) && (
              <Checkbox
                label="Roll it back all the same"
                checked={anyway.has(keyOf(one))}
                onChange={({ target }) => onChange(keyOf(one), target.checked)}
              />
            )}
          </li>
        ))}
      </ul>
    </div>
  )

const Outcome = ({ rollback }: { rollback: Rollback }) => {
  const { removed, restored, kept, remaining, proof, status } = rollback
  return (
    <div className="stack">
      {status === 'failed' && <p>The rollback failed. What it had not reached is as it was.</p>}
      {proof !== null && (
        <p role="status">
          {proof.differences.length === 0 && proof.complete
            ? `Proof: ${counted(proof.compared, 'component')} read back afterwards, all as before the deployment.`
            : `Proof: ${counted(proof.compared, 'component')} read back afterwards, ${counted(proof.differences.length, 'difference')} from the state before${proof.complete ? '' : '; not everything could be compared'}.`}
        </p>
      )}
      {proof !== null && proof.differences.length > 0 && (
        <ul className="deployment-names">
          {proof.differences.map((one) => (
            <li key={`${keyOf(one)} ${one.what}`}>
              <Foreign mono>{one.full_name}</Foreign>: <Foreign>{one.what}</Foreign>
            </li>
          ))}
        </ul>
      )}
      <Names title="Removed" items={removed} />
      <Names title="Restored" items={restored} />
      {remaining.length > 0 && (
        <div>
          <h3>
            Remains <span className="muted number">{count(remaining.length)}</span>
          </h3>
          <ul className="deployment-names">
            {remaining.map((one) => (
              <li key={keyOf(one)}>
                <Foreign mono>{one.full_name}</Foreign>: <Foreign>{one.reason}</Foreign>
              </li>
            ))}
          </ul>
        </div>
      )}
      <Names title="Stayed as it was" items={kept} />
    </div>
  )
}
