// The simulator's API and signatures, tested with Nango's own client, @nangohq/node.
import { Nango } from '@nangohq/node'
import { describe, expect, it } from 'vitest'
import { COVERAGE } from './coverage.ts'
import { masked, SECRET_KEY, SIGNING_KEY, tokenOf, until, useRig } from './testing/rig.ts'

const rig = useRig()

const sdk = (webhookSigningKey = SIGNING_KEY) =>
  new Nango({ apiKey: SECRET_KEY, host: rig.nango.url, webhookSigningKey })

/** Status and body of the AxiosError that a call ends with. */
async function refusalOf(call: Promise<unknown>): Promise<unknown> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const { response } = error as { response: { status: number; data: unknown } }
  return { status: response.status, data: response.data }
}

describe('@nangohq/node', () => {
  it('makes a session, fetches, refreshes, lists and deletes a connection', async () => {
    const { data } = await sdk().createConnectSession({
      tags: { client_id: 'cli_1' },
      allowed_integrations: ['salesforce'],
    })
    await rig.dance(data.token)
    const { connections } = await sdk().listConnections({ tags: { client_id: 'cli_1' }, limit: 5 })
    expect(masked(connections)).toEqual([
      {
        id: 1,
        connection_id: '<uuid4>',
        provider_config_key: 'salesforce',
        provider: 'salesforce',
        errors: [],
        end_user: null,
        tags: { client_id: 'cli_1' },
        metadata: null,
        created: expect.stringMatching(/^<(short )?time/) as string,
      },
    ])
    const id = connections[0]?.connection_id ?? ''
    const token = await sdk().getToken('salesforce', id)
    const fetched = await sdk().getConnection('salesforce', id)
    expect(fetched.credentials).toMatchObject({ type: 'OAUTH2', access_token: token })
    const forced = await sdk().getConnection('salesforce', id, true)
    expect(forced.credentials).not.toMatchObject({ access_token: token })
    expect(await sdk().getRawTokenResponse('salesforce', id)).toMatchObject({
      instance_url: rig.salesforce.url,
    })

    expect((await sdk().deleteConnection('salesforce', id)).data).toEqual({ success: true })
    expect(await refusalOf(sdk().deleteConnection('salesforce', id))).toEqual({
      status: 400,
      data: { error: { code: 'unknown_connection' } },
    })
    expect(await refusalOf(sdk().getConnection('salesforce', id))).toEqual({
      status: 404,
      data: { error: { code: 'not_found', message: 'Failed to find connection' } },
    })
    expect(rig.salesforce.calls.some(({ path }) => path.includes('revoke'))).toBe(false)
  })

  it('reconnects, patches and sets metadata', async () => {
    const id = await rig.connect()
    const { data } = await sdk().createReconnectSession({
      connection_id: id,
      integration_id: 'salesforce',
      tags: { client_id: 'c2' },
    })
    await rig.dance(data.token)
    expect(
      await sdk().patchConnection(
        { connectionId: id, provider_config_key: 'salesforce' },
        { tags: { client_id: 'c2', label: 'Prod org' } },
      ),
    ).toEqual({ success: true })
    const set = await sdk().setMetadata('salesforce', id, { a: 1, b: { c: 2 } })
    expect([set.status, set.data]).toEqual([
      201,
      { connection_id: id, provider_config_key: 'salesforce', metadata: { a: 1, b: { c: 2 } } },
    ])
    const update = await sdk().updateMetadata('salesforce', [id], { b: { d: 3 } })
    expect([update.status, update.data]).toMatchObject([200, { connection_id: [id] }])
    const fetched = await sdk().getConnection('salesforce', id)
    expect(fetched.tags).toEqual({ label: 'Prod org', client_id: 'c2' })
    expect(fetched.metadata).toEqual({ a: 1, b: { d: 3 } })
  })

  it('verifies webhooks by the signing key, before and after its rotation', async () => {
    await rig.connect()
    await until(() => rig.hook.received.length === 1)
    const rotated = await rig.api('POST', '/environment/webhook-signing-key/rotate', {})
    const newKey = (rotated.body.data as { webhook_signing_key: string }).webhook_signing_key
    await rig.connect()
    await until(() => rig.hook.received.length === 2)
    await rig.control.configure({ webhook_signing_key: SIGNING_KEY })

    const [first, second] = rig.hook.received
    if (first === undefined || second === undefined) throw new Error('Two webhooks were expected')
    const verdicts = [first, second].map(({ headers, rawBody }) =>
      [SIGNING_KEY, newKey].map((key) => sdk(key).verifyIncomingWebhookRequest(rawBody, headers)),
    )
    expect(verdicts).toEqual([
      [true, false],
      [false, true],
    ])
    expect(sdk().verifyIncomingWebhookRequest(`${first.rawBody} `, first.headers)).toBe(false)
    expect(
      sdk().verifyWebhookSignature(
        first.headers['x-nango-signature'] ?? '',
        JSON.parse(first.rawBody) as unknown,
      ),
    ).toBe(true)
    expect(first.headers['content-type']).toBe('application/json')
    expect(Object.keys(JSON.parse(first.rawBody) as object)).toEqual([
      'authMode',
      'connectionId',
      'environment',
      'from',
      'operation',
      'provider',
      'providerConfigKey',
      'success',
      'tags',
      'type',
    ])
  })

  it('calls Salesforce through the proxy', async () => {
    const id = await rig.connect()
    const answer = await sdk().get({
      endpoint: '/services/data',
      providerConfigKey: 'salesforce',
      connectionId: id,
    })
    const [made] = await rig.control.connections()
    expect(answer.data).toEqual([{ authorization: `Bearer ${made?.access_token}` }])
    const unknown = sdk().get({
      endpoint: '/services/data',
      providerConfigKey: 'salesforce',
      connectionId: 'nope',
    })
    expect(await refusalOf(unknown)).toEqual({
      status: 400,
      data: { error: { code: 'server_error', message: 'Failed to get connection' } },
    })
  })
})

describe('webhook delivery', () => {
  it('is tried three times on 5xx, once on anything else, and can be repeated', async () => {
    rig.hook.answers = [500, 503]
    await rig.connect()
    await until(() => rig.hook.received.length === 3)
    await until(async () => (await rig.control.webhooks())[0]?.state === 'delivered')
    rig.hook.answers = [404]
    await rig.connect()
    await until(async () => (await rig.control.webhooks())[1]?.state === 'failed')
    const [first, second] = await rig.control.webhooks()
    expect([first?.attempts, second?.attempts]).toEqual([[500, 503, 200], [404]])

    await rig.control.redeliverWebhook(first?.id ?? '')
    await until(() => rig.hook.received.length === 5)
    expect(rig.hook.received[4]?.rawBody).toBe(rig.hook.received[0]?.rawBody)
  })

  it('goes to the override URL of a session, and nowhere when a toggle is off', async () => {
    const url = `${rig.hook.url}/override`
    await rig.connect({ webhook_url_override: url })
    await until(() => rig.hook.received.length === 1)
    expect((await rig.control.webhooks())[0]?.url).toBe(url)
    await rig.control.configure({ webhook_on_creation: false })
    await rig.connect()
    expect(await rig.control.webhooks()).toHaveLength(1)
    await rig.control.configure({ webhook_on_creation: true })
  })
})

describe('connections', () => {
  const byPath = (id: string, rest = '') =>
    `/connections/${id}?provider_config_key=salesforce${rest}`

  it.each([
    [
      'GET',
      '/connections/abc',
      400,
      {
        code: 'invalid_query_params',
        errors: [
          {
            code: 'invalid_type',
            message: 'Invalid input: expected string, received undefined',
            path: ['provider_config_key'],
          },
        ],
      },
    ],
    [
      'DELETE',
      byPath('abc', '&foo=1'),
      400,
      {
        code: 'invalid_query_params',
        errors: [{ code: 'unrecognized_keys', message: 'Unrecognized key: "foo"', path: [] }],
      },
    ],
    [
      'GET',
      '/connections?foo=1',
      400,
      {
        code: 'invalid_query_params',
        errors: [{ code: 'unrecognized_keys', message: 'Unrecognized key: "foo"', path: [] }],
      },
    ],
    [
      'GET',
      '/connections/abc?provider_config_key=nope',
      400,
      { code: 'unknown_provider_config', message: 'Provider does not exists' },
    ],
    [
      'GET',
      '/connections/abc?provider_config_key=salesforce-sandbox',
      404,
      { code: 'not_found', message: 'Failed to find connection' },
    ],
  ])('refuses %s %s', async (method, path, status, error) => {
    const answer = await rig.api(method, path)
    expect(answer.status).toBe(status)
    expect(answer.body).toEqual({ error })
  })

  it('refuses metadata for an unknown id, in the recorded words', async () => {
    const id = '11111111-1111-4111-8111-111111111111'
    const answer = await rig.api('PATCH', '/connections/metadata', {
      connection_id: id,
      provider_config_key: 'salesforce',
      metadata: { a: 1 },
    })
    expect(answer.status).toBe(404)
    expect(answer.body).toEqual({
      error: {
        code: 'unknown_connection',
        message: `Connection with connection id ${id} and provider config key salesforce not found. Please make sure the connection exists in the Nango dashboard`,
      },
    })
  })

  it('pages the list, newest first', async () => {
    for (let made = 0; made < 3; made += 1) await rig.connect()
    const rows = async (query: string) =>
      ((await rig.api('GET', `/connections?${query}`)).body.connections as { id: number }[]).map(
        ({ id }) => id,
      )
    expect(await rows('limit=2')).toEqual([3, 2])
    expect(await rows('limit=2&page=1')).toEqual([1])
    expect(await rows('integrationId=salesforce-sandbox,other')).toEqual([])
    expect(await rows('tags[client_id]=none')).toEqual([])
  })

  it('imports tokens under an own id', async () => {
    const answer = await rig.api('POST', '/connections', {
      provider_config_key: 'salesforce',
      connection_id: 'cli_01HQ',
      tags: { client_id: 'cli_01HQ' },
      credentials: { type: 'OAUTH2', access_token: '00Dxx!in', refresh_token: '5Aep_in' },
      connection_config: { instance_url: rig.salesforce.url },
    })
    expect(answer.status).toBe(201)
    expect(masked(answer.body)).toEqual({
      id: 1,
      connection_id: 'cli_01HQ',
      provider_config_key: 'salesforce',
      provider: 'salesforce',
      errors: [],
      end_user: null,
      tags: { client_id: 'cli_01HQ' },
      metadata: {},
      connection_config: { instance_url: rig.salesforce.url },
      webhook_url_override: null,
      created_at: '<timeZ>',
      updated_at: '<timeZ>',
      last_fetched_at: '<timeZ>',
      credentials: {
        type: 'OAUTH2',
        access_token: '00Dxx!in',
        refresh_token: '5Aep_in',
        raw: { type: 'OAUTH2', access_token: '00Dxx!in', refresh_token: '5Aep_in' },
      },
    })
  })

  it('answers the deprecated path the same', async () => {
    const id = await rig.connect()
    const old = await rig.api('GET', byPath(id).replace('/connections/', '/connection/'))
    expect(old.body).toMatchObject({ connection_id: id, credentials: { type: 'OAUTH2' } })
  })
})

describe('the control routes', () => {
  it('make and change connections that no dance would', async () => {
    const made = await rig.control.createConnection({
      provider_config_key: 'salesforce',
      tags: { client_id: 'stranger' },
      raw: {
        access_token: '00Dother!x',
        instance_url: 'https://evil.invalid',
        id: 'https://login.salesforce.com/id/00Dxx0000000001AAA/005xx0000000001AAA',
      },
      connection_config: { instance_url: rig.salesforce.url },
    })
    const { body } = await rig.fetchConnection(made.connection_id)
    expect(body).toMatchObject({
      tags: { client_id: 'stranger' },
      credentials: { access_token: '00Dother!x', raw: { instance_url: 'https://evil.invalid' } },
    })
    await rig.control.editConnection(made.connection_id, {
      raw: { id: 'https://login.salesforce.com/id/00Dyy/005yy', instance_url: null },
    })
    const after = await rig.fetchConnection(made.connection_id)
    expect((after.body.credentials as { raw: object }).raw).toEqual({
      access_token: '00Dother!x',
      id: 'https://login.salesforce.com/id/00Dyy/005yy',
    })
  })

  it('keep a journal and counters of Nango’s routes, and forget them at reset', async () => {
    const answer = await rig.api('POST', '/connect/sessions', { tags: { a: 'b' } })
    tokenOf(answer)
    expect(await rig.control.journal()).toMatchObject([
      {
        method: 'POST',
        url: '/connect/sessions',
        route: '/connect/sessions',
        body: { tags: { a: 'b' } },
        status: 201,
      },
    ])
    expect((await rig.control.counters()).requests).toEqual({ 'POST /connect/sessions': 1 })
    expect(await rig.control.sessions()).toHaveLength(1)
    await rig.control.reset()
    expect(await rig.control.journal()).toEqual([])
    expect(await rig.control.sessions()).toEqual([])
  })

  it('match exactly the routes that the coverage list names', () => {
    expect([...rig.nango.routes].sort()).toEqual(COVERAGE.map(({ route }) => route).sort())
  })
})
