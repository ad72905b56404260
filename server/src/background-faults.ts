// What fails in the background, in the log. While the database is away, everything that needs it fails every
// second in its own words; an operator reads one line about that now and then.

import { type Logger } from 'pino'
import { translate } from './db/failure.ts'
import { EngineError } from './errors.ts'

const QUIET_MS = 30_000
/** How many are remembered; messages may contain numbers, so each may be a different one. */
const MESSAGES_MAX = 100

/** Warns that `what` failed; `about` says more about it. */
export type WarnOf = (what: string, error: unknown, about?: Record<string, unknown>) => void

/**
 * Warns of each failure with its stack, but of the same one at most every half a minute, with how often it
 * came since. A database that is away, full or read-only is the same failure whatever met it: one line with
 * `reason` and without a stack.
 */
export const createWarnOf = (logger: Logger, now: () => number = Date.now): WarnOf => {
  const repeated = createRepeated(now)
  return (what, error, about = {}) => {
    const told = translate(error)
    if (told instanceof EngineError && told.code === 'unavailable') {
      const times = repeated(told.message)
      if (times === null) return
      const { message } = told.cause instanceof Error ? told.cause : told
      logger.warn({ reason: told.message, cause: message, first: what, times }, 'database')
      return
    }
    const times = repeated(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    if (times !== null) logger.warn({ ...about, err: error, times }, what)
  }
}

/** How often a message came since it was last passed on; null if that was less than half a minute ago. */
const createRepeated = (now: () => number) => {
  const seen = new Map<string, { times: number; at: number }>()
  return (message: string): number | null => {
    const last = seen.get(message)
    if (last !== undefined && now() - last.at < QUIET_MS) {
      last.times++
      return null
    }
    if (seen.size >= MESSAGES_MAX) seen.clear()
    seen.set(message, { times: 0, at: now() })
    return (last?.times ?? 0) + 1
  }
}
