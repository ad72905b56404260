// Records of custom metadata types through the public API: settings with values of the types of their fields.

import { beforeAll, describe, expect, it } from 'vitest'
import { actionsOf, planning, type Planning } from './planning.ts'

let to: Planning
beforeAll(async () => {
  to = await planning()
  await to.admin.metadata.upsert('CustomObject', {
    fullName: 'Tier__mdt',
    label: 'Tier',
    pluralLabel: 'Tiers',
    visibility: 'Public',
  } as never)
  const field = (name: string, more: object) =>
    to.admin.metadata.upsert('CustomField', {
      fullName: `Tier__mdt.${name}`,
      label: name.replace('__c', ''),
      fieldManageability: 'SubscriberControlled',
      ...more,
    } as never)
  await field('Code__c', { type: 'Text', length: 10, required: true })
  await field('Active__c', { type: 'Checkbox', defaultValue: 'false' })
  await field('Factor__c', { type: 'Number', precision: 5, scale: 2 })
  await field('Whole__c', { type: 'Number', precision: 18, scale: 0 })
  await to.client.pull()
})

const record = (api_name: string, values: object) => ({
  type: 'Tier__mdt',
  api_name,
  label: api_name,
  values,
})
const plan = (...custom_metadata_records: object[]) => ({ custom_metadata_records })
const rowOf = async (name: string) =>
  (
    await to.admin.query(
      `SELECT MasterLabel, Code__c, Active__c, Factor__c FROM Tier__mdt WHERE DeveloperName = '${name}'`,
    )
  ).records[0]

describe('custom metadata records', () => {
  it('are made and changed, left alone the second time, and rolled back value by value', async () => {
    const first = await to.deploy(plan(record('Silver', { Code__c: 'AG', Factor__c: 1.5 })))
    expect(first).toMatchObject({ status: 'deployed', error: null })

    const wish = plan(
      record('Gold', { Code__c: 'AU', Active__c: true, Factor__c: 5 }),
      record('Silver', { Code__c: 'Ag', Active__c: true }),
    )
    const { findings } = await to.check(wish)
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['custom_metadata_record_new', 'custom_metadata_record_exists']),
    )
    expect(findings.filter(({ severity }) => severity === 'red')).toEqual([])

    const made = await to.deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(actionsOf(made)).toEqual(['Tier.Gold created', 'Tier.Silver updated'])
    expect(await rowOf('Gold')).toMatchObject({ Code__c: 'AU', Active__c: true, Factor__c: 5 })
    expect(await rowOf('Silver')).toMatchObject({ Code__c: 'Ag', Active__c: true, Factor__c: 1.5 })
    const again = await to.deploy(wish)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })

    // What an administrator changes in the meantime stays.
    const since = await to.deploy(plan(record('Silver', { Factor__c: 2 })))
    expect(since.status).toBe('deployed')
    expect(await to.rollback(made.id)).toMatchObject({
      status: 'rolled_back',
      rollback: {
        removed: [{ full_name: 'Tier.Gold' }],
        restored: [{ full_name: 'Tier.Silver' }],
        proof: { complete: true },
      },
    })
    expect(await rowOf('Gold')).toBeUndefined()
    expect(await rowOf('Silver')).toMatchObject({ Code__c: 'AG', Active__c: false, Factor__c: 2 })
  })

  it('read back as planned where Salesforce stores a value in its own way', async () => {
    const wish = plan(
      record('Odd', { Code__c: ' a\r\n<&> ', Active__c: null, Factor__c: 999.999 }),
      record('Even', { Code__c: 'it’s', Active__c: false, Factor__c: '12e0' }),
    )
    expect((await to.check(wish)).findings.map(({ severity }) => severity)).not.toContain('red')
    const made = await to.deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(made.components.every(({ success }) => success === true)).toBe(true)
    expect(await to.deploy(wish)).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })
  })

  it('keep every digit of a number that is sent as text; as a JSON number it is refused', async () => {
    const wish = (digits: string) =>
      `{"client_id":"${to.client.id}","wait_seconds":55,"plan":{"custom_metadata_records":[{"type":"Tier__mdt",` +
      `"api_name":"Long","label":"Long","values":{"Code__c":"L","Whole__c":${digits}}}]}}`
    const refused = await to.send('/api/deploy/custom-objects', wish('123456789012345678'))
    expect(refused).toMatchObject({
      status: 422,
      body: {
        errors: [
          {
            path: 'plan.custom_metadata_records.0.values.Whole__c',
            code: 'number_not_exact',
            message: expect.stringContaining('"123456789012345678"') as string,
          },
        ],
      },
    })
    for (const digits of ['123456789012345678', '123456789012345679']) {
      const made = await to.send('/api/deploy/custom-objects', wish(`"${digits}"`))
      expect(made.body, made.text).toMatchObject({ status: 'deployed', warnings: [] })
      const [read] = [await to.admin.metadata.read('CustomMetadata', 'Tier.Long')].flat()
      expect(JSON.stringify(read)).toContain(digits)
    }
  })

  it('are refused what their type does not take, by the report and before anything is sent', async () => {
    const wish = plan(record('Bronze', { Factor__c: 'a lot', Nope__c: 'x' }))
    const { findings } = await to.check(wish)
    expect(
      findings
        .filter(({ severity }) => severity === 'red')
        .map(({ code }) => code)
        .toSorted(),
    ).toEqual([
      'custom_metadata_field_missing',
      'custom_metadata_value_invalid',
      'custom_metadata_value_required',
    ])
    expect(await to.deploy(wish)).toMatchObject({
      status: 'failed',
      error: { code: 'invalid_plan' },
    })
    for (const values of [{ Code__c: 'x'.repeat(11) }, { Code__c: 'x', Factor__c: 1000 }]) {
      const beyond = plan(record('Bronze', values))
      expect((await to.check(beyond)).findings.map(({ code }) => code)).toContain(
        'custom_metadata_value_invalid',
      )
      expect(await to.deploy(beyond)).toMatchObject({ error: { code: 'invalid_plan' } })
    }
    const unknown = plan({ ...record('Bronze', {}), type: 'Nothing__mdt' })
    expect((await to.check(unknown)).findings.map(({ code }) => code)).toContain(
      'custom_metadata_type_missing',
    )
  })
})
