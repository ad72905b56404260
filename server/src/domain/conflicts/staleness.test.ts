// A report of every kind of component: what somebody changes between the check and the deploy stops the
// deploy, and is named.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Control, createControl } from '../../../../simulator/src/control/client.ts'
import { type Simulator, startSimulator } from '../../../../simulator/src/index.ts'
import { createDatabase } from '../../../../test/src/database.ts'
import { EngineError } from '../../errors.ts'
import { COMPONENT_KINDS } from '../metadata/kinds.ts'
import { type ConflictsRig, createConflictsRig } from './testing/rig.ts'

let simulator: Simulator
let control: Control
let rig: ConflictsRig
const ORG = 'Acme'

beforeAll(async () => {
  simulator = await startSimulator()
  control = createControl(simulator.controlUrl)
  await control.act('deploys/pace', { org: ORG, pendingMs: 0, runMs: 0 })
  const { token, instanceUrl } = await control.openSession(ORG)
  rig = await createConflictsRig({ database: await createDatabase(), token, instanceUrl })
  const type = { api_name: 'Tax__mdt', label: 'Tax', plural_label: 'Taxes' }
  await control.act('schema/add-object', { org: ORG, name: type.api_name })
  await control.act('schema/add-field', {
    org: ORG,
    object: type.api_name,
    field: { name: 'Code__c', label: 'Code', type: 'string', length: 40 },
  })
  await deployed({
    objects: [JOB, { api_name: 'Lead', fields: [text('One__c'), text('Two__c')] }],
    permissions: { permission_set: 'Sell' },
  })
  await deployed({ permission_set_groups: [{ ...GROUP, description: 'Who sells' }] })
  await rig.pull()
})
afterAll(async () => {
  await rig.close()
  await simulator.close()
})

const JOB = {
  api_name: 'Job__c',
  label: 'Job',
  plural_label: 'Jobs',
  name_field: { label: 'Job', type: 'Text' },
}
const GROUP = { api_name: 'Sales', label: 'Sales', permission_sets: ['Sell'] }
const onLead = (more: object) => ({ objects: [{ api_name: 'Lead', ...more }] })
const text = (name: string) => ({ api_name: name, label: name, type: 'Text', length: 40 })
const MOOD = { api_name: 'Mood__c', label: 'Mood', type: 'Picklist', values: ['Good'] }
const without = { permission_set: null, assign_to_connected_user: false }

interface Sample {
  fullName: string
  /** A plan of one such component, in two variants. */
  plan: (text: string) => object
}

/** By type. */
const SAMPLES: Readonly<Record<string, Sample>> = {
  BusinessProcess: {
    fullName: 'Lead.Inbound',
    plan: (description) =>
      onLead({
        business_processes: [
          { api_name: 'Inbound', values: ['Open - Not Contacted'], description },
        ],
      }),
  },
  RecordType: {
    fullName: 'Job__c.Big',
    plan: (description) => ({
      objects: [
        { api_name: 'Job__c', record_types: [{ api_name: 'Big', label: 'Big', description }] },
      ],
    }),
  },
  ValidationRule: {
    fullName: 'Lead.Given',
    plan: (error_message) =>
      onLead({
        validation_rules: [
          { api_name: 'Given', error_condition_formula: 'ISBLANK(Company)', error_message },
        ],
      }),
  },
  CompactLayout: {
    fullName: 'Lead.Short',
    plan: (label) =>
      onLead({ compact_layouts: [{ api_name: 'Short', label, fields: ['Company'] }] }),
  },
  ListView: {
    fullName: 'Lead.Mine',
    plan: (label) => onLead({ list_views: [{ api_name: 'Mine', label, columns: ['Company'] }] }),
  },
  FieldSet: {
    fullName: 'Lead.Card',
    plan: (description) =>
      onLead({
        field_sets: [
          { api_name: 'Card', label: 'Card', description, displayed_fields: ['Company'] },
        ],
      }),
  },
  Layout: {
    fullName: 'Lead-Lead Layout',
    plan: (name) => ({
      ...onLead({ fields: [text(`${name}__c`)] }),
      layouts: [{ object: 'Lead', layout: 'Lead Layout', section: 'Ours', fields: [`${name}__c`] }],
    }),
  },
  GlobalValueSet: {
    fullName: 'Stages',
    plan: (label) => ({ global_value_sets: [{ api_name: 'Stages', label, values: ['New'] }] }),
  },
  Group: {
    fullName: 'Desk',
    plan: (label) => ({ public_groups: [{ api_name: 'Desk', label }] }),
  },
  Queue: {
    fullName: 'Calls',
    plan: (label) => ({ queues: [{ api_name: 'Calls', label, objects: ['Lead'] }] }),
  },
  CustomLabel: {
    fullName: 'Hello',
    plan: (value) => ({
      custom_labels: [{ api_name: 'Hello', value, short_description: 'Greeting' }],
    }),
  },
  PermissionSetGroup: {
    fullName: 'Sales',
    plan: (description) => ({ permission_set_groups: [{ ...GROUP, description }] }),
  },
  CustomMetadata: {
    fullName: 'Tax.AT',
    plan: (code) => ({
      custom_metadata_records: [
        { type: 'Tax__mdt', api_name: 'AT', label: 'Austria', values: { Code__c: code } },
      ],
    }),
  },
  CustomTab: { fullName: 'Job__c', plan: () => ({ objects: [JOB], tabs: ['Job__c'] }) },
  CustomApplication: {
    fullName: 'standard__LightningSales',
    plan: () => ({ app_tabs: [{ app: 'standard__LightningSales', tabs: ['standard-Solution'] }] }),
  },
}

/** Of these a plan can only say that they are there. */
const ALL_OR_NOTHING = new Set(['CustomTab', 'CustomApplication'])

const ended = async (id: string): Promise<void> => {
  while (!(await rig.deployments.get(rig.tenant, id)).is_final) {
    await rig.hurry()
    await rig.sweep()
  }
  expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({ status: 'deployed' })
}

const deployed = async (plan: object): Promise<void> => {
  const { id } = await rig.deployments.deploy(rig.caller, {
    client_id: rig.clientId,
    plan: { permissions: without, ...plan },
    wait_seconds: 0,
  })
  await ended(id)
}

const deployWith = (reportId: string, plan: object) =>
  rig.deployments
    .deploy(rig.caller, {
      client_id: rig.clientId,
      plan: { permissions: without, ...plan },
      conflict_report_id: reportId,
      accept: ['yellow'],
      wait_seconds: 0,
    })
    .catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error
      return { code: error.code, message: error.message }
    })
const goesAhead = async (reportId: string, plan: object): Promise<void> => {
  const accepted = await deployWith(reportId, plan)
  expect(accepted).toMatchObject({ status: 'pending' })
  if ('id' in accepted) await ended(accepted.id)
}
const check = (plan: object) => rig.check({ permissions: without, ...plan })

describe('a deploy with a report', () => {
  it('is tried for every kind whose content counts', () => {
    const counted = COMPONENT_KINDS.filter(({ comparedBy }) => comparedBy === undefined)
    expect(new Set(Object.keys(SAMPLES))).toEqual(new Set(counted.map(({ type }) => type)))
  })

  it.each(Object.entries(SAMPLES))(
    '%s: is refused where somebody made or changed it in between',
    async (type, { fullName, plan }) => {
      const [first, second] = [plan('One'), plan('Two')]
      await rig.pull()
      const early = await check(second)
      expect(early.findings.filter(({ severity }) => severity === 'red')).toEqual([])
      await deployed(first)
      await rig.pull()
      expect(await deployWith(early.id, second)).toMatchObject({
        code: 'topology_drifted',
        message: expect.stringContaining(fullName) as unknown,
      })
      if (ALL_OR_NOTHING.has(type)) return
      const late = await check(first)
      await deployed(second)
      expect(await deployWith(late.id, first)).toMatchObject({
        code: 'topology_drifted',
        message: expect.stringContaining(fullName) as unknown,
      })
    },
  )

  it('goes ahead where others change what it only adds to, or does not touch', async () => {
    const permissions = { ...without, permission_set: 'Sell' }
    const field = (name: string) => onLead({ fields: [text(name)] })
    await rig.pull()
    const plan = {
      objects: [{ api_name: 'Contact', fields: [text('Ours__c')] }],
      custom_labels: [{ api_name: 'Bye', value: 'Bye', short_description: 'Farewell' }],
      permissions,
    }
    const report = await check(plan)
    await deployed({ ...field('Hers__c'), permissions })
    await deployed({
      custom_labels: [{ api_name: 'Hello', value: 'Hi', short_description: 'Greeting' }],
    })
    await goesAhead(report.id, plan)
  })
})

describe('a check without refresh', () => {
  // Without access, the connected user would not see our fields.
  const permissions = { ...without, permission_set: 'Sell' }
  const pulls = async () =>
    (await rig.topology.history(rig.tenant, { client_id: rig.clientId, limit: 100 })).items
  const reds = (report: Awaited<ReturnType<typeof check>>) =>
    report.findings.filter(({ severity }) => severity === 'red')

  it('knows what we deployed after the snapshot, and the deploy with its report goes ahead', async () => {
    await rig.pull()
    const before = (await pulls()).length
    const object = { ...JOB, api_name: 'Visit__c', label: 'Visit', plural_label: 'Visits' }
    const own = {
      objects: [
        {
          api_name: 'Lead',
          fields: [MOOD],
        },
        {
          ...object,
          fields: [text('Place__c'), { ...MOOD, api_name: 'Sky__c' }],
          record_types: [{ api_name: 'Fair', label: 'Fair' }],
        },
      ],
      permissions,
    }
    await deployed(own)
    const again = await check(own)
    expect(reds(again)).toEqual([])
    const codes = again.findings.map(({ code }) => code)
    expect(codes).not.toContain('object_drifted')
    expect(codes).not.toContain('new_field')
    expect((await pulls())[0]).toMatchObject({ scope: ['Lead', 'Visit__c'] })

    const naming = {
      objects: [
        {
          api_name: 'Lead',
          list_views: [{ api_name: 'Moods', label: 'Moods', columns: ['Mood__c'] }],
        },
        {
          ...object,
          fields: [text('Floor__c')],
          record_types: [
            {
              api_name: 'Fair',
              label: 'Fair',
              picklist_values: [{ field: 'Sky__c', values: ['Good'] }],
            },
          ],
        },
      ],
    }
    const next = await check(naming)
    expect(reds(next)).toEqual([])
    // Its first pull has told everything.
    expect((await pulls()).length).toBe(before + 1)
    await goesAhead(next.id, naming)
  })

  it('knows of what a pull of other objects has not read since, and of values that any object may show', async () => {
    await rig.pull()
    const late = { ...onLead({ fields: [text('Late__c')] }), permissions }
    await deployed(late)
    await rig.pull(['Account'])
    expect(reds(await check(late))).toEqual([])
    const sets = {
      global_value_sets: [{ api_name: 'Tempers', label: 'Tempers', values: ['Calm'] }],
    }
    await deployed(sets)
    expect(reds(await check(onLead({ fields: [text('Later__c')] })))).toEqual([])
    expect((await pulls())[0]).toMatchObject({ scope: 'all' })
  })

  it('says of a field that somebody else created since that it is new, not that it is hidden', async () => {
    await rig.pull()
    await control.act('schema/add-field', {
      org: ORG,
      object: 'Lead',
      field: { name: 'Theirs__c', label: 'Theirs', type: 'string', length: 40 },
    })
    const plan = onLead({ fields: [text('Theirs__c')] })
    expect(reds(await check(plan))).toMatchObject([{ code: 'field_appeared' }])
    await rig.pull()
    expect(reds(await check(plan))).toEqual([])
  })
})
