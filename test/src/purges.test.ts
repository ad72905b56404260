// What is purged is gone: of a client whose grant Nango keeps, and of a whole organization.

import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { createNangoControl } from '../../simulator/src/nango/control/client.ts'
import { text } from './deploy-bodies.ts'
import { mentioning, post, SMALL_ORG } from './leaving-support.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { until } from './until.ts'

let rig: SharedRig
let org: TestOrg
let neighbour: TestClient

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  neighbour = await org.client('Neighbour')
  await neighbour.connect((await rig.salesforceOrg(SMALL_ORG)).name)
  await neighbour.pull()
})

describe('a purge', () => {
  it('tells in the certificate how many grants Nango still keeps when it waits no longer', async () => {
    const leaver = await org.client('Granted')
    await leaver.connect((await rig.salesforceOrg(SMALL_ORG)).name)
    const [{ grant } = { grant: '' }] = await rig.query<{ grant: string }>(
      'select nango_connection_id as grant from crm_connections where client_id = $1',
      [leaver.id],
    )
    await createNangoControl(rig.simulator.nangoUrl).addFault({
      ...{ method: 'DELETE', path: `/connections/${grant}`, times: 1_000, status: 500 },
      body: { error: { code: 'server_error', message: 'down' } },
    })
    const { id } = await post(org.api, '/api/fleet/offboard/start', {
      ...{ client_id: leaver.id, purge: true, leave_in_place: true, wait_seconds: 0 },
    })
    await until('it waits for Nango', async () => {
      const waiting = await rig.query(
        `update purges set created_at = now() - interval '2 days', resume_at = null
          where client_id = $1 and stage = 'grants' and error is not null returning id`,
        [leaver.id],
      )
      return waiting.length > 0
    })
    const done = await until('the client is purged', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
      return state.is_final ? state : null
    })
    expect(done.certificate?.purge).toMatchObject({ grants_left: 1 })
  })

  it('also takes the client out of answers and approvals that are about several', async () => {
    const name = `Vanishing ${randomUUID().slice(0, 8)}`
    const leaver = await org.client(name)
    await leaver.connect((await rig.salesforceOrg(SMALL_ORG)).name)
    await leaver.pull()
    const both = [leaver.id, neighbour.id]
    const keyed = (path: string, body: object, key: string) =>
      org.api.post(path, body, { 'idempotency-key': key })
    const plan = { objects: [{ api_name: 'Object_00000__c', fields: [text('Vanishing__c')] }] }
    const { id: blueprint_id } = await post<{ id: string }>(org.api, '/api/blueprints/create', {
      name: 'Vanishing',
    })
    const parameters = [{ name: 'label', type: 'text' }]
    await post(org.api, '/api/blueprints/versions/create', {
      ...{ blueprint_id, parameters },
      plan: {
        objects: [
          {
            api_name: 'Object_00000__c',
            fields: [{ ...text('Vanishing__c'), label: { param: 'label' } }],
          },
        ],
      },
    })
    const set = { blueprint_id, client_ids: both, parameters: { label: 'Theirs alone' } }
    await keyed('/api/blueprints/bindings/set', set, 'set')
    const drift = { blueprint_id, selector: { client_ids: both } }
    const run = await keyed('/api/fleet/drift/run', drift, 'drift')
    const rollout = await post<{ id: string }>(org.api, '/api/fleet/rollouts/create', {
      ...{ plan, targets: { client_ids: both }, strategy: { waves: [{}] } },
    })
    await post(org.api, '/api/fleet/rollouts/check', { rollout_id: rollout.id, wait_seconds: 55 })
    const agent = await post<{ token: string }>(org.api, '/api/tokens/create', {
      ...{ name: 'agent', approval: 'required' },
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const asked = await org.api
      .as(agent.token)
      .post<{ approval_id: string }>('/api/fleet/rollouts/start', { rollout_id: rollout.id })
    const summaryOf = async () =>
      (
        await post<{ summary: string[] }>(org.api, '/api/approvals/get', {
          approval_id: asked.body.approval_id,
        })
      ).summary
    expect(await summaryOf(), asked.text).toContain(`Client ${name}`)

    const { id } = await post(org.api, '/api/fleet/offboard/start', {
      ...{ client_id: leaver.id, purge: true, leave_in_place: true, wait_seconds: 55 },
    })
    await until('the client is purged', async () => {
      const state = await post(org.api, '/api/fleet/offboard/get', { offboarding_id: id })
      return state.is_final
    })
    const left = Object.keys(await mentioning(rig, name))
    expect(left, 'its name').toEqual(['public.offboardings'])
    const named = Object.keys(await mentioning(rig, leaver.id))
    for (const table of ['idempotency_keys', 'fleet_drift_runs']) {
      expect(named).not.toContain(`public.${table}`)
    }
    const summary = await summaryOf()
    expect(summary).toContain('A client whose data was deleted')
    expect(summary).toContain('Client Neighbour')
    // What the call made is still its own.
    const again = await keyed('/api/fleet/drift/run', drift, 'drift')
    expect(again.body, again.text).toMatchObject({ id: (run.body as { id: string }).id })
  })

  it('of an organization is refused while it is active, or without its slug', async () => {
    const other = await rig.org()
    const purge = (confirm: string) =>
      rig.superAdmin.post<{ code: string }>('/api/super-admin/orgs/purge', {
        org_id: other.id,
        confirm,
        wait_seconds: 0,
      })
    const [{ slug } = { slug: '' }] = await rig.query<{ slug: string }>(
      'select slug from organizations where id = $1',
      [other.id],
    )
    expect((await purge(slug)).body.code).toBe('org_active')
    await rig.superAdmin.post('/api/super-admin/orgs/update', {
      org_id: other.id,
      is_active: false,
    })
    expect((await purge('wrong')).body.code).toBe('confirmation_mismatch')
    // Of several calls at once one begins it, and all of them follow it.
    const all = await Promise.all([1, 2, 3, 4].map(() => purge(slug)))
    for (const { status, text: said } of all) expect(status, said).toBeLessThan(300)
  })

  it('of an inactive organization deletes everything of it but audit rows, and its grants at Nango', async () => {
    const other = await rig.org()
    const theirs = await other.client('Theirs')
    await theirs.connect((await rig.salesforceOrg(SMALL_ORG)).name)
    await theirs.pull()
    await post(other.api, '/api/clients/export', { client_id: theirs.id }).catch(() => undefined)
    const neighbours = await mentioning(rig, neighbour.id)
    const [{ slug } = { slug: '' }] = await rig.query<{ slug: string }>(
      'select slug from organizations where id = $1',
      [other.id],
    )
    const [{ grant } = { grant: '' }] = await rig.query<{ grant: string }>(
      'select nango_connection_id as grant from crm_connections where org_id = $1',
      [other.id],
    )
    await rig.superAdmin.post('/api/super-admin/orgs/update', {
      org_id: other.id,
      is_active: false,
    })
    const body = { org_id: other.id, confirm: slug, wait_seconds: 55 }
    const done = await rig.superAdmin.post<{ status: string; is_final: boolean }>(
      '/api/super-admin/orgs/purge',
      body,
    )
    expect(done.body, done.text).toMatchObject({ status: 'complete', is_final: true })
    expect(Object.keys(await mentioning(rig, other.id)), 'of the org').toEqual(['public.audit_log'])
    expect(Object.keys(await mentioning(rig, theirs.id)), 'of its client').toEqual([
      'public.audit_log',
    ])
    expect(await mentioning(rig, neighbour.id)).toEqual(neighbours)
    const nango = await fetch(`${rig.simulator.nangoUrl}/connections`, {
      headers: { authorization: `Bearer ${rig.environment.NANGO_SECRET_KEY}` },
    })
    expect(await nango.text()).not.toContain(grant)
    expect(
      (
        await rig.superAdmin.post('/api/super-admin/orgs/update', {
          org_id: other.id,
          is_active: true,
        })
      ).status,
    ).toBe(404)
    expect((await rig.superAdmin.post('/api/super-admin/orgs/purge', body)).body).toMatchObject({
      status: 'complete',
    })
  })
})
