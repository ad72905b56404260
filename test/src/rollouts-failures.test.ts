// What a rollout does when something goes wrong in a target: the table of failures, row by row, with the
// failures of a real simulator on two replicas.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'
import { text } from './deploy-bodies.ts'
import {
  deploysIn,
  fieldPlan,
  type Member,
  membersOf,
  OBJECT,
  PICKLIST,
  rolloutsOf,
  VALUES,
} from './fleet-support.ts'
import { type Rig, startRig, type TestOrg } from './rig.ts'
import { until } from './until.ts'

let rig: Rig
let agency: TestOrg
let members: Member[]
/** Both replicas answer in turn. */
let replicas: Api[]
let calls = 0
const rollouts = rolloutsOf(() => replicas[calls++ % replicas.length] as Api)
const { call, check, create, reaches, refused, targets } = rollouts

beforeAll(async () => {
  // Of its own: what waits looks again soon.
  rig = await startRig({ simulator: true, replicas: 2, environment: { WORK_WAIT_SCALE: '0.02' } })
  agency = await rig.org()
  replicas = rig.servers.map(({ url }) => apiOf(url, agency.token))
  members = await membersOf(agency, rig.simulator.control, 6)
}, 120_000)

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

const act: Rig['simulator']['control']['act'] = (...action) => rig.simulator.control.act(...action)
const inEach = (work: (salesforce: string) => Promise<unknown>) =>
  Promise.all(members.map(({ salesforce }) => work(salesforce)))
const some = (count: number): Member[] => members.slice(0, count)
const deployed = (of: readonly Member[]): Promise<number[]> =>
  Promise.all(of.map(({ salesforce }) => deploysIn(rig.simulator.control, salesforce)))
const stateOf = async (rolloutId: string, of: readonly Member[]): Promise<unknown[]> =>
  (await targets(rolloutId, of)).map((target) => target?.state)

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
const addValue = ({ salesforce }: Member, value: string) =>
  act('schema/add-picklist-value', { org: salesforce, object: OBJECT, name: PICKLIST, value })
const fieldsIn = async ({ salesforce }: Member) => {
  const { token, instanceUrl } = await rig.simulator.control.openSession(salesforce)
  const answer = await fetch(`${instanceUrl}/services/data/v66.0/sobjects/${OBJECT}/describe`, {
    headers: { authorization: `Bearer ${token}` },
  })
  interface Described {
    name: string
    label: string
    length: number
    picklistValues: { value: string; active: boolean }[]
  }
  return ((await answer.json()) as { fields: Described[] }).fields
}
/** By the Tooling API, which knows of fields that nobody may see. */
const customFieldsOf = async ({ salesforce }: Member, developerName: string): Promise<number> => {
  const { token, instanceUrl } = await rig.simulator.control.openSession(salesforce)
  const soql = `SELECT Id FROM CustomField WHERE DeveloperName = '${developerName}'`
  const answer = await fetch(
    `${instanceUrl}/services/data/v66.0/tooling/query?q=${encodeURIComponent(soql)}`,
    { headers: { authorization: `Bearer ${token}` } },
  )
  return ((await answer.json()) as { records: unknown[] }).records.length
}
const valuesIn = async (member: Member): Promise<string[]> => {
  const field = (await fieldsIn(member)).find(({ name }) => name === PICKLIST)
  return (field?.picklistValues ?? []).filter(({ active }) => active).map(({ value }) => value)
}
/** One wave that takes them one after the other. */
const IN_TURN = { waves: [{ name: 'all', max_concurrent: 1 }] }
const AT_ONCE = { waves: [{ name: 'all', max_concurrent: 10, failure_tolerance: 5 }] }

/** Checked and started: what is under way from here on. */
const started = async (of: readonly Member[], plan: object, strategy: object): Promise<string> => {
  const id = await create(of, plan, strategy)
  const { revision, state } = await check(id)
  expect(state).toBe('ready')
  await call('start', { rollout_id: id, revision, wait_seconds: 0 })
  return id
}

/** The API with a token that has to ask before it changes a Salesforce org. */
const askingToken = async (): Promise<Api> => {
  const { body } = await agency.api.post<{ token: string }>('/api/tokens/create', {
    name: 'agent',
    approval: 'required',
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  })
  return agency.api.as(body.token)
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

describe('a target', { timeout: 180_000 }, () => {
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
    const matrix = await agency.api.post<{
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
      { state: 'excluded', decided_by: agency.adminId, decision: 'They keep theirs.' },
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
    await agency.api.post('/api/connections/revoke', { client_id: cut.client.id })
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
    if ((await rollouts.get(id)).state === 'paused') {
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
    await agency.api.post('/api/connections/revoke', { client_id: cut.client.id })
    await reaches(id, 'paused', 'unknown_fate')
    await until('it is applied', async () => (await customFieldsOf(cut, 'Forgotten')) === 1)
    const deployment_id = sent?.deployment_id
    await agency.api.post('/api/deploy/cancel', { deployment_id, abandon: true })
    const isGivenUp = async () =>
      (await agency.api.post<{ status: string }>('/api/deploy/status', { deployment_id })).body
        .status === 'failed'
    await until('it is given up', isGivenUp)
    const named = { rollout_id: id, client_ids: [cut.client.id] }
    await call('skip', { ...named, reason: 'Later.' })
    await cut.client.connect(cut.salesforce)
    cutOff.delete(cut)
    const retry = await refused('retry', { ...named, wait_seconds: 0 })
    expect([retry.status, retry.code]).toEqual([409, 'rollout_state_conflict'])
    expect(retry.errors).toMatchObject([{ path: 'client_ids.0', code: 'deployment_left' }])
    await until('it rests', async () => (await rollouts.get(id)).is_final)
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
    const other = await agency.api.post<{ id: string }>('/api/deploy/custom-objects', {
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
    await reaches(id, 'succeeded', null, 110_000)
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

/** Monday's check knows the values of that day. */
const valuesPlan = (name: string) =>
  fieldPlan(name, [
    { api_name: PICKLIST, label: 'Field 2', type: 'Picklist', values: [...VALUES, 'Fleet'] },
  ])
/** A record has the new value: without it, Salesforce's list would lose something that somebody uses. */
const useValue = async (member: Member, value: string) => {
  await addValue(member, value)
  await act('records/insert', {
    org: member.salesforce,
    object: OBJECT,
    rows: [{ Name: 'In use', [PICKLIST]: value }],
  })
}

describe("Monday's confirmation does not overwrite Tuesday's change", { timeout: 120_000 }, () => {
  it('between the check and the start', async () => {
    const [changed, other] = some(2) as [Member, Member]
    const id = await create([changed, other], valuesPlan('Monday_Start'), AT_ONCE)
    const { revision } = await check(id, { refresh: true })
    const before = await deployed([changed])
    await useValue(changed, 'Tuesday')
    await changed.client.pull()
    const start = await refused('start', { rollout_id: id, revision, wait_seconds: 0 })
    if (start.status === 409) {
      expect(start.code).toBe('confirmation_stale')
      expect(start.text).toContain(changed.client.id)
    } else {
      await until('it was looked at again', async () => {
        const [target] = await targets(id, [changed])
        return target?.state === 'blocked'
      })
    }
    expect(await deployed([changed])).toEqual(before)
    expect(await valuesIn(changed)).toContain('Tuesday')
    if ((await rollouts.get(id)).state !== 'ready') await call('stop', { rollout_id: id })
  })

  it('between two waves, and while a wave is under way', async () => {
    const [first, between, during] = some(5).slice(2) as [Member, Member, Member]
    const id = await create([first, between, during], valuesPlan('Monday_Waves'), {
      waves: [
        { count: 1 },
        { gate: 'manual', max_concurrent: 1, failure_tolerance: 5, name: 'rest' },
      ],
    })
    const { revision } = await check(id, { refresh: true })
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await reaches(id, 'paused', 'gate')
    await useValue(between, 'Wednesday')
    const before = await deployed([between, during])
    // Nothing of the second wave is sent before the third client has changed, too.
    const approved = call('approve', { rollout_id: id, wait_seconds: 0 })
    await useValue(during, 'Thursday')
    await approved
    await reaches(id, 'partial')
    const [, second, third] = await targets(id, [first, between, during])
    expect(second).toMatchObject({ state: 'blocked', deployment_id: null })
    expect(third).toMatchObject({ state: 'blocked', deployment_id: null })
    expect(await deployed([between, during])).toEqual(before)
    expect(await valuesIn(between)).toContain('Wednesday')
    expect(await valuesIn(during)).toContain('Thursday')
  })

  it('nor with a new value that no record has yet', async () => {
    const [first, changed] = [members[1], members[5]] as [Member, Member]
    const id = await started([first, changed], valuesPlan('Unused'), {
      waves: [{ count: 1 }, { gate: 'manual', name: 'rest', failure_tolerance: 5 }],
    })
    await reaches(id, 'paused', 'gate')
    await addValue(changed, 'Friday')
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    await until('its end', async () => (await rollouts.get(id)).is_final)
    expect(await valuesIn(changed)).toContain('Friday')
  })

  it('nor in a report that is made because the one that was shown grew old', async () => {
    const [first, changed] = [members[1], members[2]] as [Member, Member]
    const id = await started([first, changed], valuesPlan('Old_Report'), {
      waves: [{ count: 1 }, { gate: 'manual', name: 'rest', failure_tolerance: 5 }],
    })
    await reaches(id, 'paused', 'gate')
    const before = await deployed([changed])
    await addValue(changed, 'Saturday')
    await rig.database.query(
      `update rollout_targets set checked_at = now() - interval '25 hours'
        where rollout_id = $1 and state = 'ready'`,
      [id],
    )
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    await until('its end', async () => (await rollouts.get(id)).is_final)
    expect((await targets(id, [changed]))[0]).toMatchObject({ state: 'blocked', reason: 'drifted' })
    expect(await deployed([changed])).toEqual(before)
    expect(await valuesIn(changed)).toContain('Saturday')
  })

  it('nor by a retry, until a person has confirmed what the report says by now', async () => {
    const changed = members[2] as Member
    const { id } = await call('create', {
      plan: fieldPlan('Tier'),
      targets: { client_ids: [changed.client.id] },
      strategy: { ...AT_ONCE, accept: ['yellow'] },
    })
    const { revision } = await check(id, { refresh: true })
    const [green] = await targets(id, [changed])
    expect(green).toMatchObject({ state: 'ready', severity: 'green' })
    const before = await deployed([changed])
    await act('schema/add-field', {
      org: changed.salesforce,
      object: OBJECT,
      field: { name: 'Tier__c', label: 'Tier', type: 'double', precision: 18, scale: 0 },
    })
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    const stopped = async (after: string | null | undefined) =>
      until('it stops for a look', async () => {
        const [target] = await targets(id, [changed])
        const isNew = target?.conflict_report_id !== after
        return target?.state === 'blocked' && isNew && (await rollouts.get(id))
      })
    await stopped(green?.conflict_report_id)
    const [first] = await targets(id, [changed])
    expect(first).toMatchObject({ reason: 'drifted', error: { code: 'topology_drifted' } })
    expect(first?.error?.message).toMatch(/type_change/)
    // Neither a retry nor another check is a look.
    await call('retry', { rollout_id: id, wait_seconds: 0 })
    const again = await stopped(first?.conflict_report_id)
    expect((await targets(id, [changed]))[0]).toMatchObject({ reason: 'drifted' })
    const old = await refused('retry', { rollout_id: id, revision, wait_seconds: 0 })
    expect([old.status, old.code]).toEqual([409, 'confirmation_stale'])
    expect(await deployed([changed])).toEqual(before)
    await call('retry', { rollout_id: id, revision: again.revision, wait_seconds: 0 })
    await reaches(id, 'succeeded')
    expect(await deployed([changed])).toEqual([(before[0] ?? 0) + 1])
  })

  it('with a change that does no harm: it is checked once more, and deployed', async () => {
    const [first, changed] = [members[0], members[4]] as [Member, Member]
    const plan = fieldPlan('Harmless', [text('Shared__c')])
    const id = await started([first, changed], plan, {
      waves: [{ count: 1 }, { gate: 'manual', name: 'rest' }],
    })
    await reaches(id, 'paused', 'gate')
    const [, seen] = await targets(id, [first, changed])
    await act('schema/add-field', {
      org: changed.salesforce,
      object: OBJECT,
      field: { name: 'Shared__c', label: 'Shared', type: 'string', length: 40 },
    })
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'succeeded')
    const [, target] = await targets(id, [first, changed])
    expect(target).toMatchObject({ state: 'deployed', is_failure: false })
    expect(target?.conflict_report_id).not.toBe(seen?.conflict_report_id)
  })
})

describe('a check after the start', { timeout: 120_000 }, () => {
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

describe('an approval of a retry', { timeout: 120_000 }, () => {
  it('is for the targets that had failed when it was asked for', async () => {
    const [first, second, slow] = some(3) as [Member, Member, Member]
    const asking = await askingToken()
    const person = (await agency.user('org_admin')).api
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

describe('a pause', { timeout: 120_000 }, () => {
  it('holds within five seconds on both replicas', async () => {
    const before = await deployed(members)
    const failedOf = async () => {
      const { body } = await agency.api.post<{
        items: { client_id: string; work: { failed: number } }[]
      }>('/api/fleet/health', { limit: 200 })
      return members.map(
        ({ client }) => body.items.find((one) => one.client_id === client.id)?.work.failed ?? -1,
      )
    }
    const failed = await failedOf()
    await inEach((org) => act('deploys/pace', { org, runMs: 1_500 }))
    const id = await started(members, fieldPlan('Paused'), {
      waves: [{ name: 'all', max_concurrent: 2 }],
    })
    await until('something was sent', async () =>
      (await deployed(members)).some((n, at) => n > (before[at] ?? 0)),
    )
    await call('pause', { rollout_id: id })
    const pausedAt = Date.now()
    // As long again, in which both replicas would have sent several more.
    await until('nine seconds', () => Date.now() > pausedAt + 9_000)
    const late = await Promise.all(
      members.map(({ salesforce }) =>
        act('journal', { org: salesforce, method: 'POST', path: '*/metadata/deployRequest' }),
      ),
    )
    const sentAfterMs = late.flat().map(({ at }) => Date.parse(at) - pausedAt)
    expect(sentAfterMs.filter((ms) => ms > 5_000)).toEqual([])
    const sent = await deployed(members)
    expect(sent.some((count, at) => count === before[at])).toBe(true)
    await reaches(id, 'paused', 'user')
    // What a pause recalls is no failure of anybody.
    expect(await failedOf()).toEqual(failed)
    await inEach((org) => act('deploys/pace', { org, runMs: 0 }))
    await call('resume', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'succeeded')
    expect(await deployed(members)).toEqual(before.map((count) => count + 1))
  })
})

describe('the rollback of a rollout', { timeout: 120_000 }, () => {
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
      const { rollback_preview } = dry.is_final ? dry : await rollouts.get(id)
      return rollback_preview?.state === 'complete' && rollback_preview
    })
    expect(told.kept).toBeGreaterThan(0)
    expect(told.removed).toBeGreaterThan(0)
    expect(await deployed([kept, plain, later])).toEqual(sent)

    await call('rollback', { rollout_id: id, wait_seconds: 0 })
    await until('its end', async () => {
      const { state } = await rollouts.get(id)
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
      const back = await agency.api.post<{ status: string }>('/api/deploy/rollback', {
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
    // Somebody rolls that one back by itself.
    const back = await agency.api.post<{ status: string }>('/api/deploy/rollback', {
      ...{ deployment_id: first?.deployment_id, allow_data_loss: true, wait_seconds: 55 },
    })
    expect(back.body.status, back.text).toBe('rolled_back')
    await until('the rollout knows', async () => (await stateOf(id, [full]))[0] === 'rolled_back')
  })
})

describe('whoever is not the organization', () => {
  it('sees nothing of a rollout: users of a client may not, others do not find it', async () => {
    const [member] = some(1) as [Member]
    const id = await create([member], fieldPlan('Secret'), AT_ONCE)
    const stranger = (await rig.org()).api
    const insiders = await Promise.all(
      (['company_admin', 'company_member'] as const).map((role) =>
        agency.user(role, member.client.id),
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
    expect((await rollouts.get(id)).state).toBe('draft')
  })
})
