// What a target keeps of its client's binding: what its report was made with, and what it gets.

import { type Selectable } from 'kysely'
import { type TenantTables } from '../../../db/tables.ts'
import { type ParameterValues } from '../blueprints/parameters.ts'
import { type Override } from '../drift/evaluate.ts'

export type Binding = Pick<
  Selectable<TenantTables['blueprint_bindings']>,
  'parameters' | 'overrides'
>

interface Values {
  parameters: ParameterValues
  /** Drift that was accepted. */
  overrides: readonly Override[]
}

/** What a binding says, or the binding that is not there. */
export const valuesIn = (binding: Binding | undefined): Values => ({
  parameters: (binding?.parameters ?? {}) as ParameterValues,
  overrides: (binding?.overrides ?? []) as Override[],
})

/** Nothing of none, so that one that is removed later is missed. */
export const keptOf = (binding: Binding | undefined): unknown =>
  binding === undefined ? {} : valuesIn(binding)

/** Without drift that was accepted, targets of earlier builds have the values alone: none of those is an object. */
export const thawed = (kept: unknown): Values => {
  const { parameters } = (kept ?? {}) as { parameters?: unknown }
  return typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters)
    ? (kept as Values)
    : { parameters: (kept ?? {}) as ParameterValues, overrides: [] }
}

/** Whether there was a binding when the target was checked. */
export const wasBound = ({ values }: { values: unknown }): boolean =>
  Object.keys(values ?? {}).length > 0
