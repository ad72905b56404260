// In a Salesforce org with person accounts one mapping serves both kinds: a row with a Name is a
// business, one with a LastName a person.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  makePushRig,
  map,
  pushRecords,
  type PushBody,
  type PushRig,
  type Row,
  type RowResult,
} from './push-support.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestOrg } from './rig.ts'

let rig: SharedRig
let acme: string
let org: TestOrg
let pushRig: PushRig

const FIELDS = {
  key: 'Key__c',
  company: 'Name',
  first: 'FirstName',
  last: 'LastName',
  email: 'PersonEmail',
  level: 'Level__pc',
  phone: 'Phone',
  kind: 'RecordTypeId',
}
const fieldsOf = (more: Record<string, Row> = {}): Row[] =>
  Object.entries(FIELDS).map(([canonical_field, sfdc_field]) => ({
    canonical_field,
    sfdc_field,
    ...more[canonical_field],
  }))
const mapAs = (canonical_object: string, more: Record<string, Row> = {}) =>
  map(org, pushRig.client, {
    canonical_object,
    sfdc_object: 'Account',
    external_id_field: 'Key__c',
    fields: fieldsOf(more),
  })

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg()).name
  org = await rig.org()
  const { control } = rig.simulator
  await control.act('schema/enable-person-accounts', { org: acme, more: ['Patient'] })
  await control.act('schema/add-field', {
    org: acme,
    object: 'Account',
    field: { name: 'Level__pc', type: 'string', length: 20, custom: true },
  })
  pushRig = await makePushRig(rig, org, acme)
  await map(org, pushRig.client, {
    canonical_object: 'contact',
    sfdc_object: 'Contact',
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'last', sfdc_field: 'LastName', required: true },
      { canonical_field: 'email', sfdc_field: 'Email' },
      { canonical_field: 'employer', sfdc_field: 'AccountId' },
    ],
  })
  await mapAs('account')
  await mapAs('named', {
    company: { default: 'No company' },
    last: { default: 'Unknown' },
    email: { default: 'nobody@example.com' },
  })
  await mapAs('strict', { company: { required: true }, last: { required: true } })
})

const stored = async (key: string): Promise<Row | undefined> => {
  const [row] = await rig.simulator.control.act('records/list', {
    org: acme,
    object: 'Account',
    where: { Key__c: key },
  })
  return row
}
const codes = (results: readonly RowResult[] = []) =>
  results.map(({ action, errors }) =>
    errors.length === 0 ? action : errors.map(({ code, fields }) => `${code} ${String(fields)}`),
  )

describe.each(['collections', 'bulk'] as const)('by %s', (transport) => {
  const push = (rows: Row[], object = 'account', options: Row = {}): Promise<PushBody> =>
    pushRecords(org.api, pushRig, rows, { transport, ...options }, object)

  it('businesses and people are created and changed by one mapping, whatever null_policy says', async () => {
    const at = `both-${transport}`
    const rows = [
      { key: `${at}-b`, company: 'Acme Ltd', first: null, last: '', email: null, phone: '1' },
      { key: `${at}-p`, company: '', first: 'Ada', last: 'Lovelace', email: 'ada@example.com' },
      { key: `${at}-q`, last: 'Hopper', level: 'gold' },
    ]
    expect(codes((await push(rows)).results)).toEqual(['created', 'created', 'created'])
    expect(codes((await push(rows, 'account', { null_policy: 'blank' })).results)).toEqual([
      'updated',
      'updated',
      'updated',
    ])
    expect(await stored(`${at}-b`)).toMatchObject({ Name: 'Acme Ltd', IsPersonAccount: false })
    expect(await stored(`${at}-p`)).toMatchObject({
      Name: 'Ada Lovelace',
      IsPersonAccount: true,
      PersonEmail: 'ada@example.com',
    })
    expect(await stored(`${at}-q`)).toMatchObject({ Name: 'Hopper', Level__pc: 'gold' })
  })

  it('a row of neither kind or of both fails before it is sent, with the fields that decide', async () => {
    const at = `none-${transport}`
    const results = await push([
      { key: `${at}-1`, phone: '1' },
      { key: `${at}-2`, company: 'Acme', last: 'Lovelace' },
      { key: `${at}-3`, company: 'Acme', email: 'a@example.com', level: 'gold' },
    ])
    expect(codes(results.results)).toEqual([
      ['REQUIRED_FIELD_MISSING company,last'],
      ['INVALID_FIELD_FOR_INSERT_UPDATE company,last'],
      ['INVALID_FIELD_FOR_INSERT_UPDATE email', 'INVALID_FIELD_FOR_INSERT_UPDATE level'],
    ])
    expect(results.results?.every(({ attempts }) => attempts === 0)).toBe(true)
  })

  it('defaults and required fields of the mapping hold for their own kind', async () => {
    const at = `named-${transport}`
    const named = await push(
      [
        { key: `${at}-1`, company: 'Acme' },
        { key: `${at}-2`, first: 'Ada' },
        { key: `${at}-3`, phone: '1' },
      ],
      'named',
    )
    expect(codes(named.results)).toEqual(['created', 'created', 'created'])
    expect(await stored(`${at}-1`)).toMatchObject({ Name: 'Acme', IsPersonAccount: false })
    expect(await stored(`${at}-2`)).toMatchObject({
      Name: 'Ada Unknown',
      PersonEmail: 'nobody@example.com',
    })
    expect(await stored(`${at}-3`)).toMatchObject({ Name: 'No company', IsPersonAccount: false })
    const strict = await push(
      [
        { key: `${at}-4`, company: 'A' },
        { key: `${at}-5`, last: 'B' },
      ],
      'strict',
    )
    expect(codes(strict.results)).toEqual(['created', 'created'])
  })

  it('a record that is of the other kind is reported as that', async () => {
    const at = `other-${transport}`
    await push([
      { key: `${at}-1`, company: 'Acme' },
      { key: `${at}-2`, last: 'Lovelace' },
    ])
    const { results = [] } = await push([
      { key: `${at}-1`, last: 'Lovelace' },
      { key: `${at}-2`, company: 'Acme' },
    ])
    expect(codes(results)).toEqual([
      ['INVALID_FIELD_FOR_INSERT_UPDATE last'],
      ['INVALID_FIELD_FOR_INSERT_UPDATE company'],
    ])
    for (const { errors } of results) expect(errors[0]?.remedy).toMatch(/other kind/)
  })
})

it('the record type decides the kind: any type of people makes a person, with the same remedy where the name differs', async () => {
  const { results = [] } = await pushRecords(
    org.api,
    pushRig,
    [
      { key: 'type-1', last: 'Lovelace', kind: 'Patient' },
      { key: 'type-2', last: 'Hopper', kind: 'Person Account' },
      { key: 'type-3', company: 'Acme', kind: 'Patient' },
      { key: 'type-4', last: 'Noether', kind: 'Pateint' },
    ],
    {},
    'account',
  )
  expect(codes(results)).toEqual([
    'created',
    'created',
    ['INVALID_FIELD_FOR_INSERT_UPDATE company'],
    ['INVALID_CROSS_REFERENCE_KEY kind'],
  ])
  expect(results[2]?.errors[0]?.remedy).toContain('its record type')
  expect(results[3]?.errors[0]?.remedy).toContain('Patient')
  const [first, second] = [await stored('type-1'), await stored('type-2')]
  expect([first?.IsPersonAccount, second?.IsPersonAccount]).toEqual([true, true])
  expect(first?.RecordTypeId).not.toBe(second?.RecordTypeId)
})

it('a status update of a field of people fails for a business alone', async () => {
  await pushRecords(
    org.api,
    pushRig,
    [
      { key: 'status-p', last: 'Lovelace' },
      { key: 'status-b', company: 'Acme' },
    ],
    {},
    'account',
  )
  const answer = await org.api.post<PushBody>('/api/push/status-update', {
    client_id: pushRig.client.id,
    object: 'account',
    updates: [
      { match: { key: 'status-p' }, fields: { email: 'ada@example.com', level: 'gold' } },
      { match: { key: 'status-b' }, fields: { email: 'acme@example.com' } },
    ],
    wait_seconds: 55,
  })
  expect(codes(answer.body.results)).toEqual(['updated', ['INVALID_FIELD_FOR_INSERT_UPDATE email']])
  expect(await stored('status-p')).toMatchObject({ Level__pc: 'gold' })
})

it("a person's contact is changed as the account is, and keeps its account", async () => {
  await pushRecords(
    org.api,
    pushRig,
    [
      { key: 'side-p', last: 'Lovelace' },
      { key: 'side-b', company: 'Acme' },
    ],
    {},
    'account',
  )
  const [person, business] = [await stored('side-p'), await stored('side-b')]
  await rig.simulator.control.act('records/update', {
    org: acme,
    object: 'Contact',
    rows: [{ Id: person?.PersonContactId, Key__c: 'side-c' }],
  })
  const push = (row: Row) =>
    pushRecords(org.api, pushRig, [{ key: 'side-c', last: 'King', ...row }], {}, 'contact')
  expect(codes((await push({ email: 'king@example.com' })).results)).toEqual(['updated'])
  expect(await stored('side-p')).toMatchObject({
    LastName: 'King',
    PersonEmail: 'king@example.com',
  })
  const { results = [] } = await push({ employer: business?.Id })
  expect(codes(results)).toEqual([['INVALID_FIELD_FOR_INSERT_UPDATE employer']])
  expect(results[0]?.errors[0]?.remedy).toContain('contact of a person account')
})

it('formulas and rules of a plan read what only people have, and PersonAccount is not an object of a plan', async () => {
  const post = <T>(path: string, body: Row) =>
    org.api.post<T>(path, { client_id: pushRig.client.id, wait_seconds: 55, ...body })
  const formula = (api_name: string, text: string) => ({
    ...{ api_name, label: api_name, type: 'Formula', result_type: 'Text', formula: text },
  })
  const plan = {
    objects: [
      {
        api_name: 'Account',
        fields: [
          formula('Mail__c', 'IF(IsPersonAccount, PersonEmail & FirstName & Level__pc, Website)'),
        ],
        validation_rules: [
          {
            ...{ api_name: 'Reachable', error_message: 'No address' },
            error_condition_formula: 'IsPersonAccount && ISBLANK(PersonEmail) && ISBLANK(Phone)',
          },
        ],
      },
      {
        api_name: 'Contact',
        fields: [formula('Kind__c', 'IF(IsPersonAccount, Account.PersonTitle, "business")')],
      },
    ],
  }
  const made = await post<{ id: string; status: string }>('/api/deploy/custom-objects', { plan })
  expect(made.body, made.text).toMatchObject({ status: 'deployed', warnings: [] })
  const back = await post('/api/deploy/rollback', {
    client_id: undefined,
    deployment_id: made.body.id,
  })
  expect(back.body, back.text).toMatchObject({ status: 'rolled_back' })

  const { body } = await post<{ findings: { code: string; remedy: string }[] }>(
    '/api/conflicts/check',
    {
      plan: {
        objects: [{ api_name: 'PersonAccount', record_types: [{ api_name: 'Vip', label: 'VIP' }] }],
      },
    },
  )
  expect(body.findings.find(({ code }) => code === 'object_missing')?.remedy).toContain(
    'on Contact',
  )
})

it('a plan puts a field of people on Contact, and says so', async () => {
  const answer = await org.api.post<{ detail: string }>('/api/conflicts/check', {
    client_id: pushRig.client.id,
    plan: {
      objects: [
        {
          api_name: 'Account',
          fields: [{ api_name: 'Rank__pc', label: 'Rank', type: 'Text', length: 10 }],
        },
      ],
    },
  })
  expect(answer.body.detail).toContain('Rank__c on Contact')
})

it('a mapping of either name is valid', async () => {
  const check = async (names: string[]) => {
    const answer = await org.api.post<{
      valid: boolean
      findings: { code: string; message: string }[]
    }>('/api/mappings/validate', {
      client_id: pushRig.client.id,
      mapping: {
        canonical_object: 'x',
        sfdc_object: 'Account',
        external_id_field: 'Key__c',
        fields: [
          { canonical_field: 'key', sfdc_field: 'Key__c' },
          ...names.map((name) => ({ canonical_field: name, sfdc_field: name })),
        ],
      },
    })
    return [answer.body.valid, answer.body.findings.map(({ code, message }) => ({ code, message }))]
  }
  expect(await check(['Name', 'LastName'])).toEqual([true, []])
  expect(await check(['LastName'])).toEqual([true, []])
  expect(await check(['Name'])).toEqual([true, []])
  expect(await check(['Phone', 'PersonEmail'])).toEqual([
    false,
    [
      {
        code: 'required_field_not_mapped',
        message: expect.stringContaining('neither Name nor LastName') as string,
      },
    ],
  ])
})
