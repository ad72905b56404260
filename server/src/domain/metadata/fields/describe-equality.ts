// Whether a field that a describe shows is the field of the plan: the proof after a deploy, as far as a
// describe shows it. Sources: REST API guide, sObject Describe; SOAP API guide, describeSObjects.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { sameName } from '../names.ts'
import { type FieldNamed } from './dependencies.ts'
import { SHARED_UNSEEN } from './attributes.ts'
import {
  FIELD_TYPES,
  fieldKindOf,
  isCalculated,
  isRequired,
  type PlanField,
} from './field-kinds.ts'
import { type Comparison, type FieldDifference, scalar } from './kind.ts'

/** Attributes that no describe shows; only the metadata shows whether they are in place. */
export const NOT_IN_DESCRIBE: ReadonlySet<string> = new Set([
  ...SHARED_UNSEEN,
  ...FIELD_TYPES.flatMap((type) => fieldKindOf(type).unseen ?? []),
])

const comparisons = (field: PlanField): Comparison[] => {
  const all = [scalar('label', field.label)]
  if (field.help_text !== undefined)
    all.push(scalar('help_text', field.help_text, 'inlineHelpText'))
  if ('required' in field || isRequired(field)) {
    all.push(scalar('required', !isRequired(field), 'nillable'))
  }
  if ('unique' in field) all.push(scalar('unique', field.unique))
  if ('external_id' in field) all.push(scalar('external_id', field.external_id, 'externalId'))
  if ('default_formula' in field && field.default_formula !== undefined) {
    all.push(scalar('default_formula', field.default_formula, 'defaultValueFormula'))
  }
  if ('length' in field) all.push(scalar('length', field.length))

  return [...all, ...(fieldKindOf(field.type).compare?.(field) ?? [])]
}

/** The type that a describe shows if it is not the planned one; otherwise null. */
const otherType = (field: PlanField, described: JsonObject): string | null => {
  const kind = fieldKindOf(field.type)
  const found = typeof described.type === 'string' ? described.type : ''
  if (!kind.describeTypes(field).includes(found)) return found
  const { calculated } = described
  if (typeof calculated === 'boolean' && calculated !== isCalculated(field.type)) {
    return calculated ? `${found}, calculated` : found
  }
  return kind.otherThan?.(described) ?? null
}

const text = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\r\n', '\n').trim() : value

/**
 * What a describe's entry for the field shows differently than planned; empty if it is the same, as far
 * as describes show it (see NOT_IN_DESCRIBE). If the type differs, nothing else is compared. `fieldNamed` finds the
 * other fields of its object; without it the settings of a dependent picklist are not compared.
 */
export const fieldEqualsDescribe = (
  field: PlanField,
  describe: unknown,
  fieldNamed: FieldNamed = () => null,
): FieldDifference[] => {
  if (!isObject(describe)) return [{ attribute: 'api_name', planned: field.api_name, found: null }]
  const name = typeof describe.name === 'string' ? describe.name : ''
  if (sameName(name) !== sameName(field.api_name)) {
    return [{ attribute: 'api_name', planned: field.api_name, found: name }]
  }
  const other = otherType(field, describe)
  if (other !== null) {
    return [{ attribute: 'type', planned: field.type, found: other }]
  }

  const differences: FieldDifference[] = []
  for (const { attribute, planned, member } of comparisons(field)) {
    const found = describe[member]
    if (found === undefined || text(found) === text(planned)) continue
    // Salesforce: a describe omits the mask of an encrypted field for users who may see its values.
    if (found === null && (member === 'maskType' || planned === false)) continue
    differences.push(
      attribute === 'required'
        ? { attribute, planned: planned !== true, found: found !== true }
        : { attribute, planned, found },
    )
  }
  return [
    ...differences,
    ...(fieldKindOf(field.type).differences?.(field, describe, fieldNamed) ?? []),
  ]
}
