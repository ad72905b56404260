// Credentials: which ones give access, which do not, and how fast a dead one is refused everywhere.

import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { apiOf, type Api } from './api.ts'
import { JWT_SECRET, SUPER_ADMIN_SECRET } from './server-process.ts'
import { created, PASSWORD, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
let org: TestOrg
/** The second replica, as a caller with this credential. */
let other: (token: string | null) => Api

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  other = (token) => apiOf(rig.urls[1], token)
})

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const forge = (header: object, claims: object, key: string, digest = 'sha256') => {
  const signed = `${base64url(header)}.${base64url(claims)}`
  return `${signed}.${createHmac(digest, key).update(signed).digest('base64url')}`
}
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >
const me = (api: Api) => api.get('/api/auth/me').then((answer) => answer.status)

describe('every protected endpoint', () => {
  it('answers 401 with WWW-Authenticate to no, unknown and misplaced credentials, before it looks at the body', async () => {
    const document = (await (await fetch(`${rig.urls[0]}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { security: object[] }>>
    }
    let checked = 0
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        if (operation.security.length === 0) continue
        const isSuper = 'superAdmin' in (operation.security[0] ?? {})
        const wrong = [null, 'sfx_unknown', 'not.a.token', isSuper ? org.token : SUPER_ADMIN_SECRET]
        for (const token of wrong) {
          const answer = await rig.api.as(token).raw(path, {
            method: method.toUpperCase(),
            ...(method === 'post'
              ? { body: '{ broken', headers: { 'content-type': 'text/plain' } }
              : {}),
          })
          expect(answer.status, `${method} ${path} with ${token}`).toBe(401)
          expect(answer.headers.get('www-authenticate')).toBe('Bearer')
          expect(answer.body).toMatchObject({ code: 'unauthenticated', status: 401 })
        }
        checked++
      }
    }
    expect(checked).toBeGreaterThan(15)
  })

  it('answers 403 to a known caller without the permission, as in the matrix', async () => {
    const client = await org.client()
    for (const role of ['company_admin', 'company_member'] as const) {
      const user = await org.user(role, client.id)
      for (const [path, body] of [
        ['/api/clients/create', { name: 'x' }],
        ['/api/users/list', {}],
        ['/api/tokens/list', {}],
        ['/api/audit/list', {}],
      ] as const) {
        const answer = await user.api.post(path, body)
        expect([answer.status, answer.body.code], `${role} ${path}`).toEqual([403, 'forbidden'])
      }
    }
  })
})

describe('a session token', () => {
  it('says who the caller is and what they may do', async () => {
    const client = await org.client()
    const user = await org.user('company_admin', client.id)
    const answer = await user.api.get('/api/auth/me')
    expect(answer.body).toEqual({
      org_id: org.id,
      user_id: user.id,
      email: user.email,
      role: 'company_admin',
      permissions: [
        'connections.read',
        'topology.read',
        'deploy.read',
        'push.read',
        'workflows.read',
        'events.read',
      ],
      client_id: client.id,
      client_ids: null,
      approval: 'none',
      auth_method: 'session',
      expires_at: new Date(Number(claimsOf(user.session).exp) * 1000).toISOString(),
    })
  })

  it('is refused when forged, unsigned, of another algorithm, without exp, or claiming something else', async () => {
    const user = await org.user('org_admin')
    const claims = claimsOf(user.session)
    const good = { alg: 'HS256', typ: 'JWT' }
    expect(await me(rig.api.as(forge(good, claims, JWT_SECRET)))).toBe(200) // the forging itself works
    const without = (name: string) =>
      Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))
    const forged = {
      'wrong key': forge(good, claims, 'x'.repeat(40)),
      none: `${base64url({ alg: 'none' })}.${base64url(claims)}.`,
      HS512: forge({ alg: 'HS512' }, claims, JWT_SECRET, 'sha512'),
      'RS256 header': forge({ alg: 'RS256' }, claims, JWT_SECRET),
      'no exp': forge(good, without('exp'), JWT_SECRET),
      'no jti': forge(good, without('jti'), JWT_SECRET),
      'no role': forge(good, without('role'), JWT_SECRET),
      expired: forge(good, { ...claims, exp: 1_000_000_000 }, JWT_SECRET),
      'unknown role': forge(good, { ...claims, role: 'root' }, JWT_SECRET),
      'another role': forge(good, { ...claims, role: 'company_member' }, JWT_SECRET),
      'another org': forge(
        good,
        { ...claims, org_id: '01931f2a-0000-7000-8000-000000000000' },
        JWT_SECRET,
      ),
      'another session': forge(
        good,
        { ...claims, jti: '01931f2a-0000-7000-8000-000000000000' },
        JWT_SECRET,
      ),
      'a client it has not': forge(
        good,
        { ...claims, client_id: (await org.client()).id },
        JWT_SECRET,
      ),
    }
    for (const [name, token] of Object.entries(forged)) {
      expect(await me(rig.api.as(token)), name).toBe(401)
    }
  })

  it('is dead on every replica after logout, password change, role change and deactivation', async () => {
    const out = await org.user('org_admin')
    expect(await me(other(out.session))).toBe(200)
    expect((await out.api.post('/api/auth/logout', {})).status).toBe(200)
    expect(await me(other(out.session))).toBe(401)

    const changing = await org.user('org_admin')
    const login = await rig.api.post<{ access_token: string }>('/api/auth/login', {
      email: changing.email,
      password: PASSWORD,
    })
    const second = login.body.access_token
    const next = `${PASSWORD} two`
    const wrong = await changing.api.post('/api/auth/change-password', {
      current_password: 'wrong',
      new_password: next,
    })
    expect(wrong.status).toBe(422)
    const changed = await changing.api.post('/api/auth/change-password', {
      current_password: PASSWORD,
      new_password: next,
    })
    expect(changed.status).toBe(200)
    expect(await me(other(changing.session)), 'the session that changed it goes on').toBe(200)
    expect(await me(other(second)), 'the others end').toBe(401)

    for (const change of [
      { is_active: false },
      { role: 'company_member', client_id: (await org.client()).id },
    ]) {
      const user = await org.user('org_admin')
      const update = await org.api.post('/api/users/update', { user_id: user.id, ...change })
      expect(update.status).toBe(200)
      expect(await me(other(user.session)), JSON.stringify(change)).toBe(401)
    }
  })
})

describe('an API token', () => {
  it('is shown once, kept as a digest, and dead everywhere with the next request after its revocation', async () => {
    const answer = await org.api.post<{ id: string; token: string }>('/api/tokens/create', {
      name: 'nightly',
    })
    const { id, token } = answer.body
    expect(token).toMatch(/^sfx_[\w-]{43}$/)
    expect(await me(other(token))).toBe(200)
    const list = await org.api.post('/api/tokens/list')
    expect(list.text).not.toContain(token)
    expect((await org.api.post('/api/tokens/revoke', { token_id: id })).status).toBe(200)
    expect(await me(other(token))).toBe(401)
    expect(await me(rig.api.as(token))).toBe(401)
  })

  it("ends with its expiry, its user, its client and its org, and follows its user's present role", async () => {
    const past = await org.api.post('/api/tokens/create', {
      name: 'x',
      expires_at: '2020-01-01T00:00:00Z',
    })
    expect(past.status).toBe(422)
    const client = await org.client()
    const user = await org.user('company_admin', client.id)
    const { token } = (
      await org.api.post<{ token: string }>('/api/tokens/create', { name: 'u', user_id: user.id })
    ).body
    const role = async () => (await rig.api.as(token).get('/api/auth/me')).body.role
    expect(await role()).toBe('company_admin')
    await org.api.post('/api/users/update', { user_id: user.id, role: 'company_member' })
    expect(await role()).toBe('company_member')
    await org.api.post('/api/clients/update', { client_id: client.id, is_active: false })
    expect(await me(other(token))).toBe(401)
    await org.api.post('/api/clients/update', { client_id: client.id, is_active: true })
    expect(await me(other(token))).toBe(200)

    const doomed = await rig.org()
    await rig.superAdmin.post('/api/super-admin/orgs/update', {
      org_id: doomed.id,
      is_active: false,
    })
    expect(await me(other(doomed.token))).toBe(401)
  })

  it('notes when it was last used', async () => {
    const { token, id } = (
      await org.api.post<{ token: string; id: string }>('/api/tokens/create', { name: 'noted' })
    ).body
    await me(rig.api.as(token))
    await until('last_used_at', async () => {
      const list = await org.api.post<{ items: { id: string; last_used_at: string | null }[] }>(
        '/api/tokens/list',
      )
      return list.body.items.find((item) => item.id === id)?.last_used_at
    })
  })
})

describe('login', () => {
  it('gives one answer for an unknown e-mail, a wrong password and an inactive user', async () => {
    const user = await org.user('org_admin')
    await org.api.post('/api/users/update', { user_id: user.id, is_active: false })
    const texts = []
    for (const body of [
      { email: 'nobody@agency.example', password: PASSWORD },
      { email: org.email, password: 'wrong password here' },
      { email: user.email, password: PASSWORD },
    ]) {
      const answer = await rig.api.post('/api/auth/login', body)
      expect(answer.status).toBe(401)
      texts.push(answer.text.replace(/"request_id":"[^"]+"/, ''))
    }
    expect(new Set(texts).size).toBe(1)
  })

  it('takes the same work for an unknown e-mail as for a wrong password', async () => {
    const time = async (email: string) => {
      const started = performance.now()
      await rig.api.post('/api/auth/login', { email, password: 'wrong password here' })
      return performance.now() - started
    }
    const { email } = await org.user('org_admin')
    const times = { known: [] as number[], unknown: [] as number[] }
    for (let n = 0; n < 4; n++) {
      times.known.push(await time(email))
      times.unknown.push(await time('nobody-else@agency.example'))
    }
    // The comparison takes nearly all of the time; skipping it for unknown users would be obvious.
    // The least of a few: the machine has other work.
    expect(Math.min(...times.unknown)).toBeGreaterThan(Math.min(...times.known) / 4)
  })

  it('refuses a guesser hard by account and address, over replicas, and does not lock the victim out', async () => {
    const victim = await rig.org()
    const guess = (api: Api) =>
      api.post('/api/auth/login', { email: victim.email, password: 'guess guess guess' })
    const seen = []
    for (let i = 0; i < 7; i++) seen.push((await guess(i % 2 === 0 ? rig.api : other(null))).status)
    expect(seen).toEqual([401, 401, 401, 401, 401, 429, 429])
    const refused = await guess(rig.api)
    expect(refused.body.code).toBe('rate_limited')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    // The victim comes from another address: X-Forwarded-For counts where a proxy is trusted.
    await using proxied = await rig.addServer({ TRUST_PROXY: '1' })
    const answer = await apiOf(proxied.url).post(
      '/api/auth/login',
      { email: victim.email, password: PASSWORD },
      { 'x-forwarded-for': '203.0.113.9' },
    )
    expect(answer.status).toBe(200)
  })

  it('refuses passwords that bcrypt would cut, in bytes', async () => {
    const answer = await org.api.post('/api/users/create', {
      email: 'long@agency.example',
      password: 'é'.repeat(37),
      role: 'org_admin',
    })
    expect(answer.status).toBe(422)
    expect(answer.body.errors).toMatchObject([{ path: 'password' }])
  })
})

describe('users', () => {
  it('have one e-mail in the whole system, whatever its case', async () => {
    const stranger = await rig.org()
    const answer = await stranger.api.post('/api/users/create', {
      email: org.email.toUpperCase(),
      password: PASSWORD,
      role: 'org_admin',
    })
    expect([answer.status, answer.body.code]).toEqual([409, 'already_exists'])
  })

  it('company roles need a client of the org, org_admin takes none', async () => {
    const foreign = await (await rig.org()).client()
    const make = (extra: object) =>
      org.api.post('/api/users/create', {
        email: `u${Math.random()}@x.example`,
        password: PASSWORD,
        ...extra,
      })
    expect((await make({ role: 'company_admin' })).body.code).toBe('invalid_role')
    expect((await make({ role: 'org_admin', client_id: (await org.client()).id })).body.code).toBe(
      'invalid_role',
    )
    expect((await make({ role: 'company_admin', client_id: foreign.id })).status).toBe(404)
  })

  it('the last active org_admin stays, even when two are demoted at the same moment', async () => {
    const small = await rig.org()
    const alone = await small.api.post('/api/users/update', {
      user_id: small.adminId,
      is_active: false,
    })
    expect([alone.status, alone.body.code]).toEqual([409, 'last_admin'])
    const second = await small.user('org_admin')
    const answers = await Promise.all(
      [small.adminId, second.id].map((user_id) =>
        small.api.post('/api/users/update', { user_id, is_active: false }),
      ),
    )
    const admins = await rig.query(
      `select id from users where org_id = $1 and role = 'org_admin' and is_active`,
      [small.id],
    )
    expect(admins.length, JSON.stringify(answers.map((answer) => answer.status))).toBe(1)
  })
})

describe('the super-admin secret', () => {
  it('is worth nothing outside its own endpoints', async () => {
    expect(await me(rig.superAdmin)).toBe(401)
    const org2 = await created(rig.superAdmin, '/api/super-admin/orgs', { name: 'Another' })
    expect(org2.id).toMatch(/^[0-9a-f-]{36}$/)
  })
})
