// What is said about a piece of work: one line when it starts or is taken over, one when it ends, with
// how it ended and how long it took. The log explains a bug with its stack; an outcome that was to be
// expected (an expired grant, Salesforce away, a refused plan) is told by its code.

import { type Logger } from 'pino'
import { type Tenant } from '../db/database.ts'
import { type WorkFault } from '../db/tables/work.ts'
import { isExpected } from '../errors.ts'

/** How a piece of work stands, by its row. */
export interface Standing {
  /** What callers know it by: `{ snapshot_id: … }`, `{ deployment_id: … }`. */
  resource: Readonly<Record<string, string>>
  /** Of the request that asked for it. */
  requestId: string | null
  /** The final status of the resource; null while it is open. */
  ended: string | null
  /** What it waits for, or what it ended with. */
  fault: WorkFault | null
}

/**
 * How a turn of a job ended. Beside these it is the final status of the resource (`complete`, `deployed`,
 * `partial`, `failed` …).
 *
 * - `waiting`: paused, for the reason in `code`
 * - `again`: it goes on after other work had its turn
 * - `open`: others go on with it
 * - `interrupted`: this replica stops; another one goes on
 * - `retried`: an unexpected fault of ours; it is tried again
 * - `given_up`: it failed too often, or killed its process too often
 * - `nothing`: its row had ended before
 */
export type TurnEnd =
  | 'again'
  | 'interrupted'
  | 'retried'
  | 'given_up'
  | 'nothing'
  | 'waiting'
  | 'open'

export interface TurnDone {
  kind: string
  outcome: string
  seconds: number
}

interface Turn {
  kind: string
  work: Tenant & { readonly id: string }
  /** How many processes died with it. */
  deaths: number
  /** 1 for the first start; more after an unexpected fault or a shutdown. */
  attempt: number
  /** It goes on after a turn of its own, and is not told again: a long push would fill the log. */
  continues: boolean
}

export interface Account {
  /** `error`: what was thrown, if it is a bug. */
  close(end: TurnEnd | 'done', error?: unknown): Promise<void>
}

interface Options {
  logger: Logger
  /** Null: the row does not exist any more. */
  standing: () => Promise<Standing | null>
  onDone: (event: TurnDone) => void
}

const TAKEN_OVER = 'job taken over: the process that had it died'

/** Ends of a turn that say everything: the row need not be read again. */
const TELLING: ReadonlySet<TurnEnd | 'done'> = new Set(['again', 'interrupted'])

/** Writes the first line about a turn. `close` writes the last one and counts it. Neither throws. */
export const openAccount = async (
  { logger, standing, onDone }: Options,
  { kind, work, deaths, attempt, continues }: Turn,
): Promise<Account> => {
  const startedAt = performance.now()
  /** The log must not be what fails a piece of work. */
  const look = (): Promise<Standing | null> => standing().catch(() => null)
  const about = (row: Standing | null): Record<string, string> => ({
    kind,
    ...row?.resource,
    work_id: work.id,
    org_id: work.orgId,
    ...(work.clientId === null ? {} : { client_id: work.clientId }),
    ...(row?.requestId == null ? {} : { request_id: row.requestId }),
  })
  // A long push has a turn every few seconds.
  const first = continues && deaths === 0 ? null : await look()
  const wasOver = first !== null && first.ended !== null
  const isQuiet = continues || wasOver
  if (deaths > 0) logger.warn({ ...about(first), deaths }, TAKEN_OVER)
  else if (!isQuiet)
    logger.info({ ...about(first), ...(attempt > 1 && { attempt }) }, 'job started')

  return {
    close: async (end, error) => {
      const seconds = (performance.now() - startedAt) / 1000
      const last = wasOver || TELLING.has(end) ? first : await look()
      const outcome = wasOver ? 'nothing' : outcomeOf(end, last)
      onDone({ kind, outcome, seconds })
      const line = { ...about(last), outcome, ms: Math.round(seconds * 1000) }
      if (end === 'retried' || end === 'given_up') {
        logger[isExpected(error) ? 'warn' : 'error']({ ...line, err: error }, 'job failed')
      } else if (end === 'interrupted') logger.info(line, 'job ended')
      else if (!wasOver && end !== 'again') {
        logger.info({ ...line, ...faultLine(last?.fault ?? null) }, 'job ended')
      }
    },
  }
}

const outcomeOf = (end: TurnEnd | 'done', now: Standing | null): string => {
  if (end !== 'done') return end
  if (now === null) return 'nothing'
  return now.ended ?? (now.fault?.waiting === undefined ? 'open' : 'waiting')
}

/** The codes only: the words of Salesforce may hold a customer's data. */
const faultLine = (fault: WorkFault | null): Record<string, string> => {
  if (fault === null) return {}
  const { code, upstream, waiting } = fault
  return {
    code,
    ...(upstream === undefined ? {} : { upstream_code: upstream.code }),
    ...(waiting === undefined
      ? {}
      : { waits_for: waiting.for, waits_since: waiting.since, next_try_at: waiting.next_try_at }),
  }
}
