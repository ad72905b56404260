// push/status-update changes existing records and never creates one; each row says what happened to it.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  expectWhole,
  isOver,
  makePushRig,
  map,
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
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestOrg } from './rig.ts'

let rig: SharedRig
let acme: string
let org: TestOrg
let pushRig: PushRig

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg()).name
  org = await rig.org()
  pushRig = await makePushRig(rig, org, acme)
  await map(org, pushRig.client, {
    canonical_object: 'company',
    sfdc_object: 'Account',
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'legacy', sfdc_field: 'Legacy_Key__c' },
      { canonical_field: 'name', sfdc_field: 'Name', required: true },
    ],
  })
  await act('records/insert', {
    org: acme,
    object: 'Account',
    rows: [
      { Name: 'Twin 1', Legacy_Key__c: 'twins' },
      { Name: 'Twin 2', Legacy_Key__c: 'twins' },
      { Name: 'Alone', Legacy_Key__c: 'alone', Key__c: 'alone' },
    ],
  })
})

const act: SharedRig['simulator']['control']['act'] = (...call) =>
  rig.simulator.control.act(...call)

const updateStatus = async (
  updates: Row[],
  options: Row = {},
  object = 'placement',
): Promise<{ push: PushBody; results: RowResult[] }> => {
  const answer = await org.api.post<PushBody>('/api/push/status-update', {
    client_id: pushRig.client.id,
    object,
    updates,
    options,
    wait_seconds: 55,
  })
  expect([200, 202], answer.text.slice(0, 1000)).toContain(answer.status)
  const push = isOver(answer.body) ? answer.body : await settled(org.api, answer.body.id)
  const results = await resultsOf(org.api, push.id)
  expectWhole(push, results)
  expect(push).toMatchObject({ kind: 'status_update', created_count: 0 })
  return { push, results }
}

/** Every record of Placement__c and Account with its values, as stored in Salesforce. */
const everything = async (): Promise<Row[]> => [
  ...(await recordsOf(rig.simulator, acme, '')),
  ...(await recordsOf(rig.simulator, acme, '', { object: 'Account', keyField: 'Name' })),
]

const stored = async (prefix: string) =>
  new Map(
    (await recordsOf(rig.simulator, acme, prefix)).map((record) => [
      String(record['External_Key__c']),
      record,
    ]),
  )

const codeOf = ({ errors: [error] }: RowResult): string | null => error?.code ?? null

describe.each(['collections', 'bulk'])('status-update by %s', (transport) => {
  const prefix = `su-${transport}`
  const key = (n: number) => `${prefix}-${n}`

  it('never creates: what is not found, or not one alone, is reported by its row', async () => {
    const pushed = await pushRecords(org.api, pushRig, placements(prefix, 4))
    expect(pushed).toMatchObject({ status: 'succeeded', created_count: 4 })
    const ids = (pushed.results ?? []).map(({ id }) => id)
    const [gone] = await act('records/insert', {
      org: acme,
      object: 'Placement__c',
      rows: [{ External_Key__c: key(99), Title__c: 'To be deleted' }],
    })
    const goneId = String((gone as { id?: string }).id)
    await act('records/delete', { org: acme, object: 'Placement__c', ids: [goneId] })
    const before = await everything()

    const title = { title: `Changed by ${transport}` }
    const { push, results } = await updateStatus(
      [
        { match: { key: key(0) }, fields: title },
        { match: { key: `${prefix}-nobody` }, fields: title },
        { match: { id: ids[1] }, fields: title },
        { match: { id: goneId }, fields: title },
        { match: { id: 'a00000000000000AAA' }, fields: title },
        { match: { id: 'not an id' }, fields: title },
        { match: { id: '001000000000000AAA' }, fields: title },
        { match: { title: 'Placement 2' }, fields: title },
        { match: { key: key(99) }, fields: title },
        { match: { key: '' }, fields: title },
        { match: { key: key(2), id: ids[2] }, fields: title },
        { match: { nothing: key(2) }, fields: title },
        { match: { key: key(2) }, fields: { title: 'x'.repeat(41) } },
        { match: { key: key(2) }, fields: { stage: 'hired' } },
        { match: { key: key(3).toUpperCase() }, fields: title },
        { match: { key: key(3) }, fields: title },
      ],
      { transport },
    )
    expect(push.transport).toBe(transport)
    expect(results.map((result) => [result.action, codeOf(result)])).toEqual([
      ['updated', null],
      ['failed', 'RECORD_NOT_FOUND'],
      ['updated', null],
      ['failed', 'RECORD_NOT_FOUND'],
      ['failed', 'RECORD_NOT_FOUND'],
      ['failed', 'MALFORMED_ID'],
      ['failed', 'MALFORMED_ID'],
      ['failed', 'INVALID_MATCH'],
      ['failed', 'RECORD_NOT_FOUND'],
      ['failed', 'KEY_MISSING'],
      ['failed', 'INVALID_MATCH'],
      ['failed', 'UNKNOWN_FIELD'],
      ['failed', 'STRING_TOO_LONG'],
      ['failed', 'FIELD_CUSTOM_VALIDATION_EXCEPTION'],
      ['updated', null],
      ['failed', 'DUPLICATE_KEY_IN_INPUT'],
    ])
    expect(results.filter(({ success }) => success).map(({ id }) => id)).toEqual([
      ids[0],
      ids[1],
      ids[3],
    ])
    for (const { success, errors } of results) {
      if (!success) expect(errors[0]?.remedy).toMatch(/\w/)
    }
    expect(results[1]?.errors[0]?.fields).toEqual(['key'])
    const changed = new Set([ids[0], ids[1], ids[3]])
    const after = await everything()
    expect(after.map(({ Id }) => Id)).toEqual(before.map(({ Id }) => Id))
    expect(after.filter(({ Title__c }) => Title__c === title.title).map(({ Id }) => Id)).toEqual([
      ...changed,
    ])
    expect(after.filter(({ Id }) => !changed.has(Id as string))).toEqual(
      before.filter(({ Id }) => !changed.has(Id as string)),
    )
  })

  it('changes none of several records that one value finds', async () => {
    const before = await everything()
    const { results } = await updateStatus(
      [
        { match: { legacy: 'twins' }, fields: { name: 'One of them' } },
        { match: { legacy: 'alone' }, fields: { name: `Alone by ${transport}` } },
      ],
      { transport },
      'company',
    )
    expect(results.map(codeOf)).toEqual(['AMBIGUOUS_MATCH', null])
    expect(results[0]?.errors[0]?.fields).toEqual(['legacy'])
    const names = (rows: Row[]) =>
      rows.flatMap(({ Name }) => (typeof Name === 'string' ? [Name] : []))
    expect(names(await everything())).toEqual(
      names(before).map((name) => (name.startsWith('Alone') ? `Alone by ${transport}` : name)),
    )
  })

  it('needs no required field, fills in no default and touches no other field', async () => {
    const mapped = `visit_${transport}`
    await map(org, pushRig.client, {
      canonical_object: mapped,
      sfdc_object: 'Placement__c',
      external_id_field: 'External_Key__c',
      fields: [
        { canonical_field: 'key', sfdc_field: 'External_Key__c' },
        { canonical_field: 'title', sfdc_field: 'Title__c', required: true },
        { canonical_field: 'stage', sfdc_field: 'Stage__c', default: 'Interview' },
        { canonical_field: 'salary', sfdc_field: 'Salary__c' },
      ],
    })
    await pushRecords(
      org.api,
      pushRig,
      [{ key: `${prefix}-kept`, title: 'Kept', stage: 'Offer', salary: 1 }],
      {},
      mapped,
    )
    const { results } = await updateStatus(
      [{ match: { key: `${prefix}-kept` }, fields: { salary: 2 } }],
      { transport },
      mapped,
    )
    expect(results).toMatchObject([{ action: 'updated', key: `${prefix}-kept` }])
    expect((await stored(`${prefix}-kept`)).get(`${prefix}-kept`)).toMatchObject({
      Title__c: 'Kept',
      Stage__c: 'Offer',
      Salary__c: 2,
    })
  })

  it('can change the very key that it finds the record by', async () => {
    await pushRecords(org.api, pushRig, [{ key: `${prefix}-old`, title: 'Renamed' }])
    const rename = { match: { key: `${prefix}-old` }, fields: { key: `${prefix}-new` } }
    expect((await updateStatus([rename], { transport })).results).toMatchObject([
      { action: 'updated' },
    ])
    expect([...(await stored(`${prefix}-old`)), ...(await stored(`${prefix}-new`))]).toMatchObject([
      [`${prefix}-new`, { Title__c: 'Renamed' }],
    ])
    expect((await updateStatus([rename], { transport })).results.map(codeOf)).toEqual([
      'RECORD_NOT_FOUND',
    ])
  })

  it('sets a lookup by the key of the parent, and says when that is missing', async () => {
    const { results } = await updateStatus(
      [
        { match: { key: key(0) }, fields: { company: 'alone' } },
        { match: { key: key(1) }, fields: { company: 'no such company' } },
      ],
      { transport },
    )
    expect(results.map(codeOf)).toEqual([null, 'INVALID_FIELD'])
    expect(results[1]?.errors[0]?.fields).toEqual(['company'])
    expect(results[1]?.errors[0]?.message).toContain('no such company')
    const [alone] = await act('records/list', {
      org: acme,
      object: 'Account',
      where: { Key__c: 'alone' },
    })
    const now = await stored(prefix)
    expect([key(0), key(1)].map((each) => now.get(each)?.['Company__c'] ?? null)).toEqual([
      alone?.['Id'],
      null,
    ])
  })

  it('takes the names of Salesforce where nothing is mapped', async () => {
    await act('records/insert', {
      org: acme,
      object: 'Lead',
      rows: [{ LastName: 'Plain', Company: 'Plain', Source_Key__c: prefix }],
    })
    const { results } = await updateStatus(
      [
        { match: { Source_Key__c: prefix }, fields: { Rating: 'Hot' } },
        { match: { Source_Key__c: `${prefix}-nobody` }, fields: { Rating: 'Hot' } },
        { match: { Source_Key__c: `${prefix}-2` }, fields: { Ratting: 'Hot' } },
      ],
      { transport },
      'Lead',
    )
    expect(results.map(codeOf)).toEqual([null, 'RECORD_NOT_FOUND', 'UNKNOWN_FIELD'])
    const leads = await act('records/list', { org: acme, object: 'Lead' })
    expect(
      leads.filter(({ Source_Key__c }) => String(Source_Key__c).startsWith(prefix)),
    ).toMatchObject([{ Rating: 'Hot' }])
  })
})

describe('a large status-update', () => {
  it('uses Bulk, finds each record, and creates none of those that are missing', async () => {
    await act('records/fill', {
      org: acme,
      object: 'Placement__c',
      count: 2_600,
      template: { External_Key__c: 'large-{n}', Title__c: 'Before' },
    })
    const isMissing = (n: number) => n % 13 === 0
    const { push, results } = await updateStatus(
      Array.from({ length: 2_600 }, (_, n) => ({
        match: { key: isMissing(n) ? `large-absent-${n}` : `large-${n}` },
        fields: { title: `After ${n}` },
      })),
    )
    expect(push).toMatchObject({ transport: 'bulk', failed: 200, updated_count: 2_400 })
    expect(results.filter((result) => codeOf(result) !== null).map(({ index }) => index)).toEqual(
      Array.from({ length: 200 }, (_, n) => n * 13),
    )
    const now = await stored('large-')
    expect(now.size).toBe(2_600)
    expect(
      [...now].filter(([key, { Title__c }]) => {
        const n = Number(key.slice('large-'.length))
        const isSent = n < 2_600 && !isMissing(n)
        return Title__c !== (isSent ? `After ${n}` : 'Before')
      }),
    ).toEqual([])
    expect(
      results.filter(({ success, id, key }) => success && now.get(String(key))?.['Id'] !== id),
    ).toEqual([])
  })
})
