// kill -9 at every stored step of a rollout: one rollout is stopped at each of them, a server of two dies
// once, and all of them must end as if nothing had happened. With ROLLOUT_CLIENTS=60 by hand.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'
import { deploysIn, fieldPlan, type Member, membersOf, rolloutsOf } from './fleet-support.ts'
import { type Rig, startRig, type TestOrg } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

const TABLES = {
  rollouts: 'id',
  rollout_waves: 'rollout_id',
  rollout_targets: 'rollout_id',
  deployment_runs: 'client_id',
} as const
/** Where steps are stored; each with the column that says whose they are. */
type Table = keyof typeof TABLES
const EACH = Object.keys(TABLES) as Table[]

/** A step: the table whose row is being stored, and the condition over `old` and `new`. */
type Moment = readonly [table: Table, condition: string]
const enters = (state: string): string => `old.state <> '${state}' and new.state = '${state}'`

const OF_THE_CHECK: Record<string, Moment> = {
  'a check begins': ['rollout_targets', enters('checking')],
  'a target is ready': ['rollout_targets', enters('ready')],
  'the rollout is ready': ['rollouts', enters('ready')],
}
const OF_THE_START: Record<string, Moment> = {
  'the rollout runs': ['rollouts', enters('running')],
  'a wave opens': ['rollout_waves', enters('open')],
  'a target deploys': ['rollout_targets', enters('deploying')],
  'a target is claimed': ['rollout_targets', 'old.claim is null and new.claim is not null'],
  'a target is bound to its deployment': [
    'rollout_targets',
    'old.deployment_id is null and new.deployment_id is not null',
  ],
  'Salesforce was asked, and its answer is not stored': [
    'deployment_runs',
    'old.sfdc_deploy_id is null and new.sfdc_deploy_id is not null',
  ],
  'a target is deployed': ['rollout_targets', enters('deployed')],
  'a wave closes': ['rollout_waves', enters('closed')],
  'the rollout has ended': ['rollouts', enters('succeeded')],
}
const OF_THE_ROLLBACK: Record<string, Moment> = {
  'the rollout rolls back': ['rollouts', enters('rolling_back')],
  'a target rolls back': ['rollout_targets', enters('rolling_back')],
  'a target is rolled back': ['rollout_targets', enters('rolled_back')],
  'the rollout is rolled back': ['rollouts', enters('rolled_back')],
}
const NAMES = [...Object.keys(OF_THE_CHECK), ...Object.keys(OF_THE_START)]
const CLIENTS = Math.max(Number(process.env.ROLLOUT_CLIENTS ?? 0), NAMES.length)

interface Stopped {
  name: string
  id: string
  members: Member[]
}

let rig: Rig
let agency: TestOrg
let stopped: Stopped[]

const { call, get, create, targets } = rolloutsOf(() => latest())
const latest = (): Api => apiOf(rig.servers.at(-1)?.url ?? '', agency.token)

beforeAll(async () => {
  rig = await startRig({ environment: TAKES_OVER, simulator: { orgs: [] }, replicas: 2 })
  agency = await rig.org()
  const members = await membersOf(agency, rig.simulator.control, CLIENTS)
  const waves = [
    { count: 1, failure_tolerance: 1 },
    { name: 'rest', failure_tolerance: 5 },
  ]
  stopped = []
  for (const [at, name] of NAMES.entries()) {
    const own = members.filter((_, n) => n % NAMES.length === at)
    const id = await create(own, fieldPlan(`Crash_${at}`), { waves })
    stopped.push({ name, id, members: own })
  }
}, 300_000)
afterAll(() => rig[Symbol.asyncDispose]())

/** From now on, the first step of these rollouts that meets its condition does not finish. */
const hold = async (moments: Record<string, Moment>): Promise<void> => {
  for (const table of EACH) {
    const column = TABLES[table]
    const cases = Object.entries(moments).flatMap(([name, [on, condition]], at) => {
      const one = stopped.find((other) => other.name === name) ?? stopped[at]
      const whose = column === 'client_id' ? one?.members[0]?.client.id : one?.id
      return on === table
        ? [`if new.${column} = '${whose}' and ${condition} then perform pg_sleep(300); end if;`]
        : []
    })
    await rig.database.query(
      `create or replace function hold_${table}() returns trigger language plpgsql as
         $$ begin ${cases.join('\n')} return new; end $$`,
    )
    await rig.database.query(
      `create or replace trigger hold before update on ${table}
         for each row execute function hold_${table}()`,
    )
  }
}
/** Without its trigger: to drop that, PostgreSQL would wait for all who write to the table. */
const letGo = (table: Table) =>
  rig.database.query(
    `create or replace function hold_${table}() returns trigger language plpgsql as
       $$ begin return new; end $$`,
  )
const SLEEPING = `datname = current_database() and wait_event = 'PgSleep'`
const HELD = `select distinct left(query, 300) as query from pg_stat_activity where ${SLEEPING}`

/** Sends a call for each rollout as its caller would who gets no answer: again, until the server answers. */
const ask = (verb: string, of: readonly Stopped[]): Promise<unknown> =>
  Promise.all(
    of.map(async ({ id }) => {
      let last = ''
      await until(
        `${verb} of ${id}`,
        async () => {
          const answer = await latest()
            .post(`/api/fleet/rollouts/${verb}`, { rollout_id: id, wait_seconds: 0 })
            .catch(() => null)
          last = answer?.text ?? 'nothing'
          // The call before it was committed, and nobody was told.
          const isDone = answer?.body.code === 'rollout_state_conflict'
          return answer?.status === 200 || answer?.status === 202 || isDone
        },
        200_000,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}: ${last}`)
      })
    }),
  )

/** Kills a replica when so many rollouts stand at their moment, and puts another one in its place. */
const killWhen = async (standing: number): Promise<void> => {
  await until(
    `${standing} rollouts stand at their moment`,
    async () =>
      (await rig.database.query(`select pid from pg_stat_activity where ${SLEEPING}`)).length >=
      standing,
    // A statement ends after a minute and is tried again: it stands there again then.
    150_000,
  ).catch(async (error: unknown) => {
    const rows = await rig.database.query(HELD)
    const states = await Promise.all(
      stopped.map(async ({ name, id }) => `${name}: ${JSON.stringify((await get(id)).counts)}`),
    )
    throw new Error(`${String(error)}; held: ${JSON.stringify(rows)}; ${states.join(', ')}`)
  })
  await rig.servers.at(-1)?.kill()
  // Before the sleepers end: the other replica repeats their statements at once, and would sleep again.
  for (const table of EACH) await letGo(table)
  await rig.database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where ${SLEEPING}`,
  )
  await rig.addServer()
}

const all = (state: string) =>
  until(
    `all of them are ${state}`,
    async () => {
      // One call for all: this waits for a minute, while others need the cores.
      const { body } = await latest().post<{ items: { id: string; state: string }[] }>(
        '/api/fleet/rollouts/list',
        { limit: 200 },
      )
      const found = new Map(body.items.map((one) => [one.id, one.state]))
      return stopped.every(({ id }) => found.get(id) === state)
    },
    120_000,
  ).catch(async (error: unknown) => {
    const told = await Promise.all(
      stopped.map(async ({ name, id }) => `${name}: ${JSON.stringify(await get(id))}`),
    )
    throw new Error(`${String(error)}: ${told.join('\n')}`)
  })

const sentTo = ({ members }: Stopped): Promise<number[]> =>
  Promise.all(members.map(({ salesforce }) => deploysIn(rig.simulator.control, salesforce)))

describe('kill -9', { timeout: 400_000 }, () => {
  it('at each step of the checks: every target is checked, and none was sent', async () => {
    await hold(OF_THE_CHECK)
    await Promise.all([ask('check', stopped), killWhen(Object.keys(OF_THE_CHECK).length)])
    await all('ready')
    for (const one of stopped) {
      const checked = await targets(one.id, one.members)
      expect(
        checked.map((target) => [target?.state, target?.severity]),
        one.name,
      ).toEqual(one.members.map(() => ['ready', 'green']))
      expect(await sentTo(one), one.name).toEqual(one.members.map(() => 0))
    }
  })

  it('at each step of a rollout: every target is deployed, and Salesforce was asked once', async () => {
    await hold(OF_THE_START)
    await Promise.all([ask('start', stopped), killWhen(Object.keys(OF_THE_START).length)])
    await all('succeeded')
    for (const one of stopped) {
      const done = await targets(one.id, one.members)
      expect(
        done.map((target) => target?.state),
        one.name,
      ).toEqual(one.members.map(() => 'deployed'))
      expect(await sentTo(one), one.name).toEqual(one.members.map(() => 1))
    }
    const twice = await rig.database.query(
      `select client_id from crm_deployments group by client_id having count(*) > 1`,
    )
    expect(twice, 'deployments of one client').toEqual([])
  })

  it('at each step of its rollback: every target is rolled back, once, with its proof', async () => {
    await hold(OF_THE_ROLLBACK)
    await Promise.all([ask('rollback', stopped), killWhen(Object.keys(OF_THE_ROLLBACK).length)])
    await all('rolled_back')
    for (const one of stopped) {
      const done = await targets(one.id, one.members)
      for (const target of done) {
        expect(target, one.name).toMatchObject({
          state: 'rolled_back',
          rollback: { kept: 0, remaining: 0, proof: { complete: true, differences: 0 } },
        })
      }
      expect(await sentTo(one), one.name).toEqual(one.members.map(() => 2))
    }
    expect(await rig.database.query(HELD)).toEqual([])
    const open = await rig.database.query(`select id from deployment_runs where ended_at is null`)
    expect(open).toEqual([])
    await call('get', { rollout_id: stopped[0]?.id ?? '' })
  })
})
