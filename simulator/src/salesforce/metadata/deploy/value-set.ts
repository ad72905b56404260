// The values of a picklist field. Salesforce: Metadata API guide, "ValueSet".

import type { Field, GlobalValueSet, PicklistValue, SObject } from '../../../org/model.ts'
import { child, list, nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem, type Draft } from './draft.ts'
import { checkControls, readDependency, withValidFor } from './dependencies.ts'
import { checkLength, flag, noSuch, required } from './names.ts'

export interface ValueSet {
  values: PicklistValue[]
  restricted: boolean
  controllingField: Field | undefined
  /** Set if the values are those of a global value set. */
  globalValueSet?: string
  /** As it is stored: with the values that existed before and are now inactive. */
  metadata: MetadataNode
}

/**
 * Reads the values that the metadata of a field gives it. Throws `Problem` for what Salesforce refuses,
 * such as a different source of values than the field has.
 */
export function readValueSet(
  { org }: Draft,
  object: SObject,
  node: MetadataNode,
  before: Field | undefined,
): ValueSet {
  const set = child(node, 'valueSet')
  if (set === undefined) {
    throw new Problem(
      `Must specify 'valueSet' for a CustomField of type ${text(node, 'type') ?? ''}`,
    )
  }
  const name = text(set, 'valueSetName')
  if (child(set, 'valueSetDefinition') !== undefined && name !== undefined) {
    throw new Problem(
      'Value set must reference a value set name or define a value set, but not both.',
    )
  }
  const global = name === undefined ? undefined : org.globalValueSets.get(name.toLowerCase())
  if (name !== undefined && global === undefined)
    throw noSuch('valueSetName', 'GlobalValueSet', name)
  checkSameSource(before, global)
  const read =
    global === undefined
      ? fromDefinition(set, before?.describe.picklistValues ?? [])
      : fromGlobal(set, global)
  const field = before?.describe.name ?? text(node, 'fullName') ?? ''
  checkControls(object, field, read.values)
  const dependency = readDependency(object, { field, before }, read)
  if (dependency === undefined) return { ...read, controllingField: undefined }
  const { controllingField, ...parts } = dependency
  const metadata = { ...read.metadata, ...parts, controllingField: controllingField.describe.name }
  const values = withValidFor(read.values, metadata, controllingField)
  return { ...read, values, metadata, controllingField }
}

/**
 * As a change set and the Metadata API refuse it (forcedotcom/cli#2761); Setup can turn a list into a
 * set.
 */
function checkSameSource(before: Field | undefined, global: GlobalValueSet | undefined): void {
  if (before === undefined || !/picklist$/.test(before.describe.type)) return
  if (before.globalValueSet === global?.developerName) return
  throw new Problem('Cannot change which global value set this picklist uses.')
}

type Read = Omit<ValueSet, 'controllingField'>

/** Salesforce: a field on a global value set is restricted, whatever its metadata says. */
const fromGlobal = (set: MetadataNode, global: GlobalValueSet): Read => ({
  values: valuesOf(global),
  restricted: true,
  globalValueSet: global.developerName,
  metadata: { ...set, restricted: 'true', valueSetName: global.developerName },
})

/** The values of a set as in the describe of a field. */
export const valuesOf = ({ values }: GlobalValueSet): PicklistValue[] =>
  values.map(({ value, label, active, defaultValue }) => ({
    active,
    defaultValue,
    label,
    validFor: null,
    value,
  }))

function fromDefinition(set: MetadataNode, before: readonly PicklistValue[]): Read {
  const definition = child(set, 'valueSetDefinition')
  if (definition === undefined)
    throw new Problem('Required field is missing: valueSetDefinition', 'REQUIRED_FIELD_MISSING')
  const listed = readValues(definition, 'value').map((value) => ({ ...value, validFor: null }))
  const inactive = leftOut(before, listed)
  return {
    values: [...listed, ...inactive],
    restricted: flag(set, 'restricted') ?? false,
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

/** A value as in metadata. Salesforce: Metadata API guide, "CustomValue". */
export interface ListedValue {
  value: string
  label: string
  active: boolean
  defaultValue: boolean
}

/** The values under this element. Throws `Problem` for none, for duplicates, for two defaults. */
export function readValues(node: MetadataNode, element: string): ListedValue[] {
  const listed = nodes(node, element).map(readValue)
  if (listed.length === 0)
    throw new Problem(`Required field is missing: ${element}`, 'REQUIRED_FIELD_MISSING')
  const value = repeated(listed.map((each) => each.value))
  if (value !== undefined) {
    throw new Problem(`duplicate value found: ${value} is defined multiple times`)
  }
  const label = repeated(listed.map((each) => each.label))
  if (label !== undefined) throw new Problem(`Duplicate label: ${label}`)
  if (listed.filter(({ defaultValue }) => defaultValue).length > 1) {
    throw new Problem('A picklist can have one default value only')
  }
  return listed
}

/** The first text that existed before, in any case. */
const repeated = (texts: readonly string[]): string | undefined =>
  texts.find((each, at) =>
    texts.slice(0, at).some((before) => before.toLowerCase() === each.toLowerCase()),
  )

/**
 * Previous values that the metadata does not list. Salesforce: "If picklist values are missing from a
 * component definition, they get deactivated when deployed" (Metadata API guide, "CustomValue").
 */
export function leftOut<Value extends ListedValue>(
  before: readonly Value[],
  listed: readonly ListedValue[],
): Value[] {
  const names = new Set(listed.map(({ value }) => value))
  return before
    .filter(({ value }) => !names.has(value))
    .map((value) => ({ ...value, active: false, defaultValue: false }))
}

function readValue(node: MetadataNode): ListedValue {
  const value = required(node, 'fullName')
  const label = text(node, 'label') ?? value
  checkLength('MasterLabel', label, 255)
  return {
    active: flag(node, 'isActive') ?? true,
    defaultValue: flag(node, 'default') ?? false,
    label,
    value,
  }
}
