// In which order the automations of an object run when a record is saved or deleted, as far as the
// Salesforce org shows it. Pure.

import {
  type Automation,
  type Trigger,
  type TriggerEvent,
} from '../topology/automations/automation.ts'

export type SaveEvent = Extract<TriggerEvent, 'create' | 'update' | 'delete' | 'undelete'>
const EVENTS: readonly SaveEvent[] = ['create', 'update', 'delete', 'undelete']

/** `before insert`, `after update` …: when an Apex trigger runs, in our words. */
export type ApexMoment = `${'before' | 'after'} ${SaveEvent}`

export interface Step {
  timing: 'before' | 'after'
  type: Automation['type']
  api_name: string
  /** A flow's trigger order; null if it has none, or its kind has none. */
  order: number | null
}

export interface EventOrder {
  object: string
  event: SaveEvent
  steps: Step[]
}

export interface Candidate {
  type: Automation['type']
  api_name: string
  process_type: string | null
  trigger: Trigger | null
  /** For an Apex trigger; null if only its events and its timings are known, not their combinations. */
  moments: ReadonlySet<ApexMoment> | null
}

const APEX_EVENTS: Readonly<Record<string, SaveEvent>> = {
  insert: 'create',
  update: 'update',
  delete: 'delete',
  undelete: 'undelete',
}

/** From the head of a trigger's code: `trigger T on Lead (before insert, after update)`. */
export const apexMomentsOf = (code: string): ReadonlySet<ApexMoment> | null => {
  const head = /\btrigger\s+\w+\s+on\s+\w+\s*\(([\w\s,]*)\)/i.exec(code)?.[1]
  if (head === undefined) return null
  return new Set(
    head.split(',').flatMap((part): ApexMoment[] => {
      const [timing = '', operation = ''] = part.trim().toLowerCase().split(/\s+/)
      const event = APEX_EVENTS[operation]
      return event !== undefined && (timing === 'before' || timing === 'after')
        ? [`${timing} ${event}`]
        : []
    }),
  )
}

/**
 * Salesforce: Apex developer guide, "Triggers and Order of Execution". Kinds that are not listed here
 * (duplicate, auto-response, escalation and entitlement rules) come between these.
 */
const PHASES = {
  before_flow: 1,
  before_trigger: 2,
  validation_rule: 3,
  after_trigger: 4,
  assignment_rule: 5,
  workflow_rule: 6,
  process: 7,
  after_flow: 8,
} as const

interface Placed {
  step: Step
  phase: number
}

const placesOf = (candidate: Candidate, event: SaveEvent): Placed[] => {
  const { type, api_name, trigger } = candidate
  if (trigger === null || !trigger.events.includes(event)) return []
  const at = (phase: keyof typeof PHASES, timing: Step['timing']): Placed => ({
    step: { timing, type, api_name, order: trigger.order },
    phase: PHASES[phase],
  })
  switch (type) {
    case 'flow':
      if (candidate.process_type === 'Workflow') return [at('process', 'after')]
      if (trigger.timing === 'before') return [at('before_flow', 'before')]
      return trigger.timing === 'after' ? [at('after_flow', 'after')] : []
    case 'apex_trigger':
      return (['before', 'after'] as const)
        .filter((timing) =>
          candidate.moments === null
            ? trigger.timing === 'both' || trigger.timing === timing
            : candidate.moments.has(`${timing} ${event}`),
        )
        .map((timing) => at(`${timing}_trigger`, timing))
    case 'validation_rule':
      return [at('validation_rule', 'before')]
    case 'assignment_rule':
      return [at('assignment_rule', 'after')]
    case 'workflow_rule':
      return [at('workflow_rule', 'after')]
  }
}

/**
 * Salesforce Help, "Define the Run Order of Record-Triggered Flows for an Object": orders up to 1,000
 * first, then flows without one (by creation date, which is not returned), then those above.
 */
const orderGroup = (order: number | null): number => (order === null ? 1 : order <= 1000 ? 0 : 2)

const compare = (a: Placed, b: Placed): number =>
  a.phase - b.phase ||
  orderGroup(a.step.order) - orderGroup(b.step.order) ||
  (a.step.order ?? 0) - (b.step.order ?? 0) ||
  (a.step.api_name < b.step.api_name ? -1 : 1)

/** What runs on the object at each event, first to last; events at which nothing runs are left out. */
export const executionOrder = (object: string, candidates: readonly Candidate[]): EventOrder[] =>
  EVENTS.flatMap((event) => {
    const places = candidates.flatMap((candidate) => placesOf(candidate, event))
    const steps = places.toSorted(compare).map(({ step }) => step)
    return steps.length === 0 ? [] : [{ object, event, steps }]
  })
