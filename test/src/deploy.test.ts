// Deploys and rollbacks through the public API: what was requested exists and is usable, and can be
// rolled back without a trace.

import { beforeAll, describe, expect, it } from 'vitest'
import { apiOf } from './api.ts'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { sharedClient, type SharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
let org: TestOrg
let client: TestClient
let acme: string

beforeAll(async () => {
  const mine = await sharedClient()
  ;({ rig, org, client } = mine)
  acme = mine.salesforceOrg.name
})

const deploy = (plan: unknown, more: Record<string, unknown> = {}) =>
  org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
    client_id: client.id,
    plan,
    wait_seconds: 55,
    ...more,
  })
const rollback = (deploymentId: string, more: Record<string, unknown> = {}) =>
  org.api.post<DeploymentBody>('/api/deploy/rollback', {
    deployment_id: deploymentId,
    wait_seconds: 55,
    ...more,
  })
const onLead = (set: string, ...fields: object[]) => ({
  objects: [{ api_name: 'Lead', fields }],
  permissions: { permission_set: set },
})
const object = (name: string, fields: object[]) => ({
  api_name: `${name}__c`,
  label: name,
  plural_label: `${name}s`,
  name_field: { label: 'Name', type: 'Text' },
  fields,
})

const describeOf = async (name: string): Promise<Record<string, Record<string, unknown>>> => {
  await client.pull({ objects: [name] })
  const answer = await org.api.post<{
    objects: Record<string, { fields: ({ name: string } & Record<string, unknown>)[] }>
  }>('/api/topology/get', { client_id: client.id, objects: [name] })
  const fields = answer.body.objects[name]?.fields ?? []
  return Object.fromEntries(fields.map((field) => [field.name, field]))
}
const version = async (): Promise<number> => (await client.pull()).version
const diff = async (from: number, to: number) => {
  const answer = await org.api.post<{ objects: unknown[]; automations: unknown[] }>(
    '/api/topology/diff',
    { client_id: client.id, from_version: from, to_version: to },
  )
  expect(answer.status).toBe(200)
  return [...answer.body.objects, ...answer.body.automations]
}
const deploysAtSalesforce = (name = acme) =>
  rig.simulator.control.act('deploys/list', { org: name }) as Promise<
    { id: string; status: string }[]
  >

/** Each field type of a plan, and what the connected user's describe must say about it. */
const FIELDS: [Record<string, unknown>, Record<string, unknown>][] = [
  [
    { type: 'Text', length: 64, unique: true, external_id: true, case_sensitive: true },
    { type: 'string', length: 64, unique: true, externalId: true, caseSensitive: true },
  ],
  [{ type: 'TextArea' }, { type: 'textarea', length: 255 }],
  [
    { type: 'LongTextArea', length: 32000, visible_lines: 5 },
    { type: 'textarea', length: 32000 },
  ],
  [
    { type: 'Html', length: 10000, visible_lines: 20 },
    { type: 'textarea', length: 10000, htmlFormatted: true },
  ],
  [
    { type: 'Number', precision: 8, scale: 3, unique: true },
    { type: 'double', precision: 8, scale: 3, unique: true },
  ],
  [
    { type: 'Currency', precision: 16, scale: 2 },
    { type: 'currency', precision: 16, scale: 2 },
  ],
  [
    { type: 'Percent', precision: 5, scale: 1 },
    { type: 'percent', precision: 5, scale: 1 },
  ],
  [
    { type: 'Checkbox', default: true },
    { type: 'boolean', defaultValue: true },
  ],
  [{ type: 'Date' }, { type: 'date' }],
  [{ type: 'DateTime' }, { type: 'datetime' }],
  [{ type: 'Time' }, { type: 'time' }],
  [
    { type: 'Email', unique: true, external_id: true },
    { type: 'email', unique: true, externalId: true },
  ],
  [{ type: 'Phone' }, { type: 'phone' }],
  [{ type: 'Url' }, { type: 'url' }],
  [
    { type: 'Picklist', values: ['Open', 'Filled', 'Closed'], default: 'Open', restricted: true },
    { type: 'picklist', restrictedPicklist: true },
  ],
  [
    { type: 'MultiselectPicklist', values: ['A', 'B'], restricted: false, visible_lines: 6 },
    { type: 'multipicklist', restrictedPicklist: false },
  ],
  [
    { type: 'AutoNumber', display_format: 'C-{0000}', external_id: true },
    { type: 'string', autoNumber: true, externalId: true },
  ],
  [
    { type: 'Lookup', reference_to: 'Account', relationship_name: 'Every_Accounts' },
    { type: 'reference', referenceTo: ['Account'] },
  ],
  [
    { type: 'MasterDetail', reference_to: 'Campaign', relationship_name: 'Every_Parts' },
    { type: 'reference', referenceTo: ['Campaign'], nillable: false },
  ],
  [
    { type: 'Formula', result_type: 'Text', formula: 'LEFT(Name, 1)' },
    { type: 'string', calculated: true, calculatedFormula: 'LEFT(Name, 1)' },
  ],
  [
    { type: 'Formula', result_type: 'Number', formula: '1 + 1', scale: 2 },
    { type: 'double', calculated: true, scale: 2 },
  ],
  [{ type: 'Location', scale: 5 }, { type: 'location' }],
  [
    { type: 'EncryptedText', length: 11, mask_char: 'X', mask_type: 'lastFour' },
    { type: 'encryptedstring', length: 11 },
  ],
]

describe('a deploy', () => {
  it('puts every field type in place as planned, visible to the connected user', async () => {
    const named = FIELDS.map(([field, seen], index) => ({
      field: { api_name: `F${index}__c`, label: `F ${index}`, ...field },
      seen: { label: `F ${index}`, ...seen },
    }))
    const answer = await deploy({
      objects: [
        {
          ...object(
            'Every',
            named.map(({ field }) => field),
          ),
          sharing_model: 'ControlledByParent',
        },
        // A roll-up is on the master's side.
        {
          api_name: 'Campaign',
          fields: [
            {
              api_name: 'Every_Count__c',
              label: 'Every Count',
              type: 'Summary',
              operation: 'count',
              summary_foreign_key: 'Every__c.F18__c',
            },
          ],
        },
      ],
    })
    expect(answer.body).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(answer.status).toBe(200)
    const fields = await describeOf('Every__c')
    for (const { field, seen } of named) expect(fields[field.api_name]).toMatchObject(seen)
    expect(
      (
        fields.F14__c?.picklistValues as { value: string; defaultValue: boolean }[] | undefined
      )?.map(({ value, defaultValue }) => [value, defaultValue]),
    ).toEqual([
      ['Open', true],
      ['Filled', false],
      ['Closed', false],
    ])
    expect((await describeOf('Campaign')).Every_Count__c).toMatchObject({ calculated: true })

    const sent = (await deploysAtSalesforce()).length
    const again = await deploy({
      objects: [{ api_name: 'Every__c', fields: named.map(({ field }) => field) }],
    })
    expect(again.body.status).toBe('deployed')
    expect(new Set(again.body.components.map(({ action }) => action))).toEqual(
      new Set(['unchanged']),
    )
    expect((await deploysAtSalesforce()).length, 'nothing was sent').toBe(sent)
  })

  it("that Salesforce refuses leaves everything as it was and says it in Salesforce's words", async () => {
    const before = await version()
    const answer = await deploy({
      objects: [
        {
          api_name: 'Lead',
          fields: [
            text('Fine__c'),
            {
              api_name: 'Broken__c',
              label: 'Broken',
              type: 'Formula',
              result_type: 'Number',
              formula: 'Not_There__c + 1',
            },
          ],
        },
      ],
      permissions: { permission_set: 'Set_Broken' },
    })
    expect(answer.status).toBe(200)
    expect(answer.body.status).toBe('failed')
    const broken = answer.body.components.find(({ full_name }) => full_name === 'Lead.Broken__c')
    expect(broken).toMatchObject({ success: false })
    expect(broken?.problem?.message).toContain('Not_There__c')
    expect(broken?.problem?.file).toBe('objects/Lead.object')
    expect(await diff(before, await version())).toEqual([])
  })

  it('that Salesforce cannot take answers 502 with its own code and message', async () => {
    await rig.simulator.control.addFault({
      org: acme,
      path: '*/metadata/deployRequest',
      method: 'POST',
      kind: {
        type: 'status',
        status: 403,
        errorCode: 'INSUFFICIENT_ACCESS',
        message: 'use of the Metadata API requires a user with the ModifyMetadata permission',
      },
    })
    const answer = await deploy(onLead('Set_Refused', text('Refused__c')))
    expect(answer.status).toBe(502)
    expect(answer.body).toMatchObject({
      code: 'salesforce_error',
      upstream: {
        service: 'salesforce',
        status: 403,
        code: 'INSUFFICIENT_ACCESS',
        message: 'use of the Metadata API requires a user with the ModifyMetadata permission',
      },
    })
    expect(Object.keys(await describeOf('Lead'))).not.toContain('Refused__c')
  })

  it('of a bad plan is refused with the path, before anything is sent', async () => {
    const sent = (await deploysAtSalesforce()).length
    const answer = await deploy(
      onLead('Set_Bad', { api_name: 'Bad__c', label: 'Bad', type: 'Text', length: 900 }),
    )
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_plan'])
    expect(answer.body.errors?.[0]?.path).toBe('plan.objects.0.fields.0.length')
    expect((await deploysAtSalesforce()).length).toBe(sent)
  })
})

describe('a rollback', () => {
  it('leaves no trace: the diff of the snapshots before and after is empty, and says so itself', async () => {
    const before = await version()
    const { body } = await deploy({
      objects: [
        object('Posting', [text('Title__c'), { ...text('Key__c'), unique: true }]),
        { api_name: 'Lead', fields: [text('Posting_Ref__c')] },
      ],
      permissions: { permission_set: 'Set_Posting' },
      layouts: [
        { object: 'Lead', layout: 'Lead Layout', section: 'Job data', fields: ['Posting_Ref__c'] },
      ],
      tabs: ['Posting__c'],
    })
    expect(body).toMatchObject({ status: 'deployed', warnings: [] })
    expect((await diff(before, await version())).length).toBeGreaterThan(0)
    const told = await rollback(body.id, { dry_run: true })
    expect(told.body).toMatchObject({ status: 'deployed', rollback: { status: 'dry_run' } })
    const done = await rollback(body.id)
    expect(done.status).toBe(200)
    expect(done.body).toMatchObject({
      status: 'rolled_back',
      rollback: { status: 'complete', kept: [], remaining: [], proof: { complete: true } },
    })
    expect(done.body.rollback?.removed).toEqual(told.body.rollback?.removed)
    expect(await diff(before, await version())).toEqual([])
    const twice = await rollback(body.id)
    expect([twice.status, twice.body.code]).toEqual([409, 'not_rollbackable'])
  })

  it('of an object that now holds rows is refused with their number, until data loss is allowed', async () => {
    const { body } = await deploy({
      objects: [object('Filled', [text('Title__c')])],
      permissions: { permission_set: 'Set_Filled' },
    })
    await rig.simulator.control.act('records/fill', {
      org: acme,
      object: 'Filled__c',
      count: 3,
      template: { Name: 'A row' },
    })
    const refused = await rollback(body.id)
    expect([refused.status, refused.body.code]).toEqual([409, 'data_would_be_lost'])
    expect(refused.body.errors).toMatchObject([
      { path: 'Filled__c', message: expect.stringContaining('3') as unknown },
    ])
    expect(Object.keys(await describeOf('Filled__c'))).toContain('Title__c')
    const done = await rollback(body.id, { allow_data_loss: true })
    expect(done.body).toMatchObject({
      status: 'rolled_back',
      rollback: { proof: { complete: true } },
    })
  })

  it('keeps what somebody changed meanwhile and reports who and when; what was there before is untouched', async () => {
    await deploy(onLead('Set_Before', text('Before__c')))
    const { body } = await deploy(onLead('Set_Meanwhile', text('Ours__c'), text('Theirs__c')))
    await rig.simulator.control.act('schema/alter-field', {
      org: acme,
      object: 'Lead',
      name: 'Theirs__c',
      changes: { length: 90 },
    })
    const done = await rollback(body.id)
    expect(done.body.status).toBe('deployed')
    const kept = done.body.rollback?.kept.find(({ full_name }) => full_name === 'Lead.Theirs__c')
    expect(kept?.changed_by).toEqual(expect.any(String))
    expect(Date.parse(kept?.changed_at ?? '')).toBeGreaterThan(Date.now() - 600_000)
    const fields = await describeOf('Lead')
    expect([fields.Ours__c, fields.Theirs__c?.length, fields.Before__c?.length]).toEqual([
      undefined,
      90,
      40,
    ])
  })
})

/** Milliseconds; longer than any test: Salesforce goes on once the pace is set anew. */
const UNTIL_RELEASED = 600_000

describe('two replicas', () => {
  it('run one deploy of a client at once, and those of ten clients together', async () => {
    const names = await Promise.all(
      Array.from({ length: 10 }, async () => (await rig.salesforceOrg()).name),
    )
    const agency = await rig.org()
    const clients = await Promise.all(
      names.map(async (name) => {
        const one = await agency.client()
        await one.connect(name)
        return one
      }),
    )
    const pace = (runMs: number) =>
      Promise.all(names.map((org) => rig.simulator.control.act('deploys/pace', { org, runMs })))
    const send = (clientId: string, replica: number) =>
      apiOf(rig.urls[replica % 2 === 0 ? 0 : 1], agency.token).post<DeploymentBody>(
        '/api/deploy/custom-objects',
        {
          client_id: clientId,
          plan: onLead('Set_Ten', text('Ten__c')),
          wait_seconds: 55,
        },
      )
    const [only] = clients
    await pace(UNTIL_RELEASED)
    let refused = 0
    const running = Array.from({ length: 10 }, async (_, index) => {
      const answer = await send(only?.id ?? '', index)
      if (answer.status === 409) refused += 1
      return answer
    })
    await until('all but one are refused', () => refused === 9)
    await pace(0)
    const ten = await Promise.all(running)
    expect(ten.map((answer) => answer.status).toSorted()).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 409),
    ])
    expect(new Set(ten.map((answer) => answer.body.code))).toEqual(
      new Set([undefined, 'deployment_in_progress']),
    )
    await pace(UNTIL_RELEASED)
    const others = clients.slice(1)
    const together = Promise.all(others.map(({ id }, index) => send(id, index)))
    await until('all of them run at Salesforce at the same time', async () => {
      const lists = await Promise.all(
        names
          .slice(1)
          .map(
            (name) =>
              rig.simulator.control.act('deploys/list', { org: name }) as Promise<
                { status: string }[]
              >,
          ),
      )
      return lists.every((list) => list.some(({ status }) => status === 'InProgress'))
    })
    await pace(0)
    expect((await together).map((answer) => answer.body.status)).toEqual(
      others.map(() => 'deployed'),
    )
  })
})
