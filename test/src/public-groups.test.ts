// Public groups through the public API: sets of users that queues and sharing rules can refer to.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestClient, type TestOrg } from './rig.ts'

let rig: SharedRig
let org: TestOrg
let client: TestClient
let salesforce: SalesforceOrg

beforeAll(async () => {
  rig = await sharedRig()
  salesforce = await rig.salesforceOrg()
  org = await rig.org()
  client = await org.client()
  await client.connect(salesforce.name)
  await client.pull()
})

const post = async <T>(path: string, body: object): Promise<T> => {
  const answer = await org.api.post<T>(path, { wait_seconds: 55, ...body })
  expect([200, 201], answer.text).toContain(answer.status)
  return answer.body
}
const deploy = (plan: object) =>
  post<DeploymentBody>('/api/deploy/custom-objects', { client_id: client.id, plan })
const rollback = (deployment_id: string) =>
  post<DeploymentBody>('/api/deploy/rollback', { deployment_id })
const codesOf = async (plan: object): Promise<string[]> => {
  const { findings } = await post<{ findings: { code: string }[] }>('/api/conflicts/check', {
    client_id: client.id,
    plan,
  })
  return findings.map(({ code }) => code)
}
const group = (api_name: string, label: string) => ({ api_name, label })

describe('a public group', () => {
  it('is made with the queue that has it as a member, is left alone the second time, and goes with it', async () => {
    const wish = {
      public_groups: [group('Front_Office', 'Front office')],
      queues: [
        {
          api_name: 'Front_Desk',
          label: 'Front desk',
          objects: ['Lead'],
          members: { public_groups: ['Front_Office'] },
        },
      ],
    }
    expect((await codesOf(wish)).toSorted()).toEqual(['public_group_new', 'queue_new'])
    const made = await deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(made.components).toMatchObject([
      { full_name: 'Front_Office', action: 'created', success: true },
      { full_name: 'Front_Desk', action: 'created', success: true },
    ])
    const again = await deploy(wish)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })
    expect(await rollback(made.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true, differences: [] } },
    })
    expect(await codesOf(wish)).toContain('public_group_new')
  })

  it('is changed without its members, and put back as it was', async () => {
    const wish = { public_groups: [group('Recruiters', 'All recruiters')] }
    expect(await codesOf(wish)).toEqual(['public_group_exists'])
    const changed = await deploy(wish)
    expect(changed.components).toMatchObject([{ full_name: 'Recruiters', action: 'updated' }])
    expect(await rollback(changed.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { restored: [{ full_name: 'Recruiters' }], proof: { complete: true } },
    })
  })

  it('stays while it has members', async () => {
    const made = await deploy({ public_groups: [group('Joined', 'Joined')] })
    await rig.simulator.control.act('groups/join', {
      org: salesforce.name,
      group: 'Joined',
      username: salesforce.usernameOf('admin'),
    })
    const back = await rollback(made.id)
    expect(back.status).toBe('deployed')
    expect(back.rollback?.kept).toMatchObject([
      { full_name: 'Joined', reason: 'It has 1 member. Remove them first.' },
    ])
  })
})
