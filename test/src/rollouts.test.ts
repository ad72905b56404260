// Rollouts over HTTP, on two replicas: canary, gate and rest; what stops one, and how it is taken back.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiOf, type Api } from './api.ts'
import { text } from './deploy-bodies.ts'
import { type Rig, startRig, type TestClient, type TestOrg } from './rig.ts'
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
  rollback_preview: { state: string; targets: number; removed: number; data: unknown[] } | null
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
  decision: string | null
  rollback: { status: string; proof: { complete: boolean } | null } | null
}

const SALESFORCE_ORGS = ['one', 'two', 'three', 'four', 'five', 'six']

let rig: Rig
let agency: TestOrg
let clients: TestClient[]
/** Through the other replica. */
let other: Api

beforeAll(async () => {
  rig = await startRig({
    replicas: 2,
    simulator: { orgs: SALESFORCE_ORGS.map((name) => ({ name, edition: 'Enterprise' })) },
  })
  agency = await rig.org()
  other = apiOf(rig.servers[1]?.url ?? '', agency.token)
  clients = await Promise.all(
    SALESFORCE_ORGS.map(async (name) => {
      const client = await agency.client(name)
      await client.connect(name)
      await client.pull()
      return client
    }),
  )
}, 120_000)
afterAll(() => rig[Symbol.asyncDispose]())

const plan = (name: string) => ({
  objects: [{ api_name: 'Lead', fields: [text(`${name}__c`)] }],
  permissions: { permission_set: `Set_${name}` },
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
    plan: plan(name),
    targets: { client_ids: of.map(({ id }) => id) },
    ...(strategy === undefined ? {} : { strategy }),
  })
  expect(made).toMatchObject({ state: 'draft', targets: of.length, counts: { pending: of.length } })
  await call('check', { rollout_id: made.id, wait_seconds: 55 })
  const ready = await rests(made.id)
  expect(ready.state).toBe('ready')
  return ready
}

const deploysOf = (salesforceOrg: string) =>
  rig.simulator.control.act('deploys/list', { org: salesforceOrg }) as Promise<
    { status: string; checkOnly: boolean }[]
  >

describe('a rollout', { timeout: 120_000 }, () => {
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
    for (const name of SALESFORCE_ORGS) {
      expect(await deploysOf(name), name).toMatchObject([{ status: 'Succeeded' }])
    }

    // Standing there already is unchanged, and sends nothing.
    const again = await checked('Spring', clients.slice(0, 2), { waves: [{}] })
    await call('start', { rollout_id: again.id, wait_seconds: 55 })
    expect(await rests(again.id)).toMatchObject({ state: 'succeeded', counts: { unchanged: 2 } })
    expect(await deploysOf('one')).toHaveLength(1)

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
    const runs = await rig.database.query<{ wave: number }>(
      `select t.wave from deployment_runs u join rollout_targets t on t.deployment_id = u.deployment_id
        where t.rollout_id = $1 and u.kind = 'rollback' and not (u.options ->> 'dry_run')::boolean
        order by u.created_at`,
      [id],
    )
    expect(runs.map(({ wave }) => wave)).toEqual([2, 2, 2, 2, 2, 1])
  })
})
