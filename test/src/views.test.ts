// Compact layouts, list views and field sets through the public API.

import { Connection } from '@jsforce/jsforce-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { sharedRig } from './shared-rig.ts'
import { type TestClient, type TestOrg } from './rig.ts'

let org: TestOrg
let client: TestClient
/** The Salesforce org as its administrator sees it. */
let admin: Connection

beforeAll(async () => {
  const rig = await sharedRig()
  const salesforce = await rig.salesforceOrg()
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

const post = async <T>(path: string, body: object): Promise<T> => {
  const answer = await org.api.post<T>(path, { wait_seconds: 55, ...body })
  expect([200, 201], answer.text).toContain(answer.status)
  return answer.body
}
const deploy = (plan: object) =>
  post<DeploymentBody>('/api/deploy/custom-objects', { client_id: client.id, plan })
const rollback = (deployment_id: string, more: object = {}) =>
  post<DeploymentBody>('/api/deploy/rollback', { deployment_id, ...more })
const check = (plan: object) =>
  post<{
    findings: { code: string; severity: string }[]
    reversibility: { component: { full_name: string }; reason: string }[]
  }>('/api/conflicts/check', { client_id: client.id, plan })
const codesOf = async (plan: object) =>
  (await check(plan)).findings.map(({ code, severity }) => `${severity} ${code}`)
const without = { permission_set: null, assign_to_connected_user: false }
const account = (more: object) => ({
  objects: [{ api_name: 'Account', ...more }],
  permissions: without,
})
const primaryOf = async (object: string) =>
  (await admin.metadata.read('CustomObject', object)).compactLayoutAssignment

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
    const made = await deploy(plan)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(await primaryOf('Trip__c')).toBe('Short')
    expect(await admin.metadata.read('ListView', 'Trip__c.My_Trips')).toMatchObject({
      columns: ['NAME', 'Goal__c', 'OWNER.ALIAS', 'CREATED_DATE'],
      filterScope: 'Mine',
    })
    const again = await deploy(plan)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })
    expect(await rollback(made.id)).toMatchObject({
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
    const made = await deploy(account(parts))
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(made.components.map(({ full_name: name, action }) => `${name} ${action}`)).toEqual([
      'Account updated',
      'Account.At_A_Glance created',
      'Account.Big_Prospects created',
      'Account.Card created',
    ])
    expect(await primaryOf('Account')).toBe('At_A_Glance')
    // The report reads what is there, and says of each whether the deploy changes it.
    const { reversibility } = await check(
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
    const changed = await deploy(others)
    expect(changed.components.map(({ action }) => action)).toEqual([
      'updated',
      'updated',
      'updated',
    ])
    expect(await admin.metadata.read('FieldSet', 'Account.Card')).toMatchObject({
      displayedFields: [{ field: 'Phone' }, { field: 'Name' }, { field: 'Region__c' }],
      availableFields: [{ field: 'Industry' }],
    })
    // Nobody has touched what the second one changed, but what the first one created is no longer as it
    // left it.
    expect((await rollback(made.id, { dry_run: true })).rollback?.kept).toHaveLength(3)
    expect(await rollback(changed.id)).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true, differences: [] } },
    })
    expect(await rollback(made.id)).toMatchObject({
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
    await deploy(contacts({ columns: ['Name', 'Email'] }))
    const changed = await deploy(contacts({ label: 'Front desk', columns: ['Name', 'Phone'] }))
    const now = await admin.metadata.read('ListView', 'Contact.Desk')
    await admin.metadata.update('ListView', { ...now, label: 'Back desk' })
    const back = await rollback(changed.id)
    expect(back).toMatchObject({
      status: 'deployed',
      rollback: {
        status: 'partial',
        restored: [{ full_name: 'Contact.Desk' }],
        kept: [{ full_name: 'Contact.Desk', reason: 'Changed by somebody else since: label.' }],
      },
    })
    expect(await admin.metadata.read('ListView', 'Contact.Desk')).toMatchObject({
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
    const failed = await deploy(plan)
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'components_failed' } })
    expect(failed.components.map(({ success }) => success)).toEqual([false, false, false])
  })
})
