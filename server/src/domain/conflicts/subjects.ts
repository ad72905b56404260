// The plan next to the snapshot: everything that rules look at, one subject per component.

import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { list, listObjects } from '../../salesforce/xml.ts'
import { checkPlan } from '../plan/check.ts'
import { componentsOf } from '../plan/components.ts'
import { fieldEqualsDescribe } from '../metadata/fields/describe-equality.ts'
import { type PlanField, typeOfDescribed } from '../metadata/fields/field-kinds.ts'
import { sameName } from '../metadata/names.ts'
import { touchesObject, type PlanObject } from '../plan/schema.ts'
import { type Automation } from '../topology/automations/automation.ts'
import { type ConflictFacts, type LiveFacts, type PlannedWorkflow } from './facts.ts'
import { type Facts, type Subject, type Subjects, WHOLE_PACKAGE } from './rule.ts'

const byName = <T>(entries: Iterable<readonly [string, T]>): Map<string, T> =>
  new Map([...entries].map(([name, value]) => [sameName(name), value]))

/** The facts as rules read them. `withLive` gives the same ones with other live facts. */
export const readFacts = (given: ConflictFacts): Facts => {
  const names = new Set(
    [
      ...given.snapshot.objectNames,
      ...given.snapshot.unreadable,
      ...given.snapshot.notVisible,
      ...given.snapshot.describes.keys(),
    ].map(sameName),
  )
  const describes = byName(given.snapshot.describes)
  const planned = byName(given.plan.objects.map((object) => [object.api_name, object] as const))
  const plannedObject = (name: string): PlanObject | null => planned.get(sameName(name)) ?? null
  return {
    ...given,
    // A deploy of workflows alone has a plan without components, which is valid in that case.
    planErrors: componentsOf(given.plan).length === 0 ? [] : checkPlan(given.plan),
    objectExists: (name) => names.has(sameName(name)),
    describeOf: (name) => describes.get(sameName(name)) ?? null,
    plannedObject,
    plannedField: (object, field) =>
      plannedObject(object)?.fields.find(
        ({ api_name }) => sameName(api_name) === sameName(field),
      ) ?? null,
    automationsOn: (object) =>
      given.snapshot.automations.filter(
        (automation) => sameName(automation.object ?? '') === sameName(object),
      ),
    mappingsTo: (object) =>
      given.mappings.filter((mapping) => sameName(mapping.sfdc_object) === sameName(object)),
  }
}

export const withLive = (facts: Facts, live: LiveFacts): Facts => ({ ...facts, live })

/** The entry of one field in an object's describe. */
export const fieldIn = (describe: JsonObject | null, name: string): JsonObject | null =>
  listObjects(describe?.fields).find(
    (field) => sameName(asText(field.name) ?? '') === sameName(name),
  ) ?? null

/** The field of an object behind this relationship. */
export const relationIn = (describe: JsonObject | null, relationship: string): JsonObject | null =>
  listObjects(describe?.fields).find(
    (field) => sameName(asText(field.relationshipName) ?? '') === sameName(relationship),
  ) ?? null

/** The masters that a describe shows. Salesforce: only a master-detail has a relationshipOrder. */
export const mastersIn = (
  describe: JsonObject | null,
  counts: (field: string) => boolean = () => true,
): string[] =>
  listObjects(describe?.fields)
    .filter(({ relationshipOrder }) => typeof relationshipOrder === 'number')
    .filter(({ name }) => counts(asText(name) ?? ''))
    .flatMap(({ referenceTo }) => list(referenceTo).flatMap((name) => asText(name) ?? []))

/**
 * Salesforce: describes name a record type by its label and developerName; the master one does not
 * count.
 */
const recordTypeIn = (describe: JsonObject | null, name: string): JsonObject | null =>
  listObjects(describe?.recordTypeInfos).find(
    (info) => info.master !== true && sameName(asText(info.developerName) ?? '') === sameName(name),
  ) ?? null

/** Salesforce: only the parent's describe names the relationship from it, `Jobs__r`. */
const renamedBy = ({ describeOf }: Facts, object: string, field: PlanField): string | null => {
  if (!('relationship_name' in field)) return null
  const own = entriesOf(describeOf(field.reference_to), 'childRelationships').find(
    (child) =>
      sameName(`${asText(child.childSObject)}.${asText(child.field)}`) ===
      sameName(`${object}.${field.api_name}`),
  )
  const found = asText(own?.relationshipName)?.replace(/__r$/i, '') ?? null
  return found === null || sameName(found) === sameName(field.relationship_name) ? null : found
}

const METADATA_TYPE: Readonly<Record<PlannedWorkflow['type'], string>> = {
  flow: 'Flow',
  assignment_rule: 'AssignmentRule',
  validation_rule: 'ValidationRule',
}

const automationNamed = (facts: Facts, type: Automation['type'], name: string): Automation | null =>
  facts.snapshot.automations.find(
    (automation) => automation.type === type && sameName(automation.api_name) === sameName(name),
  ) ?? null

const objectSubjects = (facts: Facts, object: PlanObject, index: number): Subject[] => {
  const path = `objects.${index}`
  const name = object.api_name
  const exists = facts.objectExists(name)
  const describe = facts.describeOf(name)
  return [
    {
      kind: 'object',
      component: { type: 'CustomObject', fullName: name },
      path,
      object,
      exists,
      describe,
      isComponent: touchesObject(object),
    },
    ...object.fields.map((field, at): Subjects['field'] => ({
      kind: 'field',
      component: { type: 'CustomField', fullName: `${name}.${field.api_name}` },
      path: `${path}.fields.${at}`,
      object,
      field,
      full: `${name}.${field.api_name}`,
      objectExists: exists,
      describe,
      existing: fieldIn(describe, field.api_name),
      renames: renamedBy(facts, name, field),
    })),
    ...object.record_types.map((recordType, at): Subjects['record_type'] => ({
      kind: 'record_type',
      component: { type: 'RecordType', fullName: `${name}.${recordType.api_name}` },
      path: `${path}.record_types.${at}`,
      object,
      recordType,
      objectExists: exists,
      existing: recordTypeIn(describe, recordType.api_name),
    })),
    ...object.validation_rules.map((rule, at): Subjects['validation_rule'] => ({
      kind: 'validation_rule',
      component: { type: 'ValidationRule', fullName: `${name}.${rule.api_name}` },
      path: `${path}.validation_rules.${at}`,
      object,
      rule,
      existing: automationNamed(facts, 'validation_rule', `${name}.${rule.api_name}`),
    })),
  ]
}

/** Kinds whose subjects hold more than a name; `objectSubjects` makes these. */
const ON_OBJECTS: ReadonlySet<string> = new Set([
  'CustomObject',
  'CustomField',
  'RecordType',
  'ValidationRule',
])

const otherSubjects = ({ plan }: Facts): Subject[] =>
  componentsOf(plan)
    .filter(({ type }) => !ON_OBJECTS.has(type))
    .map(({ type, fullName, path }) => ({ kind: 'component', component: { type, fullName }, path }))

/** Every subject, in the order of the plan; the deploy as a whole comes first. */
export const subjectsOf = (facts: Facts): Subject[] => [
  { kind: 'package', component: WHOLE_PACKAGE, path: '' },
  ...facts.plan.objects.flatMap((object, index) => objectSubjects(facts, object, index)),
  ...otherSubjects(facts),
  ...facts.workflows.map((workflow, index): Subjects['workflow'] => ({
    kind: 'workflow',
    component: { type: METADATA_TYPE[workflow.type], fullName: workflow.api_name },
    path: `workflows.${index}`,
    workflow,
    existing: automationNamed(facts, workflow.type, workflow.api_name),
  })),
]

/** A member of a describe that should be a number. */
export const numberIn = (describe: JsonObject | null, member: string): number | null => {
  const value = describe?.[member]
  return typeof value === 'number' ? value : null
}

/** The active values of a picklist in its describe. */
export const activeValues = (field: JsonObject | null): string[] =>
  listObjects(field?.picklistValues)
    .filter(({ active }) => active !== false)
    .flatMap(({ value }) => (typeof value === 'string' ? [value] : []))

/** Members of a list in a describe, such as `childRelationships`. */
export const entriesOf = (describe: JsonObject | null, member: string): JsonObject[] => {
  const value = describe?.[member]
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Whether the field is there with the planned type, so that its attributes can be compared. */
export const keepsType = ({
  field,
  existing,
}: Pick<Subjects['field'], 'field' | 'existing'>): boolean =>
  existing !== null && typeOfDescribed(existing) === field.type

/** What only users read; changing it changes no behaviour. */
const COSMETIC: ReadonlySet<string> = new Set(['label', 'help_text'])

/** Of other results, it is not documented what a describe says about empty fields. */
const NUMBERS: ReadonlySet<string> = new Set(['Currency', 'Number', 'Percent'])

/** How a formula treats empty numbers now, if the plan changes it; else null. */
export const blanksNow = ({ field, existing }: Subjects['field']): string | null => {
  const asZero = existing?.formulaTreatNullNumberAsZero
  if (field.type !== 'Formula' || !NUMBERS.has(field.result_type)) return null
  if (typeof asZero !== 'boolean') return null
  const now = asZero ? 'BlankAsZero' : 'BlankAsBlank'
  return now === field.treat_blanks_as ? null : now
}

/** Attributes in which the plan's field differs from the existing one; empty for a new field. */
export const changesOf = (subject: Subjects['field']): string[] => {
  const { field, existing, describe, renames } = subject
  if (existing === null) return []
  const differing = fieldEqualsDescribe(field, existing, (name) => fieldIn(describe, name))
    .map(({ attribute }) => attribute)
    .filter((attribute) => attribute !== 'api_name')
  return [
    ...differing,
    ...(blanksNow(subject) === null ? [] : ['treat_blanks_as']),
    ...(renames === null ? [] : ['relationship_name']),
  ]
}

/** As `changesOf`, without those that only users read. */
export const changesInMeaning = (subject: Subjects['field']): string[] =>
  changesOf(subject).filter((attribute) => !COSMETIC.has(attribute))
