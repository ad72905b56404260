// Global value sets through the public API: values that picklists of several objects share.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import { sharedRig } from './shared-rig.ts'
import { type TestClient, type TestOrg } from './rig.ts'

let org: TestOrg
let client: TestClient

beforeAll(async () => {
  const rig = await sharedRig()
  org = await rig.org()
  client = await org.client()
  await client.connect((await rig.salesforceOrg({ edition: 'Enterprise' })).name)
  await client.pull()
})

const setOf = (api_name: string, values: unknown[], more: object = {}) => ({
  api_name,
  label: api_name.replaceAll('_', ' '),
  values,
  ...more,
})
const fieldOn = (object: string, api_name: string, global_value_set: string) => ({
  api_name: object,
  fields: [{ api_name, label: api_name.replace('__c', ''), type: 'Picklist', global_value_set }],
})
const plan = (sets: object[], objects: object[] = [], permission_set = 'Set_Of_Values') => ({
  global_value_sets: sets,
  objects,
  permissions: { permission_set },
})

const deploy = async (wish: unknown): Promise<DeploymentBody> => {
  const { status, body } = await org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
    client_id: client.id,
    plan: wish,
    wait_seconds: 55,
  })
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}
const rollback = async (deploymentId: string): Promise<DeploymentBody> => {
  const { status, body } = await org.api.post<DeploymentBody>('/api/deploy/rollback', {
    deployment_id: deploymentId,
    wait_seconds: 55,
  })
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}
const actionsOf = ({ components }: DeploymentBody): Record<string, string> =>
  Object.fromEntries(components.map(({ full_name, action }) => [full_name, action]))

interface Field {
  name: string
  restrictedPicklist: boolean
  picklistValues: { value: string; label: string; active: boolean; defaultValue: boolean }[]
}

/** A field as a pull of the whole Salesforce org now shows it. */
const fieldNow = async (object: string, name: string): Promise<Field | undefined> => {
  await client.pull()
  const { body } = await org.api.post<{ objects: Record<string, { fields: Field[] }> }>(
    '/api/topology/get',
    { client_id: client.id, objects: [object] },
  )
  return body.objects[object]?.fields.find((field) => field.name === name)
}
const offered = (field: Field | undefined): string[] =>
  (field?.picklistValues ?? []).filter(({ active }) => active).map(({ value }) => value)

const check = async (wish: unknown) => {
  const { body } = await org.api.post<{
    findings: { code: string; severity: string; component: { full_name: string } }[]
    reversibility: { component: { full_name: string }; level: string; reason: string }[]
  }>('/api/conflicts/check', { client_id: client.id, plan: wish, wait_seconds: 55 })
  return body
}
const codesOf = async (wish: unknown): Promise<string[]> =>
  (await check(wish)).findings.map(({ code }) => code)

describe('a global value set', () => {
  it('is made with the fields that use it, is left alone the second time, and goes with them', async () => {
    const wish = plan(
      [setOf('Job_Kinds', ['Full', { value: 'Part', label: 'Part time' }], { default: 'Full' })],
      [fieldOn('Lead', 'Job_Kind__c', 'Job_Kinds')],
    )
    const codes = await codesOf(wish)
    expect(codes).toContain('value_set_new')
    expect(codes).not.toContain('value_set_missing')

    const made = await deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(actionsOf(made)).toMatchObject({ Job_Kinds: 'created', 'Lead.Job_Kind__c': 'created' })
    expect(made.components.every(({ success }) => success === true)).toBe(true)
    const field = await fieldNow('Lead', 'Job_Kind__c')
    expect(field?.restrictedPicklist).toBe(true)
    expect(field?.picklistValues).toMatchObject([
      { value: 'Full', label: 'Full', defaultValue: true },
      { value: 'Part', label: 'Part time', defaultValue: false },
    ])

    const again = await deploy(wish)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null, warnings: [] })
    expect(actionsOf(again)).toMatchObject({ Job_Kinds: 'unchanged' })

    const back = await rollback(made.id)
    expect(back).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true, differences: [] } },
    })
    expect(await fieldNow('Lead', 'Job_Kind__c')).toBeUndefined()
    const user = plan([], [fieldOn('Lead', 'Job_Kind__c', 'Job_Kinds')])
    expect(await codesOf(user)).toContain('value_set_missing')
  })

  it('and a list of its own are taken back in the reverse order of what added to them', async () => {
    const wish = (...values: string[]) =>
      plan(
        [setOf('Rounds', values)],
        [
          {
            api_name: 'Round__c',
            label: 'Round',
            plural_label: 'Rounds',
            name_field: { label: 'Name', type: 'Text' },
            fields: [
              ...fieldOn('Round__c', 'Shared__c', 'Rounds').fields,
              { api_name: 'Own__c', label: 'Own', type: 'Picklist', values },
            ],
          },
          {
            api_name: 'Contact',
            fields: [{ api_name: 'Own_Round__c', label: 'Own Round', type: 'Picklist', values }],
          },
        ],
        'Rounds',
      )
    const made: DeploymentBody[] = []
    for (const values of [['A'], ['A', 'B'], ['A', 'B', 'C']])
      made.push(await deploy(wish(...values)))
    for (const { id } of made.toReversed()) {
      expect(await rollback(id)).toMatchObject({
        status: 'rolled_back',
        rollback: { remaining: [], proof: { complete: true, differences: [] } },
      })
    }
    expect(await fieldNow('Contact', 'Own_Round__c')).toBeUndefined()
  })

  it('gets values, in fields of objects that the plan does not name too, and loses none', async () => {
    await deploy(
      plan(
        [setOf('Regions', ['North', 'South'])],
        [fieldOn('Account', 'Sales_Region__c', 'Regions')],
      ),
    )
    expect(offered(await fieldNow('Account', 'Sales_Region__c'))).toEqual(['North', 'South'])

    const wish = plan([setOf('Regions', ['East', { value: 'South', label: 'The South' }])])
    expect(await codesOf(wish)).toContain('value_set_shared')
    const added = await deploy(wish)
    expect(added).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(added.components).toMatchObject([
      { full_name: 'Regions', action: 'updated', reversibility: 'irreversible' },
    ])
    const field = await fieldNow('Account', 'Sales_Region__c')
    expect(offered(field)).toEqual(['North', 'South', 'East'])
    expect(field?.picklistValues.map(({ label }) => label)).toContain('The South')

    const back = await rollback(added.id)
    expect(back).toMatchObject({ status: 'rolled_back', rollback: { remaining: [] } })
    expect(back.rollback?.kept).toMatchObject([{ full_name: 'Regions' }])
    const after = await fieldNow('Account', 'Sales_Region__c')
    expect(offered(after)).toEqual(['North', 'South'])
    expect(after?.picklistValues.map(({ label }) => label)).not.toContain('The South')
  })

  it('that exists is reported alike by report and deployment, and rolled back accordingly', async () => {
    await deploy(plan([setOf('Stages', ['Open', 'Shut'])]))
    const told = async (wish: unknown) => {
      const report = (await check(wish)).reversibility.map(({ level, reason }) => [level, reason])
      const made = await deploy(wish)
      expect(made.components.map((one) => [one.reversibility, one.reason])).toEqual(report)
      return { level: report[0]?.[0], reason: report[0]?.[1], id: made.id }
    }
    const same = await told(plan([setOf('Stages', ['Shut'])]))
    expect([same.level, same.reason]).toEqual([
      'reversible',
      expect.stringContaining('Nothing changes'),
    ])
    const relabelled = await told(plan([setOf('Stages', [{ value: 'Open', label: 'Ajar' }])]))
    expect(relabelled.level).toBe('reversible')
    expect((await rollback(relabelled.id)).rollback).toMatchObject({ kept: [], remaining: [] })
    const grown = await told(plan([setOf('Stages', ['Won', 'Shut'])]))
    expect([grown.level, grown.reason]).toEqual([
      'irreversible',
      expect.stringContaining('deactivates Won'),
    ])
    const back = await rollback(grown.id)
    expect(back).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [{ full_name: 'Stages', reason: grown.reason }], remaining: [] },
    })
  })

  it('stays while a field that stays uses it, and says which', async () => {
    const made = await deploy(plan([setOf('Levels', ['Junior', 'Senior'])]))
    const user = await deploy(plan([], [fieldOn('Contact', 'Level__c', 'Levels')], 'Set_Level'))
    const first = await rollback(made.id)
    expect(first.status).toBe('deployed')
    expect(first.rollback?.kept).toMatchObject([
      { full_name: 'Levels', reason: 'It is used by Contact.Level__c.' },
    ])
    expect(offered(await fieldNow('Contact', 'Level__c'))).toEqual(['Junior', 'Senior'])
    await rollback(user.id)
    expect(await rollback(made.id)).toMatchObject({ status: 'rolled_back' })
  })

  it('cannot be given to a picklist that has values of its own, and the report says so', async () => {
    const wish = plan([setOf('Areas', ['EMEA'])], [fieldOn('Account', 'Region__c', 'Areas')])
    const red = (await check(wish)).findings.filter(({ severity }) => severity === 'red')
    expect(red).toMatchObject([
      { code: 'value_set_fixed', component: { full_name: 'Account.Region__c' } },
    ])
    const failed = await deploy(wish)
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'components_failed' } })
  })

  it('is refused a default that it does not have, with the path and what to do', async () => {
    const { components, ...failed } = await deploy(
      plan([setOf('Moods', ['Good'], { default: 'Bad' })]),
    )
    expect(components).toEqual([])
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'invalid_plan' } })
    expect(JSON.stringify(failed.error)).toContain('global_value_sets.0.default')
  })
})
