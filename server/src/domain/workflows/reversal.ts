// What rolling back a deployment of automations would do, from their state before it, after it and now.
// What others did since is kept and reported. Pure: nothing is sent here.

import { type DeploymentKind } from '../../db/tables/deployments.ts'
import { type FlowReversal, isFlowUndone, reverseFlow } from './flow-reversal.ts'
import { type Component, Keep } from './kept.ts'
import { isRuleUndone, RuleReversal } from './rule-reversal.ts'
import { ruleIn } from './rule-files.ts'
import { findFlow, type WorkflowState } from './state.ts'
import { nothingToDo, type Transition, workflowNameOf } from './transition.ts'

export interface Kept {
  component: Component
  reason: string
  /** What somebody else changed: usually the component itself. Null: nothing. */
  changed: Component | null
  /** It can still be rolled back by naming it. */
  removable: boolean
}

export interface WorkflowReversal {
  remove: Component[]
  restore: Component[]
  kept: Kept[]
  transition: Transition
}

/** A component of the deployment, with its state before it, after it and now. */
interface Row {
  type: string
  full_name: string
  action: string
}

export interface ReversalInput {
  kind: DeploymentKind
  rows: readonly Row[]
  before: WorkflowState
  /** Empty if the deployment ended without a reading. */
  after: WorkflowState
  now: WorkflowState
  /** Only these, and these even if others changed them since; null: all. */
  named: ((component: Component) => boolean) | null
  apiVersion: string
}

type Times = Pick<ReversalInput, 'before' | 'after' | 'now'>

/** What rolling a deployment back would do in the current state. */
export const reversalTransition = (input: ReversalInput): WorkflowReversal => {
  const found: WorkflowReversal = { remove: [], restore: [], kept: [], transition: nothingToDo() }
  const { transition } = found
  const note = (component: Component, outcome: Keep | 'remove' | 'restore' | null): void => {
    if (outcome === null) return
    if (outcome instanceof Keep) found.kept.push(keptOf(component, outcome))
    else found[outcome].push(component)
  }
  const rules = new RuleReversal(input)
  for (const row of input.rows) {
    const component = { type: row.type, fullName: row.full_name }
    const name = workflowNameOf(component)
    if (row.action === 'unchanged' || name === null || isUndone(input, row)) continue
    const isNamed = input.named?.(component) ?? false
    if (input.named !== null && !isNamed) {
      note(component, new Keep('Not named in components.', 'nobody'))
    } else if (name.type === 'flow') {
      const { kind, apiVersion } = input
      const times = flowTimes(input, name.api_name)
      const reversed = reverseFlow({ ...times, kind, action: row.action, isNamed, apiVersion })
      note(component, take(reversed, transition))
    } else {
      note(component, rules.reverse(name.type, component, row.action, isNamed, transition))
    }
  }
  rules.finish(transition, note)
  return found
}

/**
 * Whether the automation is as it was before, as far as the deployment changed it. For a flow that was
 * deleted and restored, its content and whether it is active count; versions of others do not.
 */
export const isUndone = (
  { kind, ...times }: Times & Pick<ReversalInput, 'kind'>,
  { type, full_name: fullName, action }: Row,
): boolean => {
  const name = workflowNameOf({ type, fullName })
  if (name === null) return true
  if (name.type === 'flow') return isFlowUndone(kind, flowTimes(times, fullName), action)
  const was = ruleIn(times.before, name.type, fullName)
  return isRuleUndone({ was, is: ruleIn(times.now, name.type, fullName) })
}

const flowTimes = ({ before, after, now }: Times, apiName: string) => ({
  was: findFlow(before, apiName),
  left: findFlow(after, apiName),
  is: findFlow(now, apiName),
})

const keptOf = (component: Component, { reason, removable, changed }: Keep): Kept => ({
  component,
  reason,
  removable,
  changed: changed === 'it' ? component : changed === 'nobody' ? null : changed,
})

/** Adds what a flow's reversal does to the whole, and returns its outcome. */
const take = (reversed: FlowReversal, all: Transition): Keep | 'remove' | 'restore' | null => {
  if (reversed === null || reversed instanceof Keep) return reversed
  const { files, members, activate, deleteVersions } = reversed.transition
  Object.assign(all.files, files)
  for (const [type, names] of Object.entries(members)) (all.members[type] ??= []).push(...names)
  all.activate.push(...activate)
  all.deleteVersions.push(...deleteVersions)
  return reversed.outcome
}
