// kill -9 with eight calls of a push under way: four are carried out but never answered, four wait for
// locked parents and fail after their sender is gone. Only Salesforce knows what happened to the rows.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiOf } from './api.ts'
import {
  expectTrue,
  expectWhole,
  makePushRig,
  nextSecond,
  placement,
  type PushBody,
  type PushRig,
  recordsOf,
  resultsOf,
  type Row,
  type RowResult,
  settled,
} from './push-support.ts'
import { type Rig, startRig, type TestOrg } from './rig.ts'
import { TAKES_OVER } from './server-process.ts'
import { until } from './until.ts'

const SALESFORCE_ORG = 'Acme'
const PREFIX = 'fate'
const ROWS_A_CALL = 200
const CALLS = 8
/** The first of them, by the parents of their rows. */
const LOCKED_CALLS = 4
const ROWS = CALLS * ROWS_A_CALL
/** Rows whose records already exist, in a call of each kind. */
const KNOWN = { locked: 3, written: LOCKED_CALLS * ROWS_A_CALL + 3 }
/** How long Salesforce delays its answers: until their receiver is gone. */
const ANSWER_MS = 6_000

const rows: Row[] = Array.from({ length: ROWS }, (_, n) => ({
  ...placement(PREFIX, n),
  company: `company-${Math.floor(n / ROWS_A_CALL) + 1}`,
}))

let rig: Rig
let org: TestOrg
let pushRig: PushRig

beforeAll(async () => {
  rig = await startRig({
    environment: TAKES_OVER,
    simulator: { orgs: [{ name: SALESFORCE_ORG, edition: 'Unlimited' }] },
  })
  org = await rig.org()
  pushRig = await makePushRig(rig, org, SALESFORCE_ORG)
  const { control } = rig.simulator
  await control.act('records/fill', {
    org: SALESFORCE_ORG,
    object: 'Account',
    count: CALLS,
    template: { Name: 'Company {n}', Key__c: 'company-{n}' },
  })
  await control.act('records/insert', {
    org: SALESFORCE_ORG,
    object: 'Placement__c',
    rows: Object.values(KNOWN).map((n) => ({
      External_Key__c: `${PREFIX}-${n}`,
      Title__c: 'As it was',
    })),
  })
  // Salesforce's clock counts seconds: existing records must be older than what the push creates.
  await nextSecond()
})
afterAll(() => rig[Symbol.asyncDispose]())

const lockParents = async (): Promise<void> => {
  const { control } = rig.simulator
  const companies = await control.act('records/list', { org: SALESFORCE_ORG, object: 'Account' })
  const ids = Array.from({ length: LOCKED_CALLS }, (_, at) =>
    String(companies.find((one) => one['Key__c'] === `company-${at + 1}`)?.['Id']),
  )
  expect(await control.act('records/lock', { org: SALESFORCE_ORG, ids })).toEqual({
    locked: LOCKED_CALLS,
  })
}

const upserts = async () =>
  (await rig.simulator.control.journal(SALESFORCE_ORG)).filter(
    ({ method, path }) => method === 'PATCH' && path.includes('/composite/sobjects/Placement__c'),
  )

describe('kill -9 with calls on their way', () => {
  it('finds what was written and sends only what was not, each row to its one true result', async () => {
    const { control } = rig.simulator
    const before = await recordsOf(rig.simulator, SALESFORCE_ORG, PREFIX)
    await lockParents()
    await control.addFault({
      method: 'PATCH',
      path: '*/composite/sobjects/Placement__c/*',
      times: CALLS,
      kind: { type: 'slow', ms: ANSWER_MS },
    })
    await control.clearJournal()
    const answer = await org.api.post<PushBody>('/api/push/records', {
      client_id: pushRig.client.id,
      object: 'placement',
      records: rows,
      wait_seconds: 0,
    })
    expect(answer.status, answer.text.slice(0, 500)).toBe(202)
    const pushId = answer.body.id

    await until('half of the calls are carried out, the others are on their way', async () => {
      const [chunks] = await rig.database.query<{ sent: number }>(
        `select count(*)::integer as sent from push_chunks
          where push_id = $1 and send_state is not null`,
        [pushId],
      )
      const { length } = await recordsOf(rig.simulator, SALESFORCE_ORG, PREFIX)
      const written = (CALLS - LOCKED_CALLS) * ROWS_A_CALL + 1 // and one that already existed
      return chunks?.sent === CALLS && length === written
    })
    expect(await upserts(), 'none of them is answered').toEqual([])
    await rig.servers[0]?.kill()
    const server = await rig.addServer()
    const api = apiOf(server.url, org.token)
    await until(
      'every call that lost its sender has come to its end',
      async () => (await upserts()).length === CALLS,
      45_000,
    )
    await control.act('records/unlock', { org: SALESFORCE_ORG })
    const push = await settled(api, pushId)

    const results = await resultsOf(api, pushId)
    expect(push).toMatchObject({
      status: 'succeeded',
      transport: 'collections',
      total: ROWS,
      created_count: ROWS - 2,
      updated_count: 2,
    })
    expectWhole(push, results)
    await expectTrue(rig.simulator, pushRig, { prefix: PREFIX, rows, results, before })
    // Eight that lost their sender, and those without effect once more.
    expect(await upserts()).toHaveLength(CALLS + LOCKED_CALLS)
    const sentTwice = ({ index }: RowResult) => index < LOCKED_CALLS * ROWS_A_CALL
    expect(results.filter((result) => result.attempts !== (sentTwice(result) ? 2 : 1))).toEqual([])
    // For an existing record that is unchanged, it cannot be known whether it was written in between.
    expect(results.filter(({ resent }) => resent === true).map(({ index }) => index)).toEqual([
      KNOWN.locked,
    ])
  })
})
