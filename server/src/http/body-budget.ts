// How much of large bodies may be in memory at once: a body of 16 MiB takes several times its size until
// its rows are stored, and sixty of them at once would crash the process for everybody.

import { EngineError } from '../errors.ts'

/** Bodies up to this size are not counted. */
export const SMALL_BODY_BYTES = 1024 * 1024
const BUDGET_BYTES = 96 * 1024 * 1024

/**
 * Reserves room for a body of so many bytes; the returned function releases it. Throws unavailable, with
 * Retry-After, if other large bodies take the room.
 */
export const createBodyBudget = (): ((bytes: number) => () => void) => {
  let reserved = 0
  return (bytes) => {
    if (bytes <= SMALL_BODY_BYTES) return () => undefined
    if (reserved + bytes > BUDGET_BYTES) {
      throw new EngineError(
        'unavailable',
        'Too many large bodies are being read right now. Send it again, or send the rows as ' +
          'application/x-ndjson, which is read row by row.',
        { retryAfterSeconds: 2 },
      )
    }
    reserved += bytes
    let isHeld = true
    return () => {
      if (isHeld) reserved -= bytes
      isHeld = false
    }
  }
}
