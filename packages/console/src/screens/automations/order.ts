// What runs when a record is saved, in the phases of Salesforce's "Triggers and Order of Execution". Pure.

import {
  type Automation,
  type AutomationPage,
  type AutomationType,
  type RecordEvent,
} from '@sfdc-engine-x/client'

export type ExecutionOrder = NonNullable<AutomationPage['execution_order']>[number]
export type Step = ExecutionOrder['steps'][number]

/** In the address, for what no record starts: no object has such a name. */
export const NO_OBJECT = '-'

export const EVENTS: Readonly<Record<RecordEvent, string>> = {
  create: 'Created',
  update: 'Changed',
  delete: 'Deleted',
  undelete: 'Restored',
}

export const TYPES: Readonly<Record<AutomationType, string>> = {
  flow: 'Flow',
  validation_rule: 'Validation rule',
  workflow_rule: 'Workflow rule',
  assignment_rule: 'Assignment rule',
  apex_trigger: 'Apex trigger',
}

const PHASES: Readonly<Record<Step['timing'], Readonly<Record<AutomationType, string>>>> = {
  before: {
    flow: 'Flows before the record is saved',
    apex_trigger: 'Apex triggers before the record is saved',
    validation_rule: 'Validation rules',
    workflow_rule: 'Workflow rules',
    assignment_rule: 'Assignment rules',
  },
  after: {
    flow: 'Flows after the record is saved',
    apex_trigger: 'Apex triggers after the record is saved',
    validation_rule: 'Validation rules after the record is saved',
    workflow_rule: 'Workflow rules',
    assignment_rule: 'Assignment rules',
  },
}

export interface Phase {
  name: string
  steps: readonly Step[]
}

/** Steps in their order, grouped where neighbours are of one phase. Processes are flows of an older kind. */
export const phasesOf = (
  steps: readonly Step[],
  processes: ReadonlySet<string> = new Set(),
): Phase[] => {
  const phases: { name: string; steps: Step[] }[] = []
  for (const step of steps) {
    const isProcess = step.type === 'flow' && processes.has(step.api_name)
    const name = isProcess ? 'Processes' : PHASES[step.timing][step.type]
    const last = phases.at(-1)
    if (last?.name === name) last.steps.push(step)
    else phases.push({ name, steps: [step] })
  }
  return phases
}

export interface ObjectCount {
  /** Null: no record starts them. */
  object: string | null
  all: number
  active: number
}

/** How many automations each object has: those with most that are active first, those without an object last. */
export const objectsOf = (automations: readonly Automation[]): ObjectCount[] => {
  const counts = new Map<string | null, ObjectCount>()
  for (const { object, active } of automations) {
    const { all, active: before } = counts.get(object) ?? { all: 0, active: 0 }
    counts.set(object, { object, all: all + 1, active: before + (active === true ? 1 : 0) })
  }
  return [...counts.values()].sort(
    (one, other) =>
      Number(one.object === null) - Number(other.object === null) ||
      other.active - one.active ||
      (one.object ?? '').localeCompare(other.object ?? ''),
  )
}
