// A rollout is taken back: each client stands as before, whoever changed or rolled back something meanwhile;
// and nobody outside of the organization sees anything of it.

import { beforeAll, describe, expect, it } from 'vitest'
import { text } from './deploy-bodies.ts'
import { fieldPlan, type Member, OBJECT } from './fleet-support.ts'
import { AT_ONCE, createRolloutScene } from './rollout-scene.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
const scene = createRolloutScene()
const { act, agency, call, create, customFieldsOf, deployed, get } = scene
const { reaches, refused, some, started, stateOf, targets } = scene

beforeAll(async () => {
  rig = await sharedRig()
  await scene.open(rig, rig.urls, 3)
})

describe('the rollback of a rollout', () => {
  it('after half of it: each client stands as before, but for what it changed itself', async () => {
    const [kept, plain, later] = some(3) as [Member, Member, Member]
    const plan = fieldPlan('Back', [text('Back_Too__c')])
    const before = new Map<string, string>()
    for (const { client } of [kept, plain, later]) {
      before.set(client.id, (await client.pull()).content_hash)
    }
    const id = await started([kept, plain, later], plan, {
      waves: [
        { count: 2, name: 'half' },
        { gate: 'manual', name: 'rest' },
      ],
    })
    await reaches(id, 'paused', 'gate')
    await call('stop', { rollout_id: id })
    await reaches(id, 'stopped')
    await act('schema/alter-field', {
      org: kept.salesforce,
      object: OBJECT,
      name: 'Back_Too__c',
      changes: { label: 'Theirs now', length: 100 },
    })
    const sent = await deployed([kept, plain, later])
    const dry = await call('rollback', { rollout_id: id, dry_run: true, wait_seconds: 55 })
    const told = await until('the dry run', async () => {
      const { rollback_preview } = dry.is_final ? dry : await get(id)
      return rollback_preview?.state === 'complete' && rollback_preview
    })
    expect(told.kept).toBeGreaterThan(0)
    expect(told.removed).toBeGreaterThan(0)
    expect(await deployed([kept, plain, later])).toEqual(sent)

    await call('rollback', { rollout_id: id, wait_seconds: 0 })
    await until('its end', async () => {
      const { state } = await get(id)
      return state === 'rolled_back' || state === 'rollback_partial'
    })
    const [first, second, third] = await targets(id, [kept, plain, later])
    expect(first).toMatchObject({ rollback: { proof: { complete: true } } })
    expect(first?.rollback?.kept).toBeGreaterThan(0)
    expect(second).toMatchObject({
      state: 'rolled_back',
      rollback: { kept: 0, remaining: 0, proof: { complete: true, differences: 0 } },
    })
    expect(third).toMatchObject({ state: 'skipped', rollback: null })
    expect((await plain.client.pull()).content_hash).toBe(before.get(plain.client.id))
    expect((await later.client.pull()).content_hash).toBe(before.get(later.client.id))
    // Nobody is granted it any longer, so it is in no describe, not even an administrator's.
    expect(await customFieldsOf(kept, 'Back_Too')).toBe(1)
    expect(await customFieldsOf(plain, 'Back_Too')).toBe(0)
  })

  it('does not wait for what somebody rolled back meanwhile, which no longer counts as deployed', async () => {
    const [gone, stays] = some(2) as [Member, Member]
    const id = await started([gone, stays], fieldPlan('Gone'), {
      waves: [{ count: 1 }, { name: 'rest', gate: 'manual' }],
    })
    await reaches(id, 'paused', 'gate')
    const rollBack = async (member: Member) => {
      const [target] = await targets(id, [member])
      const { deployment_id } = target ?? {}
      const back = await agency().api.post<{ status: string }>('/api/deploy/rollback', {
        deployment_id,
        wait_seconds: 55,
      })
      expect(back.body.status, back.text).toBe('rolled_back')
      await until(
        'the rollout knows',
        async () => (await stateOf(id, [member]))[0] === 'rolled_back',
      )
    }
    await rollBack(gone)
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    expect((await reaches(id, 'partial')).counts).toEqual({ rolled_back: 1, deployed: 1 })
    await rollBack(stays) // after its end, too
    const undo = await refused('rollback', { rollout_id: id, wait_seconds: 0 })
    expect(undo.code).toBe('not_rollbackable')
  })

  it('that would lose data is partial, with the number of rows, and the others are rolled back', async () => {
    const [full, plain] = some(2) as [Member, Member]
    const id = await started([full, plain], fieldPlan('Holds_Data'), AT_ONCE)
    await reaches(id, 'succeeded')
    await act('records/fill', {
      org: full.salesforce,
      object: OBJECT,
      count: 3,
      template: { Name: 'Row', Holds_Data__c: 'filled' },
    })
    await call('rollback', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'rollback_partial')
    const [first, second] = await targets(id, [full, plain])
    expect(first).toMatchObject({ state: 'rollback_partial' })
    expect(first?.rollback?.data).toEqual([expect.objectContaining({ rows: 3 })])
    expect(second).toMatchObject({ state: 'rolled_back' })
    const retry = await refused('retry', {
      ...{ rollout_id: id, client_ids: [full.client.id], wait_seconds: 0 },
    })
    expect([retry.status, retry.code]).toEqual([409, 'rollout_state_conflict'])
    expect(retry.text).toMatch(/It can be rolled back\."/)
    expect(await targets(id, [full, plain])).toEqual([first, second])
    // Somebody rolls that one back by itself.
    const back = await agency().api.post<{ status: string }>('/api/deploy/rollback', {
      ...{ deployment_id: first?.deployment_id, allow_data_loss: true, wait_seconds: 55 },
    })
    expect(back.body.status, back.text).toBe('rolled_back')
    await until('the rollout knows', async () => (await stateOf(id, [full]))[0] === 'rolled_back')
  })

  it('in part, of one deployment by itself, refuses a retry until the rest is rolled back, and changes nothing', async () => {
    const [member] = some(1) as [Member]
    const id = await started([member], fieldPlan('In_Part', [text('In_Part_Too__c')]), AT_ONCE)
    await reaches(id, 'succeeded')
    await act('schema/alter-field', {
      org: member.salesforce,
      object: OBJECT,
      name: 'In_Part_Too__c',
      changes: { label: 'Theirs now', length: 100 },
    })
    const [{ deployment_id } = { deployment_id: null }] = await targets(id, [member])
    interface Back {
      status: string
      rollback: { status: string; remaining: { type: string; full_name: string }[] }
    }
    const rollBack = async (more: object) =>
      (
        await agency().api.post<Back>('/api/deploy/rollback', {
          ...{ deployment_id, wait_seconds: 55, ...more },
        })
      ).body
    const part = await rollBack({})
    expect(part).toMatchObject({ status: 'deployed', rollback: { status: 'partial' } })
    const before = [await get(id), await targets(id, [member]), await deployed([member])]
    const named = { rollout_id: id, client_ids: [member.client.id], wait_seconds: 0 }
    const retry = await refused('retry', named)
    expect([retry.status, retry.code]).toEqual([409, 'rollout_state_conflict'])
    expect(retry.errors).toMatchObject([{ path: 'client_ids.0', code: 'wrong_state' }])
    expect(retry.text).toMatch(/Roll it back with \/api\/deploy\/rollback, then retry/)
    expect([await get(id), await targets(id, [member]), await deployed([member])]).toEqual(before)
    const rest = part.rollback.remaining.map(({ type, full_name }) => ({ type, full_name }))
    expect((await rollBack({ components: rest })).status).toBe('rolled_back')
    await until('the rollout knows', async () => (await stateOf(id, [member]))[0] === 'rolled_back')
    await call('retry', named)
    await until('it is deployed', async () => (await stateOf(id, [member]))[0] === 'deployed')
  })
})

describe('whoever is not the organization', () => {
  it('sees nothing of a rollout: users of a client may not, others do not find it', async () => {
    const [member] = some(1) as [Member]
    const id = await create([member], fieldPlan('Secret'), AT_ONCE)
    const stranger = (await rig.org()).api
    const insiders = await Promise.all(
      (['company_admin', 'company_member'] as const).map((role) =>
        agency().user(role, member.client.id),
      ),
    )
    const bodies: Record<string, object> = {
      check: {},
      start: {},
      get: {},
      targets: {},
      matrix: {},
      pause: {},
      resume: {},
      stop: {},
      retry: {},
      skip: { client_ids: [member.client.id], reason: 'Not theirs.' },
      approve: {},
      rollback: {},
    }
    for (const [verb, more] of Object.entries(bodies)) {
      const path = `/api/fleet/rollouts/${verb}`
      const body = { rollout_id: id, ...more }
      expect((await stranger.post(path, body)).status, verb).toBe(404)
      for (const { api } of insiders) expect((await api.post(path, body)).status, verb).toBe(403)
    }
    const listed = await stranger.post<{ items: unknown[] }>('/api/fleet/rollouts/list')
    expect(listed.body.items).toEqual([])
    for (const { api } of insiders) {
      expect((await api.post('/api/fleet/rollouts/list')).status).toBe(403)
      const events = await api.post('/api/events/list')
      expect(events.text).not.toContain('rollout')
    }
    expect((await get(id)).state).toBe('draft')
  })
})
