// bcrypt, asynchronous and never more than one at a time: a burst of logins must not take the
// thread pool and the cores from the requests beside it.

import bcrypt from 'bcrypt'

const COST = 12
/** bcrypt reads 72 bytes and silently ignores the rest; a longer password is refused, never cut. */
export const PASSWORD_BYTES_MAX = 72
export const PASSWORD_CHARACTERS_MIN = 12

export interface Passwords {
  hash(password: string): Promise<string>
  /** With no hash (unknown user), or past what bcrypt reads, it spends the same time and answers false. */
  matches(password: string, hash: string | null): Promise<boolean>
}

export const createPasswords = (): Passwords => {
  // Compared against when there is no such user, so that both answers take the same time.
  const nobody = bcrypt.hashSync('nobody has this password', COST)
  let last: Promise<unknown> = Promise.resolve()
  const oneAtATime = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
  return {
    hash: (password) => oneAtATime(() => bcrypt.hash(password, COST)),
    matches: async (password, hash) => {
      const equal = await oneAtATime(() => bcrypt.compare(password, hash ?? nobody))
      return equal && hash !== null && Buffer.byteLength(password) <= PASSWORD_BYTES_MAX
    },
  }
}
