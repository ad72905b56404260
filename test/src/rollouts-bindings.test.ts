// A rollout of a version to clients whose bindings are changed while it goes on: what a person was shown is what is
// deployed, and what they correct reaches the next check.

import { beforeAll, describe, expect, it } from 'vitest'
import { text } from './deploy-bodies.ts'
import { type Member, OBJECT } from './fleet-support.ts'
import { createRolloutScene } from './rollout-scene.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
const scene = createRolloutScene()
const { act, agency, call, check, deployed, get, reaches, refused, some, stateOf, targets } = scene

beforeAll(async () => {
  rig = await sharedRig()
  await scene.open(rig, rig.urls, 3)
})

const post = async <T = { id: string }>(path: string, body: object): Promise<T> => {
  const answer = await agency().api.post<T>(`/api/blueprints/${path}`, body)
  expect([200, 201], answer.text).toContain(answer.status)
  return answer.body
}

/** A blueprint of one field whose length and label each client brings. */
const blueprintOf = async (name: string): Promise<string> => {
  const { id: blueprint_id } = await post('create', { name })
  const label = { param: 'label' }
  const length = { param: 'length' }
  await post('versions/create', {
    blueprint_id,
    plan: {
      objects: [{ api_name: OBJECT, fields: [{ ...text(`${name}__c`), label, length }] }],
      permissions: { permission_set: name },
    },
    parameters: [
      { name: 'label', type: 'text', default: 'Default' },
      { name: 'length', type: 'number', default: 40 },
    ],
  })
  return blueprint_id
}
const bind = (blueprint_id: string, of: readonly (Member | undefined)[], more: object) =>
  post('bindings/set', { blueprint_id, client_ids: of.map((one) => one?.client.id), ...more })

const createOf = async (blueprint_id: string, of: readonly Member[], strategy: object) => {
  const client_ids = of.map(({ client }) => client.id)
  const { id } = await call('create', { blueprint_id, targets: { client_ids }, strategy })
  return id
}
/** Checked and started. */
const startedOf = async (...of: Parameters<typeof createOf>): Promise<string> => {
  const id = await createOf(...of)
  const { revision } = await check(id)
  await call('start', { rollout_id: id, revision, wait_seconds: 0 })
  return id
}
const labelsOf = async (id: string): Promise<string[]> => {
  const rows = await rig.query<{ label: string }>(
    `select d.plan #>> '{objects,0,fields,0,label}' as label
       from rollout_targets t join crm_deployments d on d.id = t.deployment_id
      where t.rollout_id = $1 order by t.position`,
    [id],
  )
  return rows.map(({ label }) => label)
}
const IN_TURN = { waves: [{ max_concurrent: 1 }] }
const staleOf = ({ client }: Member, code: string) => ({
  ...{ status: 409, code: 'confirmation_stale' },
  errors: [{ path: `targets.${client.id}`, code }],
})

describe('a binding that is corrected', () => {
  it('after the start holds up the approval of its wave, until it is checked with what it says now', async () => {
    const [first, second] = some(2) as [Member, Member]
    const blueprint = await blueprintOf('Gate')
    await bind(blueprint, [first, second], { parameters: { label: 'Before' } })
    const id = await startedOf(blueprint, [first, second], {
      waves: [{ count: 1 }, { name: 'rest', gate: 'manual' }],
    })
    await reaches(id, 'paused', 'gate')
    // As an earlier build has stored them.
    await rig.query(
      `update rollout_targets set "values" = "values" -> 'parameters' where rollout_id = $1`,
      [id],
    )
    await call('pause', { rollout_id: id })
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'paused', 'gate')
    await bind(blueprint, [second], { parameters: { label: 'After' } })
    expect(await refused('approve', { rollout_id: id })).toMatchObject(
      staleOf(second, 'binding_changed'),
    )
    // What is deployed already is not about what comes.
    await bind(blueprint, [first], { parameters: { label: 'Later' } })
    await call('check', { rollout_id: id, wait_seconds: 0 })
    await until('it is checked', async () => (await stateOf(id, [second]))[0] === 'ready')
    const { revision } = await get(id)
    await call('approve', { rollout_id: id, revision, wait_seconds: 0 })
    await reaches(id, 'succeeded')
    expect(await labelsOf(id)).toEqual(['Before', 'After'])
  })

  it('with values that do not fit is blocked by the check, which says why', async () => {
    const [only] = some(1) as [Member]
    const blueprint = await blueprintOf('Misfit')
    await bind(blueprint, [only], { parameters: { label: 'Fits' } })
    const id = await createOf(blueprint, [only], IN_TURN)
    // The newest version takes it, that of the rollout does not.
    await post('versions/create', {
      blueprint_id: blueprint,
      plan: {
        objects: [
          { api_name: OBJECT, fields: [{ ...text('Misfit__c'), help_text: { param: 'length' } }] },
        ],
        permissions: { permission_set: 'Misfit' },
      },
      parameters: [{ name: 'length', type: 'text', default: '-' }],
    })
    await bind(blueprint, [only], { parameters: { length: 'long' } })
    await check(id)
    const [target] = await targets(id, [only])
    expect(target).toMatchObject({ state: 'blocked', reason: 'check_failed' })
    expect(JSON.stringify(target?.error)).toContain('parameters.length')
    await bind(blueprint, [only], { parameters: {} })
    expect((await check(id)).counts).toEqual({ ready: 1 })
  })

  it('of a client that is next in an open wave holds up the resume, until that is tried again', async () => {
    const [slow, next] = some(2) as [Member, Member]
    const blueprint = await blueprintOf('Queue')
    await bind(blueprint, [slow, next], { parameters: { label: 'Queue before' } })
    await act('deploys/pace', { org: slow.salesforce, runMs: 600_000 })
    const [sent = 0] = await deployed([slow])
    const id = await startedOf(blueprint, [slow, next], IN_TURN)
    await until('it was sent', async () => (await deployed([slow]))[0] === sent + 1)
    await call('pause', { rollout_id: id })
    await bind(blueprint, [next], { parameters: { label: 'Queue after' } })
    const stale = await refused('resume', { rollout_id: id })
    expect(stale).toMatchObject(staleOf(next, 'binding_changed'))
    expect(stale.text).toContain('/api/fleet/rollouts/retry')
    const busy = await refused('retry', { rollout_id: id, client_ids: [slow.client.id] })
    expect(busy).toMatchObject({ status: 409, code: 'rollout_state_conflict' })
    await call('retry', { rollout_id: id, client_ids: [next.client.id], wait_seconds: 0 })
    await until('it is next again', async () => (await stateOf(id, [next]))[0] === 'queued')
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await act('deploys/pace', { org: slow.salesforce, runMs: 0 })
    await reaches(id, 'succeeded')
    expect(await labelsOf(id)).toEqual(['Queue before', 'Queue after'])
  })

  it('after a failure reaches the retry', async () => {
    const [only] = some(1) as [Member]
    const blueprint = await blueprintOf('Again')
    await bind(blueprint, [only], { parameters: { label: 'Wrong' } })
    await rig.simulator.control.addFault({
      org: only.salesforce,
      method: 'POST',
      path: '*/metadata/deployRequest',
      times: 1,
      kind: { type: 'status', status: 400, errorCode: 'INVALID_OPERATION', message: 'Not today.' },
    })
    const id = await startedOf(blueprint, [only], IN_TURN)
    await reaches(id, 'paused', 'tolerance')
    await bind(blueprint, [only], { parameters: { label: 'Right' } })
    await call('retry', { rollout_id: id, wait_seconds: 0 })
    await until('it is next', async () => (await stateOf(id, [only]))[0] === 'queued')
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'succeeded')
    expect(await labelsOf(id)).toEqual(['Right'])
  })
})

describe('a client that should not stand at the version any more', () => {
  const versionsOf = async (name: string): Promise<string> => {
    const blueprint = await blueprintOf(name)
    await post('versions/create', {
      blueprint_id: blueprint,
      plan: {
        objects: [{ api_name: OBJECT, fields: [text(`${name}__c`)] }],
        permissions: { permission_set: name },
      },
    })
    return blueprint
  }
  const unbind = (blueprint_id: string, { client }: Member) =>
    post('bindings/remove', { blueprint_id, client_ids: [client.id] })

  it('after the start is skipped when its turn comes, with why, and counts as no failure', async () => {
    const [slow, pinned, removed] = some(3) as [Member, Member, Member]
    const blueprint = await versionsOf('Turn')
    await bind(blueprint, [slow, pinned, removed], {})
    const before = await deployed([slow, pinned, removed])
    await act('deploys/pace', { org: slow.salesforce, runMs: 600_000 })
    const id = await startedOf(blueprint, [slow, pinned, removed], {
      waves: [{ count: 1 }, { name: 'rest', gate: 'auto' }],
    })
    await until('it was sent', async () => (await stateOf(id, [slow]))[0] === 'deploying')
    await bind(blueprint, [pinned], { pinned_version: 1 })
    await unbind(blueprint, removed)
    await act('deploys/pace', { org: slow.salesforce, runMs: 0 })
    expect((await reaches(id, 'partial')).counts).toEqual({ deployed: 1, skipped: 2 })
    const left = { state: 'skipped', is_failure: false, deployment_id: null, decided_by: null }
    expect(await targets(id, [pinned, removed])).toMatchObject([
      { ...left, decision: 'The client was pinned to version 1.' },
      { ...left, decision: 'The binding of the client to the blueprint was removed.' },
    ])
    const after = [(before[0] ?? 0) + 1, before[1], before[2]]
    expect(await deployed([slow, pinned, removed])).toEqual(after)

    // Nor by a retry, until the binding says so.
    const again = { rollout_id: id, client_ids: [pinned.client.id], wait_seconds: 0 }
    await call('retry', again)
    await until('it has ended again', async () => (await get(id)).state === 'partial')
    expect((await targets(id, [pinned]))[0]).toMatchObject(left)
    expect(await deployed([slow, pinned, removed])).toEqual(after)
    await bind(blueprint, [pinned], { pinned_version: 2 })
    await call('retry', again)
    await until('it is deployed', async () => (await stateOf(id, [pinned]))[0] === 'deployed')
  })

  it('is not deployed, though its turn had come when it was pinned', async () => {
    const [only] = some(1) as [Member]
    const blueprint = await versionsOf('Late')
    await bind(blueprint, [only], {})
    const id = await createOf(blueprint, [only], IN_TURN)
    await check(id)
    const before = await deployed([only])
    await rig.simulator.control.addFault({
      ...{ org: only.salesforce, times: 1_000, kind: { type: 'slow', ms: 1_500 } },
    })
    await call('start', { rollout_id: id, wait_seconds: 0 })
    await until('somebody begins it', async () => {
      const [row] = await rig.query<{ claim: string | null }>(
        'select claim from rollout_targets where rollout_id = $1',
        [id],
      )
      return row?.claim != null
    })
    await bind(blueprint, [only], { pinned_version: 1 })
    await act('faults/clear', { org: only.salesforce })
    await reaches(id, 'failed')
    expect((await targets(id, [only]))[0]).toMatchObject({ state: 'skipped', deployment_id: null })
    expect(await deployed([only])).toEqual(before)
  })
})
