// Blueprints and drift on real replicas: a version made from one client, deployed to another, and how far each of
// them is from it as people change things.

import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TestClient, type TestOrg } from './rig.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'
import { until } from './until.ts'

interface Component {
  type: string
  full_name: string
  state: string
  accepted: boolean
  differences: { attribute: string; wanted: unknown; found: unknown }[]
  deployed: { deployment_id: string } | null
  changed_by: string | null
  reason: { code: string } | null
}
interface Result {
  id: string
  client_id: string
  state: string
  reason: { code: string } | null
  components: Component[]
}
interface Run {
  id: string
  is_final: boolean
  counts: { in_sync: number; drifted: number; unknown: number; waiting: number }
}

let rig: SharedRig
let org: TestOrg
let acme: TestClient
let globex: TestClient
/** The Salesforce org of each. */
const orgs = new Map<TestClient, string>()
let blueprintId: string

const ok = async <Body>(path: string, body: object, status = 200): Promise<Body> => {
  const answer = await org.api.post<Body & Record<string, unknown>>(path, body)
  expect(answer.status, answer.text).toBe(status)
  return answer.body
}
const alter = (client: TestClient, name: string, changes: object, by?: { username: string }) =>
  rig.simulator.control.act('schema/alter-field', {
    ...{ org: orgs.get(client) ?? '', object: 'Lead', name, changes: { ...changes } },
    ...(by === undefined ? {} : { username: by.username }),
  })
const run = (more: object = {}) =>
  ok<Run>('/api/fleet/drift/run', { blueprint_id: blueprintId, wait_seconds: 55, ...more })
const resultsOf = async ({ id }: Run, filter: object = {}): Promise<Result[]> =>
  (await ok<{ items: Result[] }>('/api/fleet/drift/results', { run_id: id, ...filter })).items
const statesOf = async (of: Run, client: TestClient): Promise<string[]> => {
  const [result] = await resultsOf(of, { client_id: client.id })
  return [
    result?.state ?? '',
    ...(result?.components ?? []).map(({ full_name: name, state }) => `${name} ${state}`),
  ]
}

const PLAN = {
  objects: [
    {
      api_name: 'Lead',
      fields: [
        { api_name: 'Fleet_Tier__c', label: 'Fleet Tier', type: 'Text', length: 40 },
        { api_name: 'Fleet_Size__c', label: 'Fleet Size', type: 'Number', precision: 6, scale: 0 },
        {
          ...{ api_name: 'Fleet_Stage__c', label: 'Fleet Stage', type: 'Picklist' },
          ...{ values: ['New', 'Won'], restricted: true },
        },
      ],
    },
  ],
  permissions: { permission_set: 'Fleet' },
}

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  ;[acme, globex] = [await org.client('Acme'), await org.client('Globex')]
  for (const client of [acme, globex]) {
    const { name } = await rig.salesforceOrg()
    orgs.set(client, name)
    await client.connect(name)
  }
  await ok('/api/deploy/custom-objects', { client_id: acme.id, plan: PLAN, wait_seconds: 55 })
  await acme.pull()
  await globex.pull()
  blueprintId = (
    await ok<{ id: string }>('/api/blueprints/create', { name: 'Fleet leads', slug: 'leads' }, 201)
  ).id
})

describe('a blueprint', () => {
  it('is made from what a client has, and says what of it a plan cannot express', async () => {
    const named = { blueprint_id: blueprintId, client_id: acme.id, expected_latest: 0 }
    const made = await ok<{
      version: { version: number; plan: { objects: { fields: object[] }[] } }
      left_out: { full_name: string; reason: string }[]
    }>(
      '/api/blueprints/from-client',
      {
        ...named,
        objects: [
          { api_name: 'lead', fields: ['Fleet_Tier__c', 'Fleet_Size__c', 'Fleet_Stage__c'] },
        ],
      },
      201,
    )
    expect(made.left_out).toEqual([])
    expect(made.version).toMatchObject({
      version: 1,
      plan: {
        objects: [
          {
            api_name: 'Lead',
            fields: [
              { api_name: 'Fleet_Tier__c', label: 'Fleet Tier', type: 'Text', length: 40 },
              { api_name: 'Fleet_Size__c', type: 'Number', precision: 6, scale: 0 },
              { api_name: 'Fleet_Stage__c', values: ['New', 'Won'], restricted: true },
            ],
          },
        ],
      },
    })
    const refused = await org.api.post<{ code: string; errors: { path: string }[] }>(
      '/api/blueprints/from-client',
      { ...named, expected_latest: 1, objects: [{ api_name: 'Lead', fields: ['Nope__c'] }] },
    )
    expect([refused.body.code, refused.body.errors[0]?.path]).toEqual([
      'unknown_field',
      'objects.0.fields.0',
    ])
  })

  it('leaves values open that each client brings, and is refused otherwise', async () => {
    const [object] = PLAN.objects
    const fields = object?.fields.map((one) =>
      one.api_name === 'Fleet_Tier__c' ? { ...one, label: { param: 'tier' } } : one,
    )
    const version = { plan: { ...PLAN, objects: [{ ...object, fields }] }, expected_latest: 1 }
    const refused = await org.api.post<{ code: string; errors: { path: string; code: string }[] }>(
      '/api/blueprints/versions/create',
      { blueprint_id: blueprintId, ...version },
    )
    expect([refused.status, refused.body.errors]).toMatchObject([
      400,
      [{ path: 'plan.objects.0.fields.0.label', code: 'parameter_undeclared' }],
    ])
    const parameters = [{ name: 'tier', type: 'text', default: 'Fleet Tier' }]
    await ok(
      '/api/blueprints/versions/create',
      { blueprint_id: blueprintId, ...version, parameters },
      201,
    )
    await ok('/api/blueprints/bindings/set', { blueprint_id: blueprintId, selector: { all: true } })
  })
})

describe('drift', () => {
  it('is found from the newest snapshots, for each client and component', async () => {
    const first = await run()
    expect(first).toMatchObject({
      is_final: true,
      counts: { in_sync: 1, drifted: 1, unknown: 0, waiting: 0 },
    })
    // The pulls were before the bindings, and have read no permission set.
    expect(await statesOf(first, acme)).toEqual([
      'in_sync',
      'Lead.Fleet_Tier__c in_sync',
      'Lead.Fleet_Size__c in_sync',
      'Lead.Fleet_Stage__c in_sync',
      'Fleet unknown',
    ])
    expect((await statesOf(first, globex)).slice(0, 2)).toEqual([
      'drifted',
      'Lead.Fleet_Tier__c not_applied',
    ])
    const board = await ok<{
      items: { client_id: string; drift: object; risks: { code: string }[] }[]
    }>('/api/fleet/health', {})
    const shown = (client: TestClient) => board.items.find(({ client_id: id }) => id === client.id)
    const looked = { blueprints: 1, unknown: 0, looked_at: expect.any(String) as string }
    expect(shown(acme)?.drift).toEqual({ ...looked, drifted: 0 })
    expect(shown(globex)?.drift).toEqual({ ...looked, drifted: 1 })
    const isDrifted = ({ code }: { code: string }) => code === 'drifted'
    expect(shown(acme)?.risks.some(isDrifted)).toBe(false)
    expect(shown(globex)?.risks.some(isDrifted)).toBe(true)
    const drifted = await ok<{ items: { client_id: string }[] }>('/api/blueprints/bindings/set', {
      ...{ blueprint_id: blueprintId, selector: { drifted: true } },
    })
    expect(drifted.items.map(({ client_id }) => client_id)).toEqual([globex.id])
  })

  it('with refresh pulls first, and says what was changed, removed and added', async () => {
    const kim = { username: 'kim@acme.example', firstName: 'Kim', lastName: 'Admin' }
    await rig.simulator.control.act('users/create', { org: orgs.get(acme) ?? '', ...kim })
    await alter(acme, 'Fleet_Tier__c', { length: 90 }, kim)
    expect(await statesOf(await run(), acme)).toContain('Lead.Fleet_Tier__c in_sync')
    const fresh = await run({ refresh: true, selector: { client_ids: [acme.id] } })
    expect(fresh).toMatchObject({ is_final: true, counts: { drifted: 1 } })
    const [result] = await resultsOf(fresh, { component_state: 'modified' })
    expect(result?.components).toMatchObject([
      {
        full_name: 'Lead.Fleet_Tier__c',
        differences: [{ attribute: 'length', wanted: 40, deployed: 40, found: 90 }],
        deployed: { deployment_id: expect.any(String) as string },
        changed_by: 'Kim Admin',
      },
    ])
    expect(await statesOf(fresh, acme)).toContain('Fleet in_sync')
    const events = await ok<{ items: { id: string; data: { run_id: string } }[] }>(
      '/api/events/list',
      { client_id: acme.id, types: ['drift.found'] },
    )
    expect(events.items.map(({ data }) => data.run_id)).toEqual([fresh.id])
    // A company user sees nothing of the fleet, not even that it looked.
    const { api: company } = await org.user('company_admin', acme.id)
    for (const more of [{}, { types: ['drift.found'] }]) {
      const { status, body } = await company.post<{ items: { type: string }[] }>(
        '/api/events/list',
        { client_id: acme.id, limit: 200, ...more },
      )
      expect(status).toBe(200)
      expect(body.items.map(({ type }) => type)).not.toContain('drift.found')
      expect(body.items.length > 0).toBe(!('types' in more))
    }
    const event_id = events.items[0]?.id
    expect((await company.post('/api/events/get', { event_id })).status).toBe(404)
  })

  it('that is accepted is none until it changes again', async () => {
    const [before] = await resultsOf(await run(), { client_id: acme.id })
    const { binding } = await ok<{ binding: { overrides: object[] } }>('/api/fleet/drift/accept', {
      ...{ result_id: before?.id, note: 'They need longer tiers' },
    })
    expect(binding.overrides).toMatchObject([{ full_name: 'Lead.Fleet_Tier__c' }])
    expect((await statesOf(await run(), acme))[0]).toBe('in_sync')
    const again = await org.api.post<{ code: string }>('/api/fleet/drift/accept', {
      result_id: before?.id,
    })
    expect([again.status, again.body.code]).toEqual([409, 'drift_superseded'])
    await alter(acme, 'Fleet_Tier__c', { length: 95 })
    const fresh = await run({ refresh: true, selector: { client_ids: [acme.id] } })
    expect((await statesOf(fresh, acme))[0]).toBe('drifted')
  })

  it('that was accepted and leaves nothing to bring is unchanged in a rollout, until that is withdrawn', async () => {
    const { id } = await ok<{ id: string }>('/api/blueprints/create', { name: 'Nothing' }, 201)
    const plan = {
      objects: [
        {
          api_name: 'Lead',
          fields: [{ api_name: 'Never__c', type: 'Text', label: 'Never', length: 20 }],
        },
      ],
      permissions: { permission_set: null, assign_to_connected_user: false },
    }
    await ok('/api/blueprints/versions/create', { blueprint_id: id, plan }, 201)
    const bind = { blueprint_id: id, client_ids: [globex.id] }
    await ok('/api/blueprints/bindings/set', bind)
    const accept = async (note?: string) => {
      const [result] = await resultsOf(await run({ blueprint_id: id }))
      expect(result?.components).toMatchObject([{ state: 'not_applied' }])
      const body = { result_id: result?.id, ...(note === undefined ? {} : { note }) }
      return ok<{ binding: { overrides: object[] } }>('/api/fleet/drift/accept', body)
    }
    await accept('They do without')
    const { binding } = await accept()
    expect(binding.overrides).toMatchObject([{ note: 'They do without' }])
    const create = async () =>
      ok<{ id: string; counts: object }>(
        '/api/fleet/rollouts/create',
        { blueprint_id: id, targets: { bound: true }, strategy: { waves: [{ name: 'all' }] } },
        201,
      )
    const rollout = await create()
    expect(rollout.counts).toEqual({ unchanged: 1 })
    const of = { rollout_id: rollout.id, wait_seconds: 55 }
    await ok('/api/fleet/rollouts/check', of)
    const ended = await ok<{ state: string; counts: object }>('/api/fleet/rollouts/start', of)
    expect(ended).toMatchObject({ state: 'succeeded', counts: { unchanged: 1 } })

    const withdraw = [{ type: 'CustomField', full_name: 'Lead.Never__c' }]
    const { items } = await ok<{ items: object[] }>('/api/blueprints/bindings/set', {
      ...bind,
      withdraw,
    })
    expect(items).toMatchObject([{ overrides: [] }])
    // After it was created, too: a check is of what the binding says by then.
    const later = await create()
    expect(later.counts).toEqual({ pending: 1 })
    const again = { rollout_id: later.id, wait_seconds: 55 }
    const counts = async () =>
      (await ok<{ counts: object }>('/api/fleet/rollouts/get', { rollout_id: later.id })).counts
    const isStale = async () => {
      const answer = await org.api.post<{ code: string; errors: object[] }>(
        '/api/fleet/rollouts/start',
        again,
      )
      expect(answer.body, answer.text).toMatchObject({
        ...{ code: 'confirmation_stale', errors: [{ code: 'binding_changed' }] },
      })
    }
    await ok('/api/fleet/rollouts/check', again)
    expect(await counts()).toEqual({ ready: 1 })
    await accept('They still do without')
    await isStale()
    await ok('/api/fleet/rollouts/check', again)
    expect(await counts()).toEqual({ unchanged: 1 })
    await ok('/api/blueprints/bindings/set', { ...bind, withdraw })
    await isStale()
    await ok('/api/fleet/rollouts/check', again)
    expect(await counts()).toEqual({ ready: 1 })
    await ok('/api/blueprints/bindings/remove', bind)
  })

  it('is found in what no describe shows: less access than wanted, more than was given, and by whom', async () => {
    const set = { org: orgs.get(acme) ?? '', set: 'Fleet' }
    const { control } = rig.simulator
    const found = async () => {
      const fresh = await run({ refresh: true, selector: { client_ids: [acme.id] } })
      const [result] = await resultsOf(fresh)
      return result?.components.find(({ type }) => type === 'PermissionSet')
    }
    await control.act('permissions/grant-field', { ...set, field: 'Account.Rating' })
    expect(await found()).toMatchObject({
      ...{ state: 'extra_grant', changed_by: expect.any(String) as string },
      differences: [{ attribute: 'fieldPermissions.Account.Rating', wanted: null }],
    })
    await control.act('permissions/revoke-field', { ...set, field: 'Lead.Fleet_Size__c' })
    const less = await found()
    expect(less?.state).toBe('modified')
    expect(less?.differences.map(({ attribute }) => attribute)).toEqual([
      'fieldPermissions.Lead.Fleet_Size__c',
      'fieldPermissions.Account.Rating',
    ])
  })

  it('with refresh ends when its pulls do, though nobody looks, and says more than a later look at the snapshot before', async () => {
    const { control } = rig.simulator
    const set = { org: orgs.get(acme) ?? '', set: 'Fleet' }
    // As it was accepted.
    await alter(acme, 'Fleet_Tier__c', { length: 90 })
    await control.act('permissions/grant-field', { ...set, field: 'Lead.Fleet_Size__c' })
    await control.act('permissions/revoke-field', { ...set, field: 'Account.Rating' })
    await control.act('faults/add', {
      ...{ org: set.org, path: '*', kind: { type: 'slow', ms: 1_000 } },
    })
    const begun = await run({ refresh: true, wait_seconds: 0 })
    const later = await run()
    await control.act('faults/clear', { org: set.org })
    await until('the run has ended', async () => {
      const [row] = await rig.query<{ status: string }>(
        'select status from fleet_drift_runs where id = $1',
        [begun.id],
      )
      return row?.status === 'complete'
    })
    expect(await resultsOf(begun, { state: 'waiting' })).toEqual([])
    expect((await statesOf(begun, acme))[0]).toBe('in_sync')
    expect((await statesOf(later, acme))[0]).toBe('drifted')
    const { items } = await ok<{ items: { client_id: string; drift: object }[] }>(
      '/api/fleet/health',
      {},
    )
    expect(items.find(({ client_id: id }) => id === acme.id)?.drift).toMatchObject({ drifted: 0 })
    const drifted = await resultsOf(await run({ selector: { drifted: true } }))
    expect(drifted.map(({ client_id: id }) => id)).not.toContain(acme.id)
    const [stale] = await resultsOf(later, { client_id: acme.id })
    const accepted = await org.api.post<{ code: string }>('/api/fleet/drift/accept', {
      result_id: stale?.id,
    })
    expect([accepted.status, accepted.body.code]).toEqual([409, 'drift_superseded'])
  })

  it('is unknown where the snapshot is too old, or cannot be taken', async () => {
    await rig.query(
      `update crm_topology_snapshots set completed_at = now() - interval '30 hours' where client_id = $1`,
      [globex.id],
    )
    const old = await run({ max_age_hours: 24 })
    expect(await resultsOf(old, { state: 'unknown' })).toMatchObject([
      { client_id: globex.id, reason: { code: 'snapshot_too_old' } },
    ])
    await ok('/api/connections/revoke', { client_id: globex.id })
    const gone = await run({ refresh: true, selector: { client_ids: [globex.id] } })
    expect(await resultsOf(gone)).toMatchObject([
      { state: 'unknown', reason: { code: 'connection_not_ready' } },
    ])
  })

  it('is unknown of a client that is connected to a different Salesforce org since, until that is pulled', async () => {
    const mover = await org.client('Mover')
    const [first, second] = [await rig.salesforceOrg(), await rig.salesforceOrg()]
    await mover.connect(first.name)
    await ok('/api/deploy/custom-objects', { client_id: mover.id, plan: PLAN, wait_seconds: 55 })
    await mover.pull()
    const { id: blueprint_id } = await ok<{ id: string }>(
      '/api/blueprints/create',
      { name: 'Moves' },
      201,
    )
    await ok('/api/blueprints/versions/create', { blueprint_id, plan: PLAN }, 201)
    await ok('/api/blueprints/bindings/set', { blueprint_id, client_ids: [mover.id] })
    const stateOf = async (more: object = {}) =>
      (await resultsOf(await run({ blueprint_id, ...more })))[0]
    expect(await stateOf()).toMatchObject({ state: 'in_sync' })
    await mover.connect(second.name, { allow_other_org: true })
    const moved = await stateOf()
    expect(moved).toMatchObject({ state: 'unknown', reason: { code: 'salesforce_org_changed' } })
    expect(moved?.components.map(({ state }) => state)).not.toContain('in_sync')
    // Nor do search and health say of the new one what was found in the other.
    const selector = { client_ids: [mover.id] }
    const hitsOf = () =>
      ok<{ totals: object }>('/api/fleet/search', {
        ...{ kind: 'field', object: 'Lead', name: 'Fleet_Tier__c', selector },
      })
    const nothing = { totals: { hits: 0, searched: 0, without_snapshot: 1 } }
    expect(await hitsOf()).toMatchObject(nothing)
    expect(await ok('/api/fleet/health', { selector })).toMatchObject({
      items: [{ snapshot: null, risks: [{ code: 'no_snapshot' }] }],
    })
    // Nor is a mapping valid there, or a blueprint made, by what was in the other.
    const mapping = {
      canonical_object: 'lead',
      sfdc_object: 'Lead',
      fields: [{ canonical_field: 'tier', sfdc_field: 'Fleet_Tier__c' }],
    }
    const refusalOf = async (path: string, body: object) => {
      const answer = await org.api.post<{ code: string; detail: string }>(path, body)
      return [answer.status, answer.body.code]
    }
    const client_id = mover.id
    for (const [path, body] of [
      ['/api/mappings/validate', { client_id, mapping }],
      [
        '/api/mappings/suggest',
        { client_id, canonical_object: 'lead', canonical_fields: ['tier'] },
      ],
      ['/api/blueprints/from-client', { client_id, blueprint_id, objects: [{ api_name: 'Lead' }] }],
    ] as const) {
      expect(await refusalOf(path, body), path).toEqual([409, 'no_snapshot'])
    }
    expect(await stateOf({ refresh: true })).toMatchObject({ state: 'drifted' })
    await until('it is in the index', async () => {
      const { totals } = await ok<{ totals: { searched: number } }>('/api/fleet/search', {
        ...{ kind: 'object', name: 'Lead', selector },
      })
      return totals.searched === 1
    })
    expect(await hitsOf()).toMatchObject({ totals: { hits: 0, searched: 1, without_snapshot: 0 } })
    // And back: what differed in the second one is not accepted for the first, nor chosen there.
    const choose = async () =>
      await refusalOf('/api/fleet/drift/run', {
        blueprint_id,
        selector: { drifted: true },
        wait_seconds: 55,
      })
    expect((await choose())[0]).toBeLessThan(300)
    const differed = (await stateOf())?.id
    await mover.connect(first.name, { allow_other_org: true })
    expect(await refusalOf('/api/fleet/drift/accept', { result_id: differed })).toEqual([
      409,
      'drift_superseded',
    ])
    expect(await choose(), 'nobody is chosen').toEqual([400, 'bad_request'])
  })

  it('is not applied, and not missing, what was taken back by a rollback after a deployment that found it in place', async () => {
    const client = await org.client('Taken back')
    await client.connect((await rig.salesforceOrg()).name)
    const deploy = () =>
      ok<{ id: string }>('/api/deploy/custom-objects', {
        ...{ client_id: client.id, plan: PLAN, wait_seconds: 55 },
      })
    const { id: blueprint_id } = await ok<{ id: string }>(
      '/api/blueprints/create',
      { name: 'Taken back' },
      201,
    )
    await ok('/api/blueprints/versions/create', { blueprint_id, plan: PLAN }, 201)
    await ok('/api/blueprints/bindings/set', { blueprint_id, client_ids: [client.id] })
    await client.pull()
    const first = await deploy()
    await client.pull()
    await deploy()
    await ok('/api/deploy/rollback', { deployment_id: first.id, wait_seconds: 55 })
    const states = await statesOf(await run({ blueprint_id, refresh: true }), client)
    expect(states).toContain('Lead.Fleet_Tier__c not_applied')
    expect(states.filter((state) => state.endsWith(' missing'))).toEqual([])
  })

  it('is not found of a blueprint or a client that is missing, and no empty list hides that', async () => {
    const missing = randomUUID()
    const any = await run()
    for (const [path, body] of [
      ['list', { blueprint_id: missing }],
      ['results', { run_id: any.id, client_id: missing }],
    ] as const) {
      const answer = await org.api.post<{ code: string }>(`/api/fleet/drift/${path}`, body)
      expect([answer.status, answer.body.code], answer.text).toEqual([404, 'not_found'])
    }
  })

  it('of nobody is refused where a selector chooses nobody, and complete and empty where nobody is bound', async () => {
    const unbound = await ok<{ id: string }>('/api/blueprints/create', { name: 'Unbound' }, 201)
    const loner = await org.client('Loner')
    const begun = async (): Promise<number> =>
      (await ok<{ items: unknown[] }>('/api/fleet/drift/list', { limit: 200 })).items.length
    const before = await begun()
    for (const more of [{}, { blueprint_id: blueprintId }, { refresh: true }]) {
      const refused = await org.api.post<{ code: string; errors: object[] }>(
        '/api/fleet/drift/run',
        { ...more, selector: { tags: { tier: 'none' } }, wait_seconds: 0 },
      )
      expect([refused.status, refused.body.code], refused.text).toEqual([400, 'bad_request'])
      expect(refused.body.errors).toMatchObject([{ path: 'selector', code: 'no_targets' }])
    }
    expect(await begun(), 'a refusal begins nothing').toBe(before)
    const nobody = {
      ...{ status: 'complete', is_final: true, completed_at: expect.any(String) as string },
      counts: { in_sync: 0, drifted: 0, unknown: 0, waiting: 0, components: {} },
    }
    for (const more of [
      { blueprint_id: unbound.id },
      { blueprint_id: unbound.id, refresh: true },
      { blueprint_id: unbound.id, selector: { client_ids: [acme.id] }, refresh: true },
      { blueprint_id: blueprintId, selector: { client_ids: [loner.id] }, refresh: true },
    ]) {
      const empty = await run({ ...more, wait_seconds: 0 })
      expect(empty).toMatchObject(nobody)
      expect(await resultsOf(empty)).toEqual([])
    }
  })
})
