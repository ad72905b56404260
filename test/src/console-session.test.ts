// The console's session: a cookie that counts for the console's own page only, and is a session and
// nothing else.

import { request } from 'node:http'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import { SUPER_ADMIN_SECRET } from './server-process.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const OWN_PAGE = { ...JSON_TYPE, 'sec-fetch-site': 'same-origin' }

let rig: SharedRig
let org: TestOrg
let client: TestClient
let nobody: Api

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  client = await org.client()
  nobody = org.api.as(null)
})

const signIn = (body: object, headers: Record<string, string> = OWN_PAGE, api = nobody) =>
  api.raw('/console/session', { method: 'POST', headers, body: JSON.stringify(body) })

/** `name=value` of the cookie that an answer sets. */
const cookieOf = (answer: { headers: Headers }): string =>
  answer.headers.get('set-cookie')?.split(';')[0] ?? ''

const cookie = async (): Promise<string> =>
  cookieOf(await signIn({ email: org.email, password: org.password }))

const me = (headers: Record<string, string>) => nobody.get('/api/auth/me', headers)

/** Renames the client; the status says whether the credential counted. */
const rename = async (headers: Record<string, string>): Promise<number> => {
  const answer = await nobody.raw('/api/clients/update', {
    method: 'POST',
    headers,
    body: JSON.stringify({ client_id: client.id, name: 'Renamed' }),
  })
  return answer.status
}

describe('signing in to the console', () => {
  it('sets a cookie that no script reads, and that only this host takes back', async () => {
    const answer = await signIn({ email: org.email, password: org.password })
    expect(answer.status).toBe(200)
    const set = answer.headers.get('set-cookie') ?? ''
    expect(set).toMatch(
      /^__Host-sfx=[\w.-]+; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
    )
    expect(answer.text).not.toContain(cookieOf(answer).split('=')[1])
    const who = await me({ cookie: cookieOf(answer), 'sec-fetch-site': 'same-origin' })
    expect(who.body).toMatchObject({ email: org.email, auth_method: 'session' })
  })

  it('refuses wrong passwords like /api/auth/login, and sets nothing', async () => {
    const answer = await signIn({ email: org.email, password: 'wrong wrong wrong' })
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated'])
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  it.each([
    ['another site', { ...JSON_TYPE, 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { ...JSON_TYPE, 'sec-fetch-site': 'same-site' }],
    [
      'another origin, of a browser that says no more',
      { ...JSON_TYPE, origin: 'https://x.example' },
    ],
    ['a page without an origin', { ...JSON_TYPE, origin: 'null' }],
    ['a program', JSON_TYPE],
  ])('refuses %s', async (_who, headers) => {
    const answer = await signIn({ email: org.email, password: org.password }, headers)
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  it('takes JSON only, which no form can send', async () => {
    const answer = await nobody.raw('/console/session', {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'sec-fetch-site': 'same-origin' },
      body: JSON.stringify({ email: org.email, password: org.password }),
    })
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type'])
  })

  it('with the session of a link works on this machine, and with nothing but a session', async () => {
    const { body } = await nobody.post<{ access_token: string }>('/api/auth/login', {
      email: org.email,
      password: org.password,
    })
    const answer = await signIn({ session: body.access_token })
    expect(cookieOf(answer)).toBe(`__Host-sfx=${body.access_token}`)
    for (const session of [org.token, 'eyJhbGciOiJub25lIn0.e30.']) {
      const refused = await signIn({ session })
      expect([refused.status, refused.body.code]).toEqual([401, 'unauthenticated'])
      expect(refused.headers.get('set-cookie')).toBeNull()
    }
  })
})

describe('a link that signs in', () => {
  it('is refused anywhere but on this machine: its author could let others work in their account', async () => {
    const { session } = await org.user('org_admin')
    const body = JSON.stringify({ session })
    const { hostname, port } = new URL(rig.urls[0])
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { ...OWN_PAGE, host: 'engine.agency.example', 'content-length': body.length }
      request({ hostname, port, path: '/console/session', method: 'POST', headers }, (answer) => {
        answer.resume()
        expect(answer.headers['set-cookie']).toBeUndefined()
        answer.once('end', () => resolve(answer.statusCode))
      })
        .once('error', reject)
        .end(body)
    })
    expect(status).toBe(403)
  })
})

describe('the cookie', () => {
  it('counts for requests of the console itself, also of browsers that send only Origin', async () => {
    const mine = await cookie()
    const origin = rig.urls[0]
    expect(await rename({ ...OWN_PAGE, cookie: mine })).toBe(200)
    expect(await rename({ ...JSON_TYPE, origin, cookie: `other=1; ${mine}` })).toBe(200)
  })

  it.each([
    ['another site', { ...JSON_TYPE, 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { ...JSON_TYPE, 'sec-fetch-site': 'same-site' }],
    ['the address bar', { ...JSON_TYPE, 'sec-fetch-site': 'none' }],
    ['another origin', { ...JSON_TYPE, origin: 'https://x.example' }],
    ['nobody knows', JSON_TYPE],
    ['another site, which claims our origin', { ...OWN_PAGE, 'sec-fetch-site': 'cross-site' }],
  ])('does not count for a request of %s', async (_who, headers) => {
    expect(await rename({ ...headers, cookie: await cookie() })).toBe(401)
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'does not count for a body of %s',
    async (type) => {
      const headers = { 'content-type': type, 'sec-fetch-site': 'same-origin' }
      expect(await rename({ ...headers, cookie: await cookie() })).toBe(401)
    },
  )

  it('is not asked where there is an Authorization header, right or wrong', async () => {
    const mine = await cookie()
    const other = await rig.org()
    const own = { cookie: mine, 'sec-fetch-site': 'same-origin' }
    const who = await me({ ...own, authorization: `Bearer ${other.token}` })
    expect(who.body.email).toBe(other.email)
    for (const authorization of ['Bearer wrong', 'Basic eDp5', '']) {
      expect((await me({ ...own, authorization })).status).toBe(401)
    }
  })

  it('is a session: an API token in it, and the bootstrap secret, are refused', async () => {
    const own = { 'sec-fetch-site': 'same-origin' }
    expect((await me({ ...own, cookie: `__Host-sfx=${org.token}` })).status).toBe(401)
    const answer = await nobody.raw('/api/super-admin/orgs', {
      method: 'POST',
      headers: {
        ...OWN_PAGE,
        cookie: `__Host-sfx=${SUPER_ADMIN_SECRET}`,
      },
      body: JSON.stringify({ name: 'Taken over' }),
    })
    expect(answer.status).toBe(401)
  })

  it('does not let an agent in', async () => {
    const answer = await nobody.raw('/mcp', {
      method: 'POST',
      headers: { ...OWN_PAGE, cookie: await cookie() },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    expect(answer.status).toBe(401)
  })

  it('is dead after signing out, on every replica, and gone from the browser', async () => {
    const mine = await cookie()
    const own = { cookie: mine, 'sec-fetch-site': 'same-origin' }
    const foreign = await nobody.raw('/console/session', {
      method: 'DELETE',
      headers: { ...own, 'sec-fetch-site': 'cross-site' },
    })
    expect(foreign.status).toBe(403)
    expect((await me(own)).status).toBe(200)
    const answer = await nobody.raw('/console/session', { method: 'DELETE', headers: own })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('set-cookie')).toMatch(/^__Host-sfx=; .*Max-Age=0$/)
    for (const url of rig.urls) {
      const { status } = await fetch(`${url}/api/auth/me`, { headers: own })
      expect(status).toBe(401)
    }
  })
})
