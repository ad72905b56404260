import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNangoControl, type NangoControl } from '../../simulator/src/nango/control/client.ts'
import { startNango, type NangoSimulator } from '../../simulator/src/nango/index.ts'
import { startRig, type Rig } from './rig.ts'
import { logOf } from './server-process.ts'
import {
  startSalesforceStandIn,
  type SalesforceStandIn,
} from '../../server/src/domain/connections/testing/salesforce-stand-in.ts'

const KEY = '3f1a7c1e-8a53-4d5e-9d37-0e4c6f6d2b11'
const SIGNING_KEY = 'signing-key'

interface Connection {
  id: string
  status: string
  nango_connection_id?: string
  failed_steps?: unknown[]
  health?: { ok: boolean }
}

interface Created {
  connection: Connection
  session_token: string | null
  connect_link: string | null
  expires_at: string
}

let salesforce: SalesforceStandIn
let nango: NangoSimulator
let control: NangoControl
let rig: Rig

beforeAll(async () => {
  salesforce = await startSalesforceStandIn()
  nango = await startNango({
    hosts: { 'login.salesforce.com': salesforce.url },
    secretKey: KEY,
    webhookSigningKey: SIGNING_KEY,
    integrations: [
      {
        key: 'salesforce',
        provider: 'salesforce',
        clientId: 'client',
        clientSecret: 'secret',
        scopes: 'refresh_token,api,id',
      },
    ],
  })
  control = createNangoControl(nango.url)
  rig = await startRig({
    environment: {
      NANGO_BASE_URL: nango.url,
      NANGO_SECRET_KEY: KEY,
      NANGO_WEBHOOK_SIGNING_KEY: `older-key,${SIGNING_KEY}`,
      SFDC_INSTANCE_HOST_ALLOWLIST: new URL(salesforce.url).host,
    },
  })
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await nango.close()
  await salesforce.close()
})

const authorize = async (session: Created) => {
  const made = (await control.sessions()).find(({ token }) => token === session.session_token)
  return control.createConnection({
    provider_config_key: 'salesforce',
    tags: made?.tags ?? {},
    raw: salesforce.raw(salesforce.issue('00DWs000001AbCdMAK')),
  })
}

const post = (path: string, body: string | Buffer, signature?: string) =>
  rig.api.raw(path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(signature === undefined ? {} : { 'x-nango-hmac-sha256': signature }),
    },
    body,
  })

const sign = (body: string) => createHmac('sha256', SIGNING_KEY).update(body).digest('hex')

describe('the life of a connection over HTTP', () => {
  it('goes from created to revoked, and no answer or log line holds a token', async () => {
    const org = await rig.org()
    const client = await org.client()
    const by = { client_id: client.id }
    const key = { 'idempotency-key': randomUUID() }
    const created = await org.api.post<Created>('/api/connections/create', by, key)
    expect(created.status).toBe(201)
    const replayed = await org.api.post<Created>('/api/connections/create', by, key)
    expect(replayed.headers.get('idempotency-replayed')).toBe('true')
    expect(replayed.status).toBe(201)
    expect(replayed.body).toEqual({ ...created.body, session_token: null, connect_link: null })
    const early = await org.api.post('/api/connections/callback', by)
    expect([early.status, early.body.code]).toEqual([409, 'connection_not_ready'])
    expect(early.body.remedy).toContain('Have the connect link opened')

    const { connection_id } = await authorize(created.body)
    const accepted = await org.api.post<Connection>('/api/connections/callback', {
      ...by,
      nango_connection_id: connection_id,
    })
    expect(accepted.body).toMatchObject({ status: 'connected', nango_connection_id: connection_id })
    const refreshed = await org.api.post<Connection>('/api/connections/refresh', by)
    expect(refreshed.body.status).toBe('connected')
    const updated = await org.api.post('/api/connections/update', { ...by, api_version: 'v67.0' })
    expect(updated.body.api_version).toBe('v67.0')
    const member = await org.user('company_member', client.id)
    const seen = await member.api.post<Connection>('/api/connections/get', { ...by, check: true })
    expect(seen.body.health).toMatchObject({ ok: true, faults: [] })
    expect(seen.body).not.toHaveProperty('nango_connection_id')
    expect((await member.api.post('/api/connections/revoke', by)).status).toBe(403)
    const listed = await org.api.post<{ items: Connection[] }>('/api/connections/list', {
      status: 'connected',
    })
    expect(listed.body.items.map(({ id }) => id)).toEqual([accepted.body.id])

    const revoked = await org.api.post<Connection>('/api/connections/revoke', by)
    expect(revoked.body).toMatchObject({ status: 'revoked', failed_steps: [] })
    const after = await org.api.post('/api/connections/refresh', by)
    expect([after.status, after.body.code]).toEqual([409, 'connection_not_ready'])

    const answers = [accepted, refreshed, updated, seen, listed, revoked]
      .map(({ text }) => text)
      .join()
    const lines = await logOf(rig.servers)
    for (const secret of ['!AQ_access', '5Aep861', created.body.session_token ?? '', KEY]) {
      expect(answers).not.toContain(secret)
      expect(lines).not.toContain(secret)
    }
    const stored = await rig.database.query<{ all: string }>(
      `select string_agg(k::text, '') || (select string_agg(i::text, '') from idempotency_keys i) as all from crm_connections k`,
    )
    expect(stored[0]?.all).toContain(connection_id)
    expect(stored[0]?.all).not.toMatch(/!AQ_access|5Aep861|nango_connect_session_/)
  })

  it('refuses what does not fit the schema', async () => {
    const org = await rig.org()
    const client = await org.client()
    for (const [path, body] of [
      ['create', { client_id: client.id, api_version: '66' }],
      ['create', { client_id: client.id, enviroment: 'production' }],
      ['callback', { client_id: client.id, nango_connection_id: '../x' }],
      ['get', {}],
      ['get', { client_id: client.id, connection_id: client.id }],
      ['list', { status: 'open' }],
    ] as const) {
      const answer = await org.api.post(`/api/connections/${path}`, body)
      expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([
        422,
        'validation_failed',
      ])
    }
  })

  it('names Nango when it is Nango that refuses', async () => {
    const org = await rig.org()
    const client = await org.client()
    await control.addFault({
      path: '/connect/sessions',
      times: 1,
      status: 403,
      body: { error: { code: 'forbidden', message: 'Insufficient scope.' } },
    })
    const key = { 'idempotency-key': randomUUID() }
    const refused = await org.api.post('/api/connections/create', { client_id: client.id }, key)
    expect([refused.status, refused.body.code]).toEqual([502, 'nango_error'])
    expect(refused.body.upstream).toEqual({
      service: 'nango',
      status: 403,
      code: 'forbidden',
      message: 'Insufficient scope.',
    })
    const again = await org.api.post('/api/connections/create', { client_id: client.id }, key)
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null])
  })
})

describe("Nango's webhook over HTTP", () => {
  const path = '/api/webhooks/nango'

  it('connects a client by the signed hint of a creation', async () => {
    const org = await rig.org()
    const client = await org.client()
    const created = await org.api.post<Created>('/api/connections/create', { client_id: client.id })
    const { connection_id, tags } = await authorize(created.body)
    const body = JSON.stringify({
      type: 'auth',
      operation: 'creation',
      connectionId: connection_id,
      success: true,
      tags,
    })
    expect((await post(path, body, sign(body))).status).toBe(200)
    const seen = await org.api.post<Connection>('/api/connections/get', { client_id: client.id })
    expect(seen.body).toMatchObject({ status: 'connected', nango_connection_id: connection_id })
  })

  it('is 401 without the right signature, 413 when too large, and 200 for what says nothing', async () => {
    const body = '{"type":"sync","größe":"ü"}'
    expect((await post(path, body, sign(body))).body).toEqual({ received: true })
    for (const signature of [undefined, sign(`${body} `)]) {
      const answer = await post(path, body, signature)
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated'])
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    const large = JSON.stringify({ type: 'auth', x: 'x'.repeat(256 * 1024) })
    expect((await post(path, large, sign(large))).status).toBe(413)
  })

  it('does not exist where no key is configured', async () => {
    const server = await rig.addServer({ NANGO_WEBHOOK_SIGNING_KEY: '' })
    const body = '{"type":"auth"}'
    const answer = await fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-nango-hmac-sha256': sign(body) },
      body,
    })
    expect(answer.status).toBe(404)
  })
})
