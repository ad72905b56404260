// The browser's dance and the webhooks it causes, compared with recordings from Nango 0.71.
import { describe, expect, it } from 'vitest'
import { masked, tokenOf, until, useRig } from './testing/rig.ts'

const rig = useRig()

const webhook = (fields: object) => ({
  authMode: 'OAUTH2',
  connectionId: '<uuid4>',
  environment: 'prod',
  from: 'nango',
  operation: 'creation',
  provider: 'salesforce',
  providerConfigKey: 'salesforce',
  success: true,
  type: 'auth',
  ...fields,
})

async function webhooks(count: number): Promise<unknown[]> {
  await until(() => rig.hook.received.length >= count)
  return rig.hook.bodies()
}

async function reconnectToken(id: string, body: object = {}): Promise<string> {
  return tokenOf(
    await rig.api('POST', '/connect/sessions/reconnect', {
      connection_id: id,
      integration_id: 'salesforce',
      ...body,
    }),
  )
}

describe('the dance', () => {
  it('sends the browser to Salesforce with PKCE and sets a state cookie', async () => {
    const { authorizeUrl, cookie, html, status } = await rig.dance(await rig.session())
    expect(authorizeUrl.origin).toBe(rig.salesforce.url)
    expect([...authorizeUrl.searchParams.keys()]).toEqual([
      'response_type',
      'client_id',
      'redirect_uri',
      'scope',
      'state',
      'prompt',
      'code_challenge',
      'code_challenge_method',
    ])
    expect(Object.fromEntries(authorizeUrl.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: '3MVG9client',
      redirect_uri: `${rig.nango.url}/oauth/callback`,
      scope: 'offline_access api',
      prompt: 'consent',
      code_challenge_method: 'S256',
    })
    const state = authorizeUrl.searchParams.get('state')
    expect(cookie).toMatch(
      new RegExp(
        `^oauth2-${state}=1; Max-Age=3600; Path=/; Expires=.* GMT; HttpOnly; SameSite=Lax$`,
      ),
    )
    expect(status).toBe(200)
    expect(html).toContain('nango_oauth_callback_success')
    const [exchange] = rig.salesforce.calledWith('token')
    expect(Object.keys(exchange ?? {})).toEqual([
      'grant_type',
      'code',
      'redirect_uri',
      'code_verifier',
      'client_id',
      'client_secret',
    ])
  })

  it('makes a new connection each time one session token is used', async () => {
    const token = await rig.session({ tags: { client_id: 'cli_1' } })
    await rig.dance(token)
    await rig.dance(token)
    const { body } = await rig.api('GET', '/connections?tags[client_id]=cli_1')
    const ids = (body.connections as { id: number; connection_id: string }[]).map(
      ({ connection_id }) => connection_id,
    )
    expect(new Set(ids).size).toBe(2)
    expect(masked(await webhooks(2))).toEqual([
      webhook({ tags: { client_id: 'cli_1' } }),
      webhook({ tags: { client_id: 'cli_1' } }),
    ])
  })

  it('sends sandbox logins to their own host, without prompt', async () => {
    const dance = await rig.dance(await rig.session(), '', 'salesforce-sandbox')
    expect(dance.status).toBe(200)
    expect(dance.authorizeUrl.searchParams.has('prompt')).toBe(false)
    expect(masked(await webhooks(1))).toEqual([
      webhook({
        provider: 'salesforce-sandbox',
        providerConfigKey: 'salesforce-sandbox',
        tags: { client_id: 'c1' },
      }),
    ])
  })

  it('keeps the deprecated end user as tags, end_user and endUser', async () => {
    const hostname = new URL(rig.salesforce.url).host
    const token = await rig.session({
      tags: undefined,
      end_user: {
        id: 'cli_01HZ',
        email: 'ops@example.test',
        display_name: 'Client Z',
        tags: { plan: 'pro' },
      },
      organization: { id: 'org_01HX', display_name: 'Org X' },
      integrations_config_defaults: {
        salesforce: {
          user_scopes: 'api refresh_token',
          authorization_params: { prompt: 'login consent' },
          connection_config: { hostname },
        },
      },
    })
    const dance = await rig.dance(token)
    expect(dance.authorizeUrl.searchParams.get('prompt')).toBe('login consent')
    expect(dance.authorizeUrl.searchParams.get('scope')).toBe('offline_access api')
    const [sent] = await webhooks(1)
    const tags = {
      end_user_display_name: 'Client Z',
      end_user_email: 'ops@example.test',
      end_user_id: 'cli_01HZ',
      organization_display_name: 'Org X',
      organization_id: 'org_01HX',
      plan: 'pro',
    }
    expect(masked(sent)).toEqual(
      webhook({
        endUser: {
          endUserEmail: 'ops@example.test',
          endUserId: 'cli_01HZ',
          organizationId: 'org_01HX',
          tags: { plan: 'pro' },
        },
        tags,
      }),
    )
    const { body } = await rig.api('GET', '/connections?endUserId=cli_01HZ&limit=10&page=0')
    expect(masked(body)).toMatchObject({
      connections: [
        {
          end_user: {
            id: 'cli_01HZ',
            display_name: 'Client Z',
            email: 'ops@example.test',
            tags: { plan: 'pro' },
            organization: { id: 'org_01HX', display_name: 'Org X' },
          },
          tags,
        },
      ],
    })
    const [made] = await rig.control.connections()
    expect(made?.connection_config).toEqual({
      hostname,
      user_scope: 'api refresh_token',
      instance_url: rig.salesforce.url,
    })
  })

  it('lists the allowed integrations on the connect page', async () => {
    const answer = await rig.api('POST', '/connect/sessions', {
      tags: { a: 'b' },
      allowed_integrations: ['salesforce'],
    })
    const page = await fetch((answer.body.data as { connect_link: string }).connect_link)
    const html = await page.text()
    expect(page.status).toBe(200)
    expect(html).toContain(
      `href="/oauth/connect/salesforce?connect_session_token=${tokenOf(answer)}"`,
    )
    expect(html).not.toContain('salesforce-sandbox')
  })
})

describe('a dance that is refused', () => {
  const connectUrl = (token: string, rest = '', integration = 'salesforce') =>
    `/oauth/connect/${integration}?connect_session_token=${token}${rest}`

  it('says why in JSON before Salesforce is reached', async () => {
    const token = await rig.session({ allowed_integrations: ['salesforce'] })
    expect(
      await rig.api('GET', connectUrl(token, '&connection_id=mine'), undefined, null),
    ).toMatchObject({
      status: 400,
      body: {
        error: {
          code: 'invalid_query_params',
          errors: [
            {
              code: 'custom',
              message: 'connection_id is forbidden when using session token',
              path: ['connection_id'],
            },
          ],
        },
      },
    })
    const other = await rig.api('GET', connectUrl(token, '', 'salesforce-sandbox'), undefined, null)
    expect(other).toMatchObject({
      status: 400,
      body: { error: { code: 'integration_not_allowed' } },
    })
    await rig.control.expireSessions(token)
    expect(await rig.api('GET', connectUrl(token), undefined, null)).toMatchObject({
      status: 401,
      body: { error: { code: 'unknown_connect_session_token' } },
    })
  })

  it('reports a denied consent on the page and by a webhook without tags', async () => {
    rig.salesforce.denyConsent = true
    const dance = await rig.dance(await rig.session())
    expect(dance.status).toBe(400)
    expect(dance.html).toContain('nango_oauth_callback_error')
    const denied = { error: 'access_denied', error_description: 'end-user denied authorization' }
    expect(pageError(dance.html)).toEqual({
      message: JSON.stringify(denied),
      errorType: 'connection_validation_failed',
    })
    const [sent] = await webhooks(1)
    expect(masked(sent)).toEqual(
      webhook({
        success: false,
        error: {
          type: 'invalid_callback',
          description:
            'Did not get authorization code in the callback. Provider error: error: access_denied; error_description: end-user denied authorization',
        },
      }),
    )
    expect(await rig.control.connections()).toEqual([])
  })

  it('reports a code that Salesforce does not take', async () => {
    const token = await rig.session()
    const start = await fetch(`${rig.nango.url}${connectUrl(token)}`, { redirect: 'manual' })
    const state = new URL(start.headers.get('location') ?? '').searchParams.get('state')
    const page = await fetch(`${rig.nango.url}/oauth/callback?code=stale&state=${state}`)
    const description = JSON.stringify(
      {
        name: 'Error',
        message: 'Response Error: 400 Bad Request',
        provider_error_payload: {
          error: 'invalid_grant',
          error_description: 'expired authorization code',
        },
      },
      null,
      2,
    )
    expect(page.status).toBe(400)
    expect(pageError(await page.text())).toMatchObject({ message: description })
    expect(masked(await webhooks(1))).toEqual([
      webhook({ success: false, error: { type: 'unknown', description } }),
    ])
  })

  it.each([
    ['?code=abc', 'No state found in callback'],
    [
      '?code=abc&state=11111111-1111-1111-8111-111111111111',
      'No session found for state: "11111111-1111-1111-8111-111111111111"',
    ],
  ])('refuses callback%s', async (query, message) => {
    const page = await fetch(`${rig.nango.url}/oauth/callback${query}`)
    expect(page.status).toBe(400)
    expect(pageError(await page.text())).toEqual({
      message,
      errorType: 'connection_validation_failed',
    })
  })

  it('takes a state once', async () => {
    const { authorizeUrl } = await rig.dance(await rig.session())
    const state = authorizeUrl.searchParams.get('state')
    const page = await fetch(`${rig.nango.url}/oauth/callback?code=again&state=${state}`)
    expect(page.status).toBe(400)
    expect(await page.text()).toContain('No session found for state')
  })

  function pageError(html: string): unknown {
    const json = /window\.nangoOAuthError = (.*)\n/.exec(html)?.[1] ?? ''
    return JSON.parse(json) as unknown
  }
})

describe('who writes connection_config', () => {
  it('lets the browser plant an instance_url that beats the token response', async () => {
    const token = await rig.session()
    const planted = rig.salesforce.url.replace('127.0.0.1', 'localhost')
    await rig.dance(
      token,
      `&params[instance_url]=${encodeURIComponent(planted)}&params[anything]=x`,
    )
    const [made] = await rig.control.connections()
    expect(made?.connection_config).toEqual({ anything: 'x', instance_url: planted })
    expect(made?.raw.instance_url).toBe(rig.salesforce.url)
  })

  it('lets the browser choose the login host when the session does not', async () => {
    const token = await rig.session()
    const start = await fetch(
      `${rig.nango.url}/oauth/connect/salesforce?connect_session_token=${token}&params[hostname]=evil.invalid`,
      { redirect: 'manual' },
    )
    expect(new URL(start.headers.get('location') ?? '').origin).toBe('https://evil.invalid')
  })

  it('lets the session overrule the browser, with "" meaning the token response', async () => {
    const hostname = new URL(rig.salesforce.url).host
    const token = await rig.session({
      integrations_config_defaults: {
        salesforce: { connection_config: { hostname, instance_url: '' } },
      },
    })
    await rig.dance(
      token,
      '&params[instance_url]=http%3A%2F%2Flocalhost%3A1&params[hostname]=evil.invalid',
    )
    const [made] = await rig.control.connections()
    expect(made?.connection_config).toEqual({ hostname, instance_url: rig.salesforce.url })
  })
})

describe('a reconnect', () => {
  it('refuses a connection that does not exist', async () => {
    const answer = await rig.api('POST', '/connect/sessions/reconnect', {
      connection_id: '11111111-1111-4111-8111-111111111111',
      integration_id: 'salesforce',
    })
    expect(answer).toMatchObject({ status: 400 })
    expect(answer.body).toEqual({
      error: { code: 'invalid_body', message: 'ConnectionID or IntegrationId does not exists' },
    })
  })

  it('keeps id and metadata, replaces tags and connection_config', async () => {
    const hostname = new URL(rig.salesforce.url).host
    const id = await rig.connect({
      tags: { client_id: 'c1', attempt_id: 'a1' },
      integrations_config_defaults: { salesforce: { connection_config: { hostname } } },
    })
    await rig.api('POST', '/connections/metadata', {
      connection_id: id,
      provider_config_key: 'salesforce',
      metadata: { a: 1 },
    })
    const before = (await rig.fetchConnection(id)).body
    await rig.dance(await reconnectToken(id, { tags: { client_id: 'c1', attempt_id: 'a2' } }))
    const after = (await rig.fetchConnection(id)).body
    expect(after).toMatchObject({
      connection_id: id,
      tags: { client_id: 'c1', attempt_id: 'a2' },
      metadata: { a: 1 },
      created_at: before.created_at,
      updated_at: before.updated_at,
    })
    expect(after.connection_config).toEqual({ instance_url: rig.salesforce.url })
    expect(after.credentials).not.toEqual(before.credentials)
    const [, override] = await webhooks(2)
    expect(override).toEqual(
      webhook({
        connectionId: id,
        operation: 'override',
        tags: { attempt_id: 'a2', client_id: 'c1' },
      }),
    )
    await rig.dance(await reconnectToken(id))
    expect((await rig.fetchConnection(id)).body.tags).toEqual({})
  })

  it('leaves the old credentials after a failure, and calls it a failed creation of the real id', async () => {
    const id = await rig.connect({ tags: { client_id: 'c1' } })
    const before = (await rig.fetchConnection(id)).body
    rig.salesforce.denyConsent = true
    await rig.dance(await reconnectToken(id))
    const [, failed] = await webhooks(2)
    expect(failed).toMatchObject({ operation: 'creation', success: false, connectionId: id })
    expect(failed).not.toHaveProperty('tags')
    const after = (await rig.fetchConnection(id)).body
    expect(after.credentials).toEqual(before.credentials)
    expect(after.tags).toEqual({ client_id: 'c1' })
  })
})
