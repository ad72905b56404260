// Many lanes on several replicas share what is left of a Salesforce org's day. Real PostgreSQL; the calls
// themselves are a number that Salesforce would count up.

import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/src/database.ts'
import { randomOf } from '../../../../test/src/push-support.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type ApiBudget } from '../../salesforce/gateway.ts'
import { Secret } from '../../secret.ts'
import { createApiBudgets } from './api-budget.ts'

const MAX_CALLS = 10_000
const RESERVE_PERCENT = 10
const LIMIT = MAX_CALLS - (MAX_CALLS * RESERVE_PERCENT) / 100
const LANES = 5

let database: TestDatabase
let replicas: Database[]

beforeAll(async () => {
  database = await createDatabase()
  replicas = [1, 2].map(() =>
    openDatabase({
      url: new Secret(database.url),
      maxConnections: LANES,
      onIdleError: () => undefined,
    }),
  )
})
afterAll(async () => {
  await Promise.all(replicas.map((db) => db.close()))
  await database[Symbol.asyncDispose]()
})

let orgs = 0

/** A Salesforce org with so many calls above the reserve, and its budget as each replica sees it. */
const salesforceOrg = (left: number) => {
  orgs += 1
  const sfdcOrgId = `00D0000000${String(orgs).padStart(5, '0')}AAA`
  const usage = { used: LIMIT - left, max: MAX_CALLS }
  const budgets = replicas.map((db) =>
    createApiBudgets({
      db,
      reservePercent: RESERVE_PERCENT,
      logger: pino({ level: 'silent' }),
    }).of(sfdcOrgId, async () => ({ ...usage })),
  )
  return { usage, budgets }
}

const isExhausted = (error: unknown): boolean => {
  if (error instanceof EngineError && error.code === 'api_budget_exhausted') return true
  throw error
}

const LOSSES = ['not_served', 'served_without_answer'] as const
type Course = 'answered' | (typeof LOSSES)[number]

/** Makes calls until none may be made; `course` says what becomes of each. */
const lane = async (
  budget: ApiBudget,
  usage: { used: number; max: number },
  random: () => number,
  course: () => Course,
): Promise<void> => {
  const travel = async (): Promise<void> => {
    for (let turns = Math.floor(random() * 6); turns >= 0; turns -= 1) await turn()
  }
  for (;;) {
    const end = await budget.take().catch(isExhausted)
    if (end === true || end === false) return
    const becomes = course()
    await travel()
    if (becomes === 'not_served') {
      end('not_served')
      continue
    }
    usage.used += 1
    const told = { ...usage }
    await travel()
    end(becomes === 'answered' ? told : 'perhaps_served')
  }
}

const lanes = async (
  { budgets, usage }: ReturnType<typeof salesforceOrg>,
  random: () => number,
  course: () => Course = () => 'answered',
): Promise<void> => {
  const each = budgets.flatMap((budget) => Array.from({ length: LANES }, () => budget))
  await Promise.all(each.map((budget) => lane(budget, usage, random, course)))
}

describe('lanes of two replicas that use up what is left above the reserve', () => {
  it.each([11, 12, 15, 20, 30, 130])(
    'never take a call of the reserve, of %i left',
    async (left) => {
      const org = salesforceOrg(left)
      for (const budget of org.budgets) budget.record({ ...org.usage })
      await lanes(org, randomOf(left))
      expect(org.usage.used).toBeLessThanOrEqual(LIMIT)
      // A call whose answer has not told yet that it is included is counted twice for a moment.
      expect(org.usage.used).toBeGreaterThan(LIMIT - 2 * LANES)
    },
  )

  it('nor when answers are lost and calls never leave', async () => {
    for (let round = 0; round < 5; round += 1) {
      const random = randomOf(round)
      const org = salesforceOrg(30)
      for (const budget of org.budgets) budget.record({ ...org.usage })
      await lanes(org, random, () => (random() < 0.3 ? LOSSES[round % 2 ? 0 : 1] : 'answered'))
      expect(org.usage.used).toBeLessThanOrEqual(LIMIT)
      expect(org.usage.used).toBeGreaterThan(LIMIT - 2 * LANES)
    }
  })

  it('count no call of a process that was killed for longer than a call can take', async () => {
    const org = salesforceOrg(3)
    const [one, two] = org.budgets
    one?.record({ ...org.usage })
    two?.record({ ...org.usage })
    for (let call = 0; call < 3; call += 1) await one?.take()
    await expect(two?.take()).rejects.toThrow(/used up except for the reserve/)
    await database.query(
      `update engine.salesforce_org_usage set observed_at = now() - interval '11 minutes',
              claimed_at = now() - interval '11 minutes'`,
    )
    const [, later] = salesforceOrgAgain(org.usage)
    expect(await later?.take()).toBeTypeOf('function')
  })
})

/** The newest Salesforce org, as replicas see it that have just started. */
const salesforceOrgAgain = (usage: { used: number; max: number }): ApiBudget[] => {
  orgs -= 1
  return salesforceOrg(LIMIT - usage.used).budgets
}
