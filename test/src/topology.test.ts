// A client's schema as snapshots: exactly as Salesforce sent it, cheap to repeat, hidden from others.

import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Snapshot, type TestClient, type TestOrg } from './rig.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'

const LARGE = { objects: 1000, fields: 20_000 }

let rig: SharedRig
let acme: SalesforceOrg
let org: TestOrg
let client: TestClient
let first: Snapshot

beforeAll(async () => {
  rig = await sharedRig()
  acme = await rig.salesforceOrg({ edition: 'Enterprise' })
  org = await rig.org()
  client = await org.client()
  await client.connect(acme.name)
  first = await client.pull()
})
beforeEach(() => rig.simulator.control.clearJournal(acme.name))

interface Payload {
  objects: Record<string, { fields: { name: string }[] }>
  automations: { type: string; api_name: string; active: boolean; object: string | null }[]
}

const get = async (body: Record<string, unknown> = {}, of: TestClient = client) => {
  const answer = await org.api.post<Payload & Snapshot>('/api/topology/get', {
    client_id: of.id,
    ...body,
  })
  expect(answer.status, answer.text.slice(0, 300)).toBe(200)
  return answer.body
}

/** What Salesforce itself returns to the connected user. */
const salesforce = async (salesforceOrg: SalesforceOrg) => {
  const { token, instanceUrl } = await rig.simulator.control.openSession(
    salesforceOrg.name,
    salesforceOrg.usernameOf('integration'),
  )
  return async (path: string) =>
    (
      await fetch(`${instanceUrl}/services/data/v66.0${path}`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).json()
}

const stored = async () => {
  const [counts] = await rig.query<{
    blobs: number
    snapshots: number
    validators: string
  }>(
    `select (select count(*)::int from topology_blobs where client_id = $1) as blobs,
            (select count(*)::int from crm_topology_snapshots where client_id = $1) as snapshots,
            (select md5(string_agg(name || coalesce(encode(hash, 'hex'), ''), ',' order by kind, name))
               from topology_validators where client_id = $1) as validators`,
    [client.id],
  )
  return counts
}

const calls = async (pattern: RegExp) =>
  (await rig.simulator.control.journal(acme.name)).filter((call) =>
    pattern.test(`${call.method} ${call.path}`),
  )

describe('a snapshot', () => {
  it('gives back, object by object, exactly what Salesforce sent to the connected user', async () => {
    const ask = await salesforce(acme)
    const { objects } = await get()
    const global = (await ask('/sobjects')) as { sobjects: { name: string }[] }
    expect(Object.keys(objects).toSorted()).toEqual(
      global.sobjects.map(({ name }) => name).toSorted(),
    )
    for (const name of [
      'Account',
      'Lead',
      'Placement__c',
      'signhere__Envelope__c',
      'LeadHistory',
    ]) {
      expect(objects[name], name).toEqual(await ask(`/sobjects/${name}/describe`))
    }
  })

  it('holds every kind of automation with its state', async () => {
    const { automations } = await get({ include: ['automations'] })
    expect(new Set(automations.map(({ type }) => type))).toEqual(
      new Set(['flow', 'validation_rule', 'workflow_rule', 'assignment_rule', 'apex_trigger']),
    )
    const flow = automations.find(({ api_name }) => api_name === 'Lead_Set_Segment')
    expect(flow).toMatchObject({ active: true, object: 'Lead', active_version: 3 })
  })

  it('can be read in part, and by any version', async () => {
    const part = await get({ version: first.version, objects: ['Lead', 'Account'] })
    expect(Object.keys(part.objects).toSorted()).toEqual(['Account', 'Lead'])
  })

  it("is open to the client's own people and to nobody else", async () => {
    const member = await org.user('company_member', client.id)
    const stranger = await org.user('company_admin', (await org.client()).id)
    const foreign = await rig.org()
    const ask = { client_id: client.id }
    expect((await member.api.post('/api/topology/history', ask)).status).toBe(200)
    expect((await member.api.post('/api/topology/pull', ask)).status).toBe(403)
    for (const path of ['/api/topology/get', '/api/topology/history']) {
      expect((await stranger.api.post(path, ask)).status, path).toBe(404)
      expect((await foreign.api.post(path, ask)).status, path).toBe(404)
    }
    expect((await foreign.api.post('/api/topology/pull', ask)).status).toBe(404)
  })
})

describe('a pull', () => {
  it('of 1,000 objects and 20,000 fields takes at most N/25 + 25 Salesforce calls', async () => {
    const salesforceOrg = await rig.salesforceOrg({ seed: LARGE })
    const big = await org.client()
    await big.connect(salesforceOrg.name)
    await rig.simulator.control.clearJournal(salesforceOrg.name)
    const snapshot = await big.pull()
    expect(snapshot).toMatchObject({ objects_count: LARGE.objects, fields_count: LARGE.fields })
    const counted = (await rig.simulator.control.journal(salesforceOrg.name)).reduce(
      (sum, call) => sum + call.calls,
      0,
    )
    expect(counted).toBeLessThanOrEqual(LARGE.objects / 25 + 25)
    expect(snapshot.stats.salesforce_api_calls, 'what we say is what Salesforce counted').toBe(
      counted,
    )

    const ask = await salesforce(salesforceOrg)
    const { objects } = await get({ objects: ['Object_00000__c', 'Object_00999__c'] }, big)
    for (const [name, describe] of Object.entries(objects)) {
      expect(describe).toEqual(await ask(`/sobjects/${name}/describe`))
    }
  })

  it('with nothing changed asks one describe call and stores one row', async () => {
    await client.pull()
    await rig.simulator.control.clearJournal(acme.name)
    const before = await stored()
    const snapshot = await client.pull()
    expect(await calls(/\/(sobjects|composite)/)).toMatchObject([
      // The connected user's rights; no describe is requested.
      { path: expect.stringMatching(/\/composite$/) as string },
      { path: expect.stringMatching(/\/sobjects\/?$/) as string, status: 304 },
    ])
    const after = await stored()
    expect(after).toEqual({ ...before, snapshots: (before?.snapshots ?? 0) + 1 })
    expect(snapshot.changes_from_previous).toEqual({ added: 0, removed: 0, changed: 0 })
  })

  it('after a permission-set change that moved every date stores no describe again', async () => {
    const before = await stored()
    await rig.simulator.control.act('permissions/touch', { org: acme.name })
    const snapshot = await client.pull()
    const after = await stored()
    expect(after?.blobs).toBe(before?.blobs)
    expect(snapshot.changes_from_previous).toEqual({ added: 0, removed: 0, changed: 0 })
    expect(
      (await calls(/composite$/)).length,
      'dates moved, so every describe was asked for',
    ).toBeGreaterThan(2)
  })

  it('sees a changed field, a new object and a hidden field, and the diff names them', async () => {
    const { control } = rig.simulator
    const base = await client.pull()
    await control.act('schema/alter-field', {
      org: acme.name,
      object: 'Lead',
      name: 'Segment__c',
      changes: { label: 'Market Segment' },
    })
    await control.act('schema/add-object', { org: acme.name, name: 'Invoice__c', label: 'Invoice' })
    await control.act('permissions/hide-field', {
      org: acme.name,
      object: 'Account',
      field: 'Region__c',
    })
    await control.act('automations/set-validation-rule', {
      org: acme.name,
      object: 'Lead',
      name: 'Score_In_Range',
      active: false,
    })
    const now = await client.pull()
    const diff = await org.api.post<{
      objects: {
        api_name: string
        change: string
        fields: { api_name: string; change: string }[]
      }[]
      automations: { api_name: string; change: string }[]
    }>('/api/topology/diff', {
      client_id: client.id,
      from_version: base.version,
      to_version: now.version,
    })
    expect(diff.status).toBe(200)
    const found = Object.fromEntries(diff.body.objects.map((object) => [object.api_name, object]))
    expect(found.Invoice__c?.change).toBe('added')
    expect(found.Lead?.fields).toMatchObject([{ api_name: 'Segment__c', change: 'changed' }])
    expect(found.Account?.fields).toMatchObject([{ api_name: 'Region__c', change: 'not_visible' }])
    expect(diff.body.automations.map(({ api_name }) => api_name)).toEqual([
      expect.stringContaining('Score_In_Range'),
    ])
  })

  it('lists an object that cannot be described, and captures the rest', async () => {
    await rig.simulator.control.addFault({
      org: acme.name,
      path: '*/sobjects/Solution/describe*',
      times: 50,
      kind: {
        type: 'status',
        status: 500,
        errorCode: 'UNKNOWN_EXCEPTION',
        message: 'An unexpected error occurred.',
      },
    })
    const snapshot = await client.pull({ full: true })
    await rig.simulator.control.clearFaults(acme.name)
    expect(snapshot.stats.unreadable).toMatchObject([{ object: 'Solution' }])
    expect(snapshot.objects_count).toBeGreaterThan(80)
  })

  it('gets through 503s, cut answers and dead sessions', async () => {
    const { control } = rig.simulator
    await control.addFault({
      org: acme.name,
      path: '*composite',
      times: 2,
      kind: { type: 'status', status: 503, body: 'html' },
    })
    await control.addFault({ org: acme.name, path: '*composite', kind: { type: 'cut' } })
    await control.addFault({
      org: acme.name,
      path: '*query*',
      kind: { type: 'close', when: 'after' },
    })
    await control.act('sessions/expire', { org: acme.name })
    const snapshot = await client.pull({ full: true })
    await control.clearFaults(acme.name)
    expect(snapshot.stats.unreadable).toEqual([])
  })

  it('says what is missing when the client has no connection or no snapshot', async () => {
    const bare = await org.client()
    const pull = await org.api.post('/api/topology/pull', { client_id: bare.id })
    expect([pull.status, pull.body.code]).toEqual([409, 'connection_not_ready'])
    const read = await org.api.post('/api/topology/get', { client_id: bare.id })
    expect([read.status, read.body.code]).toEqual([409, 'no_snapshot'])
  })

  it('that the caller does not wait for answers 202 with Location, and ends by itself', async () => {
    const answer = await org.api.post<Snapshot>('/api/topology/pull', {
      client_id: client.id,
      full: true,
      wait_seconds: 0,
    })
    expect(answer.status).toBe(202)
    expect(answer.headers.get('location')).toContain('/api/topology/')
    const done = await client.pull()
    expect(done.status).toBe('complete')
  })

  it('with an idempotency key is one pull, replayed in its current state', async () => {
    const headers = { 'idempotency-key': `pull-${Date.now()}` }
    const body = { client_id: client.id, wait_seconds: 55 }
    const once = await org.api.post<Snapshot>('/api/topology/pull', body, headers)
    const again = await org.api.post<Snapshot>('/api/topology/pull', body, headers)
    expect(again.body.id).toBe(once.body.id)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })
})

describe('the API budget', () => {
  it("stops a pull before the reserve, keeps the client's other tools going, and resumes when calls are back", async () => {
    const { control } = rig.simulator
    const view = (await control.orgs()).find(({ name }) => name === acme.name)
    await control.act('orgs/update', { org: acme.name, used: (view?.usage.max ?? 0) * 0.91 })
    // One check shows the engine the current state.
    await org.api.post('/api/connections/get', { client_id: client.id, check: true })
    const refused = await org.api.post<Snapshot>('/api/topology/pull', {
      client_id: client.id,
      full: true,
      wait_seconds: 3,
    })
    expect(JSON.stringify(refused.body)).toContain('api_budget_exhausted')
    await control.act('orgs/update', { org: acme.name, used: 100 })
    await org.api.post('/api/connections/get', { client_id: client.id, check: true })
    expect((await client.pull()).status).toBe('complete')
  })
})
