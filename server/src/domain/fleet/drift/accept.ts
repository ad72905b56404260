// Accepting drift: what differs becomes what this client should have, as overrides in its binding.

import { sql } from 'kysely'
import { type Tx } from '../../../db/database.ts'
import { json } from '../../../db/json.ts'
import { EngineError, notFound } from '../../../errors.ts'
import { actorOf, audit } from '../../audit.ts'
import { type Caller } from '../../caller.ts'
import { type Binding, toBinding } from '../blueprints/rows.ts'
import { type ComponentDrift, type ComponentState, type Override } from './evaluate.ts'
import { newestResult } from './rows.ts'

export interface AcceptInput {
  result_id: string
  /** Default: all that differs. */
  components?: readonly { type: string; full_name: string }[] | undefined
  note?: string | undefined
}

const ACCEPTABLE: ReadonlySet<ComponentState> = new Set([
  ...(['behind', 'modified', 'missing', 'ahead', 'extra_grant', 'not_applied'] as const),
])

const refusal = (code: 'bad_request' | 'drift_superseded', path: string, message: string) =>
  new EngineError(code, message, { errors: [{ path, code, message }] })

/**
 * Writes what differs in a result into the binding. Throws `not_found`, `drift_superseded`, and `bad_request` for
 * a component that does not differ.
 */
export const acceptIn = async (
  tx: Tx,
  caller: Caller,
  input: AcceptInput,
): Promise<{ accepted: number; binding: Binding }> => {
  const { tenant } = caller
  const row = await tx
    .selectFrom('fleet_drift_results')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', input.result_id)
    .executeTakeFirst()
  if (row === undefined) throw notFound('drift result')
  const of = { clientId: row.client_id, blueprintId: row.blueprint_id }
  const binding = await tx
    .selectFrom('blueprint_bindings')
    .selectAll()
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', of.clientId)
    .where('blueprint_id', '=', of.blueprintId)
    .forUpdate()
    .executeTakeFirst()
  if (binding === undefined) throw notFound('binding')
  if ((await newestResult(tx, tenant, of))?.id !== row.id) {
    throw refusal(
      'drift_superseded',
      'result_id',
      'There is a newer result for this client, or it is connected to a different Salesforce org by now. Run drift again.',
    )
  }
  const chosen = acceptedOf(row.components as ComponentDrift[], input.components)
  const keyOf = ({ type, full_name }: { type: string; full_name: string }) =>
    `${type} ${full_name}`.toLowerCase()
  const before = new Map((binding.overrides as Override[]).map((one) => [keyOf(one), one]))
  const made = chosen.map((one): Override => ({
    ...{ type: one.type, full_name: one.full_name, state: one.state },
    differences: one.differences,
    // Why it was accepted holds until somebody says why else.
    note: input.note ?? before.get(keyOf(one))?.note ?? null,
    ...{ accepted_by: caller.userId, accepted_at: new Date().toISOString() },
  }))
  const anew = new Set(made.map(keyOf))
  const kept = (binding.overrides as Override[]).filter((one) => !anew.has(keyOf(one)))
  const changed = await tx
    .updateTable('blueprint_bindings')
    .set({ overrides: json([...kept, ...made]), updated_at: sql<Date>`now()` })
    .where('org_id', '=', tenant.orgId)
    .where('id', '=', binding.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await audit(tx, actorOf(caller), {
    action: 'drift.accept',
    clientId: row.client_id,
    targetType: 'drift_result',
    targetId: row.id,
  })
  return { accepted: made.length, binding: toBinding(changed) }
}

/** What of a result is accepted: all that differs, or the components that are named. */
const acceptedOf = (
  components: readonly ComponentDrift[],
  named: readonly { type: string; full_name: string }[] | undefined,
): ComponentDrift[] => {
  if (named === undefined) return components.filter(({ state }) => ACCEPTABLE.has(state))
  return named.map(({ type, full_name }, at) => {
    const found = components.find(
      (one) => one.type === type && one.full_name.toLowerCase() === full_name.toLowerCase(),
    )
    if (found !== undefined && ACCEPTABLE.has(found.state)) return found
    const message =
      found === undefined
        ? `The result has no ${type} ${full_name}.`
        : `${type} ${full_name} is ${found.state}; there is no difference to accept.`
    throw refusal('bad_request', `components.${at}`, message)
  })
}
