// What the suites about reversibility use: a client whose Salesforce org deploys without delay, and what
// they do with it.

import { type DeploymentBody } from './deploy-bodies.ts'
import { sharedClient } from './shared-rig.ts'

/** What the API says about rolling a component back, before it is deployed. */
export interface Told {
  component: { type: string; full_name: string }
  level: string
  reason: string
}

export interface Report {
  findings: { severity: string; component: { type: string; full_name: string } }[]
  reversibility: Told[]
}

export interface ReversibilityRig {
  check(plan: unknown): Promise<Report>
  deploy(plan: unknown, more?: Record<string, unknown>): Promise<DeploymentBody>
  rollback(
    deploymentId: string,
    more?: Record<string, unknown>,
  ): Promise<{ status: number; body: DeploymentBody }>
  /** Creates so many leads with these values. */
  fill(values: Record<string, unknown>, count: number): Promise<unknown>
}

export const startReversibilityRig = async (): Promise<ReversibilityRig> => {
  const { rig, org, client, salesforceOrg } = await sharedClient('Enterprise')
  const { control } = rig.simulator
  await control.act('deploys/pace', { org: salesforceOrg.name, pendingMs: 0, runMs: 0 })
  const asked = { client_id: client.id, wait_seconds: 55 }
  return {
    check: async (plan) =>
      (await org.api.post<Report>('/api/conflicts/check', { ...asked, plan, refresh: true })).body,
    deploy: async (plan, more = {}) =>
      (
        await org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
          ...asked,
          plan,
          ...more,
        })
      ).body,
    rollback: (deploymentId, more = {}) =>
      org.api.post<DeploymentBody>('/api/deploy/rollback', {
        deployment_id: deploymentId,
        wait_seconds: asked.wait_seconds,
        ...more,
      }),
    fill: (values, count) =>
      control.act('records/fill', {
        org: salesforceOrg.name,
        object: 'Lead',
        count,
        template: { LastName: 'Row', Company: 'Acme', ...values },
      }),
  }
}
