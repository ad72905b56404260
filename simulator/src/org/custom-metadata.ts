// Records of custom metadata types: how they are stored, and what their relationships lead to.

import { type CustomMetadataRecord, type Field, type Org, type SObject } from './model.ts'
import { customMetadataFields, freeKeyPrefix, isCustomMetadataType, makeObject } from './schema.ts'

/** The key of a record in `org.customMetadata`. */
export const recordKey = (type: SObject, name: string): string =>
  `${type.name.slice(0, -'__mdt'.length)}.${name}`.toLowerCase()

/** What a relationship of a record leads to. */
export type Related =
  | { record: CustomMetadataRecord }
  | { object: SObject; field?: undefined }
  | { object: SObject; field: Field }

/** Undefined: the relationship is empty, or its target does not exist. */
export function relatedTo(
  org: Org,
  type: SObject,
  field: Field,
  values: CustomMetadataRecord['values'],
): Related | undefined {
  const value = values[field.describe.name]
  const [target = ''] = field.describe.referenceTo
  if (typeof value !== 'string') return undefined
  if (isCustomMetadataType(target)) {
    const other = org.objects.get(target.toLowerCase())
    const name = value.split('.').at(-1) ?? value
    const record = other && org.customMetadata.get(recordKey(other, name))
    return record && { record }
  }
  const controller =
    target === 'EntityDefinition'
      ? field
      : controllerOf(type, field.metadata?.['metadataRelationshipControllingField'])
  const named = controller && values[controller.describe.name]
  const object = typeof named === 'string' ? org.objects.get(named.toLowerCase()) : undefined
  if (object === undefined || object.deletedAt) return undefined
  if (target === 'EntityDefinition') return { object }
  const part = object.fields.get(value.toLowerCase())
  return part === undefined || part.deletedAt ? undefined : { object, field: part }
}

/** The field that `Type__mdt.Field__c` names, if it leads to an object. */
export function controllerOf(object: SObject, path: unknown): Field | undefined {
  const [type = '', name = ''] = typeof path === 'string' ? path.split('.') : []
  const field = object.fields.get(name.toLowerCase())
  const isThere = field !== undefined && field.deletedAt === undefined
  return type.toLowerCase() === object.name.toLowerCase() &&
    isThere &&
    field.describe.referenceTo.includes('EntityDefinition')
    ? field
    : undefined
}

/** Puts a custom metadata type into the org: no API writes its rows as data. */
export const makeCustomMetadataType = (org: Org, name: string, label = name): SObject =>
  makeObject(org, {
    name,
    label,
    describe: {
      keyPrefix: freeKeyPrefix(org, 'm'),
      createable: false,
      deletable: false,
      mruEnabled: false,
      replicateable: false,
      searchable: false,
      triggerable: false,
      undeletable: false,
      updateable: false,
    },
    fields: customMetadataFields().map((field) =>
      field.name === 'Language'
        ? { ...field, picklistValues: [languageValue(org.language)] }
        : field,
    ),
  })

const languageValue = (value: string) => ({
  active: true,
  defaultValue: false,
  label: value === 'en_US' ? 'English' : value,
  validFor: null,
  value,
})
