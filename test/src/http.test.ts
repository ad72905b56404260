// HTTP behaviour: every answer is a problem or a body that follows the contract, whatever was sent.

import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiOf, type Answer } from './api.ts'
import { startRig, type Rig, type TestOrg } from './rig.ts'
import { until } from './until.ts'

interface Page {
  items: { id: string }[]
  next_cursor: string | null
}

let rig: Rig
let org: TestOrg

beforeAll(async () => {
  rig = await startRig()
  org = await rig.org()
})
afterAll(() => rig[Symbol.asyncDispose]())

const url = () => new URL(rig.servers[0]?.url ?? '')
const json = { 'content-type': 'application/json' }

/** Writes all of it, however early the answer comes. Fails if the connection breaks before that. */
const sendWhole = async (
  path: string,
  headers: Record<string, string>,
  body: string | Buffer,
): Promise<number | undefined> => {
  const sending = request(`${url().origin}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${org.token}`, ...json, ...headers },
  })
  const [[answer]] = await Promise.all([
    once(sending, 'response') as Promise<[IncomingMessage]>,
    new Promise((resolve, reject) => sending.once('error', reject).end(body, () => resolve(null))),
  ])
  answer.resume()
  return answer.statusCode
}

describe('the OpenAPI document', () => {
  it("is valid OpenAPI 3.1 by somebody else's validator, and gives every operation an example and its errors", async () => {
    const document = (await (await fetch(`${url().origin}/openapi.json`)).json()) as {
      openapi: string
      paths: Record<
        string,
        Record<
          string,
          {
            responses: Record<string, { content: Record<string, { example?: unknown }> }>
            summary: string
          }
        >
      >
    }
    const verdict = await new Validator().validate(structuredClone(document))
    expect(verdict).toMatchObject({ valid: true })
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const operation of Object.values(operations)) {
        const success = Object.entries(operation.responses).find(([status]) =>
          status.startsWith('2'),
        )?.[1]
        expect(Object.values(success?.content ?? {})[0]?.example, path).toBeDefined()
        expect(operation.responses['500'], path).toBeDefined()
      }
    }
  })

  it('is shown at /docs with assets of our own', async () => {
    const page = await (await fetch(`${url().origin}/docs/`)).text()
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//)
    const script = /src="([^"]+)"/.exec(page)?.[1] ?? ''
    const asset = await fetch(new URL(script, `${url().origin}/docs/`))
    expect(asset.status).toBe(200)
    expect((await asset.text()).length).toBeGreaterThan(100_000)
    expect((await fetch(`${url().origin}/docs`)).url).toBe(`${url().origin}/docs/`)
    const missing = await rig.api.get('/docs/nothing')
    expect([missing.status, missing.body.code]).toEqual([404, 'not_found'])
  })
})

describe('a problem', () => {
  it('says what to do, and names a page about its code that is there', async () => {
    const { body } = await org.api.post('/api/clients/get', { client_id: randomUUID() })
    expect(body).toMatchObject({ code: 'not_found', remedy: 'Check the id.' })
    const page = await fetch(new URL(String(body.doc_url), url()))
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('Check the id.')
  })

  it('says what helps in this very case, where that is not what the code says', async () => {
    const unknown = await org.api.post('/api/clients/gett', {})
    expect(unknown.body).toMatchObject({
      code: 'not_found',
      remedy: 'Check the path; /docs lists every endpoint.',
    })
    const send = (path: string, body: string) =>
      org.api.raw(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    const broken = await send('/api/clients/list', '{\n  "name": "value",\n}')
    expect(broken.body).toMatchObject({
      code: 'invalid_json',
      detail: expect.stringContaining('line 3, column 1') as unknown,
    })
    const large = await send('/api/clients/list', JSON.stringify('x'.repeat(1_100_000)))
    expect(large.body).toMatchObject({
      code: 'payload_too_large',
      detail: 'The body is larger than 1 MB, the most that this endpoint takes.',
    })
    const rows = await send('/api/push/records', JSON.stringify('x'.repeat(17_000_000)))
    expect(rows.body).toMatchObject({
      code: 'payload_too_large',
      detail: 'The body is larger than 16 MB, the most that this endpoint takes.',
      remedy: expect.stringContaining('application/x-ndjson') as unknown,
    })
  })

  it('reaches whoever is still sending a body that is too large', async () => {
    const path = '/api/clients/list'
    const text = JSON.stringify(randomBytes(20_000_000).toString('base64'))
    const gzip = gzipSync(text, { level: 1 })
    const compressed = { 'content-encoding': 'gzip' }
    const sent: [string, Record<string, string>, string | Buffer][] = [
      ['with a Content-Length', { 'content-length': String(text.length) }, text],
      ['without a Content-Length', {}, text],
      ['compressed', { ...compressed, 'content-length': String(gzip.length) }, gzip],
      ['compressed, without a Content-Length', compressed, gzip],
    ]
    for (const [how, headers, body] of sent)
      expect(await sendWhole(path, headers, body), how).toBe(413)
    const endless = fetch(`${url().origin}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${org.token}`, ...json },
      body: new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
      }),
      duplex: 'half',
    })
    expect((await endless).status, 'without an end').toBe(413)
  })

  it('of a wrong method is 405 and lists the right one', async () => {
    const answer = await org.api.raw('/api/clients/list', { method: 'GET' })
    expect([answer.status, answer.body.code, answer.headers.get('allow')]).toEqual([
      405,
      'method_not_allowed',
      'POST',
    ])
    const health = await rig.api.raw('/health', { method: 'DELETE' })
    expect([health.status, health.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await fetch(`${url().origin}/health`, { method: 'HEAD' })).status).toBe(200)
  })
})

describe('the pages about codes', () => {
  it('exist for problems, rows, findings and lost connections, and for nothing else', async () => {
    const all = await (await fetch(`${url().origin}/docs/errors`)).text()
    const links = [...all.matchAll(/href="(\/docs\/errors\/[^"]+)"/g)].map(([, link]) => link)
    expect(links.length).toBeGreaterThan(150)
    for (const code of [
      'conflicts_found',
      'RECORD_NOT_FOUND',
      'cascade_delete_not_allowed',
      'user_frozen',
    ]) {
      const page = await fetch(`${url().origin}/docs/errors/${code}`)
      expect([page.status, page.headers.get('content-type')], code).toEqual([
        200,
        'text/html; charset=utf-8',
      ])
      expect(links, code).toContain(`/docs/errors/${code}`)
    }
    const none = await fetch(`${url().origin}/docs/errors/%3Cscript%3E`)
    expect(none.status).toBe(404)
  })
})

describe('headers that keep an answer where it belongs', () => {
  it('no cache keeps an answer of the API, and no browser guesses its type', async () => {
    const { headers } = await org.api.post('/api/clients/list', {})
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('the page into which tokens are typed runs only its own scripts, and cannot be framed', async () => {
    const page = await fetch(`${url().origin}/docs/`)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(/script-src [^;]+/.exec(policy)?.[0]).not.toContain('unsafe')
    expect((await fetch(`${url().origin}/`)).url).toBe(`${url().origin}/docs/`)
  })

  it('metrics without a token are for this machine, not for what a proxy forwards', async () => {
    const metrics = (headers: Record<string, string>) =>
      fetch(`${url().origin}/metrics`, { headers }).then(({ status }) => status)
    expect(await metrics({})).toBe(200)
    for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via']) {
      expect(await metrics({ [name]: '203.0.113.9' }), name).toBe(404)
    }
  })
})

describe('bad input', () => {
  const cases: [string, RequestInit, number, string][] = [
    ['malformed JSON', { body: '{"name"', headers: json }, 400, 'invalid_json'],
    ['an empty body', { body: '', headers: json }, 400, 'invalid_json'],
    ['a JSON string', { body: '"x"', headers: json }, 422, 'validation_failed'],
    ['an array', { body: '[]', headers: json }, 422, 'validation_failed'],
    ['null', { body: 'null', headers: json }, 422, 'validation_failed'],
    ['a wrong type', { body: '{"name":3}', headers: json }, 422, 'validation_failed'],
    ['an unknown key', { body: '{"name":"x","nmae":1}', headers: json }, 422, 'validation_failed'],
    ['__proto__', { body: '{"name":"x","__proto__":{"a":1}}', headers: json }, 400, 'invalid_json'],
    ['no content type', { body: new Uint8Array([123, 125]) }, 415, 'unsupported_media_type'],
    [
      'another content type',
      { body: '{}', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported_media_type',
    ],
    [
      'an unknown encoding',
      { body: '{}', headers: { ...json, 'content-encoding': 'br' } },
      415,
      'unsupported_media_type',
    ],
    [
      'gzip that is none',
      { body: 'xx', headers: { ...json, 'content-encoding': 'gzip' } },
      400,
      'bad_request',
    ],
    [
      'a huge body',
      { body: `{"name":"${'x'.repeat(1_100_000)}"}`, headers: json },
      413,
      'payload_too_large',
    ],
    [
      'a gzip bomb',
      {
        body: gzipSync(Buffer.alloc(20_000_000, 32)),
        headers: { ...json, 'content-encoding': 'gzip' },
      },
      413,
      'payload_too_large',
    ],
    [
      'deep nesting',
      {
        body: `{"name":"x","metadata":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
        headers: json,
      },
      422,
      'validation_failed',
    ],
    [
      'U+0000 in free-form data',
      { body: '{"name":"x","metadata":{"a":"\\u0000"}}', headers: json },
      422,
      'validation_failed',
    ],
    [
      'control characters',
      { body: '{"name":"a\\u0000b"}', headers: json },
      422,
      'validation_failed',
    ],
  ]
  for (const [name, init, status, code] of cases) {
    it(`${name} is ${status} ${code}, never a 500`, async () => {
      const answer = await org.api.raw('/api/clients/create', { method: 'POST', ...init })
      expect([answer.status, answer.body.code], answer.text.slice(0, 300)).toEqual([status, code])
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect(answer.body.request_id).toBe(answer.headers.get('x-request-id'))
    })
  }

  it('names the member, by its path', async () => {
    const answer = await org.api.post('/api/clients/get', { client_id: 'not-a-uuid' })
    expect(answer.status).toBe(422)
    expect(answer.body.errors).toMatchObject([{ path: 'client_id' }])
  })

  it('unknown routes and methods are problems too', async () => {
    for (const [method, path, status, code] of [
      ['GET', '/api/clients/create', 405, 'method_not_allowed'],
      ['POST', '/nowhere', 404, 'not_found'],
      ['DELETE', '/', 405, 'method_not_allowed'],
      ['GET', '/docs/nothing', 404, 'not_found'],
      // Paths that would be patterns to a router.
      ['POST', '/a*b', 404, 'not_found'],
      ['POST', '/:a(b', 404, 'not_found'],
      ['POST', '/docs/*', 405, 'method_not_allowed'],
      ['POST', '/api/clients/create/', 404, 'not_found'],
    ] as const) {
      const answer = await org.api.raw(path, { method })
      expect([answer.status, answer.body.code], path).toEqual([status, code])
    }
  })

  it('bytes that are not HTTP get a problem and a closed connection', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(url().port), url().hostname, () =>
        socket.write('what is this\r\n\r\n'),
      )
      let seen = ''
      socket.on('data', (chunk) => (seen += chunk.toString()))
      socket.on('close', () => resolve(seen))
      socket.on('error', reject)
    })
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain('"code":"bad_request"')
  })
})

describe('an update', () => {
  it('that changes nothing is refused with what could be changed, in every resource alike', async () => {
    const { paths } = (await (await fetch(`${url().origin}/openapi.json`)).json()) as {
      paths: Record<string, unknown>
    }
    const updates: Record<string, [about: string, first: string]> = {
      '/api/blueprints/update': ['blueprint_id', 'name'],
      '/api/clients/update': ['client_id', 'name'],
      '/api/connections/update': ['client_id', 'api_version'],
      '/api/mappings/update': ['mapping_id', 'sfdc_object'],
      '/api/super-admin/orgs/update': ['org_id', 'name'],
      '/api/users/update': ['user_id', 'is_active'],
      '/api/webhook-endpoints/update': ['endpoint_id', 'url'],
    }
    const all = Object.keys(paths).filter((path) => path.endsWith('/update'))
    expect(all.toSorted()).toEqual(Object.keys(updates))
    for (const [path, [about, first]] of Object.entries(updates)) {
      const api = path.includes('super-admin') ? rig.superAdmin : org.api
      const { status, body } = await api.post<{ code: string; errors: object[] }>(path, {
        [about]: randomUUID(),
      })
      expect([status, body.code], path).toEqual([422, 'validation_failed'])
      expect(body.errors, path).toEqual([
        {
          path: first,
          code: expect.any(String) as string,
          message: expect.stringMatching(
            new RegExp(`^Send at least one member to change: ${first}\\b`),
          ) as string,
        },
      ])
    }
  })

  it('whose list or object is empty says what that means: refused, or all is removed', async () => {
    const client = await org.client('Emptied')
    const by = { client_id: client.id }
    const refused: [string, object, string][] = [
      ['/api/mappings/update', { mapping_id: randomUUID(), fields: [] }, 'fields'],
      [
        '/api/webhook-endpoints/update',
        { endpoint_id: randomUUID(), event_types: [] },
        'event_types',
      ],
      [
        '/api/webhook-endpoints/update',
        { endpoint_id: randomUUID(), client_ids: [] },
        'client_ids',
      ],
      [
        '/api/blueprints/bindings/set',
        { blueprint_id: randomUUID(), client_ids: [] },
        'client_ids',
      ],
      [
        '/api/blueprints/bindings/set',
        { blueprint_id: randomUUID(), client_ids: [client.id], withdraw: [] },
        'withdraw',
      ],
      ['/api/blueprints/bindings/set', { blueprint_id: randomUUID(), selector: {} }, 'selector'],
      ['/api/blueprints/bindings/set', { blueprint_id: randomUUID() }, 'client_ids'],
      [
        '/api/blueprints/bindings/remove',
        { blueprint_id: randomUUID(), client_ids: [] },
        'client_ids',
      ],
    ]
    for (const [path, body, member] of refused) {
      const answer = await org.api.post<{ code: string; errors: { path: string }[] }>(path, body)
      expect([answer.status, answer.body.code], answer.text).toEqual([422, 'validation_failed'])
      expect(
        answer.body.errors.map((one) => one.path),
        path,
      ).toEqual([member])
    }
    await org.api.post('/api/clients/update', { ...by, tags: { tier: 'gold' }, metadata: { a: 1 } })
    const emptied = await org.api.post('/api/clients/update', { ...by, tags: {}, metadata: {} })
    expect(emptied.body).toMatchObject({ tags: {}, metadata: {} })
    expect(Object.keys((emptied.body as { metadata: object }).metadata)).toEqual([])
  })
})

describe('request ids', () => {
  it('are taken from the caller when sane, and made otherwise', async () => {
    const sane = await org.api.get('/health', { 'x-request-id': 'nightly-17' })
    expect(sane.headers.get('x-request-id')).toBe('nightly-17')
    const insane = await org.api.get('/health', { 'x-request-id': 'a b"c' })
    expect(insane.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('pages', () => {
  it('go through everything once, newest first, while rows are added', async () => {
    const own = await rig.org()
    const ids: string[] = []
    for (let i = 0; i < 7; i++) ids.unshift((await own.client(`c${i}`)).id)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const answer: Answer<Page> = await own.api.post<Page>('/api/clients/list', {
        limit: 3,
        ...(cursor === null ? {} : { cursor }),
      })
      seen.push(...answer.body.items.map((item) => item.id))
      cursor = answer.body.next_cursor
      await own.client('meanwhile')
    } while (cursor !== null)
    expect(seen).toEqual(ids)
  })

  it('refuse cursors that we did not give out, and limits out of range', async () => {
    for (const cursor of ['x', 'AAAA', Buffer.from("' or 1=1 --").toString('base64url')]) {
      const answer = await org.api.post('/api/clients/list', { cursor })
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_cursor'])
    }
    for (const limit of [0, 201, 1.5, '5']) {
      expect((await org.api.post('/api/clients/list', { limit })).status).toBe(422)
    }
  })

  it('search means the text itself, wildcards included', async () => {
    const own = await rig.org()
    await own.client('50% off')
    await own.client('500 off')
    const answer = await own.api.post<{ items: { name: string }[] }>('/api/clients/list', {
      query: '50%',
    })
    expect(answer.body.items.map((item) => item.name)).toEqual(['50% off'])
  })
})

describe('idempotency keys', () => {
  const key = () => ({ 'idempotency-key': randomUUID() })

  it('answer the first answer again, and make one thing however often they come', async () => {
    const own = await rig.org()
    const headers = key()
    const first = await own.api.post(
      '/api/clients/create',
      { name: 'once', metadata: { b: 1, a: 2 } },
      headers,
    )
    const again = await own.api.post(
      '/api/clients/create',
      { metadata: { a: 2, b: 1 }, name: 'once' },
      headers,
    )
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(again.body).toEqual(first.body)
    const list = await own.api.post<{ items: unknown[] }>('/api/clients/list')
    expect(list.body.items.length).toBe(1)
  })

  it('with another body are 409 idempotency_key_reused', async () => {
    const headers = key()
    await org.api.post('/api/clients/create', { name: 'a' }, headers)
    const answer = await org.api.post('/api/clients/create', { name: 'b' }, headers)
    expect([answer.status, answer.body.code]).toEqual([409, 'idempotency_key_reused'])
  })

  it('sent ten times at once make one thing; the others wait or replay', async () => {
    const own = await rig.org()
    const headers = key()
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        own.api.post('/api/clients/create', { name: 'race' }, headers),
      ),
    )
    for (const answer of answers) {
      expect([201, 409]).toContain(answer.status)
      if (answer.status === 409) {
        expect(answer.body.code).toBe('idempotency_in_progress')
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      }
    }
    const list = await own.api.post<{ items: unknown[] }>('/api/clients/list')
    expect(list.body.items.length).toBe(1)
  })

  it('belong to the user and the path', async () => {
    const headers = key()
    const a = await org.api.post<{ id: string }>('/api/clients/create', { name: 'same' }, headers)
    const colleague = await org.user('org_admin')
    const b = await colleague.api.post<{ id: string }>(
      '/api/clients/create',
      { name: 'same' },
      headers,
    )
    expect(b.body.id).not.toBe(a.body.id)
    const c = await org.api.post('/api/tokens/create', { name: 'same' }, headers)
    expect(c.status).toBe(201)
  })

  it('replay an answer that held a secret with null in its place, and keep no secret', async () => {
    const headers = key()
    const first = await org.api.post<{ token: string }>(
      '/api/tokens/create',
      { name: 's' },
      headers,
    )
    const again = await org.api.post('/api/tokens/create', { name: 's' }, headers)
    expect(again.body).toEqual({ ...first.body, token: null })
  })

  it('check the permission again on a replay', async () => {
    const own = await rig.org()
    const user = await own.user('org_admin')
    const { token } = (
      await own.api.post<{ token: string }>('/api/tokens/create', { name: 't', user_id: user.id })
    ).body
    const headers = key()
    const api = rig.api.as(token)
    expect((await api.post('/api/clients/create', { name: 'x' }, headers)).status).toBe(201)
    const client = await own.client()
    await own.api.post('/api/users/update', {
      user_id: user.id,
      role: 'company_admin',
      client_id: client.id,
    })
    expect((await api.post('/api/clients/create', { name: 'x' }, headers)).status).toBe(403)
  })

  it('keep a final refusal, and hold for the super-admin too', async () => {
    const headers = key()
    const body = { email: org.email, password: 'a long enough password', role: 'org_admin' }
    const first = await org.api.post('/api/users/create', body, headers)
    const again = await org.api.post('/api/users/create', body, headers)
    expect([first.status, again.status]).toEqual([409, 409])
    expect(again.headers.get('idempotency-replayed')).toBe('true')

    const mine = key()
    const a = await rig.superAdmin.post('/api/super-admin/orgs', { name: 'Once' }, mine)
    const b = await rig.superAdmin.post('/api/super-admin/orgs', { name: 'Once' }, mine)
    expect(b.body).toEqual(a.body)
  })

  it('left by a process that died are free again after their minute', async () => {
    const headers = key()
    await rig.database.query(
      `insert into idempotency_keys (org_id, user_id, method, path, key, body_hash, holder, free_at)
       values ($1, $2, 'POST', '/api/clients/create', $3, '\\x00', gen_random_uuid(), now() - interval '1 second')`,
      [org.id, org.adminId, headers['idempotency-key']],
    )
    expect((await org.api.post('/api/clients/create', { name: 'after' }, headers)).status).toBe(201)
  })
})

describe('the server', () => {
  it('finishes what runs on SIGTERM, refuses what comes after, and ends by itself', async () => {
    const server = await rig.addServer()
    const running = rig.api.raw('/health', {})
    await running
    const login = fetch(`${server.url}/api/auth/login`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ email: org.email, password: org.password }),
    })
    // The server has the request once it has answered a second one.
    await fetch(`${server.url}/health`)
    const [code, answer] = await Promise.all([server.terminate(), login])
    expect(answer.status).toBe(200)
    expect(code).toBe(0)
  })

  it('answers 503 on /ready and to what writes while the database takes no writes, and recovers by itself', async () => {
    await using lonely = await startRig()
    const own = await lonely.org()
    const name = new URL(lonely.database.url).pathname.slice(1)
    const setReadOnly = async (value: string) => {
      await lonely.database.query(
        `set transaction_read_only = off; alter database ${name} set default_transaction_read_only = ${value}`,
      )
      // Sessions keep the settings that they started with.
      await lonely.database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = $1 and pid <> pg_backend_pid() and usename = current_user`,
        [name],
      )
    }
    const create = () => own.api.post('/api/clients/create', { name: 'Acme' })
    await setReadOnly('on')
    const refused = await until('it is refused', async () => {
      const answer = await create()
      return String(answer.body.detail).includes('accepts no writes') ? answer : undefined
    })
    expect([refused.status, refused.body.code]).toEqual([503, 'unavailable'])
    expect((await lonely.api.get('/ready')).status).toBe(503)
    await setReadOnly('off')
    await until('it is ready', async () => (await lonely.api.get('/ready')).status === 200)
    expect((await create()).status).toBe(201)
  })

  it('answers 503 on /ready and problems while the database is away', async () => {
    const lonely = await startRig()
    await lonely.database[Symbol.asyncDispose]()
    const answer = await lonely.api.get('/ready')
    expect([answer.status, answer.body.code]).toEqual([503, 'unavailable'])
    const call = await lonely.api.as('sfx_anything').get('/api/auth/me')
    expect([call.status, call.body.code]).toEqual([503, 'unavailable'])
    // An agent's host would throw its token away over a 401.
    const agent = await lonely.api.as('sfx_anything').post<{ code: string }>('/mcp', {})
    expect([agent.status, agent.body.code]).toEqual([503, 'unavailable'])
    expect((await lonely.api.get('/health')).status).toBe(200)
    const lines = () => lonely.servers.flatMap((server) => server.lines)
    // The queue and what looks for work have met it, too.
    await until('it is noticed', () => lines().some((line) => line.includes('"times"')))
    await Promise.all(lonely.servers.map((server) => server.terminate()))
    const warnings = lines().filter((line) => /"level":[45]0/.test(line))
    expect(warnings.filter((line) => line.includes('"stack"'))).toEqual([])
    expect(warnings.filter((line) => line.includes('"msg":"database"'))).toHaveLength(1)
  })

  it('keeps the credential out of its log, and every line is JSON with the request id', async () => {
    await org.api.post('/api/clients/get', { client_id: 'x' }, { 'x-request-id': 'find-me' })
    const lines = rig.servers[0]?.lines ?? []
    await until('the line', () => lines.some((line) => line.includes('find-me')))
    expect(lines.join('\n')).not.toContain(org.token)
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow()
  })

  it('of credentials that are none is by address: the super-admin’s secret cannot be guessed at will', async () => {
    const api = apiOf((await rig.addServer({ RATE_LIMIT_PER_MINUTE: '1000' })).url)
    const statuses: number[] = []
    for (let at = 0; at < 70; at++) {
      const guess = api.as(`a guess at the secret ${at}`.replaceAll(' ', '-'))
      statuses.push((await guess.post('/api/super-admin/orgs/list')).status)
    }
    expect(statuses.slice(0, 60).every((status) => status === 401)).toBe(true)
    expect(new Set(statuses.slice(60))).toEqual(new Set([429]))
  })

  it('limits the rate per credential where asked to', async () => {
    const limited = await rig.addServer({ RATE_LIMIT_PER_MINUTE: '3' })
    const statuses = []
    const left = []
    for (let i = 0; i < 5; i++) {
      const answer = await fetch(`${limited.url}/api/auth/me`, {
        headers: { authorization: `Bearer ${org.token}` },
      })
      statuses.push(answer.status)
      expect(answer.headers.get('ratelimit-policy')).toBe('"credential";q=3;w=60')
      left.push(/^"credential";r=(\d+);t=\d+$/.exec(answer.headers.get('ratelimit') ?? '')?.[1])
      if (answer.status === 429) {
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
        expect(((await answer.json()) as { code: string }).code).toBe('rate_limited')
      }
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    expect(left).toEqual(['2', '1', '0', '0', '0'])
    const stranger = await fetch(`${limited.url}/api/auth/me`)
    expect([stranger.status, stranger.headers.get('ratelimit-policy')]).toEqual([401, null])
  })
})
