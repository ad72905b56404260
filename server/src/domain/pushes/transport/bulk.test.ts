import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EngineError } from '../../../errors.ts'
import { type SalesforceRequest } from '../../../salesforce/wire.ts'
import { type ReadyRow, type RowError, type RowResult } from '../model.ts'
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

const CANCELLED: RowError = { code: 'CANCELLED', message: 'cancelled', fields: [], remedy: '' }
const jobs = async () =>
  (await rig.control.act('bulk/list', { org: rig.name })) as {
    id: string
    state: string
    processed: number
  }[]
const isClose = ({ method, path }: SalesforceRequest) =>
  method === 'PATCH' && path.startsWith('/jobs/ingest')
const isUpload = ({ method }: SalesforceRequest) => method === 'PUT'

/** Every row has a result that is true for the Salesforce org, and no key has two records. */
const expectTruth = async (rows: readonly ReadyRow[], results: readonly RowResult[]) => {
  expect(results.map(({ index }) => index)).toEqual(rows.map(({ index }) => index))
  const records = await rig.records()
  const byKey = new Map(records.map((record) => [record[KEY], record]))
  expect(byKey.size).toBe(records.length)
  for (const [at, { key, success, id }] of results.entries()) {
    if (success) expect(byKey.get(key)).toMatchObject({ Id: id, ...rows[at]?.fields })
    else expect(byKey.has(key)).toBe(false)
  }
}

describe('a part by Bulk', () => {
  it('is one job, whose results are joined to the rows', async () => {
    await rig.oldPlacement('k7', { Notes__c: 'old', Salary__c: 1, Start_Date__c: '2020-01-01' })
    const rows = placements(2_500)
    rows[7] = upsertOf(7, 'k7', { Notes__c: null, Start_Date__c: '2026-05-06' })
    rows[8] = upsertOf(8, 'k8', { Stage__c: 'Nonsense' })
    rows[9] = upsertOf(9, 'k9', { Notes__c: 'a "b",\nc', Is_Remote__c: true })
    const { results, error, state } = await rig.bulk(rows)
    expect(error).toBeNull()
    expect(tally(results)).toEqual({
      'created 1': 2_498,
      'updated 1': 1,
      'failed 1 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST': 1,
    })
    expect(await jobs()).toHaveLength(1)
    // Null empties a field, and fields that a row does not name are left unchanged.
    const [record] = await rig.records(OBJECT, { [KEY]: 'k7' })
    expect(record).toMatchObject({ Salary__c: 1, Start_Date__c: '2026-05-06' })
    expect(record?.Notes__c ?? null).toBeNull()
    rows[7] = upsertOf(7, 'k7', { Start_Date__c: '2026-05-06' })
    await expectTruth(rows, results)
    expect(JSON.stringify(state).length).toBeLessThan(200)
  })

  it('finds parents by their keys', async () => {
    const { results } = await rig.bulk(
      [
        upsertOf(0, 'a', { Candidate__r: { Email: 'nobody@example.com' } }),
        upsertOf(1, 'b', { Candidate__c: null }),
      ],
      { kind: 'link' },
    )
    expect(brief(results)).toEqual(['failed 1 TARGET_NOT_FOUND', 'created 1'])
  })

  it('sends by Collections what CSV cannot say', async () => {
    const rows = [
      upsertOf(0, 'a', { Notes__c: '#N/A' }),
      upsertOf(1, 'b', { Notes__c: 'x'.repeat(32_500) }),
      upsertOf(2, 'c', { Notes__c: 'plain' }),
    ]
    const { results } = await rig.bulk(rows)
    expect(tally(results)).toEqual({ 'created 1': 3 })
    await expectTruth(rows, results)
    expect(await jobs()).toMatchObject([{ processed: 1 }])
  })

  it('of updates finds the records first, and creates none', async () => {
    await rig.insert(OBJECT, [{ [KEY]: 'a' }, { [KEY]: 'b' }])
    const { results } = await rig.bulk(
      [
        updateOf(0, { field: KEY, value: 'a' }, { Notes__c: 'x' }),
        updateOf(1, { field: KEY, value: 'nobody' }, { Notes__c: 'x' }),
        updateOf(2, { field: KEY, value: 'b' }, { Notes__c: 'y' }),
        updateOf(3, { field: KEY, value: 'b' }, { Salary__c: 3 }),
      ],
      { kind: 'status_update' },
    )
    expect(brief(results)).toEqual([
      'updated 1',
      'failed 0 RECORD_NOT_FOUND',
      'updated 1',
      'updated 1',
    ])
    expect(await rig.records()).toMatchObject([{ Notes__c: 'x' }, { Notes__c: 'y', Salary__c: 3 }])
  })

  it('says of an id that is gone that there is no such record', async () => {
    const [a] = await rig.insert(OBJECT, [{ [KEY]: 'a' }])
    const { results } = await rig.bulk(
      [
        updateOf(0, { field: 'Id', value: a ?? '' }, { Notes__c: 'x' }),
        updateOf(1, { field: 'Id', value: `${(a ?? '').slice(0, 12)}zzz` }, { Notes__c: 'x' }),
      ],
      { kind: 'status_update' },
    )
    expect(brief(results)).toEqual(['updated 1', 'failed 1 RECORD_NOT_FOUND'])
  })

  it('gives every row the reason why the job as a whole failed', async () => {
    const { results } = await rig.bulk([
      upsertOf(0, 'a', { Nonsense__c: 'x' }),
      upsertOf(1, 'b', { Notes__c: 'x' }),
    ])
    expect(tally(results)).toEqual({ 'failed 1 InvalidBatch': 2 })
    expect(results[1]?.errors[0]?.message).toContain('Nonsense__c')
  })

  it('gives every row the reason why no job can be made', async () => {
    await rig.fault({
      method: 'POST',
      path: '*/jobs/ingest',
      kind: { type: 'status', status: 400, errorCode: 'INVALIDENTITY', message: 'no bulk' },
    })
    const { results } = await rig.bulk(placements(2))
    expect(tally(results)).toEqual({ 'failed 0 INVALIDENTITY': 2 })
  })

  it('has an assignment rule run by its id where the active one is asked for', async () => {
    let asked: unknown = null
    await rig.bulk(
      [
        {
          ...upsertOf(0, 's1', { LastName: 'Doe', Company: 'Acme' }),
          object: 'Lead',
          matchField: 'Source_Key__c',
        },
      ],
      {
        options: { assignment_rules: true },
        before: ({ method, path, json }) => {
          if (method === 'POST' && path === '/jobs/ingest') asked = json
        },
      },
    )
    expect(asked).toMatchObject({ assignmentRuleId: expect.stringMatching(/^01Q/) as unknown })
  })
})

describe('causes that pass', () => {
  it('have the rows sent again, few of them by Collections', async () => {
    // More than the simulated Salesforce retries by itself.
    await rig.control.act('bulk/pace', { org: rig.name, retryMs: 0 })
    let struck = false
    const rows = placements(300)
    const { results } = await rig.bulk(rows, {
      before: async (request) => {
        if (!isClose(request) || struck) return
        struck = true
        await rig.control.act('records/fail-locks', { org: rig.name, object: OBJECT, times: 50 })
      },
    })
    expect(tally(results)).toEqual({ 'created 1': 250, 'created 2': 50 })
    await expectTruth(rows, results)
  })

  it('of a job that gave up have what it left sent again', async () => {
    await rig.control.act('bulk/pace', { org: rig.name, retryMs: 0 })
    // 21 attempts of 200 rows, and one more on the way: TooManyLockFailure.
    await rig.control.act('records/fail-locks', { org: rig.name, object: OBJECT, times: 4_300 })
    const rows = placements(600)
    const { results } = await rig.bulk(rows)
    expect(results.every(({ success }) => success)).toBe(true)
    await expectTruth(rows, results)
  })

  it('wait for the allowance of Bulk batches, and go on later', async () => {
    const spend = (bulkBatches: number) =>
      rig.control.act('usage/set', { org: rig.name, bulkBatches })
    const rows = placements(3)
    // Refused at once, or when it is the job's turn.
    for (const isSpentBy of [() => true, isClose]) {
      await rig.reset()
      let isSpent = false
      const first = await rig.bulk(rows, {
        before: async (request) => {
          if (!isSpent && isSpentBy(request)) await spend(15_000)
          isSpent ||= isSpentBy(request)
        },
      })
      expect((first.error as EngineError).code).toBe('api_budget_exhausted')
      expect([first.results, first.state]).toEqual([[], null])
      await spend(0)
      const second = await rig.bulk(rows, { state: first.state })
      expect(tally(second.results)).toEqual({ 'created 1': 3 })
    }
  })
})

describe('a connection that breaks', () => {
  it('in an upload has the job thrown away and another one made', async () => {
    await rig.fault({ method: 'PUT', path: '*/batches', kind: { type: 'close', when: 'after' } })
    const rows = placements(50)
    const { results } = await rig.bulk(rows)
    expect(tally(results)).toEqual({ 'created 1': 50 })
    expect((await jobs()).map(({ state }) => state)).toEqual(['Aborted', 'JobComplete'])
    await expectTruth(rows, results)
  })

  it('when a job is closed does not make a second one run', async () => {
    for (const when of ['before', 'after']) {
      await rig.reset()
      await rig.fault({
        method: 'PATCH',
        path: '*/jobs/ingest/*',
        times: 4,
        kind: { type: 'close', when },
      })
      const rows = placements(50)
      const { results } = await rig.bulk(rows)
      expect(tally(results)).toEqual({ 'created 1': 50 })
      const ran = (await jobs()).filter(({ state }) => state !== 'Aborted')
      expect(ran).toHaveLength(1)
      await expectTruth(rows, results)
    }
  })

  it('in the results has them read again', async () => {
    await rig.fault({ path: '*/successfulResults', kind: { type: 'cut' } })
    const rows = placements(500)
    const { results } = await rig.bulk(rows)
    expect(tally(results)).toEqual({ 'created 1': 500 })
    await expectTruth(rows, results)
  })

  it('for so long that Salesforce forgot the job: the records themselves are asked', async () => {
    const rows = [...placements(30), upsertOf(30, 'k30', { Stage__c: 'Nonsense' })]
    const first = await rig.bulk(rows, {
      after: (request) => {
        if (isClose(request)) throw new Killed()
      },
    })
    expect(first.error).toBeInstanceOf(Killed)
    while ((await jobs()).some(({ state }) => state !== 'JobComplete'));
    await rig.fault({
      method: 'GET',
      path: '*/jobs/ingest/*',
      times: 50,
      kind: { type: 'status', status: 404, errorCode: 'NOT_FOUND' },
    })
    const { results } = await rig.bulk(rows, { state: first.state })
    expect(tally(results)).toEqual({
      'created 1': 30,
      'failed 2 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST': 1,
    })
    expect(await jobs()).toHaveLength(1)
    await expectTruth(rows, results)
  })
})

describe('a process that is killed', () => {
  it('at any call leaves no row behind, makes none twice and runs no second job', async () => {
    const rows = [
      ...placements(30),
      upsertOf(30, 'k30', { Stage__c: 'Nonsense' }),
      upsertOf(31, 'k31', { Notes__c: '#N/A' }),
    ]
    for (const moment of ['before', 'after'] as const) {
      let ended = false
      for (let killAt = 1; !ended; killAt += 1) {
        await rig.reset()
        let calls = 0
        const first = await rig.bulk(rows, {
          [moment]: () => {
            calls += 1
            if (calls === killAt) throw new Killed()
          },
        })
        ended = first.error === null
        const { results, error } = ended ? first : await rig.bulk(rows, { state: first.state })
        expect(error).toBeNull()
        const failed = results.filter(({ success }) => !success)
        expect(failed.map(({ key }) => key)).toEqual(['k30'])
        await expectTruth(rows, results)
        const ran = (await jobs()).filter(({ processed }) => processed > 0)
        expect(ran).toHaveLength(1)
      }
    }
  })
})

describe('a push that is cancelled', () => {
  it('stops the job: what it wrote is reported, what it did not reach is cancelled', async () => {
    await rig.control.act('bulk/hold', { org: rig.name, at: 400 })
    const rows = placements(1_000)
    let isStopped = false
    const { results } = await rig.bulk(rows, {
      stopped: () => (isStopped ? CANCELLED : null),
      before: async ({ path }) => {
        if (!/^\/jobs\/ingest\/750\w+$/.test(path) || isStopped) return
        const [job] = await jobs()
        isStopped = (job?.processed ?? 0) >= 400
      },
    })
    expect(tally(results)).toEqual({ 'created 1': 400, 'failed 0 CANCELLED': 600 })
    await expectTruth(rows, results)
  })

  it('before its job was made sends nothing', async () => {
    const { results } = await rig.bulk(placements(3), { stopped: () => CANCELLED })
    expect(tally(results)).toEqual({ 'failed 0 CANCELLED': 3 })
    expect(await jobs()).toEqual([])
  })

  it('by somebody in the Salesforce org is not begun again behind their back', async () => {
    await rig.control.act('bulk/hold', { org: rig.name, at: 200 })
    const rows = placements(1_500)
    let isAborted = false
    const { results } = await rig.bulk(rows, {
      before: async ({ path }) => {
        if (!/^\/jobs\/ingest\/750\w+$/.test(path) || isAborted) return
        const [job] = await jobs()
        if ((job?.processed ?? 0) < 200) return
        isAborted = true
        await rig.abortJob(job?.id ?? '')
      },
    })
    expect(tally(results)).toEqual({ 'created 1': 200, 'failed 1 JOB_ABORTED': 1_300 })
    expect(await jobs()).toHaveLength(1)
  })

  it('while its rows are uploaded never lets its job begin', async () => {
    let isCancelled = false
    const { results, error } = await rig.bulk(placements(3_000), {
      before: (request) => {
        if (isUpload(request)) isCancelled = true
      },
      stopped: () => (isCancelled ? CANCELLED : null),
    })
    expect(error).toBeNull()
    expect(tally(results)).toEqual({ 'failed 0 CANCELLED': 3_000 })
    expect(await rig.records()).toEqual([])
    expect(await jobs()).toMatchObject([{ state: 'Aborted', processed: 0 }])
    expect(rig.waits).toEqual([])
  })
})

describe('an upload', () => {
  it('is streamed, with the columns of all rows', async () => {
    let columns = ''
    await rig.bulk([upsertOf(0, 'a', { Notes__c: 'x' }), upsertOf(1, 'b', { Salary__c: 1 })], {
      before: async (request) => {
        if (!isUpload(request) || request.body === undefined) return
        const { content } = request.body as unknown as { content: () => AsyncIterable<Uint8Array> }
        for await (const piece of content()) columns += Buffer.from(piece).toString()
      },
    })
    expect(columns).toBe(`${KEY},Notes__c,Salary__c\na,x,\nb,,1\n`)
  })
})
