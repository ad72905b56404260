// Waiting for work that Salesforce has accepted and does by itself: a deploy, a Bulk job. It continues
// whether or not anybody polls, so a failed poll says nothing about the work.

import { EngineError } from '../errors.ts'
import { SalesforceError } from './failure.ts'
import { type SalesforceOrg } from './gateway.ts'

export interface PollOptions<T> {
  /** Called with every successful poll, including the last, and awaited before the next. */
  onProgress?: (seen: T) => unknown
  /**
   * How much of the work is done, from 0 to 1: the polls then follow its pace, and the end is seen sooner
   * for as many of them.
   */
  shareDone?: (seen: T) => number
  /** In addition to the target's. Ends the waiting, never the work. */
  signal?: AbortSignal
  /** How many polls in a row may fail for a temporary reason. Default 20, at least four minutes. */
  errorsMax?: number
}

const ERRORS_MAX = 20
const RETRY_AFTER_MS_MAX = 300_000

/**
 * Milliseconds after poll `looks` (from 1): short at first, since small work is done in a moment, then
 * every second for 10 polls, every 5 s for 24, then every 15 s.
 */
export const pollWaitMs = (looks: number): number =>
  looks <= 2 ? 250 * looks : looks <= 12 ? 1000 : looks <= 36 ? 5000 : 15_000

/** Towards the end by less than all that seems to be left: the last part may be quicker. */
const SHARE_OF_REST = 0.8
const PACED_WAIT_MS = { least: 250, most: 2_000 } as const

/**
 * The same for work that has come so far in this time. Beyond a few seconds a better guess does not matter.
 */
export const pacedWaitMs = (looks: number, share: number, elapsedMs: number): number => {
  const usual = pollWaitMs(looks)
  if (!(share > 0 && share < 1) || usual > PACED_WAIT_MS.most) return usual
  const restMs = (elapsedMs * (1 - share)) / share
  return Math.min(Math.max(restMs * SHARE_OF_REST, PACED_WAIT_MS.least), PACED_WAIT_MS.most)
}

/** Milliseconds that Salesforce asked for, if the failure is temporary; null if it is not. */
const passingWaitMs = (error: unknown): number | null => {
  if (!(error instanceof EngineError)) return null
  const passing = error instanceof SalesforceError ? error.failure.passing : error.retryable
  return passing ? Math.min(RETRY_AFTER_MS_MAX, (error.retryAfterSeconds ?? 0) * 1000) : null
}

/**
 * Polls until the work is done, however long that takes. Throws the poll's own error if it is not
 * temporary or has occurred `errorsMax` times in a row, and the signal's reason when it aborts; in each
 * of these cases the work at Salesforce continues and can be awaited again.
 */
export const pollUntilDone = async <T extends { readonly done: boolean }>(
  org: SalesforceOrg,
  look: () => Promise<T>,
  { onProgress, shareDone, signal, errorsMax = ERRORS_MAX }: PollOptions<T> = {},
): Promise<T> => {
  const startedAt = performance.now()
  let errors = 0
  for (let looks = 1; ; looks += 1) {
    signal?.throwIfAborted()
    let waitMs = pollWaitMs(looks)
    let seen: T | null = null
    try {
      seen = await look()
    } catch (error) {
      const wish = passingWaitMs(error)
      errors += 1
      if (wish === null || errors > errorsMax) throw error
      waitMs = Math.max(waitMs, wish, errors > 3 ? 15_000 : 1000)
    }
    if (seen !== null) {
      errors = 0
      await onProgress?.(seen)
      if (seen.done) return seen
      const share = shareDone?.(seen) ?? 0
      waitMs = pacedWaitMs(looks, share, performance.now() - startedAt)
    }
    // Ends at once after an abort, whose reason may itself look temporary.
    await org.pause(waitMs, signal)
  }
}
