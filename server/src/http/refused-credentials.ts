// Guessing of credentials is limited by its origin, since the limit per credential never applies to
// invalid ones. Kept in memory, by each replica for itself: a guess costs one lookup, and the limit is
// there to spare the database and to slow down guessing of the super-admin's secret.

import { createHash } from 'node:crypto'
import { networksOf } from '../domain/auth/networks.ts'
import { EngineError } from '../errors.ts'

const WINDOW_MS = 60_000
/** The limit of one network, the narrowest around the address. */
const REFUSALS_MAX = 60
/** How many networks, and valid credentials, are remembered; the oldest are dropped first. */
const REMEMBERED_MAX = 20_000

export interface RefusedCredentials {
  /**
   * The result of `look` for the token, null for an invalid credential. Throws `rate_limited`, without
   * looking, if too many were refused from there; but not for one that was recently valid, so that
   * callers who share an address with a guesser are not stopped.
   */
  admit<T>(token: string, address: string, look: () => Promise<T | null>): Promise<T | null>
}

export const createRefusedCredentials = (now: () => number = Date.now): RefusedCredentials => {
  const refusals = new Map<string, { count: number; until: number }>()
  const good = new Set<string>()

  const refused = (place: string): void => {
    const counter = refusals.get(place)
    if (counter !== undefined && counter.until > now()) counter.count++
    else {
      refusals.delete(place)
      refusals.set(place, { count: 1, until: now() + WINDOW_MS })
      trim(refusals)
    }
  }

  return {
    admit: async (token, address, look) => {
      const [place] = networksOf(address)
      const digest = createHash('sha256').update(token).digest('base64')
      const counter = refusals.get(place)
      if (
        counter !== undefined &&
        counter.count >= REFUSALS_MAX &&
        counter.until > now() &&
        !good.has(digest)
      ) {
        throw new EngineError(
          'rate_limited',
          `More than ${REFUSALS_MAX} credentials a minute from this address were refused.`,
          { retryAfterSeconds: Math.ceil((counter.until - now()) / 1000) },
        )
      }
      const found = await look()
      if (found === null) {
        good.delete(digest)
        refused(place)
      } else if (!good.has(digest)) {
        good.add(digest)
        trim(good)
      }
      return found
    },
  }
}

const trim = (remembered: Map<string, unknown> | Set<string>): void => {
  if (remembered.size <= REMEMBERED_MAX) return
  for (const oldest of remembered.keys()) {
    remembered.delete(oldest)
    break
  }
}
