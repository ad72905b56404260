// How values are converted: absent, null, mapped values, defaults, keys of every kind. Both transports
// must have the same result in Salesforce.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  makePushRig,
  map,
  pushRecords,
  recordsOf,
  type PushBody,
  type PushRig,
  type Row,
  type RowResult,
} from './push-support.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestOrg } from './rig.ts'

const TRANSPORTS = ['collections', 'bulk'] as const

let rig: SharedRig
let acme: string
let org: TestOrg
let pushRig: PushRig
let companies: Map<unknown, unknown>

const act: SharedRig['simulator']['control']['act'] = (...call) =>
  rig.simulator.control.act(...call)
const list = (object: string, where: Row = {}): Promise<Row[]> =>
  act('records/list', { org: acme, object, where, limit: 100_000 })

/** Keys that could break a URL, a query, a CSV file or a careless comparison. */
const KEYS = [
  `it's`,
  `say "hello"`,
  `"quoted"`,
  `a,b,c`,
  `two\nlines`,
  `three\r\nlines`,
  `100%`,
  `%27%20OR%201`,
  `a/b/c`,
  `../up`,
  `a?b=c&d#e`,
  `back\\slash`,
  `it\\'s`,
  `under_score`,
  `semi;colon`,
  `tab\there`,
  `plus+plus`,
  `=1+1`,
  `ümläut ß`,
  `日本語`,
  `🙂 smile`,
  `null`,
  `true`,
  `#N/A`,
  `007`,
  `1e3`,
  `0.10`,
  `{"json":1}`,
  `<xml/>&amp;`,
  `' OR Name LIKE '%`,
]

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg()).name
  org = await rig.org()
  await act('schema/add-object', { org: acme, name: 'Meter__c' })
  for (const field of [
    {
      name: 'Number__c',
      type: 'double',
      precision: 18,
      scale: 2,
      externalId: true,
      unique: true,
      idLookup: true,
    },
    { name: 'Reading__c', type: 'double', precision: 10, scale: 2 },
  ]) {
    await act('schema/add-field', { org: acme, object: 'Meter__c', field })
  }
  pushRig = await makePushRig(rig, org, acme)
  await act('records/insert', {
    org: acme,
    object: 'Account',
    rows: [
      ...KEYS.map((key) => ({ Name: 'Odd', Key__c: key })),
      { Name: 'Plain', Key__c: 'plain' },
    ],
  })
  companies = new Map((await list('Account')).map(({ Key__c, Id }) => [Key__c, Id]))
})

const stored = async (prefix: string): Promise<Map<string, Row>> =>
  new Map(
    (await recordsOf(rig.simulator, acme, prefix)).map((record) => [
      String(record['External_Key__c']).slice(prefix.length),
      record,
    ]),
  )

const codesOf = (results: readonly RowResult[] = []) =>
  results.map(({ errors: [error] }) => (error === undefined ? null : [error.code, error.fields]))

const post = async (path: string, body: Row): Promise<PushBody> => {
  const answer = await org.api.post<PushBody>(path, {
    client_id: pushRig.client.id,
    wait_seconds: 55,
    ...body,
  })
  expect(answer.status, answer.text.slice(0, 1000)).toBe(200)
  return answer.body
}

describe.each(TRANSPORTS)('null_policy by %s', (transport) => {
  const full = (key: string): Row => ({
    key,
    title: 'Title',
    email: 'a@example.com',
    badge: `badge of ${key}`,
    seats: 5,
    salary: 10,
    start: '2026-01-31',
    remote: true,
    stage: 'Offer',
    company: 'plain',
  })
  const FIELDS = {
    email: 'Email__c',
    badge: 'Badge__c',
    seats: 'Seats__c',
    salary: 'Salary__c',
    start: 'Start_Date__c',
    stage: 'Stage__c',
    company: 'Company__c',
  }
  const emptied = (key: string, value: unknown): Row => ({
    key,
    title: 'Title',
    ...Object.fromEntries(Object.keys(FIELDS).map((name) => [name, value])),
  })
  const withoutStamps = (record: Row | undefined) =>
    Object.fromEntries(
      Object.entries(record ?? {}).filter(
        ([name]) => !name.startsWith('LastModified') && name !== 'SystemModstamp',
      ),
    )

  it.each(['skip', 'blank', undefined])('%s does to each field what it says', async (policy) => {
    const prefix = `np-${transport}-${policy ?? 'default'}-`
    const names = ['null', 'empty', 'spaces', 'absent']
    await pushRecords(
      org.api,
      pushRig,
      names.map((name) => full(prefix + name)),
    )
    const before = await stored(prefix)
    const push = await pushRecords(
      org.api,
      pushRig,
      [
        emptied(`${prefix}null`, null),
        emptied(`${prefix}empty`, ''),
        emptied(`${prefix}spaces`, '  '),
        { key: `${prefix}absent`, title: 'Title' },
      ],
      { transport, ...(policy === undefined ? {} : { null_policy: policy }) },
    )
    expect(push.transport).toBe(transport)
    expect(codesOf(push.results)).toEqual([null, null, null, null])
    const after = await stored(prefix)
    const kept = policy === 'blank' ? ['absent'] : names
    for (const name of kept) {
      expect(withoutStamps(after.get(name)), name).toEqual(withoutStamps(before.get(name)))
    }
    for (const name of names.filter((each) => !kept.includes(each))) {
      expect(
        Object.values(FIELDS).map((field) => [field, after.get(name)?.[field] ?? null]),
        name,
      ).toEqual(Object.values(FIELDS).map((field) => [field, null]))
      expect(after.get(name)).toMatchObject({ Title__c: 'Title', Is_Remote__c: true })
    }
  })

  it('blank does not empty what cannot be empty, and says so', async () => {
    const prefix = `nb-${transport}-`
    await pushRecords(org.api, pushRig, [full(`${prefix}a`), full(`${prefix}b`)])
    const push = await pushRecords(
      org.api,
      pushRig,
      [
        { key: `${prefix}a`, title: null },
        { key: `${prefix}b`, title: 'Title', remote: null },
      ],
      { transport, null_policy: 'blank' },
    )
    expect(codesOf(push.results)).toEqual([
      ['REQUIRED_FIELD_MISSING', ['title']],
      ['INVALID_TYPE_ON_FIELD_IN_RECORD', ['remote']],
    ])
    expect([...(await stored(prefix)).values()]).toMatchObject([
      { Title__c: 'Title', Is_Remote__c: true },
      { Title__c: 'Title', Is_Remote__c: true },
    ])
  })
})

describe.each(TRANSPORTS)('values by %s', (transport) => {
  it('are mapped, defaulted, and looked up by the key of the parent', async () => {
    const prefix = `vm-${transport}-`
    const object = `mapped_${transport}`
    await map(org, pushRig.client, {
      canonical_object: object,
      sfdc_object: 'Placement__c',
      external_id_field: 'External_Key__c',
      fields: [
        { canonical_field: 'key', sfdc_field: 'External_Key__c' },
        { canonical_field: 'title', sfdc_field: 'Title__c', default: 'Untitled' },
        {
          canonical_field: 'stage',
          sfdc_field: 'Stage__c',
          value_map: { new: 'Proposed', talks: 'Interview' },
          default: 'Offer',
        },
        { canonical_field: 'remote', sfdc_field: 'Is_Remote__c', value_map: { wfh: true } },
        { canonical_field: 'company', sfdc_field: 'Company__r.Key__c', default: 'plain' },
      ],
    })
    const push = await pushRecords(
      org.api,
      pushRig,
      [
        { key: `${prefix}0` },
        { key: `${prefix}1`, title: 'Own', stage: 'new', remote: 'wfh', company: `it's` },
        { key: `${prefix}2`, stage: 'talks', company: `a,b,c` },
        { key: `${prefix}3`, stage: 'Fell through', company: `#N/A` },
        { key: `${prefix}4`, stage: 'sacked' },
        { key: `${prefix}5`, company: 'no such company' },
      ],
      { transport },
      object,
    )
    expect(push.transport).toBe(transport)
    expect(codesOf(push.results)).toEqual([
      null,
      null,
      null,
      null,
      ['INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', ['stage']],
      ['INVALID_FIELD', ['company']],
    ])
    const now = await stored(prefix)
    expect(
      [...now.values()].map((record) => [
        record['Title__c'],
        record['Stage__c'],
        record['Is_Remote__c'],
        record['Company__c'],
      ]),
    ).toEqual([
      ['Untitled', 'Offer', false, companies.get('plain')],
      ['Own', 'Proposed', true, companies.get(`it's`)],
      ['Untitled', 'Interview', false, companies.get('a,b,c')],
      ['Untitled', 'Fell through', false, companies.get('#N/A')],
    ])
  })

  it('that are texts stay the texts they are', async () => {
    const prefix = `tx-${transport}-`
    const texts = KEYS.filter((text) => text.length <= 40)
    const push = await pushRecords(
      org.api,
      pushRig,
      texts.map((title, n) => ({ key: `${prefix}${n}`, title })),
      { transport },
    )
    expect(push).toMatchObject({ transport, status: 'succeeded', total: texts.length })
    const now = await stored(prefix)
    expect(texts.map((_, n) => now.get(String(n))?.['Title__c'])).toEqual(texts)
  })

  it('of keys find the same record again, whatever they are made of', async () => {
    const prefix = `ke-${transport}-`
    const rows = KEYS.map((key) => ({ key: prefix + key, title: 'first' }))
    const first = await pushRecords(org.api, pushRig, rows, { transport })
    expect(first).toMatchObject({ transport, created_count: KEYS.length, failed: 0 })
    expect(first.results?.map(({ key }) => key)).toEqual(rows.map(({ key }) => key))
    const again = await pushRecords(
      org.api,
      pushRig,
      rows.map((row) => ({ ...row, title: 'second' })),
      { transport },
    )
    expect(again).toMatchObject({ created_count: 0, updated_count: KEYS.length })
    const ids = first.results?.map(({ id }) => id)
    expect(again.results?.map(({ id }) => id)).toEqual(ids)
    const updated = await post('/api/push/status-update', {
      object: 'placement',
      updates: KEYS.map((key, n) => ({ match: { key: prefix + key }, fields: { seats: n } })),
      options: { transport },
    })
    expect(updated.results?.map(({ id }) => id)).toEqual(ids)
    const linked = await post('/api/push/link', {
      links: KEYS.map((key) => ({
        object: 'placement',
        match: { key: prefix + key },
        field: 'company',
        target: { object: 'Account', match: { Key__c: key } },
      })),
      options: { transport },
    })
    expect(codesOf(linked.results)).toEqual(KEYS.map(() => null))
    const now = await stored(prefix)
    expect(now.size).toBe(KEYS.length)
    expect(
      KEYS.map((key) => {
        const { Id, Title__c, Seats__c, Company__c } = now.get(key) ?? {}
        return [Id, Title__c, Seats__c, Company__c]
      }),
    ).toEqual(KEYS.map((key, n) => [ids?.[n], 'second', n, companies.get(key)]))
  })

  it('of bare keys that look like something else are keys', async () => {
    const bare = ['#N/A', 'null', 'true', `"`, `'`, ',', '%', '/']
    const rows = bare.map((key) => ({ key, title: 'bare' }))
    const push = await pushRecords(org.api, pushRig, rows, { transport })
    expect(push).toMatchObject({ transport, succeeded: bare.length })
    const records = await list('Placement__c', { Title__c: 'bare' })
    expect(records.map(({ External_Key__c }) => External_Key__c).toSorted()).toEqual(
      bare.toSorted(),
    )
  })

  it('of numbers are keys of text fields and of number fields', async () => {
    const base = transport === 'bulk' ? 1_000_000 : 2_000_000
    const push = await pushRecords(
      org.api,
      pushRig,
      [
        { key: base, title: 'number' },
        { key: `${base}`, title: 'text' },
        { key: base + 1, title: 'number' },
        { key: `0${base}`, title: 'another' },
        { key: 2 ** 60, title: 'has lost digits' },
      ],
      { transport },
    )
    expect(push.results?.map(({ key }) => key).slice(0, 4)).toEqual([
      `${base}`,
      `${base}`,
      `${base + 1}`,
      `0${base}`,
    ])
    expect(codesOf(push.results).map((code) => code?.[0] ?? null)).toEqual([
      null,
      'DUPLICATE_KEY_IN_INPUT',
      null,
      null,
      'INVALID_TYPE_ON_FIELD_IN_RECORD',
    ])
    expect(await list('Placement__c', { External_Key__c: `${base}` })).toMatchObject([
      { Title__c: 'number' },
    ])

    const object = `meter_${transport}`
    await map(org, pushRig.client, {
      canonical_object: object,
      sfdc_object: 'Meter__c',
      external_id_field: 'Number__c',
      fields: [
        { canonical_field: 'number', sfdc_field: 'Number__c' },
        { canonical_field: 'reading', sfdc_field: 'Reading__c' },
      ],
    })
    const numbers: unknown[] = [base, base + 0.5, `${base + 1}`, `${base + 2}.0`, -base]
    const rows = (reading: number) => numbers.map((number) => ({ number, reading }))
    const first = await pushRecords(org.api, pushRig, rows(1), { transport }, object)
    expect(first).toMatchObject({ transport, created_count: 5 })
    const again = await pushRecords(org.api, pushRig, rows(2), { transport }, object)
    expect(again).toMatchObject({ created_count: 0, updated_count: 5 })
    const updated = await post('/api/push/status-update', {
      object,
      updates: numbers.map((number) => ({ match: { number }, fields: { reading: 3 } })),
      options: { transport },
    })
    expect(updated.results?.map(({ id }) => id)).toEqual(first.results?.map(({ id }) => id))
    const meters = (await list('Meter__c')).filter(
      ({ Number__c }) => Math.abs(Math.abs(Number(Number__c)) - base) < 10,
    )
    expect(meters.map(({ Number__c, Reading__c }) => [Number__c, Reading__c])).toEqual([
      [base, 3],
      [base + 0.5, 3],
      [base + 1, 3],
      [base + 2, 3],
      [-base, 3],
    ])
    expect(again.results?.map(({ action }) => action)).toEqual(numbers.map(() => 'updated'))
  })
})
