// Events in the database: numbered without gaps whatever happens at once, kept for 30 days, and in the
// shapes of the catalogue.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/src/database.ts'
import { type Database, openDatabase, type Tenant } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { discardExpired } from '../../jobs/jobs.ts'
import { Secret } from '../../secret.ts'
import { type Caller } from '../caller.ts'
import { seedClient, seedOrg } from '../testing/tenant.ts'
import { createSealing } from '../webhooks/sealing.ts'
import { sealAnew } from '../webhooks/seal-anew.ts'
import { EVENT_KINDS, EVENT_TYPES } from './catalogue.ts'
import { appendEvent, createEvents } from './events.ts'

let database: TestDatabase
let db: Database
let caller: Caller
let client: Tenant
const signal = new AbortController().signal

beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: new Secret(database.url), onIdleError: () => undefined })
  caller = await seedOrg(database)
  const { orgId } = caller.tenant
  const clientId = await seedClient(database, orgId, {
    instanceUrl: 'https://acme.my.salesforce.com',
    sfdcOrgId: '00D000000000001EAA',
    sfdcUserId: '005000000000001AAA',
    apiVersion: 'v66.0',
  })
  client = { orgId, clientId }
})
afterAll(async () => {
  await db.close()
  await database[Symbol.asyncDispose]()
})

const disabled = { endpoint_id: newId(), reason: 'gone' } as const
const append = (tenant = client): Promise<void> =>
  db.as(tenant).tx((tx) => appendEvent(tx, tenant, 'webhook_endpoint.disabled', disabled))

const endpointOf = async (sealed: Buffer, id = newId()): Promise<string> => {
  await database.query(
    `insert into webhook_endpoints (id, org_id, url, secret) values ($1, $2, 'https://a.example', $3)`,
    [id, client.orgId, sealed],
  )
  return id
}

describe('an event', () => {
  it('is listed in the order of its number, also beside others of the same millisecond', async () => {
    const clientId = newId()
    await database.query(`insert into clients (id, org_id, name) values ($1, $2, 'Told')`, [
      clientId,
      client.orgId,
    ])
    await database.query(
      `select engine.append_event($1, $2, 'webhook_endpoint.disabled', $3) from generate_series(1, 100)`,
      [client.orgId, clientId, JSON.stringify(disabled)],
    )
    const { items } = await createEvents(db).list(caller.tenant, {
      client_id: clientId,
      limit: 200,
    })
    expect(items.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 100 }, (_, n) => 100 - n),
    )
  })

  it('is numbered without gaps, however many transactions write at once and fail', async () => {
    const fail = () =>
      db
        .as(client)
        .tx(async (tx) => {
          await appendEvent(tx, client, 'webhook_endpoint.disabled', disabled)
          throw new Error('rolled back')
        })
        .catch(() => undefined)
    await Promise.all(Array.from({ length: 40 }, (_, at) => (at % 3 === 0 ? fail() : append())))
    await append(caller.tenant)
    const events = createEvents(db)
    const { items } = await events.list(caller.tenant, {
      client_id: client.clientId ?? '',
      after_sequence: 0,
      limit: 200,
    })
    expect(items.map(({ sequence }) => sequence)).toEqual(items.map((_, at) => at + 1))
    expect(items).toHaveLength(26)
    const times = items.map(({ timestamp }) => timestamp)
    expect(times).toEqual(times.toSorted())
    const [own] = (await events.list(caller.tenant, { limit: 1 })).items
    expect(own).toMatchObject({ client_id: null, sequence: 1 })
  })

  it('is discarded after 30 days with what was sent of it; numbers go on', async () => {
    await endpointOf(Buffer.from('sealed'))
    await append()
    await database.query(
      `update events set created_at = now() - interval '29 days 22 hours' where client_id is null`,
    )
    await database.query(
      `update events set created_at = now() - interval '30 days 1 minute' where client_id is not null`,
    )
    await discardExpired(db, signal)
    const rows = await database.query<{ client_id: string | null }>('select client_id from events')
    expect(rows).toEqual([{ client_id: null }])
    expect(await database.query('select 1 from webhook_deliveries')).toEqual([])
    await append()
    const [row] = await database.query<{ sequence: string }>(
      'select sequence from events where client_id is not null',
    )
    expect(Number(row?.sequence)).toBe(28)
    await database.query('delete from webhook_endpoints')
  })

  it.each(EVENT_TYPES)('of the type %s has an example of its shape', (type) => {
    const { data, example } = EVENT_KINDS[type]
    expect(data.strict().parse(example)).toEqual(example)
  })

  it('of every type that a trigger of the database writes is in the catalogue', async () => {
    const functions = await database.query<{ source: string }>(
      `select prosrc as source from pg_proc where pronamespace = 'engine'::regnamespace and proname like 'tell\\_%'`,
    )
    const written = functions.flatMap(({ source }) =>
      [...source.matchAll(/'([a-z_]+\.[a-z]+)'/g)].map(([, type]) => type ?? ''),
    )
    expect(written.length).toBeGreaterThan(6)
    for (const type of written) expect(EVENT_TYPES).toContain(type)
  })
})

describe('a connection', () => {
  it('that changes its state is told of once for each change, and not for writing the same again', async () => {
    const clientId = await seedClient(database, client.orgId, {
      instanceUrl: 'https://other.my.salesforce.com',
      sfdcOrgId: '00D000000000002EAA',
      sfdcUserId: '005000000000002AAA',
      apiVersion: 'v66.0',
    })
    const set = (columns: string) =>
      database.query(`update crm_connections set ${columns} where client_id = $1`, [clientId])
    for (const status of ['expired', 'expired', 'connected', 'error', 'error', 'connected']) {
      await set(`status = '${status}', error = '{"code": "because", "message": "A Secret"}'`)
    }
    await set('connected_at = now(), error = null') // a new grant for the same connection
    await set('last_refreshed_at = now()')
    await set(`status = 'revoked'`)
    await set(`status = 'revoked'`)
    const { items } = await createEvents(db).list(caller.tenant, {
      client_id: clientId,
      after_sequence: 0,
      limit: 200,
    })
    expect(items.map(({ type, data }) => [type, data['code']])).toEqual([
      ['connection.expired', 'because'],
      ['connection.connected', 'because'],
      ['connection.error', 'because'],
      ['connection.connected', 'because'],
      ['connection.connected', null],
      ['connection.revoked', null],
    ])
    expect(JSON.stringify(items)).not.toContain('A Secret')
  })
})

describe('the secret of an endpoint', () => {
  it('is encrypted anew after the key was rotated, so that the old key can be removed', async () => {
    const [old, fresh] = [new Secret('o'.repeat(32)), new Secret('f'.repeat(32))]
    const secret = new Secret('whsec_c2VjcmV0')
    const id = newId()
    await endpointOf(createSealing([old]).seal(secret, id), id)
    const lost = await endpointOf(createSealing([new Secret('x'.repeat(32))]).seal(secret, id))
    const before = await database.query('select secret from webhook_endpoints where id = $1', [
      lost,
    ])
    await sealAnew(db, createSealing([fresh, old]), signal)
    const rows = await database.query<{ id: string; secret: Buffer }>(
      'select id, secret from webhook_endpoints',
    )
    const sealed = rows.find((row) => row.id === id)?.secret ?? Buffer.alloc(0)
    expect(createSealing([fresh]).open(sealed, id)?.reveal()).toBe(secret.reveal())
    // What no key opens stays as it is, for the day when its key is set again.
    expect(rows.find((row) => row.id === lost)?.secret).toEqual(before[0]?.['secret'])
  })
})
