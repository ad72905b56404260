// From the current state of automations to the wanted one: one package, then activations, then deletions
// of flow versions, in this order, so that whatever Salesforce refuses, nothing is deactivated in vain.
// Pure: it decides, nothing is sent here.

import { bareVersion } from '../../salesforce/metadata.ts'
import { EngineError, type MemberError, notFound } from '../../errors.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { leaf, type XmlValue } from '../../salesforce/xml.ts'
import { sameElement } from '../metadata/equality.ts'
import { sameName } from '../metadata/names.ts'
import { asXmlValue, inSchemaOrder, writeFile } from '../metadata/xml-tree.ts'
import { sameFlowContent } from './definition/flow-meaning.ts'
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

const METADATA_TYPES: Readonly<Record<WorkflowType, WorkflowMetadataType>> = {
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

/** The component that an automation is in the Metadata API. */
export const componentOf = ({ type, api_name }: WorkflowName) => ({
  type: METADATA_TYPES[type],
  fullName: api_name,
})

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
  /**
   * Done after the package. Null deactivates the flow; `newest` is the one version that the package
   * created, `above` the highest that existed before.
   */
  activate: { flow: string; version: number | 'newest' | null; above?: number }[]
  /** Done after the activations. */
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

export const hasPackage = ({
  files,
  deleteAfter,
}: {
  files: object
  deleteAfter: object
}): boolean => Object.keys(files).length + Object.keys(deleteAfter).length > 0

/**
 * A flow's file. Salesforce: whether a deployed flow becomes active by its status differs between
 * production and sandboxes ("Deploy Processes and Flows as Active"), so it is always deployed as a
 * draft and activated by its definition, which holds in both.
 */
export const flowFile = (definition: JsonObject, apiVersion: string): string =>
  writeFile(
    'Flow',
    inSchemaOrder({
      apiVersion: bareVersion(apiVersion),
      ...(asXmlValue(definition) as Record<string, XmlValue>),
      status: 'Draft',
    }),
  )

/**
 * Whether a version already has this content; an API version that the caller did not set does not count.
 */
export const sameFlow = (wanted: JsonObject, is: JsonObject): boolean => {
  const { apiVersion, ...rest } = is
  return sameFlowContent(wanted, wanted.apiVersion === undefined ? rest : { ...rest, apiVersion })
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

export class RuleFiles {
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
      // At most one of several rules in a file is active, whatever each says.
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

export const addFlow = (transition: Transition, name: string, text: string): void => {
  transition.files[`flows/${name}.flow`] = text
  ;(transition.members.Flow ??= []).push(name)
}

const wantsActive = (activate: PlannedWorkflow['activate'], isNow: boolean): boolean =>
  activate === 'keep' ? isNow : activate

/** The version that already has the wanted content and the wanted state; null: none. */
const versionInPlace = (
  flow: FlowState | null,
  { definition, activate }: PlannedWorkflow,
): number | null => {
  if (flow === null) return null
  // The active version stays below a draft that somebody started on top of it.
  const candidates = activate === false ? [flow.latest] : [flow.active, flow.latest]
  return (
    candidates.find((number) => {
      const content = number === null ? undefined : flow.contents[String(number)]
      return content !== undefined && sameFlow(definition, content)
    }) ?? null
  )
}

const placeFlow = (
  workflow: PlannedWorkflow,
  index: number,
  { state, apiVersion, transition }: Placing,
): WorkflowRow => {
  const flow = findFlow(state, workflow.api_name)
  requireOwn(flow, index)
  const name = flow?.api_name ?? workflow.api_name
  const inPlace = versionInPlace(flow, workflow)
  const sends = inPlace === null
  if (sends) addFlow(transition, name, flowFile(workflow.definition, apiVersion))
  const target =
    workflow.activate === 'keep' ? undefined : workflow.activate ? (inPlace ?? 'newest') : null
  const moves = target !== undefined && target !== (flow?.active ?? null)
  if (moves) transition.activate.push({ flow: name, version: target, above: highestOf(flow) })
  return rowOf(
    workflow,
    index,
    flow === null ? 'created' : sends || moves ? 'updated' : 'unchanged',
  )
}

export const highestOf = (flow: FlowState | null): number =>
  Math.max(0, ...(flow?.versions ?? []).map(({ number }) => number))

interface Placing {
  state: WorkflowState
  apiVersion: string
  transition: Transition
}

const OFF = (on: string): string =>
  `Deactivated, because ${on} is active now and Salesforce allows one active rule per object.`

/**
 * Puts these definitions in place. What already exists in exactly this form is `unchanged`. Throws
 * EngineError `invalid_plan` for a flow of an installed package.
 */
export const deployTransition = (
  workflows: readonly PlannedWorkflow[],
  state: WorkflowState,
  apiVersion: string,
): Decided => {
  const transition = nothingToDo()
  const rules = new RuleFiles(state)
  const assigning = workflows.filter(({ type }) => type === 'assignment_rule')
  /** By object: the rule that becomes the active one. */
  const winners = new Map(
    assigning
      .filter(({ activate }) => activate === true)
      .map(({ api_name: name }) => [sameName(objectOf(name)), name]),
  )

  const rows = workflows.map((workflow, index): WorkflowRow => {
    const { type, api_name: name, definition, activate } = workflow
    if (type === 'flow') return placeFlow(workflow, index, { state, apiVersion, transition })
    const before = ruleIn(state, type, name)
    const winner = type === 'assignment_rule' ? winners.get(sameName(objectOf(name))) : undefined
    const makesWay = winner !== undefined && sameName(winner) !== sameName(name)
    const element = ruleElement(
      leaf(before?.fullName) ?? ruleOf(name),
      definition,
      !makesWay && wantsActive(activate, isActive(before)),
    )
    if (before !== null && sameElement(element, before)) return rowOf(workflow, index, 'unchanged')
    if (type === 'validation_rule') rules.validation(name, element)
    else {
      rules.assignment(name, element)
      if (activate === true) rules.activate(name)
    }
    const reason = makesWay && isActive(before) && activate === 'keep' ? OFF(winner) : null
    return rowOf(workflow, index, before === null ? 'created' : 'updated', reason)
  })
  rules.write(transition)
  return { rows: [...rows, ...switchedOff(winners, assigning, state)], transition }
}

/** Rules that were not named but are deactivated for the ones that become active. */
const switchedOff = (
  winners: ReadonlyMap<string, string>,
  assigning: readonly PlannedWorkflow[],
  state: WorkflowState,
): WorkflowRow[] => {
  const named = new Set(assigning.map(({ api_name: name }) => sameName(name)))
  return [...winners.values()].flatMap((winner) => {
    const active = activeRuleOf(state, objectOf(winner))
    const off = `${objectOf(winner)}.${active ?? ''}`
    if (active === null || named.has(sameName(off))) return []
    const row = rowOf({ type: 'assignment_rule', api_name: off }, 0, 'updated', OFF(winner))
    return [{ ...row, path: 'workflows' }]
  })
}

const requireOwn = (flow: FlowState | null, index: number): void => {
  if (flow?.managed !== true) return
  throw refuse({
    path: `workflows.${index}.api_name`,
    code: 'managed',
    message: `${flow.api_name} belongs to an installed package and cannot be changed. Choose a different name.`,
  })
}

export interface Activation extends WorkflowName {
  active: boolean
  /** For a flow; absent: the active version, else the newest. */
  version?: number | undefined
}

/**
 * Activates or deactivates one automation. Throws not_found, and invalid_plan for a version that does
 * not exist.
 */
export const activationTransition = (wanted: Activation, state: WorkflowState): Decided => {
  const transition = nothingToDo()
  if (wanted.version !== undefined && (wanted.type !== 'flow' || !wanted.active)) {
    throw refuse({
      path: 'version',
      code: 'version_without_meaning',
      message:
        wanted.type === 'flow'
          ? 'Deactivating a flow takes no version. Leave version out.'
          : 'Rules have no versions. Leave version out.',
    })
  }
  if (wanted.type === 'flow') {
    const flow = findFlow(state, wanted.api_name)
    if (flow === null) throw notFound('flow')
    const target = wanted.active ? (wanted.version ?? flow.active ?? flow.latest) : null
    if (target !== null && !flow.versions.some(({ number }) => number === target)) {
      throw refuse({
        path: 'version',
        code: 'unknown_version',
        message: `${flow.api_name} has no version ${target}; it has ${flow.versions.map(({ number }) => number).join(', ')}.`,
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
 * Removes automations: flows are deactivated and every version deleted, rules are deleted. Throws
 * not_found if one does not exist and invalid_plan for one of an installed package.
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
        ? { ...row, reason: 'A rollback restores it as a new version.' }
        : {
            ...row,
            reversibility: 'reversible_with_data_loss',
            reason: `A rollback restores version ${kept ?? '?'} as a new version; the other ${flow.versions.length - 1} are lost.`,
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

/**
 * The version that a rollback would need is deleted last: a removal that stops half-way can be rolled
 * back completely.
 */
export const removeFlow = (transition: Transition, flow: FlowState): void => {
  if (flow.active !== null) transition.activate.push({ flow: flow.api_name, version: null })
  const last = flow.active ?? flow.latest
  const inOrder = flow.versions.toSorted(
    (a, b) => Number(a.number === last) - Number(b.number === last),
  )
  for (const { id, number } of inOrder) {
    transition.deleteVersions.push({ flow: flow.api_name, id, number })
  }
}

export const removeRule = (
  transition: Transition,
  type: 'assignment_rule' | 'validation_rule',
  fullName: string,
): void => {
  ;(transition.deleteAfter[METADATA_TYPES[type]] ??= []).push(fullName)
}
