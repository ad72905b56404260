// An off-boarding that is cancelled, abandoned or ends half way, and a client that has left: what was changed is
// told, the client goes on, and nothing of it is done twice.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { fieldPlan, OBJECT } from './fleet-support.ts'
import {
  differences,
  named,
  type Offboarding,
  post,
  readOrg,
  readRules,
  rule,
  SMALL_ORG,
} from './leaving-support.ts'
import { type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
let org: TestOrg
const control = () => rig.simulator.control

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
})

/** The packages that the certificate names, which says what was removed, with the hash of each. */
const packagesIn = (done: Offboarding): string[] => {
  const { removed, sfdc_deploy_ids: sent } = done.certificate as {
    removed: { type: string; full_name: string; before: unknown; deployed: unknown }[]
    sfdc_deploy_ids: string[]
  }
  expect(named(removed)).toEqual(named(done.removed))
  for (const { before, deployed } of removed) {
    expect([before, deployed]).toEqual([null, expect.stringMatching(/^[0-9a-f]{64}$/)])
  }
  return sent
}

/** What each deployment says itself of what became of it. */
const removedFrom = async (client_id: string) => {
  const { items } = await post<{ items: DeploymentBody[] }>(org.api, '/api/deploy/list', {
    client_id,
  })
  const whole = await Promise.all(
    items.map(({ id }) =>
      post<DeploymentBody>(org.api, '/api/deploy/status', { deployment_id: id }),
    ),
  )
  return whole
    .map(({ kind, status, rollback }) => [kind, status, named(rollback?.removed ?? [])] as const)
    .toSorted(([a], [b]) => a.localeCompare(b))
}

describe('an off-boarding', () => {
  it('that is cancelled while it waits, or while Salesforce works, changes nothing, and the client goes on', async () => {
    const stays = await org.client('Stays')
    const { name: salesforceOrg } = await rig.salesforceOrg({ edition: 'Enterprise' })
    await stays.connect(salesforceOrg)
    await stays.pull()
    await post<DeploymentBody>(org.api, '/api/deploy/custom-objects', {
      client_id: stays.id,
      plan: { objects: [{ api_name: 'Lead', fields: [text('Stays__c')] }] },
      wait_seconds: 55,
    })
    const standing = await readOrg(rig, salesforceOrg)
    const started = async (
      isWhereItShouldBe: (run: { stage: string; code: string | null }) => boolean,
    ) => {
      const { id } = await post(org.api, '/api/fleet/offboard/start', {
        client_id: stays.id,
        wait_seconds: 0,
      })
      await until('its rollback is where it should be', async () => {
        const [run] = await rig.query<{ stage: string; code: string | null }>(
          `select u.stage, u.error ->> 'code' as code from deployment_runs u
             join offboardings o on u.deployment_id in (o.automations_id, o.components_id)
            where o.id = $1 and u.ended_at is null`,
          [id],
        )
        return run !== undefined && isWhereItShouldBe(run)
      })
      return id
    }
    const cancelled = async (offboarding_id: string, more: object = {}) => {
      await post(org.api, '/api/fleet/offboard/cancel', { offboarding_id, ...more })
      return until('the off-boarding has ended', async () => {
        const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id })
        return state.is_final ? state : null
      })
    }
    const ended = { status: 'failed', error: { code: 'cancelled' }, connection: null }
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: false } })
    const waiting = await started(({ code }) => code === 'connection_lost')
    expect(await cancelled(waiting)).toMatchObject(ended)
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: true } })
    await post(org.api, '/api/connections/get', { client_id: stays.id, check: true })
    // As long as it also takes to cancel it.
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 15_000 })
    const sent = await started(({ stage }) => stage === 'wait')
    expect(await cancelled(sent)).toMatchObject(ended)
    expect(differences(standing, await readOrg(rig, salesforceOrg))).toEqual([])
    // Nobody knows what becomes of a package that was sent before the connection was lost: it is abandoned.
    const lost = await started(({ stage }) => stage === 'wait')
    const abandon = { offboarding_id: lost, abandon: true }
    const early = await org.api.post<{ code: string }>('/api/fleet/offboard/cancel', abandon)
    expect([early.status, early.body.code]).toEqual([409, 'deployment_in_progress'])
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: false } })
    await until('the connection is lost', async () => {
      const { error } = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: lost })
      return error?.code === 'connection_lost'
    })
    expect(await cancelled(lost, abandon)).toMatchObject({
      ...{ status: 'failed', error: { code: 'abandoned' }, connection: null },
    })
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 0 })
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: true } })
    await post(org.api, '/api/connections/get', { client_id: stays.id, check: true })
    // Once more it does nothing, and the client works.
    expect(await cancelled(sent)).toMatchObject(ended)
    const goesOn = await org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
      client_id: stays.id,
      plan: { objects: [{ api_name: 'Lead', fields: [text('Again__c')] }] },
      wait_seconds: 55,
    })
    expect(goesOn.status, goesOn.text).toBe(200)
  })

  it('that ends half way says what it removed, and so does the certificate of the next', async () => {
    const half = await org.client('Half')
    const { name: salesforceOrg } = await rig.salesforceOrg(SMALL_ORG)
    await control().act('deploys/pace', { org: salesforceOrg, pendingMs: 0, runMs: 0 })
    await half.connect(salesforceOrg)
    await half.pull()
    const by = { client_id: half.id, wait_seconds: 55 }
    const given = {
      ...rule('Give a name.'),
      api_name: `${OBJECT}.Given`,
      definition: { errorConditionFormula: 'ISBLANK(Name)', errorMessage: 'Give a name.' },
    }
    for (const [path, what] of [
      ['custom-objects', { plan: fieldPlan('Half') }],
      ['workflows', { workflows: [given] }],
    ] as const) {
      const made = await post<DeploymentBody>(org.api, `/api/deploy/${path}`, { ...by, ...what })
      expect(made.status, JSON.stringify(made)).toBe('deployed')
    }
    const standing = await readRules(rig, salesforceOrg)
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 5_000 })
    const { id } = await post(org.api, '/api/fleet/offboard/start', { ...by, wait_seconds: 0 })
    await until('its components were sent', async () => {
      const [sent] = await rig.query(
        `select from deployment_runs u join offboardings o on u.deployment_id = o.components_id
          where o.id = $1 and u.stage = 'wait'`,
        [id],
      )
      return sent !== undefined
    })
    const gone = [`ValidationRule ${OBJECT}.Given`]
    const running = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
    expect(named(running.removed), 'before somebody cancels it').toEqual(gone)
    await post(org.api, '/api/fleet/offboard/cancel', { offboarding_id: id })
    const ended = await until('the off-boarding has ended', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
      return state.is_final ? state : null
    })
    expect(standing).toContain('Given')
    expect(await readRules(rig, salesforceOrg), 'it went before the cancel').not.toContain('Given')
    expect(named(ended.removed)).toEqual(gone)
    expect(ended).toMatchObject({ status: 'failed', certificate: null, proof: { complete: true } })
    expect(ended.error).toMatchObject({ code: 'cancelled' })
    expect(ended.error?.message).not.toMatch(/nothing was changed/)
    const { items } = await post<{ items: { status: string; kind: string }[] }>(
      org.api,
      '/api/deploy/list',
      { client_id: half.id },
    )
    expect(items.map(({ kind, status }) => [kind, status]).toSorted()).toEqual([
      ['custom_objects', 'deployed'],
      ['workflows', 'rolled_back'],
    ])
    // Once more half way, before anything: what went the first time is not forgotten.
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: false } })
    const second = await post(org.api, '/api/fleet/offboard/start', { ...by, wait_seconds: 0 })
    await post(org.api, '/api/fleet/offboard/cancel', { offboarding_id: second.id })
    await until('the second has ended', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: second.id })
      return state.is_final
    })
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: true } })
    await post(org.api, '/api/connections/get', { client_id: half.id, check: true })
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 0 })
    const done = await post(org.api, '/api/fleet/offboard/start', by)
    expect(done, JSON.stringify(done.error)).toMatchObject({ status: 'complete', stays: [] })
    expect(named(done.removed)).toEqual([
      `CustomField ${OBJECT}.Half__c`,
      'PermissionSet Half',
      ...gone,
    ])
    expect(packagesIn(done), 'the package of each half').toHaveLength(2)
    expect(await removedFrom(half.id)).toEqual([
      ['custom_objects', 'rolled_back', [`CustomField ${OBJECT}.Half__c`, 'PermissionSet Half']],
      ['workflows', 'rolled_back', gone],
    ])
    // The board's forecast sums the log: each call is in one row of it, that of the rollback that made it.
    const all = await post<{ items: { id: string; salesforce_api_calls: number }[] }>(
      org.api,
      '/api/fleet/offboard/list',
      { client_id: half.id },
    )
    const log = await post<{ items: { action: string; salesforce_api_calls: number }[] }>(
      org.api,
      '/api/audit/list',
      { client_id: half.id, limit: 100 },
    )
    const callsIn = (rows: readonly { salesforce_api_calls: number }[]): number =>
      rows.reduce((sum, row) => sum + row.salesforce_api_calls, 0)
    const rows = log.items.filter(({ action }) =>
      ['client.offboard', 'deployment.rollback'].includes(action),
    )
    expect(callsIn(all.items)).toBeGreaterThan(0)
    expect(callsIn(rows)).toBe(callsIn(all.items))
  })

  it('that is abandoned while Salesforce works tells what went before, and the next one tells what went after', async () => {
    const adrift = await org.client('Adrift')
    const { name: salesforceOrg } = await rig.salesforceOrg(SMALL_ORG)
    await control().act('deploys/pace', { org: salesforceOrg, pendingMs: 0, runMs: 0 })
    await adrift.connect(salesforceOrg)
    await adrift.pull()
    const by = { client_id: adrift.id, wait_seconds: 55 }
    const asked = {
      ...rule('Give a name.'),
      api_name: `${OBJECT}.Asked`,
      definition: { errorConditionFormula: 'ISBLANK(Name)', errorMessage: 'Give a name.' },
    }
    for (const [path, what] of [
      ['custom-objects', { plan: fieldPlan('Adrift') }],
      ['workflows', { workflows: [asked] }],
    ] as const) {
      const made = await post<DeploymentBody>(org.api, `/api/deploy/${path}`, { ...by, ...what })
      expect(made.status, JSON.stringify(made)).toBe('deployed')
    }
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 6_000 })
    const { id } = await post(org.api, '/api/fleet/offboard/start', { ...by, wait_seconds: 0 })
    await until('its components were sent', async () => {
      const [sent] = await rig.query(
        `select from deployment_runs u join offboardings o on u.deployment_id = o.components_id
          where o.id = $1 and u.stage = 'wait'`,
        [id],
      )
      return sent !== undefined
    })
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: false } })
    const state = () => post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
    await until(
      'the connection is lost',
      async () => (await state()).error?.code === 'connection_lost',
    )
    await post(org.api, '/api/fleet/offboard/cancel', { offboarding_id: id, abandon: true })
    const ended = await until('the off-boarding has ended', async () => {
      const now = await state()
      return now.is_final ? now : null
    })
    const before = [`ValidationRule ${OBJECT}.Asked`]
    const after = [`CustomField ${OBJECT}.Adrift__c`, 'PermissionSet Adrift']
    expect(ended).toMatchObject({ status: 'failed', connection: null, certificate: null })
    expect(ended.error).toMatchObject({ code: 'abandoned' })
    expect(ended.error?.message).toMatch(/Start the off-boarding again to find out\./)
    expect([named(ended.removed), named(ended.restored)]).toEqual([before, []])
    expect(await post<object>(org.api, '/api/clients/get', { client_id: adrift.id })).toMatchObject(
      { is_active: true, left_at: null },
    )
    const { items } = await post<{ items: { status: string; kind: string }[] }>(
      org.api,
      '/api/deploy/list',
      { client_id: adrift.id },
    )
    expect(items.map(({ kind, status }) => [kind, status]).toSorted()).toEqual([
      ['custom_objects', 'deployed'],
      ['workflows', 'rolled_back'],
    ])
    const log = await post<{ items: { action: string; outcome: string }[] }>(
      org.api,
      '/api/audit/list',
      { client_id: adrift.id },
    )
    expect(
      log.items
        .filter(({ action }) => ['client.offboard', 'deployment.rollback'].includes(action))
        .map(({ action, outcome }) => [action, outcome]),
    ).toEqual([
      ['client.offboard', 'abandoned'],
      ['deployment.rollback', 'abandoned'],
      ['deployment.rollback', 'ok'],
    ])
    // Salesforce has gone on with what it was sent.
    await until('Salesforce has ended', async () => {
      const all = (await control().act('deploys/list', { org: salesforceOrg })) as {
        status: string
      }[]
      return all.every(({ status }) => status === 'Succeeded')
    })
    await control().act('orgs/update', { org: salesforceOrg, settings: { apiEnabled: true } })
    await control().act('deploys/pace', { org: salesforceOrg, runMs: 0 })
    await post(org.api, '/api/connections/get', { client_id: adrift.id, check: true })
    const done = await post(org.api, '/api/fleet/offboard/start', by)
    expect(done, JSON.stringify(done.error)).toMatchObject({ status: 'complete', stays: [] })
    expect(named(done.removed)).toEqual([...after, ...before].toSorted())
    expect(packagesIn(done), 'the abandoned package too').toHaveLength(2)
    expect(await removedFrom(adrift.id)).toEqual([
      ['custom_objects', 'rolled_back', after],
      ['workflows', 'rolled_back', before],
    ])
  })
})

describe('a client that has left', () => {
  it('is out of the fleet, leaves once, and its rollouts tell what became of it, even when it is purged', async () => {
    const gone = await org.client('Short')
    await gone.connect((await rig.salesforceOrg({ edition: 'Enterprise' })).name)
    await gone.pull()
    interface Rolled {
      id: string
      state: string
      targets: number
      counts: Record<string, number>
      is_final: boolean
    }
    const blueprint = await post<{ id: string }>(org.api, '/api/blueprints/create', {
      name: 'Short stay',
    })
    await post(org.api, '/api/blueprints/versions/create', {
      blueprint_id: blueprint.id,
      plan: { objects: [{ api_name: 'Lead', fields: [text('Brief__c')] }] },
    })
    const bind = { blueprint_id: blueprint.id, client_ids: [gone.id] }
    await post(org.api, '/api/blueprints/bindings/set', bind)
    const { id: rollout_id } = await post<Rolled>(org.api, '/api/fleet/rollouts/create', {
      blueprint_id: blueprint.id,
      targets: { client_ids: [gone.id] },
      strategy: { waves: [{ name: 'all' }] },
    })
    const rollout = () => post<Rolled>(org.api, '/api/fleet/rollouts/get', { rollout_id })
    await post(org.api, '/api/fleet/rollouts/check', { rollout_id, wait_seconds: 55 })
    await post(org.api, '/api/fleet/rollouts/start', { rollout_id, wait_seconds: 55 })
    await until('it is deployed', async () => (await rollout()).counts.deployed === 1)

    const refused = async (path: string, body: object) => {
      const answer = await org.api.post<{ code: string; detail: string }>(path, body)
      return [answer.status, answer.body.code, answer.body.detail]
    }
    const leave = { client_id: gone.id, wait_seconds: 0 }
    const { id } = await post(org.api, '/api/fleet/offboard/start', leave)
    const twice = await refused('/api/fleet/offboard/start', leave)
    expect(twice).toEqual([409, 'client_leaving', expect.stringContaining(id)])
    const left = await until('it has left', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
      return state.is_final && state
    })
    expect(left).toMatchObject({ status: 'complete', error: null })

    const shown = await post<object>(org.api, '/api/clients/get', { client_id: gone.id })
    expect(shown).toMatchObject({ is_active: false, left_at: expect.any(String) as string })
    const once = await refused('/api/fleet/offboard/start', leave)
    expect(once).toEqual([409, 'client_left', expect.stringContaining(id)])
    const everywhere = async (path: string, body: object): Promise<string> =>
      (await org.api.post(path, body)).text
    expect(await everywhere('/api/blueprints/bindings/list', {})).not.toContain(gone.id)
    expect(await everywhere('/api/fleet/health', {})).not.toContain(gone.id)
    const brief = { kind: 'field', object: 'Lead', name: 'Brief__c' }
    expect(await everywhere('/api/fleet/search', brief)).not.toContain(gone.id)
    const again = await refused('/api/blueprints/bindings/set', bind)
    expect(again).toEqual([400, 'client_inactive', expect.stringContaining('has left')])
    const counts = { rolled_back: 1 }
    expect(await rollout()).toMatchObject({ state: 'succeeded', targets: 1, counts })

    const { id: second } = await post(org.api, '/api/fleet/offboard/start', {
      ...leave,
      purge: true,
    })
    const purged = await until('it is purged', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: second })
      return state.is_final && state
    })
    expect(purged).toMatchObject({
      ...{ purged: true, error: null },
      certificate: { earlier: { certificate_hash: left.certificate_hash } },
    })
    expect(await rollout()).toMatchObject({ targets: 1, counts, waves: [{ targets: 1, counts }] })
    const { items } = await post<{ items: Offboarding[] }>(org.api, '/api/fleet/offboard/list', {
      client_id: gone.id,
    })
    expect(items.map((one) => one.id)).toEqual([second])
  })
})
