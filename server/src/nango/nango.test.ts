import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { Secret } from '../secret.ts'
import { salesforceId } from './connection.ts'
import { NangoError } from './failure.ts'
import { createNango, type Nango } from './nango.ts'

const KEY = '7d9b6f3e-3c52-4c07-9d7b-0b8a0a0f5a11'
const ID = '2fe4fa02-7fff-4429-b81d-dbcde17e51d4'
const TOKEN = '00DWs000001AbCd!AQ4AQ_fake_access_1_EsET6pbYbthMDrzI'

interface Canned {
  status: number
  body?: unknown
  text?: string
  headers?: Record<string, string>
  /** Closes the connection instead of answering. */
  hangUp?: boolean
  /** Never answers. */
  silent?: boolean
}

interface Seen {
  method: string
  url: URL
  authorization: string | undefined
  body: unknown
}

const running: { nango: Nango; server: Server }[] = []

afterEach(async () => {
  for (const { nango, server } of running.splice(0)) {
    server.closeAllConnections()
    server.close()
    await nango.close()
  }
})

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? null : JSON.parse(text)
}

/** A server that returns these answers in turn (the last one for ever), and a client of it. */
const against = async (...answers: Canned[]) => {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push({
        method: request.method ?? '',
        url: new URL(request.url ?? '', 'http://nango'),
        authorization: request.headers.authorization,
        body,
      })
      const answer = answers[Math.min(seen.length, answers.length) - 1]
      if (answer === undefined || answer.silent === true) return
      if (answer.hangUp === true) return request.socket.destroy()
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(answer.text ?? JSON.stringify(answer.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const waits: number[] = []
  const calls: unknown[] = []
  const nango = createNango({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secretKey: new Secret(KEY),
    timeouts: { connectMs: 500, answerMs: 500 },
    wait: async (ms) => {
      waits.push(ms)
    },
    onCall: (call) => calls.push(call),
  })
  running.push({ nango, server })
  return { nango, seen, waits, calls }
}

const connection = (over: Record<string, unknown> = {}) => ({
  id: 1,
  connection_id: ID,
  provider_config_key: 'salesforce',
  provider: 'salesforce',
  errors: [],
  end_user: null,
  tags: { client_id: 'c', organization_id: 'o', attempt_id: 'a' },
  metadata: null,
  connection_config: { instance_url: 'https://stale.my.salesforce.com' },
  credentials: {
    type: 'OAUTH2',
    access_token: TOKEN,
    raw: {
      access_token: TOKEN,
      scope: 'refresh_token api id',
      instance_url: 'https://acme.my.salesforce.com',
      id: 'https://login.salesforce.com/id/00DWs000001AbCdMAK/005Ws000001XyZaIAK',
      token_type: 'Bearer',
    },
  },
  a_key_of_a_later_version: { x: 1 },
  ...over,
})

const refused = (status: number, code: string, message?: string, payload?: unknown): Canned => ({
  status,
  body: {
    error: {
      code,
      ...(message === undefined ? {} : { message }),
      ...(payload === undefined ? {} : { payload }),
    },
  },
})

const failureOf = async (work: Promise<unknown>): Promise<NangoError> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(NangoError)
  return error as NangoError
}

const name = { id: ID, providerConfigKey: 'salesforce' }

describe('reading a connection', () => {
  it('prefers the last token answer to what the browser may have written', async () => {
    const { nango, seen } = await against({ status: 200, body: connection() })
    const answer = await nango.getConnection({ ...name, refreshToken: true })
    expect(answer.tags).toEqual({ client_id: 'c', organization_id: 'o', attempt_id: 'a' })
    expect(answer.grant).toMatchObject({
      instanceUrl: 'https://acme.my.salesforce.com',
      sfdcOrgId: '00DWs000001AbCdMAK',
      sfdcUserId: '005Ws000001XyZaIAK',
      scopes: ['refresh_token', 'api', 'id'],
      refreshToken: null,
    })
    expect(answer.grant?.accessToken.reveal()).toBe(TOKEN)
    expect(inspect(answer)).not.toContain(TOKEN)
    expect(seen[0]?.url.pathname).toBe(`/connections/${ID}`)
    expect(Object.fromEntries(seen[0]?.url.searchParams ?? [])).toEqual({
      provider_config_key: 'salesforce',
      refresh_token: 'true',
    })
    expect(seen[0]?.authorization).toBe(`Bearer ${KEY}`)
  })

  it('has no grant when the key may not read credentials', async () => {
    const { nango } = await against({ status: 200, body: connection({ credentials: {} }) })
    expect((await nango.getConnection(name)).grant).toBeNull()
  })

  it('survives members that are not what they should be', async () => {
    const { nango } = await against({
      status: 200,
      body: connection({
        tags: null,
        connection_config: 7,
        credentials: { access_token: TOKEN, raw: { id: 'not a url', scope: 3 } },
      }),
    })
    const answer = await nango.getConnection(name)
    expect(answer.tags).toEqual({})
    expect(answer.grant).toMatchObject({ instanceUrl: null, sfdcOrgId: null, scopes: null })
  })

  it('refuses an answer about another connection', async () => {
    const other = connection({ connection_id: '11111111-1111-4111-8111-111111111111' })
    const { nango } = await against({ status: 200, body: other })
    expect((await failureOf(nango.getConnection(name))).kind).toBe('unavailable')
  })

  it('puts nothing but a UUID into a path', async () => {
    const { nango, seen } = await against({ status: 200, body: connection() })
    for (const id of ['../environment', `${ID}/x`, '%2e%2e', '']) {
      expect((await failureOf(nango.getConnection({ ...name, id }))).kind).toBe('gone')
    }
    expect(seen).toEqual([])
  })
})

describe('a refusal means', () => {
  it.each<[string, Canned, string]>([
    ['gone', refused(404, 'not_found', 'Failed to find connection'), 'not_found'],
    [
      'refresh_refused',
      refused(400, 'invalid_credentials', 'The external API returned an error', {
        connection: connection({ credentials: {} }),
      }),
      'invalid_credentials',
    ],
    [
      'refresh_backoff',
      refused(
        424,
        'invalid_credentials',
        'A recent refresh attempt failed. Backing off before retrying.',
      ),
      'invalid_credentials',
    ],
    [
      'refresh_exhausted',
      refused(
        424,
        'invalid_credentials',
        'The refresh limit has been reached for this connection.',
      ),
      'invalid_credentials',
    ],
    ['no_scope', refused(403, 'forbidden', 'Insufficient scope. Required: x'), 'forbidden'],
    ['misconfigured', refused(401, 'unknown_account', 'no'), 'unknown_account'],
    [
      'misconfigured',
      refused(400, 'unknown_provider_config', 'Provider does not exists'),
      'unknown_provider_config',
    ],
    ['misconfigured', { status: 404, text: '<html>not here</html>' }, 'HTTP_404'],
    ['misconfigured', refused(404, 'not_found', 'GET /nango/x does not exist'), 'not_found'],
    [
      'misconfigured',
      { status: 302, body: {}, headers: { location: 'https://evil.example/' } },
      'HTTP_302',
    ],
    [
      'rate_limited',
      { ...refused(429, 'too_many_request'), headers: { 'retry-after': '8' } },
      'too_many_request',
    ],
    ['unavailable', refused(500, 'server_error', 'oops'), 'server_error'],
    ['unavailable', { status: 200, text: 'not json' }, 'unreadable_answer'],
    ['unavailable', { status: 200, hangUp: true }, 'UND_ERR_SOCKET'],
    ['unavailable', { status: 200, silent: true }, 'timeout'],
  ])('%s (%#)', async (kind, answer, code) => {
    const { nango } = await against(answer)
    const error = await failureOf(nango.getConnection(name))
    expect(error.kind).toBe(kind)
    expect(error.code).toBe('nango_error')
    expect(error.upstream).toMatchObject({ service: 'nango', code })
  })

  it('returns the tags even without credentials', async () => {
    const { nango } = await against(
      refused(400, 'invalid_credentials', 'x', { connection: connection({ credentials: {} }) }),
    )
    expect((await failureOf(nango.getConnection(name))).tags).toMatchObject({ attempt_id: 'a' })
  })

  it('never carries the key or a token', async () => {
    const leaky = refused(500, 'server_error', `failed with Bearer ${KEY} and ${TOKEN}`)
    for (const answer of [leaky, { status: 200, hangUp: true }]) {
      const { nango } = await against(answer)
      const error = await failureOf(nango.getConnection(name))
      const shown = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error.upstream)
      expect(shown).not.toContain(KEY)
      expect(shown).not.toContain(TOKEN)
    }
  })
})

describe('a repetition', () => {
  const ok: Canned = { status: 200, body: connection() }

  it('is made for reads that met a passing fault', async () => {
    const { nango, seen, waits } = await against(
      { status: 200, hangUp: true },
      refused(503, 'x'),
      ok,
    )
    await nango.getConnection(name)
    expect(seen).toHaveLength(3)
    expect(waits).toHaveLength(2)
  })

  it('waits as long as a 429 asks, if that is short, and else leaves it to the caller', async () => {
    const short = await against(
      { ...refused(429, 'too_many_request'), headers: { 'retry-after': '2' } },
      ok,
    )
    await short.nango.getConnection(name)
    expect(short.waits[0]).toBeGreaterThanOrEqual(2000)
    const long = await against(
      { ...refused(429, 'too_many_request'), headers: { 'retry-after': '40' } },
      ok,
    )
    expect((await failureOf(long.nango.getConnection(name))).retryAfterSeconds).toBe(40)
    expect(long.seen).toHaveLength(1)
  })

  it('is never made of a forced refresh, a session or a deletion', async () => {
    const { nango, seen } = await against(refused(503, 'x'))
    await failureOf(nango.getConnection({ ...name, forceRefresh: true }))
    await failureOf(nango.deleteConnection(name))
    await failureOf(
      nango.createConnectSession({
        providerConfigKey: 'salesforce',
        tags: {},
        connectionConfig: {},
      }),
    )
    expect(seen).toHaveLength(3)
  })
})

describe('the other calls', () => {
  it('pin host and tags in a session', async () => {
    const { nango, seen } = await against({
      status: 201,
      body: {
        data: {
          token: 'nango_connect_session_ab',
          connect_link: 'https://connect.nango.dev/?session_token=nango_connect_session_ab',
          expires_at: '2026-11-22T21:04:32.696Z',
        },
      },
    })
    const session = await nango.createConnectSession({
      providerConfigKey: 'salesforce',
      tags: { attempt_id: 'a' },
      connectionConfig: { hostname: 'login.salesforce.com', instance_url: '' },
    })
    expect(session.expiresAt.toISOString()).toBe('2026-11-22T21:04:32.696Z')
    expect(JSON.stringify(session)).not.toContain('nango_connect_session_ab')
    expect(seen[0]?.body).toEqual({
      tags: { attempt_id: 'a' },
      allowed_integrations: ['salesforce'],
      integrations_config_defaults: {
        salesforce: { connection_config: { hostname: 'login.salesforce.com', instance_url: '' } },
      },
    })
  })

  it('list by tags, leaving out what cannot be read', async () => {
    const { nango, seen } = await against({
      status: 200,
      body: {
        connections: [
          {
            connection_id: ID,
            provider_config_key: 'salesforce',
            tags: { a: 'b' },
            created: '2026-11-22T20:34:33+00:00',
          },
          { nonsense: true },
        ],
      },
    })
    const listed = await nango.listConnections({
      providerConfigKey: 'salesforce',
      tags: { a: 'b' },
    })
    expect(listed).toEqual([
      {
        id: ID,
        providerConfigKey: 'salesforce',
        tags: { a: 'b' },
        createdAt: '2026-11-22T20:34:33+00:00',
      },
    ])
    expect(seen[0]?.url.searchParams.get('tags[a]')).toBe('b')
    expect(seen[0]?.url.searchParams.get('integrationId')).toBe('salesforce')
  })

  it('take an unknown connection for deleted, and nothing else', async () => {
    const gone = await against({ status: 400, body: { error: { code: 'unknown_connection' } } })
    expect(await gone.nango.deleteConnection(name)).toBe('already_gone')
    const wrong = await against(refused(400, 'unknown_provider_config', 'x'))
    expect((await failureOf(wrong.nango.deleteConnection(name))).kind).toBe('misconfigured')
    const done = await against({ status: 200, body: { success: true } })
    expect(await done.nango.deleteConnection(name)).toBe('deleted')
    expect(done.calls).toMatchObject([{ operation: 'delete_connection', status: 200 }])
  })
})

describe('a Salesforce id', () => {
  it('is given its checksum and checked for its prefix', () => {
    expect(salesforceId('00DWs000001AbCd', '00D')).toBe('00DWs000001AbCdMAK')
    expect(salesforceId('00DWs000001AbCdMAK', '00D')).toBe('00DWs000001AbCdMAK')
    expect(salesforceId('005Ws000001XyZa', '00D')).toBeNull()
    expect(salesforceId('00D', '00D')).toBeNull()
    expect(salesforceId(undefined, '00D')).toBeNull()
  })
})
