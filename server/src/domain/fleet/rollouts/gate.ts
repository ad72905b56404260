// Whether a wave may begin: everybody in it was checked, nobody is blocked, and what a person was shown is
// still so.

import { sql } from 'kysely'
import { type Tx } from '../../../db/database.ts'
import { EngineError, type MemberError } from '../../../errors.ts'
import { connectionOf } from '../../connections/rows.ts'
import { type BlockedReason } from './model.ts'
import { REPORT_HOURS } from './begin.ts'
import { NEWS } from './news.ts'
import { type RolloutRow } from './rows.ts'

const ERRORS_MAX = 100

const pathOf = (clientId: string): string => `targets.${clientId}`

const listed = (errors: MemberError[]): { errors: MemberError[] } => ({
  errors: errors.slice(0, ERRORS_MAX),
})

const counted = (count: number): string => `${count} target${count === 1 ? '' : 's'}`

const BLOCKED_WORDS: Readonly<Record<BlockedReason, string>> = {
  red: 'The check has red findings.',
  yellow_not_accepted: 'The check has yellow findings, and the rollout does not accept them.',
  not_connected: 'The client has no usable connection.',
  missing_permission: 'The connected user lacks a permission.',
  drifted: 'The Salesforce org has changed, and what was found now was shown to nobody.',
  check_failed: 'The check failed.',
}

/** Throws conflicts_found while a target of the wave is blocked. */
export const requireUnblocked = async (
  tx: Tx,
  rollout: RolloutRow,
  wave: number,
): Promise<void> => {
  const rows = await tx
    .selectFrom('rollout_targets')
    .select(['client_id', 'reason'])
    .where('org_id', '=', rollout.org_id)
    .where('rollout_id', '=', rollout.id)
    .where('wave', '=', wave)
    .where('state', '=', 'blocked')
    .orderBy('position')
    .execute()
  if (rows.length === 0) return
  throw new EngineError(
    'conflicts_found',
    `${counted(rows.length)} of wave ${wave} ${rows.length === 1 ? 'is' : 'are'} blocked. Repair and check again, or leave them out with /api/fleet/rollouts/skip.`,
    listed(
      rows.map(({ client_id: id, reason }) => ({
        path: pathOf(id),
        code: reason ?? 'blocked',
        message: BLOCKED_WORDS[(reason ?? 'check_failed') as BlockedReason],
      })),
    ),
  )
}

const stale = (message: string, errors: MemberError[]): EngineError =>
  new EngineError('confirmation_stale', message, listed(errors))

/** Throws confirmation_stale while a target of the wave has no report, or (before the start) an old one. */
export const requireChecked = async (tx: Tx, rollout: RolloutRow, wave: number): Promise<void> => {
  const rows = await tx
    .selectFrom('rollout_targets')
    .select(['client_id', 'state'])
    .where('org_id', '=', rollout.org_id)
    .where('rollout_id', '=', rollout.id)
    .where('wave', '=', wave)
    .where((where) =>
      where.or([
        where('state', 'in', ['pending', 'checking']),
        where.and([
          where('state', '=', 'ready'),
          sql<boolean>`(report_id is null or checked_at < clock_timestamp() - make_interval(hours => ${REPORT_HOURS}))`,
        ]),
      ]),
    )
    .orderBy('position')
    .execute()
  if (rows.length === 0) return
  throw stale(
    `${counted(rows.length)} of wave ${wave} ${rows.length === 1 ? 'is' : 'are'} not checked, or not within ${REPORT_HOURS} hours. Check with /api/fleet/rollouts/check.`,
    rows.map(({ client_id: id, state }) => ({
      path: pathOf(id),
      code: state === 'ready' ? 'report_too_old' : 'unchecked',
      message:
        state === 'ready'
          ? `Its report is older than ${REPORT_HOURS} hours.`
          : 'It has not been checked.',
    })),
  )
}

/**
 * Throws confirmation_stale while a target that is about to begin (of one wave, or of any) has been pinned to another
 * version since: `create` refuses such a client, too.
 */
export const requireUnpinned = async (
  tx: Tx,
  { org_id: orgId, id, blueprint_id: blueprintId, version }: RolloutRow,
  wave: number | null,
): Promise<void> => {
  if (blueprintId === null) return
  const { rows } = await sql<{ client_id: string; pinned_version: number }>`
    select t.client_id, b.pinned_version
      from rollout_targets t
      join blueprint_bindings b on b.org_id = t.org_id and b.client_id = t.client_id
     where t.org_id = ${orgId} and t.rollout_id = ${id} and b.blueprint_id = ${blueprintId}
       and b.pinned_version <> ${version} and t.state in ('pending', 'checking', 'ready')
       and (${wave}::int is null or t.wave = ${wave})
     order by t.position`.execute(tx)
  if (rows.length === 0) return
  throw stale(
    `${counted(rows.length)} ${rows.length === 1 ? 'was' : 'were'} pinned to another version than ${version} since the rollout was created. Pin ${rows.length === 1 ? 'it' : 'them'} to version ${version}, or leave ${rows.length === 1 ? 'it' : 'them'} out with /api/fleet/rollouts/skip.`,
    rows.map(({ client_id: clientId, pinned_version: pinned }) => ({
      path: pathOf(clientId),
      code: 'pinned_to_another_version',
      message: `The client is pinned to version ${pinned}.`,
    })),
  )
}

/** What a target keeps of its binding; of earlier builds, it may be the values alone. */
const KEPT = sql`case when jsonb_typeof(t.values -> 'parameters') = 'object' then t.values
  else jsonb_build_object('parameters', t.values, 'overrides', '[]'::jsonb) end`

const BINDING_WORDS = {
  binding_changed:
    'Its values or its accepted drift have changed since the check. Check it again with /api/fleet/rollouts/check.',
  binding_changed_in_wave:
    'Its values or its accepted drift have changed since the check. Its wave has begun: try it again with /api/fleet/rollouts/retry.',
  binding_removed:
    'Its binding was removed. Bind it again with /api/blueprints/bindings/set, or leave it out with /api/fleet/rollouts/skip.',
} as const

/**
 * Throws confirmation_stale while the binding of a target that has not begun says something else than its report was
 * made with: what was shown is not what the client should have.
 */
export const requireBindings = async (
  tx: Tx,
  { org_id: orgId, id, blueprint_id: blueprintId }: RolloutRow,
): Promise<void> => {
  if (blueprintId === null) return
  const { rows } = await sql<{ client_id: string; why: keyof typeof BINDING_WORDS }>`
    select t.client_id,
           case when b.id is null then 'binding_removed'
                when w.state = 'pending' then 'binding_changed' else 'binding_changed_in_wave' end as why
      from rollout_targets t
      join rollout_waves w
        on w.org_id = t.org_id and w.rollout_id = t.rollout_id and w.position = t.wave
      left join blueprint_bindings b
        on b.org_id = t.org_id and b.client_id = t.client_id and b.blueprint_id = ${blueprintId}
     cross join lateral (select ${KEPT} as kept) k
     where t.org_id = ${orgId} and t.rollout_id = ${id}
       and (t.state in ('checking', 'ready', 'queued') or t.state = 'waiting' and t.deployment_id is null
            or t.state = 'unchanged' and t.plan_hash = '' and w.state = 'pending')
       and (b.id is null and t.values <> '{}'
            or b.id is not null and (b.parameters <> k.kept -> 'parameters' or b.overrides <> k.kept -> 'overrides'))
     order by t.position`.execute(tx)
  if (rows.length === 0) return
  throw stale(
    `The ${rows.length === 1 ? 'binding' : 'bindings'} of ${counted(rows.length)} changed since the check.`,
    rows.map(({ client_id: clientId, why }) => ({
      path: pathOf(clientId),
      code: why === 'binding_removed' ? why : 'binding_changed',
      message: BINDING_WORDS[why],
    })),
  )
}

type StaleCode =
  | 'client_inactive'
  | 'not_connected'
  | 'salesforce_org_changed'
  | 'snapshot_changed'
  | 'verdict_changed'

const STALE_WORDS: Readonly<Record<StaleCode, string>> = {
  client_inactive: 'The client was deactivated since the check.',
  not_connected: 'The client is no longer connected.',
  salesforce_org_changed: 'The client is connected to a different Salesforce org than was checked.',
  snapshot_changed: 'A newer snapshot shows that the Salesforce org changed since the check.',
  verdict_changed: 'It was checked, skipped or excluded since the revision that was seen.',
}

/**
 * Throws confirmation_stale, with what, if anything that a person was shown has changed. `seen` is the revision
 * that they were shown; without it, only the facts are compared.
 */
export const requireUnchanged = async (
  tx: Tx,
  rollout: RolloutRow,
  seen: number | undefined,
): Promise<void> => {
  const { rows } = await sql<{ client_id: string; code: StaleCode }>`
    select t.client_id, why.code
      from rollout_targets t
      join clients c on c.org_id = t.org_id and c.id = t.client_id
      left join crm_conflict_reports r on r.org_id = t.org_id and r.id = t.report_id
      left join crm_topology_snapshots was on was.org_id = r.org_id and was.id = r.snapshot_id
      left join lateral (
        ${connectionOf(
          { orgId: sql`t.org_id`, clientId: sql`t.client_id` },
          sql`k.status, k.sfdc_org_id`,
        )}) k on true
      left join lateral (
        select s.content_hash from crm_topology_snapshots s
         where s.org_id = t.org_id and s.client_id = t.client_id and s.version is not null
         order by s.version desc limit 1) newest on true
      cross join lateral (
        select case
          when t.state not in ('excluded', 'blocked', 'pending') and t.plan_hash <> '' then case
            when not c.is_active then 'client_inactive'
            when k.status is distinct from 'connected' then 'not_connected'
            when k.sfdc_org_id is distinct from r.sfdc_org_id then 'salesforce_org_changed'
            when newest.content_hash is distinct from was.content_hash then 'snapshot_changed' end end as fact
      ) facts
      cross join lateral (
        select coalesce(facts.fact, case when t.revision > ${seen ?? rollout.revision} then 'verdict_changed' end)
          as code) why
     where t.org_id = ${rollout.org_id} and t.rollout_id = ${rollout.id} and why.code is not null
     order by t.position`.execute(tx)
  if (rows.length === 0 && (seen === undefined || seen === rollout.revision)) return
  const errors = rows.map(({ client_id: id, code }) => ({
    path: pathOf(id),
    code,
    message: STALE_WORDS[code],
  }))
  throw stale(
    rows.length === 0
      ? `The rollout is at revision ${rollout.revision}, not ${seen}.`
      : `${counted(rows.length)} changed since ${rows.length === 1 ? 'it was' : 'they were'} shown.`,
    rows.length === 0
      ? [{ path: 'revision', code: 'verdict_changed', message: STALE_WORDS.verdict_changed }]
      : errors,
  )
}

/** Those of these targets (null: of all) whose verdict changed since the revision that a person saw. */
const changedSince = (
  tx: Tx,
  rollout: RolloutRow,
  seen: number,
  targetIds: readonly string[] | null,
): Promise<{ client_id: string }[]> =>
  tx
    .selectFrom('rollout_targets')
    .select('client_id')
    .where('org_id', '=', rollout.org_id)
    .where('rollout_id', '=', rollout.id)
    .where(sql<boolean>`(${targetIds}::uuid[] is null or id = any(${targetIds}::uuid[]))`)
    .where('revision', '>', seen)
    .orderBy('position')
    .execute()

const otherRevision = (
  { revision }: RolloutRow,
  seen: number,
  changed: readonly { client_id: string }[],
): EngineError => {
  const paths = changed.length === 0 ? ['revision'] : changed.map(({ client_id: id }) => pathOf(id))
  return stale(
    `The rollout is at revision ${revision}, not ${seen}. Look at its targets again.`,
    paths.map((path) => ({
      path,
      code: 'verdict_changed',
      message: STALE_WORDS.verdict_changed,
    })),
  )
}

/** Throws confirmation_stale if one of these targets was checked again since the revision that a person saw. */
export const requireSeen = async (
  tx: Tx,
  rollout: RolloutRow,
  seen: number,
  targetIds: readonly string[],
): Promise<void> => {
  const changed = await changedSince(tx, rollout, seen, targetIds)
  if (changed.length > 0 || seen > rollout.revision) throw otherRevision(rollout, seen, changed)
}

/** Throws confirmation_stale unless the revision that a person saw is the present one. */
export const requirePresent = async (
  tx: Tx,
  rollout: RolloutRow,
  seen: number | undefined,
): Promise<void> => {
  if (seen === undefined || seen === rollout.revision) return
  throw otherRevision(rollout, seen, await changedSince(tx, rollout, seen, null))
}

/**
 * Throws confirmation_stale while a target of the wave was checked after the start, and its report says more than the
 * one before it did: whoever names no revision may have looked before that.
 */
export const requireNoNews = async (tx: Tx, rollout: RolloutRow, wave: number): Promise<void> => {
  const { rows } = await sql<{ client_id: string; codes: string[] }>`
    select t.client_id, news.codes
      from rollout_targets t
      join crm_conflict_reports r on r.org_id = t.org_id and r.id = t.report_id
      left join crm_conflict_reports o on o.org_id = t.org_id and o.id = t.shown_report_id
      cross join lateral (select ${NEWS} as codes) news
     where t.org_id = ${rollout.org_id} and t.rollout_id = ${rollout.id} and t.wave = ${wave}
       and t.state = 'ready' and t.checked_at > ${rollout.started_at} and news.codes is not null
     order by t.position`.execute(tx)
  if (rows.length === 0) return
  throw stale(
    `${counted(rows.length)} of wave ${wave} ${rows.length === 1 ? 'was' : 'were'} checked after the start, with something new in the report. Look at ${rows.length === 1 ? 'it' : 'them'}, then approve with the revision of the rollout that you saw.`,
    rows.map(({ client_id: id, codes }) => ({
      path: pathOf(id),
      code: 'verdict_changed',
      message: `New in its report: ${codes.join(', ')}.`,
    })),
  )
}
