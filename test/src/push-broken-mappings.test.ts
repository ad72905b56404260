// A mapping that needs something that no longer exists is broken, and says so before a row is sent.

import { beforeAll, expect, it } from 'vitest'
import { makePushRig, map, type PushRig, type Row } from './push-support.ts'
import { type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

let rig: SharedRig
let acme: string
let org: TestOrg
let pushRig: PushRig

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg()).name
  org = await rig.org()
  pushRig = await makePushRig(rig, org, acme)
})

interface Deployed {
  id: string
  status: string
}
interface Problem {
  code: string
  detail: string
  remedy: string
  errors?: { path: string; code: string; message: string }[]
}

const text = (api_name: string, more: Row = {}) => ({
  api_name,
  label: api_name,
  type: 'Text',
  length: 40,
  ...more,
})
const PLAN = {
  objects: [
    {
      api_name: 'Account',
      fields: [text('Sales_Zone__c'), text('Ledger_Key__c', { external_id: true, unique: true })],
    },
    {
      api_name: 'Visit__c',
      label: 'Visit',
      plural_label: 'Visits',
      name_field: { label: 'Visit', type: 'Text' },
      sharing_model: 'ReadWrite',
      fields: [text('Visit_Key__c', { external_id: true, unique: true })],
    },
  ],
}
const deploy = async (plan: unknown = PLAN): Promise<Deployed> => {
  const answer = await org.api.post<Deployed>('/api/deploy/custom-objects', {
    client_id: pushRig.client.id,
    plan,
    wait_seconds: 55,
  })
  expect([answer.status, answer.body.status], answer.text).toEqual([200, 'deployed'])
  return answer.body
}
const rollback = async (deployment: Deployed): Promise<void> => {
  const answer = await org.api.post<Deployed>('/api/deploy/rollback', {
    deployment_id: deployment.id,
    wait_seconds: 55,
  })
  expect([answer.status, answer.body.status], answer.text).toEqual([200, 'rolled_back'])
}
const field = (canonical_field: string, sfdc_field: string) => ({ canonical_field, sfdc_field })
const NAME = { ...field('name', 'Name'), required: true }
const push = (object: string, record: Row) =>
  org.api.post<Problem>('/api/push/records', {
    client_id: pushRig.client.id,
    object,
    records: [record],
    wait_seconds: 55,
  })
const findings = async (mappingId: string) => {
  const answer = await org.api.post<{
    valid: boolean
    findings: { code: string; message: string }[]
  }>('/api/mappings/validate', { mapping_id: mappingId })
  return answer.body
}

it('a rollback breaks the mappings of what it removes, and a second deploy mends them', async () => {
  const first = await deploy()
  await pushRig.client.pull()
  const company = await map(org, pushRig.client, {
    canonical_object: 'company',
    sfdc_object: 'Account',
    external_id_field: 'Key__c',
    fields: [field('key', 'Key__c'), NAME, field('region', 'Sales_Zone__c')],
  })
  const ledger = await map(org, pushRig.client, {
    canonical_object: 'ledger',
    sfdc_object: 'Account',
    external_id_field: 'Ledger_Key__c',
    fields: [field('key', 'Ledger_Key__c'), NAME],
  })
  const visit = await map(org, pushRig.client, {
    canonical_object: 'visit',
    sfdc_object: 'Visit__c',
    external_id_field: 'Visit_Key__c',
    fields: [field('key', 'Visit_Key__c'), NAME],
  })
  await rollback(first)

  for (const [object, mappingId, name, code] of [
    ['company', company, 'Account.Sales_Zone__c', 'field_unknown'],
    ['ledger', ledger, 'Account.Ledger_Key__c', 'field_unknown'],
    ['visit', visit, 'Visit__c', 'object_unknown'],
  ] as const) {
    const checked = await findings(mappingId)
    expect(checked.valid, object).toBe(false)
    expect(checked.findings, object).toContainEqual(
      expect.objectContaining({ code, message: expect.stringContaining(first.id) as string }),
    )
    const refused = await push(object, { key: 'a', name: 'A' })
    expect([refused.status, refused.body.code], refused.text).toEqual([409, 'mapping_broken'])
    expect(refused.body.detail).toContain(mappingId)
    expect(refused.body.errors?.[0]?.message).toContain(name)
    expect(refused.body.errors?.[0]?.message).toContain('Deploy it again')
  }
  const update = await org.api.post<Problem>('/api/push/status-update', {
    client_id: pushRig.client.id,
    object: 'company',
    updates: [{ match: { key: 'a' }, fields: { name: 'B' } }],
  })
  expect([update.status, update.body.code]).toEqual([409, 'mapping_broken'])

  // Salesforce: the name of a deleted object stays taken until it is erased.
  await rig.simulator.control.act('schema/erase-deleted', { org: acme })
  await deploy()
  expect((await findings(company)).valid).toBe(true)
  expect((await push('company', { key: 'a', name: 'A', region: 'North' })).status).toBe(200)
})

it('each part that a rollback removed stays removed, whatever rollback is asked for next', async () => {
  const fields = ['Part_One__c', 'Part_Two__c', 'Part_Three__c'].map((name) => text(name))
  const parts = await deploy({ objects: [{ api_name: 'Account', fields }] })
  await pushRig.client.pull()
  const mappingOf = (name: string) =>
    map(org, pushRig.client, {
      canonical_object: name,
      sfdc_object: 'Account',
      external_id_field: 'Key__c',
      fields: [field('key', 'Key__c'), NAME, field('part', `Part_${name}__c`)],
    })
  const [one, two] = [await mappingOf('One'), await mappingOf('Two')]
  const rollBackField = async (name: string): Promise<void> => {
    const answer = await org.api.post<Deployed>('/api/deploy/rollback', {
      deployment_id: parts.id,
      components: [{ type: 'CustomField', full_name: `Account.Part_${name}__c` }],
      wait_seconds: 55,
    })
    expect([answer.status, answer.body.status], answer.text).toEqual([200, 'deployed'])
  }
  await rollBackField('One')
  const isValid = async () => [(await findings(one)).valid, (await findings(two)).valid]
  expect(await isValid()).toEqual([false, true])
  await rollBackField('Two')
  expect(await isValid()).toEqual([false, false])
  const dry = await org.api.post('/api/deploy/rollback', {
    deployment_id: parts.id,
    dry_run: true,
    wait_seconds: 55,
  })
  expect(dry.status, dry.text).toBe(200)
  expect(await isValid()).toEqual([false, false])
})

it('what concerns no field of the mapping breaks nothing', async () => {
  const answer = await org.api.post('/api/push/records', {
    client_id: pushRig.client.id,
    object: 'placement',
    records: [{ key: 'p', title: 'T' }],
    wait_seconds: 55,
  })
  expect(answer.status, answer.text).toBe(200)
})
