// How pg-boss reports its errors: as plain objects with an error's members, and the same one every few
// seconds from every worker while the database is away.

const QUIET_MS = 30_000
/** How many are remembered; messages may contain numbers, so each may be a different one. */
const MESSAGES_MAX = 100

interface QueueError {
  error: Error
  queue: string | undefined
}

/** The original error, in whatever form pg-boss passes it on. */
export const readQueueError = (thrown: unknown): QueueError => {
  if (thrown instanceof Error) return { error: thrown, queue: undefined }
  const { message, stack, code, queue } = (thrown ?? {}) as Record<string, unknown>
  const error = new Error(typeof message === 'string' ? message : JSON.stringify(thrown))
  if (typeof stack === 'string') error.stack = stack
  return {
    error: typeof code === 'string' ? Object.assign(error, { code }) : error,
    queue: typeof queue === 'string' ? queue : undefined,
  }
}

/**
 * How often a message came since it was last passed on, or null if that was less than half a minute ago:
 * an outage is a line now and then, not hundreds.
 */
export const createRepeated = (now: () => number = Date.now) => {
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
