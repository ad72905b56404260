// Numbers with more digits than a double holds reach Salesforce with all digits, or their row says why
// not.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  makePushRig,
  map,
  pushRecords,
  type PushBody,
  type PushRig,
  resultsOf,
  type Row,
  type RowResult,
} from './push-support.ts'
import { type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

let rig: SharedRig
let acme: string
let org: TestOrg
let pushRig: PushRig

const MEMBERS = {
  key: 'Key__c',
  whole: 'Whole__c',
  money: 'Money__c',
  share: 'Share__c',
  fine: 'Fine__c',
  seats: 'Seats__c',
}

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg()).name
  org = await rig.org()
  const act: SharedRig['simulator']['control']['act'] = (...call) =>
    rig.simulator.control.act(...call)
  await act('schema/add-object', { org: acme, name: 'Ledger__c' })
  for (const field of [
    { name: 'Key__c', type: 'string', length: 40, externalId: true, unique: true, idLookup: true },
    { name: 'Whole__c', type: 'double', precision: 18, scale: 0 },
    { name: 'Money__c', type: 'currency', precision: 18, scale: 2 },
    { name: 'Share__c', type: 'percent', precision: 18, scale: 3 },
    { name: 'Fine__c', type: 'double', precision: 18, scale: 15 },
    { name: 'Seats__c', type: 'double', precision: 4, scale: 0 },
  ]) {
    await act('schema/add-field', { org: acme, object: 'Ledger__c', field })
  }
  pushRig = await makePushRig(rig, org, acme)
  await map(org, pushRig.client, {
    canonical_object: 'ledger',
    sfdc_object: 'Ledger__c',
    external_id_field: 'Key__c',
    fields: Object.entries(MEMBERS).map(([canonical_field, sfdc_field]) => ({
      canonical_field,
      sfdc_field,
    })),
  })
})

const stored = async (key: string): Promise<Row | undefined> => {
  const [row] = await rig.simulator.control.act('records/list', {
    org: acme,
    object: 'Ledger__c',
    where: { Key__c: key },
  })
  return row
}

const codes = (results: readonly RowResult[] = []) =>
  results.map(({ key, errors, warnings = [] }) => [
    key,
    ...errors.map(({ code, fields }) => `${code} ${String(fields)}`),
    ...warnings.map(({ code, fields }) => `${code} ${String(fields)}`),
  ])

/** The body is written by hand: JSON.stringify would round the tested numbers. */
const postText = async (records: string[], type: 'json' | 'ndjson', options: Row = {}) => {
  const envelope = JSON.stringify({
    client_id: pushRig.client.id,
    object: 'ledger',
    options,
    wait_seconds: 55,
  })
  const body =
    type === 'json'
      ? `${envelope.slice(0, -1)},"records":[${records.join(',')}]}`
      : `${[envelope, ...records].join('\n')}\n`
  const answer = await org.api.raw('/api/push/records', {
    method: 'POST',
    headers: { 'content-type': type === 'json' ? 'application/json' : 'application/x-ndjson' },
    body,
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.body as unknown as PushBody
}

describe.each(['collections', 'bulk'] as const)('digits as text, by %s', (transport) => {
  it('are stored to the last one, and the row says what Salesforce will show of them', async () => {
    const key = `text-${transport}`
    const push = await pushRecords(
      org.api,
      pushRig,
      [
        {
          key,
          whole: '123456789012345678',
          money: '-1222333444555666.88',
          share: '+000123456789012345.125',
          fine: '123.456789012345678',
          seats: '007',
        },
        { key: `${key}-2`, whole: '9007199254740993', money: '12345678901234567.89E-1' },
      ],
      { transport },
      'ledger',
    )
    expect(codes(push.results)).toEqual([
      [
        key,
        'NUMBER_MAY_BE_ROUNDED whole',
        'NUMBER_MAY_BE_ROUNDED money',
        'NUMBER_MAY_BE_ROUNDED share',
        'NUMBER_MAY_BE_ROUNDED fine',
      ],
      [`${key}-2`, 'NUMBER_MAY_BE_ROUNDED whole', 'NUMBER_MAY_BE_ROUNDED money'],
    ])
    expect(await stored(key)).toMatchObject({
      Whole__c: '123456789012345678',
      Money__c: '-1222333444555666.88',
      Share__c: '123456789012345.125',
      Fine__c: '123.456789012345678',
      Seats__c: 7,
    })
    expect(await stored(`${key}-2`)).toMatchObject({
      Whole__c: '9007199254740993',
      Money__c: '1234567890123456.789',
    })
  })

  it('stand beside those of other rows, and of no field that a double serves', async () => {
    const key = `plain-${transport}`
    const push = await pushRecords(
      org.api,
      pushRig,
      [{ key, whole: '1e3', money: '12.50', share: '-0', fine: '0.3' }],
      { transport },
      'ledger',
    )
    expect(codes(push.results)).toEqual([[key]])
    expect(await stored(key)).toMatchObject({
      Whole__c: 1000,
      Money__c: 12.5,
      Share__c: 0,
      Fine__c: 0.3,
    })
  })
})

describe.each(['json', 'ndjson'] as const)('JSON numbers, as %s', (type) => {
  it('that a double cannot hold fail their row and no other, with what to send instead', async () => {
    const push = await postText(
      [
        `{"key":"${type}-a","whole":9007199254740993}`,
        `{"key":"${type}-b","money":1222333444555666.88}`,
        `{"key":"${type}-c","fine":123.456789012345678}`,
        `{"key":123456789012345678}`,
        `{"key":"${type}-d","whole":9007199254740992}`,
        `{"key":"${type}-e","whole":1e400}`,
        `{"key":"${type}-f","whole":9007199254740991,"fine":0.30000000000000004}`,
      ],
      type,
    )
    expect(codes(push.results)).toEqual([
      [`${type}-a`, 'NUMBER_NOT_EXACT whole'],
      [`${type}-b`, 'NUMBER_NOT_EXACT money'],
      [`${type}-c`, 'NUMBER_NOT_EXACT fine'],
      [null, 'INVALID_TYPE_ON_FIELD_IN_RECORD key'],
      [`${type}-d`, 'NUMBER_NOT_EXACT whole'],
      [`${type}-e`, 'NUMBER_OUTSIDE_VALID_RANGE whole'],
      [`${type}-f`],
    ])
    const [first] = push.results ?? []
    expect(first?.errors[0]).toMatchObject({
      message: expect.stringContaining('9007199254740993') as string,
      remedy: expect.stringContaining('as text') as string,
    })
    expect(await stored(`${type}-f`)).toMatchObject({ Whole__c: 9007199254740991 })
    expect(await stored(`${type}-a`)).toBeUndefined()
  })

  it('are kept as they were sent for a retry', async () => {
    const push = await postText([`{"key":"${type}-r","whole":9007199254740993}`], type)
    const again = await org.api.post<PushBody>('/api/push/retry', {
      push_id: push.id,
      wait_seconds: 55,
    })
    expect(again.status, again.text).toBe(200)
    const [result] = await resultsOf(org.api, again.body.id)
    expect(result?.errors[0]?.message).toContain('9007199254740993')
  })
})

it('a value map and a status update keep the digits of their texts', async () => {
  const made = await org.api.post('/api/mappings/create', {
    ...{ client_id: pushRig.client.id, canonical_object: 'mapped', sfdc_object: 'Ledger__c' },
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'whole', sfdc_field: 'Whole__c', value_map: { big: '9007199254740993' } },
    ],
  })
  expect(made.status, made.text).toBe(201)
  await pushRecords(org.api, pushRig, [{ key: 'mapped-1', whole: 'big' }], {}, 'mapped')
  expect(await stored('mapped-1')).toMatchObject({ Whole__c: '9007199254740993' })
  const answer = await org.api.post<PushBody>('/api/push/status-update', {
    ...{ client_id: pushRig.client.id, object: 'ledger', wait_seconds: 55 },
    updates: [{ match: { key: 'mapped-1' }, fields: { whole: '9007199254740995' } }],
  })
  expect(codes(answer.body.results)).toEqual([['mapped-1', 'NUMBER_MAY_BE_ROUNDED whole']])
  expect(await stored('mapped-1')).toMatchObject({ Whole__c: '9007199254740995' })
})

it('a JSON number outside of rows that would lose digits is refused with its path', async () => {
  const answer = await org.api.raw('/api/clients/create', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"Long","metadata":{"crm":{"ids":[1,9007199254740993]}}}',
  })
  expect(answer).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'metadata.crm.ids.1', code: 'number_not_exact' }] },
  })
})

it('a mapping takes a default of many digits as text, and refuses it as a JSON number', async () => {
  const mapping = (value: string) =>
    `{"client_id":"${pushRig.client.id}","canonical_object":"other","sfdc_object":"Ledger__c",` +
    `"external_id_field":"Key__c","fields":[{"canonical_field":"key","sfdc_field":"Key__c"},` +
    `{"canonical_field":"whole","sfdc_field":"Whole__c","default":${value}}]}`
  const create = (value: string) =>
    org.api.raw('/api/mappings/create', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: mapping(value),
    })
  for (const value of ['9007199254740993', '9007199254740992', '1222333444555666.88']) {
    const { status, text } = await create(value)
    expect(status, text).toBe(422)
    expect(text).toContain('a text of its digits')
  }
  expect(await create('"9007199254740993"')).toMatchObject({ status: 201 })
  await pushRecords(org.api, pushRig, [{ key: 'by-default' }], {}, 'other')
  expect(await stored('by-default')).toMatchObject({ Whole__c: '9007199254740993' })
})
