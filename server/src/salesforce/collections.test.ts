import { describe, expect, it } from 'vitest'
import {
  createRecords,
  deleteRecords,
  prepareUpdate,
  prepareUpsert,
  retrieveRecords,
  type RowResult,
} from './collections.ts'
import { isUnknownFate } from './failure.ts'
import { type SalesforceOrg } from './gateway.ts'
import { type Answer, json, rejection, startRig } from './testing/misbehaving-server.ts'

const id = (n: number): string => `00Q${String(n).padStart(12, '0')}AAA`
const lead = (n: number) => ({ type: 'Lead', fields: { LastName: `L${n}` } })
const rowError = (statusCode: string, message = 'x') => ({
  success: false,
  errors: [{ statusCode, message, fields: ['A__c'] }],
})
const ok = (n: number, more: object = {}) => ({ id: id(n), success: true, errors: [], ...more })
const answering =
  (body: unknown): Answer =>
  (_request, response) =>
    json(response, 200, body)

const sent = (rig: { seen: { body: string }[] }): unknown => JSON.parse(rig.seen[0]?.body ?? '')

describe('what travels', () => {
  it('create: each row with its type, nothing of a row in place of it, no assignment rule', async () => {
    await using rig = await startRig(answering([ok(1), ok(2)]))
    const fields = { attributes: { type: 'User' }, Name: 'x', Parent__r: { Key__c: 'k' } }
    const results = await createRecords(rig.org, [lead(1), { type: 'Job__c', fields }])
    expect(results).toEqual([
      { outcome: 'succeeded', id: id(1), created: true, failure: null },
      { outcome: 'succeeded', id: id(2), created: true, failure: null },
    ])
    expect(rig.seen[0]).toMatchObject({
      method: 'POST',
      url: '/services/data/v66.0/composite/sobjects',
      headers: { 'sforce-auto-assign': 'FALSE' },
    })
    expect(rig.seen[0]?.headers['sforce-duplicate-rule-header']).toBeUndefined()
    expect(sent(rig)).toEqual({
      allOrNone: false,
      records: [
        { attributes: { type: 'Lead' }, LastName: 'L1' },
        { attributes: { type: 'Job__c' }, Name: 'x', Parent__r: { Key__c: 'k' } },
      ],
    })
  })

  it('update: the id in the row; rules and duplicates as asked', async () => {
    await using rig = await startRig(answering([ok(1)]))
    const rows = [{ type: 'Lead', id: id(1), fields: { A__c: null } }]
    const whole = { allOrNone: true, assignmentRule: { id: '01Q000000000001AAA' } }
    await prepareUpdate(rig.org, rows, { ...whole, allowDuplicates: true })()
    expect(rig.seen[0]).toMatchObject({
      method: 'PATCH',
      headers: {
        'sforce-auto-assign': '01Q000000000001AAA',
        'sforce-duplicate-rule-header': 'allowSave=true',
      },
    })
    expect(sent(rig)).toEqual({
      allOrNone: true,
      records: [{ attributes: { type: 'Lead' }, id: id(1), A__c: null }],
    })
    await prepareUpdate(rig.org, rows, { assignmentRule: 'active' })()
    expect(rig.seen[1]?.headers['sforce-auto-assign']).toBe('TRUE')
    const injected = { assignmentRule: { id: 'x\r\nauthorization: y' } }
    expect(await rejection(prepareUpdate(rig.org, rows, injected)())).toBeInstanceOf(TypeError)
    expect(rig.seen).toHaveLength(2)
  })

  it('upsert: by the field in the path, and says which rows it created', async () => {
    await using rig = await startRig(
      answering([ok(1, { created: true }), ok(2, { created: false })]),
    )
    const rows = [{ Key__c: 'a' }, { Key__c: 'b' }]
    const results = await prepareUpsert(rig.org, 'Lead', 'Key__c', rows)()
    expect(results).toMatchObject([{ created: true }, { created: false }])
    expect(rig.seen[0]).toMatchObject({
      method: 'PATCH',
      url: '/services/data/v66.0/composite/sobjects/Lead/Key__c',
    })
  })

  it('delete: 200 ids fit into the URL, and nothing but ids', async () => {
    await using rig = await startRig(answering(Array.from({ length: 200 }, (_, n) => ok(n))))
    const ids = Array.from({ length: 200 }, (_, n) => id(n))
    expect(await deleteRecords(rig.org, ids)).toHaveLength(200)
    const { searchParams } = new URL(rig.seen[0]?.url ?? '', 'http://x')
    expect(searchParams.get('ids')?.split(',')).toEqual(ids)
    expect(searchParams.get('allOrNone')).toBe('false')
    expect((rig.seen[0]?.url ?? '').length).toBeLessThan(16_000)
    expect(await rejection(deleteRecords(rig.org, ['x,y']))).toBeInstanceOf(TypeError)
    expect(rig.seen).toHaveLength(1)
  })

  it('retrieve: in the order of the ids, null for what does not exist', async () => {
    await using rig = await startRig(answering([{ Id: id(1) }, null]))
    expect(await retrieveRecords(rig.org, 'Lead', [id(1), id(2)], ['Id'])).toEqual([
      { Id: id(1) },
      null,
    ])
    expect(rig.seen[0]).toMatchObject({
      method: 'POST',
      url: '/services/data/v66.0/composite/sobjects/Lead',
    })
    expect(sent(rig)).toEqual({ ids: [id(1), id(2)], fields: ['Id'] })
  })
})

describe('a row', () => {
  const outcomes = async (rows: unknown[]): Promise<RowResult[]> => {
    await using rig = await startRig(answering(rows))
    return await createRecords(
      rig.org,
      rows.map((_, n) => lead(n)),
    )
  }

  it('has its own outcome at its own position, passing or final', async () => {
    const results = await outcomes([
      ok(1),
      rowError('REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName]'),
      rowError('UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record'),
      rowError('SERVER_UNAVAILABLE'),
      rowError('QUERY_TIMEOUT'),
      ok(5),
    ])
    expect(
      results.map((row) =>
        row.failure === null ? row.id : [row.failure.kind, row.failure.passing],
      ),
    ).toEqual([
      id(1),
      ['other', false],
      ['row_lock', true],
      ['server_unavailable', true],
      ['transient', true],
      id(5),
    ])
    expect(results[1]).toMatchObject({
      failure: {
        code: 'REQUIRED_FIELD_MISSING',
        message: 'Required fields are missing: [LastName]',
        fields: ['A__c'],
        fate: 'not_done',
      },
      rolledBack: false,
    })
    // Salesforce said that it did not write them: no outcome is unknown.
    expect(results.map(({ failure }) => failure?.fate)).not.toContain('unknown')
  })

  it('with several errors is as final as the most final of them', async () => {
    const { errors: lock } = rowError('UNABLE_TO_LOCK_ROW')
    const { errors: long } = rowError('STRING_TOO_LONG')
    const [row] = await outcomes([{ success: false, errors: [...lock, ...long] }])
    expect(row).toMatchObject({ failure: { code: 'STRING_TOO_LONG', passing: false } })
    expect(row?.outcome === 'failed' && row.failures.map(({ code }) => code)).toEqual([
      'UNABLE_TO_LOCK_ROW',
      'STRING_TOO_LONG',
    ])
  })

  it('that was rolled back because of another is distinguished from the one at fault', async () => {
    const results = await outcomes([
      rowError('ALL_OR_NONE_OPERATION_ROLLED_BACK'),
      rowError('STRING_TOO_LONG'),
    ])
    expect(results).toMatchObject([{ rolledBack: true }, { rolledBack: false }])
  })

  it.each([
    [null],
    [{}],
    [{ success: true }],
    [{ success: false }],
    [{ success: false, errors: [] }],
  ])('answered by %j is of unknown fate and hides no other', async (odd) => {
    const results = await outcomes([ok(1), odd])
    expect(results).toMatchObject([
      { outcome: 'succeeded' },
      { outcome: 'failed', failure: { kind: 'malformed', fate: 'unknown' } },
    ])
  })

  it('refused as a duplicate keeps what it is a duplicate of', async () => {
    const duplicateResult = { allowSave: true, duplicateRule: 'Standard' }
    const error = {
      statusCode: 'DUPLICATES_DETECTED',
      message: 'Use one of these?',
      duplicateResult,
    }
    const [row] = await outcomes([{ success: false, errors: [error] }])
    expect(row).toMatchObject({
      failure: { code: 'DUPLICATES_DETECTED', body: { duplicateResult } },
    })
  })
})

describe('a call', () => {
  const writes: [string, (org: SalesforceOrg) => Promise<unknown>][] = [
    ['create', (org) => createRecords(org, [lead(1)])],
    ['update', (org) => prepareUpdate(org, [{ ...lead(1), id: id(1) }])()],
    ['upsert', (org) => prepareUpsert(org, 'Lead', 'Key__c', [{ Key__c: 'a' }])()],
    ['delete', (org) => deleteRecords(org, [id(1)])],
  ]

  it.each(writes)(
    '(%s) whose answer is lost is reported and not sent again',
    async (_name, call) => {
      const faults: Answer[] = [
        (_request, response) => response.destroy(),
        (_request, response) => response.writeHead(503).end(),
        (_request, response) => json(response, 200, '[{"id":"00Q'),
        answering([]),
        answering({ records: [] }),
      ]
      for (const fault of faults) {
        await using rig = await startRig(fault)
        expect(isUnknownFate(await rejection(call(rig.org)))).toBe(true)
        expect(rig.seen).toHaveLength(1)
      }
    },
  )

  it.each(writes)(
    '(%s) that Salesforce certainly did not do is sent again',
    async (_name, call) => {
      const answers: Answer[] = [
        (_request, response) =>
          json(response, 403, [
            { errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'ConcurrentRequests Limit exceeded.' },
          ]),
        (_request, response) => json(response, 401, [{ errorCode: 'INVALID_SESSION_ID' }]),
      ]
      await using rig = await startRig((request, response) =>
        (answers.shift() ?? answering([ok(1)]))(request, response),
      )
      expect(await call(rig.org)).toMatchObject([{ outcome: 'succeeded' }])
      expect(rig.seen).toHaveLength(3)
    },
  )

  it('that only reads is asked again', async () => {
    const answers: Answer[] = [(_request, response) => response.destroy()]
    await using rig = await startRig((request, response) =>
      (answers.shift() ?? answering([null]))(request, response),
    )
    expect(await retrieveRecords(rig.org, 'Lead', [id(1)], ['Id'])).toEqual([null])
  })

  it('refused as a whole is Salesforce’s own word', async () => {
    await using rig = await startRig((_request, response) =>
      json(response, 400, [{ errorCode: 'INVALID_FIELD', message: 'No such column' }]),
    )
    const error = await rejection(createRecords(rig.org, [lead(1)]))
    expect(error).toMatchObject({ upstream: { code: 'INVALID_FIELD', message: 'No such column' } })
    expect(isUnknownFate(error)).toBe(false)
  })

  it('over Salesforce’s limits or without rows is never sent', async () => {
    await using rig = await startRig(answering([]))
    const many = Array.from({ length: 201 }, (_, n) => lead(n))
    expect(await rejection(createRecords(rig.org, many))).toBeInstanceOf(TypeError)
    const mixed = Array.from({ length: 11 }, (_, n) => ({ ...lead(n), type: n % 2 ? 'A' : 'B' }))
    expect(await rejection(createRecords(rig.org, mixed))).toBeInstanceOf(TypeError)
    const ids = Array.from({ length: 2001 }, (_, n) => id(n))
    expect(await rejection(retrieveRecords(rig.org, 'Lead', ids, ['Id']))).toBeInstanceOf(TypeError)
    expect(await createRecords(rig.org, [])).toEqual([])
    expect(await retrieveRecords(rig.org, 'Lead', [], ['Id'])).toEqual([])
    expect(rig.seen).toEqual([])
    const tenRuns = mixed.slice(0, 10)
    expect(await rejection(createRecords(rig.org, tenRuns))).toMatchObject({
      failure: { kind: 'malformed' },
    })
    expect(rig.seen).toHaveLength(1)
  })
})
