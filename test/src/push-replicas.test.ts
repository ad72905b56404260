// Two replicas on one database: they share the work of a large push, send no chunk twice, and together
// respect the limit of parallel calls per Salesforce org, no matter whose client it is.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Api } from './api.ts'
import {
  expectTrue,
  expectWhole,
  makePushRig,
  map,
  PLACEMENT_MAPPING,
  placements,
  type PushBody,
  pushRecords,
  type PushRig,
  recordsOf,
  resultsOf,
  settled,
} from './push-support.ts'
import { type Rig, startRig, type TestOrg } from './rig.ts'

const ROWS = 6_000
const ROWS_A_CALL = 200
const PUSHES_MAX = 6
const SALESFORCE_ORG = 'Acme'
/** Parallel calls in one Salesforce org, across all replicas and tenants. */
const CAP = 8
/** The minimum duration of every call, so that calls overlap. */
const CALL_MS = 400
const SAVE_MS = 0.5

let rig: Rig
let org: TestOrg
let pushRig: PushRig

beforeAll(async () => {
  rig = await startRig({
    replicas: 2,
    simulator: {
      orgs: [{ name: SALESFORCE_ORG, edition: 'Unlimited' }],
      latency: { callMs: CALL_MS },
    },
  })
  org = await rig.org()
  pushRig = await makePushRig(rig, org, SALESFORCE_ORG)
  const { control } = rig.simulator
  await control.act('records/pace', { org: SALESFORCE_ORG, saveMs: SAVE_MS })
  // The Salesforce org itself refuses further calls while this many are being answered.
  await control.act('orgs/update', {
    org: SALESFORCE_ORG,
    settings: { longCallMs: 0, longCallsMax: CAP },
  })
})
afterAll(() => rig[Symbol.asyncDispose]())
beforeEach(() => rig.simulator.control.clearJournal())

const writes = async () =>
  (await rig.simulator.control.journal(SALESFORCE_ORG)).filter(
    ({ method, path }) => method !== 'GET' && path.includes('/composite/sobjects'),
  )

/** Answered calls to Salesforce, by replica. */
const callsByReplica = (): Promise<number[]> =>
  Promise.all(
    rig.servers.map(async ({ url }) => {
      const text = await (await fetch(`${url}/metrics`)).text()
      return [
        ...text.matchAll(/^sfdc_engine_upstream_call_duration_seconds_count\{(.*)\} (\d+)$/gm),
      ]
        .filter(([, labels]) => labels?.includes('service="salesforce"'))
        .reduce((sum, [, , count]) => sum + Number(count), 0)
    }),
  )

/** The most calls in the journal that were certainly under way at the same time. */
const mostAtOnce = async (): Promise<number> => {
  const ends = (await writes()).map(({ at }) => Date.parse(at)).sort((a, b) => a - b)
  return Math.max(
    ...ends.map((end, first) => ends.slice(first).filter((at) => at - CALL_MS < end).length),
  )
}

/** None came while the allowed number was being answered. */
const expectCapKept = async (): Promise<void> => {
  const calls = await rig.simulator.control.journal(SALESFORCE_ORG)
  expect(calls.filter(({ status }) => status >= 400)).toEqual([])
  expect(await mostAtOnce(), 'the calls overlapped').toBeGreaterThan(CAP / 2)
}

const start = async (api: Api, clientId: string, prefix: string, rows: number): Promise<string> => {
  const answer = await api.post<PushBody>('/api/push/records', {
    client_id: clientId,
    object: 'placement',
    records: placements(prefix, rows),
    options: { transport: 'collections' },
    wait_seconds: 0,
  })
  expect(answer.status, answer.text.slice(0, 500)).toBe(202)
  return answer.body.id
}

describe('two replicas', () => {
  /** A push with all its checks; the calls that each replica made for it. */
  const pushed = async (prefix: string): Promise<number[]> => {
    await rig.simulator.control.clearJournal()
    const rows = placements(prefix, ROWS)
    const before = await callsByReplica()
    const push = await pushRecords(org.api, pushRig, rows, { transport: 'collections' })
    const after = await callsByReplica()
    expect(push).toMatchObject({ status: 'succeeded', created_count: ROWS })
    const results = await resultsOf(org.api, push.id)
    expectWhole(push, results)
    await expectTrue(rig.simulator, pushRig, { prefix, rows, results })

    // Since all rows exist, this number of calls of at most 200 rows leaves no room for one sent twice.
    expect(await writes()).toHaveLength(ROWS / ROWS_A_CALL)
    expect(new Set(results.map(({ attempts }) => attempts))).toEqual(new Set([1]))
    const chunks = await rig.database.query<{ claims: number }>(
      'select distinct claims from push_chunks where push_id = $1',
      [push.id],
    )
    expect(chunks).toEqual([{ claims: 1 }])
    await expectCapKept()
    return after.map((calls, at) => calls - (before[at] ?? 0))
  }

  it('share one large push, send each row once, and keep to eight calls at once', async () => {
    // Which replica takes a lane first is random: on a busy machine one of them may take all eight.
    const shares: number[][] = []
    do shares.push(await pushed(`shared-${shares.length}`))
    while (shares.length < PUSHES_MAX && Math.min(...(shares.at(-1) ?? [])) === 0)
    expect(Math.min(...(shares.at(-1) ?? [])), `calls by replica: ${shares.join('; ')}`).not.toBe(0)
  })

  it('keep to eight calls at once for the clients of two tenants in one Salesforce org', async () => {
    const neighbour = await rig.org()
    const theirs = await neighbour.client()
    await theirs.connect(SALESFORCE_ORG)
    await theirs.pull()
    await map(neighbour, theirs, PLACEMENT_MAPPING)
    await rig.simulator.control.clearJournal()
    const rows = ROWS / 2
    const ids = await Promise.all([
      start(org.api, pushRig.client.id, 'ours', rows),
      start(neighbour.api, theirs.id, 'theirs', rows),
    ])
    const pushes = await Promise.all([settled(org.api, ids[0]), settled(neighbour.api, ids[1])])
    for (const push of pushes) {
      expect(push).toMatchObject({ status: 'succeeded', created_count: rows })
    }
    expect(await writes()).toHaveLength((2 * rows) / ROWS_A_CALL)
    await expectCapKept()
    for (const prefix of ['ours', 'theirs']) {
      expect(await recordsOf(rig.simulator, SALESFORCE_ORG, prefix)).toHaveLength(rows)
    }
  })
})
