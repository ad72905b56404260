// Thousands of rows, 7 % of them bad in twelve ways: each gets its true result.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  expectTrue,
  expectWhole,
  makePushRig,
  overhear,
  placement,
  pushRecords,
  resultsOf,
  type PushBody,
  type PushRig,
  type Row,
  type RowResult,
} from './push-support.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestOrg } from './rig.ts'

const BAD_IN_A_HUNDRED = 7
const PARENTS = 20

interface Way {
  code: string
  fields: string[]
  /** What finds the fault: the engine before anything is sent, or Salesforce. */
  by: 'engine' | 'salesforce'
  spoil: (row: Row, prefix: string, n: number) => Row
}

const WAYS: Way[] = [
  {
    code: 'STRING_TOO_LONG',
    fields: ['title'],
    by: 'engine',
    spoil: (row) => ({ ...row, title: 'x'.repeat(41) }),
  },
  {
    code: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    fields: ['stage'],
    by: 'engine',
    spoil: (row) => ({ ...row, stage: 'Promised' }),
  },
  {
    code: 'REQUIRED_FIELD_MISSING',
    fields: ['title'],
    by: 'engine',
    spoil: ({ title: _title, ...row }) => row,
  },
  {
    code: 'INVALID_EMAIL_ADDRESS',
    fields: ['email'],
    by: 'engine',
    spoil: (row) => ({ ...row, email: 'someone at example' }),
  },
  {
    code: 'INVALID_TYPE_ON_FIELD_IN_RECORD',
    fields: ['start'],
    by: 'engine',
    spoil: (row) => ({ ...row, start: '2026-02-30' }),
  },
  {
    code: 'NUMBER_OUTSIDE_VALID_RANGE',
    fields: ['seats'],
    by: 'engine',
    spoil: (row) => ({ ...row, seats: 123_456 }),
  },
  {
    code: 'UNKNOWN_FIELD',
    fields: ['tittle'],
    by: 'engine',
    spoil: (row) => ({ ...row, tittle: 'as written' }),
  },
  {
    code: 'DUPLICATE_KEY_IN_INPUT',
    fields: ['key'],
    by: 'engine',
    // In a different case: Salesforce treats both as the same record.
    spoil: (row, prefix, n) => ({ ...row, key: `${prefix}-${n - 50}`.toUpperCase() }),
  },
  { code: 'KEY_MISSING', fields: ['key'], by: 'engine', spoil: (row) => ({ ...row, key: '' }) },
  {
    code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    fields: [],
    by: 'salesforce',
    // Placed without a start date: a validation rule of the Salesforce org.
    spoil: ({ start: _start, ...row }) => ({ ...row, stage: 'hired' }),
  },
  {
    code: 'INVALID_FIELD',
    fields: ['company'],
    by: 'salesforce',
    spoil: (row) => ({ ...row, company: 'no-such-company' }),
  },
  {
    code: 'DUPLICATE_VALUE',
    fields: ['badge'],
    by: 'salesforce',
    spoil: (row) => ({ ...row, badge: 'TAKEN' }),
  },
]

const wayOf = (n: number): Way | undefined =>
  n % 100 < BAD_IN_A_HUNDRED
    ? WAYS[(Math.floor(n / 100) * BAD_IN_A_HUNDRED + (n % 100)) % WAYS.length]
    : undefined

const rowsOf = (prefix: string, count: number): Row[] =>
  Array.from({ length: count }, (_, n) => {
    const row: Row = {
      ...placement(prefix, n),
      stage: 'new',
      email: `person.${n}@example.com`,
      badge: `${prefix}-badge-${n}`,
      seats: n % 9000,
      start: '2026-11-02',
      company: `company-${n % PARENTS}`,
    }
    return wayOf(n)?.spoil(row, prefix, n) ?? row
  })

const codesOf = (results: readonly RowResult[]) =>
  results.map(({ index, errors: [error] }) => [index, error?.code, error?.fields])

let rig: SharedRig
let acme: string
let org: TestOrg
let pushRig: PushRig

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg()).name
  org = await rig.org()
  pushRig = await makePushRig(rig, org, acme)
  const { control } = rig.simulator
  await control.act('records/fill', {
    org: acme,
    object: 'Account',
    count: PARENTS,
    template: { Name: 'Company {n}', Key__c: 'company-{n}' },
  })
  await control.act('records/insert', {
    org: acme,
    object: 'Account',
    rows: [{ Name: 'Company 0', Key__c: 'company-0' }],
  })
  await control.act('records/insert', {
    org: acme,
    object: 'Placement__c',
    rows: [{ Badge__c: 'TAKEN' }],
  })
})

describe.each([
  { transport: 'collections', prefix: 'coll', count: 3_000 },
  { transport: 'bulk', prefix: 'bulk', count: 5_000 },
])('$count rows, 7 % bad in twelve ways, by $transport', ({ transport, prefix, count }) => {
  const rows = rowsOf(prefix, count)
  const options = transport === 'bulk' ? {} : { transport }
  let dry: PushBody
  let push: PushBody
  let results: RowResult[]

  it('dry_run makes no Salesforce call', async () => {
    const asked = await overhear(rig.simulator, acme)
    dry = await pushRecords(org.api, pushRig, rows, { ...options, dry_run: true })
    expect(await asked()).toEqual([])
    expect(dry).toMatchObject({
      dry_run: true,
      salesforce_api_calls: 0,
      total: count,
      created_count: 0,
      updated_count: 0,
    })
  })

  it('gives each row its own result, in input order', async () => {
    push = await pushRecords(org.api, pushRig, rows, options)
    expect(push).toMatchObject({ transport, status: 'partial', total: count, error: null })
    results = await resultsOf(org.api, push.id, { limit: count * 0.3 })
    expectWhole(push, results)
    const bad = rows.flatMap((_, n) => {
      const way = wayOf(n)
      return way === undefined ? [] : [[n, way.code, way.fields]]
    })
    expect(bad).toHaveLength((count * BAD_IN_A_HUNDRED) / 100)
    expect(codesOf(results.filter(({ success }) => !success))).toEqual(bad)
    const failures = results.filter(({ success }) => !success)
    for (const { index, attempts, errors } of failures) {
      const sent = wayOf(index)?.by === 'salesforce'
      expect(attempts, `row ${index}`).toBe(sent ? 1 : 0)
      expect(errors[0]?.message, `row ${index}`).not.toBe('')
      expect(errors[0]?.remedy, `row ${index}`).not.toBe('')
    }
    const words = (code: string) =>
      failures.find(({ errors }) => errors[0]?.code === code)?.errors[0]?.message
    expect(words('FIELD_CUSTOM_VALIDATION_EXCEPTION')).toContain('A placement needs a start date.')
    expect(words('INVALID_FIELD')).toContain('no-such-company')
  })

  it('puts the good rows there exactly once', async () => {
    await expectTrue(rig.simulator, pushRig, { prefix, rows, results })
  })

  it('checked in the dry run as in the push', async () => {
    const verdicts = await resultsOf(org.api, dry.id)
    expectWhole(dry, verdicts)
    expect(verdicts).toHaveLength(count)
    const engineOnly = ({ index }: RowResult) => wayOf(index)?.by === 'engine'
    // What it refuses, the push refuses in the same words; what it accepts, only Salesforce refused.
    expect(verdicts.filter(({ success }) => !success)).toEqual(
      results.filter((result) => !result.success && engineOnly(result)),
    )
    const passed = verdicts.filter(({ success }) => success)
    expect(
      passed.every(
        ({ action, attempts, id }) => action === 'would_send' && attempts === 0 && id === null,
      ),
    ).toBe(true)
  })

  it('answers only the failed or only the succeeded ones when asked, by pages of any size', async () => {
    const failed = await resultsOf(org.api, push.id, { status: 'failed', limit: 97 })
    expect(failed).toEqual(results.filter(({ success }) => !success))
    const succeeded = await resultsOf(org.api, push.id, {
      status: 'succeeded',
      limit: count * 0.4 + 1,
    })
    expect(succeeded).toEqual(results.filter(({ success }) => success))
  })

  it('streams the same results as NDJSON', async () => {
    const streamed = async (body: Row): Promise<RowResult[]> => {
      const answer = await fetch(`${rig.urls[0]}/api/push/results`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${org.token}`,
          accept: 'application/x-ndjson',
          'content-type': 'application/json',
        },
        body: JSON.stringify({ push_id: push.id, ...body }),
      })
      expect(answer.headers.get('content-type')).toContain('application/x-ndjson')
      const lines = (await answer.text()).split('\n')
      expect(lines.pop()).toBe('')
      return lines.map((line) => JSON.parse(line) as RowResult)
    }
    expect(await streamed({})).toEqual(results)
    expect(await streamed({ status: 'failed' })).toEqual(results.filter(({ success }) => !success))
  })

  it('changes the same records when it is pushed again, and creates none', async () => {
    const before = await rig.simulator.control.act('records/count', {
      org: acme,
      object: 'Placement__c',
    })
    const again = await pushRecords(org.api, pushRig, rows.slice(0, 1_000), { transport })
    expect(again).toMatchObject({ created_count: 0, succeeded: 930, failed: 70 })
    expect(
      await rig.simulator.control.act('records/count', { org: acme, object: 'Placement__c' }),
    ).toEqual(before)
  })
})

describe('the verdicts of the engine', () => {
  it('are those of Salesforce, where it is asked the same thing', async () => {
    const wrong: [string, Row][] = [
      ['STRING_TOO_LONG', { Title__c: 'x'.repeat(41) }],
      ['INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', { Stage__c: 'Promised' }],
      ['INVALID_EMAIL_ADDRESS', { Email__c: 'someone at example' }],
      ['NUMBER_OUTSIDE_VALID_RANGE', { Seats__c: 123_456 }],
    ]
    const outcomes = await rig.simulator.control.act('records/insert', {
      org: acme,
      object: 'Placement__c',
      rows: wrong.map(([, row]) => row),
    })
    expect(outcomes.map((outcome) => JSON.parse(JSON.stringify(outcome)) as unknown)).toMatchObject(
      wrong.map(([statusCode]) => ({ success: false, errors: [{ statusCode }] })),
    )
  })
})
