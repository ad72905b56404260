// Values that a picklist gained, which Salesforce lets nobody delete by API.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { addedValues } from './parts.ts'

/** The field as it was, with the values that it gained since added behind its own as inactive ones. */
export const withDeactivated = (was: JsonObject, is: JsonObject): JsonObject => {
  const valueSet = isObject(was.valueSet) ? was.valueSet : {}
  const definition = isObject(valueSet.valueSetDefinition) ? valueSet.valueSetDefinition : {}
  const present = isObject(is.valueSet) ? is.valueSet : {}
  const presentValues = isObject(present.valueSetDefinition) ? present.valueSetDefinition : {}
  const added = new Set(addedValues(was, is))
  const inactive = listObjects(presentValues.value)
    .filter((value) => added.has(leaf(value.fullName) ?? ''))
    .map((value) => ({ ...value, default: 'false', isActive: 'false' }))
  return {
    ...was,
    valueSet: {
      ...valueSet,
      valueSetDefinition: { ...definition, value: [...listObjects(definition.value), ...inactive] },
    },
  }
}
