import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { until } from '../../../../test/src/until.ts'
import { presentStanding } from '../connections/rows.ts'
import { createPushJournal, LeaseLost, StandingLost } from './journal.ts'
import { type RowResult } from './model.ts'
import { type Claim, createRounds, type Rounds } from './rounds.ts'
import { lockPush } from './rows.ts'
import { compressResults } from './store.ts'
import { createPushRig, type PushRig } from './testing/rig.ts'

const LEASE_SECONDS = 30
let rig: PushRig
let clientId: string
let next = 0
let open: Rounds[] = []

beforeAll(async () => {
  rig = await createPushRig(await createDatabase())
  clientId = await rig.client()
  // Accepted pushes are worked on by the tests only.
  await rig.first.jobs.stop()
})
afterEach(() => {
  for (const rounds of open) rounds.takeAhead(0)
  open = []
})
afterAll(() => rig.close())

/** An accepted push of so many chunks, and the rounds of a process that works on it. */
const accepted = async (chunks: number, leaseSeconds = LEASE_SECONDS) => {
  next += 1
  const records = Array.from({ length: chunks * 200 }, (_, n) => ({ key: `r${next}-${n}` }))
  const { id } = await rig.push(clientId, records, { transport: 'collections' }, 0)
  const journal = createPushJournal(
    rig.db,
    { announce: async () => undefined },
    { tenant: rig.tenant, clientId, pushId: id },
    { retentionDays: 30, leaseSeconds },
  )
  const rounds = createRounds(journal, { leaseSeconds })
  open.push(rounds)
  return { id, journal, rounds }
}

type Chunk = Extract<Claim, { kind: 'chunk' }>

const taken = async (rounds: Rounds): Promise<Chunk> => {
  const claim = await rounds.take()
  if (claim.kind !== 'chunk') throw new Error(`nothing to take: ${claim.kind}`)
  return claim
}

const chunksOf = (id: string) =>
  rig.database.query<{ seq: number; claims: number; held: boolean; sent: boolean; state: string }>(
    `select seq, claims, lease_holder is not null as held, send_state is not null as sent, state
       from push_chunks where push_id = $1 order by seq`,
    [id],
  )

const standing = () =>
  rig.db.as(rig.tenant).tx(async (tx) => {
    const now = presentStanding(rig.tenant, clientId)
    const { rows } = await sql<{ now: string | null }>`select ${now} as now`.execute(tx)
    return rows[0]?.now ?? null
  })

/** Results of all rows of the chunk's block. */
const endOf = async ({ seq, holder, block }: Chunk, blockNo = seq) => {
  const results = Array.from({ length: block?.rows ?? 0 }, (_, n): RowResult => ({
    ...{ index: n, key: `k${n}`, id: null, action: 'created', success: true },
    ...{ attempts: 1, errors: [] },
  }))
  const packed = [await compressResults(blockNo, block?.window_start ?? 0, results)]
  return { seq, holder, packed, kept: { whole: [], parts: [] }, calls: 1 }
}

it('takes chunks ahead as told, and gives back what nobody began as if it had never been taken', async () => {
  const { id, rounds } = await accepted(17)
  const held = async () => (await chunksOf(id)).filter((chunk) => chunk.held).map(({ seq }) => seq)
  rounds.takeAhead(2)
  const first = await taken(rounds)
  expect(first).toMatchObject({ seq: 0, block: { rows: 200 } })
  expect(await held()).toEqual([0, 1, 2])
  expect((await taken(rounds)).seq).toBe(1)
  await rounds.giveBack()
  expect(await held()).toEqual([0, 1])
  expect((await chunksOf(id)).slice(0, 4).map(({ claims }) => claims)).toEqual([1, 1, 0, 0])
})

it('gives chunks taken ahead to lanes that already wait, before it looks for others', async () => {
  const { id, rounds } = await accepted(17)
  rounds.takeAhead(8)
  const first = rounds.take()
  await new Promise((resolve) => setImmediate(resolve))
  // These come while the round of the first is under way.
  const others = await Promise.all([rounds.take(), rounds.take(), first])
  expect(others.map((claim) => (claim.kind === 'chunk' ? claim.seq : claim.kind))).toEqual([
    1, 2, 0,
  ])
  expect((await chunksOf(id)).filter(({ held }) => held)).toHaveLength(9)
})

it('takes none of the last chunks before a lane can begin with it', async () => {
  const { id, rounds } = await accepted(3)
  rounds.takeAhead(8)
  await taken(rounds)
  expect((await chunksOf(id)).map(({ held }) => held)).toEqual([true, false, false])
})

it('stores no intent once the push is stopped', async () => {
  const { id, rounds } = await accepted(1)
  const { seq, holder } = await taken(rounds)
  await rig.first.pushes.cancel(rig.caller, id)
  const intent = { seq, holder, state: { via: 'collections' }, calls: 0 }
  expect(await rounds.intend(intent, await standing())).toMatchObject({ code: 'cancelled' })
  expect(await chunksOf(id)).toMatchObject([{ sent: false }])
  // What is no intent is stored: what was sent has to be settled.
  await rounds.save(intent)
  expect(await chunksOf(id)).toMatchObject([{ sent: true }])
})

it.each([
  [
    'was granted anew',
    'update crm_connections set generation = generation + 1 where client_id = $1',
  ],
  ['belongs to an inactive client', 'update clients set is_active = false where id = $1'],
])('stores no intent for a connection that %s since it was opened', async (_, change) => {
  const { id, rounds } = await accepted(1)
  const { seq, holder } = await taken(rounds)
  const opened = await standing()
  expect(opened).not.toBeNull()
  await rig.database.query(change, [clientId])
  const intent = { seq, holder, state: { via: 'collections' }, calls: 0 }
  await expect(rounds.intend(intent, opened)).rejects.toThrow(LeaseLost)
  expect(await chunksOf(id)).toMatchObject([{ sent: false }])
  await rig.database.query('update clients set is_active = true where id = $1', [clientId])
})

it('refuses what a former holder stores, and stores what others have beside it', async () => {
  const { id, rounds } = await accepted(2)
  const [first, second] = [await taken(rounds), await taken(rounds)]
  await rig.database.query(
    'update push_chunks set lease_holder = gen_random_uuid() where push_id = $1 and seq = 0',
    [id],
  )
  const [late, good] = await Promise.allSettled([
    rounds.end(await endOf(first)),
    rounds.end(await endOf(second)),
  ])
  expect(late).toMatchObject({ status: 'rejected', reason: expect.any(LeaseLost) as unknown })
  expect(good.status).toBe('fulfilled')
  expect((await chunksOf(id)).map(({ state }) => state)).toEqual(['pending', 'done'])
  expect(await rig.first.pushes.get(rig.tenant, id)).toMatchObject({ processed: 200 })
})

it('lets results that cannot be stored fail alone', async () => {
  const { id, rounds } = await accepted(2)
  const [first, second] = [await taken(rounds), await taken(rounds)]
  const bad = endOf(first, 2 ** 40)
  const [failed, good] = await Promise.allSettled([
    rounds.end(await bad),
    rounds.end(await endOf(second)),
  ])
  expect(failed.status).toBe('rejected')
  expect(good.status).toBe('fulfilled')
  expect((await chunksOf(id)).map(({ state }) => state)).toEqual(['pending', 'done'])
})

/** Gives the chunk to somebody else, for a long time. */
const takeOver = (id: string, seq: number) =>
  rig.database.query(
    `update push_chunks
        set lease_holder = gen_random_uuid(), lease_until = now() + interval '1 hour'
      where push_id = $1 and seq = $2`,
    [id, seq],
  )

it('says whose leases it renewed', async () => {
  const { id, journal, rounds } = await accepted(3)
  const held = [await taken(rounds), await taken(rounds), await taken(rounds)]
  await takeOver(id, 1)
  await rounds.end(await endOf(held[2] as Chunk))
  const renewed = await journal.renewAll(held.map(({ holder }) => holder))
  expect([...renewed]).toEqual([held[0]?.holder])
})

it('waits for the push before it touches any of the chunks whose leases it renews', async () => {
  const { id, journal, rounds } = await accepted(2)
  const held = [await taken(rounds), await taken(rounds)]
  let renewing: Promise<unknown> = Promise.resolve()
  await rig.db.as(rig.tenant).tx(async (tx) => {
    await lockPush(tx, rig.tenant, id)
    renewing = journal.renewAll(held.map(({ holder }) => holder))
    await until('it waits', async () => {
      const [row] = await rig.database.query<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return row?.n === 1
    })
    // Whoever has the push may take its chunks, in whatever order.
    const free = await tx
      .selectFrom('push_chunks')
      .select('seq')
      .where('org_id', '=', rig.tenant.orgId)
      .where('push_id', '=', id)
      .orderBy('seq', 'desc')
      .forUpdate()
      .noWait()
      .execute()
    expect(free).toHaveLength(2)
  })
  await renewing
})

it('hands out nothing of what it took ahead and another worker has by now', async () => {
  const { id, rounds } = await accepted(17, 1)
  rounds.takeAhead(2)
  await taken(rounds)
  await takeOver(id, 1)
  const leaseOf = async (seq: number) => {
    const [row] = await rig.database.query<{ until: Date }>(
      'select lease_until as until from push_chunks where push_id = $1 and seq = $2',
      [id, seq],
    )
    return row?.until.getTime() ?? 0
  }
  const renewed = async (): Promise<void> => {
    const before = await leaseOf(2)
    await until('the lease is renewed', async () => (await leaseOf(2)) > before)
  }
  await renewed()
  await renewed() // what the first told is known by then
  expect((await taken(rounds)).seq).toBe(2)
})

describe('a look before rows are sent whose intent has waited', () => {
  const intended = async () => {
    const { id, rounds } = await accepted(2)
    const [{ seq, holder, chunk }, other] = [await taken(rounds), await taken(rounds)]
    const opened = await standing()
    expect(await rounds.intend({ seq, holder, state: { via: 'x' }, calls: 0 }, opened)).toBeNull()
    return { id, rounds, seq, holder, chunk, other, opened }
  }

  it('finds nothing wrong as long as nothing has changed', async () => {
    const { rounds, holder, other, opened } = await intended()
    const both = [rounds.confirm(holder, opened), rounds.confirm(other.holder, opened)]
    expect(await Promise.all(both)).toEqual([null, null])
  })

  it('returns why the push was stopped', async () => {
    const { id, rounds, holder, opened } = await intended()
    await rig.first.pushes.cancel(rig.caller, id)
    expect(await rounds.confirm(holder, opened)).toMatchObject({ code: 'cancelled' })
  })

  it('refuses a connection that was changed', async () => {
    const { rounds, holder, opened } = await intended()
    await rig.database.query(
      'update crm_connections set generation = generation + 1 where client_id = $1',
      [clientId],
    )
    await expect(rounds.confirm(holder, opened)).rejects.toThrow(StandingLost)
  })

  it('refuses a chunk that was taken over, and one whose lease has run out', async () => {
    const { id, rounds, seq, holder, other, opened } = await intended()
    await takeOver(id, seq)
    await rig.database.query(
      'update push_chunks set lease_until = now() where push_id = $1 and seq = $2',
      [id, other.seq],
    )
    const both = [rounds.confirm(holder, opened), rounds.confirm(other.holder, opened)]
    for (const one of await Promise.allSettled(both)) {
      expect(one).toMatchObject({ status: 'rejected', reason: expect.any(LeaseLost) as unknown })
    }
  })

  it('leaves no doubt about rows whose chunk is given back unsent', async () => {
    const { id, journal, rounds } = await accepted(1)
    const { seq, holder, chunk } = await taken(rounds)
    await rounds.intend({ seq, holder, state: { via: 'x' }, calls: 0 }, await standing())
    await journal.release({ seq, holder, chunk }, 0)
    expect(await chunksOf(id)).toMatchObject([{ claims: 0, held: false, sent: false }])
  })
})
