// Who may try to log in again, and when. Counted in the database, so that it holds across replicas.
//
// An (account, address) pair is refused hard after a few failures: that is somebody guessing from one
// place. An address alone is refused after many, whichever accounts it tried, and so are the networks
// around an IPv6 address. An account alone is only slowed down, however many addresses fail to log in to
// it: nobody can lock a victim out. Whoever logs in from where the account has logged in before goes
// first.
//
// Attempts from one address are made one after the other, each counted before the next is looked at:
// guesses sent all at once meet the same limits, and addresses take turns at the one bcrypt.

import { createHmac } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type Database } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type Secret } from '../../secret.ts'
import { networksOf } from './networks.ts'

const WINDOW_SECONDS = 900
const PAIR_FAILURES_MAX = 5
/**
 * Limits for the nearest network of the address (for IPv6 a /64, see networks.ts) and for those around
 * it.
 */
const NETWORK_FAILURES_MAX = [50, 100, 200] as const
const ACCOUNT_FAILURES_BEFORE_DELAY = 10
const ACCOUNT_DELAY_MS_MAX = 2_000
const WAITING_PER_ADDRESS_MAX = 50

export interface LoginThrottle {
  /**
   * Makes one attempt and counts how it ended; `compare` returns null for a wrong password; its argument
   * says whether the account has logged in from there before. Throws `rate_limited` when the attempt is
   * refused; pauses where the account is under attack.
   */
  attempt<T>(
    email: string,
    address: string,
    compare: (isKnown: boolean) => Promise<T | null>,
  ): Promise<T | null>
}

interface Counter {
  key: Buffer
  failures: number
  seconds_left: number
}

export const createLoginThrottle = (db: Database, secret: Secret): LoginThrottle => {
  // Hashes with a key: the table must not become a list of who tried to log in from where.
  const digest = (...parts: string[]) =>
    createHmac('sha256', `login-throttle:${secret.reveal()}`).update(JSON.stringify(parts)).digest()
  const keysOf = (email: string, from: string) => {
    const account = email.toLowerCase()
    const networks = networksOf(from)
    return {
      pair: digest('pair', account, networks[0]),
      networks: networks.map((network) => digest('address', network)),
      account: digest('account', account),
      known: digest('known', account, networks[0]),
    }
  }

  const inTurn = createTurns(WAITING_PER_ADDRESS_MAX)

  /** Throws when the attempt is refused; otherwise returns the pause that it has to make. */
  const pauseMsFor = async (keys: ReturnType<typeof keysOf>): Promise<number> => {
    const rows = await db.shared<Counter>(
      `select key, failures, extract(epoch from window_ends_at - now())::int as seconds_left
           from engine.login_failures where key = any($1::bytea[]) and window_ends_at > now()`,
      [[keys.pair, ...keys.networks, keys.account]],
    )
    const counter = (key: Buffer) => rows.find((row) => row.key.equals(key))
    for (const [key, most] of [
      [keys.pair, PAIR_FAILURES_MAX] as const,
      ...keys.networks.map((network, at) => [network, NETWORK_FAILURES_MAX[at] ?? 0] as const),
    ]) {
      const hit = counter(key)
      if (hit !== undefined && hit.failures >= most) {
        throw tooMany(Math.max(1, hit.seconds_left))
      }
    }
    const excess = (counter(keys.account)?.failures ?? 0) - ACCOUNT_FAILURES_BEFORE_DELAY
    return Math.min(ACCOUNT_DELAY_MS_MAX, Math.max(0, excess) * 100)
  }

  const failed = (keys: ReturnType<typeof keysOf>) =>
    db.shared(
      `insert into engine.login_failures as f (key, failures, window_ends_at)
         select k, 1, now() + make_interval(secs => $2) from unnest($1::bytea[]) as k order by k
         on conflict (key) do update set
           failures = case when f.window_ends_at > now() then f.failures + 1 else 1 end,
           window_ends_at = case when f.window_ends_at > now() then f.window_ends_at
                                 else excluded.window_ends_at end`,
      [[keys.pair, ...keys.networks, keys.account], WINDOW_SECONDS],
    )

  const succeeded = async (keys: ReturnType<typeof keysOf>) => {
    await db.shared('delete from engine.login_failures where key = $1', [keys.pair])
    await db.shared(
      `insert into engine.known_logins (key) values ($1)
         on conflict (key) do update set seen_at = now()`,
      [keys.known],
    )
  }

  const isKnown = async (keys: ReturnType<typeof keysOf>): Promise<boolean> => {
    const rows = await db.shared('select from engine.known_logins where key = $1', [keys.known])
    return rows.length > 0
  }

  return {
    attempt: async (email, address, compare) => {
      const keys = keysOf(email, address)
      const pauseMs = await pauseMsFor(keys)
      if (pauseMs > 0) await setTimeout(pauseMs)
      return inTurn(networksOf(address)[0], async () => {
        await pauseMsFor(keys) // other attempts from this address may have failed in the meantime
        const outcome = await compare(await isKnown(keys))
        await (outcome === null ? failed(keys) : succeeded(keys))
        return outcome
      })
    },
  }
}

/** Runs work of one name one after the other. Throws `rate_limited` when `most` already wait. */
const createTurns = (most: number) => {
  const lines = new Map<string, { waiting: number; last: Promise<unknown> }>()
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const line = lines.get(name) ?? { waiting: 0, last: Promise.resolve() }
    if (line.waiting >= most) throw tooMany(1)
    lines.set(name, line)
    line.waiting++
    const mine = line.last.then(work)
    line.last = mine.catch(() => undefined)
    try {
      return await mine
    } finally {
      line.waiting--
      if (line.waiting === 0) lines.delete(name)
    }
  }
}

const tooMany = (retryAfterSeconds: number): EngineError =>
  new EngineError('rate_limited', 'Too many failed logins. Wait before you try again.', {
    retryAfterSeconds,
  })
