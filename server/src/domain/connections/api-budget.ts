// How many API calls a Salesforce org has left today, no matter whose client it is. New work stops
// before the allowance falls under a reserve, so that the client's other tools keep working, and resumes
// by itself when calls are back: Salesforce counts a rolling 24 hours.

import { type Logger } from 'pino'
import { type Database } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type ApiBudget, type ApiUsage, type CallEnd } from '../../salesforce/gateway.ts'
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
  /** Calls under way that the table does not count: they began while plenty were left. */
  uncounted: Set<Call>
}

interface Call {
  /** In the table, among those under way. */
  isCounted: boolean
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
 * With no more than these left above the reserve, each call is counted in the table from before it is
 * made until it has ended: an answer tells nothing of the calls that were sent after it, and replicas
 * know nothing of each other's. More than can be under way at once.
 */
const COUNTED_CALLS = 100
/** A process that was killed never ends its calls; no call is under way for longer. */
const FORGOTTEN_AFTER = '10 minutes'

/** Answers overtake each other, so a slightly lower number than the known one is older; one far lower is of a new day. */
const NEWER_USED = `case when known.used - $2::int between 0 and ${COUNTED_CALLS} then known.used else $2::int end`
const UNDER_WAY = `case when known.claimed_at > now() - interval '${FORGOTTEN_AFTER}' then known.under_way else 0 end`

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
      uncounted: new Set(),
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

  /**
   * Counts a call that is about to be made, across all replicas; false: no call was left. Those that this
   * process has under way uncounted are counted first.
   */
  const claim = async (sfdcOrgId: string, state: State, usage: ApiUsage): Promise<boolean> => {
    const { used, max } = usage
    const joining = [...state.uncounted]
    state.uncounted.clear()
    for (const call of joining) call.isCounted = true
    const counting = db.shared(
      `insert into engine.salesforce_org_usage as known (sfdc_org_id, used, max, under_way, reserve)
       values ($1, $2, $3, $4, $5)
       on conflict (sfdc_org_id) do update
          set used = ${NEWER_USED}, max = $3, reserve = $5, under_way = ${UNDER_WAY} + $4,
              claimed_at = case when $4 > 0 then now() else known.claimed_at end`,
      [sfdcOrgId, used, max, joining.length, reserveOf(max)],
    )
    await counting.catch((error: unknown) => {
      // Or their ends would be taken from the calls of others.
      for (const call of joining) call.isCounted = false
      throw error
    })
    const granted = await db.shared(
      `update engine.salesforce_org_usage as known
          set under_way = ${UNDER_WAY} + 1, claimed_at = now(), observed_at = now()
        where sfdc_org_id = $1 and max - used - ${UNDER_WAY} > $2
       returning sfdc_org_id`,
      [sfdcOrgId, reserveOf(max)],
    )
    if (granted.length > 0) return true
    state.usage = { used: max - reserveOf(max), max }
    state.observedAtMs = Date.now()
    return false
  }

  /**
   * Takes a counted call from those under way. A call that may have been served, and whose end brings no
   * number from Salesforce, stays among them until it is forgotten: no number that was told earlier includes
   * it.
   */
  const settle = (sfdcOrgId: string, end: CallEnd): void => {
    if (end === 'perhaps_served') return
    const usage = end === 'not_served' ? null : end
    db.shared(
      `update engine.salesforce_org_usage as known
          set under_way = greatest(known.under_way - 1, 0), observed_at = now(),
              used = case when $2::int is null then known.used else ${NEWER_USED} end,
              max = coalesce($3, known.max)
        where sfdc_org_id = $1`,
      [sfdcOrgId, usage?.used ?? null, usage?.max ?? null],
    ).catch((error: unknown) => logger.warn({ err: error }, 'end of an API call not recorded'))
  }

  /**
   * `askedAtMs`: when Salesforce was asked for just this. A number that is lower than the known one is then
   * a true one, unless an answer has come since.
   */
  const save = async (sfdcOrgId: string, state: State, askedAtMs?: number): Promise<void> => {
    state.writtenAtMs = Date.now()
    const { used, max } = state.usage ?? { used: 0, max: 0 }
    const refusedForSeconds = Math.max(0, (state.refusedUntilMs - Date.now()) / 1000)
    const askedForMs = askedAtMs === undefined ? null : performance.now() - askedAtMs
    await db
      .shared(
        `insert into engine.salesforce_org_usage as known (sfdc_org_id, used, max, refused_until, reserve)
         values ($1, $2, $3, case when $4::float8 > 0 then now() + make_interval(secs => $4::float8) end, $6)
         on conflict (sfdc_org_id) do update
            set used = case when known.observed_at < now() - make_interval(secs => $5::float8 / 1000) then excluded.used
                            else ${NEWER_USED} end,
                max = excluded.max, observed_at = now(), refused_until = excluded.refused_until,
                reserve = excluded.reserve`,
        [sfdcOrgId, used, max, refusedForSeconds, askedForMs, reserveOf(max)],
      )
      .catch((error: unknown) => logger.warn({ err: error }, 'API usage not recorded'))
  }

  const record = async (sfdcOrgId: string, usage: ApiUsage, askedAtMs?: number): Promise<void> => {
    const state = stateOf(sfdcOrgId)
    const now = Date.now()
    const wasSpent = state.usage !== null && isSpent(state.usage)
    const spent = isSpent(usage)
    state.usage = usage
    state.observedAtMs = now
    if (!spent) state.refusedUntilMs = 0
    // Others learn at once that the reserve is reached (or free again), else once a second.
    const isNews = askedAtMs !== undefined || spent !== wasSpent
    if (isNews || now - state.writtenAtMs >= WRITE_EVERY_MS) await save(sfdcOrgId, state, askedAtMs)
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
      const askedAtMs = performance.now()
      const usage = await readUsage()
      // Salesforce has just served a call: what it refused before is over.
      stateOf(sfdcOrgId).refusedUntilMs = 0
      await record(sfdcOrgId, usage, askedAtMs)
    })

  /** Returns when one more call may be made; throws `api_budget_exhausted` when none may. */
  const take = async (
    sfdcOrgId: string,
    call: Call,
    readUsage: () => Promise<ApiUsage>,
  ): Promise<void> => {
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
      if (state.usage === null || spare(state.usage) > COUNTED_CALLS) {
        state.uncounted.add(call)
        return
      }
      call.isCounted = await claim(sfdcOrgId, state, state.usage)
      if (call.isCounted) return
      waitMs = staleMs
    }
    const { used, max } = state.usage ?? { used: 0, max: 0 }
    const of = max > 0 ? `${used} of ${max} calls are used` : 'Salesforce reported it'
    throw new EngineError(
      'api_budget_exhausted',
      `The daily API allowance of this Salesforce org is used up except for the reserve: ${of}.`,
      { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) },
    )
  }

  return {
    reserveOf,
    of: (sfdcOrgId, readUsage) => ({
      record: (usage) => void record(sfdcOrgId, usage),

      exhausted: () => {
        const state = stateOf(sfdcOrgId)
        state.observedAtMs = Date.now()
        state.refusedUntilMs = Date.now() + staleMs
        void save(sfdcOrgId, state)
      },

      take: async () => {
        const call: Call = { isCounted: false }
        await take(sfdcOrgId, call, readUsage)
        return (end) => {
          stateOf(sfdcOrgId).uncounted.delete(call)
          if (typeof end !== 'string') void record(sfdcOrgId, end)
          if (call.isCounted) settle(sfdcOrgId, end)
        }
      },
    }),
  }
}
