// Pushes with Collections while the connection to Salesforce breaks: every row has its result, every
// result is true for the Salesforce org, and only rows that failed for a temporary cause are sent again.

import { beforeAll, describe, expect, it } from 'vitest'
import {
  codeOf,
  COLLECTION,
  expectOnlyBad,
  LOOK_UPS,
  makeCase,
  rowsOf,
  status,
  tally,
} from './push-cases.ts'
import {
  expectTrue,
  expectWhole,
  getPush,
  nextSecond,
  placements,
  pushRecords,
  type PushBody,
  recordsOf,
  resultsOf,
  settled,
} from './push-support.ts'
import { type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
let org: TestOrg

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
})

const newCase = () => makeCase(rig, org)

describe.concurrent('a push by Collections', () => {
  it('writes nothing a second time when answers are lost after the work was done', async () => {
    const here = await newCase()
    await pushRecords(org.api, here.pushRig, placements('row', 60))
    const before = await recordsOf(rig.simulator, here.name, 'row-')
    await nextSecond()
    await nextSecond()
    const already = (await here.writes()).length
    const lost = { method: 'PATCH', path: COLLECTION }
    await here.fault({ ...lost, times: 2, kind: { type: 'cut' } })
    await here.fault({ ...lost, times: 3, kind: { type: 'close', when: 'after' } })
    const rows = placements('row', 1_200)
    const { push, results } = await here.finish(await here.start(rows, 'collections'), rows, {
      before,
    })
    expect(push).toMatchObject({ created_count: 1_140, updated_count: 60, failed: 0 })
    expect(tally(results, ({ attempts }) => attempts)).toEqual({ 1: 1_200 })
    expect(tally(results, ({ resent }) => resent)).toEqual({ undefined: 1_200 })
    expect((await here.writes()).length - already).toBe(6)
  })

  it('loses no row when requests are lost, and sends just these again', async () => {
    const here = await newCase()
    const lost = { method: 'PATCH', path: COLLECTION }
    await here.fault({ ...lost, times: 2, kind: { type: 'close', when: 'before' } })
    await here.fault({ ...lost, times: 3, kind: status(503, 'SERVER_UNAVAILABLE') })
    // A page that does not say whether anything was done.
    await here.fault({ ...lost, kind: status(503) })
    const rows = rowsOf(1_000)
    const { results } = await here.finish(await here.start(rows, 'collections'), rows)
    expectOnlyBad(results)
    // Three calls of 200 rows may or may not have been written; all others were sent exactly once.
    const once = results.filter(({ attempts }) => attempts === 1).length
    expect([once >= 400, once < 1_000]).toEqual([true, true])
    expect(results.every(({ attempts }) => attempts >= 1 && attempts <= 3)).toBe(true)
    expect(tally(results, ({ resent }) => resent)).toEqual({ undefined: 1_000 })
  })

  it('sends again what somebody else has written over meanwhile, and says so', async () => {
    const here = await newCase()
    await here.fault({ method: 'PATCH', path: COLLECTION, kind: { type: 'close', when: 'after' } })
    for (const path of LOOK_UPS) await here.fault({ path, times: 3, kind: status(503) })
    const rows = placements('row', 100)
    const id = await here.start(rows, 'collections')
    await until('the records are being looked up', async () => {
      const calls = await here.control.act('journal', { org: here.name })
      return calls.some((call) => call.status === 503)
    })
    const written = await recordsOf(rig.simulator, here.name, 'row-')
    const [theirs] = written.filter((record) => record['External_Key__c'] === 'row-42')
    await here.control.act('records/update', {
      org: here.name,
      object: 'Placement__c',
      rows: [{ Id: theirs?.['Id'], Title__c: 'by somebody else' }],
    })
    // It already existed when it was sent for the second time, so its result says so.
    const before = theirs === undefined ? [] : [theirs]
    const { results } = await here.finish(id, rows, { before })
    expect(results.filter(({ resent }) => resent === true).map(({ index }) => index)).toEqual([42])
    expect(tally(results, ({ attempts }) => attempts)).toEqual({ 1: 99, 2: 1 })
  })

  it('sends again the rows that met a lock, and no others, until they pass or have had their tries', async () => {
    const here = await newCase()
    await here.lock(1, 2)
    const rows = rowsOf(600)
    const id = await here.start(rows, 'collections')
    await until('rows have met the lock twice', async () => (await here.writes()).length >= 5)
    await here.unlock()
    const { results } = await here.finish(id, rows)
    expectOnlyBad(results)
    const isLocked = (index: number) => index % 10 < 2
    expect(results.filter(({ index, attempts }) => isLocked(index) !== attempts > 1)).toEqual([])

    const before = await recordsOf(rig.simulator, here.name, 'row-')
    await here.lock(9)
    const more = rowsOf(100, { from: 600 })
    const second = await here.finish(await here.start(more, 'collections'), more, { before })
    expect(tally(second.results, codeOf)).toEqual({
      ok: 88,
      UNABLE_TO_LOCK_ROW: 10,
      FIELD_CUSTOM_VALIDATION_EXCEPTION: 2,
    })
    for (const { index, attempts, errors } of second.results) {
      const isStuck = index % 10 === 8
      expect([errors[0]?.code === 'UNABLE_TO_LOCK_ROW', attempts > 1]).toEqual([isStuck, isStuck])
    }
  })

  it('gets past another one that writes to children of the same parents', async () => {
    const here = await newCase()
    const rows = { one: rowsOf(1_000, { prefix: 'one' }), two: rowsOf(1_000, { prefix: 'two' }) }
    // A call holds its parents for four seconds, until the other push has also arrived.
    await here.control.act('records/pace', { org: here.name, saveMs: 20 })
    const ids = await Promise.all([
      here.start(rows.one, 'collections'),
      here.start(rows.two, 'collections'),
    ])
    await until('the first call is answered', async () => (await here.writes()).length > 0)
    await here.control.act('records/pace', { org: here.name, saveMs: 0 })
    const one = await here.finish(ids[0], rows.one, { prefix: 'one' })
    const two = await here.finish(ids[1], rows.two, { prefix: 'two' })
    const results = [...one.results, ...two.results]
    expect(tally(results, codeOf)).toEqual({ ok: 1_960, FIELD_CUSTOM_VALIDATION_EXCEPTION: 40 })
    expect(results.filter(({ attempts }) => attempts > 1).length, 'rows that met').toBeGreaterThan(
      0,
    )
  })

  it('goes on when its session dies, in whatever words Salesforce says so', async () => {
    const here = await newCase()
    // As in Salesforce, a save waits for the lock of a parent: chunks that fell behind are not the subject.
    const pace = (saveMs: number) =>
      here.control.act('records/pace', { org: here.name, saveMs, lockWaitMs: 10_000 })
    await pace(15)
    // Set now: a busy machine may have sent everything before a test can say so.
    await here.fault({
      method: 'PATCH',
      path: COLLECTION,
      kind: { type: 'dead-session', shape: 'bad-oauth-token' },
      after: 20,
    })
    const rows = rowsOf(8_000)
    const id = await here.start(rows, 'collections')
    const written = async () => (await here.writes()).filter((call) => call.status === 200).length
    await until('it has begun', async () => (await written()) >= 1)
    await here.control.act('sessions/expire', { org: here.name })
    await until('it has a new session', async () => (await written()) >= 9)
    await pace(1)
    const { results } = await here.finish(id, rows)
    expectOnlyBad(results)
    expect(tally(results, ({ attempts }) => attempts)).toEqual({ 1: 8_000 })
    const answered = statuses(await here.writes())
    expect(answered[401]).toBeGreaterThan(0)
    expect([answered[403], answered[200]]).toEqual([1, 40])
  })

  it('waits where Salesforce has too many long calls at once', async () => {
    const here = await newCase()
    // Long enough for a second lane to come, however busy the replicas are with other pushes.
    await here.control.act('records/pace', { org: here.name, saveMs: 6 })
    await here.control.act('orgs/update', {
      org: here.name,
      settings: { longCallMs: 20, longCallsMax: 1 },
    })
    const rows = rowsOf(2_000)
    const { results } = await here.finish(await here.start(rows, 'collections'), rows)
    expectOnlyBad(results)
    const answered = statuses(await here.writes())
    expect(answered[403]).toBeGreaterThan(0)
    expect(answered[200], 'no row was written twice').toBe(10)
  })

  it('keeps what it knows when the connection ends before the last row has its result', async () => {
    const here = await newCase()
    await here.lock(3)
    const rows = placements('row', 200).map((row, n) => ({
      ...row,
      company: `company-${1 + (n % 10)}`,
    }))
    const id = await here.start(rows, 'collections')
    await until('locked rows are tried again', async () => (await here.writes()).length >= 2)
    await org.api.post('/api/connections/revoke', { client_id: here.pushRig.client.id })
    const push = await settled(org.api, id)
    const results = await resultsOf(org.api, id)
    expectWhole(push, results)
    expect(push).toMatchObject({ error: { code: 'connection_revoked' }, created_count: 180 })
    for (const { index, success, attempts } of results) {
      const isLocked = index % 10 === 2
      expect([success, attempts > 1], `row ${index}`).toEqual([!isLocked, isLocked])
    }
    await expectTrue(rig.simulator, here.pushRig, { prefix: 'row-', rows, results })
  })

  it('reports rows whose outcome cannot be found out, and sends none of them again by itself', async () => {
    const here = await newCase()
    await here.fault({
      method: 'PATCH',
      path: COLLECTION,
      times: 8,
      kind: { type: 'close', when: 'after' },
    })
    for (const path of LOOK_UPS) await here.fault({ path, times: 100, kind: status(503) })
    const rows = placements('row', 3_000)
    const id = await here.start(rows, 'collections')
    const written = async () => (await here.writes()).filter((call) => call.status === 200).length
    // Their number is random: at the first outage the push sends no more. What is then under way arrives
    // without our knowing.
    await until('the push waits, and all that it has sent has arrived', async () => {
      const [open] = await rig.query<{ calls: number }>(
        `select count(*)::integer as calls from push_chunks
          where push_id = $1 and state = 'pending'
            and (send_state is not null or lease_holder is not null)`,
        [id],
      )
      const calls = await written()
      return (await getPush(org.api, id)).error !== null && calls >= 1 && calls === open?.calls
    })
    const revoked = await org.api.post('/api/connections/revoke', {
      client_id: here.pushRig.client.id,
    })
    expect(revoked.status, revoked.text).toBe(200)

    const push = await settled(org.api, id)
    const results = await resultsOf(org.api, id)
    expectWhole(push, results)
    expect(push).toMatchObject({ status: 'failed', error: { code: 'connection_revoked' } })
    const calls = await written()
    const sent = calls * 200
    expect([calls >= 1, calls <= 8]).toEqual([true, true])
    expect(tally(results, codeOf)).toEqual({
      OUTCOME_UNKNOWN: sent,
      CONNECTION_REVOKED: 3_000 - sent,
    })
    const unknown = results.filter((result) => codeOf(result) === 'OUTCOME_UNKNOWN')
    const there = await recordsOf(rig.simulator, here.name, 'row-')
    expect(there.map((record) => record['External_Key__c']).sort()).toEqual(
      unknown.map(({ key }) => key).sort(),
    )
    expect(tally(unknown, ({ attempts }) => attempts)).toEqual({ 1: sent })
    expect(unknown[0]?.errors[0]?.remedy).not.toBe('')

    // What was unknown is found out when the caller sends it again.
    await here.pushRig.client.connect(here.name)
    expect(await written(), 'nobody has sent them again').toBe(calls)
    const retried = await org.api.post<PushBody>('/api/push/retry', { push_id: id })
    const again = await settled(org.api, retried.body.id)
    expect(again).toMatchObject({ total: 3_000, updated_count: sent, created_count: 3_000 - sent })
    expect(await recordsOf(rig.simulator, here.name, 'row-')).toHaveLength(3_000)
    expect(await getPush(org.api, id)).toEqual(push)
  })
})

/** The number of calls per response status. */
const statuses = (calls: readonly { status: number }[]): Record<number, number> => {
  const counts: Record<number, number> = {}
  for (const call of calls) counts[call.status] = (counts[call.status] ?? 0) + 1
  return counts
}
