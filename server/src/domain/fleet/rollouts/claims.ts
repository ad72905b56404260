// Which targets are to be begun, and by whom: a claim is one turn's, for half a minute. Taken while the rollout
// is locked.

import { sql } from 'kysely'
import { type Reader, type Tx } from '../../../db/database.ts'
import { type RolloutRow, type TargetRow } from './rows.ts'

/** How long whoever begins something for a target has for it; after that it is begun anew. */
const CLAIM_SECONDS = 30

const FREE = sql`(t.claimed_until is null or t.claimed_until <= clock_timestamp())
  and (t.due_at is null or t.due_at <= clock_timestamp())`
/** Could be deployed to now. */
export const DUE = sql`t.state in ('queued', 'waiting') and t.deployment_id is null and ${FREE}`
const UNCHECKED = sql`t.state = 'checking' and t.report_id is null and ${FREE}`
/** Its deployment may have left something in the Salesforce org that is not rolled back. */
export const TO_UNDO = sql`t.deployment_id is not null
  and t.state not in ('unchanged', 'rolled_back', 'rolling_back', 'rollback_partial')
  and exists (select from crm_deployments d where d.org_id = t.org_id and d.id = t.deployment_id
               and (d.status = 'deployed' or d.status = 'failed' and d.applied = 'unknown'))`
export const UNDOABLE = sql`${TO_UNDO} and ${FREE}
  and not exists (select from deployment_runs u where u.org_id = t.org_id
                   and u.deployment_id = t.deployment_id and u.ended_at is null)`
const TO_PREVIEW = sql`t.preview_state = 'pending' and ${FREE}`

export const TO_BEGIN = {
  check: UNCHECKED,
  deploy: DUE,
  rollback: UNDOABLE,
  preview: TO_PREVIEW,
} as const
export type Beginning = keyof typeof TO_BEGIN

/** A piece of work that is to be begun for a target by whoever holds the claim. */
export interface Claimed {
  begin: Beginning
  claim: string
  target: TargetRow
}

/** Takes so many targets, of one wave or of all, in their order. */
export const claim = async (
  tx: Tx,
  { org_id: orgId, id }: RolloutRow,
  begin: Beginning,
  count: number,
  wave: number | null = null,
): Promise<Claimed[]> => {
  if (count <= 0) return []
  const { rows } = await sql<TargetRow & { claim: string }>`
    update rollout_targets k
       set claim = gen_random_uuid(),
           claimed_until = clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS})
     where k.org_id = ${orgId} and k.id in (
       select t.id from rollout_targets t
        where t.org_id = ${orgId} and t.rollout_id = ${id} and (${wave}::int is null or t.wave = ${wave})
          and ${TO_BEGIN[begin]}
        order by t.position limit ${count})
    returning k.*`.execute(tx)
  return rows
    .toSorted((a, b) => a.position - b.position)
    .map((target) => ({ begin, claim: target.claim, target }))
}

/** The claimed target, if the claim still holds. */
export const heldTarget = (
  reader: Reader,
  { target, claim: held }: Claimed,
): Promise<TargetRow | undefined> =>
  reader
    .selectFrom('rollout_targets')
    .selectAll()
    .where('org_id', '=', target.org_id)
    .where('id', '=', target.id)
    .where('claim', '=', held)
    .executeTakeFirst()
