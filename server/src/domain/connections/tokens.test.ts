import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  createNangoControl,
  type NangoControl,
} from '../../../../simulator/src/nango/control/client.ts'
import { startNango, type NangoSimulator } from '../../../../simulator/src/nango/index.ts'
import { createDatabase, type TestDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { EngineError } from '../../errors.ts'
import { type Caller } from '../caller.ts'
import { createRig, type Replica } from './testing/rig.ts'
import { startSalesforceStandIn, type SalesforceStandIn } from './testing/salesforce-stand-in.ts'

const KEY = '3f1a7c1e-8a53-4d5e-9d37-0e4c6f6d2b11'
const ORG_B = '00DWs000002AbCdMAK'

let database: TestDatabase
let nango: NangoSimulator
let control: NangoControl
let salesforce: SalesforceStandIn
let rig: ReturnType<typeof createRig>
let one: Replica
let two: Replica

beforeAll(async () => {
  salesforce = await startSalesforceStandIn()
  nango = await startNango({
    hosts: { 'login.salesforce.com': salesforce.url },
    secretKey: KEY,
    webhookSigningKey: 'unused',
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
  database = await createDatabase()
  rig = createRig({
    databaseUrl: database.url,
    query: (text, values) => database.query(text, values),
    nangoUrl: nango.url,
    nangoKey: KEY,
    allowedHosts: [new URL(salesforce.url).host],
  })
  one = rig.replica()
  two = rig.replica()
})

afterEach(async () => {
  await control.reset()
  Object.assign(salesforce.usage, { used: 10, max: 15_000 })
  Object.assign(salesforce.settings, { refreshMs: 0, limitReached: false })
  await database.query('delete from engine.salesforce_org_usage')
})

afterAll(async () => {
  await rig.close()
  await nango.close()
  await salesforce.close()
  await database[Symbol.asyncDispose]()
})

let orgNumber = 0

/** A client with a live connection to a Salesforce org of its own, so that no budget is shared. */
const connected = async () => {
  const org = await rig.org()
  const clientId = await org.client()
  orgNumber += 1
  const grant = salesforce.issue(`00DWs0001${String(orgNumber).padStart(2, '0')}AbCd`)
  const session = await one.connections.create(org.admin, { client_id: clientId })
  const made = (await control.sessions()).find(({ token }) => token === session.session_token)
  const { connection_id: nangoId } = await control.createConnection({
    provider_config_key: 'salesforce',
    tags: made?.tags ?? {},
    raw: salesforce.raw(grant),
  })
  const connection = await one.connections.callback(org.admin, { client_id: clientId })
  return { admin: org.admin, clientId, grant, nangoId, connection }
}

const failing = async (work: Promise<unknown>): Promise<EngineError> => {
  const error = await work.then(
    (value) => new Error(`no failure: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof EngineError)) throw error
  return error
}

const open = (replica: Replica, caller: Caller, clientId: string) =>
  replica.connections.open(caller.tenant, clientId, 'work')

const call = async (replica: Replica, caller: Caller, clientId: string) =>
  (await open(replica, caller, clientId)).salesforce.request({ path: '/sobjects' })

const see = (caller: Caller, clientId: string) =>
  one.connections.get(caller, { client_id: clientId })

const fastForwardRefusals = (clientId: string, minutes: number) =>
  database.query(
    `update crm_connections set refresh_refused_since = refresh_refused_since - make_interval(mins => $2),
            refresh_refused_at = refresh_refused_at - make_interval(mins => $2) where client_id = $1`,
    [clientId, minutes],
  )

describe('a session', () => {
  it('is asked of Nango once and then used from memory', async () => {
    const { admin, clientId, nangoId } = await connected()
    const reads = async () =>
      (await control.journal()).filter(
        (r) => r.method === 'GET' && r.url.startsWith(`/connections/${nangoId}`),
      ).length
    const before = await reads()
    await Promise.all(Array.from({ length: 20 }, () => call(one, admin, clientId)))
    await call(one, admin, clientId)
    expect((await reads()) - before).toBe(1)
  })

  it('that died is refreshed once for 100 callers on two replicas', async () => {
    const { admin, clientId, grant } = await connected()
    // Both replicas hold the same token.
    const handles = await Promise.all([open(one, admin, clientId), open(two, admin, clientId)])
    for (const { salesforce: org } of handles) await org.request({ path: '/sobjects' })
    salesforce.settings.refreshMs = 300
    // Dead at Salesforce, while Nango still considers it valid: only a forced refresh helps.
    grant.accessToken = `${grant.accessToken}dead`
    const answers = await Promise.all(
      handles.flatMap(({ salesforce: org }) =>
        Array.from({ length: 50 }, () => org.request({ path: '/sobjects' })),
      ),
    )
    expect(answers.map((answer) => answer.status)).toEqual(Array(100).fill(200))
    expect(grant.refreshes).toBe(1)
    // Later callers with the dead token get the new one.
    await Promise.all(handles.map(({ salesforce: org }) => org.request({ path: '/sobjects' })))
    expect(grant.refreshes).toBe(1)
    const [row] = await database.query<{ refresh_count: string; refresh_lease_until: Date | null }>(
      'select refresh_count, refresh_lease_until from crm_connections where client_id = $1',
      [clientId],
    )
    expect(row).toEqual({ refresh_count: '1', refresh_lease_until: null })
  })

  it('is refreshed once more when Nango gave the old token back', async () => {
    const { admin, clientId, grant, nangoId } = await connected()
    const { salesforce: org } = await open(one, admin, clientId)
    await org.request({ path: '/sobjects' })
    const stale = await fetch(
      `${nango.url}/connections/${nangoId}?provider_config_key=salesforce`,
      {
        headers: { authorization: `Bearer ${KEY}` },
      },
    ).then((answer) => answer.json())
    grant.accessToken = `${grant.accessToken}dead`
    await control.addFault({ path: `/connections/${nangoId}`, times: 1, status: 200, body: stale })
    expect((await org.request({ path: '/sobjects' })).status).toBe(200)
    expect(grant.refreshes).toBe(1)
  })

  it('is not waited for behind the lease of a replica that died', async () => {
    const { admin, clientId, grant } = await connected()
    const { salesforce: org } = await open(one, admin, clientId)
    await org.request({ path: '/sobjects' })
    grant.accessToken = `${grant.accessToken}dead`
    await database.query(
      `update crm_connections set refresh_lease_holder = gen_random_uuid(),
              refresh_lease_until = now() + interval '1 second' where client_id = $1`,
      [clientId],
    )
    expect((await org.request({ path: '/sobjects' })).status).toBe(200)
    expect(grant.refreshes).toBe(1)
  })
})

describe('a grant', () => {
  it('is expired only after three refused refreshes over ten minutes; a success brings it back', async () => {
    const { admin, clientId, nangoId } = await connected()
    const refuse = async () => {
      await control.refuseRefresh({ times: 1, connection_id: nangoId })
      return failing(one.connections.refresh(admin, { client_id: clientId }))
    }
    const first = await refuse()
    expect(first.code).toBe('nango_error')
    expect(first.upstream).toMatchObject({
      service: 'nango',
      status: 400,
      code: 'invalid_credentials',
    })
    await refuse()
    await refuse()
    await refuse()
    expect((await see(admin, clientId)).status).toBe('connected')
    await fastForwardRefusals(clientId, 11)
    await refuse()
    expect(await see(admin, clientId)).toMatchObject({
      status: 'expired',
      error: { code: 'refresh_refused' },
    })
    expect((await failing(call(two, admin, clientId))).code).toBe('connection_not_ready')
    const back = await one.connections.refresh(admin, { client_id: clientId })
    expect(back).toMatchObject({ status: 'connected', error: null })
    expect(back.last_refreshed_at).not.toBeNull()
    expect((await call(two, admin, clientId)).status).toBe(200)
  })

  it('that is two refusals and ten minutes old is not expired yet', async () => {
    const { admin, clientId, nangoId } = await connected()
    for (let i = 0; i < 2; i += 1) {
      await control.refuseRefresh({ times: 1, connection_id: nangoId })
      await failing(one.connections.refresh(admin, { client_id: clientId }))
      await fastForwardRefusals(clientId, 20)
    }
    expect((await see(admin, clientId)).status).toBe('connected')
  })

  it('that is refused is not asked for again at once, and is found out by work alone', async () => {
    const { admin, clientId, grant } = await connected()
    grant.revoked = true
    const first = await failing(call(one, admin, clientId))
    expect(first.code).toBe('nango_error')
    const attempts = async () =>
      Object.values((await control.counters()).refreshes).reduce((a, b) => a + b, 0)
    const tried = await attempts()
    const second = await failing(call(two, admin, clientId))
    expect(second.retryAfterSeconds).toBeGreaterThan(0)
    expect(await attempts()).toBe(tried)
    for (let i = 0; i < 3; i += 1) {
      await fastForwardRefusals(clientId, 6)
      await failing(call(i % 2 === 0 ? two : one, admin, clientId))
    }
    expect(await see(admin, clientId)).toMatchObject({ status: 'expired' })
  })

  it('that Nango has given up on is expired at once', async () => {
    const { admin, clientId, nangoId } = await connected()
    await control.editConnection(nangoId, { exhausted: true })
    expect((await failing(call(one, admin, clientId))).code).toBe('nango_error')
    expect(await see(admin, clientId)).toMatchObject({
      status: 'expired',
      error: { code: 'refresh_limit_reached' },
    })
    expect((await one.connections.refresh(admin, { client_id: clientId })).status).toBe('connected')
  })

  it('that Nango no longer holds is expired', async () => {
    const { admin, clientId, nangoId } = await connected()
    await fetch(`${nango.url}/connections/${nangoId}?provider_config_key=salesforce`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${KEY}` },
    })
    await failing(call(one, admin, clientId))
    expect(await see(admin, clientId)).toMatchObject({
      status: 'expired',
      error: { code: 'grant_gone' },
    })
  })

  it('keeps its state while Nango is merely away', async () => {
    const { admin, clientId } = await connected()
    await control.addFault({ path: '/connections/*', times: 10, status: 503 })
    expect((await failing(call(one, admin, clientId))).code).toBe('nango_error')
    expect((await failing(one.connections.refresh(admin, { client_id: clientId }))).code).toBe(
      'nango_error',
    )
    expect((await see(admin, clientId)).status).toBe('connected')
    await control.clearFaults()
    expect((await call(one, admin, clientId)).status).toBe(200)
  })
})

describe('an answer that leads elsewhere', () => {
  it('to another Salesforce org ends in an error, and no call is made with it', async () => {
    const { admin, clientId, connection, nangoId, grant } = await connected()
    const handle = await open(two, admin, clientId)
    await handle.salesforce.request({ path: '/sobjects' })
    const idOf = (orgId: string) => `https://login.salesforce.com/id/${orgId}/005Ws000001XyZaIAK`
    await control.editConnection(nangoId, { raw: { id: idOf(ORG_B) } })
    salesforce.calls.length = 0
    expect((await failing(call(one, admin, clientId))).code).toBe('salesforce_org_changed')
    expect(salesforce.calls.filter(({ path }) => path.endsWith('/sobjects'))).toEqual([])
    expect(await see(admin, clientId)).toMatchObject({
      status: 'error',
      error: { code: 'salesforce_org_changed' },
      sfdc_org_id: connection.sfdc_org_id,
    })
    // A token in another replica's memory is not used either.
    grant.accessToken = `${grant.accessToken}dead`
    expect((await failing(handle.salesforce.request({ path: '/sobjects' }))).code).toBe(
      'salesforce_org_changed',
    )
    expect((await failing(call(two, admin, clientId))).code).toBe('connection_not_ready')

    await control.editConnection(nangoId, { raw: { id: idOf(grant.sfdcOrgId) } })
    expect((await one.connections.refresh(admin, { client_id: clientId })).status).toBe('connected')
    expect((await call(two, admin, clientId)).status).toBe(200)
  })

  it('to a host that is not Salesforce ends in an error, and no token is sent there', async () => {
    const { admin, clientId, nangoId } = await connected()
    await control.editConnection(nangoId, {
      raw: { instance_url: 'https://acme.my.salesforce.com.evil.example' },
    })
    expect((await failing(call(one, admin, clientId))).code).toBe('host_refused')
    expect(await see(admin, clientId)).toMatchObject({
      status: 'error',
      error: { code: 'host_refused' },
      instance_url: salesforce.url,
    })
  })

  it('with less scope than the API needs ends in an error', async () => {
    const { admin, clientId, nangoId } = await connected()
    await control.editConnection(nangoId, { raw: { scope: 'refresh_token id' } })
    expect((await failing(call(one, admin, clientId))).code).toBe('connection_not_ready')
    expect(await see(admin, clientId)).toMatchObject({
      status: 'error',
      error: { code: 'missing_scope' },
    })
  })
})

describe('the API budget', () => {
  const usageIs = async (sfdcOrgId: string, used: number) => {
    await until('the usage is noted', async () => {
      const rows = await database.query(
        'select 1 from engine.salesforce_org_usage where sfdc_org_id = $1 and used >= $2',
        [sfdcOrgId, used],
      )
      return rows.length === 1
    })
  }

  it('stops work before the reserve on every replica, never what is protected, and resumes by itself', async () => {
    const { admin, clientId, grant } = await connected()
    const orgId = (await see(admin, clientId)).sfdc_org_id ?? grant.sfdcOrgId
    const quick = rig.replica({ waitScale: 1e-6 })
    salesforce.usage.used = 13_498
    expect((await call(one, admin, clientId)).status).toBe(200) // 13,499
    expect((await call(one, admin, clientId)).status).toBe(200) // 13,500: the reserve begins
    await usageIs(orgId, 13_500)
    const spent = salesforce.usage.used
    for (const replica of [one, two]) {
      const error = await failing(call(replica, admin, clientId))
      expect(error.code).toBe('api_budget_exhausted')
      expect(error.status).toBe(429)
      expect(error.retryAfterSeconds).toBeGreaterThan(0)
    }
    const interactive = await two.connections.open(admin.tenant, clientId, 'interactive')
    expect((await failing(interactive.salesforce.request({ path: '/sobjects' }))).code).toBe(
      'api_budget_exhausted',
    )
    expect(salesforce.usage.used).toBe(spent)
    const held = await one.connections.open(admin.tenant, clientId, 'protected')
    expect((await held.salesforce.request({ path: '/sobjects' })).status).toBe(200)

    // The day moves on without notice. An observation that is old enough is read again.
    salesforce.usage.used = 5_000
    expect((await call(quick, admin, clientId)).status).toBe(200)
    await until('the others learn of it', () =>
      call(two, admin, clientId).then(
        () => true,
        () => false,
      ),
    )
  })

  it('reads an old observation again, once for all who wait', async () => {
    const { admin, clientId, grant } = await connected()
    await database.query(
      `insert into engine.salesforce_org_usage (sfdc_org_id, used, max, observed_at)
       values ($1, 14900, 15000, now() - interval '1 hour')`,
      [(await see(admin, clientId)).sfdc_org_id ?? grant.sfdcOrgId],
    )
    salesforce.usage.used = 14_950
    salesforce.calls.length = 0
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => call(one, admin, clientId)),
    )
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    const asked = () => salesforce.calls.filter(({ path }) => path.startsWith('/services/data/'))
    expect(asked().map(({ path }) => path)).toEqual(['/services/data/v66.0/limits'])
  })

  it('believes a refusal of Salesforce, on every replica', async () => {
    const { admin, clientId } = await connected()
    await call(two, admin, clientId)
    salesforce.settings.limitReached = true
    expect((await failing(call(one, admin, clientId))).code).toBe('api_budget_exhausted')
    await until('the other replica learns of it', () =>
      call(two, admin, clientId).then(
        () => false,
        (error: unknown) =>
          error instanceof EngineError &&
          error.code === 'api_budget_exhausted' &&
          error.upstream === undefined,
      ),
    )
    salesforce.calls.length = 0
    await failing(call(one, admin, clientId))
    expect(salesforce.calls).toEqual([])
  })
})
