// What rolling validation and assignment rules back would do. Each rule is decided by itself; which
// assignment rule of an object is active is decided last, for all of them.

import { type JsonObject } from '../../salesforce/json.ts'
import { leaf } from '../../salesforce/xml.ts'
import { sameElement } from '../metadata/equality.ts'
import { sameName } from '../metadata/names.ts'
import { ANEW, type Component, DELETED, DRIFT, Keep, UNKNOWN } from './kept.ts'
import { activeRuleOf, isActive, ruleElement, ruleIn } from './rule-files.ts'
import { objectOf, ruleOf, type WorkflowState } from './state.ts'
import { removeRule, RuleFiles, type Transition } from './transition.ts'

type RuleType = 'assignment_rule' | 'validation_rule'

/** A rule before the deployment, after it and now; null: it did not exist, or was not read. */
export interface RuleTimes {
  was: JsonObject | null
  left: JsonObject | null
  is: JsonObject | null
}

/** Whether one rule is rolled back, or why it is kept; null: nothing is left of it. */
export const decideRule = (
  { was, left, is }: RuleTimes,
  action: string,
  isNamed: boolean,
): Keep | 'remove' | 'restore' | null => {
  const strange = isNamed
    ? null
    : left === null
      ? new Keep(UNKNOWN, 'nobody')
      : is !== null && sameElement(left, is)
        ? null
        : new Keep(DRIFT)
  if (was === null) return is === null ? null : (strange ?? 'remove')
  if (action === 'deleted') return is === null ? 'restore' : new Keep(ANEW, 'it', false)
  return is === null ? new Keep(DELETED, 'nobody', false) : (strange ?? 'restore')
}

/** The active assignment rule of an object after the deployment and now; null: none. */
interface ActiveTimes {
  left: string | null
  is: string | null
}

/**
 * Salesforce: one assignment rule of an object is active. `component` was active before and is activated
 * again only if we may deactivate the active one (`freed`): what others chose since stays. Null: it may
 * be activated.
 */
export const decideReactivation = (
  component: Component,
  { left, is }: ActiveTimes,
  freed: ReadonlySet<string>,
): Keep | null => {
  const { type, fullName } = component
  if (is === null) {
    return left === null
      ? null
      : new Keep('The rule that was active then has been deactivated since.', 'nobody')
  }
  const active = `${objectOf(fullName)}.${is}`
  const isFree = sameName(active) === sameName(fullName) || freed.has(sameName(active))
  if (isFree) return null
  return new Keep(`${active} is the active rule now and stays active.`, { type, fullName: active })
}

/** Whether the rule is as it was before. */
export const isRuleUndone = ({ was, is }: Pick<RuleTimes, 'was' | 'is'>): boolean =>
  was === null || is === null ? was === is : sameElement(was, is)

/** An assignment rule that was active before: whether it may be activated again is decided last. */
interface Reactivation {
  component: Component
  element: ReturnType<typeof ruleElement>
  isNamed: boolean
}

interface States {
  before: WorkflowState
  after: WorkflowState
  now: WorkflowState
}

/** Rolls rules back one after the other; `finish` writes their files. */
export class RuleReversal {
  readonly #states: States
  readonly #files: RuleFiles
  readonly #reactivations: Reactivation[] = []
  /** Rules that are removed or deactivated again, by case-insensitive name. */
  readonly #freed = new Set<string>()

  constructor(states: States) {
    this.#states = states
    this.#files = new RuleFiles(states.now)
  }

  reverse(
    type: RuleType,
    component: Component,
    action: string,
    isNamed: boolean,
    transition: Transition,
  ): Keep | 'remove' | 'restore' | null {
    const { fullName } = component
    const { before, after, now } = this.#states
    const was = ruleIn(before, type, fullName)
    const times = { was, left: ruleIn(after, type, fullName), is: ruleIn(now, type, fullName) }
    const decided = decideRule(times, action, isNamed)
    if (decided === 'remove') {
      removeRule(transition, type, fullName)
      this.#freed.add(sameName(fullName))
    }
    if (decided !== 'restore' || was === null) return decided
    const { fullName: own, active: _active, ...definition } = was
    const element = ruleElement(leaf(own) ?? ruleOf(fullName), definition, isActive(was))
    if (type === 'validation_rule') {
      this.#files.validation(fullName, element)
      return 'restore'
    }
    if (isActive(was)) {
      this.#reactivations.push({ component, element, isNamed })
      return null
    }
    this.#files.assignment(fullName, element)
    this.#freed.add(sameName(fullName))
    return 'restore'
  }

  finish(
    transition: Transition,
    note: (component: Component, outcome: Keep | 'restore') => void,
  ): void {
    for (const { component, element, isNamed } of this.#reactivations) {
      const object = objectOf(component.fullName)
      const { after, now } = this.#states
      const active = { left: activeRuleOf(after, object), is: activeRuleOf(now, object) }
      const keep = isNamed ? null : decideReactivation(component, active, this.#freed)
      if (keep === null) {
        this.#files.assignment(component.fullName, element)
        this.#files.activate(component.fullName)
      }
      note(component, keep ?? 'restore')
    }
    this.#files.write(transition)
  }
}
