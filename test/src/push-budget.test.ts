// The API calls of a Salesforce org are not ours alone: a push stops at the reserve, says so, keeps what
// it has, and resumes by itself when calls are back.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiOf } from './api.ts'
import {
  expectTrue,
  expectWhole,
  getPush,
  makePushRig,
  placements,
  type PushBody,
  type PushRig,
  recordsOf,
  resultsOf,
  type Row,
  settled,
} from './push-support.ts'
import { type Rig, startRig, type TestOrg } from './rig.ts'
import { until } from './until.ts'

const SALESFORCE_ORG = 'Acme'
const ROWS = 6_000
const ROWS_A_CALL = 200
/**
 * Of the day's calls a tenth is the reserve, and of the 1,000 calls that are left, twenty are above it.
 */
const MAX_CALLS = 9_800
const RESERVE = MAX_CALLS / 10
const LEFT = 1_000
const PREFIX = 'budget'
const LATER = 'later'

let rig: Rig
let org: TestOrg
let pushRig: PushRig

beforeAll(async () => {
  rig = await startRig({
    simulator: {
      orgs: [{ name: SALESFORCE_ORG, edition: 'Unlimited' }],
      latency: { callMs: 20 },
    },
    environment: { SFDC_API_RESERVE_PERCENT: '10' },
    // Each knows only its own calls; the reserve is shared.
    replicas: 2,
  })
  org = await rig.org()
  pushRig = await makePushRig(rig, org, SALESFORCE_ORG)
})
afterAll(() => rig[Symbol.asyncDispose]())

const usage = () => rig.simulator.control.act('usage/set', { org: SALESFORCE_ORG })

const start = async (records: Row[]): Promise<string> => {
  const answer = await org.api.post<PushBody>('/api/push/records', {
    client_id: pushRig.client.id,
    object: 'placement',
    records,
    options: { transport: 'collections' },
    wait_seconds: 0,
  })
  expect(answer.status, answer.text.slice(0, 500)).toBe(202)
  return answer.body.id
}

const standsStill = (pushId: string): Promise<PushBody> =>
  until('it stands still', async () => {
    const push = await getPush(org.api, pushId)
    return push.error !== null && push
  })

describe('a push with 1,000 calls left of the day', () => {
  const rows = placements(PREFIX, ROWS)
  let pushId: string
  let laterId: string
  let stopped: PushBody

  it('stops at the reserve with api_budget_exhausted and the time when it goes on', async () => {
    const { control } = rig.simulator
    await control.act('usage/set', {
      org: SALESFORCE_ORG,
      maxCalls: MAX_CALLS,
      calls: MAX_CALLS - LEFT,
    })
    pushId = await start(rows)
    stopped = await standsStill(pushId)
    expect(stopped).toMatchObject({
      status: 'in_progress',
      error: { code: 'api_budget_exhausted' },
    })
    const resumesAt = Date.parse(stopped.error?.resumes_at ?? '')
    expect(resumesAt).toBeGreaterThan(Date.now())
    expect(resumesAt).toBeLessThan(Date.now() + 24 * 3_600_000)
  })

  it('never takes the allowance below the reserve', async () => {
    // What was under way when the first lane stopped has ended.
    await until('nothing is under way', async () => {
      const open = await rig.database.query(
        'select seq from push_chunks where push_id = $1 and lease_holder is not null',
        [pushId],
      )
      return open.length === 0
    })
    const { used, max } = await usage()
    expect(max).toBe(MAX_CALLS)
    expect(max - used).toBeGreaterThanOrEqual(RESERVE)
  })

  it('keeps its progress: what was sent has its results, and nothing more is sent', async () => {
    stopped = await getPush(org.api, pushId)
    expect(stopped).toMatchObject({
      status: 'in_progress',
      error: { code: 'api_budget_exhausted' },
    })
    expect(stopped.processed).toBeGreaterThan(0)
    expect(stopped.processed).toBeLessThan(ROWS)
    expect(stopped.succeeded).toBe(stopped.processed)
    expect(await recordsOf(rig.simulator, SALESFORCE_ORG, PREFIX)).toHaveLength(stopped.processed)
  })

  it('takes a new push meanwhile, and sends nothing of it either', async () => {
    const { used } = await usage()
    laterId = await start(placements(LATER, ROWS_A_CALL))
    const held = await standsStill(laterId)
    expect(held).toMatchObject({
      status: 'in_progress',
      processed: 0,
      error: { code: 'api_budget_exhausted' },
    })
    expect((await usage()).used).toBe(used)
    expect(await recordsOf(rig.simulator, SALESFORCE_ORG, LATER)).toEqual([])
  })

  it('resumes by itself when calls are back, and ends whole', async () => {
    const { control } = rig.simulator
    const { used } = await control.act('usage/return', { org: SALESFORCE_ORG, calls: 5_000 })
    await fiveMinutesPass()
    const api = apiOf(rig.servers.at(-1)?.url ?? '', org.token)
    const push = await settled(api, pushId)
    expect(push).toMatchObject({
      status: 'succeeded',
      total: ROWS,
      created_count: ROWS,
      error: null,
    })
    const results = await resultsOf(api, pushId)
    expectWhole(push, results)
    await expectTrue(rig.simulator, pushRig, { prefix: PREFIX, rows, results })
    expect(await settled(api, laterId)).toMatchObject({
      status: 'succeeded',
      created_count: ROWS_A_CALL,
    })
    // Each chunk was sent once, before or after.
    const sent = (await control.journal(SALESFORCE_ORG)).filter(
      ({ method, path }) => method !== 'GET' && path.includes('/composite/sobjects'),
    )
    expect(sent).toHaveLength((ROWS + ROWS_A_CALL) / ROWS_A_CALL)
    // Sending the rest cost as many calls as it had chunks, plus a few to ask how many calls are left.
    const rest = (ROWS - stopped.processed) / ROWS_A_CALL + 1
    expect((await usage()).used - used).toBeLessThanOrEqual(rest + 2)
    // Who listens was told of both, once.
    const told = await api.post<{ items: { type: string; data: object }[] }>('/api/events/list', {
      client_id: pushRig.client.id,
      types: ['api_budget.exhausted', 'api_budget.restored'],
    })
    expect(told.body.items).toMatchObject([
      { type: 'api_budget.restored', data: { max: MAX_CALLS, reserve: RESERVE } },
      { type: 'api_budget.exhausted', data: { max: MAX_CALLS, reserve: RESERVE } },
    ])
  })
})

/**
 * Makes everything that is due by then due now, for the database and for a process that starts with it.
 */
const fiveMinutesPass = async (): Promise<void> => {
  await Promise.all(rig.servers.map((server) => server.terminate()))
  await rig.database.query(
    `update crm_push_logs set resume_at = resume_at - interval '5 minutes' where resume_at is not null`,
  )
  await rig.database.query(
    `update engine.salesforce_org_usage set observed_at = observed_at - interval '5 minutes'`,
  )
  await rig.addServer()
}
