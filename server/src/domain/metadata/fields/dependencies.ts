// Dependent picklists: which values can be chosen for which value of a controlling field. Salesforce:
// Metadata API guide, "ValueSet": pairs of values can be added by API and not removed. So a plan adds to
// those that are there, and a rollback leaves what was added.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, list, listObjects, type XmlValue } from '../../../salesforce/xml.ts'
import { listed } from '../../words.ts'
import { sameName } from '../names.ts'
import { asXmlValue, overlay } from '../xml-tree.ts'

/** A value of a dependent picklist, and the values of the controlling field for which it can be chosen. */
export interface ValueSetting {
  value: string
  controlling_values: readonly string[]
}

export interface Dependency {
  controllingField: string
  settings: readonly ValueSetting[]
}

/** Salesforce: what a checkbox says as a controlling field, in the order of a describe's bits. */
export const CHECKBOX_VALUES = ['unchecked', 'checked'] as const

/** Finds a field of the same object in its describe; null where it is not there, or not known. */
export type FieldNamed = (name: string) => JsonObject | null

export interface PlannedDependency {
  controlling_field?: string | undefined
  value_settings?: ValueSetting[] | undefined
}

export const dependencyOfPlanned = ({
  controlling_field: controllingField,
  value_settings: settings = [],
}: PlannedDependency): Dependency | null =>
  controllingField === undefined ? null : { controllingField, settings }

const valueSetOf = (element: JsonObject | null): JsonObject =>
  isObject(element?.valueSet) ? element.valueSet : {}

const settingIn = (setting: JsonObject): ValueSetting => ({
  value: leaf(setting.valueName) ?? '',
  controlling_values: list(setting.controllingFieldValue).map((value) => leaf(value) ?? ''),
})

/** By the element of an object file. */
export const dependencyOfElement = (element: JsonObject | null): Dependency | null => {
  const { controllingField, valueSettings } = valueSetOf(element)
  const name = leaf(controllingField)
  return name === null
    ? null
    : { controllingField: name, settings: listObjects(valueSettings).map(settingIn) }
}

/** The values of a controlling field in the order of the bits that stand for them. */
const controllingValues = (field: JsonObject): readonly string[] =>
  field.type === 'boolean'
    ? CHECKBOX_VALUES
    : listObjects(field.picklistValues).map(({ value }) => String(value))

/** Salesforce: SOAP API guide, PicklistEntry: a bit for each controlling value, in base 64, the highest first. */
const isSet = (validFor: unknown, bit: number): boolean => {
  if (typeof validFor !== 'string') return false
  const byte = Buffer.from(validFor, 'base64')[bit >> 3] ?? 0
  return (byte & (0x80 >> (bit % 8))) !== 0
}

/** By a describe; without settings where the controlling field is not in it. */
export const dependencyOfDescribed = (
  described: JsonObject,
  fieldNamed: FieldNamed,
): Dependency | null => {
  const { controllerName } = described
  if (typeof controllerName !== 'string') return null
  const controller = fieldNamed(controllerName)
  const names = controller === null ? [] : controllingValues(controller)
  const settings = listObjects(described.picklistValues).map(({ value, validFor }) => ({
    value: String(value),
    controlling_values: names.filter((_, bit) => isSet(validFor, bit)),
  }))
  return { controllingField: controllerName, settings }
}

interface Pair {
  key: string
  text: string
}

const pairKey = (controllingField: string, value: string, controlling: string): string =>
  JSON.stringify([controllingField, value, controlling].map(sameName))

const pairsOf = ({ controllingField, settings }: Dependency): Pair[] =>
  settings.flatMap(({ value, controlling_values: values }) =>
    values.map((controlling) => ({
      key: pairKey(controllingField, value, controlling),
      text: `${value} for ${controlling}`,
    })),
  )

const isSameController = (a: Dependency, b: Dependency): boolean =>
  sameName(a.controllingField) === sameName(b.controllingField)

const gained = (was: Dependency | null, next: Dependency | null): Pair[] => {
  if (next === null) return []
  const had = new Set(
    was === null || !isSameController(was, next) ? [] : pairsOf(was).map(({ key }) => key),
  )
  return pairsOf(next).filter(({ key }) => !had.has(key))
}

/** Pairs of `next` that `was` does not have, as `value for controlling value`. */
export const gainedPairs = (was: Dependency | null, next: Dependency | null): string[] =>
  gained(was, next).map(({ text }) => text)

/** The same, each by what identifies it among the pairs of all controlling fields. */
export const gainedPairKeys = (was: Dependency | null, next: Dependency | null): string[] =>
  gained(was, next).map(({ key }) => key)

/** Said of pairs that a deployment adds: the report, the deployment and the rollback use the same words. */
export const pairsStay = (gained: readonly string[]): string =>
  `Salesforce does not remove dependencies of picklist values by API; after a rollback, ${listed(gained)} can still be chosen.`

/** What is there, in its order, with what the plan adds; of a different controlling field nothing is kept. */
export const writtenDependency = (
  planned: PlannedDependency,
  current: JsonObject | null,
): Record<string, XmlValue> => {
  const { controllingField, valueSettings } = valueSetOf(current)
  const wanted = dependencyOfPlanned(planned)
  const there = listObjects(valueSettings)
  if (wanted === null) {
    return {
      controllingField: leaf(controllingField),
      valueSettings: asXmlValue(valueSettings),
    }
  }
  const before = dependencyOfElement(current)
  const kept = before !== null && isSameController(before, wanted) ? there : []
  const open = new Map(wanted.settings.map((setting) => [sameName(setting.value), setting]))
  const merged = kept.map((setting) => {
    const { value, controlling_values: values } = settingIn(setting)
    const more = open.get(sameName(value))?.controlling_values ?? []
    open.delete(sameName(value))
    const known = new Set(values.map(sameName))
    const added = more.filter((controlling) => !known.has(sameName(controlling)))
    return overlay(setting, { controllingFieldValue: [...values, ...added] })
  })
  const added = [...open.values()].map(({ value, controlling_values: values }) => ({
    controllingFieldValue: [...values],
    valueName: value,
  }))
  return {
    controllingField:
      before !== null && isSameController(before, wanted)
        ? before.controllingField
        : wanted.controllingField,
    valueSettings: [...merged, ...added],
  }
}

/** An element as it was, with the dependency that it has now. */
export const withDependencyOf = (was: JsonObject, is: JsonObject): JsonObject => {
  const { controllingField, valueSettings } = valueSetOf(is)
  return { ...was, valueSet: { ...valueSetOf(was), controllingField, valueSettings } }
}

/** An element without these pairs; without its controlling field too where `isDependent` is false and none is left. */
export const withoutPairs = (
  element: JsonObject,
  pairs: ReadonlySet<string>,
  { isDependent }: { isDependent: boolean },
): JsonObject => {
  if (pairs.size === 0) return element
  const { controllingField, valueSettings, ...set } = valueSetOf(element)
  const field = leaf(controllingField) ?? ''
  const settings = listObjects(valueSettings).flatMap((setting) => {
    const { value, controlling_values: values } = settingIn(setting)
    const stay = values.filter((controlling) => !pairs.has(pairKey(field, value, controlling)))
    return stay.length === 0 ? [] : [{ ...setting, controllingFieldValue: stay }]
  })
  const valueSet = {
    ...set,
    ...(isDependent || settings.length > 0 ? { controllingField } : {}),
    ...(settings.length > 0 ? { valueSettings: settings } : {}),
  }
  return { ...element, valueSet }
}
