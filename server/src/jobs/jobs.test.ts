import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../test/src/database.ts'
import { until } from '../../../test/src/until.ts'
import { openDatabase } from '../db/database.ts'
import { newId } from '../db/ids.ts'
import { Secret } from '../secret.ts'
import { createJobs, type Work } from './jobs.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

describe('work that asks for another turn', () => {
  it('has it at once, after what waited meanwhile', async () => {
    const complaints: unknown[] = []
    const logger = pino(
      { level: 'warn' },
      { write: (line: string) => void complaints.push(JSON.parse(line)) },
    )
    const url = new Secret(database.url)
    const db = openDatabase({ url, maxConnections: 5, onIdleError: () => undefined })
    const jobs = createJobs({ db, url, logger })
    const turns: string[] = []
    const [long, short] = [newId(), newId()]
    const scope = { orgId: newId(), clientId: newId() }
    jobs.define('push', {
      run: async ({ id }) => {
        turns.push(id)
        if (id === short) return
        if (turns.length === 1) await jobs.enqueue('push', { ...scope, id: short }, 'one')
        return turns.filter((turn) => turn === long).length < 3 ? 'again' : undefined
      },
      giveUp: async () => undefined,
      standing: async () => null,
    })
    await jobs.start()
    try {
      await jobs.enqueue('push', { ...scope, id: long }, 'one')
      await until('three turns', () => turns.filter((turn) => turn === long).length === 3)
      await until('the other had its turn', () => turns.includes(short))
      expect(turns).toHaveLength(4)
      expect(complaints).toEqual([])
    } finally {
      await jobs.stop()
      await db.close()
    }
  })
})

describe('work that comes all at once', () => {
  it('is done side by side, eight pieces of a Salesforce org at most, and the rest after them', async () => {
    const url = new Secret(database.url)
    const db = openDatabase({ url, maxConnections: 5, onIdleError: () => undefined })
    const jobs = createJobs({ db, url, logger: pino({ level: 'silent' }) })
    const [full, free] = ['one', 'two'].map((sfdcOrgId) => ({ sfdcOrgId, clientId: newId() }))
    if (full === undefined || free === undefined) throw new Error('two Salesforce orgs')
    const running: string[] = []
    const done: string[] = []
    const gate = Promise.withResolvers<void>()
    jobs.define('push', {
      run: async ({ clientId, id }) => {
        running.push(clientId ?? '')
        await gate.promise
        done.push(id)
      },
      giveUp: async () => undefined,
      standing: async () => null,
    })
    const runningOf = (one: { clientId: string }) =>
      running.filter((clientId) => clientId === one.clientId).length
    await jobs.start()
    try {
      const orgId = newId()
      const enqueue = (count: number, { clientId, sfdcOrgId }: typeof full) =>
        Promise.all(
          Array.from({ length: count }, () =>
            jobs.enqueue('push', { orgId, clientId, id: newId() }, sfdcOrgId),
          ),
        )
      await enqueue(10, full)
      await until('eight of one Salesforce org', () => runningOf(full) === 8)
      await enqueue(4, free)
      await until('four of the other beside them', () => runningOf(free) === 4)
      expect(runningOf(full)).toBe(8)
      gate.resolve()
      await until('all of it is done', () => done.length === 14)
    } finally {
      await jobs.stop()
      await db.close()
    }
  })
})

describe('work that waits', () => {
  it('is taken by its rank, whatever was handed over first', async () => {
    const url = new Secret(database.url)
    const db = openDatabase({ url, maxConnections: 5, onIdleError: () => undefined })
    const jobs = createJobs({ db, url, logger: pino({ level: 'silent' }) })
    const scope = { orgId: newId(), clientId: newId() }
    const started: string[] = []
    const [one, others] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    jobs.define('push', {
      run: async ({ id }) => {
        started.push(id)
        await (started.length === 1 ? one : others).promise
      },
      giveUp: async () => undefined,
      standing: async () => null,
    })
    const enqueue = async (rank: number) => {
      const id = newId()
      await jobs.enqueue('push', { ...scope, id }, 'one', rank)
      return id
    }
    await jobs.start()
    try {
      // As many as one Salesforce org may have: the others wait.
      for (let n = 0; n < 8; n += 1) await enqueue(0)
      await until('eight are under way', () => started.length === 8)
      const last = await enqueue(2)
      const first = await enqueue(0)
      one.resolve()
      await until('one more has its turn', () => started.length > 8)
      expect(started[8]).toBe(first)
      others.resolve()
      await until('all have had their turns', () => started.length === 10)
      expect(started[9]).toBe(last)
    } finally {
      await jobs.stop()
      await db.close()
    }
  })
})

describe('work that rollouts begin', () => {
  it('is counted while it waits, apart from that of callers', async () => {
    const url = new Secret(database.url)
    const db = openDatabase({ url, maxConnections: 5, onIdleError: () => undefined })
    const jobs = createJobs({ db, url, logger: pino({ level: 'silent' }), isPaused: true })
    const worker = { run: async () => undefined, giveUp: async () => undefined }
    jobs.define('rollback', { ...worker, standing: async () => null })
    await jobs.start()
    try {
      const work = { orgId: newId(), clientId: newId() }
      for (const of of ['caller', 'fleet', 'fleet'] as const) {
        await jobs.enqueue('rollback', { ...work, id: newId() }, 'one', 0, of)
      }
      const ready = (await jobs.depths()).map(({ kind, ready: count }) => [kind, count] as const)
      expect(new Map(ready)).toEqual(
        new Map([
          ['rollback', 1],
          ['rollback-fleet', 2],
        ]),
      )
    } finally {
      await jobs.stop()
      await db.close()
    }
  })
})

describe('work that failed', () => {
  it('is tried again when that is due, though nobody is notified of it', async () => {
    const url = new Secret(database.url)
    const db = openDatabase({ url, maxConnections: 5, onIdleError: () => undefined })
    const jobs = createJobs({ db, url, logger: pino({ level: 'silent' }) })
    let tries = 0
    jobs.define('deploy', {
      run: async () => {
        tries += 1
        if (tries < 3) throw new Error('not yet')
      },
      giveUp: async () => undefined,
      standing: async () => null,
    })
    await jobs.start()
    try {
      await jobs.enqueue('deploy', { orgId: newId(), clientId: newId(), id: newId() }, 'one')
      await until('it got through', () => tries === 3)
    } finally {
      await jobs.stop()
      await db.close()
    }
  })
})

describe('a note of the version before, which names no client', () => {
  it('leads to its row, and to nothing once the row has ended', async () => {
    const url = new Secret(database.url)
    const db = openDatabase({ url, maxConnections: 5, onIdleError: () => undefined })
    const jobs = createJobs({ db, url, logger: pino({ level: 'silent' }) })
    const [orgId, clientId, open, over] = [newId(), newId(), newId(), newId()]
    await database.query(`insert into organizations (id, name, slug) values ($1, 'A', $2)`, [
      orgId,
      'a',
    ])
    await database.query(`insert into clients (id, org_id, name) values ($1, $2, 'C')`, [
      clientId,
      orgId,
    ])
    for (const [id, status] of [
      [open, 'pulling'],
      [over, 'failed'],
    ]) {
      await database.query(
        `insert into crm_topology_snapshots (id, org_id, client_id, status, api_version, sfdc_org_id, sfdc_user_id)
         values ($1, $2, $3, $4, 'v66.0', 'one', 'somebody')`,
        [id, orgId, clientId, status],
      )
    }
    const done: Work[] = []
    jobs.define('topology-pull', {
      run: async (work) => {
        await database.query(`update crm_topology_snapshots set status = 'failed' where id = $1`, [
          work.id,
        ])
        done.push(work)
      },
      giveUp: async () => undefined,
      standing: async () => null,
    })
    // Queues exist from the first start on; there are no workers yet.
    await jobs.start()
    await until('the sweep found the row', () => done.length === 1)
    await database.query(`update crm_topology_snapshots set status = 'pulling' where id = $1`, [
      open,
    ])
    try {
      await jobs.enqueue('topology-pull', { orgId, id: over } as Work, 'one')
      await jobs.enqueue('topology-pull', { orgId, id: open } as Work, 'one')
      await until('it was done again', () => done.length === 2)
      expect(done).toEqual(done.map(() => ({ orgId, clientId, id: open })))
    } finally {
      await jobs.stop()
      await db.close()
    }
  })
})
