// One deployment: its course as a time line, its components, and its rollback.

import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { type Deployment } from '@sfdc-engine-x/client'
import { clientKey, useWork } from '../../api/queries.ts'
import { DEPLOYMENT_KINDS, DeploymentState } from '../../app/deployment-status.tsx'
import { WorkFaultNote } from '../../app/work-fault.tsx'
import { KeyValue, Page, ProgressBar, Section, Timeline } from '../../ui/layout.tsx'
import { Loaded, NotFound } from '../../ui/states.tsx'
import { CodeBlock, count, counted, Foreign, Moment, RelativeTime } from '../../ui/text.tsx'
import { Cancel } from './cancel.tsx'
import { Components } from './components.tsx'
import { RollbackSection } from './rollback.tsx'
import { isRollingBack, stageItems, type StageItem } from './stages.ts'
import './deployment.css'

const route = getRouteApi('/_app/clients/$clientId/deployments/$deploymentId')

export const Screen = () => {
  const { clientId, deploymentId } = route.useParams()
  const work = useWork({ kind: 'deployment', id: deploymentId, client_id: clientId })
  useRefreshAtEnd(clientId, work.data)
  return (
    <Loaded query={work}>
      {(deployment) =>
        deployment.client_id === clientId ? <Stated deployment={deployment} /> : <NotFound />
      }
    </Loaded>
  )
}

/** What a deployment changes is in other pages of the client, too. */
const useRefreshAtEnd = (clientId: string, deployment: Deployment | undefined): void => {
  const queryClient = useQueryClient()
  const isFinal = deployment?.is_final
  useEffect(() => {
    if (isFinal !== true) return
    void queryClient.invalidateQueries({ queryKey: clientKey(clientId, 'deployments') })
  }, [isFinal, queryClient, clientId])
}

const Stated = ({ deployment }: { deployment: Deployment }) => {
  const { kind, components, warnings, conflict_report_id: reportId, client_id } = deployment
  const fault = deployment.rollback?.error ?? deployment.error
  return (
    <Page
      title={
        <span className="row">
          Deployment <DeploymentState {...deployment} />
        </span>
      }
      lead={`${DEPLOYMENT_KINDS[kind]}, ${counted(components.length, 'component')}${
        deployment.check_only ? ', validation only' : ''
      }`}
      actions={<Cancel deployment={deployment} />}
    >
      <KeyValue
        items={[
          ['Begun', <Moment key="begun" at={deployment.created_at} />],
          [
            'Verdict before',
            reportId === null ? (
              'deployed without a check'
            ) : (
              <Link
                key="report"
                to="/clients/$clientId/plan"
                params={{ clientId: client_id }}
                search={{ report: reportId }}
              >
                Open the plan and its verdict
              </Link>
            ),
          ],
          [
            'Id at Salesforce',
            deployment.sfdc_deploy_id === null ? 'nothing was sent' : deployment.sfdc_deploy_id,
          ],
        ]}
      />
      {fault !== null && fault.waiting === undefined && <WorkFaultNote fault={fault} />}
      <Section title="Course">
        <div aria-live="polite">
          <Timeline
            label="Course of the deployment"
            items={stageItems(deployment).map((item) => ({
              key: item.key,
              title: item.title,
              when: item.at === null ? null : <RelativeTime at={item.at} />,
              state: item.state === 'waiting' ? 'running' : item.state,
              ...detailOf(item, deployment),
            }))}
          />
        </div>
        {!deployment.is_final && (
          <p className="muted small">
            It goes on at the server; this page can be closed and opened again.
          </p>
        )}
      </Section>
      {warnings.length > 0 && (
        <Section title={counted(warnings.length, 'warning')}>
          <ul className="stack">
            {warnings.map(({ code, message }) => (
              <li key={`${code} ${message}`}>
                <Foreign>{message}</Foreign>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <RollbackSection deployment={deployment} />
      <Section title={`Components (${count(components.length)})`}>
        <Components deployment={deployment} />
      </Section>
      <details className="deployment-plan">
        <summary>What was asked for, as JSON</summary>
        <CodeBlock label="Plan" code={JSON.stringify(deployment.plan, null, 2)} />
      </details>
    </Page>
  )
}

const detailOf = ({ state, progress }: StageItem, deployment: Deployment) => {
  if (state === 'waiting') {
    const fault =
      (isRollingBack(deployment) ? deployment.rollback?.error : null) ?? deployment.error
    return fault === null ? {} : { detail: <WorkFaultNote fault={fault} /> }
  }
  if (state !== 'running' || progress === null) return {}
  const { done, total } = progress
  return {
    detail: (
      <ProgressBar label={`${count(done)} of ${counted(total, 'component')}`} {...progress} />
    ),
  }
}
