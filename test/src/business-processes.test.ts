// Business processes and what record types offer, through the public API.

import { Connection } from '@jsforce/jsforce-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import { type SalesforceOrg, sharedRig } from './shared-rig.ts'
import { type TestClient, type TestOrg } from './rig.ts'

let org: TestOrg
let client: TestClient
let salesforce: SalesforceOrg
/** The Salesforce org as its administrator sees it. */
let admin: Connection

beforeAll(async () => {
  const rig = await sharedRig()
  salesforce = await rig.salesforceOrg()
  org = await rig.org()
  client = await org.client()
  await client.connect(salesforce.name)
  await client.pull()
  const { token, instanceUrl } = await rig.simulator.control.openSession(
    salesforce.name,
    salesforce.usernameOf('admin'),
  )
  admin = new Connection({ instanceUrl, accessToken: token, version: '67.0' })
}, 60_000)

const on = (api_name: string, more: object) => ({
  objects: [{ api_name, ...more }],
  permissions: { permission_set: 'Process_Users' },
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
const findingsOf = async (plan: object) =>
  (
    await post<{ findings: { code: string; severity: string; path: string }[] }>(
      '/api/conflicts/check',
      { client_id: client.id, plan },
    )
  ).findings
const actionsOf = ({ components }: DeploymentBody) =>
  components
    .filter(({ type }) => type !== 'PermissionSet')
    .map(({ full_name, action }) => `${full_name} ${action}`)

const readProcess = (name: string) => admin.metadata.read('BusinessProcess', name)

describe('a business process', () => {
  const direct = on('Opportunity', {
    business_processes: [
      { api_name: 'Direct Sales', values: ['Prospecting', 'Proposal/Price Quote', 'Closed Won'] },
    ],
  })

  it('is made, left alone the second time, added to, and rolled back step by step', async () => {
    expect((await findingsOf(direct)).map(({ code }) => code)).toContain('business_process_new')
    const made = await deploy(direct)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(actionsOf(made)).toEqual(['Opportunity.Direct Sales created'])
    expect(await readProcess('Opportunity.Direct Sales')).toMatchObject({ isActive: true })

    const again = await deploy(direct)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })

    const before = await readProcess('Opportunity.Direct Sales')
    const more = on('Opportunity', {
      business_processes: [{ api_name: 'Direct Sales', values: ['Closed Lost'] }],
    })
    const changed = await deploy(more)
    expect(actionsOf(changed)).toEqual(['Opportunity.Direct Sales updated'])
    expect(JSON.stringify(await readProcess('Opportunity.Direct Sales'))).toContain('Closed Lost')

    expect(await rollback(changed.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true, differences: [] } },
    })
    expect(await readProcess('Opportunity.Direct Sales')).toEqual(before)
    expect(await rollback(made.id)).toMatchObject({ status: 'rolled_back' })
    const left = await admin.metadata.list({ type: 'BusinessProcess' })
    expect(left.map(({ fullName }) => fullName)).not.toContain('Opportunity.Direct Sales')
  })

  it('stays with a record type of the same plan, which Salesforce does not delete', async () => {
    const made = await deploy(
      on('Lead', {
        business_processes: [
          { api_name: 'Inbound', values: ['Working - Contacted', 'Closed - Converted'] },
        ],
        record_types: [{ api_name: 'Inbound', label: 'Inbound', business_process: 'Inbound' }],
      }),
    )
    expect(made).toMatchObject({ status: 'deployed', error: null })
    const back = await rollback(made.id)
    expect(back.rollback?.kept).toMatchObject([
      { full_name: 'Lead.Inbound', type: 'RecordType' },
      {
        full_name: 'Lead.Inbound',
        type: 'BusinessProcess',
        reason: 'It is used by the record type Lead.Inbound.',
      },
    ])
  })

  it('is refused values that its field does not have, by the report and by Salesforce', async () => {
    const wish = on('Case', {
      business_processes: [{ api_name: 'Repairs', values: ['New', 'Lost'] }],
    })
    const red = (await findingsOf(wish)).filter(({ severity }) => severity === 'red')
    expect(red.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'business_process_value_missing objects.0.business_processes.0.values',
    ])
    expect(await deploy(wish)).toMatchObject({
      status: 'failed',
      error: { code: 'components_failed' },
    })
  })
})

describe('what a record type offers of a picklist', () => {
  const readRecordType = (name: string) => admin.metadata.read('RecordType', name)
  const offeredOf = async (name: string, picklist: string): Promise<string[]> => {
    const { picklistValues } = await readRecordType(name)
    const found = [picklistValues ?? []].flat().find((each) => each.picklist === picklist)
    return [found?.values ?? []].flat().map(({ fullName }) => decodeURIComponent(fullName ?? ''))
  }
  const offering = (field: string, values: string[], fields: object[] = []) =>
    on('Account', {
      fields,
      record_types: [
        { api_name: 'Partner', label: 'Partner', picklist_values: [{ field, values }] },
      ],
    })

  it('is what the plan says where it is new, is added to, and narrowed again by a rollback', async () => {
    const tier = { api_name: 'Tier__c', label: 'Tier', type: 'Picklist', values: ['A', 'B', 'C/D'] }
    const made = await deploy(offering('Tier__c', ['A'], [tier]))
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(await offeredOf('Account.Partner', 'Tier__c')).toEqual(['A'])
    const industry = await offeredOf('Account.Partner', 'Industry')

    await client.pull()
    const more = offering('Tier__c', ['C/D'])
    expect((await findingsOf(more)).map(({ code }) => code)).toContain('record_type_values_added')
    const changed = await deploy(more)
    expect(actionsOf(changed)).toEqual(['Account.Partner updated'])
    expect(await offeredOf('Account.Partner', 'Tier__c')).toEqual(['A', 'C/D'])
    expect(await offeredOf('Account.Partner', 'Industry')).toEqual(industry)
    expect(await deploy(more)).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })

    const red = (await findingsOf(offering('Tier__c', ['E']))).filter(
      ({ severity }) => severity === 'red',
    )
    expect(red.map(({ code }) => code)).toEqual(['record_type_value_missing'])
    expect(await deploy(offering('Tier__c', ['E']))).toMatchObject({ status: 'failed' })

    expect(await rollback(changed.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], proof: { complete: true, differences: [] } },
    })
    expect(await offeredOf('Account.Partner', 'Tier__c')).toEqual(['A'])
  })
})
