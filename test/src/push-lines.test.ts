// Pushes as newline-delimited JSON: many rows in one upload, all of them or nothing, refused by line
// number or before it is read, and results in pages and as lines.

import { request as httpRequest, type IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  expectTrue,
  expectWhole,
  makePushRig,
  ndjson,
  placement,
  placements,
  resultsOf,
  settled,
  type PushBody,
  type PushRig,
  type Row,
  type RowResult,
} from './push-support.ts'
import { type Rig, startRig, type TestOrg } from './rig.ts'
import { until } from './until.ts'

/** More than two batches of a Bulk job. */
const ROWS_MAX = 21_000
/** Several turns of reading and storing. */
const CUT_ROWS = 4_000
const LINE_BYTES = 1024 * 1024
const NDJSON = 'application/x-ndjson'

let rig: Rig
let org: TestOrg
let pushRig: PushRig

beforeAll(async () => {
  rig = await startRig({
    simulator: { orgs: [{ name: 'Acme', edition: 'Unlimited' }] },
    environment: { PUSH_MAX_ROWS: String(ROWS_MAX) },
  })
  org = await rig.org()
  pushRig = await makePushRig(rig, org)
})
afterAll(() => rig[Symbol.asyncDispose]())

const envelope = (more: Row = {}): Row => ({
  client_id: pushRig.client.id,
  object: 'placement',
  wait_seconds: 0,
  ...more,
})

interface Reply {
  status: number
  headers: IncomingMessage['headers']
  body: PushBody & { detail?: string }
}

interface OpenRequest {
  /** Sends a piece of the body, and resolves when it has been sent. */
  write(piece: string | Buffer): Promise<void>
  end(): void
  /** Breaks the connection. */
  cut(): void
  reply: Promise<Reply>
}

/** A request whose body continues only as far as the test writes it. */
const open = (headers: Record<string, string> = {}, path = '/api/push/records'): OpenRequest => {
  const request = httpRequest(`${rig.servers[0]?.url ?? ''}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${org.token}`, 'content-type': NDJSON, ...headers },
  })
  const reply = new Promise<Reply>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0 } = response
        const body = JSON.parse(Buffer.concat(pieces).toString()) as Reply['body']
        resolve({ status, headers: response.headers, body })
      })
    })
  })
  reply.catch(() => undefined)
  return {
    write: (piece) =>
      new Promise((resolve, reject) => {
        request.write(piece, (error) => (error ? reject(error) : resolve()))
      }),
    end: () => void request.end(),
    cut: () => void request.destroy(),
    reply,
  }
}

const GZIP = { 'content-encoding': 'gzip' }

const upload = async (body: string | Buffer, headers: Record<string, string> = {}) => {
  const sent = open({ 'content-length': String(Buffer.byteLength(body)), ...headers })
  await sent.write(body).catch(() => undefined) // an answer may come before the body has been sent
  sent.end()
  return sent.reply
}

const pushesOf = async (): Promise<PushBody[]> => {
  const answer = await org.api.post<{ items: PushBody[] }>('/api/push/list', {
    client_id: pushRig.client.id,
    limit: 200,
  })
  return answer.body.items
}

/** What the database holds about pushes, their rows and the keys of requests that have not ended. */
const stored = async (): Promise<Record<string, number>> => {
  const [counts] = await rig.database.query<Record<string, number>>(
    `select (select count(*)::int from crm_push_logs) as pushes,
            (select count(*)::int from push_rows) as rows,
            (select count(*)::int from push_results) as results,
            (select count(*)::int from push_chunks) as chunks,
            (select count(*)::int from idempotency_keys
              where resource_id is null and response_status is null) as keys`,
  )
  return counts ?? {}
}

const recordCount = async (): Promise<number> =>
  (await rig.simulator.control.act('records/count', { org: 'Acme', object: 'Placement__c' })).count

/** All results as they are streamed. */
const lines = async (pushId: string, status?: 'failed' | 'succeeded'): Promise<RowResult[]> => {
  const answer = await fetch(`${rig.servers[0]?.url ?? ''}/api/push/results`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${org.token}`,
      accept: NDJSON,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ push_id: pushId, ...(status === undefined ? {} : { status }) }),
  })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    expect.stringContaining(NDJSON) as unknown,
  ])
  const texts = (await answer.text()).split('\n')
  expect(texts.pop(), 'each line has its end').toBe('')
  return texts.map((text) => JSON.parse(text) as RowResult)
}

/** Like toEqual, but without a diff of megabytes. */
const expectSame = (given: readonly RowResult[], wanted: readonly RowResult[]) => {
  expect(given.length).toBe(wanted.length)
  const other = given.findIndex((one, at) => JSON.stringify(one) !== JSON.stringify(wanted[at]))
  expect([given[other], other]).toEqual([wanted[other], -1])
}

describe('21,000 rows in one upload', () => {
  const isBad = (n: number) => n % 1_000 === 999
  const rows = Array.from({ length: ROWS_MAX }, (_, n) => ({
    ...placement('many', n),
    ...(isBad(n) ? { stage: 'hired' } : {}),
  }))
  let push: PushBody
  let results: RowResult[]

  it('gzipped: each has its result, and each result is true', async () => {
    const answer = await upload(gzipSync(ndjson(envelope(), rows)), GZIP)
    expect([answer.status, answer.headers.location]).toEqual([202, '/api/push/get'])
    expect(answer.body).toMatchObject({ transport: 'bulk', total: ROWS_MAX, kind: 'records' })
    push = await settled(org.api, answer.body.id)
    results = await lines(push.id)
    expectWhole(push, results)
    expect(push).toMatchObject({ created_count: ROWS_MAX - 21, failed: 21, error: null })
    expect(results.filter(({ index, success }) => isBad(index) === success)).toEqual([])
    await expectTrue(rig.simulator, pushRig, { prefix: 'many-', rows, results })
  })

  it('have results by pages of any size that are those of the lines', async () => {
    expectSame(await resultsOf(org.api, push.id, { limit: 9_999 }), results)
    const failed = results.filter(({ success }) => !success)
    expectSame(await resultsOf(org.api, push.id, { status: 'failed', limit: 7 }), failed)
    expectSame(await lines(push.id, 'failed'), failed)
    const succeeded = results.filter(({ success }) => success)
    expectSame(await lines(push.id, 'succeeded'), succeeded)
    const page = (body: Row) => org.api.post('/api/push/results', { push_id: push.id, ...body })
    const first = await page({})
    expect((first.body['items'] as unknown[]).length, 'the default').toBe(50)
    expect((await page({ limit: 10_001 })).status).toBe(422)
    expect([(await page({ cursor: 'made-up' })).status]).toEqual([400])
  })

  it('plain: the same records, none twice; one row more is refused with all the others', async () => {
    const text = ndjson(envelope(), rows)
    const before = await stored()
    const more = await upload(`${text}${JSON.stringify(placement('many', ROWS_MAX))}\n`)
    expect([more.status, more.body.code]).toEqual([413, 'payload_too_large'])
    expect(await stored()).toEqual(before)
    const there = await recordCount()
    const answer = await upload(ndjson(envelope(), rows.slice(0, 3_000)))
    expect(answer.status).toBe(202)
    const again = await settled(org.api, answer.body.id)
    expect(again).toMatchObject({ created_count: 0, updated_count: 2_997, failed: 3 })
    expect(await recordCount()).toBe(there)
  })
})

describe('an upload that is not whole', () => {
  let before: Record<string, number>
  beforeEach(async () => {
    await rig.simulator.control.clearJournal()
    before = await stored()
  })

  const expectNothing = async () => {
    await until('nothing of it is left', async () => {
      const now = await stored()
      return Object.entries(before).every(([name, count]) => now[name] === count)
    })
    expect(await rig.simulator.control.journal(), 'nothing was sent').toEqual([])
  }

  it.each([
    { name: 'plain', zipped: false, announced: true },
    { name: 'plain, in chunks', zipped: false, announced: false },
    { name: 'gzipped', zipped: true, announced: true },
  ])(
    'leaves nothing, sends nothing and frees its key: $name',
    async ({ name, zipped, announced }) => {
      const rows = placements(`cut ${name}`, CUT_ROWS)
      const text = ndjson(envelope(), rows)
      const body = zipped ? gzipSync(text) : Buffer.from(text)
      const headers = {
        'idempotency-key': `cut ${name}`,
        ...(zipped ? GZIP : {}),
        ...(announced ? { 'content-length': String(body.byteLength) } : {}),
      }
      for (const share of [0.4, 0.99]) {
        const sent = open(headers)
        await sent.write(body.subarray(0, Math.floor(body.byteLength * share)))
        await until('it is being stored', async () => {
          const now = await stored()
          return (now['pushes'] ?? 0) > (before['pushes'] ?? 0)
        })
        expect(await pushesOf(), 'it is no push yet').toHaveLength(before['pushes'] ?? 0)
        const second = await upload(ndjson(envelope(), placements('other', 1)))
        expect([second.status, second.body.code]).toEqual([409, 'upload_in_progress'])
        sent.cut()
        await sent.reply.catch(() => undefined)
        await expectNothing()
      }
      const whole = await upload(body, headers)
      expect([whole.status, whole.headers['idempotency-replayed']]).toEqual([202, undefined])
      const push = await settled(org.api, whole.body.id)
      expect(push).toMatchObject({ status: 'succeeded', created_count: CUT_ROWS })
      const replayed = await upload(body, headers)
      expect(replayed.headers['idempotency-replayed']).toBe('true')
      expect(replayed.body.id).toBe(push.id)
      const other = await upload(ndjson(envelope(), rows.slice(1)), {
        'idempotency-key': `cut ${name}`,
      })
      expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused'])
    },
  )

  it('is refused when its gzip merely stops', async () => {
    const body = gzipSync(ndjson(envelope(), placements('short', 2_000)))
    const answer = await upload(body.subarray(0, -30), GZIP)
    expect(answer.status).toBe(400)
    await expectNothing()
  })

  it('is refused as a whole for a line that is not a row, and the line is named', async () => {
    const good = placements('good', 3_000)
    const head = ndjson(envelope(), good)
    const number = good.length + 2
    const cases: [what: string, line: string, status: number, code: string][] = [
      ['not JSON', '{"key": "bad', 400, 'invalid_json'],
      ['two values', '{"key":"a"} {"key":"b"}', 400, 'invalid_json'],
      ['no object', '["key"]', 422, 'validation_failed'],
      ['a text', '"key"', 422, 'validation_failed'],
    ]
    for (const [what, line, status, code] of cases) {
      const answer = await upload(`${head}${line}\n${ndjson({ key: 'after' }, [])}`)
      expect([answer.status, answer.body.code], what).toEqual([status, code])
      expect(answer.body.errors?.[0]?.path, what).toMatch(new RegExp(`^lines\\.${number}\\b`))
    }
    const encoded = await upload(
      Buffer.concat([Buffer.from(head), Buffer.from([0xc3, 0x28, 0x0a])]),
    )
    expect([encoded.status, encoded.body.errors?.[0]?.path]).toEqual([400, `lines.${number}`])
    await expectNothing()
  })

  it('is refused for a line beyond 1 MiB, however it is packed, and the line is named', async () => {
    const good = placements('long', 10)
    const head = ndjson(envelope(), good)
    const room = LINE_BYTES - JSON.stringify({ key: 'x', title: '' }).length
    const longest = JSON.stringify({ key: 'x', title: 'x'.repeat(room) })
    const long = JSON.stringify({ key: 'x', title: 'x'.repeat(room + 1) })
    expect(Buffer.byteLength(longest)).toBe(LINE_BYTES)
    for (const headers of [{}, GZIP]) {
      const text = `${head}${long}\n`
      const answer = await upload('content-encoding' in headers ? gzipSync(text) : text, headers)
      expect([answer.status, answer.body.code]).toEqual([413, 'payload_too_large'])
      expect(answer.body.detail).toContain(`Line ${good.length + 2}`)
    }
    await expectNothing()
    // One that just fits counts as a row, and fails as one: the field is shorter.
    const fits = await upload(`${ndjson(envelope({ wait_seconds: 55 }), [])}${longest}\n`)
    expect(fits.status).toBe(200)
    expect(fits.body.results?.[0]?.errors[0]?.code).toBe('STRING_TOO_LONG')
  })

  it('is refused without an envelope, with a wrong one, and without rows', async () => {
    const row = placement('none', 1)
    const code = async (text: string) => {
      const { status, body } = await upload(text)
      return [status, body.code]
    }
    expect(await code('')).toEqual([400, 'invalid_json'])
    expect((await code(ndjson(row, [])))[0]).toBe(422)
    expect(await code(ndjson(envelope({ unheard_of: true }), [row]))).toEqual([
      422,
      'validation_failed',
    ])
    expect(await code(ndjson(envelope(), []))).toEqual([422, 'validation_failed'])
    expect(await code(ndjson(envelope({ object: 'nothing' }), [row]))).toEqual([
      400,
      'mapping_missing',
    ])
    const options = { all_or_none: true }
    expect(await code(ndjson(envelope({ options }), placements('aon', 201)))).toEqual([
      400,
      'all_or_none_too_large',
    ])
    await expectNothing()
  })
})

describe('a caller who may not push', () => {
  const announce = { 'content-length': String(2 ** 40) }

  it('is refused before the body is read', async () => {
    const member = await org.user('company_admin', pushRig.client.id)
    for (const type of [NDJSON, 'application/json']) {
      for (const [token, status, code] of [
        ['nobody', 401, 'unauthenticated'],
        [member.session, 403, 'forbidden'],
      ] as const) {
        const sent = open({ ...announce, 'content-type': type, authorization: `Bearer ${token}` })
        await sent.write('{')
        const reply = await sent.reply
        expect([reply.status, reply.body.code], type).toEqual([status, code])
        sent.cut()
      }
    }
  })

  it('learns nothing of another org’s client', async () => {
    const other = await rig.org()
    const theirs = { authorization: `Bearer ${other.token}` }
    const foreign = await upload(ndjson(envelope(), placements('foreign', 3)), theirs)
    const missing = await upload(
      ndjson({ ...envelope(), client_id: '0199a1b2-0000-7000-8000-0000000000c9' }, [{ key: 'x' }]),
      theirs,
    )
    expect(foreign.status).toBe(404)
    expect({ ...foreign.body, request_id: '' }).toEqual({ ...missing.body, request_id: '' })
  })
})
