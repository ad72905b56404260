import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { createPushRig, type PushRig } from './testing/rig.ts'
import { type PushWithResults } from './pushes.ts'

let rig: PushRig
let clientId: string
let next = 0

beforeAll(async () => {
  rig = await createPushRig(await createDatabase())
  clientId = await rig.client()
})
beforeEach(async () => {
  rig.world.budgetSpent = false
  rig.world.beforeWrite = async () => undefined
  rig.world.mostWriting = 0
  await rig.control.clearFaults()
})
afterEach(() => openGates())
afterAll(() => rig.close())

let openGates = (): void => undefined

interface Keyed {
  key: string
  notes: string
}

/** Records with keys that no other test uses. */
const records = (
  count: number,
  values: (n: number) => Record<string, unknown> = () => ({}),
): Keyed[] => {
  next += 1
  return Array.from({ length: count }, (_, n) => ({
    key: `t${next}-${n}`,
    notes: `note ${n}`,
    ...values(n),
  }))
}

const get = (id: string): Promise<PushWithResults> => rig.first.pushes.get(rig.tenant, id)
const isRunning = ({ status }: PushWithResults) => ['queued', 'in_progress'].includes(status)

const ended = (id: string): Promise<PushWithResults> =>
  until('the push has ended', async () => {
    const push = await get(id)
    return isRunning(push) ? null : push
  })

/** How often each key is in the Salesforce org. */
const stored = async (rows: readonly { key: string | null }[]): Promise<number[]> => {
  const counts = new Map<unknown, number>()
  for (const row of await rig.records()) {
    const key = row['External_Key__c']
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return rows.map(({ key }) => counts.get(key) ?? 0)
}

const codesOf = (push: PushWithResults): string[] =>
  (push.results ?? []).flatMap(({ errors }) => errors.map(({ code }) => code))

/** Lets the first `passing` calls that write through; the others wait until `open`. */
const gate = (passing: number) => {
  let calls = 0
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  rig.world.beforeWrite = async () => {
    calls += 1
    if (calls > passing) await opened
  }
  openGates = open
  return { open, calls: () => calls }
}

describe('a push', () => {
  it('brings every record into the Salesforce org, with one result each in input order', async () => {
    const rows = records(450)
    const push = await rig.push(clientId, rows)
    expect(push).toMatchObject({
      status: 'succeeded',
      transport: 'collections',
      total: 450,
      processed: 450,
      succeeded: 450,
      failed: 0,
      created_count: 450,
      updated_count: 0,
      error: null,
    })
    expect(push.results?.map(({ index, key }) => [index, key])).toEqual(
      rows.map(({ key }, index) => [index, key]),
    )
    const there = new Map((await rig.records()).map((row) => [row['External_Key__c'], row]))
    for (const result of push.results ?? []) {
      expect(there.get(result.key)).toMatchObject({
        Id: result.id,
        Notes__c: `note ${result.index}`,
      })
    }
    const again = await rig.push(clientId, rows)
    expect(again).toMatchObject({ succeeded: 450, created_count: 0, updated_count: 450 })
  })

  it('gives rows that cannot be sent their results and sends the others', async () => {
    const rows = records(60)
    const bad = rows.map((row, n) => (n % 3 === 0 ? { ...row, key: null } : row))
    const push = await rig.push(clientId, bad)
    expect(push).toMatchObject({ status: 'partial', total: 60, succeeded: 40, failed: 20 })
    expect(push.results?.map(({ success, attempts }) => [success, attempts])).toEqual(
      bad.map(({ key }) => (key === null ? [false, 0] : [true, 1])),
    )
    expect(new Set(codesOf(push))).toEqual(new Set(['KEY_MISSING']))
  })

  it('keeps no input when it has ended, but for the rows that failed', async () => {
    const rows = records(250).map((row, n) => (n === 7 ? { ...row, key: null } : row))
    const push = await rig.push(clientId, rows)
    const kept = await rig.database.query<{ rows: number; ready: Buffer | null }>(
      'select rows, ready from push_rows where push_id = $1',
      [push.id],
    )
    expect(kept).toEqual([{ rows: 1, ready: null }])
  })

  it('leaves one audit row with its outcome and calls', async () => {
    const push = await rig.push(clientId, records(201))
    const rows = await rig.database.query(
      `select action, outcome, salesforce_api_calls, user_id from audit_log where target_id = $1`,
      [push.id],
    )
    expect(push.salesforce_api_calls).toBeGreaterThanOrEqual(2)
    expect(rows).toEqual([
      {
        action: 'push.records',
        outcome: 'ok',
        salesforce_api_calls: push.salesforce_api_calls,
        user_id: rig.caller.userId,
      },
    ])
  })

  it('has its counters from what is stored, whenever one looks', async () => {
    const door = gate(3)
    const { id } = await rig.push(clientId, records(2_400), { transport: 'collections' }, 0)
    await until('eight chunks more are under way', () => door.calls() === 11)
    const push = await until('the first three are counted', async () => {
      const now = await get(id)
      return now.processed === 600 ? now : null
    })
    const page = await rig.first.pushes.results(rig.tenant, id, { limit: 10_000 })
    expect(page.items).toHaveLength(600)
    expect(push).toMatchObject({ status: 'in_progress', succeeded: 600, created_count: 600 })
    door.open()
    expect(await ended(id)).toMatchObject({ status: 'succeeded', processed: 2_400 })
  })

  it('is unknown to other orgs and to company users of other clients', async () => {
    const push = await rig.push(clientId, records(1))
    const otherClient = '0199a1b2-0000-7000-8000-0000000000c9'
    for (const tenant of [
      { orgId: '0199a1b2-0000-7000-8000-0000000000a9', clientId: null },
      { ...rig.tenant, clientId: otherClient },
    ]) {
      await expect(rig.first.pushes.get(tenant, push.id)).rejects.toMatchObject({
        code: 'not_found',
      })
    }
  })
})

describe('a push of more than 2,000 rows', () => {
  it('uses Bulk as one part, and is joined to its input row by row', async () => {
    const rows = records(6_000).map((row, n) => (n % 1_000 === 5 ? { ...row, key: null } : row))
    const push = await rig.push(clientId, rows, {}, 55)
    expect(push).toMatchObject({
      status: 'partial',
      transport: 'bulk',
      total: 6_000,
      processed: 6_000,
      created_count: 5_994,
      failed: 6,
    })
    expect(push).not.toHaveProperty('results')
    const { items } = await rig.first.pushes.results(rig.tenant, push.id, { limit: 10_000 })
    expect(items.map(({ index, key }) => [index, key])).toEqual(
      rows.map(({ key }, index) => [index, key]),
    )
    const there = new Map((await rig.records()).map((row) => [row['External_Key__c'], row.Id]))
    for (const { key, id, success } of items) {
      expect(id, String(key)).toBe(success ? there.get(key) : null)
    }
    expect(await rig.count('push_chunks', push.id)).toBe(1)
    expect(await rig.count('push_rows', push.id)).toBe(3)
  })
})

describe('a dry run', () => {
  it('checks every row, makes no Salesforce call, and keeps results without rows', async () => {
    const rows = records(250).map((row, n) => (n < 50 ? { ...row, key: null } : row))
    await rig.control.clearJournal()
    const push = await rig.push(clientId, rows, { dry_run: true })
    expect(push).toMatchObject({
      status: 'partial',
      dry_run: true,
      succeeded: 200,
      failed: 50,
      created_count: 0,
      updated_count: 0,
      dry_run_counts: { would_update: 0, would_send: 200 },
      salesforce_api_calls: 0,
    })
    expect(await rig.control.journal()).toEqual([])
    expect(push.results?.slice(49, 51).map(({ action, success }) => [action, success])).toEqual([
      ['failed', false],
      ['would_send', true],
    ])
    expect(await rig.count('push_rows', push.id)).toBe(0)
    expect(await stored(rows.slice(50, 52))).toEqual([0, 0])
  })
})

describe('all or none', () => {
  it('is one call of at most 200 rows', async () => {
    const push = await rig.push(clientId, records(200), { all_or_none: true })
    expect(push).toMatchObject({ status: 'succeeded', transport: 'collections', succeeded: 200 })
    expect(rig.world.mostWriting).toBe(1)
    await expect(async () =>
      rig.push(clientId, records(201), { all_or_none: true }),
    ).rejects.toMatchObject({ code: 'all_or_none_too_large' })
  })

  it('sends nothing when one row cannot be sent', async () => {
    const rows = records(5)
    const bad = rows.map((row, n) => (n === 3 ? { ...row, key: null } : row))
    const push = await rig.push(clientId, bad, { all_or_none: true })
    expect(push).toMatchObject({ status: 'failed', failed: 5, salesforce_api_calls: 0 })
    expect(codesOf(push)).toEqual([
      'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      'KEY_MISSING',
      'ALL_OR_NONE_OPERATION_ROLLED_BACK',
    ])
    expect(await stored(rows)).toEqual([0, 0, 0, 0, 0])
  })
})

describe('a paused push', () => {
  it('keeps its progress while the API budget is used up, and resumes by itself', async () => {
    const rows = records(600)
    let calls = 0
    rig.world.beforeWrite = async () => {
      calls += 1
      if (calls === 1) rig.world.budgetSpent = true
    }
    const { id } = await rig.push(clientId, rows, {}, 0)
    const held = await until('it says why', async () => {
      const push = await get(id)
      return push.error === null ? null : push
    })
    expect(held).toMatchObject({ status: 'in_progress', error: { code: 'api_budget_exhausted' } })
    expect(Date.parse(held.error?.resumes_at ?? '')).toBeGreaterThan(Date.parse(held.created_at))
    rig.world.budgetSpent = false
    expect(await ended(id)).toMatchObject({
      status: 'succeeded',
      error: null,
      created_count: 600,
      succeeded: 600,
    })
    expect((await stored(rows)).every((count) => count === 1)).toBe(true)
  })

  it('waits for a lost connection, and ends by cancelling with every row told', async () => {
    const rows = records(300)
    rig.world.budgetSpent = true
    const { id } = await rig.push(clientId, rows, {}, 0)
    await until('it stands still', async () => (await get(id)).error !== null)
    await rig.database.query(
      `update crm_connections set status = 'expired' where client_id = $1 and status = 'connected'`,
      [clientId],
    )
    try {
      await until('the connection is missed', async () => {
        const { error } = await get(id)
        return error?.code === 'connection_lost'
      })
      rig.world.budgetSpent = false
      await rig.first.pushes.cancel(rig.caller, id)
      const push = await ended(id)
      expect(push).toMatchObject({ status: 'failed', failed: 300, error: { code: 'cancelled' } })
      expect(new Set(codesOf(push))).toEqual(new Set(['CANCELLED']))
      expect(await stored(rows.slice(0, 1))).toEqual([0])
    } finally {
      rig.world.budgetSpent = false
      await rig.database.query(
        `update crm_connections set status = 'connected' where client_id = $1 and status = 'expired'`,
        [clientId],
      )
    }
  })
})

describe('a connection that ends during a push', () => {
  it('ends it too: what was sent is settled, every other row says why it was not', async () => {
    const rows = records(3_000)
    const door = gate(4)
    const { id } = await rig.push(clientId, rows, { transport: 'collections' }, 0)
    await until('eight chunks more are under way', () => door.calls() === 12)
    const status = (to: string, from: string) =>
      rig.database.query(
        `update crm_connections set status = $3 where client_id = $1 and status = $2`,
        [clientId, from, to],
      )
    await status('revoked', 'connected')
    try {
      door.open()
      const push = await ended(id)
      expect(push).toMatchObject({
        status: 'partial',
        succeeded: 2_400,
        failed: 600,
        error: { code: 'connection_revoked' },
      })
      const { items } = await rig.first.pushes.results(rig.tenant, id, {
        limit: 10_000,
        status: 'failed',
      })
      expect(new Set(items.flatMap(({ errors }) => errors.map(({ code }) => code)))).toEqual(
        new Set(['CONNECTION_REVOKED']),
      )
      expect((await stored(rows)).filter((count) => count === 1)).toHaveLength(2_400)
    } finally {
      await status('connected', 'revoked')
    }
  })
})

describe('rows of one parent', () => {
  it('are never sent side by side when they are many', async () => {
    const [account] = await rig.control.act('records/insert', {
      org: rig.sfdcOrg.name,
      object: 'Account',
      rows: [{ Name: 'Parent of many' }],
    })
    const company = account?.success === true ? account.id : ''
    const push = await rig.push(
      clientId,
      records(800, () => ({ company })),
    )
    expect(push).toMatchObject({ status: 'succeeded', succeeded: 800 })
    expect(rig.world.mostWriting).toBe(1)
  })
})

describe('what a push leaves behind', () => {
  it('is the shape of its values, for the conflict check, and none of a dry run', async () => {
    const rows = records(30, (n) => ({ stage: n < 10 ? 'Placed' : 'Offer', salary: 1_000 + n }))
    const push = await rig.push(clientId, rows)
    await rig.push(clientId, records(5), { dry_run: true })
    const [row] = await rig.database.query<{ mapping_id: string }>(
      'select mapping_id from crm_push_logs where id = $1',
      [push.id],
    )
    const last = await rig.first.pushes.lastPush(rig.tenant, row?.mapping_id ?? '')
    expect(last).toMatchObject({
      rows: 30,
      fields: {
        Stage__c: { empty: 0, values: { Placed: 10, Offer: 20 } },
        Salary__c: { smallest: 1_000, largest: 1_029 },
        Company__c: { empty: 30 },
      },
    })
    expect(JSON.stringify(last)).not.toContain('note 1')
  })
})

describe('a chunk that fails unexpectedly', () => {
  it('is tried again, and given up with an honest result instead of for ever', async () => {
    rig.world.beforeWrite = async () => {
      throw new Error('a bug of ours')
    }
    const { id } = await rig.push(clientId, records(3), {}, 0)
    /** Its pauses grow: lets the next one end. */
    const goOn = () =>
      rig.database.query(
        'update push_chunks set resume_at = null where push_id = $1 and lease_holder is null',
        [id],
      )
    const faultsAre = async (least: number): Promise<boolean> => {
      await goOn()
      const [chunk] = await rig.database.query<{ faults: number }>(
        'select faults from push_chunks where push_id = $1',
        [id],
      )
      return (chunk?.faults ?? 0) >= least
    }
    await until('it was tried again', () => faultsAre(2), 30_000)
    await rig.database.query('update push_chunks set faults = 5 where push_id = $1', [id])
    const push = await until(
      'it was given up',
      async () => {
        await goOn()
        const now = await get(id)
        return isRunning(now) ? null : now
      },
      30_000,
    )
    expect(push).toMatchObject({ status: 'failed', failed: 3, processed: 3 })
    expect(new Set(codesOf(push))).toEqual(new Set(['OUTCOME_UNKNOWN']))
  })
})

describe('cancelling', () => {
  it('settles what was sent and fails every other row with CANCELLED', async () => {
    const rows = records(3_000)
    const door = gate(4)
    const { id } = await rig.push(clientId, rows, { transport: 'collections' }, 0)
    await until('eight chunks more are under way', () => door.calls() === 12)
    await rig.first.pushes.cancel(rig.caller, id)
    door.open()
    const push = await ended(id)
    expect(push).toMatchObject({
      status: 'partial',
      total: 3_000,
      processed: 3_000,
      succeeded: 2_400,
      failed: 600,
      error: { code: 'cancelled' },
    })
    const { items } = await rig.first.pushes.results(rig.tenant, id, { limit: 10_000 })
    expect(items.map(({ index }) => index)).toEqual(rows.map((_, index) => index))
    expect(await stored(rows)).toEqual(items.map(({ success }) => (success ? 1 : 0)))
  })
})

describe('retrying', () => {
  const retry = (
    { id }: PushWithResults,
    changes?: { index: number; set: Record<string, unknown> }[],
  ): Promise<PushWithResults> =>
    rig.first.pushes.retry(rig.caller, { push_id: id, changes, wait_seconds: 30 })

  /** Follows retries to the last one. */
  const newestRetryOf = async ({ id }: PushWithResults): Promise<PushWithResults> => {
    const { rows } = await rig.db.pool.query<{ id: string }>(
      `with recursive line as (
         select id from crm_push_logs where id = $1
         union all select r.id from crm_push_logs r join line on r.retry_of = line.id)
       select max(id::text) as id from line`,
      [id],
    )
    return get(rows[0]?.id ?? id)
  }

  it('pushes the failed rows only, as they came, and says of which push they are', async () => {
    const rows = records(450)
    const bad = rows.map((row, n) => (n % 100 === 7 ? { ...row, notes: 'x', key: null } : row))
    const first = await rig.push(clientId, bad)
    expect(first).toMatchObject({ succeeded: 445, failed: 5 })
    const again = await rig.first.pushes.retry(rig.caller, {
      push_id: first.id,
      wait_seconds: 30,
    })
    expect(again).toMatchObject({ retry_of: first.id, total: 5, failed: 5 })
    await expect(
      rig.first.pushes.retry(rig.caller, {
        push_id: (await rig.push(clientId, records(1))).id,
        wait_seconds: 0,
      }),
    ).rejects.toMatchObject({ code: 'nothing_to_retry' })
  })

  it('sends what was mended with its new values, and all other rows as they came', async () => {
    const rows = records(450).map((row, n) => (n % 100 === 7 ? { ...row, key: null } : row))
    const first = await rig.push(clientId, rows)
    const { pushes } = rig.first
    const page = await pushes.failedRows(rig.tenant, first.id, { limit: 3 })
    expect(page.items.map(({ index }) => index)).toEqual([7, 107, 207])
    expect(page.items[1]).toMatchObject({
      row: { key: null, notes: 'note 107' },
      errors: [{ code: 'KEY_MISSING' }],
    })
    const rest = await pushes.failedRows(rig.tenant, first.id, {
      limit: 3,
      cursor: page.next_cursor ?? '',
    })
    expect(rest).toMatchObject({ items: [{ index: 307 }, { index: 407 }], next_cursor: null })
    const one = (index: number) => pushes.failedRows(rig.tenant, first.id, { index, limit: 1 })
    expect((await one(407)).items).toMatchObject([{ row: { notes: 'note 407' } }])
    expect((await one(8)).items).toEqual([])
    const lines: string[] = []
    for await (const piece of await pushes.streamFailedRows(rig.tenant, first.id)) {
      lines.push(...piece.toString().trimEnd().split('\n'))
    }
    expect(lines.map((line) => (JSON.parse(line) as { index: number }).index)).toEqual([
      7, 107, 207, 307, 407,
    ])

    await expect(retry(first, [{ index: 8, set: { key: 'k' } }])).rejects.toMatchObject({
      code: 'bad_request',
      errors: [{ path: 'changes.0.index', code: 'not_failed' }],
    })
    await expect(
      retry(first, [
        { index: 7, set: { key: 'k' } },
        { index: 7, set: { key: 'k' } },
      ]),
    ).rejects.toMatchObject({ errors: [{ path: 'changes.1.index', code: 'duplicate' }] })
    const again = await retry(first, [{ index: 107, set: { key: `mended-${first.id}` } }])
    expect(again).toMatchObject({ retry_of: first.id, total: 5, succeeded: 1, failed: 4 })
    const [mended] = (await rig.records()).filter(
      (record) => record['External_Key__c'] === `mended-${first.id}`,
    )
    expect(mended).toMatchObject({ Notes__c: 'note 107' })
  })

  it('never sends a row that repeats the key of another one, until it has a free key of its own', async () => {
    const [one, other] = records(2) as [Keyed, Keyed]
    const first = await rig.push(clientId, [
      { ...one, notes: 'first' },
      { ...one, notes: 'repeated' },
      { key: null, notes: 'no key' },
      { ...other, notes: 'other' },
      // Of the next two only the second can be sent; mended, the first would overwrite it.
      { key: `${one.key}-c`, notes: { no: 'text' } },
      { key: `${one.key}-c`, notes: 'taken' },
    ])
    expect(first).toMatchObject({ succeeded: 3, failed: 3 })
    const notes = async (): Promise<unknown[]> =>
      (await rig.records())
        .filter((record) =>
          String(record['External_Key__c']).startsWith(one.key.split('-')[0] ?? ''),
        )
        .map((record) => record['Notes__c'])
    const repeated = 'DUPLICATE_KEY_IN_INPUT'

    const second = await retry(first, [
      { index: 2, set: { key: `${one.key}-b` } },
      { index: 4, set: { notes: 'mended' } },
    ])
    expect(second).toMatchObject({ total: 3, succeeded: 1, failed: 2 })
    expect(codesOf(second), 'neither is sent').toEqual([repeated, repeated])
    expect((await notes()).toSorted()).toEqual(['first', 'no key', 'other', 'taken'])

    // The keys of rows that the first push wrote, and the old key with another value, are not free.
    const upper = one.key.toUpperCase()
    for (const set of [
      { notes: 'new' },
      { key: other.key },
      { key: upper },
      { key: `${one.key}-b` },
    ]) {
      const refused = await retry(await newestRetryOf(second), [{ index: 0, set }])
      expect(codesOf(refused), JSON.stringify(set)).toEqual([repeated, repeated])
    }
    expect((await notes()).toSorted()).toEqual(['first', 'no key', 'other', 'taken'])
    const last = await retry(await newestRetryOf(second), [
      { index: 0, set: { key: `${one.key}-d` } },
    ])
    expect(last).toMatchObject({ succeeded: 1, failed: 1 })
    // The row still has what a change of an earlier retry gave it.
    expect((await notes()).toSorted()).toEqual(['first', 'new', 'no key', 'other', 'taken'])
  })

  it('of updates leaves repeated ones out in the same way', async () => {
    const [one] = records(1) as [Keyed]
    await rig.push(clientId, [one])
    const update = (notes: string) => ({ match: { key: one.key }, fields: { notes } })
    const missing = { match: { key: `${one.key}-none` }, fields: { notes: 'x' } }
    const first = await rig.first.pushes.push(
      rig.caller,
      {
        kind: 'status_update',
        client_id: clientId,
        object: 'placement',
        options: rig.OPTIONS,
        wait_seconds: 30,
      },
      [update('first'), update('repeated'), missing],
    )
    expect(codesOf(first)).toEqual(['DUPLICATE_KEY_IN_INPUT', 'RECORD_NOT_FOUND'])
    const again = await retry(first, [{ index: 2, set: { match: { key: one.key } } }])
    expect(codesOf(again)).toEqual(['DUPLICATE_KEY_IN_INPUT', 'DUPLICATE_KEY_IN_INPUT'])
    const [record] = (await rig.records()).filter(({ External_Key__c: key }) => key === one.key)
    expect(record).toMatchObject({ Notes__c: 'first' })
  })

  it('happens once to a push: what failed again is retried with its retry', async () => {
    const first = await rig.push(clientId, [{ key: null }, ...records(2)])
    const tried = await Promise.allSettled([1, 2, 3].map(() => retry(first)))
    const [done, ...more] = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(more).toEqual([])
    const refused = tried.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as unknown] : [],
    )
    expect(refused).toMatchObject([{ code: 'already_retried' }, { code: 'already_retried' }])
    await expect(retry(first)).rejects.toMatchObject({
      code: 'already_retried',
      message: expect.stringContaining(done?.id ?? 'none') as unknown,
    })
    expect(await retry(done as PushWithResults)).toMatchObject({ retry_of: done?.id, failed: 1 })
  })

  it('sends nothing if a change names a member that no row has', async () => {
    const first = await rig.push(clientId, [
      { key: null },
      { ...records(1)[0], notes: { no: 'text' } },
    ])
    await expect(
      retry(first, [
        { index: 0, set: { key: 'never' } },
        { index: 1, set: { notes: 'x', nots: 'y' } },
      ]),
    ).rejects.toMatchObject({
      code: 'bad_request',
      errors: [{ path: 'changes.1.set.nots', code: 'unknown_field' }],
    })
    expect(await stored([{ key: 'never' }])).toEqual([0])
    // A column that the file had and nobody mended is a fault of its row only.
    const odd = await rig.push(clientId, [{ ...records(1)[0], colum: 'z' }])
    expect(codesOf(await retry(odd, [{ index: 0, set: { notes: 'x' } }]))).toEqual([
      'UNKNOWN_FIELD',
    ])
  })

  it('with changes is whole or refused, while a different replica discards the rows', async () => {
    const rows = records(450).map((row, n) => (n % 100 === 7 ? { ...row, key: null } : row))
    const first = await rig.push(clientId, rows)
    const replica = await rig.db.pool.connect()
    try {
      // Nothing of it is visible before it commits, so the retry begins; then its reading waits for the lock.
      await replica.query('begin')
      await replica.query('lock table push_rows in access exclusive mode')
      await replica.query(
        `update crm_push_logs set results_expire_at = now() - interval '1 day' where id = $1`,
        [first.id],
      )
      await replica.query('select engine_lookup.discard_expired()')
      const retried = rig.first.pushes
        .retry(rig.caller, {
          push_id: first.id,
          changes: [{ index: 107, set: { key: `late-${first.id}` } }],
          wait_seconds: 30,
        })
        .catch((error: unknown) => error)
      await until('the retry reads the rows', async () => {
        const { rows: waiting } = await rig.db.pool.query(
          `select from pg_locks where not granted and relation = 'push_rows'::regclass`,
        )
        return waiting.length > 0
      })
      await replica.query('commit')
      expect(await retried).toMatchObject({ code: 'nothing_to_retry' })
    } finally {
      await replica.query('rollback')
      replica.release()
    }
    const { rows: left } = await rig.db.pool.query<{ discarded: boolean; retries: number }>(
      `select results_discarded as discarded,
              (select count(*)::int from crm_push_logs r where r.retry_of = p.id) as retries
         from crm_push_logs p where id = $1`,
      [first.id],
    )
    expect(left).toEqual([{ discarded: true, retries: 0 }])
  })
})

describe('errors', () => {
  it('are counted by code and fields, with the first row of each, and lead to their rows', async () => {
    const rows = records(300).map((row, n) =>
      n % 100 === 7 ? { ...row, key: null } : n === 9 ? { ...row, notes: { no: 'text' } } : row,
    )
    const { id } = await rig.push(clientId, rows)
    const counted = await rig.first.pushes.errors(rig.tenant, id)
    expect(counted).toMatchObject({ rows_counted: 4, complete: true })
    expect(counted.items.map(({ count, first_index }) => [count, first_index])).toEqual([
      [3, 7],
      [1, 9],
    ])
    expect(counted.items[0]).toMatchObject({ code: 'KEY_MISSING' })
    expect(counted.items.every(({ remedy, message }) => remedy !== '' && message !== '')).toBe(true)
    const page = await rig.first.pushes.results(rig.tenant, id, { code: 'KEY_MISSING', limit: 50 })
    expect(page.items.map(({ index }) => index)).toEqual([7, 107, 207])
  })
})

describe('results', () => {
  it('come in input order, page by page and by their status, whatever order they were stored in', async () => {
    const rows = records(2_500).map((row, n) => (n % 10 === 3 ? { ...row, key: null } : row))
    const { id } = await rig.push(clientId, rows, { transport: 'collections' }, 55)
    const read = async (status?: 'failed' | 'succeeded', limit = 999) => {
      const indices: number[] = []
      let cursor: string | undefined
      do {
        const page = await rig.first.pushes.results(rig.tenant, id, { status, limit, cursor })
        indices.push(...page.items.map(({ index }) => index))
        cursor = page.next_cursor ?? undefined
      } while (cursor !== undefined)
      return indices
    }
    const all = rows.map((_, index) => index)
    expect(await read()).toEqual(all)
    expect(await read('failed', 7)).toEqual(all.filter((index) => index % 10 === 3))
    expect(await read('succeeded')).toEqual(all.filter((index) => index % 10 !== 3))
    const lines: string[] = []
    for await (const piece of await rig.first.pushes.streamResults(rig.tenant, id, {})) {
      lines.push(...piece.toString().trimEnd().split('\n'))
    }
    expect(lines.map((line) => (JSON.parse(line) as { index: number }).index)).toEqual(all)
    await expect(
      rig.first.pushes.results(rig.tenant, id, { limit: 5, cursor: 'nonsense' }),
    ).rejects.toMatchObject({ code: 'invalid_cursor' })
  })

  it('go when their time is over, with the input of failed rows, and the push stays', async () => {
    const rows = records(210).map((row, n) => (n === 0 ? { ...row, key: null } : row))
    const { id } = await rig.push(clientId, rows)
    await rig.database.query(
      `update crm_push_logs set results_expire_at = now() - interval '1 second' where id = $1`,
      [id],
    )
    await rig.db.lookup('discard_expired')
    expect(await rig.count('push_results', id)).toBe(0)
    expect(await rig.count('push_rows', id)).toBe(0)
    expect(await get(id)).toMatchObject({ total: 210, failed: 1 })
    await expect(rig.first.pushes.results(rig.tenant, id, { limit: 5 })).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})

describe('several replicas', () => {
  it('share a push, never a chunk, and never more than eight at once in a Salesforce org', async () => {
    const others = await Promise.all([rig.replica(), rig.replica()])
    try {
      await rig.control.act('records/pace', { org: rig.sfdcOrg.name, saveMs: 0.5 })
      const rows = records(4_000)
      await rig.control.clearJournal()
      const push = await rig.push(clientId, rows, { transport: 'collections' }, 55)
      expect(push).toMatchObject({ status: 'succeeded', succeeded: 4_000, created_count: 4_000 })
      expect((await stored(rows)).every((count) => count === 1)).toBe(true)
      const writes = (await rig.control.journal()).filter(
        ({ method, path }) => method === 'PATCH' && path.includes('/composite/sobjects'),
      )
      expect(writes).toHaveLength(20)
      expect(rig.world.mostWriting).toBeLessThanOrEqual(8)
      expect(rig.world.mostWriting).toBeGreaterThan(1)
    } finally {
      await rig.control.act('records/pace', { org: rig.sfdcOrg.name, saveMs: 0 })
      await Promise.all(others.map((other) => other.close()))
    }
  })

  it('take over the chunks of one that died, and nobody is created twice', async () => {
    const dying = await rig.replica(false)
    const rows = records(400)
    const door = gate(0)
    // Accepted by a replica without workers; the one that dies takes a chunk and falls silent before
    // sending it.
    await rig.first.jobs.stop()
    try {
      const { id } = await rig.push(clientId, rows, {}, 0)
      const lanes = await rig.database.query<{ id: string }>(
        'select id from push_lanes where push_id = $1',
        [id],
      )
      const work = { orgId: rig.tenant.orgId, clientId, id: lanes[0]?.id ?? '' }
      const run = dying.pushes.worker.run(work, new AbortController().signal)
      run.catch(() => undefined)
      await until('it is about to send', () => door.calls() === 1)
      await dying.db.close()
      rig.world.beforeWrite = async () => undefined
      const living = await rig.replica()
      const push = await ended(id)
      expect(push).toMatchObject({ status: 'succeeded', succeeded: 400, created_count: 400 })
      door.open()
      await run.catch(() => undefined)
      expect((await stored(rows)).every((count) => count === 1)).toBe(true)
      await living.close()
    } finally {
      door.open()
      await dying.close()
    }
  })
})
