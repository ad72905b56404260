// Flow, FlowDefinition and AssignmentRules. Salesforce: Metadata API guide, types of these names;
// Salesforce Help, "Deploy Processes and Flows as Active".

import type { AssignmentRule, AssignmentRuleEntry, Flow, FlowVersion } from '../../../org/model.ts'
import { relatedObject } from '../../../records/assignment.ts'
import { latestVersion } from '../catalogue.ts'
import { child, nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkFlowSchema } from '../flow-schema.ts'
import { typedFlow } from '../flow-types.ts'
import { checkFilterLogic, operationOf } from './filters.ts'
import { checkFlowFormulas } from './flow-formulas.ts'
import { checkFlowReferences } from './flow-references.ts'
import { checkFlowStructure } from './flow-structure.ts'
import { checkFormula } from './formula.ts'
import {
  checkDeveloperName,
  checkLength,
  checkUnmanaged,
  flag,
  noObject,
  noSuch,
  oneOf,
  required,
  whole,
} from './names.ts'
import { same } from './typed.ts'

const MAX_VERSIONS = 50
/** Salesforce: Tooling API, FlowDefinition, DeveloperName. */
const MAX_FLOW_NAME = 80
const STATUSES = ['Active', 'Draft', 'Obsolete', 'InvalidDraft', 'UnderReview'] as const

/**
 * Creates a new version if the content differs from the newest. It becomes the active one if its status
 * says so and the org allows it: production only with "Deploy processes and flows as active".
 */
export function deployFlow(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  // Salesforce: since v44 the version is not part of the name; files from older tools still have it.
  const name = fullName.replace(/-\d+$/, '')
  checkUnmanaged(org, 'Flow', name)
  checkDeveloperName('Flow', name, MAX_FLOW_NAME)
  checkFlowSchema(node)
  const label = required(node, 'label')
  checkLength('MasterLabel', label, 255)
  const status = oneOf('FlowVersionStatus', STATUSES, required(node, 'status'))
  const processType = required(node, 'processType')
  // A draft with errors can be saved; the sender says so.
  if (status !== 'InvalidDraft') {
    checkFlowStructure(node)
    checkFlowReferences(draft, node)
    checkFlowFormulas(node)
  }

  const before = org.flows.get(name.toLowerCase())
  const { fullName: _, ...content } = typedFlow(node)
  const newest = before && latestVersion(before)
  const unchanged =
    newest !== undefined && same({ ...newest.metadata, status: '' }, { ...content, status: '' })
  const activates = status === 'Active' && mayActivate(draft)
  if (before !== undefined && unchanged && (!activates || before.activeVersion === newest.number)) {
    return { id: newest.id, created: false, changed: false }
  }
  if (!unchanged && before !== undefined && before.versions.length >= MAX_VERSIONS) {
    throw new Problem(`A flow can have ${MAX_VERSIONS} versions. Delete one that is not needed.`)
  }
  const version: FlowVersion = unchanged
    ? newest
    : {
        id: org.ids.make('301'),
        number: (newest?.number ?? 0) + 1,
        status: status === 'Obsolete' || status === 'InvalidDraft' ? status : 'Draft',
        label,
        metadata: content,
        ...draft.stamps(),
      }
  const start = child(node, 'start')
  const made: Flow = {
    id: before?.id ?? org.ids.make('300'),
    developerName: before?.developerName ?? name,
    namespace: null,
    label,
    description: text(node, 'description') ?? null,
    processType,
    triggerType: text(start, 'triggerType') ?? null,
    triggerObject: text(start, 'object') ?? null,
    recordTriggerType: text(start, 'recordTriggerType') ?? null,
    triggerOrder: whole(node, 'triggerOrder') ?? null,
    activeVersion: before?.activeVersion ?? null,
    versions: unchanged ? (before?.versions ?? []) : [...(before?.versions ?? []), version],
    ...draft.stamps(before),
  }
  draft.put(
    org.flows,
    name.toLowerCase(),
    activates ? withActive(draft, made, version.number) : made,
  )
  return { id: version.id, created: before === undefined, changed: true }
}

const mayActivate = (draft: Draft): boolean =>
  !draft.isProduction || draft.org.settings.deployFlowsAsActive === true

/** The flow with this version active, or none of them. The one that was active becomes obsolete. */
export function withActive(draft: Draft, flow: Flow, number: number | null): Flow {
  return {
    ...flow,
    activeVersion: number,
    versions: flow.versions.map((version) => {
      const status: FlowVersion['status'] =
        version.number === number
          ? 'Active'
          : version.status === 'Active'
            ? 'Obsolete'
            : version.status
      return status === version.status ? version : { ...version, ...draft.stamps(version), status }
    }),
  }
}

/** Activates a version, or none: 0. Salesforce: the only way to deactivate a flow by deployment. */
export function deployFlowDefinition(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  checkUnmanaged(org, 'FlowDefinition', fullName)
  const flow = org.flows.get(fullName.toLowerCase())
  if (flow === undefined) throw noSuch('fullName', 'Flow', fullName)
  const number = whole(node, 'activeVersionNumber') ?? 0
  const version = flow.versions.find((each) => each.number === number)
  if (number !== 0 && version === undefined) throw new Problem(`Invalid version number: ${number}`)
  if (version?.status === 'InvalidDraft') {
    throw new Problem(
      `Version ${number} of the flow ${fullName} has errors and cannot be activated`,
    )
  }
  const wanted = number === 0 ? null : number
  const label = text(node, 'masterLabel') ?? flow.label
  checkLength('MasterLabel', label, 255)
  const given = text(node, 'description') ?? flow.description
  const description = given === '' ? null : given
  if (wanted === flow.activeVersion && label === flow.label && description === flow.description) {
    return { id: flow.id, created: false, changed: false }
  }
  const made = { ...flow, ...draft.stamps(flow), label, description }
  draft.put(org.flows, fullName.toLowerCase(), withActive(draft, made, wanted))
  return { id: flow.id, created: false, changed: true }
}

/** All rules of an object's file. Rules that the file does not name are kept. */
export function deployAssignmentRules(draft: Draft, { fullName, node }: Item): Outcome {
  const rules = nodes(node, 'assignmentRule')
  if (rules.filter((rule) => flag(rule, 'active') === true).length > 1) {
    throw new Problem(`Only one assignment rule of ${fullName} can be active`)
  }
  const read = rules.map((rule) => readRule(draft, fullName, required(rule, 'fullName'), rule))
  let changed = false
  let created = false
  let id = ''
  for (const rule of read) {
    const outcome = putRule(draft, rule)
    id = outcome.id
    changed ||= outcome.changed
    created ||= outcome.created
  }
  return { id: read.length === 1 ? id : '', created, changed }
}

export function deployAssignmentRule(draft: Draft, { fullName, node }: Item): Outcome {
  const dot = fullName.indexOf('.')
  return putRule(draft, readRule(draft, fullName.slice(0, dot), fullName.slice(dot + 1), node))
}

type Rule = Pick<AssignmentRule, 'object' | 'name' | 'active' | 'entries'>

function readRule(draft: Draft, objectName: string, name: string, node: MetadataNode): Rule {
  const object = draft.object(objectName)
  if (object === undefined) throw noObject('fullName', objectName)
  if (!['Account', 'Case', 'Lead'].includes(object.name)) {
    throw new Problem(`${object.name} has no assignment rules`)
  }
  checkLength('Name', name, 80)
  const entries = nodes(node, 'ruleEntry').map((entry): AssignmentRuleEntry => {
    for (const part of ['overrideExistingTeams', 'team']) {
      if (entry[part] !== undefined) throw new NotDone(`does not deploy ${part}`)
    }
    const template = text(entry, 'template')
    if (template !== undefined) throw noSuch('template', 'EmailTemplate', template)
    const assignedTo = text(entry, 'assignedTo')
    const assignee =
      assignedTo === undefined || assignedTo === ''
        ? {}
        : readAssignee(draft, entry, assignedTo, object.name)
    const formula = text(entry, 'formula')
    const items = nodes(entry, 'criteriaItems')
    if (formula !== undefined && items.length > 0) {
      throw new Problem('A rule entry has criteria items or a formula, not both')
    }
    if (formula !== undefined)
      checkFormula(draft, object, formula, { expected: 'Boolean', use: 'rule' })
    const booleanFilter = text(entry, 'booleanFilter')
    checkFilterLogic(booleanFilter, items.length)
    return {
      ...assignee,
      criteriaItems: items.map((item) => {
        const field = required(item, 'field')
        const [on = '', own = ''] = field.split('.')
        // Salesforce: criteria of a case may use its account, `Account.Type`.
        const of = on === object.name ? object : relatedObject(draft.org, object, on)
        const found = of?.fields.get(own.toLowerCase())
        if (found === undefined || found.deletedAt) {
          throw noSuch('field', 'CustomField', field)
        }
        return { field, operation: operationOf(item), value: text(item, 'value') ?? '' }
      }),
      ...(formula === undefined ? {} : { formula }),
      ...(booleanFilter === undefined ? {} : { booleanFilter }),
    }
  })
  return { object: object.name, name, active: flag(node, 'active') === true, entries }
}

function readAssignee(draft: Draft, entry: MetadataNode, assignedTo: string, object: string) {
  const assignedToType = oneOf(
    'AssignToLookupValueType',
    ['User', 'Queue'],
    required(entry, 'assignedToType'),
  )
  if (!isThere(draft, assignedToType, assignedTo, object)) {
    throw noSuch('assignedTo', assignedToType, assignedTo)
  }
  return { assignedTo, assignedToType }
}

function isThere({ org }: Draft, type: 'User' | 'Queue', name: string, object: string): boolean {
  const lower = name.toLowerCase()
  return type === 'User'
    ? [...org.users.values()].some((user) => user.username.toLowerCase() === lower && user.active)
    : org.groups.some(
        (group) =>
          group.type === 'Queue' &&
          group.developerName.toLowerCase() === lower &&
          group.queueObjects.includes(object),
      )
}

/** Salesforce: one rule per object is active; activating one deactivates the others. */
function putRule(draft: Draft, rule: Rule): Outcome {
  const { org } = draft
  const before = org.assignmentRules.find(
    (each) => each.object === rule.object && each.name.toLowerCase() === rule.name.toLowerCase(),
  )
  if (before !== undefined && same({ ...before, ...rule }, before)) {
    return { id: before.id, created: false, changed: false }
  }
  const made: AssignmentRule = {
    ...rule,
    id: before?.id ?? org.ids.make('01Q'),
    name: before?.name ?? rule.name,
    ...draft.stamps(before),
  }
  draft.keep('assignmentRules')
  const others = org.assignmentRules.map((each) =>
    each !== before && rule.active && each.object === rule.object && each.active
      ? { ...each, ...draft.stamps(each), active: false }
      : each,
  )
  org.assignmentRules =
    before === undefined
      ? [...others, made]
      : others.map((each) => (each.id === before.id ? made : each))
  return { id: made.id, created: before === undefined, changed: true }
}
