// Events and webhooks through the public API: what happened is listed once and without gaps, and reaches
// endpoints that are slow, fail, redirect or hang.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import { startRig, type Rig, type TestClient, type TestOrg } from './rig.ts'
import { lastingPort } from '../../simulator/src/saved/ports.ts'
import { until } from './until.ts'
import { startReceiver, type ReceiverServer } from '../../simulator/src/receiver/server.ts'
import { eventIn, isSignedWith, verify } from './webhook-signatures.ts'

const ROOT = join(import.meta.dirname, '../..')

interface Event {
  id: string
  type: string
  timestamp: string
  client_id: string | null
  sequence: number
  data: Record<string, unknown>
}

interface Endpoint {
  id: string
  secret: string
  status: string
  disabled_reason: string | null
  failing_since: string | null
  last_failure: string | null
}

interface Delivery {
  id: string
  event_id: string
  status: string
  tries: number
  attempts: { status: number | null; failure: string | null }[]
}

let rig: Rig
let receiver: ReceiverServer
let org: TestOrg
let client: TestClient

beforeAll(async () => {
  // Five seconds between two tries are 50 ms, five minutes three seconds.
  rig = await startRig({
    replicas: 2,
    simulator: true,
    environment: { WORK_WAIT_SCALE: '0.01', WEBHOOK_TIMEOUT_SECONDS: '3' },
  })
  receiver = await startReceiver()
  org = await rig.org()
  client = await org.client()
})
afterAll(async () => {
  await receiver?.[Symbol.asyncDispose]()
  await rig?.[Symbol.asyncDispose]()
})

const required = async <T>(api: Api, path: string, body: object, status = 200): Promise<T> => {
  const answer = await api.post<T>(path, body)
  if (answer.status !== status) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

const endpointAt = (path: string, input: object = {}): Promise<Endpoint> =>
  required(
    org.api,
    '/api/webhook-endpoints/create',
    { url: receiver.url(path), client_ids: [client.id], ...input },
    201,
  )

const endpoint = (id: string): Promise<Endpoint> =>
  required(org.api, '/api/webhook-endpoints/get', { endpoint_id: id })

const remove = (id: string): Promise<unknown> =>
  required(org.api, '/api/webhook-endpoints/delete', { endpoint_id: id })

const deliveriesOf = async (id: string, more: object = {}): Promise<Delivery[]> =>
  (
    await required<{ items: Delivery[] }>(org.api, '/api/webhook-endpoints/deliveries', {
      endpoint_id: id,
      ...more,
    })
  ).items

const eventsOf = async (clientId: string, more: object = {}): Promise<Event[]> =>
  (
    await required<{ items: Event[] }>(org.api, '/api/events/list', {
      client_id: clientId,
      limit: 200,
      ...more,
    })
  ).items

/** The cheapest change that is an event: the client is connected, or connected anew. */
const change = async (of = client): Promise<void> => {
  await of.connect('Acme')
}

describe('events', () => {
  it('tell of every kind of change, once each, without gaps, with ids, states and counts only', async () => {
    const one = await org.client('Confidential Client')
    const salesforce = await rig.simulator.control.createOrg({
      name: 'Events',
      edition: 'Unlimited',
    })
    await one.connect(salesforce.name)
    const snapshot = await one.pull()
    const by = { client_id: one.id, wait_seconds: 55 }
    const plan = {
      objects: [
        {
          api_name: 'Lead',
          fields: [
            {
              api_name: 'Told__c',
              label: 'A Secret Label',
              type: 'Text',
              length: 40,
              external_id: true,
              unique: true,
            },
          ],
        },
      ],
    }
    const report = await required<{ id: string }>(
      org.api,
      '/api/conflicts/check',
      { ...by, plan },
      201,
    )
    const deployment = await required<{ id: string }>(org.api, '/api/deploy/custom-objects', {
      ...by,
      plan,
    })
    await one.pull()
    await required(
      org.api,
      '/api/mappings/create',
      {
        client_id: one.id,
        canonical_object: 'lead',
        sfdc_object: 'Lead',
        external_id_field: 'Told__c',
        fields: [
          { canonical_field: 'key', sfdc_field: 'Told__c' },
          { canonical_field: 'name', sfdc_field: 'LastName' },
          { canonical_field: 'company', sfdc_field: 'Company' },
        ],
      },
      201,
    )
    const push = await required<{ id: string }>(org.api, '/api/push/records', {
      ...by,
      object: 'lead',
      records: [
        { key: 'a', name: 'Private Person', company: 'Unnamed' },
        { key: 'b', name: 'x'.repeat(300), company: 'Unnamed' },
      ],
    })
    await required(org.api, '/api/deploy/rollback', {
      deployment_id: deployment.id,
      allow_data_loss: true,
      wait_seconds: 55,
    })
    await required(org.api, '/api/connections/revoke', { client_id: one.id })

    const events = await eventsOf(one.id, { after_sequence: 0 })
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, at) => at + 1))
    expect(events.map(({ type }) => type)).toEqual([
      'connection.connected',
      'topology.pulled',
      'conflicts.checked',
      'deployment.finished',
      'topology.pulled',
      'push.finished',
      'rollback.finished',
      'connection.revoked',
    ])
    expect(events.map(({ data }) => data)).toMatchObject([
      { code: null, environment: 'production' },
      { snapshot_id: snapshot.id, status: 'complete', version: 1, objects: snapshot.objects_count },
      { report_id: report.id, status: 'complete' },
      { deployment_id: deployment.id, status: 'deployed', components: { failed: 0 } },
      { version: 2, status: 'complete', changes: { changed: 1 } },
      { push_id: push.id, status: 'partial', rows: { total: 2, succeeded: 1, failed: 1 } },
      { deployment_id: deployment.id, components: { restored: 0, remaining: 0 } },
      { code: null },
    ])
    const text = JSON.stringify(events)
    for (const secret of ['Confidential', 'Secret Label', 'Private Person', 'Told__c', org.token]) {
      expect(text).not.toContain(secret)
    }
    // Newest first without `after_sequence`, page by page, and each by its id.
    const page = await required<{ items: Event[]; next_cursor: string }>(
      org.api,
      '/api/events/list',
      { client_id: one.id, after_sequence: 2, limit: 3 },
    )
    expect(page.items.map(({ sequence }) => sequence)).toEqual([3, 4, 5])
    const rest = await required<{ items: Event[]; next_cursor: null }>(
      org.api,
      '/api/events/list',
      { client_id: one.id, after_sequence: 2, limit: 3, cursor: page.next_cursor },
    )
    expect(rest.items.map(({ sequence }) => sequence)).toEqual([6, 7, 8])
    expect(rest.next_cursor).toBeNull()
    expect((await eventsOf(one.id)).map(({ id }) => id)).toEqual(
      events.map(({ id }) => id).toReversed(),
    )
    expect(await required(org.api, '/api/events/get', { event_id: events[3]?.id })).toEqual(
      events[3],
    )
  })

  it('are shown to a company_admin for its own client only, and refused to a company_member', async () => {
    await change()
    const other = await org.client()
    const admin = await org.user('company_admin', client.id)
    const own = await required<{ items: Event[] }>(admin.api, '/api/events/list', {})
    expect(new Set(own.items.map(({ client_id: id }) => id))).toEqual(new Set([client.id]))
    const stranger = await org.user('company_admin', other.id)
    const foreign = await stranger.api.post('/api/events/get', { event_id: own.items[0]?.id })
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found'])
    const member = await org.user('company_member', client.id)
    expect((await member.api.post('/api/events/list', {})).status).toBe(403)
    expect((await admin.api.post('/api/webhook-endpoints/list', {})).status).toBe(403)
  })

  it('of an API budget are told once when it is exhausted and once when it is restored', async () => {
    const [connection] = await rig.database.query<{
      sfdc_org_id: string
    }>('select sfdc_org_id from crm_connections where client_id = $1', [client.id])
    const use = (used: number) =>
      rig.database.query(
        `insert into engine.salesforce_org_usage (sfdc_org_id, used, max, reserve) values ($1, $2, 10000, 1000)
         on conflict (sfdc_org_id) do update set used = excluded.used, max = 10000, reserve = 1000`,
        [connection?.sfdc_org_id, used],
      )
    const before = (await eventsOf(client.id))[0]?.sequence ?? 0
    // One call more or less around the reserve is no news.
    for (const used of [8_000, 9_000, 8_999, 9_001, 8_950, 9_500, 8_000, 7_000]) await use(used)
    const told = await eventsOf(client.id, { after_sequence: before })
    expect(told.map(({ type, data }) => [type, data['used']])).toEqual([
      ['api_budget.exhausted', 9_000],
      ['api_budget.restored', 8_000],
    ])
  })
})

describe('a webhook', () => {
  it('brings an event signed, once, and is listed with its outcome', async () => {
    const { id, secret } = await endpointAt('/plain')
    await change()
    const [message] = await until('it came', () => {
      const all = receiver.at('/plain')
      return all.length > 0 ? all : null
    })
    if (message === undefined) throw new Error('nothing came')
    expect(verify(secret, message)).toEqual(message.body)
    const [event] = await eventsOf(client.id)
    expect(message.body).toEqual(event)
    expect(message.headers['webhook-id']).toBe(event?.id)
    expect(isSignedWith(`whsec_${Buffer.alloc(32).toString('base64')}`, message)).toBe(false)
    const [delivery] = await until('it is noted', async () => {
      const all = await deliveriesOf(id)
      return all[0]?.status === 'delivered' ? all : null
    })
    expect(delivery).toMatchObject({ event_id: event?.id, tries: 1, attempts: [{ status: 204 }] })
    expect(receiver.at('/plain')).toHaveLength(1)
    await remove(id)
  })

  it('comes only for the types and clients that the endpoint asks for', async () => {
    const other = await org.client()
    const pulls = await endpointAt('/pulls', { event_types: ['topology.pulled'] })
    const others = await endpointAt('/others', { client_ids: [other.id] })
    const all = await endpointAt('/all', { client_ids: null, event_types: null })
    await change()
    await client.pull()
    await until('all came', () => receiver.at('/all').length >= 2)
    await until('the pull came', () => receiver.at('/pulls').length > 0)
    expect(receiver.at('/pulls').map((message) => eventIn(message).type)).toEqual([
      'topology.pulled',
    ])
    expect(await deliveriesOf(others.id)).toEqual([])
    for (const { id } of [pulls, others, all]) await remove(id)
  })

  it('that fails, redirects, is cut or not answered is sent again with the same id until it is taken', async () => {
    const elsewhere = receiver.url('/elsewhere')
    const ways = [
      { status: 500 },
      { status: 302, headers: { location: elsewhere } },
      'cut',
      'hang',
    ] as const
    const endpoints = await Promise.all(
      ways.map(async (way, at) => {
        const path = `/way-${at}`
        receiver.behave(path, () => (receiver.at(path).length === 0 ? way : { status: 200 }))
        return endpointAt(path)
      }),
    )
    await change()
    for (const [at, { id, secret }] of endpoints.entries()) {
      const path = `/way-${at}`
      await until(
        `${path} took it`,
        async () => (await deliveriesOf(id))[0]?.status === 'delivered',
      )
      const [first, second] = receiver.at(path)
      expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
      if (second !== undefined) verify(secret, second)
      expect((await endpoint(id)).failing_since, path).toBeNull()
    }
    const failures = await Promise.all(
      endpoints.map(async ({ id }) => (await deliveriesOf(id))[0]?.attempts[0]),
    )
    expect(failures).toMatchObject([
      { status: 500, failure: 'answered_with_error' },
      { status: 302, failure: 'redirected' },
      { status: null, failure: 'connection_failed' },
      { status: null, failure: 'timeout' },
    ])
    expect(receiver.at('/elsewhere')).toEqual([])
    for (const { id } of endpoints) await remove(id)
  })

  it('to endpoints that hang delays no other one, however many events wait', async () => {
    const hanging: { id: string }[] = []
    for (let at = 0; at < 4; at++) {
      receiver.behave(`/hanging-${at}`, 'hang')
      hanging.push(await endpointAt(`/hanging-${at}`))
    }
    await change()
    await until('they hang', () =>
      hanging.every((_, at) => receiver.at(`/hanging-${at}`).length > 0),
    )
    const healthy = await endpointAt('/healthy')
    for (let at = 0; at < 5; at++) await change()
    await until('all came', () => receiver.at('/healthy').length >= 5)
    const events = new Map(
      (
        await rig.database.query<{ id: string; at: Date }>(
          'select id, created_at as at from events where client_id = $1',
          [client.id],
        )
      ).map(({ id, at }) => [id, at.getTime()]),
    )
    const delays = receiver
      .at('/healthy')
      .map((message) => message.at - (events.get(eventIn(message).id) ?? Number.NaN))
    // Behind one that hangs it would take the time-out, which is three seconds; the usual is some milliseconds.
    expect(Math.max(...delays)).toBeLessThan(2_000)
    for (const { id } of [...hanging, healthy]) await remove(id)
  })

  it('is signed with both secrets while they are rotated, and then with the new one only', async () => {
    const created = await endpointAt('/rotated')
    const { secret: second, ...shown } = await required<Endpoint & { former_secret_until: string }>(
      org.api,
      '/api/webhook-endpoints/rotate-secret',
      { endpoint_id: created.id },
    )
    expect(Date.parse(shown.former_secret_until)).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    const tested = () =>
      required<{ delivered: boolean; status: number }>(org.api, '/api/webhook-endpoints/test', {
        endpoint_id: created.id,
      })
    expect(await tested()).toMatchObject({ delivered: true, status: 204 })
    const { secret: third } = await required<Endpoint>(
      org.api,
      '/api/webhook-endpoints/rotate-secret',
      { endpoint_id: created.id },
    )
    await tested()
    await required(org.api, '/api/webhook-endpoints/rotate-secret', {
      endpoint_id: created.id,
      keep_hours: 0,
    })
    await tested()
    const secrets = [created.secret, second, third]
    const signed = receiver
      .at('/rotated')
      .map((message) => secrets.map((secret) => isSignedWith(secret, message)))
    expect(signed).toEqual([
      [true, true, false],
      [false, true, true],
      [false, false, false],
    ])
    expect(await endpoint(created.id)).not.toHaveProperty('secret')
    // Nothing in the database signs: neither a secret nor its bytes are in a row.
    const rows = await rig.database.query<{ row: string }>(
      `select w::text || encode(w.secret, 'escape') as row from webhook_endpoints w where id = $1`,
      [created.id],
    )
    for (const secret of secrets) {
      const bytes = Buffer.from(secret.slice(6), 'base64')
      for (const form of [secret, secret.slice(6), bytes.toString('hex')]) {
        expect(rows[0]?.row).not.toContain(form)
      }
    }
    await remove(created.id)
  })

  it('that was not taken is sent again on request: one by its id, or all since a time', async () => {
    receiver.behave('/resent', { status: 204 })
    await change()
    const { id } = await endpointAt('/resent')
    const resend = (body: object) =>
      required<{ resent: number; has_more: boolean }>(org.api, '/api/webhook-endpoints/resend', {
        endpoint_id: id,
        ...body,
      })
    const [event] = await eventsOf(client.id)
    const since = event?.timestamp
    // It happened before the endpoint existed.
    expect(await resend({ since })).toEqual({ resent: 1, has_more: false })
    await until('it came', () => receiver.at('/resent').length === 1)
    await until('it is noted', async () => (await deliveriesOf(id))[0]?.status === 'delivered')
    expect(await resend({ since })).toEqual({ resent: 0, has_more: false })
    expect(await resend({ event_id: event?.id })).toEqual({ resent: 1, has_more: false })
    await until('it came again', () => receiver.at('/resent').length === 2)
    expect(new Set(receiver.at('/resent').map((message) => eventIn(message).id))).toEqual(
      new Set([event?.id]),
    )
    const neither = await org.api.post<{ code: string; errors: { path: string }[] }>(
      '/api/webhook-endpoints/resend',
      { endpoint_id: id },
    )
    expect([neither.status, neither.body.code]).toEqual([422, 'validation_failed'])
    expect(neither.body.errors.map(({ path }) => path)).toEqual(['event_id'])
    await remove(id)
  })
})

describe('the receiver of the guide', () => {
  it('takes what we sign, once, and refuses what somebody else sends', async () => {
    const guide = readFileSync(join(ROOT, 'docs/guides/webhooks.md'), 'utf8')
    const code = /```js\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''
    const created = await endpointAt('/moves')
    const port = await lastingPort()
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, PORT: String(port), WEBHOOK_SECRET: created.secret },
    })
    const printed: string[] = []
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
    try {
      const url = `http://127.0.0.1:${port}/`
      const post = (body: string) => fetch(url, { method: 'POST', body }).catch(() => null)
      const forged = await until('it listens', () => post('{"type":"push.finished"}'))
      expect(forged?.status).toBe(400)
      await required(org.api, '/api/webhook-endpoints/update', { endpoint_id: created.id, url })
      await change()
      await until('it came', () => printed.length > 0)
      const [event] = await eventsOf(client.id)
      await required(org.api, '/api/webhook-endpoints/resend', {
        endpoint_id: created.id,
        event_id: event?.id,
      })
      await until(
        'it was taken twice',
        async () => (await deliveriesOf(created.id, { status: 'delivered' })).length === 2,
      )
      expect(printed.join('')).toBe(`connection.connected ${JSON.stringify(event?.data)}\n`)
    } finally {
      child.kill()
    }
    await remove(created.id)
  })
})

describe('an endpoint', () => {
  it('that answers 410 is disabled at once; enabled again, it gets what it missed on request', async () => {
    receiver.behave('/gone', { status: 410 })
    const { id } = await endpointAt('/gone')
    await change()
    await until('it is disabled', async () => (await endpoint(id)).status === 'disabled')
    expect(await endpoint(id)).toMatchObject({
      disabled_reason: 'gone',
      last_failure: 'answered_with_error 410',
    })
    expect(await deliveriesOf(id)).toMatchObject([{ status: 'failed', tries: 1 }])
    const since = new Date().toISOString()
    await change()
    const refused = await org.api.post('/api/webhook-endpoints/test', { endpoint_id: id })
    expect([refused.status, refused.body.code]).toEqual([409, 'endpoint_disabled'])
    const own = await required<{ items: Event[] }>(org.api, '/api/events/list', {
      types: ['webhook_endpoint.disabled'],
    })
    expect(own.items[0]).toMatchObject({
      client_id: null,
      data: { endpoint_id: id, reason: 'gone' },
    })

    receiver.behave('/gone', { status: 204 })
    await required(org.api, '/api/webhook-endpoints/update', { endpoint_id: id, status: 'active' })
    await required(org.api, '/api/webhook-endpoints/resend', { endpoint_id: id, since })
    await until('what it missed came', () => receiver.at('/gone').length === 2)
    await remove(id)
  })

  it('from which nothing but failures came for five days is disabled, and this is told', async () => {
    receiver.behave('/failing', { status: 503 })
    const { id } = await endpointAt('/failing')
    await change()
    await until('it fails', async () => (await endpoint(id)).failing_since !== null)
    expect((await endpoint(id)).status).toBe('active')
    await rig.database.query(
      `update webhook_endpoints set failing_since = now() - interval '5 days' where id = $1`,
      [id],
    )
    await change()
    await until('it is disabled', async () => (await endpoint(id)).status === 'disabled')
    expect((await endpoint(id)).disabled_reason).toBe('failing')
    // One whose try was under way ends with it.
    await until(
      'nothing is pending',
      async () => (await deliveriesOf(id, { status: 'pending' })).length === 0,
    )
    const { items } = await required<{ items: { outcome: string }[] }>(org.api, '/api/audit/list', {
      action: 'webhook_endpoint.disabled',
    })
    expect(items[0]?.outcome).toBe('failing')
    await remove(id)
  })

  it('ends a delivery as failed after the tenth try', async () => {
    receiver.behave('/last', { status: 500 })
    const { id } = await endpointAt('/last')
    await change()
    await until('it was tried', async () => ((await deliveriesOf(id))[0]?.tries ?? 0) > 0)
    await until('it failed', async () => {
      // Again where a try that was under way has written its own number over it.
      await rig.database.query(
        `update webhook_deliveries set tries = 9, next_try_at = now()
          where endpoint_id = $1 and status = 'pending' and tries < 9`,
        [id],
      )
      return (await deliveriesOf(id))[0]?.status === 'failed'
    })
    expect((await deliveriesOf(id))[0]?.tries).toBe(10)
    await remove(id)
  })

  it('is refused with the reason if its URL does not lead to the internet', async () => {
    const other = await rig.org()
    const urls = [
      'http://hooks.example.com/',
      'ftp://hooks.example.com/',
      'https://user:password@93.184.216.34/',
      'https://93.184.216.34/#part',
      'https://10.0.0.1/',
      'https://0x0a.1/',
      'https://167772161/',
      'https://169.254.169.254/latest/meta-data/',
      'https://[::ffff:10.0.0.1]/',
      'https://[64:ff9b::a00:1]/',
      'https://[fd00::1]/',
      'not a url',
    ]
    for (const url of urls) {
      const answer = await other.api.post<{ code: string; errors: { path: string }[] }>(
        '/api/webhook-endpoints/create',
        { url },
      )
      expect([answer.status, answer.body.code], url).toEqual([400, 'endpoint_refused'])
      expect(answer.body.errors[0]?.path).toBe('url')
    }
    const list = await required<{ items: unknown[] }>(other.api, '/api/webhook-endpoints/list', {})
    expect(list.items).toEqual([])
  })

  it('is created once for a repeated key, and the secret is not shown a second time', async () => {
    const key = { 'idempotency-key': 'the same endpoint' }
    const body = { url: receiver.url('/once') }
    const first = await org.api.post<Endpoint>('/api/webhook-endpoints/create', body, key)
    const second = await org.api.post<Endpoint>('/api/webhook-endpoints/create', body, key)
    expect([first.status, second.status]).toEqual([201, 201])
    expect(first.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(second.body).toEqual({ ...first.body, secret: null })
    await remove(first.body.id)
  })

  it('is one of twenty at most', async () => {
    const small = await rig.org()
    const create = () =>
      small.api.post('/api/webhook-endpoints/create', { url: receiver.url('/many') })
    const made = await Promise.all(Array.from({ length: 22 }, create))
    expect(made.filter(({ status }) => status === 201)).toHaveLength(20)
    expect(made.find(({ status }) => status !== 201)?.body.code).toBe('too_many_endpoints')
  })
})
