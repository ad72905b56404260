// bcrypt, asynchronous and never more than one at a time: a burst of logins must not take the thread
// pool and the cores away from other requests. Who waits is bounded, and guesses from places nobody has
// logged in from wait behind everybody else.

import bcrypt from 'bcrypt'
import { EngineError } from '../../errors.ts'

/** bcrypt's cost: each step doubles the time. */
const COST = 12
/** bcrypt reads 72 bytes and silently ignores the rest; a longer password is refused, never cut. */
export const PASSWORD_BYTES_MAX = 72
export const PASSWORD_CHARACTERS_MIN = 12

/** At a cost of 12, some ten seconds of unknown callers and a minute of known ones. */
const WAITING_MAX = { known: 250, strangers: 40 } as const
type Place = keyof typeof WAITING_MAX

export interface Passwords {
  /** Throws `unavailable` if too many already wait. */
  hash(password: string): Promise<string>
  /**
   * With no hash (unknown user), or past what bcrypt reads, it spends the same time and answers false.
   * Throws `unavailable` if too many already wait in its part of the queue.
   */
  matches(password: string, hash: string | null, place: Place): Promise<boolean>
}

export const createPasswords = ({ cost = COST }: { cost?: number } = {}): Passwords => {
  const inLine = createLine()
  return {
    hash: (password) => inLine('known', () => bcrypt.hash(normalized(password), cost)),
    matches: async (password, hash, place) => {
      for (const given of new Set([normalized(password), password])) {
        // Comparing means hashing once more: hashing for an unknown user takes the same time.
        const equal = await inLine(place, async () =>
          hash === null ? bcrypt.hash(given, cost).then(() => false) : bcrypt.compare(given, hash),
        )
        if (equal && Buffer.byteLength(given) <= PASSWORD_BYTES_MAX) return true
      }
      return false
    },
  }
}

/**
 * Some keyboards write é as one character, others as e and an accent: it is the same password (NIST SP
 * 800-63B, 3.1.1.2). Passwords stored before this normalisation match as they were typed.
 */
export const normalized = (password: string): string => password.normalize('NFC')

/** Runs one piece of work at a time; of those that wait, known callers come first. */
const createLine = () => {
  const waiting: Record<Place, (() => Promise<void>)[]> = { known: [], strangers: [] }
  let isRunning = false
  const runNext = async (): Promise<void> => {
    isRunning = true
    for (;;) {
      const next = waiting.known.shift() ?? waiting.strangers.shift()
      if (next === undefined) break
      await next()
    }
    isRunning = false
  }
  return <T>(place: Place, work: () => Promise<T>): Promise<T> => {
    if (waiting[place].length >= WAITING_MAX[place]) {
      throw new EngineError('unavailable', 'Too many logins at once. Try again in a moment.', {
        retryAfterSeconds: 5,
      })
    }
    return new Promise<T>((resolve, reject) => {
      waiting[place].push(() => work().then(resolve, reject))
      if (!isRunning) void runNext()
    })
  }
}
