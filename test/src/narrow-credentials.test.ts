// API tokens with less power than their user: only some permissions, only some clients, and none that could
// make itself more.

import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import { documented, type Endpoint } from './endpoints.ts'
import { PASSWORD, type TestClient, type TestOrg } from './rig.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'

/** What comes with a permission, because it is needed to follow what was started. */
const INCLUDED: Readonly<Record<string, string[]>> = {
  'connections.read': [],
  'connections.write': ['connections.read', 'topology.read'],
  'topology.read': [],
  'deploy.read': [],
  'deploy.write': ['deploy.read', 'topology.read'],
  'push.read': [],
  'push.write': ['push.read'],
  'workflows.read': [],
  'workflows.write': ['workflows.read', 'deploy.read'],
  'events.read': [],
  'webhooks.manage': ['events.read'],
  'fleet.read': [],
  'fleet.write': ['fleet.read'],
  'org.manage': [],
}

let rig: SharedRig
let org: TestOrg
let clients: TestClient[]
let endpoints: Endpoint[]

const tokenWith = async (limits: object, by: Api = org.api): Promise<Api> => {
  const { status, text, body } = await by.post<{ token: string }>('/api/tokens/create', {
    name: 'narrow',
    ...limits,
  })
  if (status !== 201) throw new Error(text)
  return org.api.as(body.token)
}
const refusal = async (limits: object, by: Api = org.api) => {
  const { status, body } = await by.post<{
    code: string
    errors?: { path: string; code: string }[]
  }>('/api/tokens/create', { name: 'refused', ...limits })
  const { path, code } = body.errors?.[0] ?? {}
  return [status, body.code, path, code].filter((part) => part !== undefined).join(' ')
}
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()

beforeAll(async () => {
  rig = await sharedRig()
  endpoints = await documented(rig.urls[0] ?? '')
  org = await rig.org()
  clients = [await org.client(), await org.client(), await org.client()]
})

describe('a token with scopes', () => {
  it('may do what they say at every endpoint, what they need besides, and nothing else', async () => {
    const permissions = Object.keys(INCLUDED)
    expect(endpoints.length).toBeGreaterThan(50)
    const named = new Set(endpoints.map(({ permission }) => permission))
    expect([...named].filter((one) => one !== null && !permissions.includes(one))).toEqual([])
    for (const scope of permissions) {
      const api = await tokenWith({ scopes: [scope] })
      const has = [scope, ...(INCLUDED[scope] ?? [])]
      const me = await api.get<{ permissions: string[] }>('/api/auth/me')
      expect(me.body.permissions.toSorted()).toEqual(has.toSorted())
      const isRefused = async ({ path, example, permission }: Endpoint) =>
        (await api.post(path, example)).text.includes(`This needs the permission ${permission}.`)
      const limited = endpoints.filter(({ permission }) => permission !== null)
      const refused = await Promise.all(limited.map(isRefused))
      expect(limited.map(({ path }) => path).filter((_, at) => refused[at])).toEqual(
        limited.filter(({ permission }) => !has.includes(permission ?? '')).map(({ path }) => path),
      )
    }
  })

  it('never has more than the user’s role has, today or when it was created', async () => {
    const client = clients[0]?.id
    const user = await org.user('company_admin', client)
    expect(await refusal({ user_id: user.id, scopes: ['deploy.read', 'deploy.write'] })).toBe(
      '422 validation_failed scopes.1 not_permitted',
    )
    const api = await tokenWith({ user_id: user.id, scopes: ['deploy.read', 'workflows.read'] })
    const permissions = async () =>
      (await api.get<{ permissions: string[] }>('/api/auth/me')).body.permissions
    expect(await permissions()).toEqual(['deploy.read', 'workflows.read'])
    await org.api.post('/api/users/update', { user_id: user.id, role: 'company_member' })
    expect(await permissions()).toEqual([])
  })

  it('that manages the organization cannot give itself or anybody more than it has', async () => {
    const manager = await tokenWith({ scopes: ['org.manage'] })
    expect(await refusal({}, manager)).toBe('403 forbidden')
    expect(await refusal({ scopes: ['push.write'] }, manager)).toBe('403 forbidden')
    const user = { email: `${randomUUID()}@agency.example`, password: PASSWORD, role: 'org_admin' }
    const created = await manager.post<{ code: string }>('/api/users/create', user)
    expect(created.body.code).toBe('forbidden')
    // With the password of the admin it could log in as one.
    const taken = await manager.post<{ code: string }>('/api/users/update', {
      user_id: org.adminId,
      password: 'another passphrase',
    })
    expect(taken.body.code).toBe('forbidden')
    expect(await refusal({ scopes: ['org.manage'] }, manager)).toBe('201')
  })
})

describe('a token of some clients', () => {
  it('sees these and no others, whether one or several, and never manages the organization', async () => {
    const [one, two, three] = clients.map(({ id }) => id)
    for (const ids of [[one], [one, two]]) {
      const api = await tokenWith({ client_ids: ids })
      const { body } = await api.post<{ items: { id: string }[] }>('/api/clients/list', {})
      expect(body.items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
      const foreign = await api.post<{ code: string }>('/api/clients/get', { client_id: three })
      const missing = await api.post<{ code: string }>('/api/clients/get', {
        client_id: randomUUID(),
      })
      expect([foreign.status, foreign.body.code]).toEqual([missing.status, missing.body.code])
      expect((await api.post('/api/users/list', {})).status).toBe(403)
    }
  })

  it('is refused where a client is unknown or not the user’s', async () => {
    const [one, two] = clients.map(({ id }) => id)
    const user = await org.user('company_admin', one)
    expect(await refusal({ client_ids: [one, randomUUID()] })).toBe('404 not_found')
    expect(await refusal({ user_id: user.id, client_ids: [two] })).toBe(
      '400 invalid_client client_ids.0 invalid_client',
    )
    for (const scope of ['org.manage', 'webhooks.manage', 'fleet.read', 'fleet.write']) {
      expect(await refusal({ client_ids: [one], scopes: [scope] })).toBe(
        '422 validation_failed scopes.0 not_allowed',
      )
    }
  })

  it('is not told whose client holds the Salesforce org that it authorizes', async () => {
    const held = (await rig.salesforceOrg()).name
    const holder = await org.client(`Holder ${randomUUID()}`)
    await holder.connect(held)
    const [one = ''] = clients.map(({ id }) => id)
    const answerOf = async (api: Api) => {
      const session = await api.post<{ connect_link: string }>('/api/connections/create', {
        client_id: one,
      })
      await rig.simulator.control.authorize({ connectLink: session.body.connect_link, org: held })
      return api.post<{ code: string }>('/api/connections/callback', { client_id: one })
    }
    const [confined, whole] = [
      await answerOf(await tokenWith({ client_ids: [one] })),
      await answerOf(org.api),
    ]
    expect([confined.body.code, whole.body.code]).toEqual(['already_exists', 'already_exists'])
    expect(whole.text).toContain(holder.id)
    expect(confined.text).not.toContain(holder.id)
  })

  it('keeps its idempotency keys, and gets no answer of a credential that sees more', async () => {
    const [one, two] = clients.map(({ id }) => id)
    const body = {
      client_id: one,
      canonical_object: `thing_${randomUUID().slice(0, 8)}`,
      sfdc_object: 'Lead',
      fields: [{ canonical_field: 'name', sfdc_field: 'LastName' }],
    }
    const key = { 'idempotency-key': randomUUID() }
    const api = await tokenWith({ client_ids: [two, one] })
    const first = await api.post<{ id: string }>('/api/mappings/create', body, key)
    expect(first.status, first.text).toBe(201)
    const again = await api.post<{ id: string }>('/api/mappings/create', body, key)
    expect([again.status, again.body.id]).toEqual([201, first.body.id])
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    for (const other of [org.api, await tokenWith({ client_ids: [one] })]) {
      const { body: problem } = await other.post<{ code: string }>(
        '/api/mappings/create',
        body,
        key,
      )
      expect(problem.code).toBe('idempotency_key_reused')
    }
  })
})

describe('a token that has to ask', () => {
  it('expires, and never manages the organization', async () => {
    expect(await refusal({ approval: 'required' })).toBe(
      '422 validation_failed expires_at required',
    )
    const limits = { approval: 'required', expires_at: inAnHour() }
    for (const scope of ['org.manage', 'webhooks.manage']) {
      expect(await refusal({ ...limits, scopes: [scope] })).toBe(
        '422 validation_failed scopes.0 not_allowed',
      )
    }
    const me = await (
      await tokenWith(limits)
    ).get<{ permissions: string[]; approval: string }>('/api/auth/me')
    expect(me.body.approval).toBe('required')
    expect(me.body.permissions).toContain('deploy.write')
    expect(me.body.permissions).not.toContain('org.manage')
    expect(me.body.permissions).not.toContain('webhooks.manage')
    // What a rollout does to Salesforce orgs is asked for, like a deployment.
    expect(me.body.permissions).toContain('fleet.write')
  })
})
