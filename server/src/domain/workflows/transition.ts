// From how automations stand to how they are wanted: one package, then activations, then deletions of
// flow versions, in this order, so that whatever Salesforce refuses, nothing is switched off for
// nothing. Pure: it decides, nothing is sent here.

import { EngineError, type MemberError, notFound } from '../../errors.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { leaf, type XmlValue } from '../../salesforce/xml.ts'
import { sameElement } from '../plan/decompile.ts'
import { sameName } from '../plan/names.ts'
import { asXmlValue, inSchemaOrder, writeFile } from '../plan/xml-tree.ts'
import { type WorkflowType } from './definition/schema.ts'
import {
  activeRuleOf,
  isActive,
  mergeAssignmentRules,
  ruleElement,
  ruleIn,
  validationRulesFile,
} from './rule-files.ts'
import {
  assignmentPath,
  findFileText,
  findFlow,
  type FlowState,
  objectOf,
  objectPath,
  ruleOf,
  type WorkflowName,
  type WorkflowState,
} from './state.ts'
import { type PlannedWorkflow } from './workflow.ts'

export type WorkflowMetadataType = 'Flow' | 'AssignmentRule' | 'ValidationRule'

export const METADATA_TYPES: Readonly<Record<WorkflowType, WorkflowMetadataType>> = {
  flow: 'Flow',
  assignment_rule: 'AssignmentRule',
  validation_rule: 'ValidationRule',
}

/** The automation behind a component's name. */
export const workflowNameOf = (component: {
  type: string
  fullName: string
}): WorkflowName | null => {
  const found = Object.entries(METADATA_TYPES).find(([, type]) => type === component.type)
  return found === undefined
    ? null
    : { type: found[0] as WorkflowType, api_name: component.fullName }
}

/** What happens to one automation, and whether that can be undone. */
export interface WorkflowRow {
  type: WorkflowMetadataType
  fullName: string
  path: string
  action: 'created' | 'updated' | 'unchanged' | 'deleted'
  reversibility: 'reversible' | 'reversible_with_data_loss'
  reason: string | null
}

export interface Transition {
  files: Record<string, string>
  members: Record<string, string[]>
  deleteAfter: Record<string, string[]>
  /** After the package. Null switches the flow off; `newest` is known only then. */
  activate: { flow: string; version: number | 'newest' | null }[]
  /** After the activations. */
  deleteVersions: { flow: string; id: string; number: number }[]
}

export interface Decided {
  rows: WorkflowRow[]
  transition: Transition
}

export const nothingToDo = (): Transition => ({
  files: {},
  members: {},
  deleteAfter: {},
  activate: [],
  deleteVersions: [],
})

export const hasPackage = ({ files, deleteAfter }: Transition): boolean =>
  Object.keys(files).length + Object.keys(deleteAfter).length > 0

/**
 * A flow's file. Salesforce: whether a deployed flow becomes active by its status differs between
 * production and sandboxes ("Deploy Processes and Flows as Active"), so it is always deployed as a
 * draft and activated by its definition, which holds in both.
 */
export const flowFile = (definition: JsonObject, apiVersion: string): string =>
  writeFile(
    'Flow',
    inSchemaOrder({
      apiVersion,
      ...(asXmlValue(definition) as Record<string, XmlValue>),
      status: 'Draft',
    }),
  )

/** Whether a version has this content already; an API version that the caller left open does not count. */
const sameFlow = (wanted: JsonObject, is: JsonObject): boolean => {
  const { apiVersion, ...rest } = is
  return sameElement(wanted, wanted.apiVersion === undefined ? rest : { ...rest, apiVersion })
}

const refuse = (error: MemberError): EngineError =>
  new EngineError('invalid_plan', error.message, { errors: [error] })

/** Rules collected by object, to be written into one file each. */
interface AssignmentFile {
  object: string
  rules: Map<string, Record<string, XmlValue>>
  /** The rule that is to be the only active one. */
  active: string | null
}

interface ValidationFile {
  object: string
  rules: Map<string, Record<string, XmlValue>>
}

class RuleFiles {
  readonly #state: WorkflowState
  readonly #assignment = new Map<string, AssignmentFile>()
  readonly #validation = new Map<string, ValidationFile>()

  constructor(state: WorkflowState) {
    this.#state = state
  }

  #assignmentOf(object: string): AssignmentFile {
    const key = sameName(object)
    const known = this.#assignment.get(key) ?? { object, rules: new Map(), active: null }
    this.#assignment.set(key, known)
    return known
  }

  assignment(apiName: string, element: Record<string, XmlValue>): void {
    this.#assignmentOf(objectOf(apiName)).rules.set(ruleOf(apiName), element)
  }

  /** Makes this rule the only active one of its object. */
  activate(apiName: string): void {
    this.#assignmentOf(objectOf(apiName)).active = ruleOf(apiName)
  }

  validation(apiName: string, element: Record<string, XmlValue>): void {
    const object = objectOf(apiName)
    const known = this.#validation.get(sameName(object)) ?? { object, rules: new Map() }
    known.rules.set(ruleOf(apiName), element)
    this.#validation.set(sameName(object), known)
  }

  write(transition: Transition): void {
    for (const { object, rules, active } of this.#assignment.values()) {
      const path = assignmentPath(object)
      // Of several rules in one file one is active at most, whatever each said for itself.
      const settled =
        active === null
          ? rules
          : new Map(
              [...rules].map(([name, element]) => [
                name,
                { ...element, active: String(sameName(name) === sameName(active)) },
              ]),
            )
      const current = findFileText(this.#state, path)
      const text = mergeAssignmentRules(current, settled, active ?? undefined)
      if (text === null) continue
      transition.files[path] = text
      ;(transition.members.AssignmentRules ??= []).push(object)
    }
    for (const { object, rules } of this.#validation.values()) {
      transition.files[objectPath(object)] = validationRulesFile([...rules.values()])
      for (const name of rules.keys()) {
        ;(transition.members.ValidationRule ??= []).push(`${object}.${name}`)
      }
    }
  }
}

const rowOf = (
  { type, api_name: fullName }: WorkflowName,
  index: number,
  action: WorkflowRow['action'],
  reason: string | null = null,
): WorkflowRow => ({
  type: METADATA_TYPES[type],
  fullName,
  path: `workflows.${index}`,
  action,
  reversibility: 'reversible',
  reason,
})

const addFlow = (transition: Transition, name: string, text: string): void => {
  transition.files[`flows/${name}.flow`] = text
  ;(transition.members.Flow ??= []).push(name)
}

const wantsActive = (activate: PlannedWorkflow['activate'], isNow: boolean): boolean =>
  activate === 'keep' ? isNow : activate

/**
 * Brings these definitions in place. What is there in this very form already is `unchanged`. Throws
 * EngineError `invalid_plan` for a flow of an installed package.
 */
export const deployTransition = (
  workflows: readonly PlannedWorkflow[],
  state: WorkflowState,
  apiVersion: string,
): Decided => {
  const transition = nothingToDo()
  const rules = new RuleFiles(state)
  const rows: WorkflowRow[] = []
  const switchedOff = new Map<string, string>()

  for (const [index, workflow] of workflows.entries()) {
    const { type, api_name: name, definition, activate } = workflow
    if (type === 'flow') {
      const flow = findFlow(state, name)
      requireOwn(flow, index)
      const newest = flow === null ? undefined : flow.contents[String(flow.latest)]
      const sends = newest === undefined || !sameFlow(definition, newest)
      if (sends) addFlow(transition, flow?.api_name ?? name, flowFile(definition, apiVersion))
      const target =
        activate === true
          ? sends
            ? 'newest'
            : (flow?.latest ?? 'newest')
          : activate === false
            ? null
            : undefined
      const moves = target !== undefined && target !== (flow?.active ?? null)
      if (moves) transition.activate.push({ flow: flow?.api_name ?? name, version: target })
      const action = flow === null ? 'created' : sends || moves ? 'updated' : 'unchanged'
      rows.push(rowOf(workflow, index, action))
      continue
    }
    const before = ruleIn(state, type, name)
    const element = ruleElement(
      leaf(before?.fullName) ?? ruleOf(name),
      definition,
      wantsActive(activate, isActive(before)),
    )
    if (before !== null && sameElement(element, before)) {
      rows.push(rowOf(workflow, index, 'unchanged'))
      continue
    }
    rows.push(rowOf(workflow, index, before === null ? 'created' : 'updated'))
    if (type === 'validation_rule') rules.validation(name, element)
    else {
      rules.assignment(name, element)
      if (activate === true) {
        rules.activate(name)
        noteSwitchedOff(switchedOff, state, name)
      }
    }
  }
  rules.write(transition)
  const named = new Set(workflows.map(({ api_name: name }) => sameName(name)))
  for (const [off, on] of switchedOff) {
    if (named.has(sameName(off))) continue
    rows.push({
      ...rowOf({ type: 'assignment_rule', api_name: off }, 0, 'updated'),
      path: 'workflows',
      reason: `Switched off, since ${on} is active now and Salesforce has one active rule an object.`,
    })
  }
  return { rows, transition }
}

const noteSwitchedOff = (
  switchedOff: Map<string, string>,
  state: WorkflowState,
  apiName: string,
): void => {
  const object = objectOf(apiName)
  const active = activeRuleOf(state, object)
  if (active !== null && sameName(active) !== sameName(ruleOf(apiName))) {
    switchedOff.set(`${object}.${active}`, apiName)
  }
}

const requireOwn = (flow: FlowState | null, index: number): void => {
  if (flow?.managed !== true) return
  throw refuse({
    path: `workflows.${index}.api_name`,
    code: 'managed',
    message: `${flow.api_name} belongs to an installed package and cannot be changed. Choose another name.`,
  })
}

export interface Activation extends WorkflowName {
  active: boolean
  /** Of a flow; absent: the one that is active, else the newest. */
  version?: number | undefined
}

/** Switches one automation on or off. Throws not_found, and invalid_plan for a version that is not there. */
export const activationTransition = (wanted: Activation, state: WorkflowState): Decided => {
  const transition = nothingToDo()
  if (wanted.type === 'flow') {
    const flow = findFlow(state, wanted.api_name)
    if (flow === null) throw notFound('flow')
    const target = wanted.active ? (wanted.version ?? flow.active ?? flow.latest) : null
    if (target !== null && !flow.versions.some(({ number }) => number === target)) {
      throw refuse({
        path: 'version',
        code: 'unknown_version',
        message: `${flow.api_name} has no version ${target}; there are ${flow.versions.map(({ number }) => number).join(', ')}.`,
      })
    }
    const moves = target !== flow.active
    if (moves) transition.activate.push({ flow: flow.api_name, version: target })
    return {
      rows: [rowOf({ ...wanted, api_name: flow.api_name }, 0, moves ? 'updated' : 'unchanged')],
      transition,
    }
  }
  const before = ruleIn(state, wanted.type, wanted.api_name)
  if (before === null) throw notFound('rule')
  if (isActive(before) === wanted.active) {
    return { rows: [rowOf(wanted, 0, 'unchanged')], transition }
  }
  const { fullName, active: _active, ...definition } = before
  return deployTransition(
    [
      {
        type: wanted.type,
        api_name: `${objectOf(wanted.api_name)}.${leaf(fullName) ?? ruleOf(wanted.api_name)}`,
        definition,
        activate: wanted.active,
      },
    ],
    state,
    '',
  )
}

/**
 * Takes automations away: deactivated, every version deleted, rules deleted. Throws not_found where
 * one is not there and invalid_plan for one of an installed package.
 */
export const removalTransition = (
  names: readonly WorkflowName[],
  state: WorkflowState,
): Decided => {
  const transition = nothingToDo()
  const rows = names.map((name, index): WorkflowRow => {
    if (name.type === 'flow') {
      const flow = findFlow(state, name.api_name)
      if (flow === null) throw notFound(`flow ${name.api_name}`)
      requireOwn(flow, index)
      removeFlow(transition, flow)
      const row = rowOf({ ...name, api_name: flow.api_name }, index, 'deleted')
      const kept = flow.active ?? flow.latest
      return flow.versions.length < 2
        ? { ...row, reason: 'A rollback brings it back as a new version.' }
        : {
            ...row,
            reversibility: 'reversible_with_data_loss',
            reason: `A rollback brings version ${kept ?? '?'} back as a new one; the other ${flow.versions.length - 1} are lost.`,
          }
    }
    const before = ruleIn(state, name.type, name.api_name)
    if (before === null) throw notFound(`rule ${name.api_name}`)
    const fullName = `${objectOf(name.api_name)}.${leaf(before.fullName) ?? ruleOf(name.api_name)}`
    removeRule(transition, name.type, fullName)
    return rowOf({ ...name, api_name: fullName }, index, 'deleted')
  })
  return { rows, transition }
}

const removeFlow = (transition: Transition, flow: FlowState): void => {
  if (flow.active !== null) transition.activate.push({ flow: flow.api_name, version: null })
  for (const { id, number } of flow.versions) {
    transition.deleteVersions.push({ flow: flow.api_name, id, number })
  }
}

const removeRule = (
  transition: Transition,
  type: 'assignment_rule' | 'validation_rule',
  fullName: string,
): void => {
  ;(transition.deleteAfter[METADATA_TYPES[type]] ??= []).push(fullName)
}

export interface Kept {
  component: { type: string; fullName: string }
  reason: string
  drifted: boolean
  removable: boolean
}

export interface WorkflowReversal {
  remove: { type: string; fullName: string }[]
  restore: { type: string; fullName: string }[]
  kept: Kept[]
  transition: Transition
}

const DRIFT = 'Changed by somebody else since.'

/**
 * What taking a deployment back would do. `named`: only these, and these whatever happened to them
 * since; null: all.
 */
export const reversalTransition = (input: {
  rows: readonly { type: string; full_name: string; action: string }[]
  before: WorkflowState
  after: WorkflowState
  now: WorkflowState
  named: (component: { type: string; fullName: string }) => boolean
  onlyNamed: boolean
  apiVersion: string
}): WorkflowReversal => {
  const { before, after, now } = input
  const found: WorkflowReversal = { remove: [], restore: [], kept: [], transition: nothingToDo() }
  const { transition } = found
  const rules = new RuleFiles(now)

  for (const row of input.rows) {
    if (row.action === 'unchanged') continue
    const component = { type: row.type, fullName: row.full_name }
    const name = workflowNameOf(component)
    if (name === null) continue
    const isNamed = input.named(component)
    const keep = (reason: string, drifted = false, removable = true): void => {
      found.kept.push({ component, reason, drifted, removable })
    }
    const differs = isUndone(name, before, now) === false
    if (!differs) continue
    if (input.onlyNamed && !isNamed) {
      keep('Not named in components.')
      continue
    }
    if (name.type === 'flow') {
      const [was, left, is] = [before, after, now].map((state) => findFlow(state, name.api_name))
      if (was == null) {
        if (is == null) continue
        if (!isNamed && !isAsLeft(left ?? null, is)) keep(DRIFT, true)
        else {
          removeFlow(transition, is)
          found.remove.push(component)
        }
      } else if (row.action === 'deleted') {
        if (is != null) keep('Somebody made it anew since.', true, false)
        else restoreFlow(transition, was, input.apiVersion, found, component, keep)
      } else if (is == null) keep('Deleted by somebody else since.', false, false)
      else if (!isNamed && !isAsLeft(left ?? null, is)) keep(DRIFT, true)
      else {
        if (is.active !== was.active) {
          if (was.active !== null && !is.versions.some(({ number }) => number === was.active)) {
            keep(`Version ${was.active}, which was active before, is gone.`, false, false)
            continue
          }
          transition.activate.push({ flow: is.api_name, version: was.active })
        }
        const known = new Set(was.versions.map(({ id }) => id))
        for (const { id, number } of is.versions) {
          if (!known.has(id)) transition.deleteVersions.push({ flow: is.api_name, id, number })
        }
        found.restore.push(component)
      }
      continue
    }
    const { type } = name
    const [was, left, is] = [before, after, now].map((state) => ruleIn(state, type, name.api_name))
    if (was == null) {
      if (is == null) continue
      if (!isNamed && (left == null || !sameElement(left, is))) keep(DRIFT, true)
      else {
        removeRule(transition, type, row.full_name)
        found.remove.push(component)
      }
      continue
    }
    if (row.action === 'deleted' ? is != null : is == null) {
      keep(
        is == null ? 'Deleted by somebody else since.' : 'Somebody made it anew since.',
        true,
        false,
      )
      continue
    }
    if (is != null && !isNamed && (left == null || !sameElement(left, is))) {
      keep(DRIFT, true)
      continue
    }
    const { fullName, active, ...definition } = was
    const element = ruleElement(
      leaf(fullName) ?? ruleOf(row.full_name),
      definition,
      active === 'true',
    )
    if (type === 'validation_rule') rules.validation(row.full_name, element)
    else {
      rules.assignment(row.full_name, element)
      if (active === 'true') rules.activate(row.full_name)
    }
    found.restore.push(component)
  }
  rules.write(transition)
  return found
}

/** Nobody changed the flow since; removed and brought back by a rollback, it is the same in new ids. */
const isAsLeft = (left: FlowState | null, is: FlowState): boolean => {
  if (left === null) return false
  if (left.definition_id !== is.definition_id) {
    return is.versions.length === 1 && sameCurrent(left, is)
  }
  return (
    left.active === is.active &&
    is.versions.every(({ id }) => left.versions.some((version) => version.id === id))
  )
}

/** Same content in the version that counts, and the same state. */
const sameCurrent = (a: FlowState, b: FlowState): boolean => {
  const [one, other] = [a, b].map((flow) => flow.contents[String(flow.active ?? flow.latest)])
  return (
    (a.active === null) === (b.active === null) &&
    one !== undefined &&
    other !== undefined &&
    sameFlow({ ...one, apiVersion: undefined }, other)
  )
}

const restoreFlow = (
  transition: Transition,
  was: FlowState,
  apiVersion: string,
  found: WorkflowReversal,
  component: { type: string; fullName: string },
  keep: (reason: string, drifted?: boolean, removable?: boolean) => void,
): void => {
  const content = was.contents[String(was.active ?? was.latest)]
  if (content === undefined) {
    keep('Its content was not to be read before it was removed.', false, false)
    return
  }
  addFlow(transition, was.api_name, flowFile(content, apiVersion))
  if (was.active !== null) transition.activate.push({ flow: was.api_name, version: 'newest' })
  found.restore.push(component)
}

/** Is the automation as it was before? Of a flow brought back, its content and whether it is active. */
export const isUndone = (
  name: WorkflowName,
  before: WorkflowState,
  now: WorkflowState,
): boolean => {
  if (name.type !== 'flow') {
    const [was, is] = [
      ruleIn(before, name.type, name.api_name),
      ruleIn(now, name.type, name.api_name),
    ]
    return was === null || is === null ? was === is : sameElement(was, is)
  }
  const [was, is] = [findFlow(before, name.api_name), findFlow(now, name.api_name)]
  if (was === null || is === null) return was === is
  const ids = (flow: FlowState): string => flow.versions.map(({ id }) => id).join()
  if (was.active === is.active && ids(was) === ids(is)) return true
  if (was.definition_id === is.definition_id) return false
  return sameCurrent(was, is)
}
