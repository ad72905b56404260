// The life of a push beside its sending: followed, cancelled, retried, listed, and repeated by its
// key.

import { beforeAll, describe, expect, it } from 'vitest'
import { codeOf, type FaultCase, makeCase, rowsOf, tally } from './push-cases.ts'
import {
  expectTrue,
  expectWhole,
  getPush,
  isOver,
  map,
  placements,
  type PushBody,
  pushRecords,
  recordsOf,
  resultsOf,
  type Row,
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

const post = <T = PushBody>(path: string, body: Row, headers: Record<string, string> = {}) =>
  org.api.post<T>(`/api/push/${path}`, body, headers)

const bodyOf = (here: FaultCase, records: Row[], more: Row = {}): Row => ({
  client_id: here.pushRig.client.id,
  object: 'placement',
  records,
  wait_seconds: 0,
  ...more,
})

/** Stored input rows of a push. */
const inputRows = async (pushId: string): Promise<number> => {
  const [found] = await rig.query<{ rows: number }>(
    'select coalesce(sum(rows), 0)::int as rows from push_rows where push_id = $1',
    [pushId],
  )
  return found?.rows ?? -1
}

describe.concurrent('a push', () => {
  it('is retried as a new push of its failed rows only, and stays as it was', async () => {
    const here = await newCase()
    const rows = rowsOf(450).map((row, n) =>
      n % 50 === 7 ? { ...row, title: 'x'.repeat(41) } : row,
    )
    const first = await pushRecords(org.api, here.pushRig, rows)
    const firstResults = await resultsOf(org.api, first.id)
    expect(tally(firstResults, codeOf)).toEqual({
      ok: 432,
      STRING_TOO_LONG: 9,
      FIELD_CUSTOM_VALIDATION_EXCEPTION: 9,
    })
    expect(await inputRows(first.id), 'only the failed rows are kept').toBe(18)
    const before = await recordsOf(rig.simulator, here.name, 'row-')
    await here.control.act('automations/set-validation-rule', {
      org: here.name,
      object: 'Placement__c',
      name: 'Start_After_Offer',
      active: false,
    })
    const key = { 'idempotency-key': 'retry' }
    const again = await post('retry', { push_id: first.id, wait_seconds: 55 }, key)
    expect(again.status, again.text).toBe(200)
    expect(again.body).toMatchObject({ total: 18, created_count: 9, failed: 9, retry_of: first.id })
    expect(again.body.id).not.toBe(first.id)
    const failed = firstResults.filter(({ success }) => !success)
    const tried = failed.map(({ index }) => rows[index] ?? {})
    const results = await resultsOf(org.api, again.body.id)
    expectWhole(again.body, results)
    expect(results.map((result) => result.key)).toEqual(tried.map((row) => row['key']))
    await expectTrue(rig.simulator, here.pushRig, { prefix: 'row-', rows: tried, results, before })

    const { results: _results, ...kept } = await getPush(org.api, first.id)
    expect({ ...first, results: undefined }).toEqual({ ...kept, results: undefined })
    expect(await resultsOf(org.api, first.id)).toEqual(firstResults)
    const replay = await post('retry', { push_id: first.id, wait_seconds: 55 }, key)
    expect(replay.body.id, 'the same retry, not another one').toBe(again.body.id)

    const third = await post('retry', { push_id: again.body.id, wait_seconds: 55 })
    expect(third.body).toMatchObject({ total: 9, failed: 9, retry_of: again.body.id })
    const fine = await pushRecords(org.api, here.pushRig, placements('fine', 1))
    expect((await post('retry', { push_id: fine.id })).body.code).toBe('nothing_to_retry')
  })

  it('by Collections is cancelled: what was sent has its result, nothing more is sent', async () => {
    const here = await newCase()
    // Slow enough that a busy machine cancels it in time, too.
    await here.control.act('records/pace', { org: here.name, saveMs: 15 })
    const rows = placements('row', 3_000)
    const id = await here.start(rows, 'collections')
    await until('some calls are done', async () => (await here.writes()).length >= 3)
    const early = await post('retry', { push_id: id })
    expect([early.status, early.body.code]).toEqual([409, 'push_in_progress'])
    const cancelled = await post('cancel', { push_id: id })
    expect(cancelled.status, cancelled.text).toBe(200)
    const push = await settled(org.api, id)
    const results = await resultsOf(org.api, id)
    expectWhole(push, results)
    expect(push).toMatchObject({ status: 'partial', error: { code: 'cancelled' } })
    const unsent = results.filter(({ success }) => !success)
    expect(tally(unsent, codeOf)).toEqual({ CANCELLED: push.failed })
    expect(tally(unsent, ({ attempts }) => attempts)).toEqual({ 0: push.failed })
    await expectTrue(rig.simulator, here.pushRig, { prefix: 'row-', rows, results })
    expect((await here.writes()).length * 200).toBe(push.succeeded)
    // It has ended: cancelling it again changes nothing.
    expect((await post('cancel', { push_id: id })).body).toEqual(push)

    await here.control.act('records/pace', { org: here.name, saveMs: 0 })
    const again = await post('retry', { push_id: id, wait_seconds: 55 })
    const rest = isOver(again.body) ? again.body : await settled(org.api, again.body.id)
    expect(rest).toMatchObject({ total: push.failed, created_count: push.failed })
    expect((await here.writes()).length * 200, 'each row was sent once').toBe(3_000)
  })

  it('with Bulk is cancelled: its job is stopped, and what it wrote is reported', async () => {
    const here = await newCase()
    await here.control.act('bulk/hold', { org: here.name, at: 400 })
    const rows = placements('row', 3_000)
    const id = await here.start(rows, 'bulk')
    await until('the job has come to row 400', async () =>
      (await here.jobs()).some(({ processed }) => processed === 400),
    )
    expect(await inputRows(id)).toBe(3_000)
    await post('cancel', { push_id: id })
    const push = await settled(org.api, id)
    await here.control.act('bulk/hold', { org: here.name, at: null })
    const results = await resultsOf(org.api, id)
    expectWhole(push, results)
    expect(push).toMatchObject({ succeeded: 400, failed: 2_600, error: { code: 'cancelled' } })
    expect(tally(results, codeOf)).toEqual({ ok: 400, CANCELLED: 2_600 })
    await expectTrue(rig.simulator, here.pushRig, { prefix: 'row-', rows, results })
    expect(await here.jobs()).toMatchObject([{ state: 'Aborted', processed: 400 }])
  })

  it('is listed newest first, by client, object and status, a page at a time', async () => {
    const here = await newCase()
    await map(org, here.pushRig.client, {
      canonical_object: 'company',
      sfdc_object: 'Account',
      external_id_field: 'Key__c',
      fields: [
        { canonical_field: 'key', sfdc_field: 'Key__c' },
        { canonical_field: 'name', sfdc_field: 'Name', required: true },
      ],
    })
    const companies = [{ key: 'one', name: 'One' }]
    const made = [
      await pushRecords(org.api, here.pushRig, placements('row', 2)),
      await pushRecords(org.api, here.pushRig, [...placements('row', 1), { key: 'bad' }]),
      await pushRecords(org.api, here.pushRig, [{ key: 'bad' }]),
      await pushRecords(org.api, here.pushRig, companies, {}, 'company'),
      await pushRecords(org.api, here.pushRig, companies, { dry_run: true }, 'company'),
    ]
    const [good, partial, bad, company, dry] = made.map(({ id }) => id)
    const list = async (filter: Row, limit = 50): Promise<string[]> => {
      const ids: string[] = []
      let cursor: string | null = null
      do {
        const page: { body: { items: PushBody[]; next_cursor: string | null } } = await post(
          'list',
          {
            client_id: here.pushRig.client.id,
            limit,
            ...filter,
            ...(cursor === null ? {} : { cursor }),
          },
        )
        expect(page.body.items.length).toBeLessThanOrEqual(limit)
        expect(page.body.items.filter((item) => 'results' in item)).toEqual([])
        ids.push(...page.body.items.map(({ id }) => id))
        cursor = page.body.next_cursor
      } while (cursor !== null)
      return ids
    }
    const all = [dry, company, bad, partial, good]
    expect(await list({})).toEqual(all)
    for (const limit of [1, 2, 3]) expect(await list({}, limit)).toEqual(all)
    expect(await list({ object: 'company' })).toEqual([dry, company])
    expect(await list({ object: 'Account' })).toEqual([dry, company])
    expect(await list({ status: 'partial' })).toEqual([partial])
    expect(await list({ status: 'failed' })).toEqual([bad])
    expect(await list({ status: 'succeeded', object: 'placement' })).toEqual([good])
    expect(await list({ status: 'queued' })).toEqual([])
    for (const filter of [{ limit: 0 }, { limit: 201 }, { status: 'done' }]) {
      expect((await post('list', filter)).status).toBe(422)
    }
    expect((await post('list', { cursor: 'made-up' })).status).toBe(400)
  })

  it('is followed: 202 with its place to poll until it has ended, then 200', async () => {
    const here = await newCase()
    const inTime = await post('records', bodyOf(here, placements('row', 1), { wait_seconds: 55 }))
    expect([inTime.status, inTime.body.status]).toEqual([200, 'succeeded'])
    await here.control.act('bulk/hold', { org: here.name, at: 600 })
    const rows = placements('row', 2_001)
    const running = await post('records', bodyOf(here, rows))
    expect([running.status, running.headers.get('location')]).toEqual([202, '/api/push/get'])
    expect(running.body).toMatchObject({ total: 2_001, processed: 0, transport: 'bulk' })
    expect(running.body).not.toHaveProperty('results')
    const waited = await post(
      'records',
      bodyOf(here, placements('two', 2_001), { wait_seconds: 1 }),
    )
    expect(waited.status).toBe(202)
    await here.control.act('bulk/hold', { org: here.name, at: null })
    for (const { id } of [running.body, waited.body]) {
      const push = await settled(org.api, id)
      expect(push).toMatchObject({ status: 'succeeded', processed: 2_001 })
      expect(push, 'more than 2,000 results are read by themselves').not.toHaveProperty('results')
      expect(await inputRows(id)).toBe(0)
    }
    const many = await pushRecords(org.api, here.pushRig, placements('row', 2_000))
    expect(many.results).toHaveLength(2_000)
    expect((await getPush(org.api, many.id)).results).toEqual(many.results)
    for (const wait_seconds of [-1, 56]) {
      expect((await post('records', bodyOf(here, rows, { wait_seconds }))).status).toBe(422)
    }
  })

  it('is made once for a key and a body, whoever repeats it when', async () => {
    const here = await newCase()
    await here.control.act('bulk/hold', { org: here.name, at: 'queued' })
    const body = bodyOf(here, placements('row', 10), { options: { transport: 'bulk' } })
    const key = { 'idempotency-key': 'a push' }
    const first = await post('records', body, key)
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([202, null])
    const second = await post('records', body, key)
    expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([202, 'true'])
    expect([second.body.id, second.headers.get('location')]).toEqual([
      first.body.id,
      '/api/push/get',
    ])
    await here.control.act('bulk/hold', { org: here.name, at: null })
    const ended = await settled(org.api, first.body.id)
    const third = await post('records', body, key)
    expect([third.status, third.headers.get('idempotency-replayed')]).toEqual([200, 'true'])
    expect(third.body, 'as it stands now').toEqual(ended)
    const other = await post('records', bodyOf(here, placements('row', 11)), key)
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused'])
    const together = await Promise.all(
      [1, 2, 3, 4].map(() =>
        post('records', bodyOf(here, placements('at-once', 300)), { 'idempotency-key': 'at once' }),
      ),
    )
    const made = new Set(
      together.flatMap(({ status: code, body: { id } }) => (code < 300 ? [id] : [])),
    )
    expect(made.size).toBe(1)
    for (const answer of together.filter(({ status: code }) => code >= 300)) {
      expect([answer.status, answer.body.code]).toEqual([409, 'idempotency_in_progress'])
      expect(answer.headers.get('retry-after')).not.toBeNull()
    }
    const colleague = await org.user('org_admin')
    const theirs = await colleague.api.post<PushBody>('/api/push/records', body, key)
    expect(theirs.body.id, 'a key belongs to its user').not.toBe(first.body.id)
    await settled(org.api, theirs.body.id)
    const cancelKey = { 'idempotency-key': 'cancel' }
    await post('cancel', { push_id: ended.id }, cancelKey)
    const replayed = await post('cancel', { push_id: ended.id }, cancelKey)
    expect(replayed.headers.get('idempotency-replayed')).toBe('true')
  })
})
