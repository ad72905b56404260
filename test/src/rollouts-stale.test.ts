// A rollout to clients whose Salesforce orgs others change between the check and the deploy: what a person has
// confirmed holds for what they saw, and nothing of the others is overwritten.

import { beforeAll, describe, expect, it } from 'vitest'
import { text } from './deploy-bodies.ts'
import { fieldPlan, type Member, OBJECT, PICKLIST, VALUES } from './fleet-support.ts'
import { AT_ONCE, createRolloutScene } from './rollout-scene.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
const scene = createRolloutScene()
const { act, call, check, create, deployed, describeOf, get } = scene
const { members, reaches, refused, some, started, targets } = scene

beforeAll(async () => {
  rig = await sharedRig()
  await scene.open(rig, rig.urls, 6)
})

interface Described {
  fields: { name: string; picklistValues: { value: string; active: boolean }[] }[]
}
const valuesIn = async (member: Member): Promise<string[]> => {
  const { fields } = await describeOf<Described>(member)
  const field = fields.find(({ name }) => name === PICKLIST)
  return (field?.picklistValues ?? []).filter(({ active }) => active).map(({ value }) => value)
}
const addValue = ({ salesforce }: Member, value: string) =>
  act('schema/add-picklist-value', { org: salesforce, object: OBJECT, name: PICKLIST, value })
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

describe("Monday's confirmation does not overwrite Tuesday's change", () => {
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
    if ((await get(id)).state !== 'ready') await call('stop', { rollout_id: id })
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
    const [first, changed] = [members()[1], members()[5]] as [Member, Member]
    const id = await started([first, changed], valuesPlan('Unused'), {
      waves: [{ count: 1 }, { gate: 'manual', name: 'rest', failure_tolerance: 5 }],
    })
    await reaches(id, 'paused', 'gate')
    await addValue(changed, 'Friday')
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    await until('its end', async () => (await get(id)).is_final)
    expect(await valuesIn(changed)).toContain('Friday')
  })

  it('nor in a report that is made because the one that was shown grew old', async () => {
    const [first, changed] = [members()[1], members()[2]] as [Member, Member]
    const id = await started([first, changed], valuesPlan('Old_Report'), {
      waves: [{ count: 1 }, { gate: 'manual', name: 'rest', failure_tolerance: 5 }],
    })
    await reaches(id, 'paused', 'gate')
    const before = await deployed([changed])
    await addValue(changed, 'Saturday')
    await rig.query(
      `update rollout_targets set checked_at = now() - interval '25 hours'
        where rollout_id = $1 and state = 'ready'`,
      [id],
    )
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    await until('its end', async () => (await get(id)).is_final)
    expect((await targets(id, [changed]))[0]).toMatchObject({ state: 'blocked', reason: 'drifted' })
    expect(await deployed([changed])).toEqual(before)
    expect(await valuesIn(changed)).toContain('Saturday')
  })

  it('nor by a retry, until a person has confirmed what the report says by now', async () => {
    const changed = members()[2] as Member
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
        return target?.state === 'blocked' && isNew && (await get(id))
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
    const [first, changed] = [members()[0], members()[4]] as [Member, Member]
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

describe('what was checked again after the last look', () => {
  const GATED = {
    waves: [{ count: 1 }, { gate: 'manual', name: 'rest', failure_tolerance: 5 }],
    accept: ['yellow'],
  }
  /** At the gate of its second wave. */
  const atGate = async (of: readonly Member[], name: string): Promise<string> => {
    const id = await started(of, fieldPlan(name), GATED)
    await reaches(id, 'paused', 'gate')
    return id
  }
  const isReady = (id: string, member: Member) =>
    until('it is checked', async () => (await targets(id, [member]))[0]?.state === 'ready')

  it('is deployed by no approval that does not name the revision with it', async () => {
    const [first, changed] = [members()[0], members()[3]] as [Member, Member]
    const id = await atGate([first, changed], 'Looked')
    const { revision: looked } = await get(id)
    await act('schema/add-field', {
      org: changed.salesforce,
      object: OBJECT,
      field: { name: 'Looked__c', label: 'Looked', type: 'double', precision: 18, scale: 0 },
    })
    const before = await deployed([changed])
    await call('check', { rollout_id: id, refresh: true, wait_seconds: 0 })
    await isReady(id, changed)
    const unseen = await refused('approve', { rollout_id: id, wait_seconds: 0 })
    expect(unseen).toMatchObject({
      ...{ status: 409, code: 'confirmation_stale' },
      errors: [{ path: `targets.${changed.client.id}`, code: 'verdict_changed' }],
    })
    expect(unseen.text).toContain('type_change')
    // Another check is no look.
    await call('check', { rollout_id: id, wait_seconds: 0 })
    await isReady(id, changed)
    expect((await refused('approve', { rollout_id: id, wait_seconds: 0 })).status).toBe(409)
    const old = await refused('approve', { rollout_id: id, revision: looked, wait_seconds: 0 })
    expect(old).toMatchObject({ status: 409, code: 'confirmation_stale' })
    expect(await deployed([changed])).toEqual(before)
    const { revision } = await get(id)
    await call('approve', { rollout_id: id, revision, wait_seconds: 0 })
    await reaches(id, 'succeeded')
    expect(await deployed([changed])).toEqual([(before[0] ?? 0) + 1])
  })

  it('needs no revision if the report says nothing new', async () => {
    const [first, same] = [members()[0], members()[1]] as [Member, Member]
    const id = await atGate([first, same], 'Same_Again')
    await call('check', { rollout_id: id, wait_seconds: 0 })
    await isReady(id, same)
    await call('approve', { rollout_id: id, wait_seconds: 0 })
    await reaches(id, 'succeeded')
  })

  it('lets nobody resume with the revision of before', async () => {
    const [first, later] = [members()[0], members()[1]] as [Member, Member]
    const id = await atGate([first, later], 'Resumed')
    await call('pause', { rollout_id: id })
    const { revision: looked } = await get(id)
    await call('check', { rollout_id: id, wait_seconds: 0 })
    await isReady(id, later)
    expect(await refused('resume', { rollout_id: id, revision: looked })).toMatchObject({
      ...{ status: 409, code: 'confirmation_stale' },
      errors: [{ path: `targets.${later.client.id}`, code: 'verdict_changed' }],
    })
    const { revision } = await get(id)
    expect(revision).toBeGreaterThan(looked)
    await call('resume', { rollout_id: id, revision, wait_seconds: 0 })
    await reaches(id, 'paused', 'gate')
    await call('stop', { rollout_id: id })
  })

  it('is of a revision that a person can name, also when a check could not be begun', async () => {
    const [first, lost] = [members()[0], members()[2]] as [Member, Member]
    const id = await create([first, lost], fieldPlan('Named'), GATED)
    await check(id)
    await rig.query(
      `update crm_connections set status = 'expired', error = '{"code":"refresh_refused","message":"-"}'
        where client_id = $1`,
      [lost.client.id],
    )
    const { revision } = await check(id, { client_ids: [lost.client.id] })
    expect((await targets(id, [lost]))[0]).toMatchObject({ reason: 'not_connected' })
    await call('start', { rollout_id: id, revision, wait_seconds: 0 })
    await reaches(id, 'paused', 'gate')
    await call('stop', { rollout_id: id })
    await lost.client.connect(lost.salesforce)
  })
})
