// What a rollout does when something goes wrong in a target: the table of failures, row by row, with the
// failures of a real simulator on two replicas.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import { text } from './deploy-bodies.ts'
import { fieldPlan, type Member, OBJECT } from './fleet-support.ts'
import { type Rig, startRig } from './rig.ts'
import { AT_ONCE, createRolloutScene } from './rollout-scene.ts'
import { until } from './until.ts'

let rig: Rig
const scene = createRolloutScene()
const { act, agency, call, check, create, customFieldsOf, deployed, get } = scene
const { inEach, members, reaches, refused, some, started, stateOf, targets } = scene

beforeAll(async () => {
  // Of its own: what waits looks again soon.
  rig = await startRig({ simulator: true, replicas: 2, environment: { WORK_WAIT_SCALE: '0.02' } })
  await scene.open(
    rig,
    rig.servers.map(({ url }) => url),
    6,
  )
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

/** Clients to connect again after a test. */
const cutOff = new Set<Member>()
afterEach(async () => {
  await inEach((org) => act('faults/clear', { org }))
  await inEach((org) => act('deploys/pace', { org, pendingMs: 0, runMs: 0 }))
  await inEach((org) => act('orgs/update', { org, used: 0, settings: { apiEnabled: true } }))
  for (const { client, salesforce } of cutOff) await client.connect(salesforce)
  cutOff.clear()
})

/** The client's administrator adds a formula under the name of the plan's field: no formula becomes a field. */
const addClash = ({ salesforce }: Member, name: string) =>
  act('schema/add-field', {
    org: salesforce,
    object: OBJECT,
    field: {
      name: `${name}__c`,
      label: name.replaceAll('_', ' '),
      ...{ type: 'string', calculated: true, calculatedFormula: 'Name' },
    },
  })
/** One wave that takes them one after the other. */
const IN_TURN = { waves: [{ name: 'all', max_concurrent: 1 }] }

/** The API with a token that has to ask before it changes a Salesforce org. */
const askingToken = async (): Promise<Api> => {
  const { body } = await agency().api.post<{ token: string }>('/api/tokens/create', {
    name: 'agent',
    approval: 'required',
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  })
  return agency().api.as(body.token)
}

/** A plan of one new object. */
const objectPlan = (name: string) => ({
  objects: [
    {
      api_name: `${name}__c`,
      label: name,
      plural_label: `${name}s`,
      name_field: { label: 'Name', type: 'Text' },
      fields: [text('Title__c')],
    },
  ],
  permissions: { permission_set: name },
})
/**
 * The administrator creates an object of this name and deletes it: for 15 days Salesforce refuses another
 * one, and no describe shows why.
 */
const blockName = async ({ salesforce }: Member, name: string): Promise<void> => {
  await act('schema/add-object', { org: salesforce, name: `${name}__c` })
  await act('schema/remove-object', { org: salesforce, object: `${name}__c` })
}

describe('a target', () => {
  it('that is red at the check: the wave does not start until a person excludes it', async () => {
    const [red, fine] = some(2) as [Member, Member]
    await addClash(red, 'Red_First')
    const before = await deployed([red, fine])
    const id = await create([red, fine], fieldPlan('Red_First'), AT_ONCE)
    const { counts, revision } = await check(id, { refresh: true })
    expect(counts).toEqual({ blocked: 1, ready: 1 })
    expect((await targets(id, [red]))[0]).toMatchObject({
      state: 'blocked',
      reason: 'red',
      is_failure: false,
      severity: 'red',
    })
    const matrix = await agency().api.post<{
      findings: { severity: string; client_ids: string[] }[]
    }>('/api/fleet/rollouts/matrix', { rollout_id: id })
    expect(matrix.body.findings.filter(({ severity }) => severity === 'red')).toMatchObject([
      { clients: 1, frees: 1, client_ids: [red.client.id] },
    ])
    const start = await refused('start', { rollout_id: id, revision, wait_seconds: 0 })
    expect([start.status, start.code]).toEqual([409, 'conflicts_found'])
    expect(await deployed([red, fine])).toEqual(before)

    const client_ids = [red.client.id]
    const excluded = await call('skip', { rollout_id: id, client_ids, reason: 'They keep theirs.' })
    await call('start', { rollout_id: id, revision: excluded.revision, wait_seconds: 0 })
    await reaches(id, 'succeeded')
    expect(await targets(id, [red, fine])).toMatchObject([
      { state: 'excluded', decided_by: agency().adminId, decision: 'They keep theirs.' },
      { state: 'deployed' },
    ])
    expect(await deployed([red, fine])).toEqual([before[0], (before[1] ?? 0) + 1])
  })

  it('that turned red after the check counts as a failure: nothing new is sent', async () => {
    const [first, red, last] = some(3) as [Member, Member, Member]
    const before = await deployed([first, red, last])
    const id = await started([first, red, last], fieldPlan('Red_Later'), {
      waves: [{ count: 1 }, { name: 'rest', gate: 'manual', max_concurrent: 1 }],
    })
    await reaches(id, 'paused', 'gate')
    await addClash(red, 'Red_Later')
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'paused', 'tolerance')
    expect(await targets(id, [first, red])).toMatchObject([
      { state: 'deployed', is_failure: false },
      { state: 'blocked', reason: 'red', is_failure: true, deployment_id: null },
    ])
    expect(await deployed([first, red, last])).toEqual([(before[0] ?? 0) + 1, before[1], before[2]])
    // Whoever has seen it goes on with the others.
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'partial')
    expect(await stateOf(id, [first, red, last])).toEqual(['deployed', 'blocked', 'deployed'])
  })

  it('whose component fails is failed: what runs ends, nothing else is sent', async () => {
    const [fine, broken, last] = some(3) as [Member, Member, Member]
    const before = await deployed([fine, broken, last])
    const id = await create([fine, broken, last], objectPlan('Component'), IN_TURN)
    const { revision } = await check(id)
    await blockName(broken, 'Component')
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await reaches(id, 'paused', 'tolerance')
    const [done, failed, next] = await targets(id, [fine, broken, last])
    expect(done).toMatchObject({ state: 'deployed' })
    expect(failed).toMatchObject({
      state: 'failed',
      is_failure: true,
      error: { code: 'components_failed' },
    })
    expect(next).toMatchObject({ deployment_id: null, is_failure: false })
    expect(await deployed([last])).toEqual([before[2]])
    await call('stop', { rollout_id: id })
    const { counts } = await reaches(id, 'stopped')
    expect(counts).toEqual({ deployed: 1, failed: 1, skipped: 1 })
  })

  it('three of which fail with one code pause the rollout, tolerance or not', async () => {
    const all = some(6)
    const before = await deployed(all)
    const id = await create(all, objectPlan('Systemic'), {
      waves: [{ name: 'all', max_concurrent: 1, failure_tolerance: 6 }],
    })
    const { revision } = await check(id)
    for (const one of all) await blockName(one, 'Systemic')
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    const { counts } = await reaches(id, 'paused', 'systemic')
    expect(counts).toMatchObject({ failed: 3 })
    const sent = (await deployed(all)).map((count, at) => count - (before[at] ?? 0))
    expect(sent.filter((count) => count > 0)).toHaveLength(3)
    await call('stop', { rollout_id: id })
    await reaches(id, 'stopped')
  })

  it('whose fate is unknown pauses the rollout until it is settled', async () => {
    const [cut, last] = some(2) as [Member, Member]
    const before = await deployed([cut, last])
    await act('deploys/pace', { org: cut.salesforce, pendingMs: 0, runMs: 4_000 })
    const id = await started([cut, last], fieldPlan('Unknown'), IN_TURN)
    await until('it was sent', async () => {
      const [sent] = await deployed([cut])
      return sent === (before[0] ?? 0) + 1
    })
    cutOff.add(cut)
    await agency().api.post('/api/connections/revoke', { client_id: cut.client.id })
    await reaches(id, 'paused', 'unknown_fate')
    expect((await targets(id, [cut]))[0]).toMatchObject({ state: 'unknown', is_failure: true })
    expect(await deployed([last])).toEqual([before[1]])
    await cut.client.connect(cut.salesforce)
    cutOff.delete(cut)
    await rig.database.query(
      `update deployment_runs set resume_at = now() where client_id = $1 and ended_at is null`,
      [cut.client.id],
    )
    await until('it is settled', async () => {
      const [target] = await targets(id, [cut])
      return target?.state === 'deployed'
    })
    expect((await targets(id, [cut]))[0]).toMatchObject({ is_failure: false })
    if ((await get(id)).state === 'paused') {
      await call('resume', { rollout_id: id, wait_seconds: 0 })
    }
    await reaches(id, 'succeeded')
    expect(await deployed([cut, last])).toEqual(before.map((count) => count + 1))
  })

  it('whose fate is unknown is not forgotten by skip and retry: a rollback knows of it', async () => {
    const [cut] = some(1) as [Member]
    const before = await deployed([cut])
    await act('deploys/pace', { org: cut.salesforce, pendingMs: 0, runMs: 4_000 })
    const id = await started([cut], fieldPlan('Forgotten'), IN_TURN)
    await until('it was sent', async () => (await deployed([cut]))[0] === (before[0] ?? 0) + 1)
    const [sent] = await targets(id, [cut])
    cutOff.add(cut)
    await agency().api.post('/api/connections/revoke', { client_id: cut.client.id })
    await reaches(id, 'paused', 'unknown_fate')
    await until('it is applied', async () => (await customFieldsOf(cut, 'Forgotten')) === 1)
    const deployment_id = sent?.deployment_id
    await agency().api.post('/api/deploy/cancel', { deployment_id, abandon: true })
    const isGivenUp = async () =>
      (await agency().api.post<{ status: string }>('/api/deploy/status', { deployment_id })).body
        .status === 'failed'
    await until('it is given up', isGivenUp)
    const named = { rollout_id: id, client_ids: [cut.client.id] }
    await call('skip', { ...named, reason: 'Later.' })
    await cut.client.connect(cut.salesforce)
    cutOff.delete(cut)
    const retry = await refused('retry', { ...named, wait_seconds: 0 })
    expect([retry.status, retry.code]).toEqual([409, 'rollout_state_conflict'])
    expect(retry.errors).toMatchObject([{ path: 'client_ids.0', code: 'deployment_left' }])
    await until('it rests', async () => (await get(id)).is_final)
    await call('rollback', { rollout_id: id, wait_seconds: 0 })
    // Nothing proves whose the field is: it is kept, and told.
    await reaches(id, 'rollback_partial')
    const [told] = await targets(id, [cut])
    expect(told).toMatchObject({ deployment_id, rollback: { kept: 2, remaining: 2 } })
  })

  it('whose connection is dead waits, while others go on, and fails after its grace', async () => {
    const [dead, fine] = some(2) as [Member, Member]
    const id = await create([dead, fine], fieldPlan('Grace'), {
      ...AT_ONCE,
      connection_grace_seconds: 600, // 12 s here
    })
    const { revision } = await check(id)
    const org = dead.salesforce
    cutOff.add(dead)
    await act('orgs/update', { org, settings: { apiEnabled: false } })
    const before = await deployed([dead])
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await until('it waits', async () => (await targets(id, [dead]))[0]?.reason === 'connection')
    expect((await targets(id, [dead]))[0]).toMatchObject({ state: 'waiting', is_failure: false })
    await reaches(id, 'partial')
    expect((await targets(id, [dead]))[0]).toMatchObject({ state: 'failed', is_failure: true })
    expect(await stateOf(id, [fine])).toEqual(['deployed'])
    expect(await deployed([dead])).toEqual(before)
  })

  it('whose calls are used up, or where others deploy, waits, counts as no failure and goes on', async () => {
    const [busy, fine, spent] = some(6).slice(3) as [Member, Member, Member]
    const before = await deployed([spent, busy, fine])
    const id = await create([spent, busy, fine], fieldPlan('Waits'), AT_ONCE)
    const { revision } = await check(id)
    await act('orgs/update', { org: spent.salesforce, used: 100_000, max: 100_000 })
    await act('deploys/pace', { org: busy.salesforce, runMs: 600_000 })
    const other = await agency().api.post<{ id: string }>('/api/deploy/custom-objects', {
      client_id: busy.client.id,
      plan: { objects: [{ api_name: 'Object_00001__c', fields: [text('Other__c')] }] },
      wait_seconds: 0,
    })
    expect(other.status, other.text).toBe(202)
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await until('two of them wait', async () => {
      const [first, second, third] = await targets(id, [spent, busy, fine])
      return (
        first?.reason === 'api_budget' &&
        second?.reason === 'deployment_in_progress' &&
        third?.state === 'deployed'
      )
    })
    for (const target of await targets(id, [spent, busy])) {
      expect(target).toMatchObject({ state: 'waiting', is_failure: false })
    }
    await act('orgs/update', { org: spent.salesforce, used: 0 })
    await act('deploys/pace', { org: busy.salesforce, runMs: 0 })
    // It looks again after as long as it has waited.
    await reaches(id, 'succeeded')
    expect(await stateOf(id, [spent, busy, fine])).toEqual(['deployed', 'deployed', 'deployed'])
    expect(await deployed([spent, busy, fine])).toEqual([
      (before[0] ?? 0) + 1,
      (before[1] ?? 0) + 2,
      (before[2] ?? 0) + 1,
    ])
  })

  it('of two rollouts at once gets both, one after the other, each once', async () => {
    const of = some(3)
    const before = await deployed(of)
    const ids = [
      await create(of, fieldPlan('Twin_One'), AT_ONCE),
      await create(of, fieldPlan('Twin_Two'), AT_ONCE),
    ]
    const revisions = await Promise.all(ids.map((id) => check(id)))
    await inEach((org) => act('deploys/pace', { org, runMs: 400 }))
    await Promise.all(
      ids.map((rollout_id, at) =>
        call('start', { rollout_id, revision: revisions[at]?.revision, wait_seconds: 0 }),
      ),
    )
    for (const id of ids) {
      expect((await reaches(id, 'succeeded')).counts).toEqual({ deployed: 3 })
    }
    expect((await deployed(of)).map((count, at) => count - (before[at] ?? 0))).toEqual([2, 2, 2])
    const overlapping = await rig.database.query(
      `select from rollout_targets a join rollout_targets b on b.client_id = a.client_id
         join deployment_runs one on one.deployment_id = a.deployment_id
         join deployment_runs two on two.deployment_id = b.deployment_id
        where a.rollout_id = $1 and b.rollout_id = $2
          and one.created_at < two.ended_at and two.created_at < one.ended_at`,
      ids,
    )
    expect(overlapping).toEqual([])
  })

  it('that stands there already is unchanged, and nothing is sent to it', async () => {
    const both = some(2)
    const first = await started(both, fieldPlan('Twice'), AT_ONCE)
    await reaches(first, 'succeeded')
    const before = await deployed(both)
    const second = await started(both, fieldPlan('Twice'), AT_ONCE)
    const { counts } = await reaches(second, 'succeeded')
    expect(counts).toEqual({ unchanged: 2 })
    expect(await deployed(both)).toEqual(before)
  })
})

describe('a check after the start', () => {
  it('tries nothing again that only a retry may: no approval is passed by, no failure forgotten', async () => {
    const [red, slow] = some(2) as [Member, Member]
    const asking = await askingToken()
    const id = await create([red, slow], fieldPlan('Recheck'), {
      waves: [{ max_concurrent: 2, failure_tolerance: 2 }],
    })
    const { revision } = await check(id)
    await addClash(red, 'Recheck')
    await act('deploys/pace', { org: slow.salesforce, runMs: 600_000 })
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await until('it is blocked', async () => (await stateOf(id, [red]))[0] === 'blocked')
    const named = { rollout_id: id, client_ids: [red.client.id], wait_seconds: 0 }
    const codeOf = async (verb: string, body: object) =>
      (await asking.post<{ code?: string }>(`/api/fleet/rollouts/${verb}`, body)).body.code
    expect(await codeOf('retry', named)).toBe('approval_required')
    expect(await codeOf('check', named)).toBe('rollout_state_conflict')
    expect(await codeOf('check', { rollout_id: id, wait_seconds: 0 })).toBe(
      'rollout_state_conflict',
    )
    expect((await refused('check', named)).text).toContain('/api/fleet/rollouts/retry')
    expect((await targets(id, [red]))[0]).toMatchObject({ state: 'blocked', is_failure: true })
    await call('stop', { rollout_id: id })
  })

  it('leaves those of a closed wave as they are, and a retry takes them to the next', async () => {
    const [red, fine, later] = some(3) as [Member, Member, Member]
    const id = await create([red, fine, later], fieldPlan('Limbo'), {
      waves: [
        { count: 2, failure_tolerance: 2 },
        { name: 'rest', gate: 'manual' },
      ],
    })
    const { revision } = await check(id)
    await addClash(red, 'Limbo')
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await reaches(id, 'paused', 'gate')
    await act('schema/remove-field', { org: red.salesforce, object: OBJECT, name: 'Limbo__c' })
    await call('check', { rollout_id: id, refresh: true, wait_seconds: 0 })
    await until('it is checked', async () => (await stateOf(id, [later]))[0] === 'ready')
    expect((await targets(id, [red]))[0]).toMatchObject({ state: 'blocked', wave: 1 })
    await call('retry', { rollout_id: id, wait_seconds: 0 })
    await until('it is checked', async () => (await stateOf(id, [red]))[0] === 'ready')
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    expect((await reaches(id, 'succeeded')).counts).toEqual({ deployed: 3 })
  })
})

describe('a retry', () => {
  it('takes nobody into an earlier wave: whose own has not begun waits for that, and its approval', async () => {
    const [canary, later] = some(2) as [Member, Member]
    await addClash(later, 'Own_Wave')
    const id = await create([canary, later], fieldPlan('Own_Wave'), {
      waves: [{ count: 1 }, { name: 'rest', gate: 'manual' }],
    })
    const { revision } = await check(id, { refresh: true })
    await addClash(canary, 'Own_Wave')
    const before = await deployed([canary, later])
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await reaches(id, 'paused', 'tolerance', 30_000)
    expect(await stateOf(id, [canary, later])).toEqual(['blocked', 'blocked'])
    for (const { salesforce: org } of [canary, later]) {
      await act('schema/remove-field', { org, object: OBJECT, name: 'Own_Wave__c' })
    }
    await call('retry', { rollout_id: id, wait_seconds: 0 })
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'paused', 'gate', 30_000)
    expect((await targets(id, [later]))[0]).toMatchObject({ wave: 2, deployment_id: null })
    await call('check', { rollout_id: id, wait_seconds: 0 })
    await until('it is checked', async () => (await stateOf(id, [later]))[0] === 'ready')
    expect(await deployed([canary, later])).toEqual([(before[0] ?? 0) + 1, before[1]])
    // Red when it was shown: whoever approves names what they have seen since.
    const { revision: seen } = await get(id)
    await call('approve', { rollout_id: id, revision: seen, wait_seconds: 0 })
    expect((await reaches(id, 'succeeded')).counts).toEqual({ deployed: 2 })
  })
})

describe('an approval of a retry', () => {
  it('is for the targets that had failed when it was asked for', async () => {
    const [first, second, slow] = some(3) as [Member, Member, Member]
    const asking = await askingToken()
    const person = (await agency().user('org_admin')).api
    const id = await create([first, second, slow], objectPlan('Retried'), AT_ONCE)
    const { revision } = await check(id)
    for (const one of [first, second]) await blockName(one, 'Retried')
    for (const { salesforce: org } of [second, slow]) {
      await act('deploys/pace', { org, runMs: 600_000 })
    }
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await until('one failed', async () => (await stateOf(id, [first]))[0] === 'failed')
    const retry = (more: object) =>
      asking.post<{ code: string; approval_id: string }>('/api/fleet/rollouts/retry', {
        rollout_id: id,
        wait_seconds: 0,
        ...more,
      })
    const { approval_id } = (await retry({})).body
    const told = await person.post<{ summary: string[] }>('/api/approvals/get', { approval_id })
    const summary = told.body.summary.join('\n')
    expect(summary).toContain('Client Member 0')
    expect(summary).not.toContain('Client Member 1')
    expect(summary).toContain('CustomObject Retried__c')
    await person.post('/api/approvals/grant', { approval_id })
    await act('deploys/pace', { org: second.salesforce, runMs: 0 })
    await until('both failed', async () => (await stateOf(id, [second]))[0] === 'failed')
    const used = await retry({ approval_id })
    expect([used.status, used.body.code], used.text).toEqual([409, 'approval_unusable'])
    expect(await stateOf(id, [first, second])).toEqual(['failed', 'failed'])
    await call('stop', { rollout_id: id })
  })
})

describe('a pause', () => {
  it('by a person forgives no failure that ends meanwhile: it is told when the rollout goes on', async () => {
    const [broken, last] = some(2) as [Member, Member]
    await blockName(broken, 'Unseen')
    await act('deploys/pace', { org: broken.salesforce, runMs: 600_000 })
    const before = await deployed([broken, last])
    const id = await started([broken, last], objectPlan('Unseen'), IN_TURN)
    await until('it was sent', async () => (await deployed([broken]))[0] !== before[0])
    await call('pause', { rollout_id: id })
    await act('deploys/pace', { org: broken.salesforce, runMs: 0 })
    await until('it failed', async () => (await stateOf(id, [broken]))[0] === 'failed')
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'paused', 'tolerance', 30_000)
    expect((await deployed([last]))[0]).toBe(before[1])
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'partial')
    expect(await stateOf(id, [broken, last])).toEqual(['failed', 'deployed'])
  })

  it('holds within five seconds on both replicas', async () => {
    const before = await deployed(members())
    const failedOf = async () => {
      const { body } = await agency().api.post<{
        items: { client_id: string; work: { failed: number } }[]
      }>('/api/fleet/health', { limit: 200 })
      return members().map(
        ({ client }) => body.items.find((one) => one.client_id === client.id)?.work.failed ?? -1,
      )
    }
    const failed = await failedOf()
    await inEach((org) => act('deploys/pace', { org, runMs: 1_500 }))
    const id = await started(members(), fieldPlan('Paused'), {
      waves: [{ name: 'all', max_concurrent: 2 }],
    })
    await until('something was sent', async () =>
      (await deployed(members())).some((n, at) => n > (before[at] ?? 0)),
    )
    await call('pause', { rollout_id: id })
    const pausedAt = Date.now()
    // As long again, in which both replicas would have sent several more.
    await until('nine seconds', () => Date.now() > pausedAt + 9_000)
    const late = await Promise.all(
      members().map(({ salesforce }) =>
        act('journal', { org: salesforce, method: 'POST', path: '*/metadata/deployRequest' }),
      ),
    )
    const sentAfterMs = late.flat().map(({ at }) => Date.parse(at) - pausedAt)
    expect(sentAfterMs.filter((ms) => ms > 5_000)).toEqual([])
    const sent = await deployed(members())
    expect(sent.some((count, at) => count === before[at])).toBe(true)
    await reaches(id, 'paused', 'user')
    // What a pause recalls is no failure of anybody.
    expect(await failedOf()).toEqual(failed)
    await inEach((org) => act('deploys/pace', { org, runMs: 0 }))
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'succeeded')
    expect(await deployed(members())).toEqual(before.map((count) => count + 1))
  })
})
