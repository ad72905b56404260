import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { createPushRig, type PushRig } from '../../domain/pushes/testing/rig.ts'
import { type PushWithResults } from '../../domain/pushes/pushes.ts'

let rig: PushRig
let clientId: string
let next = 0

beforeAll(async () => {
  rig = await createPushRig(await createDatabase())
  clientId = await rig.client()
})
afterAll(() => rig.close())

interface Problem {
  code: string
  detail: string
  errors?: { path: string }[]
}

const NDJSON = 'application/x-ndjson'

const records = (count: number) => {
  next += 1
  return Array.from({ length: count }, (_, n) => ({ key: `h${next}-${n}`, notes: `note ${n}` }))
}

const linesOf = (rows: readonly unknown[], envelope: Record<string, unknown> = {}): string =>
  `${[{ client_id: clientId, object: 'placement', ...envelope }, ...rows]
    .map((row) => JSON.stringify(row))
    .join('\n')}\n`

const upload = async <T = PushWithResults>(
  body: string | Buffer,
  headers: Record<string, string> = {},
  path = '/api/push/records',
) => {
  const response = await fetch(`${rig.first.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${rig.apiToken}`,
      'content-type': NDJSON,
      ...headers,
    },
    body,
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as T }
}

/** An upload that continues only as far as the test writes. */
const openUpload = (headers: Record<string, string> = {}) => {
  const request = httpRequest(`${rig.first.url}/api/push/records`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${rig.apiToken}`,
      'content-type': NDJSON,
      ...headers,
    },
  })
  const answered = new Promise<{ status: number; body: string }>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        body += piece
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', reject)
    })
  })
  answered.catch(() => undefined)
  return { request, answered }
}

const staged = async (): Promise<number> => {
  const [row] = await rig.database.query<{ n: string }>(
    'select count(*) as n from crm_push_logs where accepted_at is null',
  )
  return Number(row?.n)
}

const pushes = async (): Promise<number> => {
  const [row] = await rig.database.query<{ n: string }>('select count(*) as n from crm_push_logs')
  return Number(row?.n)
}

describe('push/records', () => {
  it('answers 200 with the results when it ends in time, 202 with Location when it does not', async () => {
    const body = { client_id: clientId, object: 'placement', records: records(3) }
    const done = await rig.post<PushWithResults>('/api/push/records', body)
    expect([done.status, done.body.status, done.body.results?.length]).toEqual([
      200,
      'succeeded',
      3,
    ])
    const running = await rig.post<PushWithResults>('/api/push/records', {
      ...body,
      wait_seconds: 0,
    })
    expect([running.status, running.headers.get('location')]).toEqual([202, '/api/push/get'])
    expect(running.body).not.toHaveProperty('results')
    const later = await until('it has ended', async () => {
      const answer = await rig.post<PushWithResults>('/api/push/get', {
        push_id: running.body.id,
      })
      return answer.body.status === 'succeeded' ? answer : null
    })
    expect(later.body.results).toHaveLength(3)
  })

  it('refuses in the order of the contract', async () => {
    const body = { client_id: clientId, object: 'placement', records: records(1) }
    const refused = async (changed: Record<string, unknown>) => {
      const { status, body: problem } = await rig.post<Problem>('/api/push/records', {
        ...body,
        ...changed,
      })
      return [status, problem.code]
    }
    expect(await refused({ records: [] })).toEqual([422, 'validation_failed'])
    expect(await refused({ options: { transport: 'pigeon' } })).toEqual([422, 'validation_failed'])
    expect(await refused({ client_id: '0199a1b2-0000-7000-8000-0000000000c9' })).toEqual([
      404,
      'not_found',
    ])
    expect(await refused({ object: 'nothing' })).toEqual([400, 'mapping_missing'])
    expect(await refused({ records: records(201), options: { all_or_none: true } })).toEqual([
      400,
      'all_or_none_too_large',
    ])
    expect(await refused({ options: { all_or_none: true, transport: 'bulk' } })).toEqual([
      400,
      'bad_request',
    ])
  })

  it('answers a repetition with the same key with the first push, in its current state', async () => {
    const body = { client_id: clientId, object: 'placement', records: records(2), wait_seconds: 0 }
    const headers = { 'idempotency-key': 'a push' }
    const first = await rig.post<PushWithResults>('/api/push/records', body, headers)
    const again = await until('it has ended', async () => {
      const answer = await rig.post<PushWithResults>('/api/push/records', body, headers)
      return answer.status === 200 ? answer : null
    })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body).toMatchObject({ id: first.body.id, created_count: 2 })
    const other = await rig.post<Problem>(
      '/api/push/records',
      { ...body, records: records(2) },
      headers,
    )
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused'])
  })
})

describe('an upload', () => {
  it('is one push of all its lines, plain or gzipped', async () => {
    const rows = records(1_500)
    const plain = await upload(linesOf(rows, { wait_seconds: 50 }))
    expect(plain.body).toMatchObject({ status: 'succeeded', total: 1_500, created_count: 1_500 })
    expect(plain.body.results?.map(({ key }) => key)).toEqual(rows.map(({ key }) => key))
    const zipped = await upload(gzipSync(linesOf(rows, { wait_seconds: 50 })), {
      'content-encoding': 'gzip',
    })
    expect(zipped.body).toMatchObject({ status: 'succeeded', total: 1_500, updated_count: 1_500 })
  })

  it('leaves nothing when it is cut, wherever that is', async () => {
    const before = await pushes()
    await rig.control.clearJournal()
    const text = linesOf(records(5_000))
    const zipped = gzipSync(text)
    for (const [body, headers] of [
      [Buffer.from(text), {}],
      [zipped, { 'content-encoding': 'gzip' }],
    ] as const) {
      for (const share of [0.3, 0.95]) {
        const { request, answered } = openUpload({
          ...headers,
          'content-length': String(body.byteLength),
        })
        request.write(body.subarray(0, Math.floor(body.byteLength * share)))
        await until('it is under way', async () => (await staged()) === 1)
        request.destroy()
        await answered.catch(() => undefined)
        await until('nothing is left', async () => (await pushes()) === before)
      }
    }
    // A gzip stream that merely ends too early.
    const short = await upload<Problem>(zipped.subarray(0, zipped.byteLength - 20), {
      'content-encoding': 'gzip',
    })
    expect([short.status, short.body.code]).toEqual([400, 'bad_request'])
    expect(await pushes()).toBe(before)
    expect(await rig.count('push_rows', '00000000-0000-0000-0000-000000000000')).toBe(0)
    const [left] = await rig.database.query<{ n: string }>(
      'select count(*) as n from push_rows r where not exists (select from crm_push_logs p where p.id = r.push_id)',
    )
    expect(left?.n).toBe('0')
    expect(await rig.control.journal()).toEqual([])
  })

  it('is refused as a whole for a line that is not a row, by its number', async () => {
    const before = await pushes()
    const good = records(2)
    const bad = await upload<Problem>(`${linesOf(good)}{"key":\n`)
    expect([bad.status, bad.body.code, bad.body.errors?.[0]?.path]).toEqual([
      400,
      'invalid_json',
      'lines.4',
    ])
    const list = await upload<Problem>(`${linesOf(good)}[1]\n`)
    expect([list.status, list.body.code, list.body.errors?.[0]?.path]).toEqual([
      422,
      'validation_failed',
      'lines.4',
    ])
    const envelope = await upload<Problem>(linesOf(good, { unheard_of: 1 }))
    expect([envelope.status, envelope.body.code]).toEqual([422, 'validation_failed'])
    const none = await upload<Problem>(linesOf([]))
    expect([none.status, none.body.code]).toEqual([422, 'validation_failed'])
    expect((await upload<Problem>('')).status).toBe(400)
    expect(await pushes()).toBe(before)
  })

  it('takes no more rows than there may be, and no line beyond 1 MiB', async () => {
    const before = await pushes()
    const many = await upload<Problem>(linesOf(records(20_001)))
    expect([many.status, many.body.code]).toEqual([413, 'payload_too_large'])
    const long = await upload<Problem>(linesOf([{ key: 'x', notes: 'x'.repeat(1024 * 1024) }]))
    expect([long.status, long.body.code]).toEqual([413, 'payload_too_large'])
    expect(await pushes()).toBe(before)
  })

  it('is one at a time for a client, and another one may follow at once', async () => {
    const text = linesOf(records(2_500))
    const { request, answered } = openUpload()
    request.write(text.slice(0, text.length / 2))
    await until('it is under way', async () => (await staged()) === 1)
    const second = await upload<Problem>(linesOf(records(1)))
    expect([second.status, second.body.code]).toEqual([409, 'upload_in_progress'])
    request.end(text.slice(text.length / 2))
    expect((await answered).status).toBeLessThan(300)
    expect((await upload(linesOf(records(1)))).status).toBe(200)
  })

  it('is not even read from somebody who may not send it', async () => {
    const { request, answered } = openUpload({ authorization: 'Bearer nobody' })
    request.write('x'.repeat(10))
    const { status } = await answered
    expect(status).toBe(401)
    request.destroy()
  })

  it('is known again by its key and its lines', async () => {
    const rows = records(40)
    const headers = { 'idempotency-key': 'an upload' }
    const first = await upload(linesOf(rows), headers)
    const again = await upload(linesOf(rows), headers)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body.id).toBe(first.body.id)
    const others = await upload<Problem>(linesOf(rows.slice(1)), headers)
    expect([others.status, others.body.code]).toEqual([409, 'idempotency_key_reused'])
  })

  it('is JSON lines or JSON, and nothing else', async () => {
    const csv = await upload<Problem>('a,b\n', { 'content-type': 'text/csv' })
    expect([csv.status, csv.body.code]).toEqual([415, 'unsupported_media_type'])
    const elsewhere = await upload<Problem>('{}\n', {}, '/api/push/get')
    expect([elsewhere.status, elsewhere.body.code]).toEqual([415, 'unsupported_media_type'])
  })
})

describe('push/status-update', () => {
  it('changes records that exist, and creates none', async () => {
    const [row] = records(1)
    await upload(linesOf([row]))
    const answer = await rig.post<PushWithResults>('/api/push/status-update', {
      client_id: clientId,
      object: 'placement',
      updates: [
        { match: { key: row?.key }, fields: { stage: 'Interview' } },
        { match: { key: 'nobody' }, fields: { stage: 'Interview' } },
      ],
    })
    expect([answer.status, answer.body.status, answer.body.kind]).toEqual([
      200,
      'partial',
      'status_update',
    ])
    expect(answer.body.results?.map(({ action, errors }) => [action, errors[0]?.code])).toEqual([
      ['updated', undefined],
      ['failed', 'RECORD_NOT_FOUND'],
    ])
    expect(await rig.records({ External_Key__c: row?.key ?? '' })).toMatchObject([
      { Stage__c: 'Interview', Notes__c: row?.notes },
    ])
    expect(await rig.records({ External_Key__c: 'nobody' })).toEqual([])
  })

  it('names objects and fields as Salesforce does where there is no mapping', async () => {
    const [row] = records(1)
    await upload(linesOf([row]))
    const answer = await rig.post<PushWithResults>('/api/push/status-update', {
      client_id: clientId,
      object: 'Placement__c',
      updates: [{ match: { External_Key__c: row?.key }, fields: { Stage__c: 'Offer' } }],
    })
    expect(answer.body).toMatchObject({ status: 'succeeded', updated_count: 1 })
    const unknown = await rig.post<Problem>('/api/push/status-update', {
      client_id: clientId,
      object: 'Nothing__c',
      updates: [{ match: { id: 'a00000000000001AAA' }, fields: { Stage__c: 'Offer' } }],
    })
    expect([unknown.status, unknown.body.code]).toEqual([400, 'unknown_object'])
    for (const [path, row] of [
      ['status-update', { updates: [{ match: { id: 'a00000000000001AAA' }, fields: {} }] }],
      ['records', { records: [{ key: 'x' }] }],
    ] as const) {
      const near = await rig.post<Problem>(`/api/push/${path}`, {
        client_id: clientId,
        object: 'placemant',
        ...row,
      })
      expect(near.body.detail, path).toContain('Did you mean placement?')
    }
  })
})

describe('push/link', () => {
  it('sets a lookup between two records that exist', async () => {
    const [row] = records(1)
    await upload(linesOf([row]))
    const [account] = await rig.control.act('records/insert', {
      org: rig.sfdcOrg.name,
      object: 'Account',
      rows: [{ Name: 'Linked' }],
    })
    const accountId = account?.success === true ? account.id : ''
    const link = {
      object: 'placement',
      match: { key: row?.key },
      field: 'company',
      target: { object: 'Account', match: { id: accountId } },
    }
    const answer = await rig.post<PushWithResults>('/api/push/link', {
      client_id: clientId,
      links: [link, { ...link, match: { key: 'nobody' } }],
    })
    expect(answer.body).toMatchObject({ status: 'partial', updated_count: 1, failed: 1 })
    expect(await rig.records({ External_Key__c: row?.key ?? '' })).toMatchObject([
      { Company__c: accountId },
    ])
    const lines = await upload(
      [{ client_id: clientId }, link].map((line) => JSON.stringify(line)).join('\n'),
      {},
      '/api/push/link',
    )
    expect(lines.body).toMatchObject({ status: 'succeeded', kind: 'link', total: 1 })
  })
})

describe('push/results', () => {
  it('pages up to 10,000 and streams all of them to whoever asks for lines', async () => {
    const rows = records(2_400)
    const { body: push } = await upload(
      linesOf(rows, { wait_seconds: 50, options: { transport: 'collections' } }),
    )
    expect(push).not.toHaveProperty('results')
    const page = await rig.post<{ items: { key: string }[]; next_cursor: string | null }>(
      '/api/push/results',
      { push_id: push.id, limit: 2_000 },
    )
    expect([page.body.items.length, typeof page.body.next_cursor]).toEqual([2_000, 'string'])
    const response = await fetch(`${rig.first.url}/api/push/results`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${rig.apiToken}`,
        'content-type': 'application/json',
        accept: NDJSON,
      },
      body: JSON.stringify({ push_id: push.id }),
    })
    expect(response.headers.get('content-type')).toBe(NDJSON)
    const lines = (await response.text()).trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(
      rows.map(({ key }) => key),
    )
    const wrong = await rig.post<Problem>('/api/push/results', {
      push_id: push.id,
      limit: 10_001,
    })
    expect(wrong.status).toBe(422)
  })
})

describe('push/list', () => {
  it('is the history, newest first, by client, object and status', async () => {
    const { body: push } = await upload(linesOf(records(1)))
    const list = async (filter: Record<string, unknown>) => {
      const { body } = await rig.post<{ items: PushWithResults[] }>('/api/push/list', filter)
      return body.items
    }
    expect((await list({ client_id: clientId, limit: 1 }))[0]?.id).toBe(push.id)
    expect((await list({ object: 'Placement__c', limit: 1 }))[0]?.id).toBe(push.id)
    expect(await list({ object: 'nothing' })).toEqual([])
    expect(await list({ status: 'queued' })).toEqual([])
  })

  it('says so if nothing names the object, with the nearest name that something has', async () => {
    const warnings = async (filter: Record<string, unknown>) => {
      const { body } = await rig.post<{ warnings: unknown[] }>('/api/push/list', filter)
      return body.warnings
    }
    const message = (near: string) =>
      `No mapping and none of the latest pushes names the object placemnt.${near}`
    expect(await warnings({ object: 'placemnt' })).toEqual([
      { code: 'object_unknown', message: message(' Did you mean placement?') },
    ])
    expect(await warnings({ object: 'Placement__c', status: 'queued' })).toEqual([])
    expect(await warnings({ object: 'Placement__c', client_id: clientId })).toEqual([])
    expect(await warnings({ status: 'queued' })).toEqual([])
  })
})
