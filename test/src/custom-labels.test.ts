// Custom labels through the public API: texts in one file, each a component of its own.

import { beforeAll, describe, expect, it } from 'vitest'
import { actionsOf, planning, type Planning } from './planning.ts'

let to: Planning
beforeAll(async () => {
  to = await planning()
})

const write = (fullName: string, value: string) =>
  to.admin.metadata.upsert('CustomLabel', {
    fullName,
    language: 'en_US',
    protected: false,
    shortDescription: fullName,
    value,
  })
const valueOf = async (name: string): Promise<string | undefined> =>
  (await to.admin.metadata.read('CustomLabel', name)).value
const plan = (...custom_labels: object[]) => ({ custom_labels })

describe('custom labels', () => {
  it('are made and changed one by one, left alone the second time, and rolled back', async () => {
    await write('Farewell', 'Bye')
    await write('Others', 'Not ours')
    const wish = plan(
      { api_name: 'Greeting', value: 'Hello & welcome', categories: ['Desk', 'Web'] },
      { api_name: 'Farewell', value: 'See you' },
    )
    const { findings, reversibility } = await to.check(wish)
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['label_exists', 'label_new']),
    )
    expect(reversibility.map(({ level }) => level)).toEqual(['reversible', 'reversible'])

    const made = await to.deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(actionsOf(made)).toEqual(['Greeting created', 'Farewell updated'])
    expect(await valueOf('Greeting')).toBe('Hello & welcome')
    expect(await valueOf('Farewell')).toBe('See you')

    const again = await to.deploy(wish)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })
    expect(actionsOf(again)).toEqual(['Greeting unchanged', 'Farewell unchanged'])

    const back = await to.rollback(made.id)
    expect(back).toMatchObject({
      status: 'rolled_back',
      rollback: {
        removed: [{ type: 'CustomLabel', full_name: 'Greeting' }],
        restored: [{ type: 'CustomLabel', full_name: 'Farewell' }],
        proof: { complete: true, differences: [] },
      },
    })
    expect(await to.admin.metadata.list({ type: 'CustomLabel' })).toMatchObject([
      { fullName: 'Farewell' },
      { fullName: 'Others' },
    ])
    expect(await valueOf('Farewell')).toBe('Bye')
  })

  it('stay while a formula shows them, and go with the fields of their own plan that do', async () => {
    const shows = (label: string) => ({
      api_name: `Says_${label}__c`,
      label: 'Says',
      type: 'Formula',
      result_type: 'Text',
      formula: `$Label.${label}`,
    })
    const made = await to.deploy({
      objects: [{ api_name: 'Lead', fields: [shows('Own')] }],
      permissions: { permission_set: 'Own_Label' },
      ...plan({ api_name: 'Own', value: 'Mine' }, { api_name: 'Shown', value: 'Yours' }),
    })
    expect(made).toMatchObject({ status: 'deployed', error: null })
    const other = await to.deploy({
      objects: [{ api_name: 'Contact', fields: [shows('Shown')] }],
      permissions: { permission_set: 'Other_Label' },
    })
    expect(other.status).toBe('deployed')

    const back = await to.rollback(made.id)
    expect(back.rollback).toMatchObject({
      status: 'partial',
      kept: [{ full_name: 'Shown', reason: 'It is used by Contact.Says_Shown__c.' }],
    })
    expect(back.rollback?.removed).toContainEqual({ type: 'CustomLabel', full_name: 'Own' })
    expect((await to.rollback(other.id)).status).toBe('rolled_back')
    expect((await to.rollback(made.id)).status).toBe('rolled_back')
  })

  it('stay where somebody changed them since, and are told with who did', async () => {
    const made = await to.deploy(plan({ api_name: 'Hint', value: 'Press any key' }))
    await write('Hint', 'Press the other key')
    const back = await to.rollback(made.id)
    expect(back.rollback?.kept).toMatchObject([
      {
        full_name: 'Hint',
        reason: 'Changed by somebody else since: value.',
        changed_by: expect.stringContaining('Admin') as string,
      },
    ])
    const forced = await to.rollback(made.id, {
      components: [{ type: 'CustomLabel', full_name: 'Hint' }],
    })
    expect(forced.status).toBe('rolled_back')
  })
})
