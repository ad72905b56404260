// Values that a list gained. Salesforce: Metadata API guide, CustomValue: no call deletes a value; one
// that a file leaves out is deactivated. So rolling values back means deactivating them.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { listed } from '../words.ts'
import { sameElement, samePart } from './equality.ts'
import { type Component } from './names.ts'
import { isLeftOut, keep, NOTHING, type Scene, undoChange, type Undoing } from './undoing.ts'

/** A list of values inside an element: a field's own, or that of a global value set. */
export interface ValueList {
  read: (element: JsonObject | null) => JsonObject[]
  write: (element: JsonObject, values: JsonObject[]) => JsonObject
}

const definitionOf = (element: JsonObject | null): JsonObject => {
  const set = isObject(element?.valueSet) ? element.valueSet : {}
  return isObject(set.valueSetDefinition) ? set.valueSetDefinition : {}
}

/** The values of a field's own picklist. */
export const OWN_VALUES: ValueList = {
  read: (element) => listObjects(definitionOf(element).value),
  write: (element, value) => ({
    ...element,
    valueSet: {
      ...(isObject(element.valueSet) ? element.valueSet : {}),
      valueSetDefinition: { ...definitionOf(element), value },
    },
  }),
}

const nameOf = (value: JsonObject): string => leaf(value.fullName) ?? ''

/** Values that `after` has but `before` does not. */
export const gainedValues = (
  list: ValueList,
  before: JsonObject | null,
  after: JsonObject | null,
): string[] => {
  const known = new Set(list.read(before).map(nameOf))
  return list
    .read(after)
    .map(nameOf)
    .filter((value) => !known.has(value))
}

/**
 * The sentence about values that a deployment adds: the report, the deployment and the rollback use the
 * same words.
 */
export const valuesStay = (gained: readonly string[]): string =>
  `Salesforce does not delete values by API; rollback deactivates ${listed(gained)}.`

/** The element as it was, followed by the values that it has gained since, deactivated. */
export const withoutGained = (list: ValueList, was: JsonObject, is: JsonObject): JsonObject => {
  const gained = new Set(gainedValues(list, was, is))
  if (gained.size === 0) return was
  const off = list
    .read(is)
    .filter((value) => gained.has(nameOf(value)))
    .map((value) => ({ ...value, default: 'false', isActive: 'false' }))
  return list.write(was, [...list.read(was), ...off])
}

/**
 * What happens to a list that existed before the deployment: it is restored as it was, and values that
 * it gained are deactivated.
 */
export const undoGained = (list: ValueList, component: Component, scene: Scene): Undoing => {
  const [was, is] = [scene.before.part(component), scene.now.part(component)]
  const undoing = undoChange(component, scene)
  if (was === null || is === null || isLeftOut(component, scene)) return undoing
  const gained = gainedValues(list, was, is)
  const back = withoutGained(list, was, is)
  const stays = gained.length === 0 ? NOTHING : keep(valuesStay(gained), { removable: false })
  // For values that an earlier rollback deactivated, nothing more can be done.
  if (!samePart(was, is) && sameElement(back, is)) return stays
  return undoing.restore === null ? undoing : { ...stays, restore: { element: back } }
}
