// kill -9 while a rollout stores what it does: whatever was being stored, it ends as if nothing had happened,
// and Salesforce was sent one package for each client.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { apiOf } from './api.ts'
import { text } from './deploy-bodies.ts'
import { type Rig, startRig, type TestOrg } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

/** The step that is being stored when the process dies: its transaction never commits. */
const MOMENTS: Readonly<Record<string, [table: string, condition: string]>> = {
  'a target is claimed': ['rollout_targets', `old.claim is null and new.claim is not null`],
  'a deployment is bound': [
    'rollout_targets',
    `old.deployment_id is null and new.deployment_id is not null`,
  ],
  'a deployment is on its way': [
    'deployment_runs',
    `old.sfdc_deploy_id is null and new.sfdc_deploy_id is not null`,
  ],
  'a target is done': ['rollout_targets', `old.state = 'deploying' and new.state = 'deployed'`],
  'a wave is closed': ['rollout_waves', `old.state = 'open' and new.state = 'closed'`],
}
const SALESFORCE_ORGS = ['one', 'two']

interface RolloutBody {
  id: string
  state: string
  is_final: boolean
  counts: Record<string, number>
}

let rig: Rig
let agency: TestOrg
let clientIds: string[]

beforeAll(async () => {
  rig = await startRig({
    environment: TAKES_OVER,
    simulator: { orgs: SALESFORCE_ORGS.map((name) => ({ name, edition: 'Enterprise' })) },
  })
  agency = await rig.org()
  clientIds = []
  for (const name of SALESFORCE_ORGS) {
    const client = await agency.client(name)
    await client.connect(name)
    await client.pull()
    clientIds.push(client.id)
  }
}, 120_000)
afterAll(() => rig[Symbol.asyncDispose]())

const SLEEPING = `datname = current_database() and wait_event = 'PgSleep'`

const hold = async (table: string, condition: string): Promise<void> => {
  await rig.database.query(
    `create or replace function hold_step() returns trigger language plpgsql as
       $$ begin if ${condition} then perform pg_sleep(300); end if; return new; end $$`,
  )
  await rig.database.query(
    `create or replace trigger hold before update on ${table} for each row execute function hold_step()`,
  )
}

const deploysOf = async (salesforceOrg: string): Promise<number> =>
  ((await rig.simulator.control.act('deploys/list', { org: salesforceOrg })) as unknown[]).length

it.each(Object.keys(MOMENTS))(
  'kill -9 while %s: nothing is sent twice, and nothing forgotten',
  { timeout: 120_000 },
  async (moment) => {
    const [table, condition] = MOMENTS[moment] ?? ['', '']
    const api = () => apiOf(rig.servers.at(-1)?.url ?? '', agency.token)
    const call = async (verb: string, body: object): Promise<RolloutBody> => {
      const answer = await api().post<RolloutBody>(`/api/fleet/rollouts/${verb}`, body)
      expect([200, 201, 202], answer.text).toContain(answer.status)
      return answer.body
    }
    const name = moment.replaceAll(' ', '_')
    const { id } = await call('create', {
      plan: {
        objects: [{ api_name: 'Lead', fields: [text(`${name}__c`)] }],
        permissions: { permission_set: `Set_${name}` },
      },
      targets: { client_ids: clientIds },
      strategy: { waves: [{ count: 1 }, {}] },
    })
    const rests = (until_: string) =>
      until(until_, async () => {
        const state = await call('get', { rollout_id: id })
        return state.is_final ? state : null
      })
    await call('check', { rollout_id: id, wait_seconds: 55 })
    expect((await rests('it is checked')).state).toBe('ready')
    const before = await Promise.all(SALESFORCE_ORGS.map(deploysOf))

    await hold(table, condition)
    await call('start', { rollout_id: id, wait_seconds: 0 })
    await until('a step stands still', async () => {
      const rows = await rig.database.query(`select pid from pg_stat_activity where ${SLEEPING}`)
      return rows.length > 0
    })
    await rig.servers.at(-1)?.kill()
    await rig.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where ${SLEEPING}`,
    )
    await rig.database.query(`drop trigger hold on ${table}`)
    await rig.addServer()

    expect(await rests('it ends')).toMatchObject({ state: 'succeeded', counts: { deployed: 2 } })
    const after = await Promise.all(SALESFORCE_ORGS.map(deploysOf))
    expect(after).toEqual(before.map((count) => count + 1))
    const bound = await rig.database.query(
      `select count(*)::int as n from crm_deployments d join rollout_targets t on t.client_id = d.client_id
        where t.rollout_id = $1 and d.plan_hash = t.plan_hash`,
      [id],
    )
    expect(bound, 'one deployment for each target').toEqual([{ n: 2 }])
  },
)
