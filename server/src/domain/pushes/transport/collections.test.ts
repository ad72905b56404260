import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../../errors.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceRequest } from '../../../salesforce/wire.ts'
import { type ReadyRow, type RowError } from '../model.ts'
import {
  brief,
  createRig,
  KEY,
  Killed,
  OBJECT,
  placements,
  type Rig,
  tally,
  updateOf,
  upsertOf,
} from './testing/rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await createRig()
})
beforeEach(() => rig.reset())
afterAll(() => rig.close())

const UPSERT = `*/composite/sobjects/${OBJECT}/${KEY}*`
const isWrite = ({ method, path }: SalesforceRequest) =>
  method === 'PATCH' && path.startsWith('/composite/sobjects')
const isQuery = ({ path }: SalesforceRequest) => path.startsWith('/query')

/** Every row has a result that is true for the Salesforce org, and no key has two records. */
const expectTruth = async (
  rows: readonly ReadyRow[],
  results: Awaited<ReturnType<Rig['collections']>>['results'],
) => {
  expect(results.map(({ index }) => index)).toEqual(rows.map(({ index }) => index))
  const records = await rig.records()
  const keys = records.map((record) => record[KEY])
  expect(new Set(keys).size).toBe(keys.length)
  for (const [at, { key, success, id }] of results.entries()) {
    const record = records.find((one) => one[KEY] === key)
    if (!success) continue
    expect(record).toMatchObject({ Id: id, ...rows[at]?.fields })
  }
}

describe('rows by Collections', () => {
  it('take one call for 200 of them, and say which were created and which updated', async () => {
    await rig.insert(OBJECT, [{ [KEY]: 'k1', Notes__c: 'old' }])
    const rows = placements(200)
    const { results, calls, error } = await rig.collections(rows)
    expect(error).toBeNull()
    expect(tally(results)).toEqual({ 'created 1': 199, 'updated 1': 1 })
    expect(results[1]).toMatchObject({ key: 'k1', action: 'updated' })
    expect(await rig.asked('PATCH', UPSERT)).toBe(1)
    // The other one asks for Salesforce's time, once an hour.
    expect(calls).toBe(2)
    await expectTruth(rows, results)
  })

  it('fail one by one for what is wrong with them, and stop no other', async () => {
    const rows = [
      ...placements(2),
      upsertOf(2, 'k2', { Stage__c: 'Nonsense' }),
      upsertOf(3, 'k3', { Company__r: { Name: 'Nobody' } }),
    ]
    const { results } = await rig.collections(rows)
    expect(brief(results)).toEqual([
      'created 1',
      'created 1',
      'failed 1 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      expect.stringMatching(/^failed 1 INVALID_FIELD/),
    ])
    expect(results[2]?.errors[0]?.remedy).toContain('active')
  })

  it('that a whole call is refused for are found, and the others are written', async () => {
    await rig.fault({
      method: 'PATCH',
      path: UPSERT,
      kind: {
        type: 'status',
        status: 400,
        errorCode: 'INVALID_FIELD',
        message: `No such column 'Salary__c' on sobject of type ${OBJECT}`,
      },
    })
    const rows = placements(5).map((row, n) =>
      n < 3 ? { ...row, fields: { Notes__c: 'x' } } : row,
    )
    const { results } = await rig.collections(rows)
    expect(brief(results)).toEqual([
      'created 2',
      'created 2',
      'created 2',
      'failed 1 INVALID_FIELD',
      'failed 1 INVALID_FIELD',
    ])
  })

  it('are halved if it is unknown which of them was refused', async () => {
    await rig.fault({
      method: 'PATCH',
      path: UPSERT,
      times: 3,
      kind: { type: 'status', status: 400, errorCode: 'JSON_PARSER_ERROR', message: 'at [1, 2]' },
    })
    const { results } = await rig.collections(placements(4))
    expect(brief(results)).toEqual([
      'failed 3 JSON_PARSER_ERROR',
      'created 3',
      'created 2',
      'created 2',
    ])
  })
})

describe('a connection that breaks', () => {
  it('after the work was done costs no second writing', async () => {
    await rig.oldPlacement('k0', { Notes__c: 'old' })
    await rig.fault({ method: 'PATCH', path: UPSERT, kind: { type: 'close', when: 'after' } })
    const rows = placements(150)
    const { results } = await rig.collections(rows)
    expect(await rig.asked('PATCH', UPSERT)).toBe(1)
    expect(tally(results)).toEqual({ 'created 1': 149, 'updated 1': 1 })
    await expectTruth(rows, results)
  })

  it('before the work was done loses no row', async () => {
    await rig.fault({ method: 'PATCH', path: UPSERT, kind: { type: 'close', when: 'before' } })
    const rows = placements(150)
    const { results } = await rig.collections(rows)
    expect(tally(results)).toEqual({ 'created 2': 150 })
    await expectTruth(rows, results)
    // A request may still be under way when its sender is gone.
    expect(rig.waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(15_000)
  })

  it('in the middle of the answer makes no difference', async () => {
    await rig.fault({ method: 'PATCH', path: UPSERT, kind: { type: 'cut' } })
    const rows = placements(20)
    const { results } = await rig.collections(rows)
    expect(await rig.asked('PATCH', UPSERT)).toBe(1)
    expect(tally(results)).toEqual({ 'created 1': 20 })
  })

  it('has rows sent again that hold other values by then, and says so', async () => {
    await rig.fault({ method: 'PATCH', path: UPSERT, kind: { type: 'close', when: 'after' } })
    let isFirst = true
    const rows = placements(3)
    const { results } = await rig.collections(rows, {
      before: async (request) => {
        if (!isQuery(request) || !isFirst) return
        isFirst = false
        const [record] = await rig.records(OBJECT, { [KEY]: 'k1' })
        await rig.update(OBJECT, [{ Id: record?.Id, Notes__c: 'somebody else' }])
      },
    })
    expect(brief(results)).toEqual(['created 1', 'updated 2 resent', 'created 1'])
    await expectTruth(rows, results)
  })

  it('ends as a failure of the rows with the code of the fault, where it breaks every time', async () => {
    await rig.fault({
      method: 'PATCH',
      path: UPSERT,
      times: 100,
      kind: { type: 'close', when: 'before' },
    })
    const { results, error } = await rig.collections(placements(2))
    expect(error).toBeNull()
    expect(results.every(({ success, attempts }) => !success && attempts === 5)).toBe(true)
    expect(await rig.records()).toEqual([])
  })

  it('compares with what Salesforce made of the values', async () => {
    const [company] = await rig.insert('Account', [{ Name: 'Acme' }])
    await rig.fault({ method: 'PATCH', path: UPSERT, kind: { type: 'close', when: 'after' } })
    const rows = [
      upsertOf(0, 'k0', {
        Notes__c: '  line\nline ',
        Salary__c: 12.5,
        Start_Date__c: '2026-02-03',
        Is_Remote__c: true,
        Stage__c: 'Offer',
        Company__c: company?.slice(0, 15),
      }),
      upsertOf(1, 'k1', { Notes__c: null }),
    ]
    const { results } = await rig.collections(rows)
    expect(brief(results)).toEqual(['created 1', 'created 1'])
  })
})

describe('a process that is killed', () => {
  it('at any call leaves no row behind and makes none twice', async () => {
    for (const moment of ['before', 'after'] as const) {
      let ended = false
      for (let killAt = 1; !ended; killAt += 1) {
        await rig.reset()
        await rig.oldPlacement('k3', { Notes__c: 'old' })
        await rig.control.act('records/fail-locks', { org: rig.name, object: OBJECT, times: 2 })
        const rows = [...placements(8), upsertOf(8, 'k8', { Stage__c: 'Nonsense' })]
        let calls = 0
        const first = await rig.collections(rows, {
          [moment]: () => {
            calls += 1
            if (calls === killAt) throw new Killed()
          },
        })
        ended = first.error === null
        const { results, error } = ended
          ? first
          : await rig.collections(rows, { state: first.state })
        expect(error).toBeNull()
        await expectTruth(rows, results)
        const actions = results.map(({ action }) => action)
        expect(actions).toEqual([
          'created',
          'created',
          'created',
          'updated',
          'created',
          'created',
          'created',
          'created',
          'failed',
        ])
      }
    }
  })
})

describe('causes that pass', () => {
  it('have only the rows sent again that they struck, among fewer each time', async () => {
    await rig.control.act('records/fail-locks', { org: rig.name, object: OBJECT, times: 130 })
    const sizes: number[] = []
    const { results } = await rig.collections(placements(200), {
      before: (request) => {
        if (!isWrite(request)) return
        const { records } = JSON.parse(String(request.body?.content)) as { records: [] }
        sizes.push(records.length)
      },
    })
    expect(tally(results)).toEqual({ 'created 1': 70, 'created 2': 130 })
    expect(sizes).toEqual([200, 100, 30])
    expect(rig.waits.length).toBeGreaterThan(0)
  })

  it('that do not pass end with the code of Salesforce', async () => {
    await rig.control.act('records/fail-locks', { org: rig.name, object: OBJECT, times: 10_000 })
    const { results } = await rig.collections(placements(3))
    expect(tally(results)).toEqual({ 'failed 5 UNABLE_TO_LOCK_ROW': 3 })
  })

  it('are waited for where the whole Salesforce org is out of reach', async () => {
    await rig.fault({
      method: 'PATCH',
      path: UPSERT,
      times: 6,
      kind: { type: 'status', status: 503, errorCode: 'SERVER_UNAVAILABLE' },
    })
    const { results } = await rig.collections(placements(3))
    expect(results.every(({ success }) => success)).toBe(true)
  })

  it('stop the push where the org stays out of reach, with nothing to be settled', async () => {
    await rig.fault({
      method: 'PATCH',
      path: UPSERT,
      times: 1_000,
      kind: { type: 'status', status: 503, errorCode: 'SERVER_UNAVAILABLE' },
    })
    const { error, state } = await rig.collections(placements(3))
    expect(error).toBeInstanceOf(SalesforceError)
    expect((error as SalesforceError).failure).toMatchObject({ passing: true })
    expect(state).toBeNull()
  })

  it('of Apex limits pass with smaller calls', async () => {
    let struck = false
    const { results } = await rig.collections(placements(60), {
      before: async (request) => {
        if (!isWrite(request) || struck) return
        struck = true
        await rig.fault({
          method: 'PATCH',
          path: UPSERT,
          kind: {
            type: 'status',
            status: 400,
            errorCode: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
            message: 'System.LimitException: Apex CPU time limit exceeded',
          },
        })
      },
    })
    expect(tally(results)).toEqual({ 'created 2': 60 })
  })
})

describe('what stops a push', () => {
  const CANCELLED: RowError = { code: 'CANCELLED', message: 'cancelled', fields: [], remedy: '' }

  it('a spent budget: nothing is sent, and nothing is left to be settled', async () => {
    await rig.collections(placements(1, 'other'))
    rig.spent.budget = true
    const { error, state, results } = await rig.collections(placements(2))
    expect(error).toBeInstanceOf(EngineError)
    expect((error as EngineError).code).toBe('api_budget_exhausted')
    expect([state, results]).toEqual([null, []])
  })

  it('a spent allowance of Salesforce, likewise', async () => {
    await rig.fault({ method: 'PATCH', path: UPSERT, kind: { type: 'limit', which: 'total' } })
    const { error, state } = await rig.collections(placements(2))
    expect((error as EngineError).code).toBe('api_budget_exhausted')
    expect(state).toBeNull()
  })

  it('keeps what has come, and goes on with the rest', async () => {
    await rig.control.act('records/fail-locks', { org: rig.name, object: OBJECT, times: 2 })
    let writes = 0
    const rows = placements(5)
    const first = await rig.collections(rows, {
      before: async (request) => {
        if (!isWrite(request)) return
        writes += 1
        if (writes === 2) {
          await rig.fault({
            method: 'PATCH',
            path: UPSERT,
            kind: { type: 'limit', which: 'total' },
          })
        }
      },
    })
    expect((first.error as EngineError).code).toBe('api_budget_exhausted')
    expect(first.state).not.toBeNull()
    const { results } = await rig.collections(rows, { state: first.state })
    expect(results.every(({ action }) => action === 'created')).toBe(true)
    expect(await rig.asked('PATCH', UPSERT)).toBe(3)
  })

  it('a cancelling: rows that were not sent say so, what was sent is settled', async () => {
    const rows = placements(4)
    const first = await rig.collections(rows, {
      after: (request) => {
        if (isWrite(request)) throw new Killed()
      },
    })
    expect(first.error).toBeInstanceOf(Killed)
    const second = await rig.collections(rows, { state: first.state, stopped: () => CANCELLED })
    expect(tally(second.results)).toEqual({ 'created 1': 4 })
    const never = await rig.collections(placements(2, 'n'), { stopped: () => CANCELLED })
    expect(tally(never.results)).toEqual({ 'failed 0 CANCELLED': 2 })
  })
})

describe('updates', () => {
  it('find their records by key or id, and never create one', async () => {
    const [a, b] = await rig.insert(OBJECT, [{ [KEY]: 'a' }, { [KEY]: 'b' }])
    const { results } = await rig.collections(
      [
        updateOf(0, { field: KEY, value: 'A' }, { Notes__c: 'by key' }),
        updateOf(1, { field: 'Id', value: b ?? '' }, { Notes__c: 'by id' }),
        updateOf(2, { field: KEY, value: 'nobody' }, { Notes__c: 'x' }),
        updateOf(3, { field: 'Id', value: `${(b ?? '').slice(0, 12)}zzz` }, { Notes__c: 'x' }),
      ],
      { kind: 'status_update' },
    )
    expect(brief(results)).toEqual([
      'updated 1',
      'updated 1',
      'failed 0 RECORD_NOT_FOUND',
      'failed 1 RECORD_NOT_FOUND',
    ])
    expect(results[0]?.id).toBe(a)
    const records = await rig.records()
    expect(records.map(({ Notes__c }) => Notes__c)).toEqual(['by key', 'by id'])
  })

  it('of a key that several records have are refused', async () => {
    await rig.insert('Account', [{ Name: 'Twin' }, { Name: 'Twin' }])
    const { results } = await rig.collections(
      [updateOf(0, { field: 'Name', value: 'Twin' }, { Industry: 'Banking' }, 'Account')],
      { kind: 'status_update' },
    )
    expect(brief(results)).toEqual(['failed 0 AMBIGUOUS_MATCH'])
  })

  it('of one record travel in calls of their own', async () => {
    await rig.insert(OBJECT, [{ [KEY]: 'a' }])
    const { results } = await rig.collections([
      updateOf(0, { field: KEY, value: 'a' }, { Notes__c: 'x' }),
      updateOf(1, { field: KEY, value: 'a' }, { Salary__c: 5 }),
    ])
    expect(brief(results)).toEqual(['updated 1', 'updated 1'])
    expect(await rig.records()).toMatchObject([{ Notes__c: 'x', Salary__c: 5 }])
  })

  it('whose answer got lost are found out about', async () => {
    await rig.insert(OBJECT, [{ [KEY]: 'a' }, { [KEY]: 'b' }])
    await rig.fault({
      method: 'PATCH',
      path: '*/composite/sobjects',
      kind: { type: 'close', when: 'after' },
    })
    const { results } = await rig.collections([
      updateOf(0, { field: KEY, value: 'a' }, { Notes__c: 'x' }),
      updateOf(1, { field: KEY, value: 'b' }, { Stage__c: 'Nonsense' }),
    ])
    expect(brief(results)).toEqual([
      'updated 1',
      'failed 2 resent INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    ])
  })
})

describe('links', () => {
  it('set lookups by the keys of both ends, and say which end is missing', async () => {
    const [lead] = await rig.insert('Account', [{ Name: 'Acme' }])
    await rig.insert('Account', [{ Name: 'Twin' }, { Name: 'Twin' }])
    await rig.insert(OBJECT, [{ [KEY]: 'a' }, { [KEY]: 'b' }, { [KEY]: 'c' }])
    const { results } = await rig.collections(
      [
        updateOf(0, { field: KEY, value: 'a' }, { Company__c: lead }),
        updateOf(1, { field: KEY, value: 'none' }, { Company__c: lead }),
        updateOf(2, { field: KEY, value: 'b' }, { Candidate__r: { Email: 'nobody@example.com' } }),
      ],
      { kind: 'link' },
    )
    expect(brief(results)).toEqual([
      'updated 1',
      'failed 0 RECORD_NOT_FOUND',
      'failed 1 TARGET_NOT_FOUND',
    ])
  })
})

describe('all or none', () => {
  const options = { all_or_none: true }

  it('writes nothing where one row cannot be written', async () => {
    const rows = [...placements(3), upsertOf(3, 'k3', { Stage__c: 'Nonsense' })]
    const { results } = await rig.collections(rows, { options })
    expect(tally(results)).toEqual({
      'failed 1 ALL_OR_NONE_OPERATION_ROLLED_BACK': 3,
      'failed 1 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST': 1,
    })
    expect(await rig.records()).toEqual([])
  })

  it('sends nothing where one record does not exist', async () => {
    await rig.insert(OBJECT, [{ [KEY]: 'a' }])
    const { results } = await rig.collections(
      [
        updateOf(0, { field: KEY, value: 'a' }, { Notes__c: 'x' }),
        updateOf(1, { field: KEY, value: 'b' }, { Notes__c: 'x' }),
      ],
      { options },
    )
    expect(brief(results)).toEqual([
      'failed 0 ALL_OR_NONE_OPERATION_ROLLED_BACK',
      'failed 0 RECORD_NOT_FOUND',
    ])
  })

  it('is sent again as a whole for a row lock', async () => {
    await rig.control.act('records/fail-locks', { org: rig.name, object: OBJECT, times: 1 })
    const { results } = await rig.collections(placements(3), { options })
    expect(tally(results)).toEqual({ 'created 2': 3 })
  })

  it('is settled as a whole after a lost answer', async () => {
    await rig.fault({ method: 'PATCH', path: UPSERT, kind: { type: 'close', when: 'after' } })
    const done = await rig.collections(placements(3), { options })
    expect(tally(done.results)).toEqual({ 'created 1': 3 })
    await rig.fault({ method: 'PATCH', path: UPSERT, kind: { type: 'close', when: 'before' } })
    const undone = await rig.collections(placements(3, 'n'), { options })
    expect(tally(undone.results)).toEqual({ 'created 2': 3 })
    expect(await rig.records()).toHaveLength(6)
  })

  it('is all there or not at all, at whatever call the process is killed', async () => {
    for (const moment of ['before', 'after'] as const) {
      let ended = false
      for (let killAt = 1; !ended; killAt += 1) {
        await rig.reset()
        const rows = placements(4)
        let calls = 0
        const first = await rig.collections(rows, {
          options,
          [moment]: () => {
            calls += 1
            if (calls === killAt) throw new Killed()
          },
        })
        expect([0, 4]).toContain((await rig.records()).length)
        ended = first.error === null
        const { results } = ended
          ? first
          : await rig.collections(rows, { options, state: first.state })
        expect(results.every(({ action }) => action === 'created')).toBe(true)
        await expectTruth(rows, results)
      }
    }
  })

  it('joins what is set on one record', async () => {
    await rig.insert(OBJECT, [{ [KEY]: 'a' }])
    const { results } = await rig.collections(
      [
        updateOf(0, { field: KEY, value: 'a' }, { Notes__c: 'x' }),
        updateOf(1, { field: KEY, value: 'a' }, { Salary__c: 5 }),
      ],
      { options },
    )
    expect(brief(results)).toEqual(['updated 1', 'updated 1'])
    expect(await rig.records()).toMatchObject([{ Notes__c: 'x', Salary__c: 5 }])
  })
})
