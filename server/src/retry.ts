// Whether something that failed is tried again, and after how long: calls, for which somebody waits, and
// durable work, for which nobody does. Pure functions, so that the gateways, the work and the tests
// decide alike; nothing here knows which service a call went to. Waits are computed nowhere else, not
// even in SQL.

/**
 * What a repeated call would do on the other side: `read` changes nothing, `idempotent` ends in the same
 * state however often it arrives, `create` would create a second thing (or run automations again).
 */
export type Effect = 'read' | 'idempotent' | 'create'

export interface RetryableFailure {
  /** Whether the same call may succeed in a moment, without any change. */
  readonly passing: boolean
  /** `not_done`: the other side certainly did nothing. `unknown`: it may have done all of it. */
  readonly fate: 'not_done' | 'unknown'
  /** Whether the attempt itself took minutes. Then it is repeated once at most. */
  readonly slow?: boolean
  /** What the other side asked for with `Retry-After`, if it did. */
  readonly retryAfterSeconds?: number | null
}

export interface RetryQuestion {
  /** Which attempt has just failed, counted from 1. */
  attempt: number
  failure: RetryableFailure
  effect: Effect
  /** False only if not one byte of the request can have reached the other side. */
  sent: boolean
  /** How many attempts are allowed in total. */
  attemptsMax?: number
}

export const ATTEMPTS_MAX = 4
const WAIT_BASE_MS = 500
const WAIT_CAP_MS = 20_000
/** Somebody waits for the answer; a longer pause than this is returned to the caller instead. */
const RETRY_AFTER_SECONDS_MAX = 60

/** Never true for a `create` that may have happened: the caller has to look first. */
export const shouldRetry = ({
  attempt,
  failure,
  effect,
  sent,
  attemptsMax = ATTEMPTS_MAX,
}: RetryQuestion): boolean => {
  if (!failure.passing || attempt >= attemptsMax) return false
  if ((failure.retryAfterSeconds ?? 0) > RETRY_AFTER_SECONDS_MAX) return false
  if (failure.slow === true && attempt > 1) return false
  const certainlyNotDone = !sent || failure.fate === 'not_done'
  return certainlyNotDone || effect !== 'create'
}

/**
 * Milliseconds to wait after `attempt` (from 1) failed: doubling, with jitter over the upper half so
 * that callers who failed together do not come back together, never under `Retry-After`.
 * `random` is in [0, 1).
 */
export const waitMs = ({
  attempt,
  retryAfterSeconds = null,
  random,
}: {
  attempt: number
  retryAfterSeconds?: number | null
  random: number
}): number => {
  const ceiling = Math.min(WAIT_CAP_MS, WAIT_BASE_MS * 2 ** (Math.max(1, attempt) - 1))
  const jittered = Math.round(ceiling / 2 + (ceiling / 2) * random)
  return Math.max(jittered, Math.max(0, retryAfterSeconds ?? 0) * 1000)
}

/** The least and the most that durable work waits between two tries. */
export const WORK_WAIT_SECONDS = Object.freeze({ least: 1, most: 60 })

/**
 * Seconds until a piece of durable work is tried again that has failed `triesBefore` times before: 1, 2,
 * 4 … 60. Without jitter: only one replica does it at a time, and a Salesforce org has few places for
 * all.
 */
export const workWaitSeconds = (triesBefore: number): number => {
  const { least, most } = WORK_WAIT_SECONDS
  return Math.min(most, least * 2 ** Math.max(0, triesBefore))
}

/**
 * The same for work that does not count tries: as long as it has already waited, so that waits double.
 */
export const workWaitSecondsAfter = (waitedSeconds: number): number => {
  const { least, most } = WORK_WAIT_SECONDS
  return Math.min(most, Math.max(least, waitedSeconds))
}

/**
 * Seconds between the tries of a webhook, each after the failure before it: the schedule that Standard
 * Webhooks recommends, 10 tries in three days.
 */
const WEBHOOK_WAITS_SECONDS = [
  5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
] as const
export const WEBHOOK_TRIES_MAX = WEBHOOK_WAITS_SECONDS.length + 1
const WEBHOOK_ASKED_SECONDS_MAX = 86_400

/**
 * Seconds until a webhook that has failed `tries` times is sent again, never sooner than the endpoint
 * asked for; null: it was the last try. Up to a tenth longer, so that what failed together does not come
 * back together. `random` is in [0, 1).
 */
export const webhookWaitSeconds = ({
  tries,
  retryAfterSeconds,
  random,
}: {
  tries: number
  retryAfterSeconds: number | null
  random: number
}): number | null => {
  const wait = WEBHOOK_WAITS_SECONDS[tries - 1]
  if (wait === undefined) return null
  const asked = Math.min(retryAfterSeconds ?? 0, WEBHOOK_ASKED_SECONDS_MAX)
  return Math.max(asked, wait * (1 + random / 10))
}

/** An endpoint from which nothing but failures came for so long is disabled. */
export const WEBHOOK_PATIENCE_SECONDS = 5 * 86_400
