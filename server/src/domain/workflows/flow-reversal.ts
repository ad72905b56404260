// What rolling one flow back would do, from its state before the deployment, after it and now. Pure:
// each function returns what it would do and does not change its arguments.

import { type DeploymentKind } from '../../db/tables/deployments.ts'
import { ANEW, DELETED, DRIFT, Keep, UNKNOWN } from './kept.ts'
import { type FlowState } from './state.ts'
import {
  addFlow,
  flowFile,
  highestOf,
  nothingToDo,
  removeFlow,
  sameFlow,
  type Transition,
} from './transition.ts'

/** A flow before the deployment, after it and now; null: it did not exist, or was not read. */
export interface FlowTimes {
  was: FlowState | null
  left: FlowState | null
  is: FlowState | null
}

export interface FlowQuestion extends FlowTimes {
  kind: DeploymentKind
  /** What the deployment did to it: created, updated or deleted. */
  action: string
  /** Rolled back whatever happened to it since. */
  isNamed: boolean
  apiVersion: string
}

/** What rolling it back does; or why it is kept; null: nothing is left of it. */
export type FlowReversal = { outcome: 'remove' | 'restore'; transition: Transition } | Keep | null

type There<Names extends keyof FlowTimes> = FlowQuestion & Record<Names, FlowState>

/** What rolling the flow back would do in its current state. */
export const reverseFlow = (question: FlowQuestion): FlowReversal => {
  const { was, is, action } = question
  if (was === null) return is === null ? null : reverseMade({ ...question, is })
  if (is === null) return reverseMissing({ ...question, was })
  const wasMadeAnew = action === 'deleted' && !isSameFlow(was, is)
  return wasMadeAnew
    ? reverseBroughtBack({ ...question, was, is })
    : reverseChanged({ ...question, was, is })
}

/** For a flow that the deployment created: removed, with all its versions. */
const reverseMade = (question: There<'is'>): FlowReversal => {
  const keep = strangeness(question)
  if (keep !== null) return keep
  const transition = nothingToDo()
  removeFlow(transition, question.is)
  return { outcome: 'remove', transition }
}

/** For a flow that does not exist: created again if the deployment deleted it. */
const reverseMissing = (question: There<'was'>): FlowReversal =>
  question.action === 'deleted'
    ? restored(putBack(question.was, null, question.apiVersion))
    : new Keep(DELETED, 'nobody', false)

/** For a deleted flow that exists again: an earlier rollback restored it but could not activate it. */
const reverseBroughtBack = ({ was, is }: There<'was' | 'is'>): FlowReversal => {
  const isOurs =
    is.active === null &&
    is.versions.length === 1 &&
    sameContent(contentOf(was, was.active), contentOf(is, is.latest))
  if (!isOurs) return new Keep(ANEW, 'it', false)
  const transition = nothingToDo()
  transition.activate.push({ flow: is.api_name, version: is.latest })
  return { outcome: 'restore', transition }
}

/**
 * For a flow that existed before: its version is active again, its draft as it was, our versions are
 * gone.
 */
const reverseChanged = (question: There<'was' | 'is'>): FlowReversal => {
  const { was, is, action, isNamed, apiVersion } = question
  const keep = strangeness(question)
  if (keep !== null) return keep
  const isGone = isSameFlow(was, is) && was.active !== null && !hasVersion(is, was.active)
  if (!isNamed && isGone && action !== 'deleted') {
    return new Keep(`Version ${was.active}, which was active before, was deleted since.`)
  }
  const transition = putBack(was, is, apiVersion)
  if (transition instanceof Keep) return transition
  const draft = lostDraft(question)
  if (draft !== null && transition.files[`flows/${is.api_name}.flow`] === undefined) {
    addFlow(transition, is.api_name, flowFile(draft, apiVersion))
  }
  const made = madeVersions(question)
  for (const { id, number } of is.versions) {
    if (made.has(id)) transition.deleteVersions.push({ flow: is.api_name, id, number })
  }
  return restored(transition)
}

const restored = (transition: Transition | Keep): FlowReversal =>
  transition instanceof Keep ? transition : { outcome: 'restore', transition }

/**
 * Why an existing flow is not touched: it is not as the deployment left it. Null: it is, or the caller
 * named it.
 */
export const strangeness = ({
  was,
  left,
  is,
  action,
  isNamed,
}: Pick<There<'is'>, 'was' | 'left' | 'is' | 'action' | 'isNamed'>): Keep | null => {
  if (isNamed) return null
  if (left === null) return action === 'deleted' ? null : new Keep(UNKNOWN, 'nobody')
  return isAsLeft(was, left, is) ? null : new Keep(DRIFT)
}

/**
 * Activates the version that was active before, from its content if it is gone; deletes nothing. The
 * flow is kept if that content could not be read before.
 */
export const putBack = (
  was: FlowState,
  is: FlowState | null,
  apiVersion: string,
): Transition | Keep => {
  const transition = nothingToDo()
  const wanted = currentOf(was)
  const name = is?.api_name ?? was.api_name
  const present = is === null ? null : versionLike(was, is)
  if (is !== null && (wanted === null || present !== null)) {
    const active = was.active === null ? null : present
    if (active !== is.active) transition.activate.push({ flow: name, version: active })
    return transition
  }
  const content = contentOf(was, wanted)
  if (content === undefined) {
    return new Keep('Its content could not be read before the deployment.', 'nobody', false)
  }
  addFlow(transition, name, flowFile(content, apiVersion))
  if (was.active !== null) {
    transition.activate.push({ flow: name, version: 'newest', above: highestOf(is) })
  } else if (is !== null && is.active !== null) {
    transition.activate.push({ flow: name, version: null })
  }
  return transition
}

/** The content of a draft that the deployment overwrote, if it is not restored yet; else null. */
export const lostDraft = ({ was, left, is }: FlowTimes & { was: FlowState; is: FlowState }) => {
  const draft = contentOf(was, was.latest)
  const isLost =
    draft !== undefined &&
    isOverwritten(was, left) &&
    !sameContent(draft, contentOf(is, was.latest))
  return isLost ? draft : null
}

/**
 * Ids of the versions that the deployment created; in a flow that was removed and restored since, of
 * those with its content.
 */
export const madeVersions = ({
  kind,
  was,
  left,
  is,
}: Pick<FlowQuestion, 'kind' | 'left'> & { was: FlowState; is: FlowState }): Set<string> => {
  if (kind !== 'workflows') return new Set()
  if (left !== null && !isSameFlow(left, is)) {
    const ours = is.versions.filter(({ number }) => {
      const content = contentOf(is, number)
      return isCurrentIn(left, content) && !isCurrentIn(was, content)
    })
    return new Set(ours.map(({ id }) => id))
  }
  const known = new Set(was.versions.map(({ id }) => id))
  return new Set((left ?? is).versions.map(({ id }) => id).filter((id) => !known.has(id)))
}

/**
 * Nobody changed the flow since, except towards its previous state: an earlier rollback may have got
 * this far. Removed and restored, it is the same under new ids.
 */
export const isAsLeft = (was: FlowState | null, left: FlowState, is: FlowState): boolean => {
  if (!isSameFlow(left, is)) {
    const isOn = is.active !== null
    return (
      [left, was].some((flow) => flow !== null && (flow.active !== null) === isOn) &&
      is.versions.every(({ number }) => {
        const content = contentOf(is, number)
        return isCurrentIn(left, content) || isCurrentIn(was, content)
      })
    )
  }
  const known = new Set([...left.versions, ...(was?.versions ?? [])].map(({ id }) => id))
  return (
    [left.active, was?.active ?? null].includes(is.active) &&
    is.versions.every(({ id }) => known.has(id)) &&
    // A draft may be edited without a new version.
    Object.entries(is.contents).every(([number, content]) => {
      const seen = [left, was].map((flow) => flow?.contents[number]).filter((one) => one != null)
      return seen.length === 0 || seen.some((one) => sameFlow(one, content))
    })
  )
}

/**
 * Whether the flow is as it was before, as far as the deployment changed it. For one that was deleted
 * and restored, its content and whether it is active count; versions of others do not.
 */
export const isFlowUndone = (
  kind: DeploymentKind,
  { was, left, is }: FlowTimes,
  action: string,
): boolean => {
  if (was === null || is === null) return was === is
  if (action === 'deleted' || !isSameFlow(was, is)) return sameCurrent(was, is)
  const made = madeVersions({ kind, was, left, is })
  return (
    !is.versions.some(({ id }) => made.has(id)) &&
    runsTheSame(was, is) &&
    (!isOverwritten(was, left) ||
      sameContent(contentOf(was, was.latest), contentOf(is, was.latest)))
  )
}

const contentOf = (flow: FlowState, number: number | null) =>
  number === null ? undefined : flow.contents[String(number)]

const sameContent = (a: ReturnType<typeof contentOf>, b: ReturnType<typeof contentOf>): boolean =>
  a !== undefined && b !== undefined && sameFlow({ ...a, apiVersion: undefined }, b)

const hasVersion = (flow: FlowState, number: number | null): boolean =>
  flow.versions.some((version) => version.number === number)

/** False for a flow that was removed and restored: its ids and the numbers of its versions are new. */
const isSameFlow = (a: FlowState, b: FlowState): boolean => a.definition_id === b.definition_id

/** The version that runs, else the newest. */
const currentOf = ({ active, latest }: FlowState): number | null => active ?? latest

/** The same content in the current version, and the same state. */
const sameCurrent = (a: FlowState, b: FlowState): boolean =>
  (a.active === null) === (b.active === null) &&
  sameContent(contentOf(a, currentOf(a)), contentOf(b, currentOf(b)))

const isCurrentIn = (flow: FlowState | null, content: ReturnType<typeof contentOf>): boolean =>
  flow !== null && sameContent(contentOf(flow, currentOf(flow)), content)

/**
 * The version of the flow that is what was current in `was`: of the same number, or, if the flow was
 * removed and restored, of the same content. Null: there is none.
 */
const versionLike = (was: FlowState, is: FlowState): number | null => {
  const wanted = currentOf(was)
  if (isSameFlow(was, is)) return hasVersion(is, wanted) ? wanted : null
  return is.versions.find(({ number }) => isCurrentIn(was, contentOf(is, number)))?.number ?? null
}

/** The same version is active, or one of the same content; or none in both. */
const runsTheSame = (was: FlowState, is: FlowState): boolean =>
  was.active === is.active ||
  (is.active !== null && sameContent(contentOf(was, was.active), contentOf(is, is.active)))

/** The newest version was a draft, and the deployment overwrote it instead of creating a new one. */
const isOverwritten = (was: FlowState, left: FlowState | null): boolean => {
  const [before, after] = [was, left].map((flow) => flow && contentOf(flow, was.latest))
  return before != null && after != null && !sameFlow(before, after)
}
