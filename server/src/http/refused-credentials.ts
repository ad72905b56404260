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

interface Counter {
  refused: number
  until: number
  /** Lookups that have not ended: each may become a refusal. */
  pending: Set<Promise<unknown>>
}

export const createRefusedCredentials = (now: () => number = Date.now): RefusedCredentials => {
  const counters = new Map<string, Counter>()
  const good = new Set<string>()

  const counterOf = (place: string): Counter => {
    const known = counters.get(place)
    if (known !== undefined && known.until > now()) return known
    const counter = { refused: 0, until: now() + WINDOW_MS, pending: new Set<Promise<unknown>>() }
    counters.delete(place)
    counters.set(place, counter)
    trim(counters)
    return counter
  }

  return {
    admit: async (token, address, look) => {
      const digest = createHash('sha256').update(token).digest('base64')
      if (good.has(digest)) {
        const found = await look()
        if (found === null) good.delete(digest)
        return found
      }
      const counter = counterOf(networksOf(address)[0])
      // Guesses sent all at once meet the same limit; new valid credentials sent all at once only wait.
      while (counter.refused + counter.pending.size >= REFUSALS_MAX) {
        if (counter.refused >= REFUSALS_MAX) throw tooMany((counter.until - now()) / 1000)
        await Promise.race(counter.pending)
      }
      const looking = look()
      const ended = looking.then(
        (found) => void (found === null && counter.refused++),
        () => undefined,
      )
      counter.pending.add(ended)
      try {
        const found = await looking
        if (found !== null) {
          good.add(digest)
          trim(good)
        }
        return found
      } finally {
        await ended
        counter.pending.delete(ended)
      }
    },
  }
}

const tooMany = (seconds: number): EngineError =>
  new EngineError(
    'rate_limited',
    `More than ${REFUSALS_MAX} credentials a minute from this address were refused.`,
    { retryAfterSeconds: Math.max(1, Math.ceil(seconds)) },
  )

const trim = (remembered: Map<string, unknown> | Set<string>): void => {
  if (remembered.size <= REMEMBERED_MAX) return
  for (const oldest of remembered.keys()) {
    remembered.delete(oldest)
    break
  }
}
