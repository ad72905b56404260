// Dependent picklists: which values of a picklist a controlling picklist or checkbox allows. Salesforce:
// Metadata API guide, "ValueSet" and "ValueSettings"; Help, "Dependent Picklist Considerations". If no
// public source has the words of a refusal, they are ours.

import type { Field, PicklistValue, SObject } from '../../../org/model.ts'
import { nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { liveFields } from '../bodies.ts'
import { Problem } from './draft.ts'
import { missingValue, noSuch, required } from './names.ts'

/** Salesforce: Help, "Dependent Picklist Considerations"; of a controlling field. */
const CONTROLLING_MAX = 300
/** Metadata's words for the two values of a checkbox; describe counts them in this order. */
const CHECKBOX_VALUES = ['unchecked', 'checked']

export interface Dependency {
  controllingField: Field
  /** An entry for each value that has any, with all the controlling values that it goes with. */
  valueSettings: MetadataNode[]
}

/**
 * What a picklist depends on, from its metadata and its previous state: "You can add field dependency
 * values via the Metadata API but not remove them". What a file leaves out stays, until it names a
 * different controlling field.
 */
export function readDependency(
  object: SObject,
  { field, before }: { field: string; before: Field | undefined },
  { values, metadata: set }: { values: readonly PicklistValue[]; metadata: MetadataNode },
): Dependency | undefined {
  const known = before?.describe['controllerName']
  const had = typeof known === 'string' ? known : undefined
  const named = text(set, 'controllingField') ?? had
  if (named === undefined) return undefined
  const controllingField = readController(object, field, named)
  const stays = controllingField.describe.name === had
  const valueSettings = merged(
    [
      ...(stays ? nodes(before?.metadata?.['valueSet'] as MetadataNode, 'valueSettings') : []),
      ...nodes(set, 'valueSettings'),
    ],
    { field, values, controlling: controllingValues(controllingField) },
  )
  return { controllingField, valueSettings }
}

function readController(object: SObject, dependent: string, name: string): Field {
  const field = object.fields.get(name.toLowerCase())
  if (field === undefined || field.deletedAt !== undefined) {
    throw noSuch('controllingField', 'CustomField', `${object.name}.${name}`)
  }
  const { type, calculated, picklistValues } = field.describe
  if (!['picklist', 'boolean'].includes(type)) {
    throw new Problem(`${name} cannot control a picklist: it is neither a picklist nor a checkbox`)
  }
  if (calculated) throw new Problem(`${name} cannot control a picklist: it is a formula`)
  checkNumber(name, picklistValues)
  for (let up: Field | undefined = field; up !== undefined; up = controllerOf(object, up)) {
    if (up.describe.name.toLowerCase() === dependent.toLowerCase()) {
      throw new Problem(`${name} cannot control ${dependent}: it depends on it`)
    }
  }
  return field
}

function controllerOf(object: SObject, { describe }: Field): Field | undefined {
  const { controllerName } = describe
  return typeof controllerName === 'string'
    ? object.fields.get(controllerName.toLowerCase())
    : undefined
}

function checkNumber(name: string, values: readonly PicklistValue[]): void {
  if (values.length > CONTROLLING_MAX) {
    throw new Problem(
      `${name} cannot control a picklist: it has more than ${CONTROLLING_MAX} values`,
    )
  }
}

/** Refuses values that a field cannot have while other picklists depend on it. */
export function checkControls(
  object: SObject,
  field: string,
  values: readonly PicklistValue[],
): void {
  if (dependentsOn(object, field).length > 0) checkNumber(field, values)
}

/** The picklists that depend on this field. */
export function dependentsOn(object: SObject, field: string): Field[] {
  return liveFields(object).filter(({ describe }) => describe['controllerName'] === field)
}

const controllingValues = ({ describe }: Field): PicklistValue[] =>
  describe.type === 'boolean'
    ? CHECKBOX_VALUES.map((value) => ({
        active: true,
        defaultValue: false,
        label: value,
        validFor: null,
        value,
      }))
    : describe.picklistValues

/** The settings value by value, in the order of the values. */
function merged(
  settings: readonly MetadataNode[],
  between: {
    field: string
    values: readonly PicklistValue[]
    controlling: readonly PicklistValue[]
  },
): MetadataNode[] {
  const pairs = new Map<string, Set<string>>(between.values.map(({ value }) => [value, new Set()]))
  const known = new Set(between.controlling.map(({ value }) => value))
  for (const setting of settings) {
    const valueName = required(setting, 'valueName')
    const of = pairs.get(valueName)
    if (of === undefined) throw missingValue(valueName, between.field)
    const by = texts(setting, 'controllingFieldValue')
    const unknown = by.find((value) => !known.has(value))
    if (unknown !== undefined) {
      // As scolladon/sfdx-git-delta#1321 and forcedotcom/cli#155 quote it.
      const valid = between.controlling.filter(({ active }) => active).map(({ value }) => value)
      throw new Problem(
        `Control field value '${unknown}' not found, valid values are [${valid.join(', ')}]`,
      )
    }
    for (const value of by) of.add(value)
  }
  return [...pairs]
    .filter(([, by]) => by.size > 0)
    .map(([valueName, by]) => ({
      controllingFieldValue: [...known].filter((value) => by.has(value)),
      valueName,
    }))
}

/**
 * Salesforce: describe gives the controlling values of a dependent value by position, one bit each, from
 * the highest bit of the first byte on, in base64 (SOAP API guide, "PicklistEntry"). Published ones
 * (`QAAA`, `AAAI`, `AAAAAgAA`) are never padded: bytes come in threes.
 */
export function withValidFor(
  values: PicklistValue[],
  set: MetadataNode,
  controllingField: Field | undefined,
): PicklistValue[] {
  if (controllingField === undefined) return values
  const controlling = controllingValues(controllingField).map(({ value }) => value)
  const size = Math.ceil(controlling.length / 24) * 3
  const bits = new Map(values.map(({ value }) => [value, Buffer.alloc(size)]))
  for (const setting of nodes(set, 'valueSettings')) {
    const bytes = bits.get(text(setting, 'valueName') ?? '')
    if (bytes === undefined) continue
    for (const by of texts(setting, 'controllingFieldValue')) {
      const position = controlling.indexOf(by)
      const at = position >> 3
      if (position >= 0) bytes[at] = (bytes[at] ?? 0) | (0x80 >> (position & 7))
    }
  }
  return values.map((value) => ({
    ...value,
    validFor: bits.get(value.value)?.toString('base64') ?? null,
  }))
}

/** Gives a field new values, and recalculates the positions that dependent picklists use. */
export function putValues(object: SObject, field: Field, values: PicklistValue[]): void {
  const { describe, metadata } = field
  checkControls(object, describe.name, values)
  const set = (metadata?.['valueSet'] ?? {}) as MetadataNode
  object.fields.set(describe.name.toLowerCase(), {
    ...field,
    describe: {
      ...describe,
      picklistValues: withValidFor(values, set, controllerOf(object, field)),
    },
  })
  reckonDependents(object, describe.name)
}

/** The bits of every picklist that depends on this field, by its current values. */
export function reckonDependents(object: SObject, field: string): void {
  for (const other of dependentsOn(object, field)) {
    putValues(object, other, other.describe.picklistValues)
  }
}
