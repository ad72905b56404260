// What taking back a deployment of automations would do, from how they stood before it, after it and
// now. What others did since is theirs: it is kept, and said. Pure: nothing is sent here.

import { leaf } from '../../salesforce/xml.ts'
import { type DeploymentKind } from '../../db/types.ts'
import { sameElement } from '../metadata/equality.ts'
import { sameName } from '../metadata/names.ts'
import { activeRuleOf, ruleElement, ruleIn } from './rule-files.ts'
import { findFlow, type FlowState, objectOf, ruleOf, type WorkflowState } from './state.ts'
import {
  addFlow,
  flowFile,
  highestOf,
  nothingToDo,
  removeFlow,
  removeRule,
  RuleFiles,
  sameFlow,
  type Transition,
  workflowNameOf,
} from './transition.ts'

interface Component {
  type: string
  fullName: string
}

export interface Kept {
  component: Component
  reason: string
  /** What somebody changed: mostly the component itself. Null: nobody did. */
  changed: Component | null
  /** It can still be taken back, by naming it. */
  removable: boolean
}

export interface WorkflowReversal {
  remove: Component[]
  restore: Component[]
  kept: Kept[]
  transition: Transition
}

/** A component of the deployment, and how it stood before it, after it and now. */
interface Row {
  type: string
  full_name: string
  action: string
}

export interface ReversalInput {
  kind: DeploymentKind
  rows: readonly Row[]
  before: WorkflowState
  /** Empty where the deployment ended without a look. */
  after: WorkflowState
  now: WorkflowState
  /** Only these, and these whatever happened to them since; null: all. */
  named: ((component: Component) => boolean) | null
  apiVersion: string
}

const DRIFT = 'Changed by somebody else since.'
const UNKNOWN = 'It is not known how the deployment left it.'
const DELETED = 'Deleted by somebody else since.'
const ANEW = 'Somebody made it anew since.'

/** Why something is kept. */
class Keep {
  readonly reason: string
  readonly changed: 'it' | 'nobody' | Component
  readonly removable: boolean

  constructor(reason: string, changed: Keep['changed'] = 'it', removable = true) {
    this.reason = reason
    this.changed = changed
    this.removable = removable
  }
}

const contentOf = (flow: FlowState, number: number | null) =>
  number === null ? undefined : flow.contents[String(number)]

const sameContent = (a: ReturnType<typeof contentOf>, b: ReturnType<typeof contentOf>): boolean =>
  a !== undefined && b !== undefined && sameFlow({ ...a, apiVersion: undefined }, b)

const hasVersion = (flow: FlowState, number: number | null): boolean =>
  flow.versions.some((version) => version.number === number)

/** Same content in the version that counts, and the same state. */
const sameCurrent = (a: FlowState, b: FlowState): boolean =>
  (a.active === null) === (b.active === null) &&
  sameContent(contentOf(a, a.active ?? a.latest), contentOf(b, b.active ?? b.latest))

/** The same version runs, or one of the same content; or none in both. */
const runsTheSame = (was: FlowState, is: FlowState): boolean =>
  was.active === is.active ||
  (is.active !== null && sameContent(contentOf(was, was.active), contentOf(is, is.active)))

/** Ids of the versions that the deployment made. */
const madeVersions = (
  kind: DeploymentKind,
  was: FlowState,
  left: FlowState | null,
  is: FlowState,
): Set<string> => {
  if (kind !== 'workflows') return new Set()
  const known = new Set(was.versions.map(({ id }) => id))
  return new Set((left ?? is).versions.map(({ id }) => id).filter((id) => !known.has(id)))
}

/** The newest version was a draft, and the deployment wrote into it instead of making a new one. */
const isOverwritten = (was: FlowState, left: FlowState | null): boolean => {
  const [before, after] = [was, left].map((flow) => flow && contentOf(flow, was.latest))
  return before != null && after != null && !sameFlow(before, after)
}

/**
 * Nobody changed the flow since, but towards what it was before: an earlier rollback may have come so
 * far. Removed and brought back, it is the same under new ids.
 */
const isAsLeft = (was: FlowState | null, left: FlowState, is: FlowState): boolean => {
  if (left.definition_id !== is.definition_id) {
    return is.versions.length === 1 && sameCurrent(left, is)
  }
  const [known, was_] = [left, was].map((flow) => new Set(flow?.versions.map(({ id }) => id)))
  return (
    [left.active, was?.active ?? null].includes(is.active) &&
    is.versions.every(({ id }) => known?.has(id) === true || was_?.has(id) === true) &&
    // A draft may be edited without a new version.
    Object.entries(is.contents).every(([number, content]) => {
      const seen = [left, was].map((flow) => flow?.contents[number]).filter((one) => one != null)
      return seen.length === 0 || seen.some((one) => sameFlow(one, content))
    })
  )
}

/** Makes the version active that was so before, from its content where it is gone; deletes nothing. */
const putBack = (
  transition: Transition,
  was: FlowState,
  is: FlowState | null,
  apiVersion: string,
): Keep | null => {
  const wanted = was.active ?? was.latest
  const name = is?.api_name ?? was.api_name
  if (is === null || (wanted !== null && !hasVersion(is, wanted))) {
    const content = contentOf(was, wanted)
    if (content === undefined) {
      return new Keep('Its content was not to be read before.', 'nobody', false)
    }
    addFlow(transition, name, flowFile(content, apiVersion))
    if (was.active !== null) {
      transition.activate.push({ flow: name, version: 'newest', above: highestOf(is) })
    } else if (is !== null && is.active !== null) {
      transition.activate.push({ flow: name, version: null })
    }
  } else if (was.active !== is.active) {
    transition.activate.push({ flow: name, version: was.active })
  }
  return null
}

interface FlowTimes {
  was: FlowState | null
  left: FlowState | null
  is: FlowState | null
}

type Outcome = Keep | 'remove' | 'restore' | null

const reverseFlow = (
  { kind, apiVersion }: ReversalInput,
  { was, left, is }: FlowTimes,
  action: string,
  isNamed: boolean,
  transition: Transition,
): Outcome => {
  const strange = (flow: FlowState): Keep | null => {
    if (isNamed) return null
    if (left === null && action !== 'deleted') return new Keep(UNKNOWN, 'nobody')
    return left !== null && !isAsLeft(was, left, flow) ? new Keep(DRIFT) : null
  }
  if (was === null) {
    if (is === null) return null
    const keep = strange(is)
    if (keep === null) removeFlow(transition, is)
    return keep ?? 'remove'
  }
  if (is === null) {
    return action === 'deleted'
      ? (putBack(transition, was, null, apiVersion) ?? 'restore')
      : new Keep(DELETED, 'nobody', false)
  }
  if (action === 'deleted' && was.definition_id !== is.definition_id) {
    // Brought back by an earlier rollback, which could not switch it on.
    const isOurs =
      is.active === null &&
      is.versions.length === 1 &&
      sameContent(contentOf(was, was.active), contentOf(is, is.latest))
    if (!isOurs) return new Keep(ANEW, 'it', false)
    transition.activate.push({ flow: is.api_name, version: is.latest })
    return 'restore'
  }
  const keep = strange(is)
  if (keep !== null) return keep
  if (!isNamed && was.active !== null && !hasVersion(is, was.active)) {
    if (action !== 'deleted') {
      return new Keep(`Version ${was.active}, which was active before, was deleted since.`)
    }
  }
  const failed = putBack(transition, was, is, apiVersion)
  if (failed !== null) return failed
  const draft = contentOf(was, was.latest)
  if (
    draft !== undefined &&
    isOverwritten(was, left) &&
    !sameContent(draft, contentOf(is, was.latest)) &&
    transition.files[`flows/${is.api_name}.flow`] === undefined
  ) {
    addFlow(transition, is.api_name, flowFile(draft, apiVersion))
  }
  const made = madeVersions(kind, was, left, is)
  for (const { id, number } of is.versions) {
    if (made.has(id)) transition.deleteVersions.push({ flow: is.api_name, id, number })
  }
  return 'restore'
}

/** An assignment rule that was active before: whether it may be so again is decided last. */
interface Reactivation {
  component: Component
  element: ReturnType<typeof ruleElement>
  isNamed: boolean
}

class RuleReversal {
  readonly #input: ReversalInput
  readonly #files: RuleFiles
  readonly #reactivations: Reactivation[] = []
  /** Rules that are removed, or switched off again: without case. */
  readonly #freed = new Set<string>()

  constructor(input: ReversalInput) {
    this.#input = input
    this.#files = new RuleFiles(input.now)
  }

  reverse(
    type: 'assignment_rule' | 'validation_rule',
    { full_name: fullName, action, type: metadataType }: Row,
    isNamed: boolean,
    transition: Transition,
  ): Outcome {
    const { before, after, now } = this.#input
    const [was, left, is] = [before, after, now].map((state) => ruleIn(state, type, fullName))
    const isStrange = !isNamed && (left == null || !sameElement(left, is))
    const strange = new Keep(left == null ? UNKNOWN : DRIFT, left == null ? 'nobody' : 'it')
    if (was == null) {
      if (is == null) return null
      if (isStrange) return strange
      removeRule(transition, type, fullName)
      this.#freed.add(sameName(fullName))
      return 'remove'
    }
    if (action === 'deleted' && is != null) return new Keep(ANEW, 'it', false)
    if (action !== 'deleted' && is == null) return new Keep(DELETED, 'nobody', false)
    if (is != null && isStrange) return strange
    const { fullName: own, active, ...definition } = was
    const isActive = active === 'true'
    const element = ruleElement(leaf(own) ?? ruleOf(fullName), definition, isActive)
    if (type === 'validation_rule') this.#files.validation(fullName, element)
    else if (isActive) {
      const component = { type: metadataType, fullName }
      this.#reactivations.push({ component, element, isNamed })
      return null
    } else {
      this.#files.assignment(fullName, element)
      this.#freed.add(sameName(fullName))
    }
    return 'restore'
  }

  /**
   * Salesforce: one assignment rule of an object is active. The one of before is so again only where
   * the active one is ours to switch off: what others chose since stays.
   */
  finish(transition: Transition, note: (component: Component, outcome: Outcome) => void): void {
    for (const { component, element, isNamed } of this.#reactivations) {
      const { type, fullName } = component
      const object = objectOf(fullName)
      const [left, is] = [this.#input.after, this.#input.now].map((state) =>
        activeRuleOf(state, object),
      )
      const active = is == null ? null : `${object}.${is}`
      const isFree =
        active === null
          ? left == null
          : sameName(active) === sameName(fullName) || this.#freed.has(sameName(active))
      if (!isNamed && !isFree) {
        note(
          component,
          active === null
            ? new Keep('The rule that was active then was switched off since.', 'nobody')
            : new Keep(`${active} is the active rule now, and stays.`, { type, fullName: active }),
        )
        continue
      }
      this.#files.assignment(fullName, element)
      this.#files.activate(fullName)
      note(component, 'restore')
    }
    this.#files.write(transition)
  }
}

/** What taking a deployment back would do, as things stand now. */
export const reversalTransition = (input: ReversalInput): WorkflowReversal => {
  const { before, after, now } = input
  const found: WorkflowReversal = { remove: [], restore: [], kept: [], transition: nothingToDo() }
  const note = (component: Component, outcome: Outcome): void => {
    if (outcome === null) return
    if (!(outcome instanceof Keep)) {
      found[outcome].push(component)
      return
    }
    const { reason, removable } = outcome
    const changed =
      outcome.changed === 'it' ? component : outcome.changed === 'nobody' ? null : outcome.changed
    found.kept.push({ component, reason, removable, changed })
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
      const [was = null, left = null, is = null] = [before, after, now].map((state) =>
        findFlow(state, name.api_name),
      )
      const times = { was, left, is }
      note(component, reverseFlow(input, times, row.action, isNamed, found.transition))
    } else {
      note(component, rules.reverse(name.type, row, isNamed, found.transition))
    }
  }
  rules.finish(found.transition, note)
  return found
}

/**
 * Is the automation as it was before, as far as the deployment changed it? Of a flow that was deleted
 * and brought back, its content counts and whether it is active; versions of others do not count.
 */
export const isUndone = (
  { kind, before, after, now }: Pick<ReversalInput, 'kind' | 'before' | 'after' | 'now'>,
  { type, full_name: fullName, action }: Row,
): boolean => {
  const name = workflowNameOf({ type, fullName })
  if (name === null) return true
  if (name.type !== 'flow') {
    const { type: ruleType } = name
    const [was, is] = [before, now].map((state) => ruleIn(state, ruleType, fullName))
    return was == null || is == null ? was === is : sameElement(was, is)
  }
  const [was, left, is] = [before, after, now].map((state) => findFlow(state, fullName))
  if (was == null || is == null) return was === is
  if (action === 'deleted' || was.definition_id !== is.definition_id) return sameCurrent(was, is)
  const made = madeVersions(kind, was, left ?? null, is)
  return (
    !is.versions.some(({ id }) => made.has(id)) &&
    runsTheSame(was, is) &&
    (!isOverwritten(was, left ?? null) ||
      sameContent(contentOf(was, was.latest), contentOf(is, was.latest)))
  )
}
