// The rules of the Salesforce org during a push: assignment rules run only on request, duplicate rules
// are respected unless overridden, and all_or_none is one transaction.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  expectWhole,
  isOver,
  makePushRig,
  map,
  ndjson,
  overhear,
  placements,
  pushRecords,
  recordsOf,
  resultsOf,
  settled,
  type PushBody,
  type PushRig,
  type Row,
  type RowResult,
} from './push-support.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestOrg } from './rig.ts'

let rig: SharedRig
let acme: string
let usernameOf: SalesforceOrg['usernameOf']
let org: TestOrg
let pushRig: PushRig
/** The owner of records that no rule assigns: the user that pushes. */
let pusherId: unknown

const act: SharedRig['simulator']['control']['act'] = (...call) =>
  rig.simulator.control.act(...call)
const list = (object: string, where: Row = {}): Promise<Row[]> =>
  act('records/list', { org: acme, object, where, limit: 100_000 })

/** What an administrator finds with a query. */
const find = async (soql: string): Promise<Row> => {
  const { token, instanceUrl } = await rig.simulator.control.openSession(acme)
  const answer = await fetch(
    `${instanceUrl}/services/data/v66.0/query?q=${encodeURIComponent(soql)}`,
    { headers: { authorization: `Bearer ${token}` } },
  )
  const { records } = (await answer.json()) as { records: Row[] }
  const [record] = records
  if (record === undefined) throw new Error(`nothing is found by ${soql}`)
  return record
}

beforeAll(async () => {
  rig = await sharedRig()
  const made = await rig.salesforceOrg()
  acme = made.name
  usernameOf = (who) => made.usernameOf(who)
  org = await rig.org()
  const key = { type: 'string', length: 64, externalId: true, unique: true, idLookup: true }
  await act('schema/add-field', {
    org: acme,
    object: 'Case',
    field: { name: 'Key__c', ...key },
  })
  // Salesforce: a case without business hours gets the default ones.
  await act('schema/alter-field', {
    org: acme,
    object: 'Case',
    name: 'BusinessHoursId',
    changes: { nillable: true },
  })
  pushRig = await makePushRig(rig, org, acme)
  ;({ Id: pusherId } = await find(
    `SELECT Id FROM User WHERE Username = '${usernameOf('integration')}'`,
  ))
  await map(org, pushRig.client, {
    canonical_object: 'lead',
    sfdc_object: 'Lead',
    external_id_field: 'Source_Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Source_Key__c' },
      { canonical_field: 'last', sfdc_field: 'LastName', required: true },
      { canonical_field: 'firm', sfdc_field: 'Company', required: true },
      { canonical_field: 'source', sfdc_field: 'LeadSource' },
      { canonical_field: 'owner', sfdc_field: 'OwnerId' },
    ],
  })
  await map(org, pushRig.client, {
    canonical_object: 'ticket',
    sfdc_object: 'Case',
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'origin', sfdc_field: 'Origin' },
    ],
  })
  await map(org, pushRig.client, {
    canonical_object: 'person',
    sfdc_object: 'Contact',
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'last', sfdc_field: 'LastName', required: true },
      { canonical_field: 'email', sfdc_field: 'Email' },
    ],
  })
})

const codesOf = (results: readonly RowResult[] = []) =>
  results.map(({ errors: [error] }) => error?.code ?? null)

/** Sends to push/status-update or push/link. */
const send = async (path: string, body: Row): Promise<PushBody> => {
  const answer = await org.api.post<PushBody>(`/api/push/${path}`, {
    client_id: pushRig.client.id,
    wait_seconds: 55,
    ...body,
  })
  expect([200, 202], answer.text.slice(0, 1000)).toContain(answer.status)
  const push = isOver(answer.body) ? answer.body : await settled(org.api, answer.body.id)
  return { ...push, results: await resultsOf(org.api, push.id) }
}

describe.each(['collections', 'bulk'])('assignment rules by %s', (transport) => {
  const prefix = `as-${transport}`
  const lead = (name: string, more: Row = {}): Row => ({
    key: `${prefix}-${name}`,
    last: name,
    firm: 'Firm',
    // The active rule assigns leads from the web to a queue.
    source: 'Web',
    ...more,
  })
  const ownerOf = async (name: string, object = 'Lead', keyField = 'Source_Key__c') => {
    const [record] = await recordsOf(rig.simulator, acme, `${prefix}-${name}`, {
      object,
      keyField,
    })
    return record?.['OwnerId']
  }
  const queue = () =>
    find("SELECT Id FROM Group WHERE Type = 'Queue' AND DeveloperName = 'Inbound_Leads'")

  it('do not fire unless asked, neither on new records nor on changed ones', async () => {
    const created = await pushRecords(
      org.api,
      pushRig,
      [lead('a'), lead('b'), lead('c', { source: 'Partner' })],
      { transport },
      'lead',
    )
    expect(created).toMatchObject({ transport, created_count: 3 })
    expect([await ownerOf('a'), await ownerOf('b')]).toEqual([pusherId, pusherId])
    const changed = await pushRecords(
      org.api,
      pushRig,
      [lead('a', { firm: 'Other' }), lead('c')],
      { transport, assignment_rules: false },
      'lead',
    )
    expect(changed).toMatchObject({ updated_count: 2 })
    const updated = await send('status-update', {
      object: 'lead',
      updates: [{ match: { key: `${prefix}-b` }, fields: { source: 'Web', firm: 'Third' } }],
      options: { transport },
    })
    expect(updated).toMatchObject({ transport, updated_count: 1 })
    expect([await ownerOf('a'), await ownerOf('b'), await ownerOf('c')]).toEqual([
      pusherId,
      pusherId,
      pusherId,
    ])
  })

  it('fire when asked: the active one, or the one that is named', async () => {
    const pushed = await pushRecords(
      org.api,
      pushRig,
      [lead('d'), lead('e', { source: 'Partner' })],
      { transport, assignment_rules: true },
      'lead',
    )
    expect(pushed).toMatchObject({ transport, created_count: 2 })
    const { Id: queueId } = await queue()
    expect([await ownerOf('d'), await ownerOf('e')]).toEqual([queueId, pusherId])
    const updated = await send('status-update', {
      object: 'lead',
      updates: [{ match: { key: `${prefix}-e` }, fields: { source: 'Web' } }],
      options: { transport, assignment_rules: true },
    })
    expect(updated).toMatchObject({ transport, updated_count: 1 })
    expect(await ownerOf('e')).toBe(queueId)

    const rule = await find(
      "SELECT Id FROM AssignmentRule WHERE SobjectType = 'Case' AND Name = 'Holiday Cover'",
    )
    const admin = await find(`SELECT Id FROM User WHERE Username = '${usernameOf('admin')}'`)
    const ticket = (name: string): Row => ({ key: `${prefix}-${name}`, origin: 'Email' })
    for (const [name, assignment_rules] of [
      ['asked', rule['Id']],
      ['unasked', false],
    ] as const) {
      await pushRecords(org.api, pushRig, [ticket(name)], { transport, assignment_rules }, 'ticket')
    }
    expect([
      await ownerOf('asked', 'Case', 'Key__c'),
      await ownerOf('unasked', 'Case', 'Key__c'),
    ]).toEqual([admin['Id'], pusherId])
  })
})

describe('duplicate rules', () => {
  const people = () =>
    recordsOf(rig.simulator, acme, 'du-', { object: 'Contact', keyField: 'Key__c' })
  const person = (name: string, email = 'grace@acme.example'): Row => ({
    key: `du-${name}`,
    last: name,
    email,
  })

  it.each(['collections', 'bulk'])('are respected unless asked, by %s', async (transport) => {
    const pushed = await pushRecords(
      org.api,
      pushRig,
      [person('a'), person(transport, `${transport}@acme.example`)],
      { transport },
      'person',
    )
    expect(pushed).toMatchObject({ transport, status: 'partial', created_count: 1 })
    expect(codesOf(pushed.results)).toEqual(['DUPLICATES_DETECTED', null])
    expect(pushed.results?.[0]?.errors[0]?.remedy).toContain('allow_duplicates')
    expect((await people()).map(({ Key__c }) => Key__c)).not.toContain('du-a')
  })

  it('let rows pass when asked, by Collections however many there are', async () => {
    const many = Array.from({ length: 2_100 }, (_, n) => person(`m${n}`, `m${n}@acme.example`))
    const pushed = await pushRecords(
      org.api,
      pushRig,
      [person('a'), ...many],
      { allow_duplicates: true },
      'person',
    )
    expect(pushed).toMatchObject({
      transport: 'collections',
      status: 'succeeded',
      created_count: 2_101,
    })
    expect(await list('Contact', { Key__c: 'du-a' })).toMatchObject([{ LastName: 'a' }])
    const refused = await org.api.post('/api/push/records', {
      client_id: pushRig.client.id,
      object: 'person',
      records: [person('b')],
      options: { allow_duplicates: true, transport: 'bulk' },
    })
    expect([refused.status, refused.body['code']]).toEqual([400, 'bad_request'])
  })

  it('that block stay in the way of those who ask', async () => {
    const rule = { org: acme, object: 'Contact', name: 'Standard_Contact_Duplicate_Rule' }
    await act('records/set-duplicate-rule', { ...rule, action: 'block' })
    const pushed = await pushRecords(
      org.api,
      pushRig,
      [person('c')],
      { allow_duplicates: true },
      'person',
    )
    expect(codesOf(pushed.results)).toEqual(['DUPLICATES_DETECTED'])
    expect(await list('Contact', { Key__c: 'du-c' })).toEqual([])
  })
})

describe('all_or_none', () => {
  const options = { all_or_none: true }
  const stored = (prefix: string) => recordsOf(rig.simulator, acme, prefix)

  it.each([
    ['Salesforce', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', { stage: 'hired' }],
    ['the engine', 'STRING_TOO_LONG', { title: 'x'.repeat(41) }],
    ['Salesforce', 'INVALID_FIELD', { company: 'no such company' }],
  ])(
    'with one row that %s refuses (%s) writes none, and every row says so',
    async (by, code, bad) => {
      const prefix = `no-${code}`
      const rows = placements(prefix, 200)
      rows[117] = { ...rows[117], ...bad }
      const asked = await overhear(rig.simulator, acme)
      const push = await pushRecords(org.api, pushRig, rows, options)
      expectWhole(push, push.results ?? [])
      expect(push).toMatchObject({ status: 'failed', failed: 200, transport: 'collections' })
      const codes = codesOf(push.results)
      expect(codes[117]).toBe(code)
      expect(new Set(codes.filter((_, n) => n !== 117))).toEqual(
        new Set(['ALL_OR_NONE_OPERATION_ROLLED_BACK']),
      )
      expect(await stored(prefix)).toEqual([])
      const calls = await asked()
      expect(calls.filter(({ method }) => method !== 'GET')).toHaveLength(
        by === 'the engine' ? 0 : 1,
      )
    },
  )

  it('writes all 200 rows in one call when all are good', async () => {
    const asked = await overhear(rig.simulator, acme)
    const push = await pushRecords(org.api, pushRig, placements('all', 200), options)
    expect(push).toMatchObject({ status: 'succeeded', created_count: 200 })
    expect(await stored('all-')).toHaveLength(200)
    const calls = await asked()
    expect(calls.filter(({ method }) => method !== 'GET')).toHaveLength(1)
  })

  it('leaves existing records as they were', async () => {
    const before = await stored('all-')
    const rows = placements('all', 200).map((row) => ({ ...row, title: 'Changed' }))
    const push = await pushRecords(
      org.api,
      pushRig,
      rows.map((row, n) => (n === 199 ? { ...row, stage: 'hired' } : row)),
      options,
    )
    expect(push).toMatchObject({ status: 'failed', failed: 200 })
    expect(await stored('all-')).toEqual(before)
  })

  it('holds for status-update and link: one record that is missing, and nothing is changed', async () => {
    const before = await stored('all-')
    const match = (n: number) => ({ key: n === 3 ? 'nobody' : `all-${n}` })
    const numbers = Array.from({ length: 10 }, (_, n) => n)
    const updated = await send('status-update', {
      object: 'placement',
      updates: numbers.map((n) => ({ match: match(n), fields: { title: 'Changed' } })),
      options,
    })
    const [contact] = await list('Contact', { Email: 'grace@acme.example' })
    const linked = await send('link', {
      links: numbers.map((n) => ({
        object: 'placement',
        match: match(n),
        field: 'candidate',
        target: { object: 'person', match: { id: contact?.['Id'] } },
      })),
      options,
    })
    for (const { status, results } of [updated, linked]) {
      expect(status).toBe('failed')
      expect(codesOf(results)).toEqual(
        numbers.map((n) => (n === 3 ? 'RECORD_NOT_FOUND' : 'ALL_OR_NONE_OPERATION_ROLLED_BACK')),
      )
    }
    expect(await stored('all-')).toEqual(before)
  })

  it('takes 200 rows and not 201, whatever they come as', async () => {
    const before = await act('records/count', { org: acme, object: 'Placement__c' })
    const asked = await overhear(rig.simulator, acme)
    const envelope = { client_id: pushRig.client.id, object: 'placement', options }
    const rows = placements('over', 201)
    const json = await org.api.post('/api/push/records', { ...envelope, records: rows })
    const lines = await org.api.raw('/api/push/records', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: ndjson(envelope, rows),
    })
    const updates = await org.api.post('/api/push/status-update', {
      ...envelope,
      updates: rows.map(({ key }) => ({ match: { key }, fields: { title: 'x' } })),
    })
    for (const { status, body } of [json, lines, updates]) {
      expect([status, body['code']]).toEqual([400, 'all_or_none_too_large'])
    }
    expect(await asked()).toEqual([])
    expect(await act('records/count', { org: acme, object: 'Placement__c' })).toEqual(before)
  })
})
