// Objects of a plan and their fields together: what must be unique, and what only one of them may have.

import { type Findings, reportDuplicates } from './findings.ts'
import { displayFormatFault } from '../metadata/fields/auto-number.ts'
import { isRelationship } from '../metadata/fields/field-kinds.ts'
import { customNameFault, nameFault, objectKind, sameName } from '../metadata/names.ts'
import { definesObject, type Plan, type PlanObject } from './schema.ts'

/** Salesforce: two master-details per object. */
const MASTER_DETAILS_MAX = 2
/** Salesforce: relationship fields per object. */
const RELATIONSHIPS_MAX = 40

type Path = readonly (string | number)[]

/** What is wrong with objects, apart from each field by itself. */
export const checkObjects = (plan: Plan, findings: Findings): void => {
  reportDuplicates(
    plan.objects.map(({ api_name }) => api_name),
    (name) => `Object ${name}`,
    (index) => ['objects', index, 'api_name'],
    findings,
  )
  for (const [index, object] of plan.objects.entries()) {
    const path: Path = ['objects', index]
    checkObjectName(object, path, findings)
    checkDefinition(object, path, findings)
    checkFieldNames(object, path, findings)
    checkMasters(object, path, findings)
  }
  checkRelationshipNames(plan, findings)
}

/** What the suffix of a name that is not `__c` says. */
const KINDS: Record<string, string> = {
  b: 'a big object',
  e: 'a platform event',
  mdt: 'a custom metadata type',
  x: 'an external object',
}
const kindShown = (name: string): string =>
  KINDS[name.slice(name.lastIndexOf('__') + 2).toLowerCase()] ?? 'not an ordinary object'

const checkObjectName = (object: PlanObject, path: Path, findings: Findings): void => {
  const name = object.api_name
  const kind = objectKind(name)
  const here = [...path, 'api_name']
  if (kind === 'unsupported') {
    findings.add(
      here,
      'not_supported_yet',
      `${name} is ${kindShown(name)}, as its suffix shows. Plans define ordinary custom objects (__c) only; deploy it by other means.`,
    )
    return
  }
  // Only packages have names with a namespace: an object that the plan itself creates has none.
  if (kind === 'managed' && !definesObject(object)) return
  const fault =
    kind !== 'standard'
      ? customNameFault(name, `Object name ${name}`)
      : nameFault(name, `Object name ${name}`, 80)
  if (fault !== null) {
    findings.add(here, fault.code, fault.message)
  } else if (/^(task|event)$/i.test(name) && object.fields.length > 0) {
    findings.add(
      here,
      'wrong_object',
      `Custom fields of ${name} belong to the object Activity. Use Activity.`,
    )
  } else if (sameName(name) === 'activity' && hasMoreThanFields(object)) {
    findings.add(
      here,
      'wrong_object',
      'Activity has only custom fields. Give record types, rules and views to Task or Event.',
    )
  }
}

const hasMoreThanFields = ({ fields: _, ...more }: PlanObject): boolean =>
  Object.values(more).some((member) => Array.isArray(member) && member.length > 0)

const checkDefinition = (object: PlanObject, path: Path, findings: Findings): void => {
  const name = object.api_name
  if (!definesObject(object)) {
    if (Object.values(object).every((member) => !Array.isArray(member) || member.length === 0)) {
      findings.add(
        path,
        'nothing_to_do',
        `The plan adds nothing to ${name}. Give it fields, or for a custom object a label, plural_label and name_field.`,
      )
    }
    return
  }
  if (objectKind(name) === 'standard') {
    for (const key of [
      'label',
      'plural_label',
      'name_field',
      'sharing_model',
      'description',
    ] as const) {
      if (object[key] !== undefined) {
        findings.add(
          [...path, key],
          'attribute_not_allowed',
          `${name} is a standard object; a plan can only add fields, rules, views and other parts to it. Leave ${key} out.`,
        )
      }
    }
    return
  }
  for (const key of ['label', 'plural_label', 'name_field'] as const) {
    if (object[key] === undefined) {
      findings.add(
        [...path, key],
        'missing',
        `Custom object ${name} needs its label, plural_label and name_field together. Add ${key}.`,
      )
    }
  }
  const fault =
    object.name_field?.type === 'AutoNumber'
      ? displayFormatFault(object.name_field.display_format, name)
      : null
  if (fault !== null) {
    findings.add([...path, 'name_field', 'display_format'], 'bad_display_format', fault)
  }
}

const checkFieldNames = ({ api_name: name, fields }: PlanObject, path: Path, findings: Findings) =>
  reportDuplicates(
    fields.map((field) => field.api_name),
    (field) => `Field ${name}.${field}`,
    (index) => [...path, 'fields', index, 'api_name'],
    findings,
  )

const checkMasters = (object: PlanObject, path: Path, findings: Findings): void => {
  const { api_name: name, fields, sharing_model: sharing } = object
  const masters = [...fields.entries()].filter(([, field]) => field.type === 'MasterDetail')
  const relationships = fields.filter(isRelationship)
  for (const [index, field] of masters.slice(MASTER_DETAILS_MAX)) {
    findings.add(
      [...path, 'fields', index, 'type'],
      'too_many_master_details',
      `${field.api_name} would be the third master-detail of ${name}; Salesforce allows 2. Use a Lookup.`,
    )
  }
  if (relationships.length > RELATIONSHIPS_MAX) {
    findings.add(
      [...path, 'fields'],
      'too_many_relationships',
      `${name} would have ${relationships.length} relationships; Salesforce allows ${RELATIONSHIPS_MAX}. Remove some.`,
    )
  }
  const orders = masters.flatMap(([, field]) =>
    field.type === 'MasterDetail' && field.relationship_order !== undefined
      ? [field.relationship_order]
      : [],
  )
  const [, second] = masters
  if (second !== undefined && orders.length > 0 && new Set(orders).size < masters.length) {
    findings.add(
      [...path, 'fields', second[0], 'relationship_order'],
      'duplicate',
      `The two master-details of ${name} need the orders 0 and 1. Give both, or neither.`,
    )
  }
  if (masters.length > 0 && objectKind(name) === 'standard') {
    for (const [index, field] of masters) {
      findings.add(
        [...path, 'fields', index, 'type'],
        'attribute_not_allowed',
        `${name} is a standard object and cannot be the detail of ${'reference_to' in field ? field.reference_to : 'another'}. Make ${field.api_name} a Lookup.`,
      )
    }
  } else if (masters.length > 0 && sharing !== undefined && sharing !== 'ControlledByParent') {
    findings.add(
      [...path, 'sharing_model'],
      'sharing_model_conflict',
      `${name} has a master-detail, so its sharing_model cannot be ${sharing}. Use ControlledByParent or leave it out.`,
    )
  } else if (
    masters.length === 0 &&
    sharing === 'ControlledByParent' &&
    object.name_field !== undefined
  ) {
    findings.add(
      [...path, 'sharing_model'],
      'sharing_model_conflict',
      `${name} has no master-detail in the plan, so no parent controls its sharing. Use a different sharing_model.`,
    )
  }
}

/** Two child relationships of one parent cannot have the same name. */
const checkRelationshipNames = (plan: Plan, findings: Findings): void => {
  const taken = new Map<string, string>()
  for (const [index, object] of plan.objects.entries()) {
    for (const [position, field] of object.fields.entries()) {
      if (!isRelationship(field)) continue
      const key = sameName(`${field.reference_to}.${field.relationship_name}`)
      const other = taken.get(key)
      if (other !== undefined) {
        findings.add(
          ['objects', index, 'fields', position, 'relationship_name'],
          'duplicate',
          `${field.reference_to} would have two relationships ${field.relationship_name}, from ${other} and ${object.api_name}.${field.api_name}. Rename one.`,
        )
      }
      taken.set(key, `${object.api_name}.${field.api_name}`)
    }
  }
}
