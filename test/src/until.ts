const LOOK_MS = { least: 20, most: 500 }
/**
 * A share of the time waited so far: early success is seen at once, and long waits leave the cores to
 * others (a look at a server costs three processes two milliseconds).
 */
const LOOK_SHARE = 0.15

/** Below the time limit of a test, so that it is this wait that is named. */
export const HANGS_MS = 150_000

/** Waits for a condition, never for a fixed time. Fails with `what` if it does not become true. */
export const until = async <T>(
  what: string,
  condition: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = HANGS_MS,
): Promise<T> => {
  const begunAt = Date.now()
  for (;;) {
    const value = await condition()
    if (value !== null && value !== undefined && value !== false) return value
    const waitedMs = Date.now() - begunAt
    if (waitedMs > timeoutMs) throw new Error(`not in ${timeoutMs} ms: ${what}`)
    const lookMs = Math.min(Math.max(waitedMs * LOOK_SHARE, LOOK_MS.least), LOOK_MS.most)
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}
