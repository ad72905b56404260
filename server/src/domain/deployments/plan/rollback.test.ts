import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { until } from '../../../../../test/src/until.ts'
import { describe as describeObject } from '../../../salesforce/rest.ts'
import { readImages } from './images.ts'
import { parsePlan } from '../../plan/check.ts'
import { fileDifferences } from '../../metadata/equality.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
afterAll(async () => {
  await rig.close()
})

const text = (api_name: string, length = 40) => ({
  api_name,
  label: api_name.replace(/__c$/, '').replaceAll('_', ' '),
  type: 'Text',
  length,
})
const onLead = (set: string, ...fields: object[]) => ({
  objects: [{ api_name: 'Lead', fields }],
  permissions: { permission_set: set },
})
const objectPlan = (name: string) => ({
  objects: [
    {
      api_name: `${name}__c`,
      label: name,
      plural_label: `${name}s`,
      name_field: { label: 'Name', type: 'Text' },
      fields: [text('Title__c')],
    },
    { api_name: 'Lead', fields: [text(`${name}_Ref__c`)] },
  ],
  permissions: { permission_set: `Set_${name}` },
})

const leadFields = async (): Promise<Map<string, Record<string, unknown>>> => {
  const answer = await describeObject(rig.org, 'Lead')
  const fields = answer.result === 'ok' ? (answer.body.fields as { name: string }[]) : []
  return new Map(fields.map((field) => [field.name, field]))
}
const names = (list: readonly { full_name: string }[] = []): string[] =>
  list.map(({ full_name }) => full_name).sort()

describe('a rollback', () => {
  it('leaves the Salesforce org as it was before, and proves it by a second reading', async () => {
    const plan = parsePlan(objectPlan('Gone'))
    const before = await readImages(rig.org, plan)
    const { id } = await rig.deploy(objectPlan('Gone'))
    const done = await rig.rollback(id)
    expect(done.rollback).toMatchObject({
      status: 'complete',
      kept: [],
      remaining: [],
      error: null,
      proof: { complete: true, differences: [] },
    })
    expect(done.status).toBe('rolled_back')
    expect(names(done.rollback?.removed)).toEqual(
      expect.arrayContaining(['Gone__c', 'Lead.Gone_Ref__c', 'Set_Gone']),
    )
    const after = await readImages(rig.org, plan)
    expect([...after.files.keys()].sort()).toEqual([...before.files.keys()].sort())
    expect(after.files.get('objects/Lead.object')).toBe(before.files.get('objects/Lead.object'))
  })

  it('as a dry run says what it would do, and does nothing', async () => {
    const { id } = await rig.deploy(objectPlan('Dry'))
    const told = await rig.rollback(id, { dry_run: true })
    expect(told).toMatchObject({ status: 'deployed', rollback: { status: 'dry_run' } })
    expect(names(told.rollback?.removed)).toContain('Dry__c')
    expect((await leadFields()).has('Dry_Ref__c')).toBe(true)
    const done = await rig.rollback(id)
    expect(names(done.rollback?.removed)).toEqual(names(told.rollback?.removed))
  })

  it('refuses to lose data, names the rows, and goes ahead when that is meant', async () => {
    // Long text cannot be counted: it counts as filled if the object has rows.
    const { id } = await rig.deploy(
      onLead('Set_Full', {
        api_name: 'Notes__c',
        label: 'Notes',
        type: 'LongTextArea',
        length: 1000,
        visible_lines: 3,
      }),
    )
    const refused = await rig.rollback(id)
    expect(refused).toMatchObject({
      status: 'deployed',
      rollback: { status: 'failed', error: { code: 'data_would_be_lost' } },
    })
    expect(refused.rollback?.error?.errors).toMatchObject([{ path: 'Lead.Notes__c' }])
    expect((await leadFields()).has('Notes__c')).toBe(true)
    const done = await rig.rollback(id, { allow_data_loss: true })
    expect(done.status).toBe('rolled_back')
  })

  it('keeps what somebody changed since, unless it is named', async () => {
    const { id } = await rig.deploy(onLead('Set_Drift', text('Drift_A__c'), text('Drift_B__c')))
    await rig.control.act('schema/alter-field', {
      org: rig.sfdcOrg.name,
      object: 'Lead',
      name: 'Drift_A__c',
      changes: { length: 90 },
    })
    const first = await rig.rollback(id)
    expect(first.status).toBe('deployed')
    expect(names(first.rollback?.kept)).toContain('Lead.Drift_A__c')
    expect(names(first.rollback?.remaining)).toContain('Lead.Drift_A__c')
    const fields = await leadFields()
    expect([fields.has('Drift_A__c'), fields.has('Drift_B__c')]).toEqual([true, false])
    const second = await rig.rollback(id, {
      components: [
        { type: 'CustomField', full_name: 'Lead.Drift_A__c' },
        { type: 'PermissionSet', full_name: 'Set_Drift' },
      ],
    })
    expect((await leadFields()).has('Drift_A__c')).toBe(false)
    expect(second.status).toBe('rolled_back')
  })

  it('restores what the deployment changed', async () => {
    await rig.deploy(onLead('Set_Restore', text('Restored__c', 40)))
    const { id } = await rig.deploy(
      onLead('Set_Restore', { ...text('Restored__c', 80), label: 'Other' }),
    )
    expect((await leadFields()).get('Restored__c')).toMatchObject({ length: 80, label: 'Other' })
    const done = await rig.rollback(id)
    expect(done).toMatchObject({ status: 'rolled_back', rollback: { proof: { complete: true } } })
    expect((await leadFields()).get('Restored__c')).toMatchObject({
      length: 40,
      label: 'Restored',
    })
  })

  it('leaves a later deployment its entries in the same permission set', async () => {
    const first = await rig.deploy(onLead('Set_Shared', text('Shared_A__c')))
    await rig.deploy(onLead('Set_Shared', text('Shared_B__c')))
    const done = await rig.rollback(first.id)
    expect(done.status).toBe('rolled_back')
    const fields = await leadFields()
    expect([fields.has('Shared_A__c'), fields.has('Shared_B__c')]).toEqual([false, true])
  })

  it('is refused for what changed nothing, and for what is rolled back already', async () => {
    const { id } = await rig.deploy(onLead('Set_Checked', text('Only_Checked__c')), {
      check_only: true,
    })
    await expect(rig.rollback(id)).rejects.toMatchObject({ code: 'not_rollbackable' })
    const twice = await rig.deploy(onLead('Set_Twice', text('Twice__c')))
    await rig.rollback(twice.id)
    await expect(rig.rollback(twice.id)).rejects.toMatchObject({ code: 'not_rollbackable' })
  })

  it('that is abandoned claims to have rolled back nothing, and another one finds out', async () => {
    const setStatus = (status: string) =>
      rig.database.query('update crm_connections set status = $1', [status])
    const { id } = await rig.deploy(onLead('Set_Adrift', text('Adrift__c')))
    await rig.control.act('deploys/pace', { org: rig.sfdcOrg.name, pendingMs: 0, runMs: 60_000 })
    try {
      await rig.deployments.rollback(rig.caller, { deployment_id: id, wait_seconds: 0 })
      const killer = new AbortController()
      const working = rig.turn(id, killer.signal).catch(() => undefined)
      await until('it is sent', async () => (await rig.runsOf(id)).at(-1)?.stage === 'wait')
      killer.abort(new Error('killed'))
      await working
      await setStatus('expired')
      await rig.turn(id)
      await rig.database.query(
        `insert into topology_validators (org_id, client_id, kind, name, scope, last_modified)
         values ($1, $2, 'object', 'Lead', 'any', 'Mon, 01 Jan 2024 00:00:00 GMT')
         on conflict do nothing`,
        [rig.tenant.orgId, rig.clientId],
      )
      const abandoned = await rig.deployments.cancel(rig.caller, {
        deployment_id: id,
        abandon: true,
      })
      expect(abandoned).toMatchObject({
        status: 'deployed',
        is_final: true,
        progress: { stage: 'done' },
        rollback: {
          status: 'failed',
          error: {
            code: 'abandoned',
            message: expect.stringMatching(/Roll it back again/) as string,
          },
          ...{ removed: [], restored: [], proof: null },
        },
      })
      const known = await rig.database.query(
        `select name from topology_validators where kind = 'object' and name = 'Lead'`,
      )
      expect(known, 'the touched objects are read again').toEqual([])
    } finally {
      await setStatus('connected')
      await rig.control.act('deploys/pace', { org: rig.sfdcOrg.name, pendingMs: 0, runMs: 0 })
    }
    // Salesforce goes on with what was sent.
    await until('its field is gone', async () => !(await leadFields()).has('Adrift__c'))
    const again = await rig.rollback(id)
    expect(again).toMatchObject({
      status: 'rolled_back',
      rollback: { status: 'complete', kept: [], remaining: [], proof: { complete: true } },
    })
  })

  it('deactivates picklist values that a field gained, and says that they stay', async () => {
    const stage = (values: string[]) => ({
      api_name: 'Stage_Of__c',
      label: 'Stage Of',
      type: 'Picklist',
      values,
      restricted: true,
    })
    await rig.deploy(onLead('Set_Values', stage(['New', 'Old'])))
    const { id, components } = await rig.deploy(onLead('Set_Values', stage(['New', 'Old', 'Won'])))
    expect(components[0]).toMatchObject({ action: 'updated', reversibility: 'irreversible' })
    const done = await rig.rollback(id)
    const values = (await leadFields()).get('Stage_Of__c')?.picklistValues as {
      value: string
      active: boolean
    }[]
    expect(values.filter(({ active }) => active).map(({ value }) => value)).toEqual(['New', 'Old'])
    expect(names(done.rollback?.kept)).toContain('Lead.Stage_Of__c')
    expect(done.status).toBe('rolled_back')
  })

  it('takes out of shared layouts and profiles what it put in, and removes tabs and rules', async () => {
    const object = {
      api_name: 'Whole__c',
      label: 'Whole',
      plural_label: 'Wholes',
      name_field: { label: 'Name', type: 'Text' },
    }
    const layoutOf = (...fields: string[]) => [
      { object: 'Whole__c', layout: 'Whole Layout', section: 'Job data', fields },
    ]
    const made = await rig.deploy({
      objects: [{ ...object, fields: [text('Title__c')] }],
      permissions: { permission_set: 'Set_Whole' },
      layouts: layoutOf('Title__c'),
    })
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    const plan = {
      objects: [
        {
          ...object,
          fields: [text('On_Layout__c')],
          validation_rules: [
            {
              api_name: 'Titled',
              error_condition_formula: 'ISBLANK(On_Layout__c)',
              error_message: 'A title, please',
            },
          ],
        },
      ],
      permissions: { permission_set: 'Set_Whole', profiles: ['Admin'] },
      layouts: layoutOf('On_Layout__c'),
      tabs: ['Whole__c'],
    }
    const before = await readImages(rig.org, parsePlan(plan))
    const deployed = await rig.deploy(plan)
    expect(deployed).toMatchObject({ status: 'deployed', warnings: [], error: null })
    const done = await rig.rollback(deployed.id)
    expect(done.rollback).toMatchObject({ status: 'complete', error: null, kept: [] })
    const after = await readImages(rig.org, parsePlan(plan))
    const layout = 'layouts/Whole__c-Whole Layout.layout'
    const differing = fileDifferences(
      'Layout',
      before.files.get(layout) ?? '',
      after.files.get(layout) ?? '',
    )
    expect(differing).toEqual([])
    expect([...after.files.keys()].sort()).toEqual([...before.files.keys()].sort())
    expect(done.rollback?.proof).toMatchObject({ complete: true, differences: [] })
  })
})

describe('a rollback of what others name', () => {
  const rule = {
    type: 'assignment_rule',
    api_name: 'Lead.To_Web_Desk',
    definition: {
      form: 'assignment',
      entries: [
        {
          criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
          assign_to: { queue: 'Web_Desk' },
        },
      ],
    },
    activate: false,
  }

  it('keeps a queue that an assignment rule names, until the rule is gone', async () => {
    const { id } = await rig.deploy({
      public_groups: [{ api_name: 'Web_Staff', label: 'Web staff' }],
      queues: [
        {
          api_name: 'Web_Desk',
          label: 'Web desk',
          objects: ['Lead'],
          members: { public_groups: ['Web_Staff'] },
        },
      ],
    })
    const rules = await rig.deployWorkflows([rule])
    expect(rules.status).toBe('deployed')
    const first = await rig.rollback(id)
    expect(first.rollback).toMatchObject({
      status: 'partial',
      kept: [
        { full_name: 'Web_Desk', reason: 'It is used by the assignment rule Lead.To_Web_Desk.' },
        { full_name: 'Web_Staff', reason: 'It is a member of the queue Web_Desk.' },
      ],
    })
    expect((await rig.rollback(rules.id)).status).toBe('rolled_back')
    expect((await rig.rollback(id)).status).toBe('rolled_back')
  })

  it('keeps a public group that has members', async () => {
    const { id } = await rig.deploy({
      public_groups: [{ api_name: 'Joined', label: 'Joined' }],
    })
    const username = rig.sfdcOrg.usernames[0] ?? ''
    await rig.control.act('groups/join', {
      org: rig.sfdcOrg.name,
      group: 'Joined',
      username,
    })
    const { rollback } = await rig.rollback(id)
    expect(rollback).toMatchObject({
      status: 'partial',
      kept: [{ full_name: 'Joined', reason: 'It has 1 member. Remove them first.' }],
    })
  })
})
