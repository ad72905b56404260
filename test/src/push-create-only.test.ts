// Fields that can be set only when a record is created: a later push of the row changes everything else.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  makePushRig,
  pushRecords,
  type PushBody,
  type PushRig,
  type Row,
  type RowResult,
} from './push-support.ts'
import { type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

let rig: SharedRig
let acme: string
let org: TestOrg
let pushRig: PushRig

const act: SharedRig['simulator']['control']['act'] = (...call) =>
  rig.simulator.control.act(...call)
const key = (name: string) => ({
  name,
  type: 'string',
  length: 60,
  externalId: true,
  unique: true,
  idLookup: true,
})

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg()).name
  org = await rig.org()
  await act('schema/add-object', { org: acme, name: 'Line__c' })
  const master = {
    name: 'Company__c',
    type: 'reference',
    referenceTo: ['Account'],
    relationshipName: 'Company__r',
    relationshipOrder: 0,
    nillable: false,
    updateable: false,
  }
  const once = { name: 'Source__c', type: 'string', length: 20, updateable: false }
  const note = { name: 'Note__c', type: 'string', length: 40 }
  for (const field of [key('Key__c'), master, once, note]) {
    await act('schema/add-field', { org: acme, object: 'Line__c', field })
  }
  for (const object of ['CampaignMember', 'PricebookEntry', 'OpportunityContactRole']) {
    await act('schema/add-field', { org: acme, object, field: key('Key__c') })
  }
  pushRig = await makePushRig(rig, org, acme)
  const warnings = { client_id: pushRig.client.id }
  const create = async (body: Row) => {
    const answer = await org.api.post<{ warnings: { code: string }[] }>('/api/mappings/create', {
      ...warnings,
      ...body,
    })
    expect(answer.status, answer.text).toBe(201)
    return answer.body.warnings.map(({ code }) => code)
  }
  const told = await create({
    canonical_object: 'line',
    sfdc_object: 'Line__c',
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'company', sfdc_field: 'Company__r.Key__c' },
      { canonical_field: 'source', sfdc_field: 'Source__c' },
      { canonical_field: 'note', sfdc_field: 'Note__c' },
    ],
  })
  expect(told).toEqual(expect.arrayContaining(['field_only_on_create', 'field_only_on_create']))
  await act('records/insert', {
    org: acme,
    object: 'Account',
    rows: [
      { Name: 'One', Key__c: 'one' },
      { Name: 'Two', Key__c: 'two' },
    ],
  })
})

const stored = async (prefix: string): Promise<Row[]> => {
  const rows = await act('records/list', { org: acme, object: 'Line__c', limit: 100_000 })
  return rows.filter(({ Key__c }) => String(Key__c).startsWith(prefix))
}
const told = (results: readonly RowResult[] = []) =>
  results.map(({ action, errors, warnings = [] }) => [
    action,
    ...errors.map(({ code }) => code),
    ...warnings.map(({ code, fields }) => `${code} ${String(fields)}`),
  ])
const LEFT_OUT = 'FIELD_ONLY_ON_CREATE company,source'

describe.each(['collections', 'bulk'] as const)('by %s', (transport) => {
  const push = (rows: Row[], options: Row = {}): Promise<PushBody> =>
    pushRecords(org.api, pushRig, rows, { transport, ...options }, 'line')
  const line = (at: string, more: Row = {}): Row => ({
    key: at,
    company: 'one',
    source: 'web',
    note: 'first',
    ...more,
  })

  it('rows of new records and of those that exist travel together, and all succeed', async () => {
    const at = `mix-${transport}-`
    expect(told((await push([line(`${at}1`), line(`${at}2`)])).results)).toEqual([
      ['created'],
      ['created'],
    ])
    const again = await push([
      line(`${at}1`, { note: 'second', source: 'fair' }),
      line(`${at}3`, { note: 'second' }),
      line(`${at}2`, { note: 'second', company: 'two' }),
    ])
    expect(told(again.results)).toEqual([['updated', LEFT_OUT], ['created'], ['updated', LEFT_OUT]])
    const rows = await stored(at)
    expect(rows).toHaveLength(3)
    for (const row of rows) expect(row).toMatchObject({ Note__c: 'second', Source__c: 'web' })
    expect(new Set(rows.map(({ Company__c }) => Company__c)).size).toBe(1)
  })

  it('a row reports what it sent and no more, and others fail for their own reasons', async () => {
    const at = `own-${transport}-`
    await push([line(`${at}1`), line(`${at}2`)])
    await act('schema/alter-field', {
      org: acme,
      object: 'Line__c',
      name: 'Note__c',
      changes: { length: 10 },
    })
    const again = await push([
      { key: `${at}1`, company: 'one', note: 'short' },
      line(`${at}2`, { note: 'much too long for it' }),
      line(`${at}4`, { company: 'nobody' }),
    ])
    await act('schema/alter-field', {
      org: acme,
      object: 'Line__c',
      name: 'Note__c',
      changes: { length: 40 },
    })
    const [first, second, third] = told(again.results)
    expect(first).toEqual(['updated', 'FIELD_ONLY_ON_CREATE company'])
    expect(second?.slice(0, 2)).toEqual(['failed', 'STRING_TOO_LONG'])
    expect(third).toEqual(['failed', 'INVALID_FIELD'])
  })

  it('many that exist take one further sending each', async () => {
    const at = `many-${transport}-`
    const rows = Array.from({ length: 450 }, (_, n) => line(`${at}${n}`))
    await push(rows)
    const again = await push(rows.map((row) => ({ ...row, note: 'second' })))
    expect(again).toMatchObject({ succeeded: 450, updated_count: 450, failed: 0 })
    expect(new Set(again.results?.map(({ attempts }) => attempts))).toEqual(new Set([2]))
    expect((await stored(at)).every(({ Note__c }) => Note__c === 'second')).toBe(true)
  })
})

it('all_or_none sends the set again as a whole, and one bad row still refuses it', async () => {
  const rows = (note: string): Row[] =>
    [1, 2].map((n) => ({ key: `aon-${n}`, company: 'one', source: 'web', note }))
  await pushRecords(org.api, pushRig, rows('first'), {}, 'line')
  const good = await pushRecords(
    org.api,
    pushRig,
    [...rows('second'), { key: 'aon-3', company: 'one', note: 'second' }],
    { all_or_none: true },
    'line',
  )
  expect(told(good.results)).toEqual([['updated', LEFT_OUT], ['updated', LEFT_OUT], ['created']])
  const bad = await pushRecords(
    org.api,
    pushRig,
    [...rows('third'), { key: 'aon-4', company: 'nobody', note: 'third' }],
    { all_or_none: true },
    'line',
  )
  expect(bad).toMatchObject({ succeeded: 0, failed: 3 })
  expect((await stored('aon-')).map(({ Note__c }) => Note__c)).toEqual([
    'second',
    'second',
    'second',
  ])
})

it('a campaign member keeps its campaign, and its status is changed', async () => {
  await act('records/insert', { org: acme, object: 'Campaign', rows: [{ Name: 'Fair' }] })
  await act('records/insert', {
    org: acme,
    object: 'Lead',
    rows: [{ LastName: 'Lovelace', Company: 'Engines' }],
  })
  const [campaign] = await act('records/list', { org: acme, object: 'Campaign' })
  const [lead] = await act('records/list', {
    org: acme,
    object: 'Lead',
    where: { LastName: 'Lovelace' },
  })
  await org.api.post('/api/mappings/create', {
    client_id: pushRig.client.id,
    canonical_object: 'member',
    sfdc_object: 'CampaignMember',
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'campaign', sfdc_field: 'CampaignId' },
      { canonical_field: 'lead', sfdc_field: 'LeadId' },
      { canonical_field: 'status', sfdc_field: 'Status' },
    ],
  })
  const row = { key: 'm1', campaign: campaign?.Id, lead: lead?.Id, status: 'Sent' }
  const first = await pushRecords(org.api, pushRig, [row], {}, 'member')
  expect(first.results?.[0]).toMatchObject({ action: 'created' })
  const second = await pushRecords(
    org.api,
    pushRig,
    [{ ...row, status: 'Responded' }],
    {},
    'member',
  )
  expect(second.results?.[0]).toMatchObject({
    action: 'updated',
    warnings: [
      { code: 'FIELD_ONLY_ON_CREATE', fields: expect.arrayContaining(['campaign']) as string[] },
    ],
  })
})

it('an answer that is lost after such a field was left out is found as an update', async () => {
  const row = { key: 'lost-1', company: 'one', source: 'web', note: 'first' }
  await pushRecords(org.api, pushRig, [row], {}, 'line')
  await rig.simulator.control.addFault({
    ...{ org: acme, method: 'PATCH', path: '*/composite/sobjects/*', after: 1, times: 1 },
    kind: { type: 'close', when: 'after' },
  })
  const rows = [
    { ...row, note: 'second' },
    { ...row, key: 'lost-2', note: 'second' },
  ]
  const again = await pushRecords(org.api, pushRig, rows, {}, 'line')
  await rig.simulator.control.clearFaults(acme)
  expect(told(again.results)).toEqual([['updated', LEFT_OUT], ['created']])
  expect((await stored('lost-')).map(({ Note__c }) => Note__c)).toEqual(['second', 'second'])
})

describe('standard objects whose parents stay', () => {
  const made = async (object: string, row: Row): Promise<unknown> => {
    await act('records/insert', { org: acme, object, rows: [row] })
    return (await act('records/list', { org: acme, object })).at(-1)?.Id
  }

  it.each([
    {
      object: 'PricebookEntry',
      parents: async () => ({
        Pricebook2Id: await made('Pricebook2', { Name: 'Fair', IsActive: true }),
        Product2Id: await made('Product2', { Name: 'Engine', IsActive: true }),
      }),
      others: async () => ({ UnitPrice: 10, IsActive: true }),
      changed: { UnitPrice: 12 },
    },
    {
      object: 'OpportunityContactRole',
      parents: async () => ({
        OpportunityId: await made('Opportunity', {
          ...{ Name: 'Engine', StageName: 'Prospecting', CloseDate: '2027-01-31' },
        }),
      }),
      others: async () => ({
        ContactId: await made('Contact', { LastName: 'Lovelace' }),
        Role: 'Other',
      }),
      changed: { Role: 'Evaluator' },
    },
  ])('$object: all else is changed', async ({ object, parents, others, changed }) => {
    const own = await parents()
    const row: Row = { Key__c: 'std-1', ...own, ...(await others()) }
    await org.api.post('/api/mappings/create', {
      ...{ client_id: pushRig.client.id, canonical_object: object, sfdc_object: object },
      external_id_field: 'Key__c',
      fields: Object.keys(row).map((name) => ({ canonical_field: name, sfdc_field: name })),
    })
    expect(told((await pushRecords(org.api, pushRig, [row], {}, object)).results)).toEqual([
      ['created'],
    ])
    const again = await pushRecords(org.api, pushRig, [{ ...row, ...changed }], {}, object)
    expect(told(again.results)).toEqual([
      ['updated', `FIELD_ONLY_ON_CREATE ${Object.keys(own).join()}`],
    ])
    const [record] = await act('records/list', { org: acme, object, where: { Key__c: 'std-1' } })
    expect(record).toMatchObject({ ...own, ...changed })
  })
})

it('a status update of such a field is reported before it is sent', async () => {
  const answer = await org.api.post<PushBody>('/api/push/status-update', {
    client_id: pushRig.client.id,
    object: 'line',
    updates: [{ match: { key: 'aon-1' }, fields: { source: 'fair' } }],
    wait_seconds: 55,
  })
  const [result] = answer.body.results ?? []
  expect(result).toMatchObject({ attempts: 0, errors: [{ fields: ['source'] }] })
  expect(result?.errors[0]?.message).toContain('only when a record is created')
})
