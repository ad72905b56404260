// Whether a field that a describe shows is the field of the plan: the proof after a deploy, as far as
// a describe tells. Sources: REST API guide, sObject Describe; SOAP API guide, describeSObjects.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { listObjects } from '../../salesforce/xml.ts'
import {
  deleteConstraint,
  isPicklist,
  isRequired,
  picklistValues,
  type PicklistField,
  type PlanField,
} from './field-schema.ts'
import { formulaScale } from './field-xml.ts'
import { sameName } from '../metadata/names.ts'

export interface FieldDifference {
  /** Attribute of the plan's field. */
  attribute: string
  planned: unknown
  found: unknown
}

/** Names of types in a describe; Number without decimals is `int` on standard fields only. */
const DESCRIBE_TYPES: Readonly<Record<string, readonly string[]>> = {
  Text: ['string'],
  TextArea: ['textarea'],
  LongTextArea: ['textarea'],
  Html: ['textarea'],
  Number: ['double', 'int'],
  Currency: ['currency'],
  Percent: ['percent'],
  Checkbox: ['boolean'],
  Date: ['date'],
  DateTime: ['datetime'],
  Time: ['time'],
  Email: ['email'],
  Phone: ['phone'],
  Url: ['url'],
  Picklist: ['picklist'],
  MultiselectPicklist: ['multipicklist'],
  AutoNumber: ['string'],
  Lookup: ['reference'],
  MasterDetail: ['reference'],
  Summary: ['double', 'int', 'currency', 'percent', 'date', 'datetime', 'time'],
  Location: ['location'],
  EncryptedText: ['encryptedstring'],
}

/** Attributes that no describe shows; whether they are in place is for the metadata to say. */
export const NOT_IN_DESCRIBE: ReadonlySet<string> = new Set([
  'description',
  'display_format',
  'starting_number',
  'visible_lines',
  'sorted',
  'global_value_set',
  'relationship_name',
  'relationship_label',
  'reparentable',
  'treat_blanks_as',
  'operation',
  'summary_foreign_key',
  'summarized_field',
  'filters',
  'mask_char',
])

interface Comparison {
  attribute: string
  planned: unknown
  /** Member of the describe; one that is absent (older API versions) says nothing. */
  member: string
}

const scalar = (attribute: string, planned: unknown, member = attribute): Comparison => ({
  attribute,
  planned,
  member,
})

const isCalculated = (field: PlanField): boolean =>
  field.type === 'Formula' || field.type === 'Summary'

const comparisons = (field: PlanField): Comparison[] => {
  const all = [scalar('label', field.label)]
  if (field.help_text !== undefined)
    all.push(scalar('help_text', field.help_text, 'inlineHelpText'))
  if ('required' in field || field.type === 'MasterDetail') {
    all.push(scalar('required', !isRequired(field), 'nillable'))
  }
  if ('unique' in field) all.push(scalar('unique', field.unique))
  if ('external_id' in field) all.push(scalar('external_id', field.external_id, 'externalId'))
  if ('default_formula' in field && field.default_formula !== undefined) {
    all.push(scalar('default_formula', field.default_formula, 'defaultValueFormula'))
  }
  if ('length' in field) all.push(scalar('length', field.length))

  switch (field.type) {
    case 'Text':
      if (field.unique) all.push(scalar('case_sensitive', field.case_sensitive, 'caseSensitive'))
      break
    case 'Number':
    case 'Currency':
    case 'Percent':
      all.push(scalar('precision', field.precision), scalar('scale', field.scale))
      break
    case 'Html':
    case 'LongTextArea':
      all.push(scalar('type', field.type === 'Html', 'htmlFormatted'))
      break
    case 'Checkbox':
      all.push(scalar('default', field.default, 'defaultValue'))
      break
    case 'AutoNumber':
      all.push(scalar('type', true, 'autoNumber'))
      break
    case 'Lookup':
      all.push(
        scalar('delete_constraint', deleteConstraint(field) === 'Cascade', 'cascadeDelete'),
        scalar('delete_constraint', deleteConstraint(field) === 'Restrict', 'restrictedDelete'),
      )
      break
    case 'MasterDetail':
      if (field.relationship_order !== undefined) {
        all.push(scalar('relationship_order', field.relationship_order, 'relationshipOrder'))
      }
      all.push(
        scalar(
          'write_requires_master_read',
          field.write_requires_master_read,
          'writeRequiresMasterRead',
        ),
      )
      break
    case 'Formula': {
      const scale = formulaScale(field)
      all.push(scalar('formula', field.formula, 'calculatedFormula'))
      if (scale !== null) all.push(scalar('scale', scale))
      break
    }
    case 'Location':
      all.push(scalar('display_in_decimal', field.display_in_decimal, 'displayLocationInDecimal'))
      break
    case 'EncryptedText':
      all.push(scalar('mask_type', field.mask_type, 'maskType'))
      break
    default:
      break
  }
  return all
}

/** `relationshipOrder` tells a master-detail from a look-up; text formulas and numbers are strings too. */
const foundType = (field: PlanField, describe: JsonObject): string | null => {
  const planned = field.type === 'Formula' ? field.result_type : field.type
  const found = String(typeof describe.type === 'string' ? describe.type : '')
  const fits = DESCRIBE_TYPES[planned]?.includes(found) ?? false
  if (!fits) return found
  if (typeof describe.calculated === 'boolean' && describe.calculated !== isCalculated(field)) {
    return describe.calculated ? `${found}, calculated` : found
  }
  const formula = typeof describe.calculatedFormula === 'string'
  if (field.type === 'Summary' && formula) return `${found}, formula`
  if (field.type === 'Text' && describe.autoNumber === true) return 'auto number'
  if (planned === 'TextArea' && typeof describe.length === 'number' && describe.length > 255) {
    return 'long textarea'
  }
  const isMaster = typeof describe.relationshipOrder === 'number'
  if (field.type === 'Lookup' && isMaster) return 'master-detail'
  if (field.type === 'MasterDetail' && describe.relationshipOrder === null) return 'lookup'
  return null
}

const picklistDifferences = (field: PicklistField, describe: JsonObject): FieldDifference[] => {
  const differences: FieldDifference[] = []
  if (field.restricted !== undefined || field.global_value_set !== undefined) {
    const planned = field.restricted ?? true
    if (
      typeof describe.restrictedPicklist === 'boolean' &&
      describe.restrictedPicklist !== planned
    ) {
      differences.push({ attribute: 'restricted', planned, found: describe.restrictedPicklist })
    }
  }
  if (field.values === undefined) return differences

  const active = listObjects(describe.picklistValues).filter(({ active: on }) => on !== false)
  const planned = picklistValues(field).map(({ value, label }) => {
    // Without a label of the plan's own any will do.
    const found = active.find((entry) => entry.value === value)
    return { value, label: label ?? found?.label ?? value }
  })
  const found = active.map(({ value, label }) => ({ value, label }))
  const key = (entries: readonly unknown[]): string => {
    const texts = entries.map((entry) => JSON.stringify(entry))
    return (field.sorted ? texts.toSorted() : texts).join()
  }
  if (key(planned) !== key(found)) differences.push({ attribute: 'values', planned, found })
  if (field.default !== undefined) {
    const byDefault = active.find((entry) => entry.defaultValue === true)?.value ?? null
    if (byDefault !== field.default) {
      differences.push({ attribute: 'default', planned: field.default, found: byDefault })
    }
  }
  return differences
}

const text = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\r\n', '\n').trim() : value

/**
 * What a describe's entry for the field shows otherwise than planned; empty where it is the same, as
 * far as describes go (see NOT_IN_DESCRIBE). With another type nothing else is compared.
 */
export const fieldEqualsDescribe = (field: PlanField, describe: unknown): FieldDifference[] => {
  if (!isObject(describe)) return [{ attribute: 'api_name', planned: field.api_name, found: null }]
  const name = typeof describe.name === 'string' ? describe.name : ''
  if (sameName(name) !== sameName(field.api_name)) {
    return [{ attribute: 'api_name', planned: field.api_name, found: name }]
  }
  const otherType = foundType(field, describe)
  if (otherType !== null) {
    return [{ attribute: 'type', planned: field.type, found: otherType }]
  }

  const differences: FieldDifference[] = []
  for (const { attribute, planned, member } of comparisons(field)) {
    const found = describe[member]
    if (found === undefined || text(found) === text(planned)) continue
    // Salesforce: a describe leaves the mask of an encrypted field out for those who see through it.
    if (found === null && (member === 'maskType' || planned === false)) continue
    differences.push(
      attribute === 'required'
        ? { attribute, planned: planned !== true, found: found !== true }
        : { attribute, planned, found },
    )
  }
  if ('reference_to' in field) {
    const targets = Array.isArray(describe.referenceTo) ? describe.referenceTo.map(String) : []
    if (!targets.some((target) => sameName(target) === sameName(field.reference_to))) {
      differences.push({ attribute: 'reference_to', planned: field.reference_to, found: targets })
    }
  }
  if (isPicklist(field)) differences.push(...picklistDifferences(field, describe))
  return differences
}
