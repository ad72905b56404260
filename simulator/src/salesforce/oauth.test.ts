import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createNangoControl } from '../nango/control/client.ts'
import { bodyOf, clientOf, startRig, type Rig } from '../testing/rig.ts'

let sim: Rig
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(() => sim.control.reset())
afterAll(() => sim.close())

const APP = {
  client_id: '3MVG9_simulated_consumer_key',
  client_secret: 'simulated-consumer-secret',
}
const REDIRECT = 'http://127.0.0.1:9/callback'
const ADMIN = 'admin@acme.example'

interface Tokens {
  access_token: string
  refresh_token: string
  [key: string]: unknown
}

const send = (url: string, fields: Record<string, string>) =>
  fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' })

const token = (fields: Record<string, string>, host = sim.loginUrl) =>
  send(`${host}/services/oauth2/token`, { ...APP, ...fields })

const orgNamed = async (name: string) => {
  const org = (await sim.control.orgs()).find((each) => each.name === name)
  if (org === undefined) throw new Error(`no org ${name}`)
  return org
}

/** Presses a button of the authorize page, and returns where the browser is sent. */
const decide = async (fields: Record<string, string> = {}, host = sim.loginUrl): Promise<URL> => {
  const answer = await send(`${host}/services/oauth2/authorize`, {
    response_type: 'code',
    client_id: APP.client_id,
    redirect_uri: REDIRECT,
    state: 'xyz',
    scope: 'refresh_token api id',
    org: (await orgNamed('Acme')).id,
    username: ADMIN,
    decision: 'allow',
    ...fields,
  })
  expect(answer.status).toBe(302)
  return new URL(answer.headers.get('location') ?? '')
}

const redeem = (code: string, fields: Record<string, string> = {}) =>
  token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, ...fields })

const connect = async (): Promise<Tokens> =>
  bodyOf<Tokens>(await redeem((await decide()).searchParams.get('code') ?? ''))

const refresh = (refresh_token: string, host?: string) =>
  token({ grant_type: 'refresh_token', refresh_token }, host)

const EXPIRED = { error: 'invalid_grant', error_description: 'expired access/refresh token' }

describe('authorize', () => {
  const page = (more: Record<string, string> = {}, host = sim.loginUrl) =>
    fetch(
      `${host}/services/oauth2/authorize?${new URLSearchParams({
        response_type: 'code',
        client_id: APP.client_id,
        redirect_uri: REDIRECT,
        ...more,
      }).toString()}`,
    )

  it('offers production users at the login host and sandbox users at the test host only', async () => {
    const production = await (await page()).text()
    const sandbox = await (await page({}, sim.testLoginUrl)).text()
    expect(production).toContain(ADMIN)
    expect(production).not.toContain('admin@acme-sandbox.example')
    expect(sandbox).toContain('admin@acme-sandbox.example')
    expect(sandbox).not.toContain(`value="${ADMIN}"`)
  })

  it('does not let what it is given break out of the page', async () => {
    const html = await (await page({ state: '"><script>alert(1)</script>' })).text()
    expect(html).not.toContain('<script>alert')
  })

  it('refuses an unknown app', async () => {
    expect((await page({ client_id: 'someone' })).status).toBe(400)
  })

  it('sends the browser back with code and state, or with access_denied', async () => {
    const allowed = await decide()
    expect(allowed.origin + allowed.pathname).toBe(REDIRECT)
    expect(allowed.searchParams.get('state')).toBe('xyz')
    expect(allowed.searchParams.get('code')).not.toBeNull()
    const denied = await decide({ decision: 'deny' })
    expect(denied.searchParams.get('error')).toBe('access_denied')
    expect(denied.searchParams.get('error_description')).toBe('end-user denied authorization')
    expect(denied.searchParams.get('code')).toBeNull()
  })
})

describe('a code', () => {
  it('gives tokens in the shape that was recorded, without expires_in', async () => {
    const org = await orgNamed('Acme')
    const tokens = await connect()
    expect(Object.keys(tokens).toSorted()).toEqual([
      'access_token',
      'id',
      'instance_url',
      'issued_at',
      'refresh_token',
      'scope',
      'signature',
      'token_type',
    ])
    expect(tokens).toMatchObject({ instance_url: org.instanceUrl, token_type: 'Bearer' })
    expect(tokens.id).toMatch(new RegExp(`^${sim.loginUrl}/id/${org.id}/005\\w{15}$`))
    expect(tokens.issued_at).toMatch(/^\d{13}$/)
    expect(tokens.access_token.startsWith(`${org.id.slice(0, 15)}!`)).toBe(true)
  })

  it('works once', async () => {
    const code = (await decide()).searchParams.get('code') ?? ''
    expect((await redeem(code)).status).toBe(200)
    const again = await redeem(code)
    expect(again.status).toBe(400)
    expect(await again.json()).toMatchObject({ error: 'invalid_grant' })
  })

  it('under PKCE needs its verifier', async () => {
    const verifier = 'v'.repeat(64)
    const code_challenge = createHash('sha256').update(verifier).digest('base64url')
    const challenged = { code_challenge, code_challenge_method: 'S256' }
    const code = async () => (await decide(challenged)).searchParams.get('code') ?? ''
    expect((await redeem(await code())).status).toBe(400)
    expect((await redeem(await code(), { code_verifier: 'w'.repeat(64) })).status).toBe(400)
    expect((await redeem(await code(), { code_verifier: verifier })).status).toBe(200)
  })

  it('needs the redirect_uri it was given for', async () => {
    const code = (await decide()).searchParams.get('code') ?? ''
    const answer = await redeem(code, { redirect_uri: 'http://127.0.0.1:9/other' })
    expect(await answer.json()).toMatchObject({ error: 'redirect_uri_mismatch' })
  })

  it('without the scope refresh_token gives none', async () => {
    const code = (await decide({ scope: 'api' })).searchParams.get('code') ?? ''
    const tokens = await bodyOf<Partial<Tokens>>(await redeem(code))
    expect(tokens.refresh_token).toBeUndefined()
  })
})

describe('a refresh token', () => {
  it('gives a new access token at the login host and at the org itself', async () => {
    const { refresh_token, access_token, instance_url } = await connect()
    for (const host of [sim.loginUrl, String(instance_url)]) {
      const answer = await refresh(refresh_token, host)
      const tokens = await bodyOf<Partial<Tokens>>(answer)
      expect(answer.status).toBe(200)
      expect(tokens.access_token).not.toBe(access_token)
      expect(tokens.refresh_token).toBeUndefined()
    }
  })

  it('is unknown at the test host', async () => {
    const { refresh_token } = await connect()
    const answer = await refresh(refresh_token, sim.testLoginUrl)
    expect([answer.status, await answer.json()]).toEqual([400, EXPIRED])
  })

  it('is replaced at each use where the org rotates', async () => {
    await sim.control.act('orgs/update', { org: 'Acme', settings: { rotateRefreshTokens: true } })
    const { refresh_token: first } = await connect()
    const { refresh_token: second } = await bodyOf<Tokens>(await refresh(first))
    expect(second).not.toBe(first)
    expect((await refresh(second)).status).toBe(200)
    expect((await refresh(first)).status).toBe(400)
  })

  it('dies silently when its user connects the same app a sixth time', async () => {
    const grants: Tokens[] = []
    for (let n = 0; n < 6; n++) grants.push(await connect())
    const statuses = await Promise.all(
      grants.map(async (grant) => (await refresh(grant.refresh_token)).status),
    )
    expect(statuses).toEqual([400, 200, 200, 200, 200, 200])
  })

  it('can be moved to another org', async () => {
    await sim.control.createOrg({ name: 'Other', edition: 'Developer' })
    const { refresh_token } = await connect()
    await sim.control.act('refresh-tokens/move', { org: 'Acme', to: 'Other' })
    const other = await orgNamed('Other')
    const tokens = await bodyOf<Tokens>(await refresh(refresh_token))
    expect(tokens.instance_url).toBe(other.instanceUrl)
    expect(tokens.id).toContain(other.id)
  })

  it('reports a moved org by the new instance_url', async () => {
    const { refresh_token, instance_url } = await connect()
    await sim.control.act('orgs/move', { org: 'Acme' })
    const tokens = await bodyOf<Tokens>(await refresh(refresh_token))
    expect(tokens.instance_url).not.toBe(instance_url)
    const limits = await fetch(`${String(tokens.instance_url)}/services/data/v66.0/limits`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(limits.status).toBe(200)
    await expect(fetch(`${String(instance_url)}/services/data`)).rejects.toThrow('fetch failed')
  })
})

describe('revoke', () => {
  const revoke = (value: string) => send(`${sim.loginUrl}/services/oauth2/revoke`, { token: value })

  it('of a refresh token ends its access tokens too', async () => {
    const { refresh_token, access_token } = await connect()
    expect((await revoke(refresh_token)).status).toBe(200)
    expect((await refresh(refresh_token)).status).toBe(400)
    expect(await introspect(access_token)).toEqual({ active: false })
  })

  it('of an access token leaves the refresh token', async () => {
    const { refresh_token, access_token } = await connect()
    expect((await revoke(access_token)).status).toBe(200)
    expect(await introspect(access_token)).toEqual({ active: false })
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  it('of an unknown token is 400', async () => {
    expect((await revoke('nothing')).status).toBe(400)
  })
})

const introspect = async (value: string) =>
  bodyOf<{ active: boolean; exp?: number; username?: string }>(
    await send(`${sim.loginUrl}/services/oauth2/introspect`, { ...APP, token: value }),
  )

describe('a session', () => {
  it('is described by introspection as long as it lives', async () => {
    await sim.control.act('orgs/update', { org: 'Acme', settings: { sessionMinutes: 15 } })
    const { access_token } = await connect()
    const found = await introspect(access_token)
    expect(found).toMatchObject({ active: true, username: ADMIN })
    expect((found.exp ?? 0) - Date.now() / 1000).toBeGreaterThan(14 * 60)
    await sim.control.act('sessions/expire', { org: 'Acme' })
    expect(await introspect(access_token)).toEqual({ active: false })
  })

  it('returns who it is by userinfo and the identity URL', async () => {
    const { access_token, id } = await connect()
    const authorization = `Bearer ${access_token}`
    for (const url of [`${sim.loginUrl}/services/oauth2/userinfo`, String(id)]) {
      const answer = await fetch(url, { headers: { authorization } })
      expect(await answer.json()).toMatchObject({
        organization_id: (await orgNamed('Acme')).id,
        email: ADMIN,
      })
    }
    const dead = await fetch(String(id), { headers: { authorization: 'Bearer nothing' } })
    expect([dead.status, await dead.text()]).toEqual([403, 'Bad_OAuth_Token'])
  })
})

describe('the robot at the browser', () => {
  const connectLink = async (): Promise<string> => {
    const answer = await fetch(`${sim.nangoUrl}/connect/sessions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${sim.nangoSecretKey}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        tags: { client: 'c1' },
        allowed_integrations: ['salesforce', 'salesforce-sandbox'],
      }),
    })
    return (await bodyOf<{ data: { connect_link: string } }>(answer)).data.connect_link
  }

  it.each([
    ['Acme', 'salesforce'],
    ['Acme Sandbox', 'salesforce-sandbox'],
  ])('connects %s through Nango with the integration %s', async (org, integration) => {
    const arrival = await sim.control.authorize({
      connectLink: await connectLink(),
      org,
      integration,
    })
    expect(arrival).toMatchObject({ status: 200, ok: true })
    const [connection] = await createNangoControl(sim.nangoUrl).connections()
    expect(connection).toMatchObject({
      provider_config_key: integration,
      connection_config: { instance_url: (await orgNamed(org)).instanceUrl },
    })
    const session = await clientOf(sim.control, org)
    const limits = await fetch(`${session.instanceUrl}/services/data/v66.0/limits`, {
      headers: { authorization: `Bearer ${String(connection?.access_token)}` },
    })
    expect(limits.status).toBe(200)
  })

  it('makes no connection when it denies', async () => {
    const arrival = await sim.control.authorize({
      connectLink: await connectLink(),
      org: 'Acme',
      integration: 'salesforce',
      deny: true,
    })
    expect(arrival.ok).toBe(false)
    expect(await createNangoControl(sim.nangoUrl).connections()).toEqual([])
  })
})

describe('what an administrator, or Salesforce itself, puts in the way', () => {
  const set = (settings: Record<string, unknown>) =>
    sim.control.act('orgs/update', { org: 'Acme', settings })

  it('a frozen user gets no token, and one again when unfrozen; its session goes on', async () => {
    const tokens = await connect()
    await sim.control.act('users/update', { org: 'Acme', username: ADMIN, frozen: true })
    const refused = await refresh(tokens.refresh_token)
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'authentication failure' },
    ])
    const { instanceUrl } = await orgNamed('Acme')
    const alive = await fetch(`${instanceUrl}/services/data/v66.0/limits`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(alive.status).toBe(200)
    await sim.control.act('users/update', { org: 'Acme', username: ADMIN, frozen: false })
    expect((await refresh(tokens.refresh_token)).status).toBe(200)
  })

  it.each([
    ['blocked', 'OAUTH_APP_BLOCKED'],
    ['not_installed', 'OAUTH_EC_APP_NOT_FOUND'],
  ] as const)('an app that is %s is turned away at the browser', async (app, error) => {
    await set({ app })
    expect((await decide()).searchParams.get('error')).toBe(error)
  })

  it('a blocked app loses its sessions and gets no new ones', async () => {
    const tokens = await connect()
    await set({ app: 'blocked' })
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual(EXPIRED)
    const { instanceUrl } = await orgNamed('Acme')
    const dead = await fetch(`${instanceUrl}/services/data/v66.0/limits`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(dead.status).toBe(401)
  })

  it('an address outside the allowlist can neither finish an authorization nor refresh', async () => {
    const tokens = await connect()
    await set({ refreshAddressAllowed: false })
    const refusal = { error: 'invalid_grant', error_description: 'ip restricted' }
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual(refusal)
    const code = (await decide()).searchParams.get('code') ?? ''
    expect(await (await redeem(code)).json()).toEqual(refusal)
  })

  it('a rotated refresh token that is used again ends the newest one too', async () => {
    await set({ rotateRefreshTokens: true })
    const tokens = await connect()
    const next = await bodyOf<Tokens>(await refresh(tokens.refresh_token))
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual(EXPIRED)
    expect(await (await refresh(next.refresh_token)).json()).toEqual(EXPIRED)
  })

  it('a refresh token that was not used for too long has ended', async () => {
    const tokens = await connect()
    await set({ refreshIdleMs: 0 })
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual(EXPIRED)
  })
})

describe('an identity', () => {
  it('begins with the public address of the login host, where it was told of one', async () => {
    const publicUrls = { login: 'https://login.example' }
    const behind = await startRig({ publicUrls })
    onTestFinished(() => behind.close())
    const client = await clientOf(behind.control)
    const { identity = '' } = await bodyOf<Record<string, string>>(await client.get('/'))
    const { pathname } = new URL(identity)
    const answer = await bodyOf<{ id: string }>(await client.get(`/${pathname}`))
    expect(answer.id).toMatch(/^https:\/\/login\.example\/id\/00D\w{15}\/005\w{15}$/)
  })
})
