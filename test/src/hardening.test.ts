// Failures between the steps: connections that die, answers that race, bodies with false headers.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiOf, type Api } from './api.ts'
import { PASSWORD, startRig, type Rig, type TestOrg } from './rig.ts'
import { logOf, type ServerProcess } from './server-process.ts'
import { until } from './until.ts'

let rig: Rig
let org: TestOrg
/** A second server, behind a proxy and with guarded metrics. */
let proxy: ServerProcess
let proxied: Api

beforeAll(async () => {
  rig = await startRig()
  org = await rig.org()
  proxy = await rig.addServer({
    TRUST_PROXY: '1',
    METRICS_TOKEN: 'metrics-token-0123456789',
  })
  proxied = apiOf(proxy.url)
})
afterAll(() => rig[Symbol.asyncDispose]())

const MEGABYTE = 1024 * 1024
/** One of a body whose length nobody told. */
const CHUNK = Buffer.concat([
  Buffer.from(`${MEGABYTE.toString(16)}\r\n`),
  Buffer.alloc(MEGABYTE, 32),
  Buffer.from('\r\n'),
])

const url = () => new URL(rig.servers[0]?.url ?? '')
const key = () => ({ 'idempotency-key': randomUUID() })
const me = (api: Api) => api.get('/api/auth/me').then((answer) => answer.status)
const login = (email: string, password: string) =>
  rig.api.post<{ access_token: string; code?: string }>('/api/auth/login', { email, password })

/** A transaction of the test that holds locks until it is released. */
const holding = async <T>(lock: string, work: (db: pg.Client) => Promise<T>): Promise<T> => {
  const db = new pg.Client({ connectionString: rig.database.url })
  await db.connect()
  try {
    await db.query('begin')
    await db.query(lock)
    return await work(db)
  } finally {
    await db.end()
  }
}

/** The server's session that waits for the test's lock. */
const blocked = () =>
  until('the server waits for the lock', async () => {
    const [row] = await rig.database.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database()
          and application_name = 'sfdc-engine-x' and wait_event_type = 'Lock'`,
    )
    return row?.pid
  })

describe('a database connection that dies in a transaction', () => {
  it('is a 503 for that call, and the process lives on', async () => {
    const answer = await holding(
      'lock table public.audit_log in access exclusive mode',
      async () => {
        const call = org.api.post('/api/audit/list')
        await rig.database.query('select pg_terminate_backend($1)', [await blocked()])
        return call
      },
    )
    expect([answer.status, answer.body.code]).toEqual([503, 'unavailable'])
    expect((await org.api.post('/api/audit/list')).status).toBe(200)
  })
})

describe('a migration of the next version beside running servers', () => {
  it('may add a column: prepared statements of a connection fail at most once, as 503', async () => {
    const call = () => org.api.post('/api/clients/list')
    await Promise.all(Array.from({ length: 8 }, call)) // several connections prepare the statement
    await rig.database.query('alter table public.clients add column hardening_probe text')
    const statuses: number[] = []
    for (let i = 0; i < 40; i++) statuses.push((await call()).status)
    expect(new Set(statuses).difference(new Set([200, 503]))).toEqual(new Set())
    expect(new Set(statuses.slice(-10))).toEqual(new Set([200]))
  })
})

describe('an idempotency key', () => {
  it('is not taken over from a call that ties it to its row at that very moment', async () => {
    const headers = key()
    const mine = headers['idempotency-key']
    await rig.database.query(
      `insert into idempotency_keys (org_id, user_id, method, path, key, body_hash, holder, free_at)
       values ($1, $2, 'POST', '/api/clients/create', $3, '\\x00', gen_random_uuid(), now() - interval '1 second')`,
      [org.id, org.adminId, mine],
    )
    const tie = `update idempotency_keys set resource_id = gen_random_uuid() where key = '${mine}'`
    const answer = await holding(tie, async (db) => {
      const call = org.api.post('/api/clients/create', { name: 'twice' }, headers)
      await blocked()
      await db.query('commit')
      return call
    })
    expect(answer.status, answer.text).toBe(409)
    const made = await org.api.post<{ items: unknown[] }>('/api/clients/list', { query: 'twice' })
    expect(made.body.items).toEqual([])
  })

  it('answers the first answer again, whatever became of the resource', async () => {
    const headers = key()
    const body = { name: 'first name' }
    const first = await org.api.post<{ id: string }>('/api/clients/create', body, headers)
    await org.api.post('/api/clients/update', { client_id: first.body.id, name: 'second name' })
    const again = await org.api.post('/api/clients/create', body, headers)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body).toEqual(first.body)
  })

  it('says again when to repeat the call, if the first answer did', async () => {
    const client = await org.client()
    const [push] = await rig.database.query<{ id: string }>(
      `insert into crm_push_logs (id, org_id, client_id, kind, status, accepted_at)
       values (gen_random_uuid(), $1, $2, 'records', 'in_progress', now()) returning id`,
      [org.id, client.id],
    )
    const headers = key()
    const retry = () => org.api.post('/api/push/retry', { push_id: push?.id }, headers)
    const [first, again] = [await retry(), await retry()]
    expect([first.status, first.body.code]).toEqual([409, 'push_in_progress'])
    expect(first.headers.get('retry-after')).toBe(String(first.body.retry_after))
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.headers.get('retry-after')).toBe(first.headers.get('retry-after'))
    expect(again.body).toEqual(first.body)
  })

  it('answers what was created when the process died before it could answer', async () => {
    const client = await org.client()
    const other = await rig.org()
    for (const [api, path, body] of [
      [org.api, '/api/clients/create', { name: 'cut off' }],
      [org.api, '/api/tokens/create', { name: 'cut off' }],
      [
        org.api,
        '/api/users/create',
        {
          email: `${randomUUID()}@x.example`,
          password: PASSWORD,
          role: 'company_member',
          client_id: client.id,
        },
      ],
      [
        rig.superAdmin,
        '/api/super-admin/users',
        {
          org_id: other.id,
          email: `${randomUUID()}@x.example`,
          password: PASSWORD,
          role: 'org_admin',
        },
      ],
      [rig.superAdmin, '/api/super-admin/orgs', { name: 'cut off' }],
    ] as const) {
      const headers = key()
      const first = await api.post<{ id: string; token?: string }>(path, body, headers)
      expect(first.status, first.text).toBe(201)
      for (const table of ['public.idempotency_keys', 'engine.super_admin_idempotency_keys']) {
        await rig.database.query(
          `update ${table} set response_status = null, response_body = null where key = $1`,
          [headers['idempotency-key']],
        )
      }
      const again = await api.post<{ id: string }>(path, body, headers)
      expect([again.status, again.body.id], `${path}: ${again.text}`).toEqual([201, first.body.id])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
    }
  })

  it('sent twice in one request is refused', async () => {
    const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const call = httpRequest(
        new URL('/api/clients/create', url()),
        {
          method: 'POST',
          headers: {
            authorization: `Bearer ${org.token}`,
            'content-type': 'application/json',
            'idempotency-key': ['a', 'b'],
          },
        },
        (response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => (text += chunk.toString()))
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        },
      )
      call.on('error', reject)
      call.end('{"name":"x"}')
    })
    expect(answer.status, answer.text).toBe(422)
  })
})

describe('login', () => {
  it('holds the limit of an account and address against guesses sent all at once', async () => {
    const user = await org.user('org_admin')
    const answers = await Promise.all(
      Array.from({ length: 14 }, (_, i) => login(user.email, `guess number ${i}`)),
    )
    const tried = answers.filter((answer) => answer.status === 401)
    expect(tried.length).toBeLessThanOrEqual(5)
    for (const answer of answers) expect([401, 429]).toContain(answer.status)
  })

  it('counts an IPv6 network as one place: whoever has one address of it has all', async () => {
    const user = await org.user('org_admin')
    const from = async (address: string) =>
      (
        await proxied.post(
          '/api/auth/login',
          { email: user.email, password: 'guess guess guess' },
          { 'x-forwarded-for': address },
        )
      ).status
    for (const host of ['::1', ':0:0:0:2', '::3', ':ffff::', '::5']) {
      expect(await from(`2001:db8:0:7${host}`), host).toBe(401)
    }
    expect(await from('2001:0db8::7:a:b:c:d')).toBe(429)
    expect(await from('2001:db8:0:8::1')).toBe(401)
  })

  it('from where the account has logged in before goes ahead of guesses from everywhere, whose line is bounded', async () => {
    const user = await org.user('org_admin')
    const log = (email: string, password: string, address: string, name: string = randomUUID()) =>
      proxied.post(
        '/api/auth/login',
        { email, password },
        { 'x-forwarded-for': address, 'x-request-id': name },
      )
    expect((await log(user.email, user.password, '203.0.113.77')).status).toBe(200)
    let isOver = 0
    // The queue is full, and the others were refused: noticed by the answer itself, since a look may come too late.
    const some = Promise.withResolvers<void>()
    const guesses = Array.from({ length: 120 }, async (_, at) => {
      const answer = await log(
        `nobody${at}@y.example`,
        'guess guess guess',
        `2001:db8:${at + 1}::1`,
        `guess-${at}`,
      )
      isOver++
      if (isOver > 75) some.resolve()
      return answer
    })
    await some.promise
    const mine = await log(user.email, user.password, '203.0.113.77', 'mine')
    expect(mine.status).toBe(200)
    const answers = await Promise.all(guesses)
    // In the order of the server: this process may see them all at once.
    const lines = (await logOf([proxy])).split('\n')
    const [own = -1, guess = -1] = ['"mine"', '"guess-'].map((name) =>
      lines.findLastIndex((line) => line.includes(name)),
    )
    expect(own).toBeGreaterThan(-1)
    expect(guess).toBeGreaterThan(own)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 503]))
    for (const { status, headers } of answers) {
      if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
  })

  it('takes a password however its accents are written', async () => {
    const composed = 'caf\u00e9 cr\u00e8me br\u00fbl\u00e9e'
    const user = await org.user('org_admin')
    await org.api.post('/api/users/update', { user_id: user.id, password: composed })
    expect((await login(user.email, composed.normalize('NFD'))).status).toBe(200)
  })

  it('lets many right logins of one account through at once', async () => {
    const user = await org.user('org_admin')
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => login(user.email, user.password)),
    )
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
  })

  it('gives no session for a password that was replaced while it was being compared', async () => {
    const user = await org.user('org_admin')
    // Writes of the login counters wait: the password has been compared, but the session does not exist
    // yet.
    const answer = await holding('lock table engine.login_failures in share mode', async (db) => {
      const call = login(user.email, user.password)
      await blocked()
      const reset = await org.api.post('/api/users/update', {
        user_id: user.id,
        password: `${PASSWORD} replaced`,
      })
      expect(reset.status).toBe(200)
      await db.query('commit')
      return call
    })
    const token = answer.body.access_token
    expect(token === undefined ? 401 : await me(rig.api.as(token))).toBe(401)
  })

  it('compares the whole password, also past the bytes that bcrypt reads', async () => {
    const password = 'x'.repeat(72)
    const email = `long-${randomUUID()}@agency.example`
    await org.api.post('/api/users/create', { email, password, role: 'org_admin' })
    expect((await login(email, `${password}!`)).status).toBe(401)
    expect((await login(email, password)).status).toBe(200)
  })
})

describe('every 401', () => {
  it('names the scheme, at login and metrics too', async () => {
    for (const answer of [
      await login('nobody@agency.example', PASSWORD),
      await proxied.get('/metrics'),
    ]) {
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    }
  })
})

describe('text that PostgreSQL cannot hold', () => {
  const cases: [string, string, string, number][] = [
    [
      'half a surrogate pair in free-form data',
      '/api/clients/create',
      '{"name":"x","metadata":{"a":"\\ud800"}}',
      422,
    ],
    [
      'half a surrogate pair as a name in it',
      '/api/clients/create',
      '{"name":"x","metadata":{"\\udc00":1}}',
      422,
    ],
    ['half a surrogate pair in a line', '/api/clients/create', '{"name":"\\ud83d"}', 422],
    ['a number past all bounds', '/api/clients/create', '{"name":"x","metadata":{"a":1e999}}', 422],
    [
      'the six characters \\u0000',
      '/api/clients/create',
      '{"name":"x","metadata":{"a":"\\\\u0000"}}',
      201,
    ],
    ['the year 0', '/api/audit/list', '{"since":"0000-01-01T00:00:00Z"}', 200],
    [
      'half a surrogate pair in a password',
      '/api/users/create',
      '{"email":"s@x.example","role":"org_admin","password":"long enough \\ud800 password"}',
      422,
    ],
  ]
  for (const [name, path, body, status] of cases) {
    it(`${name} is ${status}, never a 500`, async () => {
      const answer = await org.api.raw(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      expect(answer.status, answer.text).toBe(status)
    })
  }
})

describe('on the wire', () => {
  /** Sends bytes and returns what came before the connection was closed. */
  const exchange = (head: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(url().port), url().hostname, () => socket.write(head))
      let seen = ''
      socket.on('data', (chunk) => (seen += chunk.toString()))
      socket.on('close', () => resolve(seen))
      socket.on('error', reject)
    })

  it('a head too large is a 431 in line and body, with a request id', async () => {
    const text = await exchange(
      `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 431 /)
    const problem = JSON.parse(text.slice(text.indexOf('{'))) as Record<string, unknown>
    expect(problem).toMatchObject({ status: 431, code: 'bad_request' })
    expect(text.toLowerCase()).toContain(`x-request-id: ${String(problem.request_id)}`)
  })

  it('an unknown expectation and an unusable path are problems with a request id', async () => {
    for (const head of [
      'GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      'GET /nowhere HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\nconnection: close\r\n\r\n',
      'PROPFIND / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    ]) {
      const text = await exchange(head)
      expect(text, head).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(text, head).toContain('application/problem+json')
      expect(text.toLowerCase(), head).toContain('x-request-id: ')
    }
  })

  it('a client that goes away after a 413 takes nothing with it', async () => {
    const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024))
    for (const tail of [Buffer.alloc(0), Buffer.from('no gzip at all')]) {
      const socket = connect(Number(url().port), url().hostname)
      socket.on('error', () => undefined)
      socket.write(
        `POST /api/clients/create HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${org.token}\r\n` +
          `content-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 100000\r\n\r\n`,
      )
      socket.write(Buffer.concat([bomb, tail]))
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
      socket.resetAndDestroy()
      expect((await org.api.get('/health')).status).toBe(200)
    }
    for (let i = 0; i < 5; i++) expect(await me(org.api)).toBe(200)
  })

  it('of a refused body the rest is read within bounds: 64 MB, and ten seconds', async () => {
    const refused = async () => {
      const socket = connect(Number(url().port), url().hostname)
      socket.on('error', () => undefined) // the server hangs up
      socket.write(
        `POST /api/clients/create HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${org.token}\r\n` +
          `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
      )
      socket.write(CHUNK)
      socket.write(CHUNK)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
      return socket
    }
    const idle = await refused()
    const begun = performance.now()
    const busy = await refused()
    while (!busy.destroyed) await new Promise((resolve) => busy.write(CHUNK, resolve))
    expect(busy.bytesWritten).toBeGreaterThan(60 * MEGABYTE)
    // What the two systems hold between them comes on top.
    expect(busy.bytesWritten).toBeLessThan(96 * MEGABYTE)
    await until('the idle one is ended', () => idle.destroyed)
    expect(performance.now() - begun).toBeGreaterThan(9_000)
    expect(await me(org.api)).toBe(200)
  })

  it('large bodies beyond what memory allows at once are 503 before they are read, and taken later', async () => {
    const begin = () => {
      const socket = connect(Number(url().port), url().hostname)
      socket.on('error', () => undefined)
      socket.write(
        `POST /api/push/records HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${org.token}\r\n` +
          `content-type: application/json\r\ncontent-length: ${16 * 1024 * 1024}\r\n\r\n`,
      )
      return socket
    }
    const sockets: Socket[] = []
    const refusal = await until('one is refused', async () => {
      const socket = begin()
      sockets.push(socket)
      const answer = await Promise.race([
        once(socket, 'data').then(([bytes]: unknown[]) => String(bytes)),
        me(org.api).then(() => null), // everything before it has been processed
      ])
      return answer
    })
    expect(refusal).toMatch(/^HTTP\/1\.1 503 /)
    expect(refusal.toLowerCase()).toContain('retry-after: 2')
    expect(sockets.length).toBeGreaterThan(3)
    for (const socket of sockets) socket.destroy()
    await until('there is room again', async () => {
      const body = {
        client_id: randomUUID(),
        object: 'lead',
        records: Array(3).fill({ a: 'x'.repeat(700_000) }),
      }
      return (await org.api.post('/api/push/records', body)).status !== 503
    })
  })

  it('bodies of nothing but faults are refused by the first of them, and cost nobody anything', async () => {
    const post = (path: string, body: string) =>
      fetch(new URL(path, url()), {
        method: 'POST',
        headers: {
          authorization: `Bearer ${org.token}`,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
        body: new Uint8Array(gzipSync(body)),
      })
    const id = randomUUID()
    const rows = (member: string, row: string, count: number) =>
      `{"client_id":"${id}",${member === 'links' ? '' : '"object":"lead",'}"${member}":[` +
      `${`${row},`.repeat(count - 1)}${row}]}`
    for (const [path, member] of [
      ['/api/push/records', 'records'],
      ['/api/push/status-update', 'updates'],
      ['/api/push/link', 'links'],
    ] as const) {
      const many = await post(path, rows(member, '1', 500_000))
      expect(many.status).toBe(413)
      expect(await many.text()).toContain('application/x-ndjson')
      const wrong = await post(path, rows(member, '1', 50_000))
      expect(wrong.status).toBe(422)
      const { errors } = (await wrong.json()) as { errors: { path: string }[] }
      expect(errors).toHaveLength(50)
      expect(errors[0]?.path).toBe(`${member}.0`)
    }
    const late = await post(
      '/api/push/records',
      rows('records', '{}', 1_200).replace(/\{\}\]/, '7]'),
    )
    expect(((await late.json()) as { errors: { path: string }[] }).errors).toMatchObject([
      { path: 'records.1199' },
    ])
    const members = Array.from({ length: 400_000 }, (_, n) => `"m${n}":1`).join(',')
    const plan = await post('/api/conflicts/check', `{"client_id":"${id}","plan":{${members}}}`)
    expect(plan.status).toBe(413)
  })

  it('a gzip bomb is not inflated further than the limit', async () => {
    const cpu = async () =>
      Number(
        /^process_cpu_seconds_total (\S+)/m.exec((await org.api.get('/metrics')).text)?.[1] ?? NaN,
      )
    const member = gzipSync(Buffer.alloc(64 * 1024 * 1024)) // 64 KiB that become 64 MiB
    const rest = Buffer.concat(Array.from({ length: 63 }, () => member))
    const before = await cpu()
    // An anonymous client that keeps sending after the refusal.
    const socket = connect(Number(url().port), url().hostname)
    socket.on('error', () => undefined) // the server hangs up
    socket.write(
      `POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
        `content-encoding: gzip\r\ncontent-length: ${member.length + rest.length + 1}\r\n\r\n`,
    )
    socket.write(member)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
    await new Promise((resolve) => socket.write(rest, resolve))
    socket.destroy()
    expect((await cpu()) - before).toBeLessThan(1)
  })
})

describe('SIGTERM', () => {
  it('does not wait for callers that wait for long work: they get the running state', async () => {
    await using world = await startRig({
      simulator: {
        orgs: [{ name: 'Acme', edition: 'Unlimited', seed: { objects: 500, fields: 2000 } }],
        latency: { callMs: 3_000, describeMs: 200 },
      },
    })
    const agency = await world.org()
    const client = await agency.client()
    await client.connect('Acme')
    const call = agency.api.post('/api/topology/pull', { client_id: client.id, wait_seconds: 55 })
    await until('the pull began', async () => {
      const rows = await world.database.query('select id from crm_topology_snapshots')
      return rows.length > 0
    })
    const started = performance.now()
    const [code, answer] = await Promise.all([world.servers[0]?.terminate(), call])
    expect([answer.status, answer.body.status]).toEqual([202, 'pulling'])
    expect(code).toBe(0)
    expect(performance.now() - started).toBeLessThan(15_000)
  })
})
