// The turns of one lane on the wire: one call at a time, in the order in which its chunks were taken. A
// chunk may be prepared, and its intent stored, while the one before it is on the wire.

import { setTimeout as sleep } from 'node:timers/promises'
import { LeaseLost } from './journal.ts'

/**
 * How long an intent may wait for the call. Until then, a crash makes rows doubtful that were never sent,
 * and the time that the intent names is before that of the sending.
 */
const WAIT_MAX_MS = 1_000

/** The turn of one chunk. */
export interface Wire {
  /**
   * Resolves when the chunk may call Salesforce; true: it had to wait. Throws LeaseLost if the one before
   * it takes too long, or has ended its lane: the chunk has to be given back.
   */
  take(): Promise<boolean>
  onSending(): void
  /** Salesforce has answered for good. Returns the milliseconds since the first sending; null: there was none. */
  onAnswered(): number | null
  /** The chunk's first call is on its way, or none will be. */
  readonly sending: Promise<void>
  readonly answered: Promise<void>
  /** When the next chunk may take its turn; false: never, the lane ends with this one. */
  freeAfter(work: Promise<'next' | 'leave' | 'stand_still'>): Promise<boolean>
}

/** `free`: see `freeAfter` of the chunk before it. */
export const createWire = (free: Promise<boolean>): Wire => {
  const sending = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  let sentAt: number | null = null
  let isFree = false
  void free.then((may) => {
    isFree = may
  })

  const take = async (): Promise<boolean> => {
    if (isFree) return false
    const enough = new AbortController()
    const late = sleep(WAIT_MAX_MS, false, { signal: enough.signal }).catch(() => false)
    const isMine = await Promise.race([free, late])
    enough.abort()
    if (!isMine) throw new LeaseLost('the chunk before it takes too long')
    return true
  }

  return {
    take,
    onSending: () => {
      sentAt ??= performance.now()
      sending.resolve()
    },
    onAnswered: () => {
      sending.resolve()
      answered.resolve()
      return sentAt === null ? null : performance.now() - sentAt
    },
    sending: sending.promise,
    answered: answered.promise,
    freeAfter: (work) =>
      Promise.race([
        answered.promise.then(() => true),
        work.then(
          (outcome) => outcome === 'next',
          () => false,
        ),
      ]),
  }
}
