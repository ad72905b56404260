// How one component of a blueprint stands in a snapshot: the same, different, or absent. What a describe
// shows of a field is compared as the proof after a deploy compares it, and an automation as a deploy does
// that leaves it unchanged. What is in files is compared in files.ts.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { canonicalJson } from '../../canonical.ts'
import { type Mapping, type MappingDraft } from '../../mappings/mapping.ts'
import { sameElement } from '../../metadata/equality.ts'
import { fieldEqualsDescribe } from '../../metadata/fields/describe-equality.ts'
import { type FieldDifference } from '../../metadata/fields/kind.ts'
import { plannedPart, type PlanComponent } from '../../metadata/kinds/kind.ts'
import { validationRule } from '../../metadata/kinds/validation-rule.ts'
import { memberOf, ownerOf, sameName } from '../../metadata/names.ts'
import { componentsOf } from '../../plan/components.ts'
import { type Plan } from '../../plan/schema.ts'
import { type Automation, keyOfAutomation } from '../../topology/automations/automation.ts'
import { componentOf, sameFlow } from '../../workflows/transition.ts'
import { type PlannedWorkflow } from '../../workflows/workflow.ts'
import { type FileFacts, type FileStanding, memberDifferences } from './files.ts'

/** What a client should have, with its own values in place. */
export interface Wanted {
  plan: Plan | null
  workflows: readonly PlannedWorkflow[]
  mappings: readonly MappingDraft[]
}

/** What is compared of a describe; the fields of the blueprint are found by name. */
export interface DescribedObject {
  describe: JsonObject
  fieldNamed: (name: string) => JsonObject | null
}

/**
 * Keeps of a describe what a blueprint that names these fields is compared with: describes are large, and a run
 * sees thousands of them.
 */
export const describedObject = (
  describe: JsonObject,
  fieldNames: readonly string[],
): DescribedObject => {
  const fields = listObjects(describe.fields)
  const all = new Map(fields.map((field) => [sameName(leaf(field.name) ?? ''), field]))
  const kept = new Map<string, JsonObject>()
  for (const name of fieldNames) {
    const field = all.get(sameName(name))
    if (field === undefined) continue
    kept.set(sameName(name), field)
    // What controls a picklist is a part of what it is.
    const controllerName = sameName(leaf(field.controllerName) ?? '')
    const controller = all.get(controllerName)
    if (controller !== undefined) kept.set(controllerName, controller)
  }
  const { label, labelPlural, recordTypeInfos } = describe
  return {
    describe: {
      ...{ label, labelPlural, recordTypeInfos },
      fields: fields.flatMap(({ name, custom, nameField, label: ofField }) =>
        custom === true || nameField === true ? [{ name, custom, nameField, label: ofField }] : [],
      ),
    },
    fieldNamed: (name) => kept.get(sameName(name)) ?? null,
  }
}

/** What a snapshot and our own rows show of a client. Names are in lower case. */
export interface Facts {
  describes: ReadonlyMap<string, DescribedObject>
  automations: ReadonlyMap<string, Automation>
  mappings: ReadonlyMap<string, Mapping>
  /** Objects that could not be described, and what the connected user no longer sees. */
  hidden: ReadonlySet<string>
  /** What no describe shows. */
  files: FileFacts
}

export type Standing = FileStanding | { is: 'unreadable' }

/** A component of a blueprint: of its plan, a workflow, or a mapping. */
export interface WantedComponent extends PlanComponent {
  standing: (facts: Facts) => Standing
}

const SAME: Standing = { is: 'same' }
const ABSENT: Standing = { is: 'absent' }
const UNREADABLE: Standing = { is: 'unreadable' }

const differing = (differences: FieldDifference[]): Standing =>
  differences.length === 0 ? SAME : { is: 'different', differences }

/** Every component, once each, in the order of the plan, and how it stands. */
export const wantedComponents = ({ plan, workflows, mappings }: Wanted): WantedComponent[] => [
  ...(plan === null
    ? []
    : componentsOf(plan).map((component) => ({
        ...component,
        path: `plan.${component.path}`,
        standing: (facts: Facts) => planStanding(plan, component, facts),
      }))),
  ...workflows.map((workflow, index) => ({
    ...componentOf(workflow),
    path: `workflows.${index}`,
    standing: (facts: Facts) => workflowStanding(workflow, facts),
  })),
  ...mappings.map((mapping, index) => ({
    type: 'Mapping',
    fullName: mapping.canonical_object,
    path: `mappings.${index}`,
    standing: ({ mappings: found }: Facts) =>
      mappingStanding(mapping, found.get(mapping.canonical_object)),
  })),
]

const planStanding = (plan: Plan, component: PlanComponent, facts: Facts): Standing => {
  const { fullName } = component
  switch (component.type) {
    case 'CustomObject':
      return objectStanding(plan, fullName, facts)
    case 'CustomField':
      return fieldStanding(plan, fullName, facts)
    case 'RecordType':
      return recordTypeStanding(plan, fullName, facts)
    case 'ValidationRule':
      return ruleStanding(plan, fullName, facts)
    default:
      return facts.files.standingOf(plan, component)
  }
}

/** Only members that the plan gives, and that a describe shows. */
const compared = (
  members: readonly [attribute: string, planned: unknown, found: unknown][],
): Standing =>
  differing(
    members
      .filter(
        ([, planned, found]) => planned !== undefined && found !== undefined && planned !== found,
      )
      .map(([attribute, planned, found]) => ({ attribute, planned, found })),
  )

const absentOr = (name: string, { hidden }: Facts): Standing =>
  hidden.has(sameName(name)) || hidden.has(sameName(ownerOf(name))) ? UNREADABLE : ABSENT

const objectStanding = ({ objects }: Plan, name: string, facts: Facts): Standing => {
  const planned = objects.find(({ api_name }) => sameName(api_name) === sameName(name))
  const { describe } = facts.describes.get(sameName(name)) ?? {}
  if (describe === undefined || planned === undefined) return absentOr(name, facts)
  const nameField = listObjects(describe.fields).find(({ nameField: is }) => is === true)
  return compared([
    ['label', planned.label, describe.label],
    ['plural_label', planned.plural_label, describe.labelPlural],
    ['name_field.label', planned.name_field?.label, nameField?.label],
  ])
}

const fieldStanding = (plan: Plan, fullName: string, facts: Facts): Standing => {
  const planned = plannedPart(plan, 'fields', fullName)?.part
  const { fieldNamed } = facts.describes.get(sameName(ownerOf(fullName))) ?? {}
  if (fieldNamed === undefined || planned === undefined) return absentOr(fullName, facts)
  const found = fieldNamed(memberOf(fullName))
  if (found === null) return absentOr(fullName, facts)
  return differing(fieldEqualsDescribe(planned, found, fieldNamed))
}

const recordTypeStanding = (plan: Plan, fullName: string, facts: Facts): Standing => {
  const planned = plannedPart(plan, 'record_types', fullName)?.part
  const { describe } = facts.describes.get(sameName(ownerOf(fullName))) ?? {}
  if (describe === undefined || planned === undefined) return absentOr(fullName, facts)
  const found = listObjects(describe.recordTypeInfos).find(
    ({ developerName }) => sameName(leaf(developerName) ?? '') === sameName(planned.api_name),
  )
  if (found === undefined) return ABSENT
  return compared([
    ['label', planned.label, found.name],
    ['active', planned.active, found.active],
  ])
}

/** Name and state of an automation are compared by themselves. */
const contentOf = ({
  fullName: _name,
  active: _active,
  status: _status,
  ...content
}: JsonObject): JsonObject => content

const activity = (wanted: boolean | 'keep', found: boolean | null): FieldDifference[] =>
  wanted === 'keep' || found === null || wanted === found
    ? []
    : [{ attribute: 'active', planned: wanted, found }]

const ruleStanding = (plan: Plan, fullName: string, { automations }: Facts): Standing => {
  const object = plannedPart(plan, 'validation_rules', fullName)
  const found = automations.get(
    sameName(keyOfAutomation({ type: 'validation_rule', api_name: fullName })),
  )
  if (found === undefined || object === null) return ABSENT
  if (found.definition === null) return UNREADABLE
  const image = {
    settings: {},
    nameField: null,
    parts: {
      validationRules: [
        {
          apiName: object.part.api_name,
          element: { ...found.definition, fullName: object.part.api_name },
        },
      ],
    },
  }
  // Over what exists, as a deploy compiles it: what the plan does not mention is as planned.
  const planned = validationRule
    .elements({ ...object.object, validation_rules: [object.part] }, image)
    .at(0)
  const element = contentOf(planned?.element ?? {})
  const content = contentOf(found.definition)
  return differing([
    ...(sameElement(element, content) ? [] : memberDifferences(element, content)),
    ...activity(object.part.active, found.active),
  ])
}

const workflowStanding = (
  { type, api_name: name, definition, activate }: PlannedWorkflow,
  { automations }: Facts,
): Standing => {
  const found = automations.get(sameName(keyOfAutomation({ type, api_name: name })))
  if (found === undefined) return ABSENT
  if (found.definition === null) return UNREADABLE
  const content = contentOf(found.definition)
  const isSame = type === 'flow' ? sameFlow(definition, content) : sameElement(definition, content)
  return differing([
    ...(isSame
      ? []
      : type === 'flow'
        ? [{ attribute: 'definition', planned: null, found: null }]
        : memberDifferences(definition, content)),
    ...activity(activate, found.active),
  ])
}

const mappingStanding = (wanted: MappingDraft, found: Mapping | undefined): Standing => {
  if (found === undefined) return ABSENT
  const members = ['sfdc_object', 'external_id_field', 'fields'] as const
  return differing(
    members
      .filter((name) => canonicalJson(wanted[name]) !== canonicalJson(found[name]))
      .map((name) => ({ attribute: name, planned: wanted[name], found: found[name] })),
  )
}

/** Values of a picklist that the client added: those of the blueprint are all there, in their order. */
export const isOnlyAddedTo = (differences: readonly FieldDifference[]): boolean => {
  const [only, ...others] = differences
  if (only?.attribute !== 'values' || others.length > 0) return false
  const [planned, found] = [only.planned, only.found].map((list) =>
    (Array.isArray(list) ? (list as unknown[]) : []).map((one) => canonicalJson(one)),
  )
  const wanted = new Set(planned)
  return (found ?? []).filter((one) => wanted.has(one)).join() === (planned ?? []).join()
}

/** What a client added to custom objects that the blueprint defines: fields and validation rules. */
export const additionsOf = (wanted: Wanted, facts: Facts): { type: string; fullName: string }[] => {
  const known = new Set(
    wantedComponents(wanted).map(({ type, fullName }) => sameName(`${type}:${fullName}`)),
  )
  const owned = (wanted.plan?.objects ?? []).filter(
    ({ api_name, label }) => label !== undefined && /__c$/i.test(api_name),
  )
  return owned
    .flatMap(({ api_name: object }) => [
      ...listObjects(facts.describes.get(sameName(object))?.describe.fields)
        .filter((field) => isObject(field) && field.custom === true)
        .map((field) => leaf(field.name) ?? '')
        // A package's own.
        .filter((name) => /^[A-Za-z](?:[A-Za-z0-9]|_(?!_))*__c$/.test(name))
        .map((name) => ({ type: 'CustomField', fullName: `${object}.${name}` })),
      ...[...facts.automations.values()]
        .filter(
          ({ type, api_name, managed }) =>
            type === 'validation_rule' &&
            !managed &&
            sameName(ownerOf(api_name)) === sameName(object),
        )
        .map(({ api_name }) => ({ type: 'ValidationRule', fullName: api_name })),
    ])
    .filter(({ type, fullName }) => !known.has(sameName(`${type}:${fullName}`)))
}
