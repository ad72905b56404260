// What an off-boarding says in the end: what stays and why, and the proof, out of what its two rollbacks said.

import {
  type LeftComponent,
  type NamedComponent,
  type Proof,
  type RollbackOptions,
  type RollbackResult,
} from '../deployments/rows.ts'
import { keyOf } from '../metadata/names.ts'
import { type Stay } from './rows.ts'

/** The proofs of both rollbacks as one. */
export const proofOf = (results: readonly Pick<RollbackResult, 'proof'>[]): Proof | null => {
  const proofs = results.flatMap(({ proof }) => (proof === null ? [] : [proof]))
  if (proofs.length === 0) return null
  return {
    complete: proofs.every(({ complete }) => complete),
    compared: proofs.reduce((sum, { compared }) => sum + compared, 0),
    differences: proofs.flatMap(({ differences }) => differences),
  }
}

const keyIn = ({ type, full_name }: NamedComponent): string => keyOf({ type, fullName: full_name })

/** Each component that stays once, with the first reason that is known. */
export const staysOf = (
  left: readonly LeftComponent[],
  results: readonly { result: RollbackResult; options: RollbackOptions | null }[],
): Stay[] => {
  const stays = new Map<string, Stay>()
  const add = (stay: Stay): void => {
    const key = keyIn(stay)
    if (!stays.has(key)) stays.set(key, stay)
  }
  for (const { result, options } of results) {
    const rowsOf = new Map((options?.leave ?? []).map((one) => [keyIn(one), one.rows]))
    const gone = new Set(result.removed.map(keyIn))
    for (const { type, full_name, code, reason, changed_by, changed_at } of result.kept) {
      // What somebody else deleted does not stay, and of what was removed nothing does.
      if (/^Deleted by somebody else/.test(reason) || gone.has(keyIn({ type, full_name }))) continue
      const rows = rowsOf.get(keyIn({ type, full_name })) ?? null
      add({ type, full_name, code: code ?? 'in_use', reason, rows, changed_by, changed_at })
    }
    // What Salesforce refused to do for a flow is only said there.
    for (const { type, full_name, reason } of result.remaining) {
      add({
        type,
        full_name,
        code: 'in_use',
        reason,
        rows: null,
        changed_by: null,
        changed_at: null,
      })
    }
  }
  for (const one of left) add({ ...one, changed_by: null, changed_at: null })
  return [...stays.values()]
}
