// Compact layouts, list views and field sets through the public API.

import { beforeAll, describe, expect, it } from 'vitest'
import { text } from './deploy-bodies.ts'
import { planning, type Planning } from './planning.ts'

let to: Planning

beforeAll(async () => {
  to = await planning()
})

const codesOf = async (plan: object) =>
  (await to.check(plan)).findings.map(({ code, severity }) => `${severity} ${code}`)
const without = { permission_set: null, assign_to_connected_user: false }
const account = (more: object) => ({
  objects: [{ api_name: 'Account', ...more }],
  permissions: without,
})
const primaryOf = async (object: string) =>
  (await to.admin.metadata.read('CustomObject', object)).compactLayoutAssignment

const compact = (more: object = {}) => ({
  api_name: 'At_A_Glance',
  label: 'At a glance',
  fields: ['Name', 'Phone', 'Type'],
  ...more,
})
const view = (more: object = {}) => ({
  api_name: 'Big_Prospects',
  label: 'Big prospects',
  columns: ['Name', 'Phone', 'Region__c', 'CORE.USERS.ALIAS'],
  filters: [{ field: 'Type', operation: 'equals', value: 'Prospect' }],
  shared_to: { public_groups: ['Recruiters'] },
  ...more,
})
const fieldSet = (more: object = {}) => ({
  api_name: 'Card',
  label: 'Card',
  description: 'What the card shows',
  displayed_fields: ['Name', 'Region__c'],
  available_fields: ['Phone'],
  ...more,
})

describe('compact layouts, list views and field sets', () => {
  it('come with a new object, are left alone the second time, and go with it', async () => {
    const plan = {
      objects: [
        {
          api_name: 'Trip__c',
          label: 'Trip',
          plural_label: 'Trips',
          name_field: { label: 'Trip', type: 'Text' },
          fields: [text('Goal__c')],
          compact_layouts: [
            { api_name: 'Short', label: 'Short', fields: ['Name', 'Goal__c'], assign: true },
          ],
          list_views: [
            {
              api_name: 'My_Trips',
              label: 'My trips',
              filter_scope: 'Mine',
              columns: ['Name', 'Goal__c', 'OwnerId', 'CreatedDate'],
            },
          ],
          field_sets: [fieldSet({ displayed_fields: ['Goal__c'], available_fields: [] })],
        },
      ],
      permissions: without,
    }
    const codes = await codesOf(plan)
    expect(codes).toEqual(
      expect.arrayContaining([
        'green compact_layout_new',
        'green list_view_new',
        'green field_set_new',
      ]),
    )
    const made = await to.deploy(plan)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(await primaryOf('Trip__c')).toBe('Short')
    expect(await to.admin.metadata.read('ListView', 'Trip__c.My_Trips')).toMatchObject({
      columns: ['NAME', 'Goal__c', 'OWNER.ALIAS', 'CREATED_DATE'],
      filterScope: 'Mine',
    })
    const again = await to.deploy(plan)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })
    expect(await to.rollback(made.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true, differences: [] } },
    })
  })

  it('are created on a standard object, changed, and both are rolled back', async () => {
    const [former, parts] = [
      await primaryOf('Account'),
      {
        compact_layouts: [compact({ assign: true })],
        list_views: [view()],
        field_sets: [fieldSet()],
      },
    ]
    const made = await to.deploy(account(parts))
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(made.components.map(({ full_name: name, action }) => `${name} ${action}`)).toEqual([
      'Account updated',
      'Account.At_A_Glance created',
      'Account.Big_Prospects created',
      'Account.Card created',
    ])
    expect(await primaryOf('Account')).toBe('At_A_Glance')
    // The report reads what is there, and says of each whether the deploy changes it.
    const { reversibility } = await to.check(
      account({ ...parts, list_views: [view({ label: 'Other' })] }),
    )
    const reasonOf = (name: string) =>
      reversibility.find(({ component }) => component.full_name === name)?.reason
    expect(reasonOf('Account.At_A_Glance')).toContain('Nothing changes')
    expect(reasonOf('Account.Card')).toContain('Nothing changes')
    expect(reasonOf('Account.Big_Prospects')).toContain('Rollback restores it')

    const others = account({
      compact_layouts: [compact({ fields: ['Name', 'Industry'] })],
      list_views: [view({ label: 'Prospects', filters: [], shared_to: {} })],
      field_sets: [fieldSet({ displayed_fields: ['Phone'], available_fields: ['Industry'] })],
    })
    expect(await codesOf(others)).toEqual(
      expect.arrayContaining([
        'yellow compact_layout_exists',
        'yellow list_view_exists',
        'yellow field_set_exists',
      ]),
    )
    const changed = await to.deploy(others)
    expect(changed.components.map(({ action }) => action)).toEqual([
      'updated',
      'updated',
      'updated',
    ])
    expect(await to.admin.metadata.read('FieldSet', 'Account.Card')).toMatchObject({
      displayedFields: [{ field: 'Phone' }, { field: 'Name' }, { field: 'Region__c' }],
      availableFields: [{ field: 'Industry' }],
    })
    // Nobody has touched what the second one changed, but what the first one created is no longer as it
    // left it.
    expect((await to.rollback(made.id, { dry_run: true })).rollback?.kept).toHaveLength(3)
    expect(await to.rollback(changed.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true, differences: [] } },
    })
    expect(await to.rollback(made.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true, differences: [] } },
    })
    expect(await primaryOf('Account')).toBe(former)
  })

  it('are restored as far as nobody else changed them', async () => {
    const contacts = (view: object) => ({
      objects: [
        { api_name: 'Contact', list_views: [{ api_name: 'Desk', label: 'Desk', ...view }] },
      ],
      permissions: without,
    })
    await to.deploy(contacts({ columns: ['Name', 'Email'] }))
    const changed = await to.deploy(contacts({ label: 'Front desk', columns: ['Name', 'Phone'] }))
    const now = await to.admin.metadata.read('ListView', 'Contact.Desk')
    await to.admin.metadata.update('ListView', { ...now, label: 'Back desk' })
    const back = await to.rollback(changed.id)
    expect(back).toMatchObject({
      status: 'deployed',
      rollback: {
        status: 'partial',
        restored: [{ full_name: 'Contact.Desk' }],
        kept: [{ full_name: 'Contact.Desk', reason: 'Changed by somebody else since: label.' }],
      },
    })
    expect(await to.admin.metadata.read('ListView', 'Contact.Desk')).toMatchObject({
      label: 'Back desk',
      columns: ['FULL_NAME', 'CONTACT.EMAIL'],
    })
  })

  it('are refused fields that do not exist, by the report and by Salesforce', async () => {
    const plan = account({
      compact_layouts: [compact({ fields: ['Name', 'Nope__c'] })],
      list_views: [view({ columns: ['Nope__c'], filters: [], shared_to: { roles: ['Nobody'] } })],
      field_sets: [fieldSet({ displayed_fields: ['Nope__c'] })],
    })
    expect((await codesOf(plan)).filter((code) => code.startsWith('red')).toSorted()).toEqual([
      'red compact_layout_field_missing',
      'red field_set_field_missing',
      'red list_view_field_missing',
      'red list_view_shared_to_missing',
    ])
    const failed = await to.deploy(plan)
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'components_failed' } })
    expect(failed.components.map(({ success }) => success)).toEqual([false, false, false])
  })
})
