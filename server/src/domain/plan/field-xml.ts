// A field of a plan as an element of an object file and back: one table serves both ways.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, list, listObjects, type XmlValue } from '../../salesforce/xml.ts'
import {
  deleteConstraint,
  FIELD_SCHEMAS,
  isFieldType,
  isPicklist,
  picklistValues,
  type PicklistField,
  planField,
  type PlanField,
} from './field-schema.ts'
import { sameName } from '../metadata/names.ts'
import { asXmlValue, inSchemaOrder } from '../metadata/xml-tree.ts'

type Members = Record<string, XmlValue>

/** Attributes that are one element each: name in the plan, name in the file, kind of value. */
const ATTRIBUTES: readonly (readonly [string, string, 'text' | 'number' | 'boolean'])[] = [
  ['api_name', 'fullName', 'text'],
  ['label', 'label', 'text'],
  ['description', 'description', 'text'],
  ['help_text', 'inlineHelpText', 'text'],
  ['required', 'required', 'boolean'],
  ['unique', 'unique', 'boolean'],
  ['case_sensitive', 'caseSensitive', 'boolean'],
  ['external_id', 'externalId', 'boolean'],
  ['length', 'length', 'number'],
  ['visible_lines', 'visibleLines', 'number'],
  ['precision', 'precision', 'number'],
  ['scale', 'scale', 'number'],
  ['default_formula', 'defaultValue', 'text'],
  ['display_format', 'displayFormat', 'text'],
  ['starting_number', 'startingNumber', 'number'],
  ['reference_to', 'referenceTo', 'text'],
  ['relationship_name', 'relationshipName', 'text'],
  ['relationship_label', 'relationshipLabel', 'text'],
  ['relationship_order', 'relationshipOrder', 'number'],
  ['delete_constraint', 'deleteConstraint', 'text'],
  ['reparentable', 'reparentableMasterDetail', 'boolean'],
  ['write_requires_master_read', 'writeRequiresMasterRead', 'boolean'],
  ['formula', 'formula', 'text'],
  ['treat_blanks_as', 'formulaTreatBlanksAs', 'text'],
  ['operation', 'summaryOperation', 'text'],
  ['summary_foreign_key', 'summaryForeignKey', 'text'],
  ['summarized_field', 'summarizedField', 'text'],
  ['display_in_decimal', 'displayLocationInDecimal', 'boolean'],
  ['mask_char', 'maskChar', 'text'],
  ['mask_type', 'maskType', 'text'],
]

/** Elements that a plan does not speak of and that say nothing where they are false. */
const SILENT_WHEN_FALSE: ReadonlySet<string> = new Set([
  'externalId',
  'required',
  'unique',
  'trackFeedHistory',
  'trackHistory',
  'trackTrending',
  'deprecated',
])
const FORMULA_PRECISION = 18
const FORMULA_SCALE = 2
const NUMERIC_RESULTS: ReadonlySet<string> = new Set(['Number', 'Currency', 'Percent'])

/** Digits behind the point of a formula's result; null for results that are no numbers. */
export const formulaScale = (field: Extract<PlanField, { type: 'Formula' }>): number | null =>
  NUMERIC_RESULTS.has(field.result_type) ? (field.scale ?? FORMULA_SCALE) : null

const ownMembers = (field: PlanField): Members => {
  const attributes: Readonly<Record<string, unknown>> = field
  const members: Members = {}
  for (const [key, element] of ATTRIBUTES) {
    const value = attributes[key]
    if (value !== undefined) members[element] = asXmlValue(value)
  }
  members.type = field.type === 'Formula' ? field.result_type : field.type
  switch (field.type) {
    case 'Text':
      // Salesforce: takes caseSensitive together with unique only.
      if (!field.unique) delete members.caseSensitive
      break
    case 'Checkbox':
      members.defaultValue = field.default
      break
    case 'Lookup':
      members.deleteConstraint = deleteConstraint(field)
      break
    case 'Formula': {
      const scale = formulaScale(field)
      if (scale !== null) Object.assign(members, { precision: FORMULA_PRECISION, scale })
      break
    }
    case 'Summary':
      members.summaryFilterItems = field.filters?.map(({ field: name, operation, value }) => ({
        field: name,
        operation,
        value,
      }))
      break
    default:
      break
  }
  return members
}

const isTrue = (value: unknown): boolean => value === 'true' || value === true

/** The values of an element's value set, as they stand. */
const currentValues = (element: JsonObject | null): JsonObject[] => {
  const valueSet = element?.valueSet
  const definition = isObject(valueSet) ? valueSet.valueSetDefinition : undefined
  return isObject(definition) ? listObjects(definition.value) : []
}

/**
 * Values of the plan first, in its order; a value that is there and not in the plan stays, switched
 * off: Salesforce would do the same with one left out, but without a word.
 */
const valueSetOf = (field: PicklistField, current: JsonObject | null): XmlValue => {
  const before = isObject(current?.valueSet) ? current.valueSet : {}
  if (field.global_value_set !== undefined) {
    return inSchemaOrder({
      controllingField: asXmlValue(before.controllingField),
      restricted: true,
      valueSetName: field.global_value_set,
      valueSettings: before.valueSettings === undefined ? null : asXmlValue(before.valueSettings),
    })
  }
  const known = new Map(
    currentValues(current).map((value) => [sameName(leaf(value.fullName) ?? ''), value]),
  )
  const planned = picklistValues(field).map(({ value, label }) => {
    const { isActive: _off, ...existing } = known.get(sameName(value)) ?? {}
    known.delete(sameName(value))
    return inSchemaOrder({
      ...Object.fromEntries(Object.entries(existing).map(([name, m]) => [name, asXmlValue(m)])),
      fullName: value,
      default: field.default === undefined ? isTrue(existing.default) : field.default === value,
      label: label ?? leaf(existing.label) ?? value,
    })
  })
  const switchedOff = [...known.values()].map((value) =>
    inSchemaOrder({
      ...Object.fromEntries(Object.entries(value).map(([name, m]) => [name, asXmlValue(m)])),
      default: false,
      isActive: false,
    }),
  )
  return inSchemaOrder({
    controllingField: asXmlValue(before.controllingField),
    restricted: field.restricted ?? isTrue(before.restricted),
    valueSetDefinition: inSchemaOrder({
      sorted: field.sorted,
      value: [...planned, ...switchedOff],
    }),
    valueSettings: before.valueSettings === undefined ? null : asXmlValue(before.valueSettings),
  })
}

export interface FieldElementOptions {
  /** The field's element as it is now, null for a new field. */
  current: JsonObject | null
  /** Order of a master-detail where neither the plan nor the Salesforce org says one. */
  relationshipOrder: number
}

/**
 * The `fields` element. A field that is there keeps whatever the plan does not speak of (Salesforce:
 * a deployed field replaces the whole definition); another type keeps description and help only.
 */
export const fieldElement = (
  field: PlanField,
  { current, relationshipOrder }: FieldElementOptions,
): Members => {
  const own = ownMembers(field)
  const kept: Members = {}
  const sameType =
    current !== null &&
    current.type === own.type &&
    (leaf(current.formula) !== null) === (field.type === 'Formula')
  for (const [name, value] of Object.entries(current ?? {})) {
    if (sameType || name === 'description' || name === 'inlineHelpText') {
      kept[name] = asXmlValue(value)
    }
  }
  if (isPicklist(field)) own.valueSet = valueSetOf(field, sameType ? current : null)
  if (field.type === 'MasterDetail' && field.relationship_order === undefined) {
    own.relationshipOrder = kept.relationshipOrder ?? relationshipOrder
  }
  // Salesforce: the number counts on; given again, it would start over.
  if (sameType) {
    delete own.startingNumber
    delete kept.startingNumber
  }
  if (field.type === 'Text' && !field.unique) delete kept.caseSensitive
  return inSchemaOrder({ ...kept, ...own })
}

/** A field of an object file. */
export interface FieldImage {
  apiName: string
  /** The same in a plan's words; null for a standard field or a type or value that a plan cannot say. */
  field: PlanField | null
  /** Elements that a plan has no words for (a look-up filter, a controlling field …). */
  beyond: string[]
  element: JsonObject
}

const readAttribute = (value: unknown, kind: 'text' | 'number' | 'boolean'): unknown => {
  if (typeof value !== 'string') return value
  if (kind === 'boolean') return value === 'true'
  return kind === 'number' ? Number(value) : value
}

const readPicklist = (element: JsonObject): Record<string, unknown> => {
  const valueSet = isObject(element.valueSet) ? element.valueSet : {}
  const restricted = isTrue(valueSet.restricted)
  const globalName = leaf(valueSet.valueSetName)
  if (globalName !== null) return { global_value_set: globalName, restricted }
  const definition = isObject(valueSet.valueSetDefinition) ? valueSet.valueSetDefinition : {}
  const active = currentValues(element).filter((value) => value.isActive !== 'false')
  const byDefault = active.find((value) => isTrue(value.default))
  return {
    values: active.map((value) => {
      const name = leaf(value.fullName) ?? ''
      const label = leaf(value.label) ?? name
      return label === name ? name : { value: name, label }
    }),
    ...(byDefault === undefined ? {} : { default: leaf(byDefault.fullName) ?? '' }),
    restricted,
    sorted: isTrue(definition.sorted),
  }
}

/** Reads one `fields` element back. */
export const readField = (element: JsonObject): FieldImage => {
  const apiName = leaf(element.fullName) ?? ''
  const isFormula = leaf(element.formula) !== null
  const type = isFormula ? 'Formula' : leaf(element.type)
  if (!isFieldType(type)) return { apiName, field: null, beyond: Object.keys(element), element }

  const { shape } = FIELD_SCHEMAS[type]
  const raw: Record<string, unknown> = { type }
  const covered = new Set(['type'])
  for (const [key, name, kind] of ATTRIBUTES) {
    if (!Object.hasOwn(shape, key) || element[name] === undefined) continue
    covered.add(name)
    if (element[name] !== '') raw[key] = readAttribute(element[name], kind)
  }
  if (type === 'Formula') {
    raw.result_type = element.type
    covered.add('precision')
  } else if (type === 'Checkbox') {
    raw.default = isTrue(element.defaultValue)
    covered.add('defaultValue')
  } else if (type === 'Picklist' || type === 'MultiselectPicklist') {
    Object.assign(raw, readPicklist(element))
    covered.add('valueSet')
  } else if (type === 'Summary') {
    const filters = listObjects(element.summaryFilterItems)
    if (filters.length > 0) {
      raw.filters = filters.map(({ field, operation, value }) => ({ field, operation, value }))
    }
    covered.add('summaryFilterItems')
  }
  const parsed = planField.safeParse(raw)
  const beyond = Object.entries(element)
    .filter(([name, value]) => {
      if (covered.has(name)) return false
      return !(SILENT_WHEN_FALSE.has(name) && list(value).every((item) => item === 'false'))
    })
    .map(([name]) => name)
  const valueSet = isObject(element.valueSet) ? element.valueSet : {}
  if (leaf(valueSet.controllingField) !== null) beyond.push('valueSet.controllingField')
  return { apiName, field: parsed.success ? parsed.data : null, beyond, element }
}
