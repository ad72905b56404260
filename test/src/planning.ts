// What suites of single kinds of components share: a client of its own in the shared rig, its plans
// checked, deployed and rolled back through the API, and its Salesforce org as its administrator sees
// it.

import { Connection } from '@jsforce/jsforce-node'
import { expect } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import { sharedRig } from './shared-rig.ts'

interface CheckBody {
  findings: { code: string; severity: string; message: string; path: string }[]
  reversibility: { component: { full_name: string }; level: string; reason: string }[]
}

/** A connected client with a snapshot, and what tests do with its plans. */
export const planning = async () => {
  const rig = await sharedRig()
  const salesforce = await rig.salesforceOrg()
  const org = await rig.org()
  const client = await org.client()
  await client.connect(salesforce.name)
  await client.pull()
  const sessionOf = async (who: 'admin' | 'integration'): Promise<Connection> => {
    const { token, instanceUrl } = await rig.simulator.control.openSession(
      salesforce.name,
      salesforce.usernameOf(who),
    )
    return new Connection({ instanceUrl, accessToken: token, version: '67.0' })
  }
  const post = async <T>(path: string, body: object): Promise<T> => {
    const answer = await org.api.post<T>(path, { wait_seconds: 55, ...body })
    expect([200, 201], answer.text).toContain(answer.status)
    return answer.body
  }
  return {
    client,
    salesforce,
    /** Requires 200 or 201. */
    post,
    /** A body that JSON.stringify could not write. */
    send: (path: string, body: string) =>
      org.api.raw(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }),
    /** As an administrator makes it in Setup. */
    addCustomPermission: (fullName: string) =>
      rig.simulator.control.act('schema/add-custom-permission', {
        org: salesforce.name,
        name: fullName,
      }),
    admin: await sessionOf('admin'),
    /** As the connected user, who sees what is permitted to them. */
    connected: () => sessionOf('integration'),
    check: (plan: object) =>
      post<CheckBody>('/api/conflicts/check', { client_id: client.id, plan }),
    deploy: (plan: object) =>
      post<DeploymentBody>('/api/deploy/custom-objects', { client_id: client.id, plan }),
    rollback: (deployment_id: string, more: object = {}) =>
      post<DeploymentBody>('/api/deploy/rollback', { deployment_id, ...more }),
    /** The problem of a rollback that is refused. */
    refusedRollback: async (deployment_id: string) => {
      const { body } = await org.api.post<{ code: string; errors: { path: string }[] }>(
        '/api/deploy/rollback',
        { deployment_id, wait_seconds: 55 },
      )
      return body
    },
  }
}

export type Planning = Awaited<ReturnType<typeof planning>>

/** Name and outcome of each component of a deployment. */
export const actionsOf = ({ components }: DeploymentBody): string[] =>
  components.map(({ full_name, action }) => `${full_name} ${action}`)
