// Pushes are personal data: nobody else sees one, its rows are deleted when it has ended, no value of
// them is logged, and only an audit row remains.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import {
  expectOnlyBad,
  type FaultCase,
  LOOK_UPS,
  COLLECTION,
  makeCase,
  rowsOf,
  status,
} from './push-cases.ts'
import {
  getPush,
  ndjson,
  placement,
  placements,
  type PushBody,
  pushRecords,
  type Row,
} from './push-support.ts'
import { type Rig, startRig, type TestOrg } from './rig.ts'

const NOBODY = '0199a1b2-0000-7000-8000-0000000000e9'

let rig: Rig
let org: TestOrg

beforeAll(async () => {
  rig = await startRig({
    simulator: true,
    environment: { LOG_LEVEL: 'trace' },
  })
  org = await rig.org()
})
afterAll(() => rig[Symbol.asyncDispose]())

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
  const [found] = await rig.database.query<{ rows: number }>(
    'select coalesce(sum(rows), 0)::int as rows from push_rows where push_id = $1',
    [pushId],
  )
  return found?.rows ?? -1
}

describe.concurrent('a push', () => {
  it('is nobody else’s: to others it does not exist, in the same words as one that never was', async () => {
    const here = await newCase()
    await here.control.act('bulk/hold', { org: here.name, at: 0 })
    const id = await here.start(rowsOf(2_500), 'bulk')
    const stranger = await rig.org()
    const member = await org.user('company_member', here.pushRig.client.id)
    // The client's own admin sees what was done to it, and changes nothing.
    const admin = await org.user('company_admin', here.pushRig.client.id)
    const other = await org.user('company_admin', (await org.client()).id)
    const ask = async (api: Api, path: string, push_id: string) => {
      const answer = await api.post(`/api/push/${path}`, { push_id })
      return { status: answer.status, body: { ...answer.body, request_id: '' } }
    }
    for (const path of ['get', 'results', 'errors', 'failed-rows', 'cancel', 'retry']) {
      const foreign = await ask(stranger.api, path, id)
      expect(foreign.status, path).toBe(404)
      expect(foreign, path).toEqual(await ask(stranger.api, path, NOBODY))
      expect((await ask(member.api, path, id)).status, path).toBe(403)
      // Rows as they were sent are as confidential as sending them.
      const reads = path === 'get' || path === 'results' || path === 'errors'
      expect((await ask(admin.api, path, id)).status, path).toBe(reads ? 200 : 403)
      expect((await ask(other.api, path, id)).status, path).toBe(reads ? 404 : 403)
    }
    const lists = await stranger.api.post<{ items: unknown[] }>('/api/push/list', {})
    expect(lists.body.items).toEqual([])
    const client_id = here.pushRig.client.id
    expect((await stranger.api.post('/api/push/list', { client_id })).status).toBe(404)
    expect((await stranger.api.post('/api/push/records', bodyOf(here, [{}]))).status).toBe(404)
    expect(await getPush(org.api, id), 'nobody has cancelled it').toMatchObject({ error: null })
    await here.control.act('bulk/hold', { org: here.name, at: null })
    const { results } = await here.finish(id, rowsOf(2_500))
    expectOnlyBad(results)
  })

  it('leaves one audit row with its outcome and its calls, and input for a retry only', async () => {
    const here = await newCase()
    const bad = await pushRecords(org.api, here.pushRig, rowsOf(450))
    const good = await pushRecords(org.api, here.pushRig, placements('good', 2_100))
    const dry = await pushRecords(org.api, here.pushRig, rowsOf(450), { dry_run: true })
    const again = await post('retry', { push_id: bad.id, wait_seconds: 55 })
    await post('cancel', { push_id: good.id })
    const rows = await org.api.post<{ items: Row[] }>('/api/audit/list', {
      client_id: here.pushRig.client.id,
      limit: 200,
    })
    const of = (pushId: string) =>
      rows.body.items
        .filter((row) => row['target_id'] === pushId)
        .map((row) => [row['action'], row['outcome'], row['salesforce_api_calls']])
    expect(of(bad.id)).toEqual([['push.records', 'partial', bad.salesforce_api_calls]])
    expect(bad.salesforce_api_calls).toBeGreaterThanOrEqual(3)
    expect(of(good.id)).toEqual([
      ['push.cancel', 'ok', 0],
      ['push.records', 'ok', good.salesforce_api_calls],
    ])
    expect(of(dry.id)).toEqual([['push.records', 'ok', 0]])
    expect(of(again.body.id)).toMatchObject([['push.records', 'failed', expect.any(Number)]])
    const [row] = rows.body.items.filter(({ target_id }) => target_id === bad.id)
    expect(row).toMatchObject({ user_id: org.adminId, target_type: 'push' })
    expect(typeof row?.['request_id']).toBe('string')
    const left = await Promise.all([bad, good, dry, again.body].map(({ id }) => inputRows(id)))
    expect(left).toEqual([bad.failed, 0, 0, bad.failed])
  })

  it('writes no value of a record to the log, whatever goes wrong with it', async () => {
    const here = await newCase()
    const canary = 'Zwetschgenkuchen'
    const spoiled: Row[] = [
      { title: canary.repeat(4) },
      { email: `${canary} at example` },
      { stage: canary },
      { start: canary },
      { salary: canary },
      { unheard_of: canary },
      { company: canary },
      { stage: 'hired' },
    ]
    const rows = [
      ...placements(canary, 300).map((row) => ({ ...row, title: canary })),
      ...spoiled.map((row, n) => ({ ...placement(canary, 1_000 + n), ...row })),
      placement(canary, 0),
    ]
    const refusal = (code: number): Parameters<FaultCase['fault']>[0] => ({
      method: 'PATCH',
      path: COLLECTION,
      kind: { type: 'status', status: code, errorCode: 'UNKNOWN_EXCEPTION', message: canary },
    })
    await here.fault(refusal(500))
    await here.fault(refusal(400))
    await here.fault({ method: 'PATCH', path: COLLECTION, kind: { type: 'cut' } })
    for (const path of LOOK_UPS) await here.fault({ path, kind: status(503) })
    await pushRecords(org.api, here.pushRig, rows)
    await here.fault({ ...refusal(400), method: 'POST', path: '*/jobs/ingest' })
    await here.fault({ method: 'PUT', path: '*/batches', kind: { type: 'close', when: 'after' } })
    const bulk = await pushRecords(org.api, here.pushRig, rows, { transport: 'bulk' })
    await post('retry', { push_id: bulk.id, wait_seconds: 55 })
    await pushRecords(org.api, here.pushRig, rows, { dry_run: true })
    const text = `${ndjson({ client_id: here.pushRig.client.id, object: 'placement' }, rows)}{"title":"${canary}`
    const upload = await org.api.raw('/api/push/records', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: text,
    })
    expect(upload.status).toBe(400)
    await post('records', bodyOf(here, rows, { object: 'nothing' }))
    await org.api.raw('/api/push/records', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"records":[{"title":"${canary}"`,
    })
    await post('status-update', {
      client_id: here.pushRig.client.id,
      object: 'placement',
      updates: [{ match: { key: `${canary}-none` }, fields: { title: canary } }],
      wait_seconds: 55,
    })
    const logged = rig.servers.flatMap(({ lines }) => lines)
    expect(logged.length).toBeGreaterThan(20)
    expect(logged.filter((line) => line.includes(canary))).toEqual([])
    const audit = await rig.database.query('select * from audit_log')
    expect(JSON.stringify(audit)).not.toContain(canary)
  })
})
