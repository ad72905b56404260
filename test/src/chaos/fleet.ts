// Rounds of the fleet under kill -9: a blueprint is rolled out, looked for as drift, rolled back, and a client
// off-boarded, while replicas die at moments that the seed decides. Then: no target twice, none forgotten, all
// counts add up, and each Salesforce org was asked exactly as often as it had to be.

import { randomUUID } from 'node:crypto'
import { setTimeout as pass } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Answer, type Api } from '../api.ts'
import { createDatabase, type TestDatabase } from '../database.ts'
import { deploysIn, fieldPlan, type Member, membersOf, rolloutsOf } from '../fleet-support.ts'
import { createOrg, environmentOf, type SimulatedWorld, startWorld, type TestOrg } from '../rig.ts'
import { SUPER_ADMIN_SECRET } from '../server-process.ts'
import { until } from '../until.ts'
import { type Dice, diceOf } from './dice.ts'
import { type Replicas, startReplicas } from './replicas.ts'

const MEMBERS = 6
const SCALE = 0.02
/** All of one stage has to be over so soon after its last kill. */
const RECOVERY_MS = 120_000
const AGAIN_MS = 100
/** When a replica dies, after the call that begins a stage; a stage takes one to five seconds. */
const KILL_MS = { least: 0, most: 2_500 }
const DOWN_MS = { least: 0, most: 1_500 }

export interface FleetWorld extends AsyncDisposable {
  database: TestDatabase
  simulator: SimulatedWorld
  replicas: Replicas
  agency: TestOrg
  members: Member[]
}

export const startFleetWorld = async (): Promise<FleetWorld> => {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createDatabase())
  const simulator = await startWorld({ orgs: [] })
  stack.defer(() => simulator.close())
  const replicas = stack.use(
    await startReplicas({
      DATABASE_URL: database.url,
      WORK_WAIT_SCALE: String(SCALE),
      ...environmentOf(simulator),
    }),
  )
  const api = insisting(replicas.api())
  const agency = await createOrg(api.as(SUPER_ADMIN_SECRET), api, simulator)
  const members = await membersOf(agency, simulator.control, MEMBERS)
  const all = stack.move()
  return {
    ...{ database, simulator, replicas, agency, members },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** An answer was lost with its server, or says that it passes. */
const isFinal = ({ status, body }: Answer<{ code?: unknown }>): boolean =>
  status < 500 && status !== 429 && body.code !== 'idempotency_in_progress'

/** Verbs that change something, and replay their answer for the same key. */
const IS_CHANGE = /\/(?:create|set|check|start|rollback|run|custom-objects|pull|callback)$/

/** A caller who repeats what was not answered, with the same key. */
const insisting = (api: Api): Api => ({
  ...api,
  as: (token) => insisting(api.as(token)),
  post: async <Body>(path: string, body: unknown, headers: Record<string, string> = {}) => {
    const key: Record<string, string> = IS_CHANGE.test(path)
      ? { 'idempotency-key': randomUUID() }
      : {}
    const endsAt = Date.now() + RECOVERY_MS
    for (;;) {
      const answer = await api
        .post<Body & Record<string, unknown>>(path, body, { ...key, ...headers })
        .catch((error: unknown) => {
          // How fetch tells of a connection that breaks.
          if (error instanceof TypeError) return null
          throw error
        })
      if (answer !== null && isFinal(answer)) return answer
      if (Date.now() > endsAt) throw new Error(`${path}: ${answer?.text ?? 'no answer'}`)
      await pass(AGAIN_MS)
    }
  },
})

interface Offboarding {
  id: string
  status: string
  is_final: boolean
  removed: object[]
  stays: object[]
  proof: { complete: boolean } | null
  error: object | null
}

interface DriftRun {
  id: string
  is_final: boolean
  counts: { in_sync: number; drifted: number; unknown: number; waiting: number }
}

/** Replicas die while `stage` runs; resolves with what it resolves with when all run again. */
const underKills = async <T>(
  { replicas }: FleetWorld,
  dice: Dice,
  stage: () => Promise<T>,
  told: string[],
): Promise<T> => {
  const kills = dice.between(1, 3)
  const killing = (async () => {
    for (let n = 0; n < kills; n++) {
      const afterMs = dice.between(KILL_MS.least, KILL_MS.most)
      await pass(afterMs)
      const of = dice.chance(0.25) ? [0, 1] : [dice.between(0, 1)]
      await Promise.all(of.map((at) => replicas.kill(at)))
      await pass(dice.between(DOWN_MS.least, DOWN_MS.most))
      for (const at of of) await replicas.start(at)
      told.push(`${of.length === 2 ? 'both' : `replica ${of[0]}`} after ${afterMs} ms`)
    }
  })()
  const [result] = await Promise.all([stage(), killing])
  return result
}

/** One round; resolves with what happened in it. Throws where a promise is broken. */
export const playFleetRound = async (world: FleetWorld, seed: number): Promise<string> => {
  const dice = diceOf(seed)
  const { agency, database, simulator } = world
  const { control } = simulator
  const name = `Storm_${seed}`
  const api = agency.api
  const rollouts = rolloutsOf(() => api)
  const told: string[] = []
  const ok = async <Body>(path: string, body: object): Promise<Body> => {
    const answer = await api.post<Body & Record<string, unknown>>(path, body)
    expect([200, 201, 202], `${path}: ${answer.text}`).toContain(answer.status)
    return answer.body
  }
  const of = world.members.filter(() => dice.chance(0.7))
  if (of.length === 0) of.push(...world.members.slice(0, 1))
  const client_ids = of.map(({ client }) => client.id)
  const sent = () => Promise.all(of.map(({ salesforce }) => deploysIn(control, salesforce)))
  const before = await sent()
  const sentSince = async () => (await sent()).map((count, at) => count - (before[at] ?? 0))
  const during = async <T>(what: string, stage: () => Promise<T>): Promise<T> => {
    const kills: string[] = []
    const result = await underKills(world, dice, stage, kills)
    told.push(`${what}: killed ${kills.join(', ')}`)
    return result
  }

  const { id: blueprint_id } = await ok<{ id: string }>('/api/blueprints/create', { name })
  const version = { blueprint_id, plan: fieldPlan(name), expected_latest: 0 }
  await ok('/api/blueprints/versions/create', version)
  await ok('/api/blueprints/bindings/set', { blueprint_id, client_ids })
  const { id } = await rollouts.call('create', {
    blueprint_id,
    targets: { client_ids },
    strategy: {
      waves: [
        ...(of.length > 1 && dice.chance(0.7) ? [{ name: 'canary', count: 1 }] : []),
        { name: 'rest', max_concurrent: dice.between(1, 6), failure_tolerance: MEMBERS },
      ],
    },
  })
  /** Begins it, and waits for its state; a call whose answer died with its server may have been done. */
  const through = (verb: string, state: string) =>
    during(verb, async () => {
      const answer = await api.post(`/api/fleet/rollouts/${verb}`, {
        rollout_id: id,
        wait_seconds: 0,
      })
      if (answer.body.code !== 'rollout_state_conflict') {
        expect([200, 202], answer.text).toContain(answer.status)
      }
      return rollouts.reaches(id, state, null, RECOVERY_MS)
    })
  /** Each target once, in this state; the counts say so, in the rollout and in its waves. */
  const expectAll = async (state: string): Promise<void> => {
    const targets = await rollouts.targets(id, of)
    expect(targets.map((target) => target?.state)).toEqual(of.map(() => state))
    const { counts } = await rollouts.get(id)
    expect(counts).toEqual({ [state]: of.length })
    const deployments = await database.query<{ client_id: string; times: number }>(
      `select client_id, count(*)::int as times from crm_deployments
        where plan #>> '{objects,0,fields,0,api_name}' = $1 and not check_only group by 1`,
      [`${name}__c`],
    )
    expect(deployments.every(({ times }) => times === 1)).toBe(true)
    expect(deployments.length).toBe(state === 'ready' ? 0 : of.length)
  }

  await through('check', 'ready')
  await expectAll('ready')
  await through('start', 'succeeded')
  await expectAll('deployed')
  expect(await sentSince(), 'each Salesforce org was asked to deploy once').toEqual(of.map(() => 1))

  const drift = await during('drift', async () => {
    const run = await ok<DriftRun>('/api/fleet/drift/run', {
      ...{ blueprint_id, refresh: true, wait_seconds: 0 },
    })
    return until(
      'the drift run has ended',
      async () => {
        const state = await ok<DriftRun>('/api/fleet/drift/get', { run_id: run.id })
        const { in_sync, drifted, unknown, waiting } = state.counts
        expect(in_sync + drifted + unknown + waiting).toBe(of.length)
        return state.is_final && state
      },
      RECOVERY_MS,
    )
  })
  expect(drift.counts).toMatchObject({ in_sync: of.length, drifted: 0, unknown: 0, waiting: 0 })
  const { items } = await ok<{ items: { client_id: string }[] }>('/api/fleet/drift/results', {
    ...{ run_id: drift.id, limit: 200 },
  })
  expect(items.map(({ client_id }) => client_id).toSorted()).toEqual(client_ids.toSorted())

  await through('rollback', 'rolled_back')
  await expectAll('rolled_back')
  expect(await sentSince(), '… and to roll back once').toEqual(of.map(() => 2))

  const left = await leave(world, seed, during)
  const open = await database.query(
    `select kind, id from engine_lookup.open_work() union all
     select 'run', id from deployment_runs where ended_at is null or locked_sfdc_org_id is not null`,
  )
  expect(open, 'nothing is left over').toEqual([])
  return `${of.length} targets; ${told.join('; ')}; ${left}`
}

/** A client of its own comes, gets two deployments, and leaves. */
const leave = async (
  { agency, simulator: { control } }: FleetWorld,
  seed: number,
  during: <T>(what: string, stage: () => Promise<T>) => Promise<T>,
): Promise<string> => {
  const [leaver] = await membersOf(agency, control, 1)
  if (leaver === undefined) throw new Error('no client')
  const { salesforce } = leaver
  const client_id = leaver.client.id
  for (const n of [1, 2]) {
    const { body } = await agency.api.post<{ status: string }>('/api/deploy/custom-objects', {
      ...{ client_id, plan: fieldPlan(`Leaves_${seed}_${n}`), wait_seconds: 55 },
    })
    expect(body.status).toBe('deployed')
  }
  const sent = await deploysIn(control, salesforce)
  const ended = await during('off-boarding', async () => {
    const begun = await agency.api.post<Offboarding>('/api/fleet/offboard/start', {
      ...{ client_id, wait_seconds: 0 },
    })
    expect([200, 202], begun.text).toContain(begun.status)
    return until(
      'the off-boarding has ended',
      async () => {
        const { body } = await agency.api.post<Offboarding>('/api/fleet/offboard/get', {
          offboarding_id: begun.body.id,
        })
        return body.is_final && body
      },
      RECOVERY_MS,
    )
  })
  expect(ended.error).toBeNull()
  expect(ended).toMatchObject({ status: 'complete', stays: [], proof: { complete: true } })
  // Two fields and two permission sets, in one deploy.
  expect(ended.removed).toHaveLength(4)
  expect((await deploysIn(control, salesforce)) - sent).toBe(1)
  return `left with ${ended.removed.length} components removed`
}
