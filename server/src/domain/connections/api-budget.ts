// How many API calls a Salesforce org has left today, no matter whose client it is. New work stops
// before the allowance falls under a reserve, so that the client's other tools keep working, and resumes
// by itself when calls are back: Salesforce counts a rolling 24 hours.

import { type Logger } from 'pino'
import { type Database } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type ApiBudget, type ApiUsage } from '../../salesforce/gateway.ts'
import { once } from './once.ts'

export interface ApiBudgets {
  /** `readUsage` asks Salesforce itself (one call that the budget does not stop). */
  of(sfdcOrgId: string, readUsage: () => Promise<ApiUsage>): ApiBudget
  /** Calls that are kept for others out of `max`. */
  readonly reserveOf: (max: number) => number
}

interface Options {
  db: Database
  /** 0 to 90: this share of the daily allowance is left to others. */
  reservePercent: number
  logger: Logger
  /** Multiplies how long an observation that stops work is trusted; 1 except in tests. */
  waitScale?: number
}

interface State {
  usage: ApiUsage | null
  observedAtMs: number
  /** Salesforce itself refused; nothing is tried before this time. */
  refusedUntilMs: number
  /** When this process last looked into the table. */
  readAtMs: number
  writtenAtMs: number
}

interface UsageRow {
  used: number
  max: number
  age_ms: number
  refused_for_ms: number | null
}

const MEMORY_MS = 1_000
const WRITE_EVERY_MS = 1_000
/** How long an observation that stops work is trusted before Salesforce is asked again. */
const STALE_MS = 5 * 60_000
/**
 * With no more than these left above the reserve, each call is counted in the table before it is made:
 * replicas that each rely on the last number from Salesforce would together use up the reserve. More
 * than can be under way at once; a call that was counted but never made is corrected by the next
 * reading.
 */
const COUNTED_CALLS = 100

export const createApiBudgets = ({
  db,
  reservePercent,
  logger,
  waitScale = 1,
}: Options): ApiBudgets => {
  const staleMs = STALE_MS * waitScale
  const states = new Map<string, State>()
  const looks = new Map<string, Promise<void>>()
  const readings = new Map<string, Promise<void>>()

  const stateOf = (sfdcOrgId: string): State => {
    const known = states.get(sfdcOrgId)
    if (known !== undefined) return known
    const fresh: State = {
      usage: null,
      observedAtMs: 0,
      refusedUntilMs: 0,
      readAtMs: 0,
      writtenAtMs: 0,
    }
    states.set(sfdcOrgId, fresh)
    return fresh
  }

  const reserveOf = (max: number): number => Math.ceil((max * reservePercent) / 100)
  /** Calls that may still be made. */
  const spare = ({ used, max }: ApiUsage): number =>
    max > 0 ? max - used - reserveOf(max) : Number.POSITIVE_INFINITY
  const isSpent = (usage: ApiUsage): boolean => spare(usage) <= 0

  /**
   * Takes over what another replica saw later than we did. Callers that arrive in the meantime wait for
   * it too.
   */
  const look = (sfdcOrgId: string, state: State): Promise<void> => {
    if (Date.now() - state.readAtMs <= MEMORY_MS) return Promise.resolve()
    return once(looks, sfdcOrgId, async () => {
      const [row] = await db.shared<UsageRow>(
        `select used, max, extract(epoch from now() - observed_at)::float8 * 1000 as age_ms,
                extract(epoch from refused_until - now())::float8 * 1000 as refused_for_ms
           from engine.salesforce_org_usage where sfdc_org_id = $1`,
        [sfdcOrgId],
      )
      const now = Date.now()
      state.readAtMs = now
      if (row === undefined) return
      const observedAtMs = now - row.age_ms
      if (observedAtMs <= state.observedAtMs) return
      state.usage = { used: row.used, max: row.max }
      state.observedAtMs = observedAtMs
      state.refusedUntilMs = row.refused_for_ms === null ? 0 : now + row.refused_for_ms
    })
  }

  /** Counts a call that is about to be made, across all replicas; false: no call was left. */
  const claim = async (sfdcOrgId: string, state: State, usage: ApiUsage): Promise<boolean> => {
    const { used, max } = usage
    const [counted] = await db.shared<{ used: number }>(
      `insert into engine.salesforce_org_usage as known (sfdc_org_id, used, max, reserve)
       values ($1, $2 + 1, $3, $4)
       on conflict (sfdc_org_id) do update
          set used = greatest(known.used, $2) + 1, max = $3, reserve = $4, observed_at = now()
        where $3 - greatest(known.used, $2) > $4
       returning used`,
      [sfdcOrgId, used, max, reserveOf(max)],
    )
    state.usage = { used: counted?.used ?? max - reserveOf(max), max }
    state.observedAtMs = Date.now()
    return counted !== undefined
  }

  /**
   * Calls counted beforehand stay counted; a lower number than that, or `anew`, comes from Salesforce
   * itself.
   */
  const save = (sfdcOrgId: string, state: State, anew = false): void => {
    state.writtenAtMs = Date.now()
    const { used, max } = state.usage ?? { used: 0, max: 0 }
    const refusedForSeconds = Math.max(0, (state.refusedUntilMs - Date.now()) / 1000)
    db.shared(
      `insert into engine.salesforce_org_usage as known (sfdc_org_id, used, max, refused_until, reserve)
       values ($1, $2, $3, case when $4::float8 > 0 then now() + make_interval(secs => $4::float8) end, $7)
       on conflict (sfdc_org_id) do update
          set used = case when not $5 and known.used - excluded.used between 0 and $6 then known.used
                          else excluded.used end,
              max = excluded.max, observed_at = now(), refused_until = excluded.refused_until,
              reserve = excluded.reserve`,
      [sfdcOrgId, used, max, refusedForSeconds, anew, COUNTED_CALLS, reserveOf(max)],
    ).catch((error: unknown) => logger.warn({ err: error }, 'API usage not recorded'))
  }

  const record = (sfdcOrgId: string, usage: ApiUsage, anew = false): void => {
    const state = stateOf(sfdcOrgId)
    const now = Date.now()
    const wasSpent = state.usage !== null && isSpent(state.usage)
    const spent = isSpent(usage)
    state.usage = usage
    state.observedAtMs = now
    if (!spent) state.refusedUntilMs = 0
    // Others learn at once that the reserve is reached (or free again), else once a second.
    if (anew || spent !== wasSpent || now - state.writtenAtMs >= WRITE_EVERY_MS) {
      save(sfdcOrgId, state, anew)
    }
  }

  const stopped = (state: State): number | null => {
    const now = Date.now()
    if (state.refusedUntilMs > now) return state.refusedUntilMs - now
    const refusedBefore = state.refusedUntilMs > 0
    if (!refusedBefore && (state.usage === null || !isSpent(state.usage))) return null
    return Math.max(0, state.observedAtMs + staleMs - now)
  }

  const readAnew = (sfdcOrgId: string, readUsage: () => Promise<ApiUsage>): Promise<void> =>
    once(readings, sfdcOrgId, async () => {
      const usage = await readUsage()
      // Salesforce has just served a call: what it refused before is over.
      stateOf(sfdcOrgId).refusedUntilMs = 0
      record(sfdcOrgId, usage, true)
    })

  return {
    reserveOf,
    of: (sfdcOrgId, readUsage) => ({
      record: (usage) => record(sfdcOrgId, usage),

      exhausted: () => {
        const state = stateOf(sfdcOrgId)
        state.observedAtMs = Date.now()
        state.refusedUntilMs = Date.now() + staleMs
        save(sfdcOrgId, state)
      },

      check: async () => {
        const state = stateOf(sfdcOrgId)
        await look(sfdcOrgId, state)
        let waitMs = stopped(state)
        if (waitMs === 0) {
          await readAnew(sfdcOrgId, readUsage).catch((error: unknown) =>
            logger.info({ err: error }, 'API usage could not be read again'),
          )
          waitMs = stopped(state)
        }
        if (waitMs === null) {
          if (state.usage === null || spare(state.usage) > COUNTED_CALLS) return
          if (await claim(sfdcOrgId, state, state.usage)) return
          waitMs = staleMs
        }
        const { used, max } = state.usage ?? { used: 0, max: 0 }
        const of = max > 0 ? `${used} of ${max} calls are used` : 'Salesforce reported it'
        throw new EngineError(
          'api_budget_exhausted',
          `The daily API allowance of this Salesforce org is used up except for the reserve: ${of}.`,
          { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) },
        )
      },
    }),
  }
}
