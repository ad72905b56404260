// What an org's edition allows. Salesforce Help: "Salesforce Features and Edition Allocations",
// "Custom Fields Allowed Per Object"; Metadata API guide, "deploy()".

import type { Field, Org, SObject } from './model.ts'
import { isActivity } from './activities.ts'
import { isCustomMetadataType } from './schema.ts'

const CUSTOM_FIELDS: Record<Org['edition'], number> = {
  Professional: 100,
  Enterprise: 500,
  Unlimited: 800,
  Developer: 500,
}
/** Of tasks and events together: "Custom Fields Allowed Per Object", activities. */
const ACTIVITY_FIELDS: Record<Org['edition'], number> = {
  Professional: 20,
  Enterprise: 100,
  Unlimited: 100,
  Developer: 100,
}
const CUSTOM_OBJECTS: Record<Org['edition'], number> = {
  Professional: 50,
  Enterprise: 200,
  Unlimited: 2000,
  Developer: 400,
}
/** Custom relationship fields of one object. */
export const RELATIONSHIP_LIMIT = 40
/** Roll-up summaries of one object. */
export const ROLLUP_LIMIT = 25
/** External IDs of one object. Salesforce: Help, "How Many External ID Fields Can I Create Per Object". */
export const EXTERNAL_ID_LIMIT = 25
/** Characters of the long and rich texts of one object. Salesforce: Help, "Custom Field Allocations Per Object". */
export const LONG_TEXT_LIMIT = 1_638_400
/** Master-detail fields of one object. */
export const MASTER_DETAIL_LIMIT = 2
/** Levels of details below a master that is no detail itself. Salesforce: Help, "Considerations for Object Relationships". */
export const DETAIL_LEVEL_LIMIT = 3

/** `ns__Name__c`, and `ns__Place__Latitude__s`. */
const isManaged = (name: string) =>
  // Each field of a deploy counts all others: most names are told without the pattern.
  name.indexOf('__') !== name.lastIndexOf('__') &&
  /^[A-Za-z0-9]+__.+__c$/i.test(name.replace(/__(latitude|longitude)__s$/i, '__c'))

/**
 * Custom fields that count: deleted ones do until they are erased, those of packages do not. A
 * geolocation counts as three, with its latitude and longitude (`__s`).
 */
export const countedFields = (object: SObject): Field[] =>
  [...object.fields.values()].filter(({ describe }) => describe.custom && !isManaged(describe.name))

export const customFieldLimit = (org: Org, object?: SObject): number =>
  object === undefined
    ? CUSTOM_FIELDS[org.edition]
    : isCustomMetadataType(object.name)
      ? CUSTOM_METADATA_FIELDS
      : object.describe.customSetting
        ? CUSTOM_SETTING_FIELDS
        : (isActivity(object) ? ACTIVITY_FIELDS : CUSTOM_FIELDS)[org.edition]

/** Custom objects that count, including deleted ones, and how many are allowed. */
export const customObjectUse = (org: Org): { used: number; max: number } => ({
  used: [...org.objects.values()].filter(
    ({ name, namespace }) => namespace === null && /__c$/i.test(name),
  ).length,
  max: CUSTOM_OBJECTS[org.edition],
})

/** Salesforce: "Custom Metadata Allocations and Usage Calculations"; fields of one type, and types. */
const CUSTOM_METADATA_FIELDS = 100
const CUSTOM_METADATA_TYPES = 200
/** Salesforce: Help, "Custom Settings Limits and Considerations". */
const CUSTOM_SETTING_FIELDS = 300

/** Custom metadata types that count, including deleted ones, and how many are allowed. */
export const customMetadataTypeUse = (org: Org): { used: number; max: number } => ({
  used: [...org.objects.values()].filter(
    ({ name, namespace }) => namespace === null && /__mdt$/i.test(name),
  ).length,
  max: CUSTOM_METADATA_TYPES,
})

/** Salesforce calls it an active org: neither a sandbox nor Developer Edition. */
export const isProduction = (org: Org): boolean => !org.isSandbox && org.edition !== 'Developer'
