// All deployments, activations and removals of automations of a client as one: their state before the
// first, and as the last left them. Pure: nothing is read or sent here.

import { type JsonObject } from '../../salesforce/json.ts'
import { canonicalJson } from '../canonical.ts'
import { sameElement } from '../metadata/equality.ts'
import { keyOf, sameName } from '../metadata/names.ts'
import { asXmlValue, writeFile } from '../metadata/xml-tree.ts'
import { ruleIn } from '../workflows/rule-files.ts'
import {
  assignmentPath,
  type FlowState,
  findFlow,
  objectOf,
  objectPath,
  type WorkflowState,
} from '../workflows/state.ts'
import { workflowNameOf } from '../workflows/transition.ts'
import { type ComponentRow, type LeftComponent, type NamedComponent } from '../deployments/rows.ts'
import { changedBetween, chainOf, leavesSomething, type Touch } from './chain.ts'
import { type MergedRow } from './merge-plans.ts'

export interface WorkflowDeployment {
  id: string
  rows: readonly ComponentRow[]
  before: WorkflowState
  after: WorkflowState
  /** Whether anybody read how it left things. */
  isKnown: boolean
  undone: ReadonlySet<string>
}

export interface MergedWorkflows {
  rows: MergedRow[]
  before: WorkflowState
  after: WorkflowState
  left: LeftComponent[]
}

type State = { flow: FlowState } | { rule: JsonObject }

interface WorkflowTouch extends Touch<State> {
  row: ComponentRow
}

/** A flow as far as somebody can change it; what was read beside it does not count. */
const flowText = ({ definition_id, active, versions, contents }: FlowState): string =>
  canonicalJson({
    definition_id,
    active,
    versions: versions.map(({ id }) => id).toSorted(),
    contents,
  })

const sameState = (a: State | null, b: State | null): boolean => {
  if (a === null || b === null) return a === b
  if ('flow' in a) return 'flow' in b && flowText(a.flow) === flowText(b.flow)
  return 'rule' in b && sameElement(a.rule, b.rule)
}

/** Custom names that an automation mentions in this state, in lower case. */
export const mentionedBy = (automation: NamedComponent, state: WorkflowState): string[] => {
  const text = canonicalJson(stateOf(automation, state))
  return [...new Set((text.match(/\w+__\w+/g) ?? []).map(sameName))]
}

const stateOf = (row: NamedComponent, state: WorkflowState): State | null => {
  const name = workflowNameOf({ type: row.type, fullName: row.full_name })
  if (name === null) return null
  if (name.type === 'flow') {
    const flow = findFlow(state, row.full_name)
    return flow === null ? null : { flow }
  }
  const rule = ruleIn(state, name.type, row.full_name)
  return rule === null ? null : { rule }
}

/** The files that hold just these rules. */
const filesOf = (
  rules: readonly { row: ComponentRow; rule: JsonObject }[],
): Record<string, string> => {
  const files = new Map<string, { root: string; list: string; elements: JsonObject[] }>()
  for (const { row, rule } of rules) {
    const isAssignment = row.type === 'AssignmentRule'
    const object = objectOf(row.full_name)
    const path = isAssignment ? assignmentPath(object) : objectPath(object)
    const file = files.get(path) ?? {
      root: isAssignment ? 'AssignmentRules' : 'CustomObject',
      list: isAssignment ? 'assignmentRule' : 'validationRules',
      elements: [],
    }
    file.elements.push(rule)
    files.set(path, file)
  }
  return Object.fromEntries(
    [...files].map(([path, { root, list, elements }]) => [
      path,
      writeFile(root, { [list]: elements.map((one) => asXmlValue(one)) }),
    ]),
  )
}

const whole = (states: readonly { row: ComponentRow; state: State | null }[]): WorkflowState => ({
  flows: states.flatMap(({ state }) => (state !== null && 'flow' in state ? [state.flow] : [])),
  files: filesOf(
    states.flatMap(({ row, state }) =>
      state !== null && 'rule' in state ? [{ row, rule: state.rule }] : [],
    ),
  ),
})

/** The deployments, oldest first, as one. */
export const mergeWorkflows = (deployments: readonly WorkflowDeployment[]): MergedWorkflows => {
  const touches = new Map<string, WorkflowTouch[]>()
  for (const { rows, before, after, isKnown, undone } of deployments) {
    for (const row of rows) {
      const key = keyOf({ type: row.type, fullName: row.full_name })
      if (row.action === 'unchanged' || undone.has(key)) continue
      // What a removal could not delete is as it was.
      if (row.action === 'deleted' && row.success === false) continue
      const touch = { row, was: stateOf(row, before), left: stateOf(row, after), isKnown }
      touches.set(key, [...(touches.get(key) ?? []), touch])
    }
  }
  const [rows, left]: [MergedRow[], LeftComponent[]] = [[], []]
  const [before, after]: { row: ComponentRow; state: State | null }[][] = [[], []]
  for (const list of touches.values()) {
    const chain = chainOf<State, WorkflowTouch>(list, sameState)
    if (chain === null) continue
    const { row } = chain.last
    const was = chain.own[0].was
    if (leavesSomething(chain, sameState)) {
      left.push(changedBetween({ type: row.type, fullName: row.full_name }))
    }
    rows.push({
      type: row.type,
      full_name: row.full_name,
      path: row.path,
      action:
        was === null
          ? 'created'
          : chain.last.left === null && row.action === 'deleted'
            ? 'deleted'
            : 'updated',
      reversibility: row.reversibility,
      reason: row.reason,
    })
    before?.push({ row, state: was })
    after?.push({ row, state: chain.last.left })
  }
  // By name, so that the same deployments always give the same files.
  const sorted = (states: { row: ComponentRow; state: State | null }[]) =>
    states.toSorted((a, b) => (sameName(a.row.full_name) < sameName(b.row.full_name) ? -1 : 1))
  return { rows, before: whole(sorted(before ?? [])), after: whole(sorted(after ?? [])), left }
}
