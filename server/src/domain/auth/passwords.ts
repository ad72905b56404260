// bcrypt, asynchronous and never more than one at a time: a burst of logins must not take the
// thread pool and the cores from the requests beside it.

import bcrypt from 'bcrypt'

/** bcrypt's cost: each step doubles the time. */
const COST = 12
/** bcrypt reads 72 bytes and silently ignores the rest; a longer password is refused, never cut. */
export const PASSWORD_BYTES_MAX = 72
export const PASSWORD_CHARACTERS_MIN = 12

export interface Passwords {
  hash(password: string): Promise<string>
  /** With no hash (unknown user), or past what bcrypt reads, it spends the same time and answers false. */
  matches(password: string, hash: string | null): Promise<boolean>
}

export const createPasswords = ({ cost = COST }: { cost?: number } = {}): Passwords => {
  let last: Promise<unknown> = Promise.resolve()
  const oneAtATime = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
  return {
    hash: (password) => oneAtATime(() => bcrypt.hash(password, cost)),
    matches: async (password, hash) => {
      // To compare is to hash once more: where there is no such user, that takes the same time.
      const equal = await oneAtATime(async () =>
        hash === null
          ? bcrypt.hash(password, cost).then(() => false)
          : bcrypt.compare(password, hash),
      )
      return equal && Buffer.byteLength(password) <= PASSWORD_BYTES_MAX
    },
  }
}
