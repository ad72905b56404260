// Values of picklists. Salesforce lets nobody delete one by API, so what a deployment added is deactivated.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'

const definitionOf = (element: JsonObject | null): JsonObject => {
  const set = isObject(element?.valueSet) ? element.valueSet : {}
  return isObject(set.valueSetDefinition) ? set.valueSetDefinition : {}
}

/** Values of a field's own picklist: full name → is it active. */
export const picklistOf = (element: JsonObject | null): Map<string, boolean> =>
  new Map(
    listObjects(definitionOf(element).value).map((value) => [
      leaf(value.fullName) ?? '',
      leaf(value.isActive) !== 'false',
    ]),
  )

/** Values that `after` has and `before` has not. */
export const addedValues = (before: JsonObject | null, after: JsonObject | null): string[] => {
  const known = picklistOf(before)
  return [...picklistOf(after).keys()].filter((value) => !known.has(value))
}

/** The field as it was, with the values that it gained since added behind its own as inactive ones. */
export const withDeactivated = (was: JsonObject, is: JsonObject): JsonObject => {
  const added = new Set(addedValues(was, is))
  const inactive = listObjects(definitionOf(is).value)
    .filter((value) => added.has(leaf(value.fullName) ?? ''))
    .map((value) => ({ ...value, default: 'false', isActive: 'false' }))
  const definition = definitionOf(was)
  return {
    ...was,
    valueSet: {
      ...(isObject(was.valueSet) ? was.valueSet : {}),
      valueSetDefinition: { ...definition, value: [...listObjects(definition.value), ...inactive] },
    },
  }
}
