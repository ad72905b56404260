// Dependent picklists through the public API.

import { beforeAll, describe, expect, it } from 'vitest'
import { type Planning, planning } from './planning.ts'

let to: Planning
beforeAll(async () => {
  to = await planning()
})

const planOf = (...fields: object[]) => ({
  objects: [{ api_name: 'Account', fields }],
  permissions: { permission_set: 'Picklist_Users' },
})

const make = { api_name: 'Make__c', label: 'Make', type: 'Picklist', values: ['Audi', 'Volvo'] }
const model = (value_settings: object[], more: object = {}) => ({
  api_name: 'Model__c',
  label: 'Model',
  type: 'Picklist',
  values: ['A4', 'V60', 'Other'],
  controlling_field: 'Make__c',
  value_settings,
  ...more,
})
const SETTINGS = [
  { value: 'A4', controlling_values: ['Audi'] },
  { value: 'V60', controlling_values: ['Volvo'] },
  { value: 'Other', controlling_values: ['Audi'] },
]
const pairsOf = async (): Promise<string[]> => {
  const { valueSet } = await to.admin.metadata.read('CustomField', 'Account.Model__c')
  return [valueSet?.valueSettings ?? []]
    .flat()
    .flatMap(({ controllingFieldValue, valueName }) =>
      [controllingFieldValue ?? []].flat().map((value) => `${valueName ?? ''} ${value}`),
    )
    .toSorted()
}

describe('a dependent picklist', () => {
  it('is made with its controlling field, read back, left alone the second time, and goes', async () => {
    const wish = planOf(make, model(SETTINGS))
    const made = await to.deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(await pairsOf()).toEqual(['A4 Audi', 'Other Audi', 'V60 Volvo'])
    expect(await to.deploy(wish)).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })

    await to.client.pull()
    const more = planOf(model([{ value: 'Other', controlling_values: ['Volvo'] }]))
    const report = await to.check(more)
    expect(report.findings.filter(({ severity }) => severity === 'red')).toEqual([])
    expect(report.reversibility).toContainEqual(expect.objectContaining({ level: 'irreversible' }))
    const changed = await to.deploy(more)
    expect(changed).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(changed.components).toContainEqual(
      expect.objectContaining({
        full_name: 'Account.Model__c',
        action: 'updated',
        reversibility: 'irreversible',
      }),
    )
    const all = ['A4 Audi', 'Other Audi', 'Other Volvo', 'V60 Volvo']
    expect(await pairsOf()).toEqual(all)

    const back = await to.rollback(changed.id)
    expect(back.rollback?.kept).toMatchObject([
      {
        full_name: 'Account.Model__c',
        reason: expect.stringContaining('Other for Volvo') as string,
      },
    ])
    expect(await pairsOf()).toEqual(all)
    // The dependent one is not as its deployment left it, and its controlling field stays with it.
    const first = (await to.rollback(made.id)).rollback?.kept ?? []
    expect(first.filter(({ type }) => type === 'CustomField')).toMatchObject([
      { full_name: 'Account.Make__c', reason: 'Account.Model__c depends on it.' },
      { full_name: 'Account.Model__c', reason: 'Changed by somebody else since: valueSet.' },
    ])
    const components = ['Account.Make__c', 'Account.Model__c'].map((full_name) => ({
      type: 'CustomField',
      full_name,
    }))
    const gone = await to.rollback(made.id, { components })
    expect(gone.rollback?.removed).toMatchObject(components)
  })

  it('may hang on a checkbox, and on a standard picklist', async () => {
    const made = await to.deploy(
      planOf(
        { api_name: 'Leased__c', label: 'Leased', type: 'Checkbox' },
        model(
          [
            { value: 'A4', controlling_values: ['checked'] },
            { value: 'V60', controlling_values: ['checked', 'unchecked'] },
          ],
          { api_name: 'Terms__c', label: 'Terms', controlling_field: 'Leased__c' },
        ),
        model([{ value: 'A4', controlling_values: ['Energy'] }], {
          api_name: 'Segment__c',
          label: 'Segment',
          controlling_field: 'Industry',
        }),
      ),
    )
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(await to.rollback(made.id)).toMatchObject({ status: 'rolled_back' })
  })

  it('is refused what cannot control it, by the report and by Salesforce', async () => {
    const wish = planOf(
      model([{ value: 'A4', controlling_values: ['Nowhere'] }], {
        api_name: 'Third__c',
        label: 'Third',
        controlling_field: 'Industry',
      }),
      model(SETTINGS, { api_name: 'Other__c', label: 'Other', controlling_field: 'Nothing__c' }),
    )
    const red = (await to.check(wish)).findings.filter(({ severity }) => severity === 'red')
    expect(red.map(({ code, path }) => `${code} ${path}`).toSorted()).toEqual([
      'controlling_field_missing objects.0.fields.1.controlling_field',
      'controlling_value_missing objects.0.fields.0.value_settings',
    ])
    expect(await to.deploy(wish)).toMatchObject({
      status: 'failed',
      error: { code: 'components_failed' },
    })
  })
})
