// Business processes and what record types offer, through the public API.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import { type Planning, planning } from './planning.ts'

let to: Planning
beforeAll(async () => {
  to = await planning()
})

const on = (api_name: string, more: object) => ({
  objects: [{ api_name, ...more }],
  permissions: { permission_set: 'Process_Users' },
})
const findingsOf = async (plan: object) => (await to.check(plan)).findings
const actionsOf = ({ components }: DeploymentBody) =>
  components
    .filter(({ type }) => type !== 'PermissionSet')
    .map(({ full_name, action }) => `${full_name} ${action}`)

const readProcess = (name: string) => to.admin.metadata.read('BusinessProcess', name)

describe('a business process', () => {
  const direct = on('Opportunity', {
    business_processes: [
      { api_name: 'Direct Sales', values: ['Prospecting', 'Proposal/Price Quote', 'Closed Won'] },
    ],
  })

  it('is made, left alone the second time, added to, and rolled back step by step', async () => {
    expect((await findingsOf(direct)).map(({ code }) => code)).toContain('business_process_new')
    const made = await to.deploy(direct)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(actionsOf(made)).toEqual(['Opportunity.Direct Sales created'])
    expect(await readProcess('Opportunity.Direct Sales')).toMatchObject({ isActive: true })

    const again = await to.deploy(direct)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })

    const before = await readProcess('Opportunity.Direct Sales')
    const more = on('Opportunity', {
      business_processes: [{ api_name: 'Direct Sales', values: ['Closed Lost'] }],
    })
    const changed = await to.deploy(more)
    expect(actionsOf(changed)).toEqual(['Opportunity.Direct Sales updated'])
    expect(JSON.stringify(await readProcess('Opportunity.Direct Sales'))).toContain('Closed Lost')

    expect(await to.rollback(changed.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true, differences: [] } },
    })
    expect(await readProcess('Opportunity.Direct Sales')).toEqual(before)
    expect(await to.rollback(made.id)).toMatchObject({ status: 'rolled_back' })
    const left = await to.admin.metadata.list({ type: 'BusinessProcess' })
    expect(left.map(({ fullName }) => fullName)).not.toContain('Opportunity.Direct Sales')
  })

  it('stays with a record type of the same plan, which Salesforce does not delete', async () => {
    const made = await to.deploy(
      on('Lead', {
        business_processes: [
          { api_name: 'Inbound', values: ['Working - Contacted', 'Closed - Converted'] },
        ],
        record_types: [{ api_name: 'Inbound', label: 'Inbound', business_process: 'Inbound' }],
      }),
    )
    expect(made).toMatchObject({ status: 'deployed', error: null })
    const back = await to.rollback(made.id)
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
    expect(await to.deploy(wish)).toMatchObject({
      status: 'failed',
      error: { code: 'components_failed' },
    })
  })
})

describe('what a record type offers of a picklist', () => {
  const readRecordType = (name: string) => to.admin.metadata.read('RecordType', name)
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
    const made = await to.deploy(offering('Tier__c', ['A'], [tier]))
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(await offeredOf('Account.Partner', 'Tier__c')).toEqual(['A'])
    const industry = await offeredOf('Account.Partner', 'Industry')

    await to.client.pull()
    const more = offering('Tier__c', ['C/D'])
    expect((await findingsOf(more)).map(({ code }) => code)).toContain('record_type_values_added')
    const changed = await to.deploy(more)
    expect(actionsOf(changed)).toEqual(['Account.Partner updated'])
    expect(await offeredOf('Account.Partner', 'Tier__c')).toEqual(['A', 'C/D'])
    expect(await offeredOf('Account.Partner', 'Industry')).toEqual(industry)
    expect(await to.deploy(more)).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })

    const red = (await findingsOf(offering('Tier__c', ['E']))).filter(
      ({ severity }) => severity === 'red',
    )
    expect(red.map(({ code }) => code)).toEqual(['record_type_value_missing'])
    expect(await to.deploy(offering('Tier__c', ['E']))).toMatchObject({ status: 'failed' })

    expect(await to.rollback(changed.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], proof: { complete: true, differences: [] } },
    })
    expect(await offeredOf('Account.Partner', 'Tier__c')).toEqual(['A'])
  })
})
