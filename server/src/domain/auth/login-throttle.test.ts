import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/src/database.ts'
import { openDatabase, type Database } from '../../db/database.ts'
import { Secret } from '../../secret.ts'
import { createLoginThrottle } from './login-throttle.ts'

let database: TestDatabase
let db: Database
beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: new Secret(database.url), onIdleError: () => undefined })
})
afterAll(async () => {
  await db.close()
  await database[Symbol.asyncDispose]()
})

/** How many of `count` failed logins, each from the next address, are checked. */
const lookedAt = async (count: number, addressOf: (at: number) => string): Promise<number> => {
  const throttle = createLoginThrottle(db, new Secret(`a secret for ${addressOf(0)}`))
  let looked = 0
  for (let at = 0; at < count; at++) {
    await throttle
      .attempt(`nobody${at}@x.example`, addressOf(at), async () => {
        looked++
        return null
      })
      .catch(() => null)
  }
  return looked
}

const hex = (at: number): string => at.toString(16)

describe('failed logins of many accounts', () => {
  it.each<[string, number, (at: number) => string]>([
    ['an IPv4 address', 50, () => '203.0.113.9'],
    ['the addresses of an IPv6 /64', 50, (at) => `2001:db8:1:1::${hex(at)}`],
    ['the /64s of a /56', 100, (at) => `2001:db8:2:${hex(at)}::1`],
    ['the /56s of a /48', 200, (at) => `2001:db8:3:${hex(at * 256)}::1`],
  ])('from %s: %i are looked at', async (_where, most, addressOf) => {
    expect(await lookedAt(most + 2, addressOf)).toBe(most)
  })

  it('from networks of different customers do not count together', async () => {
    expect(await lookedAt(210, (at) => `2001:db8:${hex(at + 16)}:1::1`)).toBe(210)
  })
})

describe('where an account has logged in before', () => {
  it('is known at the next attempt, for that account only', async () => {
    const throttle = createLoginThrottle(db, new Secret('a secret of its own'))
    const known = (email: string, address: string) =>
      throttle.attempt(email, address, async (isKnown) => [isKnown])
    expect(await known('a@x.example', '198.51.100.1')).toEqual([false])
    expect(await known('A@x.example', '198.51.100.1')).toEqual([true])
    expect(await known('a@x.example', '198.51.100.2')).toEqual([false])
    expect(await known('b@x.example', '198.51.100.1')).toEqual([false])
  })
})
