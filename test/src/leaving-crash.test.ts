// kill -9 at every stage of an off-boarding and of the purge after it: one client is stopped at each of them,
// the server dies, and all of them must end as if nothing had happened.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { holdRuns, killAndRestart } from './held-runs.ts'
import { type Rig, startRig, type TestClient, type TestOrg } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

/** Named by the step that is being stored when the process dies. */
const OFFBOARD_MOMENTS = {
  'begins the automations': `old.automations_id is null and new.automations_id is not null`,
  automations: `old.stage = 'automations' and new.stage <> old.stage`,
  'begins the rest': `old.components_id is null and new.components_id is not null`,
  components: `old.stage = 'components' and new.stage <> old.stage`,
  settle: `old.stage = 'settle' and new.stage <> old.stage`,
  revoke: `old.stage = 'revoke' and new.stage <> old.stage`,
  certify: `old.stage = 'certify' and new.stage <> old.stage`,
}
const PURGE_MOMENTS = {
  drain: `old.stage = 'drain' and new.stage <> old.stage`,
  grants: `old.stage = 'grants' and new.stage <> old.stage`,
  // Rows of several tables are gone then, and their transactions have ended.
  delete: `new.deleted <> old.deleted and (select count(*) from jsonb_object_keys(new.deleted)) > 3`,
}

interface Held {
  moment: string
  client: TestClient
  id: string
}

let rig: Rig
let agency: TestOrg
let held: Held[]

const PLAN = {
  objects: [
    {
      api_name: 'Posting__c',
      label: 'Posting',
      plural_label: 'Postings',
      name_field: { label: 'Name', type: 'Text' },
      fields: [text('Title__c')],
    },
    { api_name: 'Lead', fields: [text('Posting_Ref__c')] },
  ],
  permissions: { permission_set: 'Set_Posting' },
}
const WORKFLOWS = [
  {
    type: 'validation_rule',
    api_name: 'Account.Phone_Needed',
    definition: { errorConditionFormula: 'ISBLANK(Phone)', errorMessage: 'Give a phone number.' },
    activate: true,
  },
]

beforeAll(async () => {
  const moments = [...Object.keys(OFFBOARD_MOMENTS), ...Object.keys(PURGE_MOMENTS)]
  rig = await startRig({
    environment: TAKES_OVER,
    simulator: { orgs: moments.map((name) => ({ name, edition: 'Enterprise' })) },
  })
  agency = await rig.org()
  held = []
  // One after the other: a server that starts has much to do already.
  for (const moment of moments) {
    await rig.simulator.control.act('deploys/pace', { org: moment, pendingMs: 0, runMs: 0 })
    const client = await agency.client(moment)
    await client.connect(moment)
    const by = { client_id: client.id, wait_seconds: 55 }
    for (const [path, body] of [
      ['/api/deploy/custom-objects', { ...by, plan: PLAN }],
      ['/api/deploy/workflows', { ...by, workflows: WORKFLOWS }],
    ] as const) {
      const answer = await agency.api.post<DeploymentBody>(path, body)
      expect(answer.body.status, answer.text).toBe('deployed')
    }
    held.push({ moment, client, id: '' })
  }
})
afterAll(() => rig[Symbol.asyncDispose]())

const of = (moments: object) => held.filter(({ moment }) => Object.keys(moments).includes(moment))

const start = async (api: Api, some: readonly Held[]): Promise<void> => {
  for (const one of some) {
    const answer = await api.post<{ id: string }>('/api/fleet/offboard/start', {
      client_id: one.client.id,
      purge: true,
      wait_seconds: 0,
    })
    expect(answer.status, answer.text).toBe(202)
    one.id = answer.body.id
  }
}

const hold = (moments: Record<string, string>, table: 'offboardings' | 'purges') =>
  holdRuns(
    rig,
    new Map(of(moments).map(({ moment, client }) => [client.id, moments[moment] ?? 'false'])),
    table,
  )

const expectGone = async (api: Api, some: readonly Held[]): Promise<void> => {
  for (const { id, moment, client } of some) {
    const ended = await until(
      `${moment}: it ends`,
      async () => {
        const { body } = await api.post<{ is_final: boolean }>('/api/fleet/offboard/get', {
          offboarding_id: id,
        })
        return body.is_final ? body : null
      },
      90_000,
    )
    expect(ended, moment).toMatchObject({
      status: 'complete',
      purged: true,
      error: null,
      stays: [],
      proof: { complete: true, differences: [] },
      connection: { status: 'revoked' },
    })
    const found = await api.post('/api/clients/get', { client_id: client.id })
    expect(found.status, moment).toBe(404)
    // The package of the automations and that of the rest, each applied once.
    const deploys = (await rig.simulator.control.act('deploys/list', { org: moment })) as {
      status: string
    }[]
    const applied = deploys.filter(({ status }) => status === 'Succeeded').length
    expect(applied, moment).toBe(4)
  }
}

describe('kill -9', () => {
  it('at each stage of an off-boarding: everything is taken out once, and the client purged', async () => {
    const some = of(OFFBOARD_MOMENTS)
    await hold(OFFBOARD_MOMENTS, 'offboardings')
    await start(agency.api, some)
    const api = await killAndRestart(
      rig,
      agency.token,
      some.length,
      async () => true,
      'offboardings',
    )
    await expectGone(api, some)
  })

  it('at each stage of a purge: nothing of the client is left but audit rows and its certificate', async () => {
    const some = of(PURGE_MOMENTS)
    await hold(PURGE_MOMENTS, 'purges')
    await start(apiOf(rig.servers.at(-1)?.url ?? '', agency.token), some)
    const api = await killAndRestart(rig, agency.token, some.length, async () => true, 'purges')
    await expectGone(api, some)
    // The certificate counts what went before the crash like what went after it.
    const counted = new Map<string, string[]>()
    for (const { id, moment } of some) {
      const { body } = await api.post<{
        certificate: { purge: { deleted_rows: Record<string, number> } }
      }>('/api/fleet/offboard/get', { offboarding_id: id })
      counted.set(moment, Object.keys(body.certificate.purge.deleted_rows).toSorted())
    }
    expect(counted.get('delete')).toEqual(counted.get('drain'))
    const tables = await rig.database.query<{ name: string }>(
      `select relname::text as name from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    )
    for (const { client } of held) {
      for (const { name } of tables) {
        if (name === 'audit_log' || name === 'offboardings') continue
        const rows = await rig.database.query(`select from ${name} t where t::text like $1`, [
          `%${client.id}%`,
        ])
        expect(rows, name).toEqual([])
      }
    }
  })
})
