// Who may try to log in again, and when. Counted in the database, so that it holds over replicas.
//
// An (account, address) pair is refused hard after a few failures: that is somebody guessing from
// one place. An address alone is refused after many, whichever accounts it tried. An account alone
// is only slowed down, however many addresses fail at it: nobody can lock a victim out.

import { createHmac } from 'node:crypto'
import { type Database } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type Secret } from '../../secret.ts'

const WINDOW_SECONDS = 900
const PAIR_FAILURES_MAX = 5
const ADDRESS_FAILURES_MAX = 50
const ACCOUNT_FAILURES_BEFORE_DELAY = 10
const ACCOUNT_DELAY_MS_MAX = 2_000

export interface LoginThrottle {
  /**
   * Throws `rate_limited` when this attempt is refused. Otherwise resolves, after a short pause
   * where the account is under attack.
   */
  admit(email: string, address: string): Promise<void>
  failed(email: string, address: string): Promise<void>
  succeeded(email: string, address: string): Promise<void>
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
  const keysOf = (email: string, address: string) => {
    const account = email.toLowerCase()
    return {
      pair: digest('pair', account, address),
      address: digest('address', address),
      account: digest('account', account),
    }
  }

  return {
    admit: async (email, address) => {
      const keys = keysOf(email, address)
      const rows = await db.shared<Counter>(
        `select key, failures, extract(epoch from window_ends_at - now())::int as seconds_left
           from engine.login_failures where key = any($1::bytea[]) and window_ends_at > now()`,
        [[keys.pair, keys.address, keys.account]],
      )
      const counter = (key: Buffer) => rows.find((row) => row.key.equals(key))
      for (const [key, most] of [
        [keys.pair, PAIR_FAILURES_MAX],
        [keys.address, ADDRESS_FAILURES_MAX],
      ] as const) {
        const hit = counter(key)
        if (hit !== undefined && hit.failures >= most) {
          throw new EngineError(
            'rate_limited',
            'Too many failed logins. Wait before the next try.',
            {
              retryAfterSeconds: Math.max(1, hit.seconds_left),
            },
          )
        }
      }
      const excess = (counter(keys.account)?.failures ?? 0) - ACCOUNT_FAILURES_BEFORE_DELAY
      if (excess > 0) {
        const pauseMs = Math.min(ACCOUNT_DELAY_MS_MAX, excess * 100)
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    },

    failed: async (email, address) => {
      const keys = keysOf(email, address)
      await db.shared(
        `insert into engine.login_failures as f (key, failures, window_ends_at)
         select k, 1, now() + make_interval(secs => $2) from unnest($1::bytea[]) as k order by k
         on conflict (key) do update set
           failures = case when f.window_ends_at > now() then f.failures + 1 else 1 end,
           window_ends_at = case when f.window_ends_at > now() then f.window_ends_at
                                 else excluded.window_ends_at end`,
        [[keys.pair, keys.address, keys.account], WINDOW_SECONDS],
      )
    },

    succeeded: async (email, address) => {
      await db.shared('delete from engine.login_failures where key = $1', [
        keysOf(email, address).pair,
      ])
    },
  }
}
