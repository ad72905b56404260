// Connect sessions and API keys, compared with answers recorded from Nango 0.71.
import { describe, expect, it } from 'vitest'
import { masked, READ_ONLY_KEY, tokenOf, until, useRig } from './testing/rig.ts'

const rig = useRig()

const invalidBody = (...errors: object[]) => ({ error: { code: 'invalid_body', errors } })

describe('POST /connect/sessions', () => {
  it('answers 201 with token, link and an end in 30 minutes', async () => {
    const answer = await rig.api('POST', '/connect/sessions', {
      tags: { organization_id: 'org_1', client_id: 'cli_1', attempt_id: 'att_1' },
      allowed_integrations: ['salesforce'],
    })
    expect(answer.status).toBe(201)
    const token = tokenOf(answer)
    const data = answer.body.data as { connect_link: string; expires_at: string }
    expect(masked(answer.body)).toEqual({
      data: {
        token: '<session token>',
        connect_link: `${rig.nango.url}/connect?session_token=${token}`,
        expires_at: '<timeZ>',
      },
    })
    expect(Date.parse(data.expires_at) - Date.now()).toBeGreaterThan(29 * 60_000)
    expect(Date.parse(data.expires_at) - Date.now()).toBeLessThanOrEqual(30 * 60_000)
  })

  it.each([
    [
      'neither tags nor end_user',
      {},
      {
        code: 'invalid_type',
        message: 'Invalid input: expected object, received undefined',
        path: ['end_user'],
      },
    ],
    [
      'an unknown field',
      { tags: { a: 'b' }, foo: 1 },
      { code: 'unrecognized_keys', message: 'Unrecognized key: "foo"', path: [] },
    ],
    [
      'an unknown integration',
      { tags: { client_id: 'c1' }, allowed_integrations: ['nope'] },
      {
        code: 'custom',
        message: 'Integration does not exist',
        path: ['allowed_integrations', '0'],
      },
    ],
    [
      'a tag key with a space',
      { tags: { 'Bad Key!': 'x' } },
      { code: 'invalid_key', message: 'Invalid key in record', path: ['tags', 'Bad Key!'] },
    ],
    [
      'eleven tags',
      { tags: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${i}`, 'v'])) },
      { code: 'custom', message: 'Tags cannot contain more than 10 keys', path: ['tags'] },
    ],
    [
      'a tag value of 256 characters',
      { tags: { a: 'v'.repeat(256) } },
      {
        code: 'too_big',
        message: 'Tag values must be at most 255 characters',
        path: ['tags', 'a'],
      },
    ],
  ])('refuses %s with 400 invalid_body', async (_name, body, issue) => {
    const answer = await rig.api('POST', '/connect/sessions', body)
    expect(answer.status).toBe(400)
    expect(answer.body).toEqual(invalidBody(issue))
  })

  it('lower-cases tag keys and keeps the case of values', async () => {
    const id = await rig.connect({ tags: { Client_ID: 'AbC' } })
    const { body } = await rig.fetchConnection(id)
    expect(body.tags).toEqual({ client_id: 'AbC' })
  })

  it('refuses malformed JSON before it looks at the key', async () => {
    const answer = await rig.api('POST', '/connect/sessions', '{bad', null)
    expect(answer.status).toBe(400)
    expect(answer.body).toEqual({
      error: {
        code: 'invalid_json',
        message: "Expected property name or '}' in JSON at position 1 (line 1 column 2)",
      },
    })
  })
})

describe('GET /connect/session', () => {
  const asSession = (token: string, method = 'GET') =>
    rig.api(method, '/connect/session', undefined, token)

  it('shows what Connect UI needs, before and after a dance', async () => {
    const token = await rig.session({ allowed_integrations: ['salesforce'] })
    const theme = { primary: '#00B2E3' }
    const expected = {
      data: {
        endUser: null,
        connectUISettings: {
          showWatermark: true,
          defaultTheme: 'system',
          theme: { light: theme, dark: theme },
        },
        allowed_integrations: ['salesforce'],
        websocketsPath: '/',
      },
    }
    expect((await asSession(token)).body).toEqual(expected)
    await rig.dance(token)
    expect((await asSession(token)).body).toEqual(expected)
  })

  it('says isReconnecting for a reconnect session', async () => {
    const id = await rig.connect()
    const answer = await rig.api('POST', '/connect/sessions/reconnect', {
      connection_id: id,
      integration_id: 'salesforce',
    })
    expect(answer.status).toBe(201)
    const { body } = await asSession(tokenOf(answer))
    expect(body.data).toMatchObject({ isReconnecting: true, allowed_integrations: ['salesforce'] })
  })

  it('forgets a session that was deleted, that expired by the clock, or that a test expired', async () => {
    const unknown = {
      error: {
        message:
          'Authentication failed. The provided connect session token does not match any account.',
        code: 'unknown_connect_session_token',
        payload: {},
      },
    }
    const deleted = await rig.session()
    expect((await asSession(deleted, 'DELETE')).status).toBe(204)
    expect(await asSession(deleted)).toMatchObject({ status: 401, body: unknown })

    const ended = await rig.session()
    await rig.control.expireSessions(ended)
    expect(await asSession(ended)).toMatchObject({ status: 401, body: unknown })

    const aged = await rig.session()
    await rig.control.advanceClock(29 * 60_000)
    expect((await asSession(aged)).status).toBe(200)
    await rig.control.advanceClock(61_000)
    expect(await asSession(aged)).toMatchObject({ status: 401, body: unknown })
  })
})

describe('API keys', () => {
  const path = '/connections/11111111-1111-4111-8111-111111111111?provider_config_key=salesforce'

  it.each([
    [null, 'missing_auth_header', 'The request is missing the Authorization header.'],
    ['not-a-uuid', 'invalid_secret_key_format', 'The provided secret key is not a UUID v4.'],
    [
      '00000000-0000-4000-8000-000000000000',
      'unknown_account',
      'The provided authorization header does not match any account.',
    ],
  ])('answers 401 to key %s', async (key, code, reason) => {
    const answer = await rig.api('GET', path, undefined, key)
    expect(answer.status).toBe(401)
    expect(answer.body).toEqual({
      error: { message: `Authentication failed. ${reason}`, code, payload: {} },
    })
    expect(answer.headers.get('x-ratelimit-limit')).toBeNull()
  })

  it('gives a read-only key the connection with empty credentials, and asks Salesforce nothing', async () => {
    const id = await rig.connect()
    rig.salesforce.calls = []
    const url = `/connections/${id}?provider_config_key=salesforce`
    const answer = await rig.api('GET', url, undefined, READ_ONLY_KEY)
    expect(answer.status).toBe(200)
    expect(answer.body.credentials).toEqual({})
    expect(rig.salesforce.calls).toEqual([])
  })

  it.each([
    [
      'GET',
      '&force_refresh=true',
      'Credential and refresh options require the environment:connections:read_credentials scope',
    ],
    ['DELETE', '', 'Insufficient scope. Required: environment:connections:delete'],
  ])('refuses a read-only key %s%s with 403', async (method, query, message) => {
    const answer = await rig.api(method, `${path}${query}`, undefined, READ_ONLY_KEY)
    expect(answer.status).toBe(403)
    expect(answer.body).toEqual({ error: { code: 'forbidden', message } })
  })

  it('refuses a read-only key a Connect session', async () => {
    const answer = await rig.api('POST', '/connect/sessions', { tags: { a: 'b' } }, READ_ONLY_KEY)
    expect(answer).toMatchObject({
      status: 403,
      body: {
        error: { message: 'Insufficient scope. Required: environment:connect_sessions:write' },
      },
    })
  })
})

describe('rate limit', () => {
  const path = '/connections/11111111-1111-4111-8111-111111111111'
  const call = () => rig.api('GET', `${path}?provider_config_key=salesforce`)

  it('counts down in the headers', async () => {
    const first = await call()
    const second = await call()
    expect(first.headers.get('x-ratelimit-limit')).toBe('200')
    expect(first.headers.get('x-ratelimit-remaining')).toBe('199')
    expect(second.headers.get('x-ratelimit-remaining')).toBe('198')
    expect(second.headers.get('x-ratelimit-reset')).toBe(first.headers.get('x-ratelimit-reset'))
  })

  it('answers a 429 fault in the recorded shape, then works again', async () => {
    await rig.control.addFault({
      path: '/connections/*',
      times: 1,
      status: 429,
      retry_after_seconds: 8,
    })
    const refused = await call()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('8')
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
    expect(refused.body).toEqual({ error: { code: 'too_many_request', method: 'GET', path } })
    expect((await call()).status).toBe(404)
  })

  it('refuses for real once a limit is set, until the window ends', async () => {
    await rig.control.configure({ rate_limit_per_minute: 2 })
    const statuses = [await call(), await call(), await call()].map(({ status }) => status)
    expect(statuses).toEqual([404, 404, 429])
    await rig.control.advanceClock(60_000)
    expect((await call()).status).toBe(404)
    await rig.control.configure({ rate_limit_per_minute: null })
  })
})

describe('faults', () => {
  it('cuts the connection before the work, or after it', async () => {
    const id = await rig.connect()
    const path = `/connections/${id}`
    const remove = () => rig.api('DELETE', `${path}?provider_config_key=salesforce`)
    await rig.control.addFault({ path, method: 'DELETE', times: 1, close: 'before' })
    await expect(remove()).rejects.toThrow()
    expect((await rig.control.connections())[0]?.deleted_at).toBeNull()
    await rig.control.addFault({ path, method: 'DELETE', times: 1, close: 'after' })
    await expect(remove()).rejects.toThrow()
    await until(async () => (await rig.control.connections())[0]?.deleted_at !== null)
    expect((await remove()).status).toBe(400)
  })

  it('answers with a given status and body, after a delay', async () => {
    await rig.control.addFault({
      path: '/connections',
      times: 1,
      status: 503,
      body: { oops: true },
      delay_ms: 50,
    })
    const startedAt = performance.now()
    const answer = await rig.api('GET', '/connections')
    expect(answer).toMatchObject({ status: 503, body: { oops: true } })
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(49)
  })
})
