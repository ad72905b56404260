// Salesforce sessions across two replicas: one refresh however many need it, and a dead one is refused
// at once.

import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { createNangoControl } from '../../simulator/src/nango/control/client.ts'
import { apiOf, type Api } from './api.ts'
import { type Connection, type TestClient, type TestOrg } from './rig.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'

let rig: SharedRig
let acme: SalesforceOrg
let org: TestOrg
let client: TestClient
let connection: Connection
let replicas: Api[]

beforeAll(async () => {
  rig = await sharedRig()
  acme = await rig.salesforceOrg()
  org = await rig.org()
  client = await org.client()
  connection = await client.connect(acme.name)
  replicas = rig.urls.map((url) => apiOf(url, org.token))
})

const nango = () => createNangoControl(rig.simulator.nangoUrl)
const check = (api: Api) =>
  api.post<{ health: { ok: boolean; faults: { code: string; remedy: string }[] } }>(
    '/api/connections/get',
    {
      client_id: client.id,
      check: true,
    },
  )

describe('a connection', () => {
  it('is healthy when the connected user has what the engine needs, and says what is missing when not', async () => {
    const healthy = await check(org.api)
    expect(healthy.body.health).toMatchObject({ ok: true, faults: [] })

    const other = await org.client()
    const second = await rig.salesforceOrg()
    await other.connect(second.name, { username: second.usernameOf('restricted') })
    const answer = await org.api.post<{
      health: { ok: boolean; missing_permissions: string[]; faults: { remedy: string }[] }
    }>('/api/connections/get', { client_id: other.id, check: true })
    expect(answer.body.health.ok).toBe(false)
    expect(answer.body.health.missing_permissions.length).toBeGreaterThan(0)
    for (const fault of answer.body.health.faults) expect(fault.remedy).not.toBe('')
  })

  it('shows its Nango ids to org_admin only', async () => {
    const member = await org.user('company_member', client.id)
    const mine = await org.api.post<Connection>('/api/connections/get', { client_id: client.id })
    const theirs = await member.api.post('/api/connections/get', { client_id: client.id })
    expect(mine.body.nango_connection_id).toMatch(/^[0-9a-f-]{36}$/)
    expect(theirs.text).not.toContain(mine.body.nango_connection_id)
  })

  it('whose session expired is refreshed exactly once for 100 concurrent callers on two replicas', async () => {
    await Promise.all(replicas.map(check)) // both hold the session
    await rig.simulator.control.act('sessions/expire', { org: acme.name })
    const before = await nango().counters()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => check(replicas[i % 2] ?? org.api)),
    )
    for (const answer of answers)
      expect(answer.body.health, answer.text.slice(0, 300)).toMatchObject({ ok: true })
    const after = await nango().counters()
    const refreshes = (counters: typeof before) =>
      Number(counters.refreshes[connection.nango_connection_id] ?? 0)
    expect(refreshes(after) - refreshes(before)).toBe(1)
  })

  it('that Salesforce no longer honours answers with a reason and a remedy, not with a 500', async () => {
    const doomed = await org.client()
    const { name } = await rig.salesforceOrg()
    await doomed.connect(name)
    await rig.simulator.control.act('refresh-tokens/revoke', { org: name })
    await rig.simulator.control.act('sessions/expire', { org: name })
    const answer = await org.api.post('/api/connections/refresh', { client_id: doomed.id })
    expect([answer.status, answer.body.code]).toEqual([502, 'nango_error'])
    expect(answer.body.upstream).toMatchObject({ service: 'nango' })
  })

  it('behind which another Salesforce org appears makes no call there', async () => {
    const { control } = rig.simulator
    const [before, after] = [await rig.salesforceOrg(), await rig.salesforceOrg()]
    const moved = await org.client()
    const { sfdc_org_id } = await moved.connect(before.name)
    await control.act('refresh-tokens/move', { org: before.name, to: after.name })
    await control.clearJournal(after.name)
    const answer = await org.api.post('/api/connections/refresh', { client_id: moved.id })
    expect([answer.status, answer.body.code]).toEqual([409, 'salesforce_org_changed'])
    expect(await control.journal(after.name)).toEqual([])
    const now = await org.api.post<Connection>('/api/connections/get', { client_id: moved.id })
    expect(now.body).toMatchObject({
      status: 'error',
      error: { code: 'salesforce_org_changed' },
      sfdc_org_id,
    })
    const pull = await org.api.post('/api/topology/pull', { client_id: moved.id })
    expect(pull.status).toBe(409)
  })

  it('of another tenant cannot be taken by its id, and is left alone', async () => {
    const victim = await rig.org()
    const victimClient = await victim.client()
    const theirs = await victimClient.connect((await rig.salesforceOrg()).name)
    const thief = await org.client()
    await org.api.post('/api/connections/create', { client_id: thief.id })
    const answer = await org.api.post('/api/connections/callback', {
      client_id: thief.id,
      nango_connection_id: theirs.nango_connection_id,
    })
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
    const still = await victim.api.post<Connection & { health: { ok: boolean } }>(
      '/api/connections/get',
      {
        client_id: victimClient.id,
        check: true,
      },
    )
    expect(still.body).toMatchObject({ status: 'connected', health: { ok: true } })
  })

  it('that is revoked is dead on both replicas with the next request, and gone at Salesforce and Nango', async () => {
    const { control } = rig.simulator
    const { name } = await rig.salesforceOrg()
    const leaving = await org.client()
    const left = await leaving.connect(name)
    for (const api of replicas) {
      await api.post('/api/connections/get', { client_id: leaving.id, check: true })
    }
    const revoked = await replicas[0]?.post<Connection>('/api/connections/revoke', {
      client_id: leaving.id,
    })
    expect(revoked?.body).toMatchObject({ status: 'revoked', failed_steps: [] })
    for (const api of replicas) {
      const pull = await api.post('/api/topology/pull', { client_id: leaving.id })
      expect([pull.status, pull.body.code]).toEqual([409, 'connection_not_ready'])
    }
    expect(await control.act('sessions/list', { org: name })).toEqual([])
    const atNango = (await nango().connections()).find(
      (found) => found.connection_id === left.nango_connection_id,
    )
    expect(atNango?.deleted_at, 'Nango keeps what it deleted, marked').not.toBeNull()
  })
})

describe("Nango's webhook", () => {
  const send = (body: string, key: string) =>
    org.api.as(null).raw('/api/webhooks/nango', {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'x-nango-hmac-sha256': createHmac('sha256', key).update(body).digest('hex'),
      },
    })

  it('is taken with the right signature only, and an unknown kind is 200', async () => {
    const key = rig.environment.NANGO_WEBHOOK_SIGNING_KEY ?? ''
    const body = JSON.stringify({ from: 'nango', type: 'something-new', connectionId: 'x' })
    expect((await send(body, key)).status).toBe(200)
    expect((await send(body, 'another key')).status).toBe(401)
  })
})
