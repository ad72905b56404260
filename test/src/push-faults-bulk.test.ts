// Pushes with Bulk while the connection to Salesforce breaks, at each step of a job: every row has its
// result, every result is true for the Salesforce org, and rows are never put into a second job
// needlessly.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  codeOf,
  expectOnlyBad,
  type FaultCase,
  makeCase,
  type Rule,
  rowsOf,
  status,
  tally,
} from './push-cases.ts'
import {
  expectWhole,
  getPush,
  nextSecond,
  placements,
  type PushBody,
  pushRecords,
  recordsOf,
  resultsOf,
  settled,
} from './push-support.ts'
import { type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

const ROWS = 2_600
const BAD = Math.floor(ROWS / 50)

let rig: SharedRig
let org: TestOrg

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
})

const newCase = () => makeCase(rig, org)

/** One fault at each step of a job, in the order of the steps. */
const STEPS: [method: string, path: string][] = [
  ['POST', '*/jobs/ingest'],
  ['PUT', '*/batches'],
  ['PATCH', '*/jobs/ingest/*'],
  ['GET', '*/jobs/ingest/*'],
  ['GET', '*/successfulResults*'],
  ['GET', '*/failedResults*'],
]

/** One job processed all rows. */
const expectOneJob = async (here: FaultCase, rows = ROWS) => {
  const worked = (await here.jobs()).filter(({ processed }) => processed > 0)
  expect(worked).toMatchObject([{ state: 'JobComplete', processed: rows }])
}

/** The push continues when the job has come this far. */
const holdAt = async (here: FaultCase, at: number) => {
  await here.control.act('bulk/hold', { org: here.name, at })
  return {
    reached: () =>
      until(`a job has come to row ${at}`, async () =>
        (await here.jobs()).some(({ processed }) => processed >= at),
      ),
    goOn: () => here.control.act('bulk/hold', { org: here.name, at: null }),
  }
}

describe.concurrent('a push by Bulk', () => {
  it.each([
    { name: 'cut after', kindOf: (): Rule['kind'] => ({ type: 'close', when: 'after' }) },
    {
      name: 'cut before',
      kindOf: (): Rule['kind'] => ({ type: 'close', when: 'before' }),
    },
    { name: 'unavailable', kindOf: () => status(503, 'SERVER_UNAVAILABLE') },
  ])('survives one fault at each step of its job: $name', async ({ kindOf }) => {
    const here = await newCase()
    await pushRecords(org.api, here.pushRig, placements('row', 49))
    const before = await recordsOf(rig.simulator, here.name, 'row-')
    await nextSecond()
    await nextSecond()
    for (const [method, path] of STEPS) await here.fault({ method, path, kind: kindOf() })
    const rows = rowsOf(ROWS)
    const { push, results } = await here.finish(await here.start(rows, 'bulk'), rows, { before })
    expectOnlyBad(results)
    expect(push).toMatchObject({ transport: 'bulk', updated_count: 49 })
    expect(tally(results, ({ attempts }) => attempts)).toEqual({ 1: ROWS })
    expect(tally(results, ({ resent }) => resent)).toEqual({ undefined: ROWS })
    await expectOneJob(here)
    expect(await faultsLeft(here), 'each step has met its fault').toEqual([])
  })

  it('sends again the rows that met a lock, and no others', async () => {
    const here = await newCase()
    await here.lock(3)
    // Fewer than the 200 of a batch from which on Salesforce itself retries.
    const isLocked = (index: number) => index % 20 === 2
    const rows = rowsOf(ROWS).map((row, n) => ({
      ...row,
      company: isLocked(n) ? 'company-3' : 'company-4',
    }))
    const id = await here.start(rows, 'bulk')
    await until('its job has ended', async () =>
      (await here.jobs()).some(({ state }) => state === 'JobComplete'),
    )
    await until('locked rows are tried again', async () => (await here.writes()).length > 0)
    await here.unlock()
    const { results } = await here.finish(id, rows)
    expectOnlyBad(results)
    expect(results.filter(({ index, attempts }) => isLocked(index) !== attempts > 1)).toEqual([])
    await expectOneJob(here)
  })

  it('gets past another one that writes to children of the same parents', async () => {
    const here = await newCase()
    await here.control.act('bulk/pace', { org: here.name, retryMs: 10 })
    await here.control.act('records/pace', { org: here.name, saveMs: 0.3 })
    await here.control.act('bulk/hold', { org: here.name, at: 'queued' })
    const rows = { one: rowsOf(ROWS, { prefix: 'one' }), two: rowsOf(ROWS, { prefix: 'two' }) }
    const ids = await Promise.all([here.start(rows.one, 'bulk'), here.start(rows.two, 'bulk')])
    await until('both jobs are in the queue', async () => {
      const jobs = await here.jobs()
      return jobs.filter(({ state }) => state === 'UploadComplete').length === 2
    })
    await here.control.act('bulk/hold', { org: here.name, at: null })
    const one = await here.finish(ids[0], rows.one, { prefix: 'one' })
    const two = await here.finish(ids[1], rows.two, { prefix: 'two' })
    const results = [...one.results, ...two.results]
    expect(tally(results, codeOf)).toEqual({
      ok: 2 * (ROWS - BAD),
      FIELD_CUSTOM_VALIDATION_EXCEPTION: 2 * BAD,
    })
    const met = (await here.jobs()).reduce((sum, { retries }) => sum + retries, 0)
    const again = results.filter(({ attempts }) => attempts > 1).length
    expect(met + again, 'they met').toBeGreaterThan(0)
  })

  it('goes on when its session dies in the middle', async () => {
    const here = await newCase()
    const held = await holdAt(here, 1_000)
    const rows = rowsOf(ROWS)
    const id = await here.start(rows, 'bulk')
    await held.reached()
    await here.control.act('sessions/expire', { org: here.name })
    await held.goOn()
    const { results } = await here.finish(id, rows)
    expectOnlyBad(results)
    expect(tally(results, ({ attempts }) => attempts)).toEqual({ 1: ROWS })
    await expectOneJob(here)
    const calls = await here.control.act('journal', { org: here.name })
    expect(calls.filter((call) => call.status === 401).length).toBeGreaterThan(0)
  })

  it('waits where Salesforce has too many long calls at once', async () => {
    const here = await newCase()
    const held = await holdAt(here, 1_000)
    const rows = rowsOf(ROWS)
    const id = await here.start(rows, 'bulk')
    await held.reached()
    const settings = (longCallsMax: number) =>
      here.control.act('orgs/update', { org: here.name, settings: { longCallsMax } })
    await settings(0)
    await until('it was refused twice', async () => {
      const calls = await here.asked('GET', '*/jobs/ingest/*')
      return calls.filter((call) => call.status === 403).length >= 2
    })
    expect(await getPush(org.api, id)).toMatchObject({ status: 'in_progress' })
    await settings(25)
    await held.goOn()
    const { results } = await here.finish(id, rows)
    expectOnlyBad(results)
    expect(tally(results, ({ attempts }) => attempts)).toEqual({ 1: ROWS })
    await expectOneJob(here)
  })

  it('reports rows whose outcome cannot be found out, and sends none of them again by itself', async () => {
    const here = await newCase()
    const held = await holdAt(here, 1_000)
    const rows = placements('row', ROWS)
    const id = await here.start(rows, 'bulk')
    await held.reached()
    const revoked = await org.api.post('/api/connections/revoke', {
      client_id: here.pushRig.client.id,
    })
    expect(revoked.status, revoked.text).toBe(200)
    const push = await settled(org.api, id)
    const results = await resultsOf(org.api, id)
    expectWhole(push, results)
    expect(push).toMatchObject({ status: 'failed', error: { code: 'connection_revoked' } })
    expect(tally(results, codeOf)).toEqual({ OUTCOME_UNKNOWN: ROWS })
    expect(tally(results, ({ attempts }) => attempts)).toEqual({ 1: ROWS })
    // Salesforce continues with what it has accepted.
    await held.goOn()
    await until('the job has ended', async () =>
      (await here.jobs()).some(({ state }) => state === 'JobComplete'),
    )
    expect(await recordsOf(rig.simulator, here.name, 'row-')).toHaveLength(ROWS)

    await here.pushRig.client.connect(here.name)
    expect(await here.jobs()).toHaveLength(1)
    const retried = await org.api.post<PushBody>('/api/push/retry', { push_id: id })
    const again = await settled(org.api, retried.body.id)
    expect(again).toMatchObject({ total: ROWS, updated_count: ROWS, created_count: 0 })
    expect(await recordsOf(rig.simulator, here.name, 'row-')).toHaveLength(ROWS)
    expect(await getPush(org.api, id)).toEqual(push)
  })
})

const faultsLeft = async (here: FaultCase) => {
  const found = (await here.control.orgs()).find(({ name }) => name === here.name)
  return (await here.control.act('faults/list')).filter(({ org: of }) => of === found?.id)
}
