// A version of a record-triggered flow, prepared to run: when it starts, its elements by name, its
// resources. Salesforce: Metadata API guide, "Flow".

import { type FormulaScope } from '../formula/formula.ts'
import { type Flow, type FlowVersion } from '../org/model.ts'
import { child, nodes, text, type MetadataNode } from '../org/metadata-xml.ts'
import {
  combined,
  filtersOf,
  flowFormula,
  mergedText,
  operandOf,
  type Condition,
  type Operand,
} from './expressions.ts'
import { FlowFault } from './faults.ts'

/** Members of a flow that hold elements, and Salesforce's name for one of each. */
const ELEMENT_TYPES: Record<string, string> = {
  actionCalls: 'FlowActionCall',
  apexPluginCalls: 'FlowApexPluginCall',
  assignments: 'FlowAssignment',
  collectionProcessors: 'FlowCollectionProcessor',
  customErrors: 'FlowCustomError',
  decisions: 'FlowDecision',
  experiments: 'FlowExperiment',
  loops: 'FlowLoop',
  orchestratedStages: 'FlowOrchestratedStage',
  recordCreates: 'FlowRecordCreate',
  recordDeletes: 'FlowRecordDelete',
  recordLookups: 'FlowRecordLookup',
  recordRollbacks: 'FlowRecordRollback',
  recordUpdates: 'FlowRecordUpdate',
  screens: 'FlowScreen',
  steps: 'FlowStep',
  subflows: 'FlowSubflow',
  transforms: 'FlowTransform',
  waits: 'FlowWait',
}

export type FlowTiming = 'RecordBeforeSave' | 'RecordAfterSave' | 'RecordBeforeDelete'

export interface FlowElement {
  name: string
  /** As in Salesforce's messages: `FlowRecordUpdate`. */
  type: string
  node: MetadataNode
}

export interface FlowPlan {
  /** API name, with its namespace. */
  name: string
  label: string
  version: number
  versionId: string
  timing: FlowTiming
  onCreate: boolean
  onUpdate: boolean
  /** Whether the record, as `$Record`, meets the conditions of the start. */
  fits(scope: FormulaScope): boolean
  /** An update starts it only if the record did not meet the conditions before. */
  onlyWhenItComesToFit: boolean
  first: string | undefined
  /** By lower-cased name. */
  elements: Map<string, FlowElement>
  /** Formulas, constants and text templates, by lower-cased name. */
  resources: Map<string, Operand>
  /** By lower-cased name; `object` of one that holds a record. */
  variables: Map<string, FlowVariable>
  /**
   * The result of `compile` for this part of the metadata, compiled once. Each part is compiled in only
   * one way.
   */
  compiled(node: MetadataNode, compile: (node: MetadataNode) => Condition): Condition
}

export interface FlowVariable {
  object: string | null
  collection: boolean
  initial: Operand
}

export const START = { name: '$Start', type: 'FlowStart' } as const

/**
 * Salesforce: flows with orders up to 1,000, then those without one by their activation, then the
 * others.
 */
interface Order {
  group: number
  order: number
  activatedAt: number
  name: string
}

export interface StartingFlow {
  object: string
  order: Order
  plan: FlowPlan
}

/** The flow's active version, if it is record-triggered; null for all others. */
export const startingFlow = (flow: Flow, version: FlowVersion): StartingFlow | null => {
  const metadata = version.metadata as MetadataNode
  const start = child(metadata, 'start')
  const process = flow.processType === 'Workflow'
  const timing = process ? 'RecordAfterSave' : (text(start, 'triggerType') ?? flow.triggerType)
  const object = text(start, 'object') ?? flow.triggerObject ?? processObject(metadata)
  if (object === undefined) return null
  if (
    timing !== 'RecordBeforeSave' &&
    timing !== 'RecordAfterSave' &&
    timing !== 'RecordBeforeDelete'
  )
    return null
  const event = text(start, 'recordTriggerType') ?? flow.recordTriggerType ?? 'CreateAndUpdate'
  const name =
    flow.namespace === null ? flow.developerName : `${flow.namespace}__${flow.developerName}`
  const order = Number(text(metadata, 'triggerOrder') ?? flow.triggerOrder ?? NaN)
  const conditions = new WeakMap<MetadataNode, Condition>()
  const plan: FlowPlan = {
    name,
    label: version.label,
    version: version.number,
    versionId: version.id,
    timing,
    onCreate: event === 'Create' || event === 'CreateAndUpdate',
    onUpdate: event === 'Update' || event === 'CreateAndUpdate',
    fits: deferred(() => {
      checkStart(start, process, metadata)
      return entryConditions(start)
    }),
    onlyWhenItComesToFit: text(start, 'doesRequireRecordChangedToMeetCriteria') === 'true',
    first:
      text(child(start, 'connector'), 'targetReference') ?? text(metadata, 'startElementReference'),
    elements: elementsOf(metadata),
    resources: resourcesOf(metadata),
    variables: variablesOf(metadata),
    compiled: (node, compile) => {
      const known = conditions.get(node)
      if (known !== undefined) return known
      const made = compile(node)
      conditions.set(node, made)
      return made
    },
  }
  return {
    object,
    plan,
    order: {
      group: Number.isNaN(order) ? 1 : order <= 1000 ? 0 : 2,
      order: Number.isNaN(order) ? 0 : order,
      activatedAt: version.lastModifiedDate.getTime(),
      name: flow.developerName,
    },
  }
}

/**
 * Salesforce Help, "Define the Run Order of Record-Triggered Flows for an Object". When a version was
 * activated is read from its last change.
 */
export const inTriggerOrder = (
  { order: left }: StartingFlow,
  { order: right }: StartingFlow,
): number =>
  left.group - right.group ||
  left.order - right.order ||
  (left.group === 1 ? left.activatedAt - right.activatedAt : 0) ||
  (left.name < right.name ? -1 : left.name > right.name ? 1 : 0)

/** Process Builder stores the object of a process among these values. */
const processObject = (metadata: MetadataNode): string | undefined => {
  const value = nodes(metadata, 'processMetadataValues').find(
    (each) => text(each, 'name') === 'ObjectType',
  )
  return text(child(value, 'value'), 'stringValue')
}

/** What cannot be read fails when it is first used, as an error of the element that needs it. */
const deferred = <T>(make: () => (scope: FormulaScope) => T): ((scope: FormulaScope) => T) => {
  let made: ((scope: FormulaScope) => T) | undefined
  return (scope) => (made ??= make())(scope)
}

const checkStart = (
  start: MetadataNode | undefined,
  process: boolean,
  metadata: MetadataNode,
): void => {
  if (process && elementsOf(metadata).size > 0) {
    throw new FlowFault('the simulator does not run processes of Process Builder')
  }
  if (nodes(start, 'scheduledPaths').length > 0) {
    throw new FlowFault('the simulator does not run scheduled paths')
  }
}

const entryConditions = (start: MetadataNode | undefined) => {
  const formula = text(start, 'filterFormula')
  if (formula !== undefined && formula !== '') {
    const holds = flowFormula(formula)
    return (scope: FormulaScope) => holds(scope) === true
  }
  return start === undefined ? combined(undefined, []) : filtersOf(start, ['$Record'])
}

const elementsOf = (metadata: MetadataNode): Map<string, FlowElement> =>
  new Map(
    Object.entries(ELEMENT_TYPES).flatMap(([member, type]) =>
      nodes(metadata, member).map((node): [string, FlowElement] => {
        const name = text(node, 'name') ?? ''
        return [name.toLowerCase(), { name, type, node }]
      }),
    ),
  )

const named = <T>(metadata: MetadataNode, member: string, read: (node: MetadataNode) => T) =>
  nodes(metadata, member).map(
    (node) => [(text(node, 'name') ?? '').toLowerCase(), read(node)] as const,
  )

const resourcesOf = (metadata: MetadataNode): Map<string, Operand> =>
  new Map<string, Operand>([
    ...named(metadata, 'formulas', (node) =>
      deferred(() => scaled(flowFormula(text(node, 'expression') ?? ''), node)),
    ),
    ...named(metadata, 'constants', (node) => deferred(() => operandOf(child(node, 'value')))),
    ...named(metadata, 'textTemplates', (node) =>
      deferred(() => mergedText(text(node, 'text') ?? '')),
    ),
  ])

/** Salesforce: a formula of type Number or Currency has its scale, by default 2. */
const scaled = (formula: Operand, node: MetadataNode): Operand => {
  if (!['Number', 'Currency'].includes(text(node, 'dataType') ?? '')) return formula
  const factor = 10 ** Number(text(node, 'scale') ?? 2)
  return (scope) => {
    const value = formula(scope)
    if (typeof value !== 'number') return value
    return (Math.sign(value) * Math.round(Math.abs(value) * factor)) / factor
  }
}

const variablesOf = (metadata: MetadataNode): Map<string, FlowVariable> =>
  new Map(
    named(metadata, 'variables', (node): FlowVariable => ({
      object: text(node, 'dataType') === 'SObject' ? (text(node, 'objectType') ?? '') : null,
      collection: text(node, 'isCollection') === 'true',
      initial: deferred(() => operandOf(child(node, 'value'))),
    })),
  )
