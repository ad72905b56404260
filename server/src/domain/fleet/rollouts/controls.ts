// What people do to a rollout. Each is one transaction that locks it: from its commit on, no replica begins
// anything that it forbids.

import { sql } from 'kysely'
import { type Tx } from '../../../db/database.ts'
import { json } from '../../../db/json.ts'
import { EngineError, type MemberError } from '../../../errors.ts'
import { actingFor, type RolloutRow, type TargetRow, updateRollout, type WaveRow } from './rows.ts'
import { type Caller } from '../../caller.ts'
import { TO_UNDO } from './claims.ts'
import { type Contents } from './contents.ts'
import { NOTHING_LEFT } from './create.ts'
import {
  requireBindings,
  requireChecked,
  requireNoNews,
  requirePresent,
  requireSeen,
  requireUnblocked,
  requireUnchanged,
  requireUnpinned,
} from './gate.ts'
import { recall } from './journal.ts'
import {
  ENDED_STATES,
  isByTheClock,
  type RolloutState,
  type TargetState,
  tellsFailures,
} from './model.ts'
import { STOPPED } from './outcome.ts'

export const conflict = (message: string, errors: MemberError[] = []): EngineError =>
  new EngineError('rollout_state_conflict', message, errors.length === 0 ? {} : { errors })

/** Where a client was named in the request. */
const pathOf = (clientIds: readonly string[] | undefined, id: string): string => {
  const at = clientIds?.findIndex((one) => one.toLowerCase() === id) ?? -1
  return at === -1 ? `targets.${id}` : `client_ids.${at}`
}

const stateInWords = ({ state, pause_reason: reason }: RolloutRow): string =>
  reason === null ? state.replaceAll('_', ' ') : `paused (${reason})`

const OPEN: readonly RolloutState[] = ['draft', 'checking', 'ready', 'running', 'paused']

/** In which states a rollout can be what. */
const POSSIBLE = {
  checked: OPEN,
  started: ['ready'],
  paused: ['running', 'paused'],
  resumed: ['paused'],
  stopped: OPEN,
  retried: ['running', 'paused', ...ENDED_STATES],
  changed: OPEN,
  'rolled back': ['paused', ...ENDED_STATES, 'rolled_back', 'rollback_partial'],
} as const satisfies Record<string, readonly RolloutState[]>

export const requireState = (row: RolloutRow, verb: keyof typeof POSSIBLE): void => {
  const isIn = (states: readonly RolloutState[]): boolean => states.includes(row.state)
  if (isIn(POSSIBLE[verb])) return
  const others = Object.entries(POSSIBLE).flatMap(([name, states]) => (isIn(states) ? [name] : []))
  throw conflict(
    `A rollout that is ${stateInWords(row)} cannot be ${verb}. ` +
      (others.length === 0 ? 'Wait for its end.' : `It can be ${others.join(', ')}.`),
  )
}

export const NOT_PAUSED = { pause_reason: null, pause_detail: null, paused_until: null } as const
export const NOW = sql<Date>`clock_timestamp()`

/** So many clients may be named at once. */
export const NAMED_MAX = 5_000

interface Named {
  states: readonly TargetState[]
  clientIds: readonly string[] | undefined
}

const ROLL_BACK_FIRST =
  'Roll it back with /api/deploy/rollback, then retry; or bring it to the client with a new rollout.'

/** Targets in one of these states. Throws not_found and bad_request for named ones that are none. */
const targetsIn = async (
  tx: Tx,
  row: RolloutRow,
  { states, clientIds }: Named,
  verb: string,
): Promise<Pick<TargetRow, 'id' | 'client_id' | 'state' | 'wave'>[]> => {
  let query = tx
    .selectFrom('rollout_targets')
    .select(['id', 'client_id', 'state', 'wave'])
    .where('org_id', '=', row.org_id)
    .where('rollout_id', '=', row.id)
    .orderBy('position')
  if (clientIds === undefined) return query.where('state', 'in', [...states]).execute()
  query = query.where(sql<boolean>`client_id = any(${clientIds}::uuid[])`)
  const found = await query.execute()
  const byId = new Map(found.map((target) => [target.client_id, target]))
  const errors = clientIds.flatMap((id, at): MemberError[] => {
    const path = `client_ids.${at}`
    const target = byId.get(id.toLowerCase())
    if (target === undefined) {
      return [
        { path, code: 'not_a_target', message: 'The client is not a target of this rollout.' },
      ]
    }
    if (states.includes(target.state)) return []
    const remedy = verb === 'retried' && target.state === 'deployed' ? ` ${ROLL_BACK_FIRST}` : ''
    const message = `A target that is ${target.state.replaceAll('_', ' ')} cannot be ${verb}.${remedy}`
    return [{ path, code: 'wrong_state', message }]
  })
  const [first] = errors
  if (first === undefined) return found
  if (errors.some(({ code }) => code === 'not_a_target')) {
    throw new EngineError('bad_request', 'A named client is not a target of this rollout.', {
      errors,
    })
  }
  throw new EngineError('rollout_state_conflict', first.message, { errors })
}

const setTargets = async (
  tx: Tx,
  row: RolloutRow,
  ids: readonly string[],
  set: Record<string, unknown>,
): Promise<void> => {
  if (ids.length === 0) return
  await tx
    .updateTable('rollout_targets')
    .set({ ...set, claim: null, claimed_until: null, due_at: null, updated_at: NOW })
    .where('org_id', '=', row.org_id)
    .where('rollout_id', '=', row.id)
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .execute()
}

const idsOf = (targets: readonly { id: string }[]): string[] => targets.map(({ id }) => id)

/** The last report that was made, and not only begun. */
const LAST = sql`(select r.id from crm_conflict_reports r
  where r.org_id = rollout_targets.org_id and r.id = report_id and r.status = 'complete')`

/** What a person has been shown stays that, whatever was found since; and what they accept now. */
const SHOWN = sql<string | null>`coalesce(shown_report_id, ${LAST})`
const SHOWN_NOW = sql<string | null>`coalesce(${LAST}, shown_report_id)`

type Chosen = Awaited<ReturnType<typeof targetsIn>>[number]

/**
 * Sends these targets to their checks, with what their bindings say now. Returns what changes of the rollout: a target
 * that nothing is left to bring to by now has its verdict.
 */
const checkAnew = async (
  tx: Tx,
  row: RolloutRow,
  contents: Pick<Contents, 'bindAnew'>,
  targets: readonly Chosen[],
  set: Record<string, unknown>,
) => {
  const rebound = await contents.bindAnew(tx, row, targets)
  const bound = new Set(rebound.map(({ id }) => id))
  const checked = targets.filter(({ id, state }) => state !== 'unchanged' || bound.has(id))
  await setTargets(tx, row, idsOf(checked), { ...set, state: 'checking', report_id: null })
  const before = new Map(targets.map(({ id, state }) => [id, state]))
  const made = rebound.map(({ id, values, planHash: hash, fits }) => {
    const isIdle = fits && hash === ''
    const isNews = isIdle && before.get(id) !== 'unchanged'
    return { id, kept: values, plan_hash: hash, is_idle: isIdle, is_news: isNews }
  })
  await sql`
    update rollout_targets t
       set "values" = n.kept, plan_hash = n.plan_hash,
           state = case when n.is_idle then 'unchanged' else t.state end,
           decision = case when n.is_idle then ${NOTHING_LEFT} else t.decision end,
           severity = case when n.is_idle then null else t.severity end,
           revision = case when n.is_news then ${row.revision + 1} else t.revision end
      from jsonb_to_recordset(${json(made)})
        as n(id uuid, kept jsonb, plan_hash text, is_idle boolean, is_news boolean)
     where t.org_id = ${row.org_id} and t.rollout_id = ${row.id} and t.id = n.id`.execute(tx)
  return made.some((one) => one.is_news) ? { revision: sql<number>`revision + 1` } : {}
}

export interface CheckInput {
  client_ids?: string[] | undefined
  refresh?: boolean | undefined
}

/**
 * Targets that were not begun are checked, also those that were checked before; after the start, those of waves that
 * have not begun. What a check of any other would find is deployed at once, or by no wave: that is a retry.
 */
export const beginChecks = async (
  tx: Tx,
  caller: Caller,
  row: RolloutRow,
  waves: readonly WaveRow[],
  contents: Pick<Contents, 'bindAnew'>,
  { client_ids: clientIds, refresh }: CheckInput,
): Promise<void> => {
  requireState(row, 'checked')
  const isBefore = row.started_at === null
  // Unchanged without a check: nothing was left to bring, as long as the binding said so.
  const states: TargetState[] = ['pending', 'ready', 'blocked', 'unchanged']
  const found = await targetsIn(tx, row, { states, clientIds }, 'checked')
  const coming = new Set(waves.filter(({ state }) => state === 'pending').map((w) => w.position))
  const targets = found.filter(({ wave }) => isBefore || coming.has(wave))
  const late = clientIds === undefined ? [] : found.filter((target) => !targets.includes(target))
  if (late.length > 0 || (targets.length === 0 && !isBefore)) {
    throw conflict(
      'Only targets of waves that have not begun are checked. Try others again with /api/fleet/rollouts/retry.',
      late.map(({ client_id: id }) => ({
        path: pathOf(clientIds, id),
        code: 'wave_begun',
        message: 'Its wave has begun.',
      })),
    )
  }
  const verdicts = await checkAnew(tx, row, contents, targets, {
    shown_report_id: isBefore ? null : SHOWN,
    reason: null,
    fault: null,
    severity: null,
    is_failure: false,
    needs_refresh: refresh === true,
    is_rechecked: false,
    decision: null,
  })
  await updateRollout(tx, row, {
    ...verdicts,
    ...(isBefore ? { state: 'checking' as const, ...actingFor(caller) } : {}),
    wake_at: NOW,
  })
}

/** Throws confirmation_stale, conflicts_found and rollout_state_conflict. */
export const requireStart = async (
  tx: Tx,
  row: RolloutRow,
  waves: readonly WaveRow[],
  seen: number | undefined,
): Promise<void> => {
  if (row.state !== 'draft' && row.state !== 'checking') requireState(row, 'started')
  const first = waves[0]?.position ?? 1
  await requireChecked(tx, row, first)
  if (row.state !== 'ready') {
    throw conflict('The rollout is still being checked. Wait until it is ready.')
  }
  await requireUnblocked(tx, row, first)
  await requireUnpinned(tx, row, null)
  await requireBindings(tx, row)
  await requireUnchanged(tx, row, seen)
}

export const start = async (tx: Tx, caller: Caller, row: RolloutRow): Promise<void> => {
  await updateRollout(tx, row, {
    state: 'running',
    started_at: NOW,
    wake_at: NOW,
    ...actingFor(caller),
  })
}

/** Nothing is sent after this: what was begun and not sent is cancelled, and begun anew when it goes on. */
export const pause = async (tx: Tx, row: RolloutRow): Promise<void> => {
  requireState(row, 'paused')
  if (row.pause_reason === 'user') return
  const paused = await updateRollout(tx, row, {
    state: 'paused',
    ...NOT_PAUSED,
    pause_reason: 'user',
    wake_at: NOW,
  })
  await recall(tx, paused)
}

/**
 * Throws rollout_state_conflict for a pause that somebody has to approve, or that ends by itself, and confirmation_stale.
 */
export const requireResume = async (
  tx: Tx,
  row: RolloutRow,
  seen: number | undefined,
): Promise<void> => {
  requireState(row, 'resumed')
  if (row.pause_reason === 'gate') {
    throw conflict('The next wave needs an approval: /api/fleet/rollouts/approve.')
  }
  if (isByTheClock(row.pause_reason)) {
    const until = row.paused_until?.toISOString()
    throw conflict(
      `The rollout goes on by itself${until === undefined ? '' : ` at ${until}`} (${row.pause_reason ?? ''}).`,
    )
  }
  await requireBindings(tx, row)
  await requirePresent(tx, row, seen)
}

/** Failures that the pause was for were seen, and no longer count; what failed while a person had paused it does. */
export const resume = async (tx: Tx, caller: Caller, row: RolloutRow): Promise<void> => {
  if (tellsFailures(row.pause_reason)) {
    await tx
      .updateTable('rollout_targets')
      .set({ is_acknowledged: true })
      .where('org_id', '=', row.org_id)
      .where('rollout_id', '=', row.id)
      .where('is_failure', '=', true)
      .execute()
  }
  await updateRollout(tx, row, {
    state: 'running',
    ...NOT_PAUSED,
    wake_at: NOW,
    ...actingFor(caller),
  })
}

export interface ApproveInput {
  wave?: number | undefined
  /** Of the rollout, as the person saw it: what the reports of the wave say is accepted. */
  revision?: number | undefined
}

/** The wave that waits for an approval. Throws rollout_state_conflict, conflicts_found, confirmation_stale. */
export const requireApprove = async (
  tx: Tx,
  row: RolloutRow,
  waves: readonly WaveRow[],
  { wave: named, revision: seen }: ApproveInput,
): Promise<WaveRow> => {
  const next = waves.find(({ state }) => state === 'pending')
  if (row.pause_reason !== 'gate' || next === undefined) {
    throw conflict(
      `A rollout that is ${stateInWords(row)} waits for no approval. A rollout waits for one while it is paused (gate).`,
    )
  }
  if (named !== undefined && named !== next.position) {
    throw conflict(`Wave ${next.position} waits for an approval, not wave ${named}.`)
  }
  await requireUnblocked(tx, row, next.position)
  await requireUnpinned(tx, row, next.position)
  const unchecked = await tx
    .selectFrom('rollout_targets')
    .select('id')
    .where('org_id', '=', row.org_id)
    .where('rollout_id', '=', row.id)
    .where('wave', '=', next.position)
    .where('state', 'in', ['pending', 'checking'])
    .limit(1)
    .execute()
  if (unchecked.length > 0) await requireChecked(tx, row, next.position)
  await requireBindings(tx, row)
  await requirePresent(tx, row, seen)
  if (seen === undefined) await requireNoNews(tx, row, next.position)
  return next
}

/** With `isSeen` the last reports of the wave are what a person has been shown. */
export const approve = async (
  tx: Tx,
  caller: Caller,
  row: RolloutRow,
  { position }: WaveRow,
  isSeen: boolean,
): Promise<void> => {
  if (isSeen) {
    await tx
      .updateTable('rollout_targets')
      .set({ shown_report_id: SHOWN_NOW })
      .where('org_id', '=', row.org_id)
      .where('rollout_id', '=', row.id)
      .where('wave', '=', position)
      .where('state', '=', 'ready')
      .execute()
  }
  await tx
    .updateTable('rollout_waves')
    .set({ approved_by: caller.userId, approved_at: NOW })
    .where('org_id', '=', row.org_id)
    .where('rollout_id', '=', row.id)
    .where('position', '=', position)
    .execute()
  await updateRollout(tx, row, {
    state: 'running',
    ...NOT_PAUSED,
    wake_at: NOW,
    ...actingFor(caller),
  })
}

/** Targets of which nothing is under way in a Salesforce org. */
const UNBEGUN = sql<boolean>`state in ('pending', 'checking', 'ready', 'blocked', 'queued')
  or state = 'waiting' and deployment_id is null`

export const skipUnbegun = async (
  tx: Tx,
  caller: Caller,
  row: RolloutRow,
  decision: string,
): Promise<void> => {
  await tx
    .updateTable('rollout_targets')
    .set({
      state: 'skipped',
      reason: null,
      decided_by: caller.userId,
      decision,
      claim: null,
      claimed_until: null,
      due_at: null,
      updated_at: NOW,
    })
    .where('org_id', '=', row.org_id)
    .where('rollout_id', '=', row.id)
    .where(sql<boolean>`(${UNBEGUN})`)
    .execute()
}

/** For good: what was not begun is skipped, what was sent ends. */
export const stop = async (tx: Tx, caller: Caller, row: RolloutRow): Promise<void> => {
  requireState(row, 'stopped')
  await skipUnbegun(tx, caller, row, STOPPED)
  const stopped = await updateRollout(tx, row, { state: 'stopped', ...NOT_PAUSED, wake_at: NOW })
  await recall(tx, stopped)
}

/** The wave of a target as long as that has not begun, with its gate and its soak; else this one. */
const inOwnWaveOr = (position: number) => sql<number>`case when exists (
  select from rollout_waves w
   where w.org_id = rollout_targets.org_id and w.rollout_id = rollout_targets.rollout_id
     and w.position = wave and w.state = 'pending')
  then wave else ${position} end`

export interface RetryInput {
  client_ids?: string[] | undefined
  /** Of the rollout, as the person saw it: what its reports say of the targets is accepted. */
  revision?: number | undefined
}

/** Those that wait in an open wave, too: their bindings may have changed. */
const RETRIED: readonly TargetState[] = [
  ...(['failed', 'blocked', 'skipped', 'rolled_back', 'queued', 'waiting'] as const),
]

/** Nobody is taken from what is under way. */
const requireIdle = async (
  tx: Tx,
  row: RolloutRow,
  targets: readonly { id: string }[],
  clientIds: readonly string[] | undefined,
): Promise<void> => {
  const { rows: busy } = await sql<{ client_id: string }>`
    select t.client_id from rollout_targets t
      join deployment_runs u on u.org_id = t.org_id and u.deployment_id = t.deployment_id
     where t.org_id = ${row.org_id} and t.id = any(${idsOf(targets)}::uuid[]) and u.ended_at is null`.execute(
    tx,
  )
  if (busy.length > 0) {
    throw conflict(
      'The deployment of a target has not ended. Wait for it, or cancel it with /api/deploy/cancel.',
      busy.map(({ client_id: id }) => ({
        path: pathOf(clientIds, id),
        code: 'deployment_in_progress',
        message: 'Its deployment has not ended.',
      })),
    )
  }
}

/** A target is of one deployment: another one would take its place, and a rollback would not know of the first. */
const requireNothingLeft = async (
  tx: Tx,
  row: RolloutRow,
  targets: readonly { id: string }[],
  clientIds: readonly string[] | undefined,
): Promise<void> => {
  const { rows } = await sql<{ client_id: string }>`
    select t.client_id from rollout_targets t
     where t.org_id = ${row.org_id} and t.id = any(${idsOf(targets)}::uuid[]) and ${TO_UNDO}
     order by t.position`.execute(tx)
  if (rows.length === 0) return
  throw conflict(
    `The deployment of a target was applied, or perhaps was. ${ROLL_BACK_FIRST}`,
    rows.map(({ client_id: id }) => ({
      path: pathOf(clientIds, id),
      code: 'deployment_left',
      message: 'What its deployment changed in the Salesforce org may be there.',
    })),
  )
}

/** Throws rollout_state_conflict if nothing can be tried again, confirmation_stale if more is known than was seen. */
export const requireRetry = async (tx: Tx, row: RolloutRow, input: RetryInput) => {
  requireState(row, 'retried')
  const { client_ids: clientIds, revision: seen } = input
  const states = clientIds === undefined ? (['failed', 'blocked'] as const) : RETRIED
  const targets = await targetsIn(tx, row, { states, clientIds }, 'retried')
  if (targets.length === 0) throw conflict('No target of this rollout is failed or blocked.')
  await requireIdle(tx, row, targets, clientIds)
  await requireNothingLeft(tx, row, targets, clientIds)
  if (seen !== undefined) await requireSeen(tx, row, seen, idsOf(targets))
  return targets
}

/**
 * Each is checked once more first, with what its binding says now. It goes with its own wave if that has not begun,
 * else with the one that is open, or with the next; but it stops again if that check finds what nobody has been shown.
 * With `isSeen` its last report has been.
 */
export const retry = async (
  tx: Tx,
  caller: Caller,
  row: RolloutRow,
  waves: readonly WaveRow[],
  contents: Pick<Contents, 'bindAnew'>,
  targets: readonly Chosen[],
  isSeen: boolean,
): Promise<void> => {
  const wave = waves.find(({ state }) => state !== 'closed') ?? waves.at(-1)
  const position = wave?.position ?? 1
  if (wave?.state === 'closed') {
    await tx
      .updateTable('rollout_waves')
      .set({ state: 'open', closed_at: null })
      .where('org_id', '=', row.org_id)
      .where('rollout_id', '=', row.id)
      .where('position', '=', position)
      .execute()
  }
  const verdicts = await checkAnew(tx, row, contents, targets, {
    wave: inOwnWaveOr(position),
    deployment_id: null,
    shown_report_id: isSeen ? SHOWN_NOW : SHOWN,
    reason: null,
    fault: null,
    is_failure: false,
    is_acknowledged: false,
    is_recalled: false,
    is_rechecked: false,
    needs_refresh: true,
    waiting_since: null,
    attempts: 0,
    decided_by: null,
    decision: null,
    mappings: null,
  })
  await updateRollout(tx, row, {
    ...verdicts,
    ...(ENDED_STATES.includes(row.state) ? { state: 'running' as const, finished_at: null } : {}),
    wake_at: NOW,
    ...actingFor(caller),
  })
}

export interface SkipInput {
  client_ids: string[]
  reason: string
}

const SKIPPED: readonly TargetState[] = [
  'pending',
  'checking',
  'ready',
  'blocked',
  'queued',
  'waiting',
  'failed',
  'unknown',
]

/** Leaves targets out: before the start they are excluded, after it skipped. */
export const skip = async (
  tx: Tx,
  caller: Caller,
  row: RolloutRow,
  { client_ids: clientIds, reason }: SkipInput,
): Promise<void> => {
  requireState(row, 'changed')
  const targets = await targetsIn(tx, row, { states: SKIPPED, clientIds }, 'skipped')
  await requireIdle(tx, row, targets, clientIds)
  const isBefore = row.started_at === null
  await setTargets(tx, row, idsOf(targets), {
    state: isBefore ? 'excluded' : 'skipped',
    is_failure: false,
    decided_by: caller.userId,
    decision: reason,
    revision: row.revision + 1,
  })
  await updateRollout(tx, row, { revision: sql<number>`revision + 1`, wake_at: NOW })
}
