// Rollouts over HTTP, on two replicas: canary, gate and rest; what stops one, and how it is taken back.

import { beforeAll, describe, expect, it } from 'vitest'
import { apiOf, type Api, linesOf } from './api.ts'
import { text } from './deploy-bodies.ts'
import { fieldPlan, type Member, membersOf, OBJECT } from './fleet-support.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

interface RolloutBody {
  id: string
  state: string
  pause_reason: string | null
  pause_detail: Record<string, unknown> | null
  is_final: boolean
  revision: number
  targets: number
  counts: Record<string, number>
  waves: { position: number; state: string; counts: Record<string, number> }[]
  rollback_preview: {
    state: string
    targets: number
    removed: number
    data: unknown[]
    mappings: { removed: number; restored: number; kept: number }
  } | null
  code?: string
  detail?: string
  errors?: { path: string; code: string; message: string }[]
}

interface TargetBody {
  client_id: string
  wave: number
  state: string
  reason: string | null
  error: { code: string; message: string } | null
  deployment_id: string | null
  parameters: object | null
  mappings: { canonical_object: string; action: string; version: number }[] | null
  decision: string | null
  rollback: { status: string; proof: { complete: boolean } | null } | null
}

let rig: SharedRig
let agency: TestOrg
let members: Member[]
let clients: TestClient[]
/** Through the other replica. */
let other: Api

beforeAll(async () => {
  rig = await sharedRig()
  agency = await rig.org()
  other = apiOf(rig.urls[1], agency.token)
  // In the order in which they were created, as targets are.
  members = await membersOf(agency, rig.simulator.control, 6)
  clients = members.map(({ client }) => client)
})

const call = async (path: string, body: object, api = agency.api): Promise<RolloutBody> => {
  const answer = await api.post<RolloutBody>(`/api/fleet/rollouts/${path}`, body)
  expect([200, 201, 202], answer.text).toContain(answer.status)
  return answer.body
}
const refusedAs = async (path: string, body: object, api = agency.api) => {
  const answer = await api.post<RolloutBody>(`/api/fleet/rollouts/${path}`, body)
  return { status: answer.status, code: answer.body.code, errors: answer.body.errors }
}
const get = (id: string) => call('get', { rollout_id: id })
const targetsOf = async (id: string): Promise<TargetBody[]> => {
  const answer = await agency.api.post<{ items: TargetBody[] }>('/api/fleet/rollouts/targets', {
    rollout_id: id,
    limit: 200,
  })
  return answer.body.items
}
const rests = (id: string) =>
  until('the rollout rests', async () => {
    const state = await get(id)
    const sum = Object.values(state.counts).reduce((all, one) => all + one, 0)
    expect(sum, 'the counts add up').toBe(state.targets)
    return state.is_final ? state : null
  })

const checked = async (
  name: string,
  of: readonly TestClient[],
  strategy?: object,
): Promise<RolloutBody> => {
  const made = await call('create', {
    plan: fieldPlan(name),
    targets: { client_ids: of.map(({ id }) => id) },
    ...(strategy === undefined ? {} : { strategy }),
  })
  expect(made).toMatchObject({ state: 'draft', targets: of.length, counts: { pending: of.length } })
  await call('check', { rollout_id: made.id, wait_seconds: 55 })
  const ready = await rests(made.id)
  expect(ready.state).toBe('ready')
  return ready
}

const deploysOf = ({ salesforce }: Member) =>
  rig.simulator.control.act('deploys/list', { org: salesforce }) as Promise<
    { status: string; checkOnly: boolean }[]
  >
const deploysOfAll = () => Promise.all(members.map((member) => deploysOf(member)))

describe('a rollout', () => {
  it('goes to a canary, waits for an approval, goes to the rest, and is rolled back last wave first', async () => {
    const { id, revision } = await checked('Spring', clients, {
      waves: [
        { name: 'canary', count: 1 },
        { name: 'rest', gate: 'manual' },
      ],
    })
    await call('start', { rollout_id: id, revision, wait_seconds: 55 })
    const gate = await rests(id)
    expect(gate).toMatchObject({
      state: 'paused',
      pause_reason: 'gate',
      counts: { deployed: 1, ready: 5 },
      waves: [{ state: 'closed' }, { state: 'pending' }],
    })
    await call('approve', { rollout_id: id, wave: 2, wait_seconds: 55 }, other)
    const done = await rests(id)
    expect(done).toMatchObject({ state: 'succeeded', counts: { deployed: 6 } })
    for (const deploys of await deploysOfAll()) {
      expect(deploys).toMatchObject([{ status: 'Succeeded' }])
    }

    // Standing there already is unchanged, and sends nothing.
    const again = await checked('Spring', clients.slice(0, 2), { waves: [{}] })
    await call('start', { rollout_id: again.id, wait_seconds: 55 })
    expect(await rests(again.id)).toMatchObject({ state: 'succeeded', counts: { unchanged: 2 } })
    expect((await deploysOfAll())[0]).toHaveLength(1)

    await call('rollback', { rollout_id: id, dry_run: true, wait_seconds: 55 })
    const preview = await rests(id)
    expect(preview).toMatchObject({
      state: 'succeeded',
      rollback_preview: { state: 'complete', targets: 6, data: [] },
    })
    expect(preview.rollback_preview?.removed).toBeGreaterThanOrEqual(6)
    await call('rollback', { rollout_id: id, wait_seconds: 55 })
    expect(await rests(id)).toMatchObject({ state: 'rolled_back', counts: { rolled_back: 6 } })
    const targets = await targetsOf(id)
    for (const target of targets) {
      expect(target.rollback).toMatchObject({ status: 'complete', proof: { complete: true } })
    }
    const runs = await rig.query<{ wave: number }>(
      `select t.wave from deployment_runs u join rollout_targets t on t.deployment_id = u.deployment_id
        where t.rollout_id = $1 and u.kind = 'rollback' and not (u.options ->> 'dry_run')::boolean
        order by u.created_at`,
      [id],
    )
    expect(runs.map(({ wave }) => wave)).toEqual([2, 2, 2, 2, 2, 1])
  })
})

/** Salesforce refuses the next package of each of these. */
const refusePackages = async (some: readonly Member[]): Promise<void> => {
  for (const { salesforce } of some) {
    await rig.simulator.control.addFault({
      org: salesforce,
      method: 'POST',
      path: '*/metadata/deployRequest',
      times: 1,
      kind: { type: 'status', status: 400, errorCode: 'INVALID_OPERATION', message: 'Not today.' },
    })
  }
}

describe('what stops a rollout', () => {
  it('a failure over the tolerance: nothing more is sent, until somebody has tried it again and goes on', async () => {
    const of = clients.slice(0, 3)
    const { id } = await checked('Tolerance', of, { waves: [{ max_concurrent: 1 }] })
    await refusePackages(members.slice(1, 2))
    await call('start', { rollout_id: id, wait_seconds: 55 })
    const stopped = await rests(id)
    expect(stopped).toMatchObject({
      state: 'paused',
      pause_reason: 'tolerance',
      pause_detail: { wave: 1, failures: 1, failure_tolerance: 0 },
      counts: { deployed: 1, failed: 1, queued: 1 },
    })
    const failed = (await targetsOf(id)).find(({ state }) => state === 'failed')
    expect(failed).toMatchObject({ client_id: of[1]?.id, error: { code: 'salesforce_error' } })
    await call('retry', { rollout_id: id, wait_seconds: 0 }, other)
    await call('resume', { rollout_id: id, wait_seconds: 55 })
    expect(await rests(id)).toMatchObject({ state: 'succeeded', counts: { deployed: 3 } })
    const { body } = await agency.api.post<{ items: { type: string; data: object }[] }>(
      '/api/events/list',
      { limit: 200 },
    )
    const told = body.items
      .filter(({ data }) => 'rollout_id' in data && data.rollout_id === id)
      .map(({ type }) => type)
      .toReversed()
    expect(told).toEqual([
      'rollout.started',
      'rollout.paused',
      'rollout.wave_completed',
      'rollout.finished',
    ])
  })

  it('the same error in three targets of a wave, tolerance or not; skipped targets end as skipped, with who and why', async () => {
    const { id } = await checked('Systemic', clients, {
      waves: [{ max_concurrent: 1, failure_tolerance: 5 }],
    })
    await refusePackages(members.slice(0, 3))
    await call('start', { rollout_id: id, wait_seconds: 55 })
    expect(await rests(id)).toMatchObject({
      state: 'paused',
      pause_reason: 'systemic',
      pause_detail: { code: 'salesforce_error', targets: 3 },
      counts: { failed: 3, queued: 3 },
    })
    const reason = 'The client wants to wait.'
    const client_ids = [clients[3]?.id]
    await call('skip', { rollout_id: id, client_ids, reason })
    const stopped = await call('stop', { rollout_id: id })
    expect(stopped).toMatchObject({ state: 'stopped', is_final: true })
    expect((await rests(id)).counts).toEqual({ failed: 3, skipped: 3 })
    const skipped = (await targetsOf(id)).filter(({ state }) => state === 'skipped')
    expect(skipped.map(({ decision }) => decision)).toEqual([
      reason,
      'The rollout was stopped.',
      'The rollout was stopped.',
    ])
    expect(await refusedAs('rollback', { rollout_id: id })).toMatchObject({
      status: 409,
      code: 'not_rollbackable',
    })
  })

  it('a red finding: the wave does not start until the client is repaired or left out, and the matrix says for how many', async () => {
    const of = clients.slice(0, 2)
    await rig.simulator.control.act('schema/add-field', {
      org: members[0]?.salesforce ?? '',
      object: OBJECT,
      field: { name: 'Verdict__c', label: 'Verdict', type: 'Checkbox' },
    })
    await clients[0]?.pull()
    const { id, revision, counts } = await checked('Verdict', of, { waves: [{}] })
    expect(counts).toEqual({ blocked: 1, ready: 1 })
    const matrix = await agency.api.post<{ findings: object[]; blocked: object[] }>(
      '/api/fleet/rollouts/matrix',
      { rollout_id: id },
    )
    const [first] = of
    expect(matrix.body.blocked).toEqual([{ reason: 'red', clients: 1, client_ids: [first?.id] }])
    expect(matrix.body.findings).toContainEqual(
      expect.objectContaining({ severity: 'red', clients: 1, frees: 1, client_ids: [first?.id] }),
    )
    const blocked = await refusedAs('start', { rollout_id: id, revision })
    expect(blocked).toMatchObject({
      status: 409,
      code: 'conflicts_found',
      errors: [{ path: `targets.${first?.id}`, code: 'red' }],
    })
    await call('skip', { rollout_id: id, client_ids: [first?.id], reason: 'Their own field.' })
    // What was shown has changed.
    expect(await refusedAs('start', { rollout_id: id, revision })).toMatchObject({
      status: 409,
      code: 'confirmation_stale',
      errors: [{ path: `targets.${first?.id}`, code: 'verdict_changed' }],
    })
    await call('start', { rollout_id: id, revision: revision + 1, wait_seconds: 55 })
    expect(await rests(id)).toMatchObject({
      state: 'succeeded',
      counts: { deployed: 1, excluded: 1 },
    })
  })

  it('an unchecked target, and a Salesforce org that changed since the check', async () => {
    const made = await call('create', {
      plan: fieldPlan('Stale'),
      targets: { client_ids: [clients[4]?.id] },
      strategy: { waves: [{}] },
    })
    expect(await refusedAs('start', { rollout_id: made.id })).toMatchObject({
      status: 409,
      code: 'confirmation_stale',
      errors: [{ code: 'unchecked' }],
    })
    await call('check', { rollout_id: made.id, wait_seconds: 55 })
    await rests(made.id)
    await rig.simulator.control.act('schema/add-object', {
      org: members[4]?.salesforce ?? '',
      name: 'Other__c',
    })
    await clients[4]?.pull()
    expect(await refusedAs('start', { rollout_id: made.id })).toMatchObject({
      status: 409,
      code: 'confirmation_stale',
      errors: [{ path: `targets.${clients[4]?.id}`, code: 'snapshot_changed' }],
    })
  })

  it('a pause, on every replica: of what was begun and not sent nothing is sent, and each is sent once when it goes on', async () => {
    const { id } = await checked('Paused', clients, { waves: [{}] })
    const before = await deploysOfAll()
    const slow = { times: 10_000, kind: { type: 'slow', ms: 700 } } as const
    for (const { salesforce: org } of members)
      await rig.simulator.control.addFault({ org, ...slow })
    await call('start', { rollout_id: id, wait_seconds: 0 })
    await until('all have begun', async () => (await get(id)).counts.deploying === 6)
    await call('pause', { rollout_id: id }, other)
    const paused = await rests(id)
    const sent = paused.counts.deployed ?? 0
    expect(paused).toMatchObject({ state: 'paused', pause_reason: 'user' })
    expect((paused.counts.queued ?? 0) + sent).toBe(6)
    expect(paused.counts.queued, 'slower than the pause').toBeGreaterThan(0)
    for (const { salesforce: org } of members)
      await rig.simulator.control.act('faults/clear', { org })
    const after = await deploysOfAll()
    expect(after.flat().length - before.flat().length).toBe(sent)
    await call('resume', { rollout_id: id, wait_seconds: 55 })
    expect(await rests(id)).toMatchObject({ state: 'succeeded', counts: { deployed: 6 } })
    const end = await deploysOfAll()
    expect(end.map(({ length }, at) => length - (before[at]?.length ?? 0))).toEqual(
      members.map(() => 1),
    )
  })

  it('the hours in which nothing is sent, and a dead connection for as long as it is given', async () => {
    const hour = new Date().getUTCHours()
    const clock = (offset: number) => `${String((hour + offset) % 24).padStart(2, '0')}:00`
    const closed = { from: clock(3), to: clock(5), zone: 'UTC' }
    const of = [clients[5] as TestClient]
    const { id } = await checked('Window', of, { waves: [{}], window: closed })
    await call('start', { rollout_id: id, wait_seconds: 0 })
    const waiting = await until('it is paused', async () => {
      const state = await get(id)
      return state.state === 'paused' ? state : null
    })
    expect(waiting).toMatchObject({ pause_reason: 'window', is_final: false })
    expect(await refusedAs('resume', { rollout_id: id })).toMatchObject({
      code: 'rollout_state_conflict',
    })
    await call('stop', { rollout_id: id })
    expect((await rests(id)).counts).toEqual({ skipped: 1 })
    const late = await agency.api.post<RolloutBody>('/api/fleet/rollouts/pause', { rollout_id: id })
    expect(late.body.detail).toBe(
      'A rollout that is stopped cannot be paused. It can be retried, rolled back.',
    )

    const two = clients.slice(4)
    const { id: grace } = await checked('Grace', two, {
      waves: [{ count: 1 }, { gate: 'manual' }],
      connection_grace_seconds: 1,
    })
    await call('start', { rollout_id: grace, wait_seconds: 55 })
    expect(await rests(grace)).toMatchObject({ pause_reason: 'gate' })
    await rig.query(
      `update crm_connections set status = 'expired', error = '{"code":"refresh_refused","message":"-"}'
        where client_id = $1`,
      [two[1]?.id],
    )
    await call('approve', { rollout_id: grace, wait_seconds: 0 })
    const target = async () => (await targetsOf(grace)).find(({ wave }) => wave === 2)
    await until('it waits', async () => (await target())?.reason === 'connection')
    expect(await rests(grace)).toMatchObject({
      pause_reason: 'tolerance',
      counts: { deployed: 1, failed: 1 },
    })
    expect(await target()).toMatchObject({ state: 'failed', error: { code: 'connection_lost' } })
    await two[1]?.connect(members[5]?.salesforce)
    await call('retry', { rollout_id: grace, wait_seconds: 0 })
    await call('resume', { rollout_id: grace, wait_seconds: 55 })
    expect(await rests(grace)).toMatchObject({ state: 'succeeded', counts: { deployed: 2 } })
  })
})

describe('a rollout that soaks', () => {
  it('goes on by itself when the time is over by the clock, and not before; its targets come as lines, too', async () => {
    const strategy = {
      waves: [
        { name: 'canary', count: 1, soak_seconds: 3 },
        { name: 'rest', gate: 'auto' },
      ],
    }
    const { id, revision } = await checked('Soaked', clients.slice(0, 3), strategy)
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    const soaking = await until('the canary soaks', async () => {
      const state = await get(id)
      return state.pause_reason === 'soak' && state
    })
    expect(soaking.counts).toEqual({ deployed: 1, ready: 2 })
    expect(
      await until('it has gone on', async () => {
        const state = await get(id)
        return state.state === 'succeeded' && state
      }),
    ).toMatchObject({ counts: { deployed: 3 }, pause_reason: null })
    const [soak] = await rig.query<{ seconds: number }>(
      `select extract(epoch from rest.opened_at - canary.closed_at)::float8 as seconds
         from rollout_waves canary join rollout_waves rest using (org_id, rollout_id)
        where rollout_id = $1 and canary.position = 1 and rest.position = 2`,
      [id],
    )
    expect(soak?.seconds).toBeGreaterThanOrEqual(3)
    expect(soak?.seconds).toBeLessThan(10)

    const lines = await agency.api.post(
      '/api/fleet/rollouts/targets',
      { rollout_id: id, limit: 1 },
      { accept: 'application/x-ndjson' },
    )
    expect(lines.headers.get('content-type')).toContain('application/x-ndjson')
    expect(linesOf<TargetBody>(lines.text)).toEqual(await targetsOf(id))
    const second = await agency.api.post(
      '/api/fleet/rollouts/targets',
      { rollout_id: id, wave: 2 },
      { accept: 'application/x-ndjson' },
    )
    expect(linesOf<TargetBody>(second.text).map(({ wave }) => wave)).toEqual([2, 2])
    const stranger = (await rig.org()).api
    const foreign = await stranger.post(
      '/api/fleet/rollouts/targets',
      { rollout_id: id },
      { accept: 'application/x-ndjson' },
    )
    expect(foreign.status).toBe(404)
  })
})

describe('a rollout of workflows', () => {
  it('brings automations to each client, leaves those that have them, and takes them back', async () => {
    const of = clients.slice(4, 6)
    const rule = {
      type: 'validation_rule',
      api_name: `${OBJECT}.Rolled_Out`,
      definition: { form: 'validation', condition: 'ISBLANK(Name)', message: 'Give a name.' },
      activate: true,
    }
    const rulesIn = async () =>
      Promise.all(
        members.slice(4, 6).map(async ({ salesforce }) => {
          const { token, instanceUrl } = await rig.simulator.control.openSession(salesforce)
          const soql = `SELECT Active FROM ValidationRule WHERE ValidationName = 'Rolled_Out'`
          const answer = await fetch(
            `${instanceUrl}/services/data/v66.0/tooling/query?q=${encodeURIComponent(soql)}`,
            { headers: { authorization: `Bearer ${token}` } },
          )
          const { records } = (await answer.json()) as { records: { Active: boolean }[] }
          return records.map(({ Active }) => Active)
        }),
      )
    const rolledOut = async () => {
      const made = await call('create', {
        workflows: [rule],
        targets: { client_ids: of.map(({ id }) => id) },
        strategy: { waves: [{ name: 'all' }], accept: ['yellow'] },
      })
      await call('check', { rollout_id: made.id, wait_seconds: 55 })
      const { revision } = await rests(made.id)
      await call('start', { rollout_id: made.id, revision, wait_seconds: 55 })
      return rests(made.id)
    }
    const first = await rolledOut()
    expect(first).toMatchObject({ state: 'succeeded', counts: { deployed: 2 } })
    expect(await rulesIn()).toEqual([[true], [true]])
    const kinds = await rig.query<{ kind: string }>(
      `select d.kind from rollout_targets t join crm_deployments d on d.id = t.deployment_id
        where t.rollout_id = $1`,
      [first.id],
    )
    expect(kinds.map(({ kind }) => kind)).toEqual(['workflows', 'workflows'])
    expect(await rolledOut()).toMatchObject({ state: 'succeeded', counts: { unchanged: 2 } })
    await call('rollback', { rollout_id: first.id, wait_seconds: 55 })
    expect(await rests(first.id)).toMatchObject({
      ...{ state: 'rolled_back', counts: { rolled_back: 2 } },
    })
    for (const { rollback } of await targetsOf(first.id)) {
      expect(rollback?.proof?.complete).toBe(true)
    }
    expect(await rulesIn()).toEqual([[], []])
  })
})

describe('a rollout of a version', () => {
  it('goes to no client that was pinned to another version since, neither at the start nor after an approval', async () => {
    const of = clients.slice(0, 2)
    const post = async (path: string, body: object): Promise<RolloutBody> => {
      const answer = await agency.api.post<RolloutBody>(`/api/blueprints/${path}`, body)
      expect([200, 201], answer.text).toContain(answer.status)
      return answer.body
    }
    const { id: blueprint_id } = await post('create', { name: 'Pins', slug: 'pins' })
    const version = (label: string) =>
      post('versions/create', {
        blueprint_id,
        plan: {
          objects: [{ api_name: OBJECT, fields: [{ ...text('Pinned__c'), label }] }],
          permissions: { permission_set: 'Set_Pinned' },
        },
      })
    await version('First')
    await version('Second')
    const pin = (client: TestClient | undefined, pinned_version: number | null) =>
      post('bindings/set', { blueprint_id, client_ids: [client?.id], pinned_version })
    for (const one of of) await pin(one, null)
    const { id } = await call('create', {
      ...{ blueprint_id, targets: { bound: true } },
      strategy: { waves: [{ count: 1 }, { name: 'rest', gate: 'manual' }] },
    })
    await call('check', { rollout_id: id, wait_seconds: 55 })
    await rests(id)
    await pin(of[1], 1)
    const stale = {
      ...{ status: 409, code: 'confirmation_stale' },
      errors: [{ path: `targets.${of[1]?.id}`, code: 'pinned_to_another_version' }],
    }
    expect(await refusedAs('start', { rollout_id: id })).toMatchObject(stale)
    await pin(of[1], 2)
    await call('start', { rollout_id: id, wait_seconds: 55 })
    expect(await rests(id)).toMatchObject({ state: 'paused', pause_reason: 'gate' })
    await pin(of[1], 1)
    expect(await refusedAs('approve', { rollout_id: id })).toMatchObject(stale)
    await call('skip', { rollout_id: id, client_ids: [of[1]?.id], reason: 'stays at 1' })
    await call('approve', { rollout_id: id, wait_seconds: 55 })
    expect((await rests(id)).counts).toEqual({ deployed: 1, skipped: 1 })
  })

  it('brings each client its own values, and is not created for one whose values do not fit', async () => {
    const of = clients.slice(2, 4)
    const post = async (path: string, body: object): Promise<RolloutBody> => {
      const answer = await agency.api.post<RolloutBody>(`/api/blueprints/${path}`, body)
      expect([200, 201], answer.text).toContain(answer.status)
      return answer.body
    }
    const { id: blueprint_id } = await post('create', { name: 'Own labels', slug: 'own-labels' })
    const field = { ...text('Labelled__c'), label: { param: 'label' } }
    await post('versions/create', {
      blueprint_id,
      plan: {
        objects: [{ api_name: OBJECT, fields: [field] }],
        permissions: { permission_set: 'Set_Labelled' },
      },
      mappings: [
        {
          canonical_object: 'lead_label',
          sfdc_object: OBJECT,
          fields: [{ canonical_field: 'label', sfdc_field: 'Labelled__c' }],
        },
      ],
      parameters: [{ name: 'label', type: 'text', required: true }],
    })
    const targets = { client_ids: of.map(({ id }) => id) }
    const bind = (client: TestClient | undefined, label: string) =>
      post('bindings/set', { blueprint_id, client_ids: [client?.id], parameters: { label } })
    await bind(of[0], 'Theirs')
    expect(await refusedAs('create', { blueprint_id, targets })).toMatchObject({
      status: 400,
      code: 'bad_request',
      errors: [{ path: `targets.${of[1]?.id}.parameters.label`, code: 'missing' }],
    })
    await bind(of[1], 'Ours')
    const { id } = await call('create', { blueprint_id, targets, strategy: { waves: [{}] } })
    // A check, again or not, is of what the binding says then; what was shown is not deployed once that is old.
    await bind(of[1], 'Something else')
    await call('check', { rollout_id: id, wait_seconds: 55 })
    expect((await rests(id)).counts).toEqual({ ready: 2 })
    const parameters = async () => (await targetsOf(id)).map((target) => target.parameters)
    expect(await parameters()).toEqual([{ label: 'Theirs' }, { label: 'Something else' }])
    const staleAs = (code: string) => ({
      ...{ status: 409, code: 'confirmation_stale' },
      errors: [{ path: `targets.${of[1]?.id}`, code }],
    })
    const unbind = { blueprint_id, client_ids: [of[1]?.id] }
    await post('bindings/remove', unbind)
    expect(await refusedAs('start', { rollout_id: id })).toMatchObject(staleAs('binding_removed'))
    // Checked again, it is not one that never had a binding.
    await call('check', { rollout_id: id, client_ids: [of[1]?.id], wait_seconds: 55 })
    await rests(id)
    expect(await refusedAs('start', { rollout_id: id })).toMatchObject(staleAs('binding_removed'))
    await bind(of[1], 'Ours')
    expect(await refusedAs('start', { rollout_id: id })).toMatchObject(staleAs('binding_changed'))
    await call('check', { rollout_id: id, client_ids: [of[1]?.id], wait_seconds: 55 })
    expect((await rests(id)).counts).toEqual({ ready: 2 })
    await call('start', { rollout_id: id, wait_seconds: 55 })
    expect(await rests(id)).toMatchObject({ state: 'succeeded', counts: { deployed: 2 } })
    const labels = await rig.query<{ label: string }>(
      `select d.plan #>> '{objects,0,fields,0,label}' as label
         from rollout_targets t join crm_deployments d on d.id = t.deployment_id
        where t.rollout_id = $1 order by t.position`,
      [id],
    )
    expect(labels.map(({ label }) => label)).toEqual(['Theirs', 'Ours'])

    // The mappings of the version came with it, and go before what they write to is removed.
    const mapped = async () =>
      Promise.all(
        of.map(async ({ id: client_id }) => {
          const answer = await agency.api.post<{ items: { canonical_object: string }[] }>(
            '/api/mappings/list',
            { client_id, is_active: true },
          )
          return answer.body.items.map(({ canonical_object: name }) => name)
        }),
      )
    expect(await mapped()).toEqual([['lead_label'], ['lead_label']])
    expect((await targetsOf(id)).map(({ mappings }) => mappings)).toMatchObject([
      [{ canonical_object: 'lead_label', action: 'created', version: 1 }],
      [{ canonical_object: 'lead_label', action: 'created', version: 1 }],
    ])
    const dry = await call('rollback', { rollout_id: id, dry_run: true, wait_seconds: 55 })
    expect(dry.rollback_preview).toMatchObject({
      ...{ state: 'complete', targets: 2 },
      mappings: { removed: 2, restored: 0, kept: 0 },
    })
    // One is rolled back by itself before; its mapping still goes with the others.
    const [alone] = await targetsOf(id)
    const back = await agency.api.post<{ status: string }>('/api/deploy/rollback', {
      ...{ deployment_id: alone?.deployment_id, wait_seconds: 55 },
    })
    expect(back.body.status, back.text).toBe('rolled_back')
    await until('the rollout knows', async () =>
      (await targetsOf(id)).some(({ state }) => state === 'rolled_back'),
    )
    expect((await rests(id)).counts).toEqual({ deployed: 1, rolled_back: 1 })
    await call('rollback', { rollout_id: id, wait_seconds: 55 })
    expect(await rests(id)).toMatchObject({ state: 'rolled_back', counts: { rolled_back: 2 } })
    expect(await mapped()).toEqual([[], []])
    expect((await targetsOf(id)).map(({ mappings }) => mappings?.[0]?.action)).toEqual([
      ...['removed', 'removed'],
    ])
  })
})
