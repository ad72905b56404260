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
    // What our own rollback could not take back is nobody else's change.
    expect(await to.rollback(made.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], remaining: [], proof: { complete: true, differences: [] } },
    })
  })

  it('goes when its deployments are rolled back one after the other, the last one first', async () => {
    const planned = (makes: string[], models: string[], settings: object[], more: object = {}) => ({
      objects: [
        {
          api_name: 'Car__c',
          label: 'Car',
          plural_label: 'Cars',
          name_field: { label: 'Name', type: 'Text' },
          fields: [
            { ...make, values: makes },
            { ...model(settings), values: models },
          ],
          ...more,
        },
        {
          api_name: 'Contact',
          fields: [
            { ...make, values: makes },
            { ...model(settings), values: models },
          ],
        },
      ],
      permissions: { permission_set: 'Car_Users' },
    })
    const fleet = (...offers: object[]) => ({
      record_types: [{ api_name: 'Fleet', label: 'Fleet', picklist_values: offers }],
    })
    const ofMake = { field: 'Make__c', values: ['Audi'] }
    const deployments = [
      planned(['Audi', 'Volvo'], ['A4', 'V60', 'Other'], SETTINGS, fleet(ofMake)),
      // A pair of values that are there, of a value that comes with it, and a list of the record type.
      planned(
        ['Audi', 'Volvo'],
        ['A4', 'V60', 'Other', 'XC90'],
        [
          { value: 'Other', controlling_values: ['Volvo'] },
          { value: 'XC90', controlling_values: ['Volvo'] },
        ],
        fleet(ofMake, { field: 'Model__c', values: ['A4'] }),
      ),
      planned(
        ['Audi', 'Volvo', 'Saab'],
        ['A4', 'V60', 'Other', 'XC90'],
        [{ value: 'Other', controlling_values: ['Saab'] }],
      ),
    ]
    const made: string[] = []
    for (const wish of deployments) {
      const deployed = await to.deploy(wish)
      expect(deployed).toMatchObject({ status: 'deployed', warnings: [], error: null })
      made.push(deployed.id)
    }
    for (const id of made.toReversed()) {
      expect(await to.rollback(id)).toMatchObject({
        status: 'rolled_back',
        rollback: { remaining: [], proof: { complete: true, differences: [] } },
      })
    }
    const { fields } = await to.admin.describe('Contact')
    expect(fields.filter(({ name }) => ['Make__c', 'Model__c'].includes(name))).toEqual([])
    await expect(to.admin.describe('Car__c')).rejects.toThrow()
  })

  it('stays where somebody else added a pair, also after a rollback of ours', async () => {
    const name = { api_name: 'Grade__c', label: 'Grade' }
    const wish = (settings: object[]) => ({
      objects: [
        {
          api_name: 'Lead',
          fields: [
            { ...make, api_name: 'Brand__c' },
            model(settings, { ...name, controlling_field: 'Brand__c' }),
          ],
        },
      ],
      permissions: { permission_set: 'Grade_Users' },
    })
    const made = await to.deploy(wish(SETTINGS))
    const more = await to.deploy(wish([{ value: 'Other', controlling_values: ['Volvo'] }]))
    expect(await to.rollback(more.id)).toMatchObject({ status: 'rolled_back' })
    const field = await to.admin.metadata.read('CustomField', 'Lead.Grade__c')
    const theirs = { controllingFieldValue: ['Volvo'], valueName: 'A4' }
    await to.admin.metadata.update('CustomField', {
      ...field,
      valueSet: {
        ...field.valueSet,
        valueSettings: [field.valueSet?.valueSettings ?? [], theirs].flat(),
      },
    } as typeof field)
    const back = await to.rollback(made.id)
    expect(back.status).toBe('deployed')
    expect(back.rollback?.kept).toContainEqual(
      expect.objectContaining({
        full_name: 'Lead.Grade__c',
        changed_by: 'Ada Admin',
        reason: 'Changed by somebody else since: valueSet.',
      }),
    )
  })

  it('goes when its client leaves, although a rollback of ours left a pair in it', async () => {
    const leaving = await planning()
    const made = await leaving.deploy(planOf(make, model(SETTINGS)))
    const pair = { value: 'Other', controlling_values: ['Volvo'] }
    const more = await leaving.deploy(planOf(make, model([pair])))
    expect(await leaving.rollback(more.id)).toMatchObject({ status: 'rolled_back' })
    const labelled = planOf(
      make,
      model(SETTINGS, { label: 'Car model', values: ['A4', 'V60', 'Other'] }),
    )
    expect(await leaving.deploy(labelled)).toMatchObject({ status: 'deployed', error: null })
    const preview = await leaving.post<{ removed: { full_name: string }[]; stays: unknown[] }>(
      '/api/fleet/offboard/preview',
      { client_id: leaving.client.id },
    )
    expect(preview.stays).toEqual([])
    expect(preview.removed.map(({ full_name }) => full_name)).toEqual(
      expect.arrayContaining(['Account.Make__c', 'Account.Model__c']),
    )
    expect(made.status).toBe('deployed')
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
