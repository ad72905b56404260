// A report of every kind of component: what somebody changes between the check and the deploy stops the
// deploy, and is named.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControl } from '../../../../simulator/src/control/client.ts'
import { type Simulator, startSimulator } from '../../../../simulator/src/index.ts'
import { createDatabase } from '../../../../test/src/database.ts'
import { EngineError } from '../../errors.ts'
import { COMPONENT_KINDS } from '../metadata/kinds.ts'
import { type ConflictsRig, createConflictsRig } from './testing/rig.ts'

let simulator: Simulator
let rig: ConflictsRig
const ORG = 'Acme'

beforeAll(async () => {
  simulator = await startSimulator()
  const control = createControl(simulator.controlUrl)
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

const deployed = async (plan: object): Promise<void> => {
  const { id } = await rig.deployments.deploy(rig.caller, {
    client_id: rig.clientId,
    plan: { permissions: without, ...plan },
    wait_seconds: 0,
  })
  while (!(await rig.deployments.get(rig.tenant, id)).is_final) {
    await rig.hurry()
    await rig.sweep()
  }
  expect(await rig.deployments.get(rig.tenant, id)).toMatchObject({ status: 'deployed' })
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
    expect(await deployWith(report.id, plan)).toMatchObject({ status: 'pending' })
  })
})
