// One field of a plan by itself and against the rest of it: what Salesforce would refuse about the
// combination of its attributes, as its type knows. Source: Metadata API guide, CustomField.

import { type OtherField } from '../metadata/fields/kind.ts'
import { fieldKindOf, isPicklist, type PlanField } from '../metadata/fields/field-kinds.ts'
import { picklistValues } from '../metadata/fields/picklists.ts'
import { fieldNameFault, sameName } from '../metadata/names.ts'
import { type Findings } from './findings.ts'
import { type Plan, type PlanObject } from './schema.ts'

const asOther = (field: PlanField): OtherField => {
  const type = field.type === 'Formula' ? field.result_type : field.type
  return {
    type,
    isFormula: field.type === 'Formula',
    rollsUp: fieldKindOf(type).rollsUp ?? null,
    referenceTo: 'reference_to' in field ? field.reference_to : null,
    values:
      isPicklist(field) && field.values !== undefined
        ? picklistValues(field).map(({ value }) => value)
        : null,
    controlledBy: isPicklist(field) ? (field.controlling_field ?? null) : null,
  }
}

/** Reports what is wrong with one field. */
export const checkField = (
  plan: Plan,
  object: PlanObject,
  field: PlanField,
  path: readonly (string | number)[],
  findings: Findings,
): void => {
  const full = `${object.api_name}.${field.api_name}`
  const add = (at: string | readonly (string | number)[], code: string, message: string): void =>
    findings.add([...path, ...(typeof at === 'string' ? [at] : at)], code, message)
  const objectNamed = (name: string): PlanObject | undefined =>
    plan.objects.find(({ api_name }) => sameName(api_name) === sameName(name))

  const fault = fieldNameFault(object.api_name, field.api_name)
  if (fault !== null) add('api_name', fault.code, fault.message)
  fieldKindOf(field.type).check?.(field, {
    full,
    object: object.api_name,
    add,
    hasObject: (name) => objectNamed(name) !== undefined,
    fieldOf: (owner, name) => {
      const found = objectNamed(owner)?.fields.find(
        ({ api_name }) => sameName(api_name) === sameName(name),
      )
      return found === undefined ? null : asOther(found)
    },
  })
}
