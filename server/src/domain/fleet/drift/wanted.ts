// What a client should have by a version of a blueprint, with its own values in place.

import { type Fault } from '../../../db/tables/work.ts'
import { parsePlan } from '../../plan/check.ts'
import { readWith } from '../../schema-faults.ts'
import { parseWorkflows } from '../../workflows/definition/parse.ts'
import { fillIn } from '../blueprints/content.ts'
import { type ParameterValues } from '../blueprints/parameters.ts'
import { mappingDraft } from '../blueprints/places.ts'
import { type BlueprintVersion } from '../blueprints/rows.ts'
import { type Wanted } from './standing.ts'

/** A fault where the values do not fit the version. */
export const wantedBy = (of: BlueprintVersion, parameters: ParameterValues): Wanted | Fault => {
  const { content, problems } = fillIn(of, of.parameters, parameters)
  if (problems !== null) {
    const message = `${problems[0]?.path}: ${problems[0]?.message}`
    return { code: 'invalid_parameters', message }
  }
  const { plan, workflows, mappings } = content
  return {
    plan: plan === undefined ? null : parsePlan(plan, 'plan'),
    workflows: workflows === undefined ? [] : parseWorkflows(workflows),
    mappings: ((mappings ?? []) as unknown[]).flatMap((one) => {
      const read = readWith(mappingDraft, one)
      return read.issues === null ? [read.data] : []
    }),
  }
}
