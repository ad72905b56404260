// One field of a plan by itself and against the rest of it: what Salesforce would refuse about the
// combination of its attributes. Sources: Metadata API guide, CustomField.

import { type Findings } from './findings.ts'
import { hasCounter } from './check-objects.ts'
import { type FieldOf, picklistValues, type PicklistField, type PlanField } from './field-schema.ts'
import { customNameFault, nameFault, objectKind, sameName } from '../metadata/names.ts'
import { type Plan, type PlanObject } from './schema.ts'

type Path = readonly (string | number)[]

/** Salesforce: the details of a multi-select come in one text of at most 4,099 characters; a value has no semicolon. */
const SEPARATOR = ';'

/** Reports what is wrong with one field. */
export const checkField = (
  plan: Plan,
  object: PlanObject,
  field: PlanField,
  path: Path,
  findings: Findings,
): void => {
  const full = `${object.api_name}.${field.api_name}`
  const add = (key: string, code: string, message: string): void =>
    findings.add([...path, key], code, message)

  const fault = customNameFault(field.api_name, `Field name ${full}`)
  if (fault !== null) add('api_name', fault.code, fault.message)

  switch (field.type) {
    case 'Text':
      if (field.case_sensitive && !field.unique) {
        add(
          'case_sensitive',
          'attribute_not_allowed',
          `${full} is not unique, so case_sensitive means nothing. Leave it out or add unique.`,
        )
      }
      break
    case 'Number':
    case 'Currency':
    case 'Percent':
      if (field.scale > field.precision) {
        add(
          'scale',
          'scale_over_precision',
          `${full} has ${field.scale} digits behind the point but ${field.precision} in all. Raise precision or lower scale.`,
        )
      }
      break
    case 'Picklist':
    case 'MultiselectPicklist':
      checkPicklist(field, full, path, findings)
      break
    case 'AutoNumber':
      if (!hasCounter(field.display_format)) {
        add(
          'display_format',
          'bad_display_format',
          `The display format of ${full} has no place for the number. Add one, for example {0000}.`,
        )
      }
      break
    case 'Lookup':
      checkRelationship(plan, field, full, add)
      if (field.required && field.delete_constraint === 'SetNull') {
        add(
          'delete_constraint',
          'attributes_conflict',
          `${full} is required, so it cannot be cleared when its record is deleted. Use Restrict or Cascade.`,
        )
      }
      break
    case 'MasterDetail':
      checkRelationship(plan, field, full, add)
      break
    case 'Formula':
      if (
        field.scale !== undefined &&
        !['Number', 'Currency', 'Percent'].includes(field.result_type)
      ) {
        add(
          'scale',
          'attribute_not_allowed',
          `${full} results in ${field.result_type}, which has no scale. Leave it out.`,
        )
      }
      break
    case 'Summary':
      checkSummary(plan, object, field, full, path, findings)
      break
    default:
      break
  }
}

const checkPicklist = (
  field: PicklistField,
  full: string,
  path: Path,
  findings: Findings,
): void => {
  const add = (key: string | number, code: string, message: string): void =>
    findings.add([...path, ...(typeof key === 'number' ? ['values', key] : [key])], code, message)

  if (field.global_value_set !== undefined) {
    const fault = nameFault(
      field.global_value_set.replace(/^[A-Za-z]\w{0,14}?__/, ''),
      `Global value set ${field.global_value_set}`,
      80,
    )
    if (fault !== null) add('global_value_set', fault.code, fault.message)
    for (const key of ['values', 'default'] as const) {
      if (field[key] !== undefined) {
        add(
          key,
          'attributes_conflict',
          `${full} takes its values from ${field.global_value_set}, so it has no ${key} of its own. Leave one of them out.`,
        )
      }
    }
    if (field.restricted === false) {
      add(
        'restricted',
        'attributes_conflict',
        `${full} uses a global value set, which always restricts. Leave restricted out.`,
      )
    }
    return
  }
  if (field.values === undefined) {
    add('values', 'missing', `${full} has no values. Give values or global_value_set.`)
    return
  }
  const values = picklistValues(field)
  const seenValues = new Set<string>()
  const seenLabels = new Set<string>()
  for (const [index, { value, label: given }] of values.entries()) {
    const label = given ?? value
    if (seenValues.has(sameName(value))) {
      add(index, 'duplicate', `${full} has the value ${value} twice. Keep one.`)
    } else if (seenLabels.has(sameName(label))) {
      add(index, 'duplicate', `${full} has the label ${label} twice. Rename one.`)
    }
    if (field.type === 'MultiselectPicklist' && value.includes(SEPARATOR)) {
      add(
        index,
        'bad_picklist_value',
        `The value ${value} of ${full} holds a semicolon, which separates the values of a record. Take it out.`,
      )
    }
    seenValues.add(sameName(value))
    seenLabels.add(sameName(label))
  }
  if (field.default !== undefined && !values.some(({ value }) => value === field.default)) {
    add(
      'default',
      'unknown_value',
      `The default ${field.default} of ${full} is none of its values. Add it to values or choose another.`,
    )
  }
}

const checkRelationship = (
  plan: Plan,
  field: FieldOf<'Lookup'> | FieldOf<'MasterDetail'>,
  full: string,
  add: (key: string, code: string, message: string) => void,
): void => {
  const nameWrong = nameFault(
    field.relationship_name,
    `Relationship name ${field.relationship_name} of ${full}`,
  )
  if (nameWrong !== null) add('relationship_name', nameWrong.code, nameWrong.message)

  const kind = objectKind(field.reference_to)
  if (kind === 'unsupported') {
    add(
      'reference_to',
      'not_supported_yet',
      `${full} refers to ${field.reference_to}; look-ups to external objects, custom metadata and the like are not supported yet.`,
    )
    return
  }
  if (!/^[A-Za-z]\w*$/.test(field.reference_to)) {
    add('reference_to', 'name_bad_character', `${full} refers to no object's name. Correct it.`)
    return
  }
  const target = plan.objects.find(
    (object) => sameName(object.api_name) === sameName(field.reference_to),
  )
  if (target === undefined || field.type !== 'MasterDetail') return
  const owner = full.slice(0, full.indexOf('.'))
  if (sameName(target.api_name) === sameName(owner)) {
    add('reference_to', 'attributes_conflict', `${owner} cannot be its own master. Use a Lookup.`)
  }
}

const FIELD_PATH = /^([A-Za-z]\w*)\.([A-Za-z]\w*)$/

const findField = (
  plan: Plan,
  objectName: string,
  fieldName: string,
): { object: PlanObject; field: PlanField | undefined } | null => {
  const object = plan.objects.find(({ api_name }) => sameName(api_name) === sameName(objectName))
  if (object === undefined) return null
  const field = object.fields.find(({ api_name }) => sameName(api_name) === sameName(fieldName))
  return { object, field }
}

/** Salesforce: what can be rolled up by sum; dates go by min and max only. */
const SUMMABLE: ReadonlySet<string> = new Set(['Number', 'Currency', 'Percent', 'Summary'])
const COMPARABLE: ReadonlySet<string> = new Set([...SUMMABLE, 'Date', 'DateTime', 'Time'])

const checkSummary = (
  plan: Plan,
  object: PlanObject,
  field: FieldOf<'Summary'>,
  full: string,
  path: Path,
  findings: Findings,
): void => {
  const add = (key: string | number, code: string, message: string): void =>
    findings.add(
      [...path, ...(typeof key === 'number' ? ['filters', key, 'field'] : [key])],
      code,
      message,
    )

  const [, child, foreignKey] = FIELD_PATH.exec(field.summary_foreign_key) ?? []
  if (child === undefined || foreignKey === undefined) {
    add(
      'summary_foreign_key',
      'bad_field_path',
      `${full} needs the detail's master-detail field with its object. Write it as Child__c.Master__c.`,
    )
    return
  }
  const link = findField(plan, child, foreignKey)?.field
  if (
    link !== undefined &&
    (link.type !== 'MasterDetail' || sameName(link.reference_to) !== sameName(object.api_name))
  ) {
    add(
      'summary_foreign_key',
      'not_a_master_detail',
      `${field.summary_foreign_key} is no master-detail to ${object.api_name}, so ${full} cannot roll up over it. Make it a MasterDetail.`,
    )
  }

  const belongs = (path: string): boolean =>
    sameName(FIELD_PATH.exec(path)?.[1] ?? '') === sameName(child)
  for (const [index, filter] of (field.filters ?? []).entries()) {
    if (!belongs(filter.field)) {
      add(
        index,
        'bad_field_path',
        `A filter of ${full} must name a field of ${child}, with its object.`,
      )
    }
  }
  if (field.operation === 'count') {
    if (field.summarized_field !== undefined) {
      add(
        'summarized_field',
        'attribute_not_allowed',
        `${full} counts records, not a field. Leave summarized_field out.`,
      )
    }
    return
  }
  if (field.summarized_field === undefined) {
    add(
      'summarized_field',
      'missing',
      `${full} needs the field whose ${field.operation} it is. Add summarized_field.`,
    )
    return
  }
  if (!belongs(field.summarized_field)) {
    add(
      'summarized_field',
      'bad_field_path',
      `${full} must roll up a field of ${child}, with its object.`,
    )
    return
  }
  const [, , summarized = ''] = FIELD_PATH.exec(field.summarized_field) ?? []
  const source = findField(plan, child, summarized)?.field
  if (source === undefined) return
  const type = source.type === 'Formula' ? source.result_type : source.type
  if (!(field.operation === 'sum' ? SUMMABLE : COMPARABLE).has(type)) {
    add(
      'summarized_field',
      'wrong_type',
      `${field.summarized_field} is of type ${type}, which has no ${field.operation}. Choose a number${field.operation === 'sum' ? '' : ' or date'}.`,
    )
  }
}
