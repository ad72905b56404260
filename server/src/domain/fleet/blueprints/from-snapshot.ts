// What a snapshot shows of fields and objects, written as a plan would: only if a deploy of that would leave
// the client it came from unchanged, as far as a describe shows it.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { fieldEqualsDescribe, NOT_IN_DESCRIBE } from '../../metadata/fields/describe-equality.ts'
import {
  FIELD_KINDS,
  fieldKindOf,
  type FieldType,
  hasAttribute,
  planField,
  typeOfDescribed,
} from '../../metadata/fields/field-kinds.ts'
import { FORMULA_RESULTS } from '../../metadata/fields/formula.ts'
import { sameName } from '../../metadata/names.ts'
import { listed } from '../../words.ts'
import { readWith } from '../../schema-faults.ts'

/** A member of a plan, or why a plan cannot have it. */
export type Expressed = { written: Record<string, unknown> } | { reason: string }

/** Attributes whose member of a describe has a different name, or a different meaning. */
const MEMBERS: Readonly<Record<string, (described: JsonObject) => unknown>> = {
  help_text: ({ inlineHelpText }) => inlineHelpText ?? undefined,
  required: ({ nillable }) => nillable === false,
  external_id: ({ externalId }) => externalId,
  case_sensitive: ({ caseSensitive, unique }) => (unique === true ? caseSensitive : undefined),
  default_formula: ({ defaultValueFormula }) => defaultValueFormula ?? undefined,
  formula: ({ calculatedFormula }) => calculatedFormula,
  result_type: (described) => resultOf(described),
  restricted: ({ restrictedPicklist }) => restrictedPicklist,
  reference_to: ({ referenceTo }) =>
    Array.isArray(referenceTo) && referenceTo.length === 1 ? String(referenceTo[0]) : undefined,
  relationship_order: ({ relationshipOrder }) => relationshipOrder ?? undefined,
  write_requires_master_read: ({ writeRequiresMasterRead }) => writeRequiresMasterRead,
  delete_constraint: ({ cascadeDelete, restrictedDelete }) =>
    cascadeDelete === true ? 'Cascade' : restrictedDelete === true ? 'Restrict' : 'SetNull',
  display_in_decimal: ({ displayLocationInDecimal }) => displayLocationInDecimal,
  values: ({ picklistValues }) => {
    const active = listObjects(picklistValues).filter(({ active: on }) => on !== false)
    return active.length === 0
      ? undefined
      : active.map(({ value, label }) => (label === value ? value : { value, label }))
  },
}
const SAME_NAMES = ['label', 'length', 'precision', 'scale', 'unique'] as const

const resultOf = (described: JsonObject): string | undefined => {
  const type = String(described.type)
  return FORMULA_RESULTS.find((result) =>
    fieldKindOf('Formula')
      .describeTypes({ type: 'Formula', result_type: result } as never)
      .includes(type),
  )
}

const defaultOf = (type: FieldType, described: JsonObject): unknown =>
  type === 'Checkbox'
    ? described.defaultValue === true
    : (listObjects(described.picklistValues).find(({ defaultValue }) => defaultValue === true)
        ?.value ?? undefined)

/** The relationship's name from the parent, which only the parent's describe shows. */
const childRelationship = (
  object: string,
  field: string,
  parent: JsonObject | undefined,
): string | undefined => {
  const found = listObjects(parent?.childRelationships).find(
    (one) =>
      sameName(leaf(one.childSObject) ?? '') === sameName(object) &&
      sameName(leaf(one.field) ?? '') === sameName(field),
  )
  return leaf(found?.relationshipName)?.replace(/__r$/, '')
}

/** A custom field as a plan writes it. `parentOf` is the describe of an object that it refers to. */
export const fieldWritten = (
  object: JsonObject,
  described: JsonObject,
  parentOf: (name: string) => JsonObject | undefined,
): Expressed => {
  const type = typeOfDescribed(described)
  if (type === null)
    return { reason: `Plans have no fields of the type ${String(described.type)}.` }
  const name = leaf(described.name) ?? ''
  const written: Record<string, unknown> = { api_name: name, type }
  const give = (attribute: string, value: unknown): void => {
    if (value !== undefined && hasAttribute(type, attribute)) written[attribute] = value
  }
  for (const attribute of SAME_NAMES) give(attribute, described[attribute])
  for (const [attribute, read] of Object.entries(MEMBERS)) give(attribute, read(described))
  give('default', defaultOf(type, described))
  const target = typeof written.reference_to === 'string' ? written.reference_to : null
  if (target !== null) {
    give('relationship_name', childRelationship(leaf(object.name) ?? '', name, parentOf(target)))
  }
  if (type === 'Formula') dropScale(written)
  return proved(written, object, described, type)
}

/** Only numbers have one in a plan. */
const dropScale = (written: Record<string, unknown>): void => {
  if (!['Number', 'Currency', 'Percent'].includes(String(written.result_type))) delete written.scale
}

/** Whether the written field is the described one. */
const proved = (
  written: Record<string, unknown>,
  object: JsonObject,
  described: JsonObject,
  type: FieldType,
): Expressed => {
  const read = readWith(planField, written)
  if (read.issues !== null) {
    const missing = read.issues.map(({ path }) => path.map(String).join('.'))
    const unseen = missing.filter((name) => NOT_IN_DESCRIBE.has(name))
    const names = listed([...new Set(unseen.length > 0 ? unseen : missing)])
    return { reason: `A snapshot does not show its ${names}, which a plan needs.` }
  }
  const fieldNamed = (name: string): JsonObject | null =>
    listObjects(object.fields).find((one) => sameName(leaf(one.name) ?? '') === sameName(name)) ??
    null
  const differing = fieldEqualsDescribe(read.data, described, fieldNamed)
  if (differing.length > 0) {
    const names = listed(differing.map(({ attribute }) => attribute))
    return { reason: `A plan cannot say its ${names} as it is.` }
  }
  if (described.controllerName !== undefined && described.controllerName !== null) {
    return { reason: 'Which of its values can be chosen depends on a different field.' }
  }
  if (Object.hasOwn(FIELD_KINDS, type) && isObject(described.filteredLookupInfo)) {
    return { reason: 'It has a lookup filter, which plans do not support.' }
  }
  return { written }
}

/** The object itself: empty for a standard object, which a plan only adds to. */
export const objectWritten = (described: JsonObject): Expressed => {
  if (described.custom !== true) return { written: {} }
  const name = listObjects(described.fields).find(({ nameField }) => nameField === true)
  if (name === undefined || name.autoNumber === true) {
    return { reason: 'A snapshot does not show the format of its numbered Name field.' }
  }
  return {
    written: {
      label: described.label,
      plural_label: described.labelPlural,
      name_field: { label: name.label, type: 'Text' },
    },
  }
}

/** Custom fields that are no package's. */
export const ownFields = (described: JsonObject): JsonObject[] =>
  listObjects(described.fields).filter(
    ({ name, custom }) =>
      custom === true && /^[A-Za-z](?:[A-Za-z0-9]|_(?!_))*__c$/.test(leaf(name) ?? ''),
  )
