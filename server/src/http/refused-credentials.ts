// Guessing credentials is limited by where the guesses come from; the limit of a credential never sees one
// that is none. Kept in memory, by each replica for itself: a guess costs one look-up, and the limit is
// there to spare the database and to make guessing at the super-admin's secret slow.

import { createHash } from 'node:crypto'
import { networksOf } from '../domain/auth/networks.ts'
import { EngineError } from '../errors.ts'

const WINDOW_MS = 60_000
/** Of one network, the narrowest around its address. */
const REFUSALS_MAX = 60
/** Places, and credentials that were good, remembered at once; the oldest go first. */
const REMEMBERED_MAX = 20_000

export interface RefusedCredentials {
  /**
   * What `look` makes of the token, null for a credential that is none. Throws `rate_limited`, without
   * looking, where too many were refused from there; not for one that was good lately, so that whoever
   * shares an address with a guesser is not stopped.
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
