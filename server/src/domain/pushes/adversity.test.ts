// Pushes when something around them is missing, late or ended.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { discardExpired } from '../../jobs/jobs.ts'
import { createPushJournal } from './journal.ts'
import { createPushRig, type PushRig } from './testing/rig.ts'
import { type PushWithResults } from './pushes.ts'

let rig: PushRig
let clientId: string
let next = 0

beforeAll(async () => {
  rig = await createPushRig(await createDatabase())
  clientId = await rig.client()
})
afterEach(() => {
  rig.world.budgetSpent = false
  rig.world.nangoAway = false
  rig.world.afterOpen = async () => undefined
  rig.world.beforeWrite = async () => undefined
})
afterAll(() => rig.close())

const records = (count: number, values: (n: number) => Record<string, unknown> = () => ({})) => {
  next += 1
  return Array.from({ length: count }, (_, n) => ({ key: `r${next}-${n}`, ...values(n) }))
}

const get = (id: string): Promise<PushWithResults> => rig.first.pushes.get(rig.tenant, id)

const ended = (id: string): Promise<PushWithResults> =>
  until('the push has ended', async () => {
    const push = await get(id)
    return ['queued', 'in_progress'].includes(push.status) ? null : push
  })

const pushesStored = async (): Promise<number> => {
  const [row] = await rig.database.query<{ n: string }>('select count(*) as n from crm_push_logs')
  return Number(row?.n)
}

const writes = async (): Promise<number> =>
  (await rig.control.journal()).filter(
    ({ method, path }) => method === 'PATCH' && path.includes('/composite/sobjects'),
  ).length

/** A push of which every row ended without being sent. */
const cancelled = async (rows: readonly unknown[]): Promise<PushWithResults> => {
  rig.world.budgetSpent = true
  const { id } = await rig.push(clientId, rows, { transport: 'collections' }, 0)
  await until('it stands still', async () => (await get(id)).error !== null)
  await rig.first.pushes.cancel(rig.caller, id)
  const push = await ended(id)
  rig.world.budgetSpent = false
  return push
}

describe('all or none', () => {
  it('sends nothing of a set that one of its rows forbids, however large the rows are', async () => {
    const rows = records(180, () => ({ notes: 'n'.repeat(30_000) }))
    const before = await pushesStored()
    await rig.control.clearJournal()
    await expect(
      rig.push(clientId, [...rows, { key: null }], { all_or_none: true }),
    ).rejects.toMatchObject({ code: 'bad_request' })
    expect(await writes()).toBe(0)
    expect(await pushesStored()).toBe(before)
  })

  it('is checked by a dry run as by the push', async () => {
    const rows = records(5).map((row, n) => (n === 3 ? { ...row, key: null } : row))
    const told = (push: PushWithResults) =>
      push.results?.map(({ success, errors }) => [success, errors.map(({ code }) => code)])
    const options = { all_or_none: true }
    const dry = await rig.push(clientId, rows, { ...options, dry_run: true })
    const real = await rig.push(clientId, rows, options)
    expect(real).toMatchObject({ status: 'failed', failed: 5 })
    expect(told(dry)).toEqual(told(real))
  })
})

describe('a retry', () => {
  it('has its rows in the order of the input, whatever they shared', async () => {
    const accounts = await rig.control.act('records/insert', {
      org: rig.sfdcOrg.name,
      object: 'Account',
      rows: [{ Name: 'One' }, { Name: 'Two' }],
    })
    const ids = accounts.map((row) => (row.success === true ? row.id : ''))
    const rows = records(420, (n) => ({ company: ids[n % 2] }))
    const first = await cancelled(rows)
    expect(first).toMatchObject({ status: 'failed', failed: 420 })
    const again = await rig.first.pushes.retry(rig.caller, {
      push_id: first.id,
      wait_seconds: 30,
    })
    expect(again).toMatchObject({ status: 'succeeded', created_count: 420 })
    expect(again.results?.map(({ key }) => key)).toEqual(rows.map(({ key }) => key))
  })

  it('is of all failed rows or of none', async () => {
    const first = await cancelled(records(420))
    await rig.database.query('delete from push_rows where push_id = $1 and block_no = 1', [
      first.id,
    ])
    const before = await pushesStored()
    await expect(
      rig.first.pushes.retry(rig.caller, { push_id: first.id, wait_seconds: 0 }),
    ).rejects.toMatchObject({ code: 'nothing_to_retry' })
    expect(await pushesStored()).toBe(before)
  })
})

describe('a push while no session can be had', () => {
  it.each(['collections', 'bulk'] as const)(
    'is paused, says so, and completes however long it took (%s)',
    async (transport) => {
      rig.world.nangoAway = true
      const { id } = await rig.push(clientId, records(400), { transport }, 0)
      const standing = await until('it stands still', async () => {
        const push = await get(id)
        return push.error === null ? null : push
      })
      expect(standing).toMatchObject({
        status: 'in_progress',
        processed: 0,
        error: { code: 'nango_error' },
      })
      expect(standing.error?.resumes_at).toBeTypeOf('string')
      const tries = async () =>
        rig.database.query<{ faults: number; claims: number }>(
          'select faults, claims from push_chunks where push_id = $1 order by seq',
          [id],
        )
      const heldAgain = standing.error?.resumes_at
      await until('it has tried again', async () => {
        const push = await get(id)
        return push.error !== null && push.error.resumes_at !== heldAgain
      })
      for (const { faults, claims } of await tries()) {
        expect(faults).toBe(0)
        expect(claims).toBeLessThanOrEqual(1)
      }
      rig.world.nangoAway = false
      expect(await ended(id)).toMatchObject({
        status: 'succeeded',
        created_count: 400,
        error: null,
      })
    },
  )
})

describe('what is past its time', () => {
  it('goes, however many pushes a day there are', async () => {
    const pushes = await Promise.all(
      Array.from({ length: 50 }, () =>
        rig.push(clientId, [{ key: 'x', stage: 'no such stage' }], {}),
      ),
    )
    const ids = pushes.map(({ id }) => id)
    await rig.database.query(
      `update crm_push_logs set results_expire_at = now() - interval '1 day' where id = any($1)`,
      [ids],
    )
    await discardExpired(rig.db, new AbortController().signal)
    const left = await rig.database.query(
      `select push_id from push_results where push_id = any($1)
       union select push_id from push_rows where push_id = any($1)`,
      [ids],
    )
    expect(left).toEqual([])
  })
})

describe('the repetition of an upload', () => {
  it('is read no further than the push goes', async () => {
    const { id } = await rig.push(clientId, records(1), {})
    async function* endless() {
      for (;;) yield [{ source: '{}' }]
    }
    expect(await rig.first.pushes.isSameUpload(rig.tenant, id, endless())).toBe(false)
  })
})

describe('a replica that cannot reach the database', () => {
  it('sends no more once its lease may be somebody else’s', async () => {
    const dying = await rig.replica(false)
    let open = (): void => undefined
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    let waiting = 0
    rig.world.beforeWrite = async () => {
      waiting += 1
      await opened
    }
    await rig.first.jobs.stop()
    const { id } = await rig.push(clientId, records(200), {}, 0)
    const [lane] = await rig.database.query<{ id: string }>(
      'select id from push_lanes where push_id = $1',
      [id],
    )
    const run = dying.pushes.worker.run(
      { orgId: rig.tenant.orgId, clientId, id: lane?.id ?? '' },
      new AbortController().signal,
    )
    const over = run.then(
      () => undefined,
      () => undefined,
    )
    await until('it is about to send', async () => waiting === 1)
    await dying.db.close()
    rig.world.beforeWrite = async () => undefined
    const living = await rig.replica()
    try {
      expect(await ended(id)).toMatchObject({ status: 'succeeded', created_count: 200 })
      await rig.control.clearJournal()
      open()
      await over
      expect(await writes()).toBe(0)
    } finally {
      open()
      await Promise.all([living, dying].map((one) => one.close()))
    }
  })
})

describe('a connection that changes while a push is under way', () => {
  /** Works on a push of one chunk, whose connection is granted anew after each of the first `times` looks at it. */
  const holdersOfEachOpening = async (times: number): Promise<(string | null)[]> => {
    const { id } = await rig.push(clientId, records(3), { transport: 'collections' }, 0)
    const [lane] = await rig.database.query<{ id: string }>(
      'select id from push_lanes where push_id = $1',
      [id],
    )
    const holders: (string | null)[] = []
    rig.world.afterOpen = async () => {
      const [chunk] = await rig.database.query<{ lease_holder: string | null }>(
        'select lease_holder from push_chunks where push_id = $1',
        [id],
      )
      if (holders.push(chunk?.lease_holder ?? null) > times) return
      await rig.database.query(
        'update crm_connections set generation = generation + 1 where client_id = $1',
        [clientId],
      )
    }
    await rig.control.clearJournal()
    const work = { orgId: rig.tenant.orgId, clientId, id: lane?.id ?? '' }
    await rig.first.pushes.worker.run(work, new AbortController().signal)
    expect(await get(id)).toMatchObject({ status: 'succeeded', created_count: 3 })
    expect(await writes()).toBe(1)
    return holders
  }

  it('is opened again by the chunk at hand, which keeps its turn', async () => {
    const holders = await holdersOfEachOpening(3)
    expect(holders).toHaveLength(4)
    expect(new Set(holders).size).toBe(1)
  })

  it('makes a chunk give its turn back when it has changed once too often', async () => {
    const holders = await holdersOfEachOpening(4)
    expect(holders).toHaveLength(5)
    expect(new Set(holders.slice(0, 4)).size).toBe(1)
    expect(holders[4]).not.toBe(holders[0])
  })
})

describe('a chunk that is prepared while the one before it is on the wire', () => {
  it('is not sent once the push is cancelled, although its intent was stored before', async () => {
    const { id } = await rig.push(clientId, records(4_000), { transport: 'collections' }, 0)
    const [lane] = await rig.database.query<{ id: string }>(
      'select id from push_lanes where push_id = $1 limit 1',
      [id],
    )
    const intents = async () => {
      const [row] = await rig.database.query<{ n: number }>(
        'select count(send_state)::int as n from push_chunks where push_id = $1',
        [id],
      )
      return row?.n
    }
    let calls = 0
    rig.world.beforeWrite = async () => {
      calls += 1
      if (calls !== 2) return
      await until('the next chunk is prepared', async () => (await intents()) === 2)
      await rig.first.pushes.cancel(rig.caller, id)
    }
    await rig.control.clearJournal()
    const work = { orgId: rig.tenant.orgId, clientId, id: lane?.id ?? '' }
    while ((await rig.first.pushes.worker.run(work, new AbortController().signal)) === 'again');
    expect(await get(id)).toMatchObject({
      status: 'partial',
      succeeded: 400,
      failed: 3_600,
      error: { code: 'cancelled' },
    })
    expect(await writes()).toBe(2)
  })
})

describe('the journal of a push', () => {
  const journalOf = (id: string) =>
    createPushJournal(
      rig.db,
      { announce: async () => undefined },
      { tenant: rig.tenant, clientId, pushId: id },
      { retentionDays: 30, leaseSeconds: 2 },
    )
  /** Accepted, and worked on only by the test: the queue of this rig has been stopped. */
  const accepted = async (): Promise<string> => (await rig.push(clientId, records(1), {}, 0)).id

  it('keeps what Salesforce says even where PostgreSQL could not', async () => {
    const id = await accepted()
    await journalOf(id).stop({ code: 'client_inactive', message: 'half \ud83d and \0' })
    const [row] = await rig.database.query<{ stop: unknown }>(
      'select stop from crm_push_logs where id = $1',
      [id],
    )
    expect(row?.stop).toEqual({ code: 'client_inactive', message: 'half \ufffd and \ufffd' })
  })

  /** How long it is paused from now on. */
  const heldFor = async (id: string): Promise<number> => {
    const [row] = await rig.database.query<{ seconds: number }>(
      `select extract(epoch from resume_at - now())::float8 as seconds from crm_push_logs where id = $1`,
      [id],
    )
    return row?.seconds ?? 0
  }

  it('lets nothing hold a cancelled push up for long', async () => {
    const id = await accepted()
    await rig.first.pushes.cancel(rig.caller, id)
    await journalOf(id).hold({ code: 'api_budget_exhausted', message: 'spent' }, 3_600)
    expect(await heldFor(id)).toBeLessThan(60)
  })

  it('looks again within hours, whatever a Retry-After says', async () => {
    const id = await accepted()
    await journalOf(id).hold({ code: 'salesforce_error', message: '503' }, 999_999)
    expect(await heldFor(id)).toBeLessThanOrEqual(3_600)
    expect(await heldFor(id)).toBeGreaterThan(3_000)
  })
})
