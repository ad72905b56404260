// After an off-boarding, each deployment says what became of it: rolled back where nothing of it is left
// that can be removed, else what remains and why.

import { sql } from 'kysely'
import { type Tx } from '../../db/database.ts'
import { json } from '../../db/json.ts'
import {
  type Doings,
  type LeftComponent,
  type NamedComponent,
  nothingYet,
  rollbackOf,
  type RollbackResult,
} from '../deployments/rows.ts'
import { keyOf } from '../metadata/names.ts'
import { type Handled } from './history.ts'

const keyIn = ({ type, full_name }: NamedComponent): string => keyOf({ type, fullName: full_name })

/**
 * What of a deployment was taken out: what had been before, what an attempt did out of sight, and what the
 * rollback of all of them did.
 */
export const shareOf = (
  { row, rows, undone }: Handled,
  found: Doings,
  results: readonly RollbackResult[],
  left: readonly LeftComponent[],
): RollbackResult => {
  const own = new Set(
    rows
      .filter(({ action }) => action !== 'unchanged')
      .map(keyIn)
      .filter((key) => !undone.has(key)),
  )
  const among = <T extends NamedComponent>(lists: readonly (readonly T[])[]): T[] =>
    lists.flat().filter((one) => own.has(keyIn(one)))
  const proofs = results.flatMap(({ proof }) => (proof === null ? [] : [proof]))
  const differences = among(proofs.map((proof) => proof.differences))
  const told = among([left]).map((one) => ({
    ...{ type: one.type, full_name: one.full_name, code: one.code, reason: one.reason },
    changed_by: null,
    changed_at: null,
  }))
  const before = rollbackOf(row)
  const all = (which: keyof Doings): NamedComponent[] =>
    [
      ...before[which].filter((one) => undone.has(keyIn(one))),
      ...among([found[which], ...results.map((result) => result[which])]),
    ].map(({ type, full_name }) => ({ type, full_name }))
  const remaining = among(results.map((result) => result.remaining))
  return {
    ...nothingYet(),
    status: remaining.length === 0 ? 'complete' : 'partial',
    removed: all('removed'),
    restored: all('restored'),
    kept: [...among(results.map(({ kept }) => kept)), ...told],
    remaining,
    proof:
      proofs.length === 0
        ? null
        : { complete: differences.length === 0, compared: own.size, differences },
  }
}

/** Stores it with each deployment. `found` is what an earlier attempt did out of sight. */
export const settle = async (
  tx: Tx,
  handled: readonly Handled[],
  found: Doings,
  results: readonly RollbackResult[],
  left: readonly LeftComponent[],
): Promise<void> => {
  for (const one of handled) {
    const rollback = shareOf(one, found, results, left)
    await tx
      .updateTable('crm_deployments')
      .set({
        rollback: json(rollback),
        ...(rollback.status === 'complete'
          ? { status: 'rolled_back' as const, rolled_back_at: sql<Date>`clock_timestamp()` }
          : {}),
      })
      .where('org_id', '=', one.row.org_id)
      .where('id', '=', one.row.id)
      .where('status', '<>', 'rolled_back')
      .execute()
  }
}
