// What follows from a fault, for every kind of durable work. One table from the error to the outcome,
// and one that says how long each kind of work waits. docs/architecture.md shows both.

import { type WorkFault } from '../../db/tables/work.ts'
import { EngineError, type ErrorCode } from '../../errors.ts'
import { type WorkKind } from '../../jobs/jobs.ts'
import { NangoError, type NangoFailureKind } from '../../nango/failure.ts'
import { WORK_WAIT_SECONDS, workWaitSecondsAfter } from '../../retry.ts'
import { SalesforceError, type FailureKind } from '../../salesforce/failure.ts'

/**
 * `wait`: it passes by itself. `wait_for_person`: somebody has to act, and the work then resumes by
 * itself. `end`: it can never succeed. `bug`: unexpected; the queue tries the work again a few times.
 */
export type Outcome = 'wait' | 'wait_for_person' | 'end' | 'bug'

interface Cause {
  outcome: Outcome
  /** For docs/architecture.md. */
  what: string
}

export const CAUSES = {
  salesforce_away: {
    outcome: 'wait',
    what: 'Salesforce is down, busy, cut off or locked for set-up',
  },
  budget_spent: { outcome: 'wait', what: 'the API budget of the Salesforce org is used up' },
  other_work: { outcome: 'wait', what: 'other work in the Salesforce org has to end first' },
  nango_away: { outcome: 'wait', what: 'Nango is down, or refuses a refresh for the moment' },
  engine_away: { outcome: 'wait', what: 'our database is away, or the session is being renewed' },
  connection_lost: {
    outcome: 'wait_for_person',
    what: 'the grant is dead, the API is switched off, or the host is refused',
  },
  setup_wrong: {
    outcome: 'wait_for_person',
    what: 'our key for Nango or our API version is refused: the operator has to act',
  },
  connection_revoked: { outcome: 'end', what: 'the connection was revoked' },
  client_inactive: { outcome: 'end', what: 'the client was deactivated, or is being off-boarded' },
  salesforce_org_changed: {
    outcome: 'end',
    what: 'the connection now leads to a different Salesforce org',
  },
  gone: { outcome: 'end', what: 'the client, or the user who asked, no longer exists' },
  refused: { outcome: 'end', what: 'Salesforce refuses what is asked, or the request is wrong' },
  unforeseen: { outcome: 'bug', what: 'an unexpected fault of ours' },
} as const satisfies Record<string, Cause>

export type CauseName = keyof typeof CAUSES

const BY_CODE: Readonly<Partial<Record<ErrorCode, CauseName>>> = {
  api_budget_exhausted: 'budget_spent',
  deployment_in_progress: 'other_work',
  pull_in_progress: 'other_work',
  unavailable: 'engine_away',
  connection_not_ready: 'connection_lost',
  host_refused: 'connection_lost',
  connection_revoked: 'connection_revoked',
  client_inactive: 'client_inactive',
  client_leaving: 'client_inactive',
  salesforce_org_changed: 'salesforce_org_changed',
  not_found: 'gone',
}

/** Salesforce failures that are permanent but not caused by the request. */
const BY_SALESFORCE: Readonly<Partial<Record<FailureKind, CauseName>>> = {
  limit_total: 'budget_spent',
  session_dead: 'connection_lost',
  session_unusable: 'connection_lost',
  api_disabled: 'connection_lost',
  version_unsupported: 'setup_wrong',
}

const BY_NANGO: Readonly<Record<NangoFailureKind, CauseName>> = {
  gone: 'connection_lost',
  refresh_refused: 'nango_away',
  refresh_backoff: 'nango_away',
  refresh_exhausted: 'nango_away',
  no_scope: 'setup_wrong',
  misconfigured: 'setup_wrong',
  rate_limited: 'nango_away',
  unavailable: 'nango_away',
}

/** Which of {@link CAUSES} a fault is. */
export const causeOf = (error: unknown): CauseName => {
  if (!(error instanceof EngineError)) return 'unforeseen'
  if (error instanceof SalesforceError) {
    const { passing, kind } = error.failure
    return passing ? 'salesforce_away' : (BY_SALESFORCE[kind] ?? 'refused')
  }
  if (error instanceof NangoError) return BY_NANGO[error.kind]
  return BY_CODE[error.code] ?? 'refused'
}

/** Whether only a person, at Salesforce or here, can restore access. */
export const isLost = (error: unknown): boolean =>
  CAUSES[causeOf(error)].outcome === 'wait_for_person'

/** Whether it passes by itself. */
export const isPassing = (error: unknown): boolean => CAUSES[causeOf(error)].outcome === 'wait'

const HOUR = 3_600
const DAY = 24 * HOUR

/**
 * Seconds that each kind of work waits for one cause before it ends with it. What may already be in the
 * Salesforce org waits without limit: its outcome can still be found, and `cancel` with `abandon`
 * abandons it. What only checks changes nothing there, and does not.
 */
export const PATIENCE: Readonly<Record<WorkKind, Record<'wait' | 'wait_for_person', number>>> = {
  'topology-pull': { wait: DAY, wait_for_person: DAY },
  'conflict-check': { wait: DAY, wait_for_person: DAY },
  deploy: { wait: DAY, wait_for_person: DAY },
  rollback: { wait: DAY, wait_for_person: DAY },
  push: { wait: 7 * DAY, wait_for_person: 7 * DAY },
  offboard: { wait: 7 * DAY, wait_for_person: 7 * DAY },
  purge: { wait: DAY, wait_for_person: DAY },
}

/** How soon something that needs no call to Salesforce is checked again. */
const LOOK_SECONDS = 5
/** The longest pause, even if Salesforce or Nango asks for more. */
const ASKED_SECONDS_MAX = 900

/** Seconds to the next try: as long as it has already waited, so that the pauses double. */
const pauseAfter = (cause: CauseName, error: EngineError, waitedSeconds: number): number => {
  const asked = Math.min(error.retryAfterSeconds ?? 0, ASKED_SECONDS_MAX)
  if (CAUSES[cause].outcome === 'wait_for_person') return WORK_WAIT_SECONDS.most
  if (cause === 'other_work') return LOOK_SECONDS
  const pause = workWaitSecondsAfter(waitedSeconds)
  // Checking the budget costs no call, so Salesforce's requested pause does not apply to it.
  return cause === 'budget_spent' ? Math.max(LOOK_SECONDS, pause) : Math.max(asked, pause)
}

/** What a caller sees of a fault: the same words wherever it occurred. */
export const toldOf = (error: unknown): WorkFault => {
  if (!(error instanceof EngineError)) {
    return { code: 'internal', message: 'Something went wrong on our side.' }
  }
  const { code, message, upstream, errors } = error
  return {
    code,
    message,
    ...(upstream === undefined ? {} : { upstream }),
    ...(errors === undefined ? {} : { errors }),
  }
}

export interface Question {
  kind: WorkKind
  error: unknown
  /** Whether something of it may already be in the Salesforce org. Then only its own outcome ends it. */
  sent: boolean
  /** Whether it changes nothing, however it ends: a check. Then it never waits without limit. */
  harmless?: boolean
  /** What it is already waiting for; null if it was running until this fault. */
  waiting: WorkFault | null
  now: Date
  /** Multiplies every duration; 1 except in tests. */
  scale: number
}

export type Decision =
  /** Pause with this reason; `fault.waiting` says since when, until when, and when it is tried again. */
  | { do: 'hold'; fault: WorkFault; afterSeconds: number }
  | { do: 'end'; fault: WorkFault }
  | { do: 'bug' }

/** What to do about a fault. A pure function of the table above. */
export const decide = ({
  kind,
  error,
  sent,
  harmless = false,
  waiting,
  now,
  scale,
}: Question): Decision => {
  const cause = causeOf(error)
  const outcome: Outcome = CAUSES[cause].outcome
  if (outcome === 'bug' || !(error instanceof EngineError)) return { do: 'bug' }
  const told = toldOf(error)
  if (outcome === 'end' && !sent) return { do: 'end', fault: told }

  const since = waiting?.waiting === undefined ? now : new Date(waiting.waiting.since)
  const waitedSeconds = (now.getTime() - since.getTime()) / 1000 / scale
  const patience = PATIENCE[kind][outcome === 'wait' ? 'wait' : 'wait_for_person']
  const isPatient = sent && !harmless
  if (!isPatient && waitedSeconds >= patience) {
    const message = `${told.message} It was tried for ${inWords(patience)}.`
    return { do: 'end', fault: { ...told, message } }
  }
  const afterSeconds = pauseAfter(cause, error, waitedSeconds) * scale
  const isPerson = outcome !== 'wait'
  const fault = standingStill(isPerson ? { ...told, code: 'connection_lost' } : told, {
    previous: waiting,
    afterSeconds,
    now,
    until: isPatient ? null : new Date(since.getTime() + patience * scale * 1000),
    isPerson,
  })
  return { do: 'hold', fault, afterSeconds }
}

/** A fault as it is shown while work is paused for it: since when, until when, and the next try. */
export const standingStill = (
  fault: WorkFault,
  {
    previous,
    afterSeconds,
    now,
    until = null,
    isPerson = false,
  }: {
    /** What it was paused for before, without a step in between. */
    previous: WorkFault | null
    afterSeconds: number
    now: Date
    until?: Date | null
    isPerson?: boolean
  },
): WorkFault => ({
  ...fault,
  waiting: {
    for: isPerson ? 'person' : 'time',
    since: previous?.waiting?.since ?? now.toISOString(),
    until: until?.toISOString() ?? null,
    next_try_at: new Date(now.getTime() + afterSeconds * 1000).toISOString(),
  },
})

/** Seconds in words: `24 hours`, `7 days`. */
export const inWords = (seconds: number): string =>
  seconds > DAY ? `${seconds / DAY} days` : `${seconds / HOUR} hours`
