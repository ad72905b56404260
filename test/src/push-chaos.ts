// Chaos: a push of a random set, its server killed with -9 at a random moment and started again, and the
// proof that nothing was lost, duplicated or reported wrongly. Everything is derived from one seed.

import { setTimeout as pass } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Api, apiOf } from './api.ts'
import {
  expectTrue,
  expectWhole,
  makePushRig,
  ndjson,
  nextSecond,
  placement,
  type PushBody,
  type PushRig,
  randomOf,
  recordsOf,
  resultsOf,
  type Row,
  type RowResult,
  settled,
} from './push-support.ts'
import { type SimulatedWorld, type Rig, startRig } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

export type ChaosTransport = 'collections' | 'bulk'

/**
 * The server dies so many milliseconds after the push has reached a point: so many requests were
 * answered by Salesforce, so many of its records exist, or so many rows have their results.
 */
export interface ChaosMoment {
  by: 'requests' | 'records' | 'results'
  at: number
  ms: number
}

/** What one seed determines. */
export interface ChaosRound {
  seed: number
  transport: ChaosTransport
  rows: number
  moment: ChaosMoment
  pace: { callMs: number; saveMs: number; queueMs: number; transactionMs: number }
}

/** The outcome of a round without violations. */
export interface ChaosReport extends ChaosRound {
  /** The push as the dead server left it. */
  atDeath: {
    status: PushBody['status']
    /** Rows with a stored result. */
    processed: number
    /** Rows that had been sent, or were about to be, and had no stored result. */
    inDoubt: number
    /** Records in the Salesforce org. */
    records: number
    requests: number
  }
  succeeded: number
  failed: number
  resent: number
  /** From the kill to the end of the push. */
  recoveredMs: number
}

/**
 * `small` is the minimum with everything in it: several calls, and more than one batch of a Bulk job.
 */
const ROWS = {
  small: { collections: 2_000, bulk: 10_400 },
  large: { collections: 5_000, bulk: 50_000 },
} as const
export type ChaosSize = keyof typeof ROWS
const ROWS_A_CALL = 200
/** Among the first requests: with Collections among all calls, with Bulk until the rows are uploaded. */
const REQUESTS = { collections: (rows: number) => rows / ROWS_A_CALL, bulk: () => 5 } as const
/** About the time between two steps: calls with Collections, polls of a job with Bulk. */
const STEP_MS = { collections: 120, bulk: 600 } as const
/** Storing results takes not much longer. */
const STORING_MS = 60
/** How exactly a moment is met. */
const LOOK_MS = 15
const PREFIX = 'chaos'
const SALESFORCE_ORG = 'Acme'
/** One row in so many is bad; one in so many already has a record. */
const BAD_ONE_IN = 16
const KNOWN_ONE_IN = 10
const ROWS_A_COMPANY = 700
const RECOVERY_MS = 120_000

interface BadWay {
  code: string
  /** Salesforce refuses these. */
  sent: boolean
  spoil: (row: Row) => Row
}

const BAD_WAYS: readonly BadWay[] = [
  {
    code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    sent: true,
    spoil: (row) => ({ ...row, stage: 'hired' }), // and no start date
  },
  { code: 'DUPLICATE_VALUE', sent: true, spoil: (row) => ({ ...row, badge: 'TAKEN' }) },
  { code: 'INVALID_FIELD', sent: true, spoil: (row) => ({ ...row, company: 'no-such-company' }) },
  {
    code: 'STRING_TOO_LONG',
    sent: false,
    spoil: (row) => ({ ...row, title: 'x'.repeat(41) }),
  },
  {
    code: 'REQUIRED_FIELD_MISSING',
    sent: false,
    spoil: ({ title: _title, ...row }) => row,
  },
]

/** Even seeds use Collections, odd ones Bulk. */
export const chaosRoundOf = (seed: number, size: ChaosSize): ChaosRound => {
  const random = randomOf(seed)
  const transport = seed % 2 === 0 ? 'collections' : 'bulk'
  const rows = ROWS[size][transport]
  return {
    seed,
    transport,
    rows,
    moment: momentFor(transport, rows, random),
    pace: {
      callMs: Math.floor(random() * 40),
      saveMs: random() / 2,
      queueMs: Math.floor(random() * 300),
      transactionMs: Math.floor(random() * 12),
    },
  }
}

/** The beginning, the middle and the end of a push equally often, however long each takes. */
const momentFor = (transport: ChaosTransport, rows: number, random: () => number): ChaosMoment => {
  const phase = random()
  const share = random()
  const step = random()
  if (phase < 1 / 3) {
    const at = Math.floor(share * REQUESTS[transport](rows))
    return { by: 'requests', at, ms: Math.floor(step * STEP_MS[transport]) }
  }
  if (phase < 2 / 3) {
    const at = Math.ceil(share * rows)
    return { by: 'records', at, ms: Math.floor(step * STEP_MS[transport]) }
  }
  return { by: 'results', at: Math.ceil(share * rows), ms: Math.floor(step * STORING_MS) }
}

interface ChaosInput {
  rows: Row[]
  /** By position; undefined for a good row. */
  ways: (BadWay | undefined)[]
  /** Numbers of the rows whose records already exist. */
  known: Set<number>
}

const inputOf = ({ seed, rows: count }: ChaosRound): ChaosInput => {
  const random = randomOf(seed ^ 0x5eed)
  const numbers = Array.from({ length: count }, (_, n) => n)
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const [here, there] = [numbers[at] ?? 0, numbers[other] ?? 0]
    numbers[at] = there
    numbers[other] = here
  }
  const ways = numbers.map(() =>
    random() < 1 / BAD_ONE_IN ? BAD_WAYS[Math.floor(random() * BAD_WAYS.length)] : undefined,
  )
  const rows = numbers.map((n, position) => {
    const row: Row = {
      ...placement(PREFIX, n),
      stage: 'new',
      company: `company-${Math.floor(position / ROWS_A_COMPANY) + 1}`,
    }
    return ways[position]?.spoil(row) ?? row
  })
  return { rows, ways, known: new Set(numbers.filter(() => random() < 1 / KNOWN_ONE_IN)) }
}

/**
 * Runs the round on a rig of its own. Throws on the first violation; `CHAOS_SEED` set to the round's
 * seed, `CHAOS_ROUNDS` to 1 and the same `CHAOS_SIZE` repeat it.
 */
export const playChaosRound = async (round: ChaosRound): Promise<ChaosReport> => {
  const { callMs, saveMs } = round.pace
  await using rig = await startRig({
    environment: TAKES_OVER,
    simulator: {
      orgs: [{ name: SALESFORCE_ORG, edition: 'Unlimited' }],
      latency: { callMs },
    },
  })
  const { simulator } = rig
  const { control } = simulator
  const org = await rig.org()
  const pushRig = await makePushRig(rig, org, SALESFORCE_ORG)
  const input = inputOf(round)
  await prepareSalesforceOrg(rig, round, input)
  const before = await recordsOf(simulator, SALESFORCE_ORG, PREFIX)
  expect(before).toHaveLength(input.known.size)
  // Salesforce's clock counts seconds: existing records must be older than what the push creates.
  await nextSecond()

  const recordsBefore = await countRecords(control)
  await control.clearJournal()
  const pushId = await send(org.api, pushRig, round, input.rows)
  await momentOf(rig, pushId, round, recordsBefore)
  await rig.servers[0]?.kill()
  const killedAt = performance.now()
  const atDeath = await sceneOf(rig, pushId)
  await control.act('records/pace', { org: SALESFORCE_ORG, saveMs: Math.min(saveMs, 0.1) })

  const server = await rig.addServer()
  const api = apiOf(server.url, org.token)
  const push = await settled(api, pushId, RECOVERY_MS)
  const recoveredMs = Math.round(performance.now() - killedAt)

  expect(push).toMatchObject({ total: round.rows, transport: round.transport, error: null })
  const results = await resultsOf(api, pushId)
  expect(results).toHaveLength(round.rows)
  expectWhole(push, results)
  expectVerdicts(input, results)
  await expectTrue(simulator, pushRig, { prefix: PREFIX, rows: input.rows, results, before })
  await expectNothingLeft(rig, push)
  return {
    ...round,
    atDeath,
    succeeded: push.succeeded,
    failed: push.failed,
    resent: results.filter(({ resent }) => resent === true).length,
    recoveredMs,
  }
}

const prepareSalesforceOrg = async (
  { simulator: { control } }: Rig,
  { rows, pace: { saveMs, queueMs, transactionMs } }: ChaosRound,
  { known }: ChaosInput,
): Promise<void> => {
  const of = { org: SALESFORCE_ORG }
  await control.act('records/fill', {
    ...of,
    object: 'Account',
    count: Math.ceil(rows / ROWS_A_COMPANY),
    template: { Name: 'Company {n}', Key__c: 'company-{n}' },
  })
  const object = 'Placement__c'
  const outcomes = await control.act('records/insert', {
    ...of,
    object,
    rows: [
      { Badge__c: 'TAKEN' },
      ...[...known].map((n) => ({ External_Key__c: `${PREFIX}-${n}`, Title__c: 'As it was' })),
    ],
  })
  expect(outcomes.filter(({ success }) => !success)).toEqual([])
  await control.act('records/pace', { ...of, saveMs })
  await control.act('bulk/pace', { ...of, queueMs, transactionMs })
}

/** Resolves with the push's id as soon as it is accepted. */
const send = async (
  api: Api,
  { client }: PushRig,
  { transport }: ChaosRound,
  rows: readonly Row[],
): Promise<string> => {
  const envelope = {
    client_id: client.id,
    object: 'placement',
    options: { transport },
    wait_seconds: 0,
  }
  const answer =
    transport === 'bulk'
      ? await api.raw('/api/push/records', {
          method: 'POST',
          headers: { 'content-type': 'application/x-ndjson' },
          body: ndjson(envelope, rows),
        })
      : await api.post('/api/push/records', { ...envelope, records: rows })
  expect(answer.status, answer.text.slice(0, 500)).toBe(202)
  return String(answer.body['id'])
}

/** Resolves at the random moment, or so long after the end of a push that ended before it. */
const momentOf = async (
  { database, simulator: { control } }: Rig,
  pushId: string,
  { moment: { by, at, ms } }: ChaosRound,
  recordsBefore: number,
): Promise<void> => {
  const reached = {
    requests: async () => (await control.act('counters', {})).requests,
    records: async () => (await countRecords(control)) - recordsBefore,
    results: async (push: { processed: number }) => push.processed,
  }
  for (;;) {
    const push = await storedPush(database, pushId)
    if (push.over || (await reached[by](push)) >= at) break
    await pass(LOOK_MS)
  }
  await pass(ms)
}

interface StoredPush extends Pick<PushBody, 'status' | 'processed'> {
  over: boolean
}

const storedPush = async (database: Rig['database'], pushId: string): Promise<StoredPush> => {
  const [push] = await database.query<StoredPush>(
    'select status, processed, completed_at is not null as over from crm_push_logs where id = $1',
    [pushId],
  )
  if (push === undefined) throw new Error('an accepted push is gone')
  return push
}

const countRecords = async (control: SimulatedWorld['control']): Promise<number> => {
  const { count } = await control.act('records/count', {
    org: SALESFORCE_ORG,
    object: 'Placement__c',
  })
  return count
}

const sceneOf = async (
  { database, simulator: { control } }: Rig,
  pushId: string,
): Promise<ChaosReport['atDeath']> => {
  const push = await storedPush(database, pushId)
  const [doubt] = await database.query<{ rows: number }>(
    `select coalesce(sum(rows), 0)::integer as rows from push_chunks
      where push_id = $1 and state = 'pending' and send_state is not null`,
    [pushId],
  )
  const records = await countRecords(control)
  const { requests } = await control.act('counters', {})
  const { status, processed } = push
  return { status, processed, inDoubt: doubt?.rows ?? 0, records, requests }
}

/**
 * Each good row was accepted, and each bad one refused for its own fault: the kill makes no difference.
 */
const expectVerdicts = ({ ways }: ChaosInput, results: readonly RowResult[]): void => {
  const wrong = results.filter(({ index, success, attempts, errors }) => {
    const way = ways[index]
    return way === undefined
      ? !success || attempts < 1
      : success || errors[0]?.code !== way.code || attempts > 0 !== way.sent
  })
  expect(wrong.slice(0, 5), `${wrong.length} rows with the wrong verdict`).toEqual([])
}

/**
 * Only the input of failed rows is kept; no chunk is open and no place in the Salesforce org is held.
 */
const expectNothingLeft = async ({ database }: Rig, push: PushBody): Promise<void> => {
  const [input] = await database.query(
    `select coalesce(sum(rows), 0)::integer as kept, count(ready)::integer as to_send
       from push_rows where push_id = $1`,
    [push.id],
  )
  expect(input).toEqual({ kept: push.failed, to_send: 0 })
  expect(
    await database.query(
      `select seq from push_chunks
        where push_id = $1 and (state <> 'done' or lease_holder is not null or send_state is not null)`,
      [push.id],
    ),
  ).toEqual([])
  // A lane that found nothing more to send leaves a moment after the push has ended, and long before its
  // place would expire.
  await until(
    'every place is given back',
    async () => {
      const held = await database.query(
        `select holder from engine.salesforce_work_places where until > clock_timestamp()`,
      )
      return held.length === 0
    },
    3_000,
  )
}
