// The state of automations as short texts to compare: whether what a conflict report checked is
// unchanged.

import { hash } from 'node:crypto'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { canonicalJson } from '../canonical.ts'
import { sameName } from '../metadata/names.ts'
import { ruleIn } from './rule-files.ts'
import {
  assignmentPath,
  findFileText,
  findFlow,
  objectOf,
  readWorkflowState,
  type WorkflowName,
  type WorkflowState,
} from './state.ts'

/** By `fingerprintKey`. */
export type Fingerprints = Record<string, string>

export const fingerprintKey = ({ type, api_name: name }: WorkflowName): string =>
  `${type} ${sameName(name)}`

/**
 * For an assignment rule, its whole file counts, since all rules together decide which one is active.
 */
const standingOf = (state: WorkflowState, { type, api_name: name }: WorkflowName): unknown =>
  type === 'flow'
    ? findFlow(state, name)
    : type === 'validation_rule'
      ? ruleIn(state, type, name)
      : findFileText(state, assignmentPath(objectOf(name)))

/** Reads the state of these automations: flows with all versions, rules, or that they do not exist. */
export const readFingerprints = async (
  org: SalesforceOrg,
  names: readonly WorkflowName[],
): Promise<Fingerprints> => {
  if (names.length === 0) return {}
  const state = await readWorkflowState(org, names)
  return Object.fromEntries(
    names.map((name) => [
      fingerprintKey(name),
      hash('sha256', canonicalJson(standingOf(state, name)), 'hex'),
    ]),
  )
}
