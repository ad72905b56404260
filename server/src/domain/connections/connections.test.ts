import { createHmac, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  createNangoControl,
  type NangoControl,
} from '../../../../simulator/src/nango/control/client.ts'
import { startNango, type NangoSimulator } from '../../../../simulator/src/nango/index.ts'
import { createDatabase, type TestDatabase } from '../../../../test/src/database.ts'
import { EngineError } from '../../errors.ts'
import { type Caller } from '../caller.ts'
import { type CreatedConnection } from './connections.ts'
import { createRig, type Replica } from './testing/rig.ts'
import {
  startSalesforceStandIn,
  type Grant,
  type SalesforceStandIn,
} from './testing/salesforce-stand-in.ts'

const KEY = '3f1a7c1e-8a53-4d5e-9d37-0e4c6f6d2b11'
const READ_ONLY_KEY = '9c2e0b7a-1d34-4b8f-8a51-6a3b7d9e0c42'
const SIGNING_KEYS = ['old-signing-key', 'new-signing-key']
const ORG_A = '00DWs000001AbCdMAK'
const ORG_B = '00DWs000002AbCdMAK'

let database: TestDatabase
let nango: NangoSimulator
let control: NangoControl
let salesforce: SalesforceStandIn
let rig: ReturnType<typeof createRig>
let one: Replica
let two: Replica

const integration = (key: string, provider: 'salesforce' | 'salesforce-sandbox') => ({
  key,
  provider,
  clientId: 'client',
  clientSecret: 'secret',
  scopes: 'refresh_token,api,id',
})

beforeAll(async () => {
  salesforce = await startSalesforceStandIn()
  nango = await startNango({
    hosts: { 'login.salesforce.com': salesforce.url, 'test.salesforce.com': salesforce.url },
    secretKey: KEY,
    extraKeys: [{ key: READ_ONLY_KEY, scopes: ['environment:connections:read'] }],
    webhookSigningKey: 'unused',
    integrations: [
      integration('salesforce', 'salesforce'),
      integration('salesforce-sandbox', 'salesforce-sandbox'),
    ],
  })
  control = createNangoControl(nango.url)
  database = await createDatabase()
  rig = createRig({
    databaseUrl: database.url,
    query: (text, values) => database.query(text, values),
    nangoUrl: nango.url,
    nangoKey: KEY,
    allowedHosts: [new URL(salesforce.url).host],
    signingKeys: SIGNING_KEYS,
  })
  one = rig.replica()
  two = rig.replica()
})

afterEach(async () => {
  await control.reset()
  salesforce.calls.length = 0
  Object.assign(salesforce.usage, { used: 10, max: 15_000 })
  Object.assign(salesforce.settings, {
    revokeStatuses: [],
    apiDisabled: false,
    sessionsRefused: false,
    refreshMs: 0,
    scope: 'refresh_token api id',
    permissions: true,
    silent: false,
  })
  await database.query('delete from engine.salesforce_org_usage')
})

afterAll(async () => {
  await rig.close()
  await nango.close()
  await salesforce.close()
  await database[Symbol.asyncDispose]()
})

/** What a user does in the browser with the link: one more connection at Nango, with the session's tags. */
const authorize = async (
  session: CreatedConnection,
  grant: Grant = salesforce.issue(ORG_A),
  raw: Record<string, unknown> = {},
): Promise<string> => {
  const found = (await control.sessions()).find(({ token }) => token === session.session_token)
  if (found === undefined) throw new Error('no such session')
  const [key = ''] = found.allowed_integrations ?? []
  const made = await control.createConnection({
    provider_config_key: key,
    tags: found.tags,
    raw: { ...salesforce.raw(grant), ...raw },
  })
  return made.connection_id
}

const connected = async (options: { sfdcOrgId?: string; name?: string } = {}) => {
  const org = await rig.org()
  const clientId = await org.client(options.name)
  const grant = salesforce.issue(options.sfdcOrgId ?? ORG_A)
  const session = await one.connections.create(org.admin, { client_id: clientId })
  const nangoId = await authorize(session, grant)
  const connection = await one.connections.callback(org.admin, {
    client_id: clientId,
    nango_connection_id: nangoId,
  })
  return { org, admin: org.admin, clientId, grant, nangoId, connection }
}

const failing = async (work: Promise<unknown>): Promise<EngineError> => {
  const error = await work.then(
    (value) => new Error(`no failure: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof EngineError)) throw error
  return error
}

const atNango = async (id: string) => {
  const found = (await control.connections()).find((c) => c.connection_id === id)
  return found === undefined || found.deleted_at !== null ? 'deleted' : 'there'
}

const rowOf = async (clientId: string) => {
  const [row] = await database.query<{
    status: string
    generation: number
    refresh_count: string
    nango_connection_id: string
  }>('select * from crm_connections where client_id = $1 order by id desc limit 1', [clientId])
  if (row === undefined) throw new Error('no row')
  return row
}

const statusOf = async (caller: Caller, clientId: string) =>
  (await one.connections.get(caller, { client_id: clientId })).status

/** One call to Salesforce, as any other part of the engine makes it. */
const callSalesforce = async (replica: Replica, caller: Caller, clientId: string) => {
  const { salesforce: org } = await replica.connections.open(caller.tenant, clientId, 'work')
  return org.request({ path: '/sobjects' })
}

const audited = async (clientId: string) =>
  (
    await database.query<{ action: string; outcome: string }>(
      'select action, outcome from audit_log where client_id = $1 order by id',
      [clientId],
    )
  ).map(({ action, outcome }) => `${action} ${outcome}`)

describe('connecting a client', () => {
  it('pins tags, host and instance in the session, and connects what was authorized', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    expect(session.connection).toMatchObject({ status: 'pending', environment: 'production' })
    expect(session.connect_link).toContain(session.session_token)
    const [made] = await control.sessions()
    expect(made?.tags).toMatchObject({ organization_id: org.id, client_id: clientId })
    expect(made?.integrations_config_defaults).toEqual({
      salesforce: { connection_config: { hostname: 'login.salesforce.com', instance_url: '' } },
    })

    const nangoId = await authorize(session)
    const connection = await one.connections.callback(org.admin, {
      client_id: clientId,
      nango_connection_id: nangoId,
    })
    expect(connection).toMatchObject({
      status: 'connected',
      sfdc_org_id: ORG_A,
      instance_url: salesforce.url,
      nango_connection_id: nangoId,
      error: null,
    })
    expect((await callSalesforce(one, org.admin, clientId)).status).toBe(200)
    expect(await audited(clientId)).toEqual(['connection.create ok', 'connection.callback ok'])
  })

  it('finds the connection by its tags, and answers the same when asked again', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    expect((await failing(one.connections.callback(org.admin, { client_id: clientId }))).code).toBe(
      'connection_not_ready',
    )
    const nangoId = await authorize(session)
    const first = await one.connections.callback(org.admin, { client_id: clientId })
    expect(first.nango_connection_id).toBe(nangoId)
    expect(await one.connections.callback(org.admin, { client_id: clientId })).toEqual(first)
    expect(
      await two.connections.callback(org.admin, {
        client_id: clientId,
        nango_connection_id: nangoId,
      }),
    ).toEqual(first)
    expect(await atNango(nangoId)).toBe('there')
  })

  it('takes the newest of two completed flows and retires the other', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    const [early, late] = [salesforce.issue(ORG_A), salesforce.issue(ORG_A)]
    const earlyId = await authorize(session, early)
    await control.advanceClock(1000)
    const lateId = await authorize(session, late)
    const accepted = await one.connections.callback(org.admin, { client_id: clientId })
    expect(accepted.nango_connection_id).toBe(lateId)
    expect(await atNango(earlyId)).toBe('deleted')
    expect([early.revoked, late.revoked]).toEqual([true, false])
  })

  it('answers a replayed creation without the secrets', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    const [attempt] = await database.query<{ id: string }>(
      'select id from connection_attempts where client_id = $1',
      [clientId],
    )
    expect(await one.connections.created(org.admin, attempt?.id ?? '')).toEqual({
      ...session,
      session_token: null,
      connect_link: null,
    })
  })

  it('refuses hosts that are not Salesforce login hosts, and inactive or foreign clients', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    for (const login_host of [
      'evil.example',
      'login.salesforce.com.evil.example',
      'acme.salesforce.com',
    ]) {
      const error = await failing(
        one.connections.create(org.admin, { client_id: clientId, login_host }),
      )
      expect(error.code, login_host).toBe('host_refused')
    }
    const contradiction = {
      client_id: clientId,
      environment: 'production' as const,
      login_host: 'test.salesforce.com',
    }
    expect((await failing(one.connections.create(org.admin, contradiction))).code).toBe(
      'host_refused',
    )
    const other = await rig.org()
    expect((await failing(one.connections.create(other.admin, { client_id: clientId }))).code).toBe(
      'not_found',
    )
    await database.query('update clients set is_active = false where id = $1', [clientId])
    expect((await failing(one.connections.create(org.admin, { client_id: clientId }))).code).toBe(
      'client_inactive',
    )
    expect(await control.sessions()).toEqual([])
  })
})

describe('a connection that is not ours', () => {
  it('is 404 and left alone, whatever its tags say', async () => {
    const ours = await rig.org()
    const clientId = await ours.client()
    const otherClient = await ours.client('Other')
    await one.connections.create(ours.admin, { client_id: otherClient })
    const session = await one.connections.create(ours.admin, { client_id: clientId })
    const attemptId =
      (await control.sessions()).find((s) => s.token === session.session_token)?.tags.attempt_id ??
      ''
    const stranger = await rig.org()
    const cases: Record<string, string>[] = [
      {},
      { organization_id: stranger.id, client_id: clientId, attempt_id: attemptId },
      { organization_id: ours.id, client_id: otherClient, attempt_id: attemptId },
      { organization_id: ours.id, client_id: clientId, attempt_id: randomUUID() },
      { organization_id: ours.id, client_id: clientId },
    ]
    for (const tags of cases) {
      const grant = salesforce.issue(ORG_A)
      const { connection_id } = await control.createConnection({
        provider_config_key: 'salesforce',
        tags,
        raw: salesforce.raw(grant),
      })
      const error = await failing(
        one.connections.callback(ours.admin, {
          client_id: clientId,
          nango_connection_id: connection_id,
        }),
      )
      expect(error.code, JSON.stringify(tags)).toBe('not_found')
      expect(await atNango(connection_id)).toBe('there')
      expect(grant.revoked).toBe(false)
    }
    const unknown = await failing(
      one.connections.callback(ours.admin, {
        client_id: clientId,
        nango_connection_id: randomUUID(),
      }),
    )
    expect(unknown.message).toBe(
      (
        await failing(
          one.connections.callback(ours.admin, {
            client_id: clientId,
            nango_connection_id: randomUUID(),
          }),
        )
      ).message,
    )
    expect(await statusOf(ours.admin, clientId)).toBe('pending')
  })

  it('is not taken from the client that holds it', async () => {
    const { admin, org, nangoId } = await connected()
    const clientId = await org.client('Other')
    await one.connections.create(admin, { client_id: clientId })
    const error = await failing(
      one.connections.callback(admin, { client_id: clientId, nango_connection_id: nangoId }),
    )
    expect(error.code).toBe('not_found')
    expect(await atNango(nangoId)).toBe('there')
  })
})

describe('a grant that cannot be accepted', () => {
  it('of a superseded or expired attempt is retired', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const first = await one.connections.create(org.admin, { client_id: clientId })
    const second = await one.connections.create(org.admin, { client_id: clientId })
    const [early, late] = [salesforce.issue(ORG_A), salesforce.issue(ORG_A)]
    const ids = [await authorize(first, early), await authorize(second, late)]
    await database.query(
      `update connection_attempts set expires_at = now() - interval '1 second' where client_id = $1 and status = 'open'`,
      [clientId],
    )
    for (const nango_connection_id of ids) {
      const error = await failing(
        one.connections.callback(org.admin, { client_id: clientId, nango_connection_id }),
      )
      expect(error.code).toBe('connection_not_ready')
      expect(await atNango(nango_connection_id)).toBe('deleted')
    }
    expect([early.revoked, late.revoked]).toEqual([true, true])
  })

  it('since a new attempt was begun before anybody accepted it is ended with the next acceptance, or with the revocation', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const stray = async () => {
      const session = await one.connections.create(org.admin, { client_id: clientId })
      const grant = salesforce.issue(ORG_A)
      return { grant, id: await authorize(session, grant) }
    }
    const before = await stray()
    const other = await org.client()
    const foreign = await authorize(
      await one.connections.create(org.admin, { client_id: other }),
      salesforce.issue(ORG_B),
    )
    const session = await one.connections.create(org.admin, { client_id: clientId })
    const acceptedId = await authorize(session)
    await one.connections.callback(org.admin, { client_id: clientId })
    expect([await atNango(before.id), before.grant.revoked]).toEqual(['deleted', true])

    const beside = await stray()
    await one.connections.revoke(org.admin, { client_id: clientId })
    expect([await atNango(beside.id), beside.grant.revoked]).toEqual(['deleted', true])
    expect(await atNango(acceptedId)).toBe('deleted')
    expect(await atNango(foreign), 'of a different client').toBe('there')
  })

  it('of a hostile instance_url is deleted without its host seeing a byte', async () => {
    let connectionsToHostile = 0
    const hostile = createServer((_request, response) => response.end('{}'))
    hostile.on('connection', () => {
      connectionsToHostile += 1
    })
    await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve))
    const { port } = hostile.address() as AddressInfo
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    for (const instance_url of [
      `http://127.0.0.1:${port}`,
      'https://acme.my.salesforce.com.evil.example',
      'https://acme.my.salesforce.com@evil.example',
    ]) {
      const grant = salesforce.issue(ORG_A)
      // Nango itself calls whatever host the connection names; our own call must not happen.
      const nangoId = await authorize(session, grant, { instance_url })
      await control.editConnection(nangoId, { connection_config: { instance_url: salesforce.url } })
      const before = connectionsToHostile
      const error = await failing(
        one.connections.callback(org.admin, { client_id: clientId, nango_connection_id: nangoId }),
      )
      expect(error.code, instance_url).toBe('host_refused')
      expect(connectionsToHostile).toBe(before)
      expect(await atNango(nangoId)).toBe('deleted')
      expect(await statusOf(org.admin, clientId)).toBe('pending')
    }
    hostile.close()
  })

  it('of another Salesforce org is retired, and the present grant goes on', async () => {
    const { admin, clientId, nangoId, grant } = await connected()
    const session = await one.connections.create(admin, { client_id: clientId })
    const stray = salesforce.issue(ORG_B)
    const strayId = await authorize(session, stray)
    const error = await failing(
      one.connections.callback(admin, { client_id: clientId, nango_connection_id: strayId }),
    )
    expect(error.code).toBe('salesforce_org_mismatch')
    expect(stray.revoked).toBe(true)
    expect(await atNango(strayId)).toBe('deleted')
    expect(grant.revoked).toBe(false)
    expect(await rowOf(clientId)).toMatchObject({
      status: 'connected',
      nango_connection_id: nangoId,
    })
    expect((await callSalesforce(one, admin, clientId)).status).toBe(200)

    const allowed = await one.connections.create(admin, {
      client_id: clientId,
      allow_other_org: true,
    })
    const otherId = await authorize(allowed, salesforce.issue(ORG_B))
    const swapped = await one.connections.callback(admin, {
      client_id: clientId,
      nango_connection_id: otherId,
    })
    expect(swapped).toMatchObject({ status: 'connected', sfdc_org_id: ORG_B })
    expect(grant.revoked).toBe(true)
  })

  it('of a former Salesforce org is wanted even after a revocation', async () => {
    const { admin, clientId } = await connected()
    await one.connections.revoke(admin, { client_id: clientId })
    const session = await one.connections.create(admin, { client_id: clientId })
    const strayId = await authorize(session, salesforce.issue(ORG_B))
    const error = await failing(
      one.connections.callback(admin, { client_id: clientId, nango_connection_id: strayId }),
    )
    expect(error.code).toBe('salesforce_org_mismatch')
  })

  it('of a Salesforce org that another client has is refused by name', async () => {
    const { admin, org, clientId: holder } = await connected({ name: 'Holder Ltd' })
    const clientId = await org.client('Second')
    const session = await one.connections.create(admin, { client_id: clientId })
    const stray = salesforce.issue(ORG_A)
    const strayId = await authorize(session, stray)
    const error = await failing(one.connections.callback(admin, { client_id: clientId }))
    expect(error.code).toBe('already_exists')
    expect(error.message).toContain('Holder Ltd')
    expect(error.message).toContain(holder)
    expect(await atNango(strayId)).toBe('deleted')
    expect(await statusOf(admin, holder)).toBe('connected')
    // Another org of ours may serve the same Salesforce org.
    expect((await connected()).connection.status).toBe('connected')
  })

  it('without the api scope is refused', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    await authorize(session, salesforce.issue(ORG_A), { scope: 'refresh_token id' })
    const error = await failing(one.connections.callback(org.admin, { client_id: clientId }))
    expect(error.code).toBe('connection_not_ready')
    expect(error.message).toContain('api')
  })
})

describe('a refused authorization', () => {
  const callback = (admin: Caller, clientId: string, id?: string) =>
    failing(
      one.connections.callback(admin, {
        client_id: clientId,
        ...(id === undefined ? {} : { nango_connection_id: id }),
      }),
    )

  /** Authorizes what is refused, and returns the answer to every later question. */
  const refused = async (clientId: string, admin: Caller, grant: Grant, raw = {}) => {
    const session = await one.connections.create(admin, { client_id: clientId })
    const id = await authorize(session, grant, raw)
    // Nango itself calls whatever host the connection names: the stand-in's, which answers.
    await control.editConnection(id, { connection_config: { instance_url: salesforce.url } })
    const first = await callback(admin, clientId)
    const again = [await callback(admin, clientId), await callback(admin, clientId, id)]
    for (const { code, message } of again) {
      expect({ code, message }).toEqual({ code: first.code, message: first.message })
    }
    return { session, first }
  }

  it('is reported again and again, with who holds the Salesforce org and how that stands', async () => {
    const { admin, org, clientId: holder } = await connected({ name: 'Holder Ltd' })
    const clientId = await org.client('Second')
    const { first } = await refused(clientId, admin, salesforce.issue(ORG_A))
    expect(first).toMatchObject({ code: 'already_exists' })
    expect(first.message).toContain(`Holder Ltd (${holder})`)
    expect(first.message).toContain('which is in use')

    await database.query(`update crm_connections set status = 'expired' where client_id = $1`, [
      holder,
    ])
    const { first: second } = await refused(clientId, admin, salesforce.issue(ORG_A))
    expect(second.message).toContain('whose grant has expired')
  })

  it('of a different Salesforce org is reported, and the same link still takes the right one', async () => {
    const { admin, clientId } = await connected()
    const { session, first } = await refused(clientId, admin, salesforce.issue(ORG_B))
    expect(first.code).toBe('salesforce_org_mismatch')
    await authorize(session, salesforce.issue(ORG_A))
    const accepted = await one.connections.callback(admin, { client_id: clientId })
    expect(accepted.status).toBe('connected')
    expect((await one.connections.callback(admin, { client_id: clientId })).status).toBe(
      'connected',
    )
  })

  it('for a missing scope, or for its host, is reported', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const scope = { scope: 'refresh_token id' }
    const { first } = await refused(clientId, org.admin, salesforce.issue(ORG_A), scope)
    expect(first.message).toContain('it needs api')
    const host = { instance_url: 'https://salesforce.example' }
    const { first: second } = await refused(clientId, org.admin, salesforce.issue(ORG_A), host)
    expect(second.code).toBe('host_refused')
  })

  it('that only a webhook saw is reported to later callers', async () => {
    const { admin, org } = await connected({ name: 'Holder Ltd' })
    const clientId = await org.client('Second')
    const session = await one.connections.create(admin, { client_id: clientId })
    const strayId = await authorize(session, salesforce.issue(ORG_A))
    const made = (await control.sessions()).find(({ token }) => token === session.session_token)
    const body = Buffer.from(
      JSON.stringify({
        type: 'auth',
        operation: 'creation',
        success: true,
        connectionId: strayId,
        providerConfigKey: 'salesforce',
        tags: made?.tags,
      }),
    )
    const signature = createHmac('sha256', SIGNING_KEYS[1] ?? '')
      .update(body)
      .digest('hex')
    await one.connections.webhook(body, signature)
    expect(await atNango(strayId)).toBe('deleted')
    expect((await callback(admin, clientId)).message).toContain('Holder Ltd')
  })

  it('is forgotten with a new attempt, and an expired link is reported as such', async () => {
    const { admin, clientId } = await connected()
    await refused(clientId, admin, salesforce.issue(ORG_B))
    await one.connections.create(admin, { client_id: clientId })
    const waiting = await callback(admin, clientId)
    expect(waiting.message).toContain('not complete yet')
    expect(waiting.errors?.map(({ code }) => code)).toContain('app_blocked')
    await database.query(
      `update connection_attempts set expires_at = now() where client_id = $1 and status = 'open'`,
      [clientId],
    )
    expect((await callback(admin, clientId)).message).toContain('an attempt that has ended')
  })
})

describe('a clock that was ahead', () => {
  const AHEAD = 'ffffffff-ffff-7fff-bfff-ffffffffffff'

  /** A connection that ended yesterday, by a replica whose clock was far in the future. */
  const endedAhead = async (clientId: string, id: string): Promise<void> => {
    await database.query(
      `insert into crm_connections (id, org_id, client_id, status, environment, provider_config_key,
         api_version, created_at)
       select $2, org_id, id, 'revoked', 'production', 'salesforce', 'v66.0', now() - interval '1 day'
         from clients where id = $1`,
      [clientId, id],
    )
  }

  it('keeps no client from being connected, found, used and revoked', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    await endedAhead(clientId, AHEAD)
    const session = await one.connections.create(org.admin, { client_id: clientId })
    // The second attempt finds the pending connection of the first.
    const second = await one.connections.create(org.admin, { client_id: clientId })
    expect(second.connection.id).toBe(session.connection.id)
    await authorize(second)
    const accepted = await one.connections.callback(org.admin, { client_id: clientId })
    expect(accepted).toMatchObject({ id: session.connection.id, status: 'connected' })
    expect(await statusOf(org.admin, clientId)).toBe('connected')
    expect((await callSalesforce(two, org.admin, clientId)).status).toBe(200)
    await one.connections.refresh(org.admin, { client_id: clientId })
    const ended = await one.connections.revoke(org.admin, { client_id: clientId })
    expect(ended).toMatchObject({ id: accepted.id, status: 'revoked' })
    await database.query('delete from crm_connections where id = $1', [AHEAD])
  })

  it('is not asked whether an attempt has run out', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    await authorize(session)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    try {
      const accepted = await one.connections.callback(org.admin, { client_id: clientId })
      expect(accepted.status).toBe('connected')
    } finally {
      vi.useRealTimers()
    }
  })

  it('is not asked how long refreshes have been refused', async () => {
    const { admin, clientId, grant } = await connected()
    grant.revoked = true
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    try {
      for (let i = 0; i < 4; i += 1) {
        await failing(one.connections.refresh(admin, { client_id: clientId }))
      }
    } finally {
      vi.useRealTimers()
    }
    expect(await statusOf(admin, clientId)).toBe('connected')
  })
})

describe('a swap', () => {
  it('keeps the old grant until the new one is accepted, then ends it, on every replica', async () => {
    const { admin, clientId, grant, nangoId } = await connected()
    const running = await two.connections.open(admin.tenant, clientId, 'work')
    await running.salesforce.request({ path: '/sobjects' })
    const session = await one.connections.create(admin, { client_id: clientId })
    const next = salesforce.issue(ORG_A)
    const nextId = await authorize(session, next)
    expect((await callSalesforce(two, admin, clientId)).status).toBe(200)
    expect(grant.revoked).toBe(false)

    const before = await rowOf(clientId)
    await one.connections.callback(admin, { client_id: clientId, nango_connection_id: nextId })
    const after = await rowOf(clientId)
    expect(after.generation).toBeGreaterThan(before.generation)
    expect(grant.revoked).toBe(true)
    expect(await atNango(nangoId)).toBe('deleted')
    // What was opened before continues with the new grant; its old token is dead.
    await running.salesforce.request({ path: '/sobjects' })
    expect(salesforce.calls.at(-1)?.token).toBe(next.accessToken)
  })

  it('that could not end the old grant does so later', async () => {
    const { admin, clientId, nangoId } = await connected()
    const session = await one.connections.create(admin, { client_id: clientId })
    const nextId = await authorize(session)
    await control.addFault({
      path: `/connections/${nangoId}`,
      method: 'DELETE',
      times: 1,
      status: 500,
    })
    await one.connections.callback(admin, { client_id: clientId, nango_connection_id: nextId })
    expect(await atNango(nangoId)).toBe('there')
    await one.connections.create(admin, { client_id: clientId })
    expect(await atNango(nangoId)).toBe('deleted')
    expect(await atNango(nextId)).toBe('there')
  })

  it('happens once when callback and webhook say so together', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    const nangoId = await authorize(session)
    const found = (await control.connections()).find((c) => c.connection_id === nangoId)
    const say = { client_id: clientId, nango_connection_id: nangoId }
    await Promise.all([
      one.connections.callback(org.admin, say),
      two.connections.callback(org.admin, say),
      send(two, {
        type: 'auth',
        operation: 'creation',
        connectionId: nangoId,
        success: true,
        tags: found?.tags,
      }),
    ])
    expect(await rowOf(clientId)).toMatchObject({ status: 'connected', generation: 1 })
    expect(await atNango(nangoId)).toBe('there')
    expect(
      (await audited(clientId)).filter((line) => line === 'connection.callback ok'),
    ).toHaveLength(1)
  })
})

const send = (replica: Replica, body: unknown, key = 'new-signing-key') => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const signature = createHmac('sha256', key).update(bytes).digest('hex')
  return replica.connections.webhook(bytes, signature)
}

describe('a webhook', () => {
  const rereads = async (id: string) =>
    (await control.journal()).filter(
      (r) => r.method === 'GET' && r.url.startsWith(`/connections/${id}`),
    ).length

  it('counts only with a signature of one of the keys over these very bytes', async () => {
    const body = Buffer.from('{"type":"sync"}')
    const sign = (key: string) => createHmac('sha256', key).update(body).digest('hex')
    for (const key of SIGNING_KEYS) await one.connections.webhook(body, sign(key))
    for (const signature of [
      undefined,
      '',
      'zz',
      sign('other'),
      sign('new-signing-key').slice(1),
    ]) {
      expect((await failing(one.connections.webhook(body, signature))).code).toBe('unauthenticated')
    }
    const changed = Buffer.from('{"type":"sync" }')
    expect((await failing(one.connections.webhook(changed, sign('new-signing-key')))).code).toBe(
      'unauthenticated',
    )
    expect((await failing(send(one, 'not json'))).code).toBe('invalid_json')
  })

  it('causes one look at Nango in ten seconds, over all replicas, and says nothing itself', async () => {
    const { admin, clientId, nangoId } = await connected()
    const before = await rereads(nangoId)
    const failed = {
      type: 'auth',
      operation: 'refresh',
      success: false,
      connectionId: nangoId,
      error: { type: 'refresh_token_external_error', description: 'x' },
    }
    await Promise.all([
      send(one, failed),
      send(two, failed),
      send(one, { ...failed, operation: 'deletion' }),
    ])
    await send(two, failed)
    expect((await rereads(nangoId)) - before).toBe(1)
    expect(await statusOf(admin, clientId)).toBe('connected')
    await database.query(`update engine.nango_rereads set read_at = now() - interval '11 seconds'`)
    await send(one, failed)
    expect((await rereads(nangoId)) - before).toBe(2)
  })

  it('of a creation connects the client once Nango confirms it', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    const nangoId = await authorize(session)
    const tags = (await control.connections()).find((c) => c.connection_id === nangoId)?.tags
    await send(one, {
      type: 'auth',
      operation: 'creation',
      connectionId: nangoId,
      success: true,
      tags,
    })
    expect(await rowOf(clientId)).toMatchObject({
      status: 'connected',
      nango_connection_id: nangoId,
    })
  })

  it('with foreign ids or lying tags leads nowhere and touches nothing', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    await one.connections.create(org.admin, { client_id: clientId })
    const tags = (await control.sessions())[0]?.tags
    const grant = salesforce.issue(ORG_A)
    const foreign = await control.createConnection({
      provider_config_key: 'salesforce',
      tags: { organization_id: 'theirs' },
      raw: salesforce.raw(grant),
    })
    await send(one, { type: 'auth', connectionId: foreign.connection_id, success: true, tags })
    await send(one, { type: 'auth', connectionId: randomUUID(), tags })
    await send(one, { type: 'auth', connectionId: 'not-a-uuid' })
    await send(one, { type: 'forward', x: 1 })
    expect(await atNango(foreign.connection_id)).toBe('there')
    expect(await statusOf(org.admin, clientId)).toBe('pending')
  })
})

describe('revoking', () => {
  it('ends the grant at Salesforce and Nango, and running work on every replica', async () => {
    const { admin, clientId, grant, nangoId } = await connected()
    const running = await two.connections.open(admin.tenant, clientId, 'work')
    await running.salesforce.request({ path: '/sobjects' })
    const answer = await one.connections.revoke(admin, { client_id: clientId })
    expect(answer).toMatchObject({ status: 'revoked', failed_steps: [] })
    expect(grant.revoked).toBe(true)
    expect(await atNango(nangoId)).toBe('deleted')
    expect((await failing(running.salesforce.request({ path: '/sobjects' }))).code).toBe(
      'connection_revoked',
    )
    expect((await failing(callSalesforce(two, admin, clientId))).code).toBe('connection_not_ready')
    const again = await one.connections.revoke(admin, { client_id: clientId })
    expect(again).toMatchObject({ status: 'revoked', failed_steps: [] })
  })

  it('takes "already gone" for success', async () => {
    const { admin, clientId, nangoId } = await connected()
    await fetch(`${nango.url}/connections/${nangoId}?provider_config_key=salesforce`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${KEY}` },
    })
    const answer = await one.connections.revoke(admin, { client_id: clientId })
    expect(answer).toMatchObject({ status: 'revoked', failed_steps: [] })
  })

  it('is revoked whatever fails, names the failed steps, and finishes when called again', async () => {
    const { admin, clientId, grant, nangoId } = await connected()
    salesforce.settings.revokeStatuses = Array<number>(8).fill(503)
    await control.addFault({
      path: `/connections/${nangoId}`,
      method: 'DELETE',
      times: 1,
      status: 500,
    })
    const answer = await one.connections.revoke(admin, { client_id: clientId })
    expect(answer.status).toBe('revoked')
    expect(answer.failed_steps.map(({ step }) => step)).toEqual([
      'revoke_at_salesforce',
      'delete_at_nango',
    ])
    expect(await rowOf(clientId)).toMatchObject({ status: 'revoked' })
    salesforce.settings.revokeStatuses = []
    await one.connections.revoke(admin, { client_id: clientId })
    expect(grant.revoked).toBe(true)
    expect(await atNango(nangoId)).toBe('deleted')
  })

  it('is revoked although Nango is away', async () => {
    const { admin, clientId, nangoId } = await connected()
    const cutOff = rig.replica({ nangoUrl: 'http://127.0.0.1:9' })
    const answer = await cutOff.connections.revoke(admin, { client_id: clientId })
    expect(answer.status).toBe('revoked')
    expect(answer.failed_steps[0]).toMatchObject({ step: 'read_grant' })
    expect(await atNango(nangoId)).toBe('there')
  })

  it('leaves a connection alone whose tags no longer name us', async () => {
    const { admin, clientId, grant, nangoId } = await connected()
    await control.editConnection(nangoId, { tags: {} })
    const answer = await one.connections.revoke(admin, { client_id: clientId })
    expect(answer).toMatchObject({
      status: 'revoked',
      failed_steps: [{ code: 'not_provably_ours' }],
    })
    expect(await atNango(nangoId)).toBe('there')
    expect(grant.revoked).toBe(false)
  })

  it('sends no token to the stored host when the grant now leads elsewhere', async () => {
    const { admin, clientId, nangoId } = await connected()
    await control.editConnection(nangoId, {
      raw: { id: `https://login.salesforce.com/id/${ORG_B}/005Ws000001XyZaIAK` },
    })
    salesforce.calls.length = 0
    const answer = await one.connections.revoke(admin, { client_id: clientId })
    expect(answer.failed_steps).toMatchObject([
      { step: 'revoke_at_salesforce', code: 'salesforce_org_changed' },
    ])
    expect(salesforce.calls.filter(({ path }) => path.endsWith('/revoke'))).toEqual([])
    expect(await atNango(nangoId)).toBe('deleted')
  })
})

describe('what callers see', () => {
  it("hides Nango's names from company users, and other clients altogether", async () => {
    const { org, clientId, connection } = await connected()
    const other = await org.client('Other')
    const member = await org.caller('company_member', clientId)
    const seen = await one.connections.get(member, { client_id: clientId })
    expect(seen).not.toHaveProperty('nango_connection_id')
    expect(seen).not.toHaveProperty('provider_config_key')
    const outsider = await org.caller('company_admin', other)
    const stranger = (await rig.org()).admin
    for (const caller of [outsider, stranger]) {
      expect((await failing(one.connections.get(caller, { client_id: clientId }))).message).toBe(
        (await failing(one.connections.get(caller, { client_id: randomUUID() }))).message,
      )
      expect(
        (await failing(one.connections.get(caller, { connection_id: connection.id }))).code,
      ).toBe('not_found')
      expect((await one.connections.list(caller, { limit: 50 })).items).toEqual([])
      expect(
        (await failing(one.connections.list(caller, { limit: 50, client_id: clientId }))).code,
      ).toBe('not_found')
    }
    expect(
      (await one.connections.list(member, { limit: 50, status: 'connected' })).items,
    ).toHaveLength(1)
  })

  it('is a live look with the faults and what helps against them', async () => {
    const { admin, clientId } = await connected()
    const well = await one.connections.get(admin, { client_id: clientId, check: true })
    expect(well.health).toMatchObject({
      ok: true,
      identity: { sfdc_org_id: ORG_A, username: 'integration@acme.example' },
      api_usage: { max: 15_000, reserve: 1_500 },
      missing_permissions: [],
      faults: [],
    })
    salesforce.settings.permissions = false
    const lacking = await one.connections.get(admin, { client_id: clientId, check: true })
    expect(lacking.health?.missing_permissions).toEqual([
      'Modify Metadata Through Metadata API Functions',
    ])
    expect(lacking.health?.faults).toMatchObject([{ code: 'missing_permission' }])

    salesforce.settings.apiDisabled = true
    const disabled = await one.connections.get(admin, { client_id: clientId, check: true })
    expect(disabled).toMatchObject({ status: 'error', error: { code: 'api_disabled' } })
    expect(disabled.health?.faults[0]?.code).toBe('API_DISABLED_FOR_ORG')
    expect((await failing(callSalesforce(one, admin, clientId))).code).toBe('connection_not_ready')
    salesforce.settings.apiDisabled = false
    expect((await one.connections.get(admin, { client_id: clientId, check: true })).status).toBe(
      'connected',
    )
  })

  it('lists what may be behind a refused refresh, with who does what about it', async () => {
    const { admin, clientId, grant } = await connected()
    grant.revoked = true
    salesforce.expireSessions()
    const { health } = await one.connections.get(admin, { client_id: clientId, check: true })
    const causes = health?.faults[0]?.possible_causes ?? []
    expect(causes.map(({ code }) => code)).toEqual(
      expect.arrayContaining([
        'user_frozen',
        'user_inactive',
        'app_blocked',
        'app_not_installed',
        'refresh_rotated_elsewhere',
        'ip_not_allowlisted',
        'salesforce_org_gone',
        'login_hours',
        'refresh_idle',
        'mfa_required',
      ]),
    )
    for (const { message, remedy } of causes) expect([message, remedy]).not.toContain('')

    await database.query(
      `update crm_connections set status = 'expired',
         error = '{"code": "refresh_refused", "message": "refused"}' where client_id = $1`,
      [clientId],
    )
    const error = await failing(callSalesforce(one, admin, clientId))
    expect(error.code).toBe('connection_not_ready')
    expect(error.errors?.map(({ code }) => code)).toContain('app_not_installed')
  })

  it('says what was not answered where Salesforce takes the call and is silent', async () => {
    const { admin, clientId } = await connected()
    const impatient = rig.replica({ interactiveDeadlineMs: 200 })
    salesforce.settings.silent = true
    const { health, status } = await impatient.connections.get(admin, {
      client_id: clientId,
      check: true,
    })
    expect(health).toMatchObject({
      ok: false,
      api_usage: null,
      faults: [{ code: 'NO_ANSWER_IN_TIME' }],
    })
    expect(health?.faults[0]?.message).toContain('/services/oauth2/userinfo')
    // A silent Salesforce does not mean a dead grant.
    expect(status).toBe('connected')
  })

  it('shows a grant whose fresh sessions Salesforce refuses as expired, until one is served', async () => {
    const { admin, clientId } = await connected()
    salesforce.settings.sessionsRefused = true
    const dead = await one.connections.get(admin, { client_id: clientId, check: true })
    expect(dead).toMatchObject({ status: 'expired', error: { code: 'session_refused' } })
    expect(dead.health?.faults[0]?.possible_causes.map(({ code }) => code)).toEqual([
      'user_frozen',
      'user_inactive',
      'login_ip_range',
      'app_blocked',
    ])
    expect(dead.health?.faults).toMatchObject([{ code: 'INVALID_SESSION_ID' }])
    salesforce.settings.sessionsRefused = false
    const back = await one.connections.get(admin, { client_id: clientId, check: true })
    expect(back).toMatchObject({ status: 'connected', error: null, health: { ok: true } })
  })

  it('stays out of Salesforce for an inactive client, but for protected work', async () => {
    const { admin, clientId } = await connected()
    await database.query('update clients set is_active = false where id = $1', [clientId])
    expect((await failing(callSalesforce(one, admin, clientId))).code).toBe('client_inactive')
    const held = await one.connections.open(admin.tenant, clientId, 'protected')
    expect((await held.salesforce.request({ path: '/sobjects' })).status).toBe(200)
  })

  it('says what is wrong with a Nango key that may not read credentials', async () => {
    const org = await rig.org()
    const clientId = await org.client()
    const session = await one.connections.create(org.admin, { client_id: clientId })
    const nangoId = await authorize(session)
    const poor = rig.replica({ nangoKey: READ_ONLY_KEY })
    const error = await failing(
      poor.connections.callback(org.admin, { client_id: clientId, nango_connection_id: nangoId }),
    )
    expect(error.code).toBe('nango_error')
    expect(error.upstream?.message).toContain('read_credentials')
    expect(await atNango(nangoId)).toBe('there')
  })
})
