// Pushes in the storm, and a model of what the Salesforce org holds because of them: a row that the engine
// reports as written is in the model with what was sent, and no other row is. At the end the model and the
// Salesforce org are compared.

import { setTimeout as pass } from 'node:timers/promises'
import {
  expectWhole,
  nextSecond,
  placement,
  type PushBody,
  recordsOf,
  type Row,
  type RowResult,
} from '../push-support.ts'
import { type Caller, type LongResource, type Work } from './caller.ts'
import { type Dice } from './dice.ts'
import { type Storm } from './storm.ts'
import { companyOf, type StormClient, type World } from './world.ts'

type Push = PushBody & LongResource

/** A record as it has to be. */
interface Expected {
  id: string
  title: unknown
  salary: unknown
  remote: unknown
  /** The number of its company; null without one. */
  company: number | null
}

/** Why a row has to fail, by its own fault. */
interface BadWay {
  code: string
  spoil: (row: Row) => Row
}

const BAD_WAYS: readonly BadWay[] = [
  { code: 'STRING_TOO_LONG', spoil: (row) => ({ ...row, title: 'x'.repeat(41) }) },
  { code: 'REQUIRED_FIELD_MISSING', spoil: ({ title: _title, ...row }) => row },
  { code: 'INVALID_FIELD', spoil: (row) => ({ ...row, company: 'no-such-company' }) },
]
const BAD_ONE_IN = 20
/** Salesforce's locks are the weather's; a row that meets too many fails with them. */
const OF_THE_WEATHER = ['UNABLE_TO_LOCK_ROW']
const AFTER_CANCEL = ['CANCELLED']
const AFTER_REVOKE = ['CONNECTION_REVOKED', 'CONNECTION_LOST', 'OUTCOME_UNKNOWN']
const SIZES = { collections: [1, 30, 210, 900], bulk: [300, 1_500] } as const
const PREFIX = 'storm'
const PAGE_ROWS = 10_000

export interface PushLane {
  run(): Promise<void>
  /** Compares the Salesforce org with the model; throws if they differ. */
  check(): Promise<void>
  rows(): number
}

export const pushLaneOf = (
  storm: Storm,
  { simulator }: Pick<World, 'simulator'>,
  { client, salesforceOrg, isRestless, name }: StormClient,
  caller: Caller,
  dice: Dice,
): PushLane => {
  const model = new Map<string, Expected>()
  /** Written or not: the engine says that it does not know. */
  const doubtful = new Set<string>()
  let rowsSent = 0
  let families = 0

  const resultsOf = async (push: Push): Promise<RowResult[]> => {
    const results: RowResult[] = []
    let cursor: string | null = null
    do {
      const page: { items: RowResult[]; next_cursor: string | null } = await caller.read(
        '/api/push/results',
        { push_id: push.id, limit: PAGE_ROWS, ...(cursor === null ? {} : { cursor }) },
      )
      results.push(...page.items)
      cursor = page.next_cursor
    } while (cursor !== null)
    return results
  }

  /** The results of a push that has ended, each checked and applied to the model. */
  const settle = async (
    work: Work,
    isCancelled: boolean,
    rows: readonly { key: string; bad: string | null; apply: (id: string) => Expected }[],
  ): Promise<RowResult[]> => {
    const push = await caller.ended<Push>(work)
    const results = await resultsOf(push)
    const ending = push.error?.code ?? null
    const what = `${work.kind} ${push.id} of ${name}`
    await storm.must(`${what}: its counts and results`, () => {
      expectWhole(push, results)
    })
    const isExcused =
      ending === null ||
      (isCancelled && ending === 'cancelled') ||
      (isRestless && AFTER_REVOKE.includes(ending.toUpperCase()))
    if (!isExcused) storm.violated(`${what} ended with ${ending}`, push)
    if (results.length !== rows.length) {
      storm.violated(`${what}: ${results.length} results of ${rows.length} rows`)
    }
    const excused = [
      ...OF_THE_WEATHER,
      ...(isCancelled ? AFTER_CANCEL : []),
      ...(isRestless ? AFTER_REVOKE : []),
    ]
    const wrong: { why: string; bad: string | null; result: RowResult }[] = []
    for (const result of results) {
      const row = rows[result.index]
      if (row === undefined) continue
      const { key, bad, apply } = row
      const code = result.errors[0]?.code ?? ''
      const known = model.get(key)
      if (result.success) {
        if (bad !== null) wrong.push({ why: 'it cannot be written, and was', bad, result })
        const isNew = known === undefined
        if (work.kind === 'push' && !doubtful.has(key) && (result.action === 'created') !== isNew) {
          wrong.push({ why: `the record was ${isNew ? 'new' : 'known'}`, bad, result })
        }
        doubtful.delete(key)
        model.set(key, apply(result.id ?? ''))
        continue
      }
      if (code !== bad && !excused.includes(code)) {
        wrong.push({ why: 'it failed without a cause', bad, result })
      }
      if (code === 'OUTCOME_UNKNOWN') doubtful.add(key)
    }
    if (wrong.length > 0) {
      storm.violated(`${what}: ${wrong.length} of ${results.length} results`, wrong.slice(0, 4))
    }
    return results
  }

  const maybeCancel = async (work: Work): Promise<boolean> => {
    if (!dice.chance(0.08)) return false
    await pass(dice.between(0, 1_500))
    await caller.change('/api/push/cancel', { push_id: work.id })
    return true
  }

  /** New records, and most of them once more with other values. */
  const pushFamily = async (): Promise<string[]> => {
    const prefix = `${PREFIX}-${families++}`
    const transport = dice.pick(['collections', 'collections', 'bulk'] as const)
    const count = dice.pick(SIZES[transport])
    const rows = Array.from({ length: count }, (_, n) => {
      const way = dice.chance(1 / BAD_ONE_IN) ? dice.pick(BAD_WAYS) : null
      const row: Row = { ...placement(prefix, n), company: `company-${companyOf(n)}` }
      return { n, way, row: way === null ? row : way.spoil(row) }
    })
    rowsSent += count
    const asLines = dice.chance(0.5)
    const envelope = { client_id: client.id, object: 'placement', options: { transport } }
    const sent = rows.map(({ row }) => row)
    const work = asLines
      ? await caller.begin('push', '/api/push/records', envelope, sent)
      : await caller.begin('push', '/api/push/records', { ...envelope, records: sent })
    if (work === null) return []
    const isCancelled = await maybeCancel(work)
    const told = rows.map(({ n, way, row }) => ({
      key: `${prefix}-${n}`,
      bad: way?.code ?? null,
      apply: (id: string): Expected => ({
        id,
        title: row['title'],
        salary: row['salary'],
        remote: row['remote'],
        company: companyOf(n),
      }),
    }))
    const results = await settle(work, isCancelled, told)
    const failed = results.filter(({ success }) => !success).map(({ index }) => index)
    if (failed.length > 0 && dice.chance(0.4)) {
      await nextSecond()
      const again = await caller.begin('push', '/api/push/retry', { push_id: work.id })
      if (again !== null)
        await settle(
          again,
          false,
          failed.flatMap((index) => told[index] ?? []),
        )
    }
    return told.map(({ key }) => key)
  }

  const updateTitles = async (keys: readonly string[]): Promise<void> => {
    const chosen = [...keys.filter(() => dice.chance(0.5)), `${PREFIX}-nobody`]
    const title = `Updated ${dice.between(1, 1_000)}`
    rowsSent += chosen.length
    const work = await caller.begin('status-update', '/api/push/status-update', {
      client_id: client.id,
      object: 'placement',
      updates: chosen.map((key) => ({ match: { key }, fields: { title } })),
      options: { transport: dice.pick(['collections', 'bulk']) },
    })
    if (work === null) return
    await settle(
      work,
      false,
      ofExisting(chosen, (expected) => ({ ...expected, title })),
    )
  }

  const linkToCompany = async (keys: readonly string[]): Promise<void> => {
    const chosen = [...keys.filter(() => dice.chance(0.3)), `${PREFIX}-nobody`]
    const company = dice.between(1, 6)
    rowsSent += chosen.length
    const work = await caller.begin('link', '/api/push/link', {
      client_id: client.id,
      links: chosen.map((key) => ({
        object: 'placement',
        match: { key },
        field: 'company',
        target: { object: 'company', match: { key: `company-${company}` } },
      })),
      options: { transport: dice.pick(['collections', 'bulk']) },
    })
    if (work === null) return
    await settle(
      work,
      false,
      ofExisting(chosen, (expected) => ({ ...expected, company })),
    )
  }

  /** Rows about records that have to exist already. */
  const ofExisting = (keys: readonly string[], change: (expected: Expected) => Expected) =>
    keys.map((key) => {
      const known = model.get(key)
      return {
        key,
        // Where it is not known whether the record exists, both are right.
        bad: known === undefined ? 'RECORD_NOT_FOUND' : null,
        apply: (id: string) =>
          change(known ?? { id, title: null, salary: null, remote: null, company: null }),
      }
    })

  return {
    rows: () => rowsSent,
    run: async () => {
      while (!storm.isOver()) {
        const keys = await pushFamily()
        if (keys.length > 0 && dice.chance(0.5)) {
          await nextSecond()
          const certain = keys.filter((key) => !doubtful.has(key))
          await (dice.chance(0.5) ? updateTitles(certain) : linkToCompany(certain))
        }
        await pass(dice.between(100, 2_000))
      }
    },
    check: async () => {
      const accounts = await simulator.control.act('records/list', {
        org: salesforceOrg,
        object: 'Account',
      })
      const numbers = new Map(
        accounts.map((account) => [
          String(account['Id']),
          String(account['Key__c']).replace('company-', ''),
        ]),
      )
      const records = await recordsOf(simulator, salesforceOrg, PREFIX)
      const seen = new Set<string>()
      const wrong: unknown[] = []
      for (const record of records) {
        const key = String(record['External_Key__c'])
        if (seen.has(key)) wrong.push({ twice: record })
        seen.add(key)
        const company = numbers.get(String(record['Company__c']))
        const found: Expected = {
          id: String(record['Id']),
          title: record['Title__c'],
          salary: record['Salary__c'],
          remote: record['Is_Remote__c'],
          company: company === undefined ? null : Number(company),
        }
        const expected = model.get(key)
        if (doubtful.has(key) || JSON.stringify(found) === JSON.stringify(expected)) continue
        wrong.push({ key, found, expected })
      }
      const missing = [...model.keys()].filter((key) => !seen.has(key) && !doubtful.has(key))
      if (wrong.length + missing.length > 0) {
        throw new Error(
          `of ${records.length} records of ${name}, ${wrong.length} are not as told and ${missing.length} are missing: ` +
            JSON.stringify({ wrong: wrong.slice(0, 4), missing: missing.slice(0, 8) }),
        )
      }
    },
  }
}
