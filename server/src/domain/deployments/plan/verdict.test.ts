// Only Salesforce knows what uses a component. A dry run asks it, and promises nothing that it refuses;
// a refused rollback says what remains and why.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { type Deployment, type RollbackInput } from '../deployments.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
afterAll(async () => {
  await rig.close()
})

const text = (api_name: string) => ({ api_name, label: api_name, type: 'Text', length: 40 })
const formula = (api_name: string, words: string) => ({
  ...{ api_name, label: api_name, type: 'Formula', result_type: 'Text', formula: words },
})
const lookup = (api_name: string, reference_to: string, relationship_name: string) => ({
  ...{ api_name, label: api_name, type: 'Lookup', reference_to, relationship_name },
})
const on = (name: string, ...fields: object[]) => ({
  objects: [{ api_name: name, fields }],
  permissions: { permission_set: null, assign_to_connected_user: false },
})
const object = (name: string, ...fields: object[]) => ({
  objects: [
    {
      ...{ api_name: `${name}__c`, label: name, plural_label: `${name}s` },
      ...{ name_field: { label: 'Name', type: 'Text' }, fields },
    },
  ],
  permissions: { permission_set: null, assign_to_connected_user: false },
})

const deployed = async (plan: unknown): Promise<Deployment> => {
  const done = await rig.deploy(plan)
  expect(done).toMatchObject({ status: 'deployed', error: null })
  return done
}
/** Whether a deploy finds nothing to do. */
const isInPlace = async (plan: unknown): Promise<boolean> =>
  (await rig.deploy(plan, { check_only: true })).components.every(
    ({ action }) => action === 'unchanged',
  )

/** Nothing is granted, so that no values could be counted. */
const rollback = (id: string, input: Partial<RollbackInput> = {}): Promise<Deployment> =>
  rig.rollback(id, { allow_data_loss: true, ...input })

/** Each creates something, and then something else that uses it; returns what is used and by what. */
const USES: Record<string, () => Promise<{ id: string; used: string; by: string }>> = {
  'a later formula': async () => {
    const { id } = await deployed(on('Lead', text('Base_A__c'), text('Beside_A__c')))
    await deployed(on('Lead', formula('Shown_A__c', 'Base_A__c')))
    return { id, used: 'Lead.Base_A__c', by: 'Shown_A__c' }
  },
  'a formula that crosses objects': async () => {
    const { id } = await deployed(on('Account', text('Base_B__c')))
    await deployed(on('Contact', formula('Shown_B__c', 'Account.Base_B__c')))
    return { id, used: 'Account.Base_B__c', by: 'Shown_B__c' }
  },
  'a later validation rule': async () => {
    const { id } = await deployed(on('Lead', text('Base_C__c')))
    const rule = { api_name: 'Uses_C', error_condition_formula: 'LEN(Base_C__c) > 39' }
    await deployed({
      objects: [{ api_name: 'Lead', validation_rules: [{ ...rule, error_message: 'Long' }] }],
    })
    return { id, used: 'Lead.Base_C__c', by: 'Uses_C' }
  },
  'a later flow': async () => {
    const { id } = await deployed(on('Lead', text('Base_D__c')))
    const done = await rig.deployWorkflows([
      {
        ...{ type: 'flow', api_name: 'Uses_D', activate: false },
        definition: {
          ...{ form: 'record_triggered', label: 'Uses D', object: 'Lead', on: 'create' },
          action: { type: 'update_fields', fields: { Base_D__c: 'x' } },
        },
      },
    ])
    expect(done).toMatchObject({ status: 'deployed' })
    return { id, used: 'Lead.Base_D__c', by: 'Uses_D' }
  },
  'a lookup to an object that was made': async () => {
    const { id } = await deployed(object('Base_E', text('Title__c')))
    await deployed(on('Lead', lookup('Ref_E__c', 'Base_E__c', 'Ref_Es')))
    return { id, used: 'Base_E__c', by: 'Ref_E__c' }
  },
  'the filter of a later roll-up': async () => {
    const master = { ...lookup('Up_J__c', 'Account', 'Base_Js'), type: 'MasterDetail' }
    await deployed(object('Base_J', master))
    const { id } = await deployed(on('Base_J__c', text('Base_J__c')))
    const filter = { field: 'Base_J__c.Base_J__c', operation: 'equals', value: 'x' }
    await deployed(
      on('Account', {
        ...{ api_name: 'Shown_J__c', label: 'Shown', type: 'Summary', operation: 'count' },
        ...{ summary_foreign_key: 'Base_J__c.Up_J__c', filters: [filter] },
      }),
    )
    return { id, used: 'Base_J__c.Base_J__c', by: 'Shown_J__c' }
  },
  'the default value of a later field': async () => {
    const { id } = await deployed(on('User', text('Base_K__c')))
    await deployed(on('Lead', { ...text('Shown_K__c'), default_formula: '$User.Base_K__c' }))
    return { id, used: 'User.Base_K__c', by: 'Shown_K__c' }
  },
  'a later field set': async () => {
    const { id } = await deployed(on('Lead', text('Base_L__c')))
    const set = {
      api_name: 'Uses_L',
      label: 'Uses',
      description: 'Uses',
      displayed_fields: ['Base_L__c'],
    }
    await deployed({ objects: [{ api_name: 'Lead', field_sets: [set] }] })
    return { id, used: 'Lead.Base_L__c', by: 'Uses_L' }
  },
  'the formula of an assignment rule': async () => {
    const { id } = await deployed(on('Lead', text('Base_N__c'), text('My_Base_N__c')))
    const done = await rig.deployWorkflows([
      {
        ...{ type: 'assignment_rule', api_name: 'Lead.Uses_N', activate: false },
        definition: {
          form: 'assignment',
          entries: [{ formula: 'ISBLANK(My_Base_N__c)', assign_to: { user: rig.username } }],
        },
      },
    ])
    expect(done).toMatchObject({ status: 'deployed' })
    return { id, used: 'Lead.My_Base_N__c', by: 'Uses_N' }
  },
  'an assignment rule': async () => {
    const { id } = await deployed(on('Lead', text('Base_F__c')))
    const done = await rig.deployWorkflows([
      {
        ...{ type: 'assignment_rule', api_name: 'Lead.Uses_F', activate: false },
        definition: {
          form: 'assignment',
          entries: [
            {
              criteria: [{ field: 'Base_F__c', operator: 'equals', value: 'x' }],
              assign_to: { user: rig.username },
            },
          ],
        },
      },
    ])
    expect(done).toMatchObject({ status: 'deployed' })
    return { id, used: 'Lead.Base_F__c', by: 'Uses_F' }
  },
}

describe('a rollback of something that is used by', () => {
  it.each(Object.keys(USES))(
    '%s is promised by no dry run, and says what remains',
    async (what) => {
      const { id, used, by } = (await USES[what]?.()) ?? { id: '', used: '', by: '' }
      const told = await rollback(id, { dry_run: true })
      expect(told).toMatchObject({
        status: 'deployed',
        rollback: { status: 'dry_run', removed: [], restored: [] },
      })
      const reasonIn = ({ rollback }: Deployment) =>
        rollback?.remaining.find(({ full_name }) => full_name === used)?.reason
      expect(reasonIn(told)).toContain(by)
      const done = await rollback(id)
      expect(done).toMatchObject({
        status: 'deployed',
        rollback: { status: 'failed', removed: [] },
      })
      expect(reasonIn(done)).toBe(reasonIn(told))
      expect(done.rollback?.remaining).toEqual(told.rollback?.remaining)
    },
  )

  it('nothing any longer goes through as the dry run said', async () => {
    const plan = on('Lead', text('Base_G__c'))
    const { id } = await deployed(plan)
    const later = await deployed(on('Lead', formula('Shown_G__c', 'Base_G__c')))
    expect((await rollback(id, { dry_run: true })).rollback?.removed).toEqual([])
    expect(await rollback(later.id)).toMatchObject({ status: 'rolled_back' })
    const told = await rollback(id, { dry_run: true })
    expect(told.rollback).toMatchObject({ removed: [{ full_name: 'Lead.Base_G__c' }], error: null })
    expect(await isInPlace(plan)).toBe(true)
    expect(await rollback(id)).toMatchObject({ status: 'rolled_back' })
  })

  it('more than list views and compact layouts that show it goes through, and they show the rest', async () => {
    const { id } = await deployed(on('Lead', text('Base_O__c')))
    const shown = { label: 'Shown O', fields: ['Name', 'Base_O__c'] }
    await deployed({
      objects: [
        {
          api_name: 'Lead',
          list_views: [
            {
              api_name: 'Shown_O',
              label: 'Shown O',
              columns: ['Name', 'Base_O__c'],
              filter_scope: 'Mine',
            },
          ],
          compact_layouts: [{ ...shown, api_name: 'Shown_O' }],
        },
      ],
    })
    const told = await rollback(id, { dry_run: true })
    expect(told.rollback).toMatchObject({ removed: [{ full_name: 'Lead.Base_O__c' }], error: null })
    expect(await rollback(id)).toMatchObject({ status: 'rolled_back' })
  })

  it('only its own permission set, which is assigned, does not prevent it', async () => {
    const plan = { ...on('Lead', text('Base_H__c')), permissions: { permission_set: 'Set_Dry_H' } }
    const { id } = await deployed(plan)
    const told = await rollback(id, { dry_run: true })
    expect(told.rollback).toMatchObject({ status: 'dry_run', error: null, remaining: [] })
    const names = told.rollback?.removed.map(({ full_name }) => full_name)
    expect(names).toEqual(expect.arrayContaining(['Lead.Base_H__c', 'Set_Dry_H']))
    expect(await isInPlace(plan)).toBe(true)
  })
})

describe('a rollback of workflows', () => {
  it('that would restore a rule over a field that is gone is promised by no dry run', async () => {
    const field = await deployed(on('Lead', text('Base_I__c')))
    const rule = (condition: string) => [
      {
        ...{ type: 'validation_rule', api_name: 'Lead.Uses_I', activate: true },
        definition: { form: 'validation', condition, message: 'Long' },
      },
    ]
    await rig.deployWorkflows(rule('LEN(Base_I__c) > 38'))
    const { id } = await rig.deployWorkflows(rule('LEN(LastName) > 78'))
    expect(await rollback(field.id)).toMatchObject({ status: 'rolled_back' })
    const told = await rollback(id, { dry_run: true })
    expect(told.rollback).toMatchObject({ status: 'dry_run', restored: [] })
    expect(told.rollback?.remaining[0]?.reason).toContain('Base_I__c')
    const done = await rollback(id)
    expect(done.rollback).toMatchObject({ status: 'failed' })
    expect(done.rollback?.remaining).toEqual(told.rollback?.remaining)
  })
})
