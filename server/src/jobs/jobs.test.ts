import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../test/src/database.ts'
import { until } from '../../../test/src/until.ts'
import { openDatabase } from '../db/database.ts'
import { newId } from '../db/ids.ts'
import { Secret } from '../secret.ts'
import { createJobs } from './jobs.ts'

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
    const orgId = newId()
    jobs.define('push', {
      run: async ({ id }) => {
        turns.push(id)
        if (id === short) return
        if (turns.length === 1) await jobs.enqueue('push', { orgId, id: short }, 'one')
        return turns.filter((turn) => turn === long).length < 3 ? 'again' : undefined
      },
      giveUp: async () => undefined,
    })
    await jobs.start()
    try {
      await jobs.enqueue('push', { orgId, id: long }, 'one')
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
