// How automations stand, as short texts to compare: whether what a conflict report judged is still so.

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

/** Of an assignment rule, its whole file counts: which rule is active is a matter of all of them. */
const standingOf = (state: WorkflowState, { type, api_name: name }: WorkflowName): unknown =>
  type === 'flow'
    ? findFlow(state, name)
    : type === 'validation_rule'
      ? ruleIn(state, type, name)
      : findFileText(state, assignmentPath(objectOf(name)))

/** Reads how these automations stand: flows with all versions, rules, or that they are not there. */
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
