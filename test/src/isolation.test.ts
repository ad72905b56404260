// Callers cannot find out whether a foreign id exists: every endpoint of the OpenAPI document, with
// every kind of id that it accepts, for every role and credential, treats a foreign id like one that
// never existed.

import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { documented, type Endpoint } from './endpoints.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'

/** The resource of an id, by the member that takes it. */
const KINDS: Readonly<Record<string, Kind>> = {
  client_id: 'client',
  client_ids: 'client',
  to_client_id: 'client',
  user_id: 'user',
  token_id: 'token',
  connection_id: 'connection',
  nango_connection_id: 'grant',
  snapshot_id: 'snapshot',
  report_id: 'report',
  conflict_report_id: 'report',
  deployment_id: 'deployment',
  mapping_id: 'mapping',
  push_id: 'push',
  approval_id: 'approval',
  event_id: 'event',
  endpoint_id: 'endpoint',
  campaign_id: 'campaign',
  blueprint_id: 'blueprint',
  rollout_id: 'rollout',
  run_id: 'driftRun',
  result_id: 'driftResult',
  offboarding_id: 'offboarding',
}
type Kind =
  | 'client'
  | 'user'
  | 'token'
  | 'connection'
  | 'grant'
  | 'snapshot'
  | 'report'
  | 'deployment'
  | 'mapping'
  | 'push'
  | 'approval'
  | 'event'
  | 'endpoint'
  | 'campaign'
  | 'blueprint'
  | 'rollout'
  | 'driftRun'
  | 'driftResult'
  | 'offboarding'
type Holdings = Record<Kind, string>

/** Members that exclude each other, or that an id requires beside it. */
const BESIDE: Readonly<Record<string, Record<string, unknown>>> = {
  '/api/connections/get connection_id': { client_id: undefined },
  '/api/users/create client_id': { role: 'company_member' },
  '/api/users/update client_id': { role: 'company_member' },
  '/api/topology/diff to_client_id': { from_version: 1, to_version: 1 },
}

const PLAN = {
  objects: [
    {
      api_name: 'Lead',
      fields: [{ api_name: 'Isolated__c', label: 'Isolated', type: 'Checkbox' }],
    },
  ],
}

let rig: SharedRig
let mine: TestOrg
let endpoints: Endpoint[]
let own: Holdings
/** One of another org, and one of another client of the same org. */
let foreign: Holdings
let neighbour: Holdings
let callers: { who: string; api: Api; isConfined: boolean }[]

const idOf = async (api: Api, path: string, body: unknown): Promise<string> => {
  const answer = await api.post<{ id: string }>(path, body)
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer.body.id
}

/** An approval that a token with less power asked for. */
const askedFor = async ({ api }: TestOrg, by: { client_id: string }): Promise<string> => {
  const { body } = await api.post<{ token: string }>('/api/tokens/create', {
    name: 'asks',
    approval: 'required',
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  })
  const asked = await api.as(body.token).post<{ approval_id: string }>('/api/push/status-update', {
    ...by,
    object: 'lead',
    updates: [{ match: { id: '00Q000000000001AAA' }, fields: { name: 'Isolated' } }],
  })
  if (asked.body.approval_id === undefined) throw new Error(asked.text)
  return asked.body.approval_id
}

/** What an org has about many clients, with one of this client in each. */
const fleetHoldingsOf = async (api: Api, clientId: string) => {
  const targets = { client_ids: [clientId] }
  const blueprint = await idOf(api, '/api/blueprints/create', { name: 'Held' })
  const of = { blueprint_id: blueprint }
  await api.post('/api/blueprints/versions/create', { ...of, plan: PLAN, expected_latest: 0 })
  await api.post('/api/blueprints/bindings/set', { ...of, client_ids: [clientId] })
  const driftRun = await idOf(api, '/api/fleet/drift/run', of)
  const results = await api.post<{ items: { id: string }[] }>('/api/fleet/drift/results', {
    run_id: driftRun,
  })
  return {
    blueprint,
    driftRun,
    driftResult: results.body.items[0]?.id ?? '',
    rollout: await idOf(api, '/api/fleet/rollouts/create', { plan: PLAN, targets }),
    offboarding: await idOf(api, '/api/fleet/offboard/preview', {
      client_id: clientId,
      wait_seconds: 55,
    }),
  }
}

/** One of each kind, all of the same client. */
const holdingsOf = async (org: TestOrg, client: TestClient): Promise<Holdings> => {
  const salesforceOrg = await rig.salesforceOrg()
  const connection = await client.connect(salesforceOrg.name)
  const snapshot = await client.pull({ objects: undefined })
  const by = { client_id: client.id }
  const { api } = org
  const user = await idOf(api, '/api/users/create', {
    email: `${randomUUID()}@agency.example`,
    password: 'a long passphrase',
    role: 'company_member',
    client_id: client.id,
  })
  const events = await api.post<{ items: { id: string }[] }>('/api/events/list', by)
  return {
    event: events.body.items[0]?.id ?? '',
    // Of the org; no user of a client sees any.
    endpoint: await idOf(api, '/api/webhook-endpoints/create', {
      url: 'http://127.0.0.1:9/never',
      client_ids: [client.id],
    }),
    client: client.id,
    connection: connection.id,
    grant: connection.nango_connection_id ?? '',
    snapshot: snapshot.id,
    user,
    token: await idOf(api, '/api/tokens/create', { name: 'held', user_id: user }),
    report: await idOf(api, '/api/conflicts/check', { ...by, plan: PLAN, wait_seconds: 55 }),
    deployment: await idOf(api, '/api/deploy/custom-objects', {
      ...by,
      plan: PLAN,
      check_only: true,
      wait_seconds: 55,
    }),
    mapping: await idOf(api, '/api/mappings/create', {
      ...by,
      canonical_object: 'lead',
      sfdc_object: 'Lead',
      fields: [{ canonical_field: 'name', sfdc_field: 'LastName' }],
    }),
    approval: await askedFor(org, by),
    // Of the org, too.
    campaign: await idOf(api, '/api/fleet/reconsent/create', {
      name: 'Held',
      reason: 'app_rules',
      selector: { client_ids: [client.id] },
    }),
    ...(await fleetHoldingsOf(api, client.id)),
    push: await idOf(api, '/api/push/status-update', {
      ...by,
      object: 'lead',
      updates: [{ match: { id: '00Q000000000001AAA' }, fields: { name: 'Isolated' } }],
      options: { dry_run: true },
    }),
  }
}

beforeAll(async () => {
  rig = await sharedRig()
  endpoints = await documented(rig.urls[0] ?? '')
  mine = await rig.org()
  const theirs = await rig.org()
  const [client, next, other] = [await mine.client(), await mine.client(), await theirs.client()]
  own = await holdingsOf(mine, client)
  neighbour = await holdingsOf(mine, next)
  foreign = await holdingsOf(theirs, other)
  const also = await mine.client()
  const { body: token } = await mine.api.post<{ token: string }>('/api/tokens/create', {
    name: 'of two clients',
    client_ids: [client.id, also.id],
  })
  callers = [
    { who: 'an org_admin with an API token', api: mine.api, isConfined: false },
    {
      who: 'an org_admin with a session',
      api: (await mine.user('org_admin')).api,
      isConfined: false,
    },
    { who: 'a token of two clients', api: mine.api.as(token.token), isConfined: true },
    {
      who: 'a company_admin',
      api: (await mine.user('company_admin', client.id)).api,
      isConfined: true,
    },
    {
      who: 'a company_member',
      api: (await mine.user('company_member', client.id)).api,
      isConfined: true,
    },
  ]
})

const kindOf = (member: string): Kind => {
  const kind = KINDS[member]
  if (kind === undefined) throw new Error(`what stands behind ${member}? Add it to KINDS.`)
  return kind
}

/** The example with our own ids, and this one id. */
const bodyWith = ({ path, example, ids, lists }: Endpoint, member: string, id: string) => ({
  ...example,
  ...Object.fromEntries(
    ids.filter((name) => name in example).map((name) => [name, own[kindOf(name)]]),
  ),
  ...BESIDE[`${path} ${member}`],
  ...('email' in example ? { email: `${randomUUID()}@agency.example` } : {}),
  [member]: lists.includes(member) ? [id] : id,
})

const answerTo = async (api: Api, path: string, body: unknown, headers = {}) => {
  const { status, text, headers: given } = await api.post(path, body, headers)
  return {
    status,
    type: given.get('content-type'),
    retryAfter: given.get('retry-after'),
    text: text.replace(/"request_id":"[^"]+"/, ''),
  }
}

describe('an id of somebody else’s', () => {
  it('is answered as an id that nobody ever had, by every endpoint, for every role and credential', async () => {
    const tried = new Set<string>()
    for (const endpoint of endpoints) {
      for (const member of endpoint.ids) {
        const kind = kindOf(member)
        for (const { who, api, isConfined } of callers) {
          const nobodys = await answerTo(
            api,
            endpoint.path,
            bodyWith(endpoint, member, randomUUID()),
          )
          for (const [whose, holdings] of [
            ['another org’s', foreign],
            ...(isConfined ? [['another client’s', neighbour] as const] : []),
          ] as const) {
            const what = `${endpoint.path} ${member} of ${whose}, asked by ${who}`
            const body = bodyWith(endpoint, member, holdings[kind])
            expect(await answerTo(api, endpoint.path, body), what).toEqual(nobodys)
          }
          tried.add(`${endpoint.path} ${member} ${nobodys.status}`)
        }
      }
    }
    // Refusals are compared, not two successes; lists may both be empty.
    const successes = [...tried].filter((one) => one.endsWith(' 200') || one.endsWith(' 201'))
    expect(successes.filter((one) => !/\/(list|deliveries|results) /.test(one))).toEqual([])
    expect(tried.size).toBeGreaterThan(60)
  })

  it('is still that after it was revoked, deactivated or ended', async () => {
    const theirs = await rig.org()
    const { id } = await theirs.client()
    await theirs.api.post('/api/clients/update', { client_id: id, is_active: false })
    const { id: user } = await theirs.user('org_admin')
    await theirs.api.post('/api/users/update', { user_id: user, is_active: false })
    for (const [path, member, ended, more] of [
      ['/api/clients/get', 'client_id', id, {}],
      ['/api/clients/update', 'client_id', id, { name: 'x' }],
      ['/api/users/update', 'user_id', user, { full_name: 'x' }],
      ['/api/topology/history', 'client_id', id, {}],
    ] as const) {
      for (const { who, api } of callers) {
        const [a, b] = [
          await answerTo(api, path, { [member]: ended, ...more }),
          await answerTo(api, path, { [member]: randomUUID(), ...more }),
        ]
        expect(a, `${path} by ${who}`).toEqual(b)
      }
    }
  })
})

describe('what somebody else was given', () => {
  it('as a cursor shows nothing of theirs', async () => {
    const theirs = await rig.org()
    for (let at = 0; at < 3; at++) await theirs.client()
    const page = await theirs.api.post<{ next_cursor: string }>('/api/clients/list', { limit: 1 })
    const { body } = await mine.api.post<{ items: { org_id: string }[] }>('/api/clients/list', {
      cursor: page.body.next_cursor,
    })
    expect(new Set((body.items ?? []).map(({ org_id }) => org_id)).has(theirs.id)).toBe(false)
  })

  it('as an idempotency key answers nothing of theirs', async () => {
    const theirs = await rig.org()
    const key = { 'idempotency-key': randomUUID() }
    const first = await theirs.api.post('/api/clients/create', { name: 'secret' }, key)
    const second = await mine.api.post('/api/clients/create', { name: 'secret' }, key)
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body.id).not.toBe(first.body.id)
    expect(second.headers.get('idempotency-replayed')).toBeNull()
  })
})
