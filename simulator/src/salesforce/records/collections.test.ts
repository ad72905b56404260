// Many records at once: collections, trees, graphs, composites that change records.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

interface RowResult {
  id?: string
  success: boolean
  created?: boolean
  errors: { statusCode: string; message: string; fields: string[] }[]
}

const send = async (method: string, path: string, body?: unknown) => {
  const answer = await fetch(`${admin.instanceUrl}/services/data/v66.0${path}`, {
    method,
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: await bodyOf<unknown>(answer) }
}
const rows = async (method: string, path: string, body?: unknown): Promise<RowResult[]> => {
  const answer = await send(method, path, body)
  expect(answer.status).toBe(200)
  return answer.body as RowResult[]
}
const codes = (results: RowResult[]) => results.map(({ errors }) => errors[0]?.statusCode ?? 'ok')
const count = async (object: string, where: Record<string, unknown> = {}) =>
  (await sim.control.act('records/count', { org: 'Acme', object, where })).count

const lead = (more: object = {}) => ({
  attributes: { type: 'Lead' },
  LastName: 'Many',
  Company: 'Many Inc',
  ...more,
})
const account = (more: object = {}) => ({ attributes: { type: 'Account' }, Name: 'Many', ...more })
const PATH = '/composite/sobjects'

describe('a collection', () => {
  it('answers 200 in the order of the request; rows that fail have no id', async () => {
    const results = await rows('POST', PATH, {
      records: [
        lead(),
        lead({ Email: 'bad' }),
        account(),
        lead({ nope: 1 }),
        account({ Name: null }),
      ],
    })
    expect(codes(results)).toEqual([
      'ok',
      'INVALID_EMAIL_ADDRESS',
      'ok',
      'INVALID_FIELD',
      'REQUIRED_FIELD_MISSING',
    ])
    expect(Object.keys(results[0] ?? {})).toEqual(['id', 'success', 'errors'])
    expect(results[1]).toEqual({
      success: false,
      errors: [
        {
          statusCode: 'INVALID_EMAIL_ADDRESS',
          message: 'Email: invalid email address: bad',
          fields: ['Email'],
        },
      ],
    })
    expect(results[3]?.errors[0]?.message).toBe("No such column 'nope' on sobject of type Lead")
    expect(results[0]?.id?.slice(0, 3)).toBe('00Q')
    expect(results[2]?.id?.slice(0, 3)).toBe('001')
  })

  it('with allOrNone keeps nothing when one row fails, over all its chunks', async () => {
    const before = [await count('Lead'), await count('Account')]
    const results = await rows('POST', PATH, {
      allOrNone: true,
      records: [lead(), account(), lead({ Email: 'bad' }), account()],
    })
    const rolledBack = 'ALL_OR_NONE_OPERATION_ROLLED_BACK'
    expect(codes(results)).toEqual([rolledBack, rolledBack, 'INVALID_EMAIL_ADDRESS', rolledBack])
    expect(results[0]?.errors[0]?.message).toBe(
      'Record rolled back because not all records were valid and the request was using AllOrNone header',
    )
    expect([await count('Lead'), await count('Account')]).toEqual(before)
  })

  it('updates and deletes by id, of several types', async () => {
    const made = await rows('POST', PATH, { records: [lead(), account()] })
    const [leadId = '', accountId = ''] = made.map(({ id }) => id)
    const updated = await rows('PATCH', PATH, {
      records: [
        { ...lead({ id: leadId, Title: 'CTO' }) },
        { attributes: { type: 'Account' }, Id: accountId, Name: 'Renamed' },
        lead(),
        lead({ id: '00Qx00000000000' }),
      ],
    })
    expect(updated.map(({ id, errors }) => id ?? errors[0]?.message)).toEqual([
      leadId,
      accountId,
      'Id not specified in an update call',
      'invalid cross reference id',
    ])
    const gone = await rows('DELETE', `${PATH}?ids=${leadId},${accountId},${leadId},broken`)
    expect(codes(gone)).toEqual(['ok', 'ok', 'ENTITY_IS_DELETED', 'MALFORMED_ID'])
    expect(gone[3]?.errors[0]?.message).toBe('malformed id broken')
  })

  it('upserts by external id, says what it created, and refuses a key that comes twice', async () => {
    const path = `${PATH}/Lead/Source_Key__c`
    const keyed = (key: string | null, more: object = {}) => lead({ Source_Key__c: key, ...more })
    const first = await rows('PATCH', path, { records: [keyed('a'), keyed('b')] })
    expect(first.map(({ created }) => created)).toEqual([true, true])
    const second = await rows('PATCH', path, {
      records: [keyed('A', { Title: 'x' }), keyed('c'), keyed('d'), keyed('d'), keyed(null)],
    })
    expect(second.map(({ id }) => id === first[0]?.id)).toEqual([true, false, false, false, false])
    expect(second.map(({ created }) => created)).toEqual([false, true, true, true, undefined])
    expect(second.map(({ errors }) => errors[0]?.message)).toEqual([
      undefined,
      undefined,
      'Duplicate external id specified: d',
      'Duplicate external id specified: d',
      'Source_Key__c not specified',
    ])
    const whole = await rows('PATCH', path, {
      allOrNone: true,
      records: [keyed('a'), keyed('e', { OwnerId: 'nobody' }), keyed('f')],
    })
    // As jsforce's own tests find in real orgs: rolled-back rows also say so.
    expect(whole.map(({ success, created }) => [success, created])).toEqual([
      [false, false],
      [false, true],
      [false, true],
    ])
    const byId = await rows('PATCH', `${PATH}/Lead/Id`, { records: [lead({ Id: null })] })
    expect(byId[0]?.created).toBe(true)
  })

  it('retrieves records with null for what does not exist', async () => {
    const [made] = await rows('POST', PATH, { records: [account()] })
    const id = made?.id ?? ''
    const body = { ids: [id, '001x00000000000'], fields: ['name'] }
    const expected = [
      {
        attributes: { type: 'Account', url: `/services/data/v66.0/sobjects/Account/${id}` },
        Id: id,
        Name: 'Many',
      },
      null,
    ]
    expect((await send('POST', `${PATH}/Account`, body)).body).toEqual(expected)
    const query = `ids=${id},001x00000000000&fields=name`
    expect((await send('GET', `${PATH}/Account?${query}`)).body).toEqual(expected)
  })

  it('that is malformed as a whole is refused with 400', async () => {
    const cases: [unknown, string, string][] = [
      [{ records: [] }, 'REQUIRED_FIELD_MISSING', 'At least 1 record is required'],
      [{ records: 'x' }, 'JSON_PARSER_ERROR', 'The records list is required'],
      [
        { records: Array.from({ length: 201 }, () => lead()) },
        'EXCEEDED_ID_LIMIT',
        'record limit reached. cannot submit more than 200 records in this operation',
      ],
      [
        { records: Array.from({ length: 11 }, (_, n) => (n % 2 === 0 ? lead() : account())) },
        'LIMIT_EXCEEDED',
        'Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.',
      ],
    ]
    for (const [body, errorCode, message] of cases) {
      expect(await send('POST', PATH, body)).toEqual({
        status: 400,
        body: [{ errorCode, message }],
      })
    }
    expect((await send('PATCH', `${PATH}/Lead/Company`, { records: [lead()] })).status).toBe(404)
  })

  it('counts as one call', async () => {
    await sim.control.clearJournal()
    await rows('POST', PATH, { records: Array.from({ length: 200 }, () => lead()) })
    expect(await sim.control.act('counters', { org: 'Acme' })).toEqual({ requests: 1, apiCalls: 1 })
  })
})

describe('a composite', () => {
  const part = (method: string, referenceId: string, path: string, body?: unknown) => ({
    method,
    referenceId,
    url: `/services/data/v66.0${path}`,
    ...(body === undefined ? {} : { body }),
  })
  interface Answer {
    compositeResponse: { httpStatusCode: number; referenceId: string; body: unknown }[]
  }

  it('hands the id of one part to the next', async () => {
    const { body } = await send('POST', '/composite', {
      compositeRequest: [
        part('POST', 'acc', '/sobjects/Account', { Name: 'Ref' }),
        part('POST', 'con', '/sobjects/Contact', { LastName: 'R', AccountId: '@{acc.id}' }),
        part('GET', 'read', '/sobjects/Contact/@{con.id}?fields=AccountId'),
      ],
    })
    const parts = (body as Answer).compositeResponse
    expect(parts.map(({ httpStatusCode }) => httpStatusCode)).toEqual([201, 201, 200])
    const account = parts[0]?.body as { id: string } | undefined
    expect(parts[2]?.body).toMatchObject({ AccountId: account?.id ?? 'none' })
  })

  it('with allOrNone rolls everything back, collections inside of it too', async () => {
    const before = [await count('Account'), await count('Lead')]
    const { status, body } = await send('POST', '/composite', {
      allOrNone: true,
      compositeRequest: [
        part('POST', 'acc', '/sobjects/Account', { Name: 'Ref' }),
        part('POST', 'many', PATH, { allOrNone: false, records: [lead(), lead({ Email: 'bad' })] }),
        part('POST', 'never', '/sobjects/Account', { Name: 'Never' }),
      ],
    })
    const parts = (body as Answer).compositeResponse
    expect([status, ...parts.map(({ httpStatusCode }) => httpStatusCode)]).toEqual([
      200, 400, 400, 400,
    ])
    expect(parts[2]?.body).toEqual([
      {
        errorCode: 'PROCESSING_HALTED',
        message:
          'The transaction was rolled back since another operation in the same transaction failed.',
      },
    ])
    expect([await count('Account'), await count('Lead')]).toEqual(before)
  })

  it('without it keeps what went well', async () => {
    await send('POST', '/composite', {
      compositeRequest: [
        part('POST', 'acc', '/sobjects/Account', { Name: 'Kept' }),
        part('POST', 'bad', '/sobjects/Account', {}),
      ],
    })
    expect(await count('Account', { Name: 'Kept' })).toBe(1)
  })

  it('as graphs keeps each graph or rolls it back', async () => {
    const graph = (graphId: string, name: string | null) => ({
      graphId,
      compositeRequest: [
        part('POST', 'acc', '/sobjects/Account', { Name: graphId }),
        part('POST', 'con', '/sobjects/Contact', { LastName: name, AccountId: '@{acc.id}' }),
      ],
    })
    const { status, body } = await send('POST', '/composite/graph', {
      graphs: [graph('good', 'x'), graph('bad', null)],
    })
    const { graphs } = body as { graphs: { graphId: string; isSuccessful: boolean }[] }
    expect([status, ...graphs.map(({ graphId, isSuccessful }) => [graphId, isSuccessful])]).toEqual(
      [200, ['good', true], ['bad', false]],
    )
    expect([
      await count('Account', { Name: 'good' }),
      await count('Account', { Name: 'bad' }),
    ]).toEqual([1, 0])
  })
})

describe('a tree', () => {
  const record = (type: string, referenceId: string, more: object) => ({
    attributes: { type, referenceId },
    ...more,
  })

  it('makes parents and children, and answers an id for each reference', async () => {
    const { status, body } = await send('POST', '/composite/tree/Account', {
      records: [
        record('Account', 'a1', {
          Name: 'Tree',
          Contacts: { records: [record('Contact', 'c1', { LastName: 'Leaf' })] },
        }),
      ],
    })
    const { hasErrors, results } = body as {
      hasErrors: boolean
      results: { referenceId: string; id: string }[]
    }
    expect([status, hasErrors, results.map(({ referenceId }) => referenceId)]).toEqual([
      201,
      false,
      ['a1', 'c1'],
    ])
    expect(await count('Contact', { AccountId: results[0]?.id })).toBe(1)
  })

  it('names only what failed, and keeps nothing', async () => {
    const before = await count('Account')
    const { status, body } = await send('POST', '/composite/tree/Account', {
      records: [
        record('Account', 'ok', { Name: 'Tree' }),
        record('Account', 'bad', { Name: 'x', Region__c: 'Mars' }),
      ],
    })
    expect([status, body]).toMatchObject([
      400,
      {
        hasErrors: true,
        results: [
          {
            referenceId: 'bad',
            errors: [{ statusCode: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST' }],
          },
        ],
      },
    ])
    expect(await count('Account')).toBe(before)
  })

  it('refuses a referenceId that comes twice', async () => {
    const twice = record('Account', 'a', { Name: 'x' })
    const { status, body } = await send('POST', '/composite/tree/Account', {
      records: [twice, twice],
    })
    expect([status, body]).toMatchObject([
      400,
      {
        results: [
          {
            referenceId: 'a',
            errors: [
              {
                statusCode: 'INVALID_INPUT',
                message: 'Duplicate ReferenceId provided in the request.',
              },
            ],
          },
        ],
      },
    ])
  })
})
