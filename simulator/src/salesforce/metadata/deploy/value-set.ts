// The values of a picklist field. Salesforce: Metadata API guide, "ValueSet".

import type { Field, PicklistValue, SObject } from '../../../org/model.ts'
import { child, list, nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem } from './draft.ts'
import { checkLength, flag, noSuch, required } from './names.ts'

export interface ValueSet {
  values: PicklistValue[]
  restricted: boolean
  controllingField: Field | undefined
  /** As it is kept: with the values that were there before and are now inactive. */
  metadata: MetadataNode
}

export function readValueSet(
  object: SObject,
  node: MetadataNode,
  before: readonly PicklistValue[],
): ValueSet {
  const set = child(node, 'valueSet')
  if (set === undefined) {
    throw new Problem(
      `Must specify 'valueSet' for a CustomField of type ${text(node, 'type') ?? ''}`,
    )
  }
  const definition = child(set, 'valueSetDefinition')
  const global = text(set, 'valueSetName')
  if (definition !== undefined && global !== undefined) {
    throw new Problem('Can not specify both valueSetName and valueSetDefinition')
  }
  // No global value set can exist here: their deployment is refused.
  if (global !== undefined) throw noSuch('valueSetName', 'GlobalValueSet', global)
  if (definition === undefined)
    throw new Problem('Required field is missing: valueSetDefinition', 'REQUIRED_FIELD_MISSING')
  const listed = nodes(definition, 'value').map(readValue)
  if (listed.length === 0)
    throw new Problem('Required field is missing: value', 'REQUIRED_FIELD_MISSING')
  for (const member of ['value', 'label'] as const) {
    const seen = new Set<string>()
    for (const value of listed) {
      const key = value[member].toLowerCase()
      if (seen.has(key)) {
        throw new Problem(`Duplicate ${member === 'label' ? 'label' : 'value'}: ${value[member]}`)
      }
      seen.add(key)
    }
  }
  if (listed.filter(({ defaultValue }) => defaultValue).length > 1) {
    throw new Problem('A picklist can have one default value only')
  }
  // Salesforce: a value that a deployment leaves out is deactivated, not deleted.
  const names = new Set(listed.map(({ value }) => value))
  const inactive = before
    .filter(({ value }) => !names.has(value))
    .map((value) => ({ ...value, active: false, defaultValue: false }))
  const controllingField = controller(object, set)
  return {
    values: dependent([...listed, ...inactive], set, controllingField),
    restricted: flag(set, 'restricted') ?? false,
    controllingField,
    metadata: {
      ...set,
      valueSetDefinition: {
        ...definition,
        value: [
          ...list(definition, 'value'),
          ...inactive.map(({ value, label }) => ({
            fullName: value,
            default: false,
            isActive: false,
            label,
          })),
        ],
      },
    },
  }
}

function readValue(node: MetadataNode): PicklistValue {
  const value = required(node, 'fullName')
  const label = text(node, 'label') ?? value
  checkLength('MasterLabel', label, 255)
  return {
    active: flag(node, 'isActive') ?? true,
    defaultValue: flag(node, 'default') ?? false,
    label,
    validFor: null,
    value,
  }
}

function controller(object: SObject, set: MetadataNode): Field | undefined {
  const name = text(set, 'controllingField')
  if (name === undefined) return undefined
  const field = object.fields.get(name.toLowerCase())
  if (field === undefined || field.deletedAt !== undefined) {
    throw noSuch('controllingField', 'CustomField', `${object.name}.${name}`)
  }
  if (!['picklist', 'boolean'].includes(field.describe.type)) {
    throw new Problem(`${name} cannot control a picklist: it is neither a picklist nor a checkbox`)
  }
  return field
}

/**
 * Salesforce: describe tells the controlling values of a dependent value by position, one bit each,
 * from the highest bit of the first byte on, in base64 (SOAP API guide, "PicklistEntry").
 */
function dependent(
  values: PicklistValue[],
  set: MetadataNode,
  controllingField: Field | undefined,
): PicklistValue[] {
  if (controllingField === undefined) return values
  const controlling =
    controllingField.describe.type === 'boolean'
      ? ['false', 'true']
      : controllingField.describe.picklistValues.map(({ value }) => value)
  const bits = new Map(
    values.map(({ value }) => [value, Buffer.alloc(Math.ceil(controlling.length / 8))]),
  )
  for (const setting of nodes(set, 'valueSettings')) {
    const name = text(setting, 'valueName') ?? ''
    const bytes = bits.get(name)
    if (bytes === undefined) throw missingValue(name, text(set, 'controllingField') ?? '')
    for (const by of texts(setting, 'controllingFieldValue')) {
      const position = controlling.indexOf(by)
      if (position < 0) throw missingValue(by, controllingField.describe.name)
      const at = position >> 3
      bytes[at] = (bytes[at] ?? 0) | (0x80 >> (position & 7))
    }
  }
  return values.map((value) => ({
    ...value,
    validFor: bits.get(value.value)?.toString('base64') ?? null,
  }))
}

export function missingValue(value: string, picklist: string): Problem {
  return new Problem(`Picklist value: ${value} in picklist: ${picklist} not found`)
}
