// What a mapping is: how the records of one canonical object become those of a Salesforce object.

import * as z from 'zod'
import { parseSfdcField, SFDC_FIELD, SFDC_NAME, targetKey } from './sfdc-field.ts'

/** A value as a Salesforce field accepts it in JSON. */
export type MappedValue = string | number | boolean | null

export interface MappingField {
  canonical_field: string
  /** `Phone`, `Account.Key__c`, `User:Owner.Email`; read it with `parseSfdcField`. */
  sfdc_field: string
  /** A record without a value (and without a default) is refused before it is sent. */
  required: boolean
  /** What is sent if the record has no value: Salesforce's own values, without the value map. */
  default: MappedValue
  /** The record's value as text → what is sent for it; a value that is not listed is sent as it is. */
  value_map: Readonly<Record<string, MappedValue>> | null
}

/** What a caller decides about a mapping. */
export interface MappingDraft {
  canonical_object: string
  sfdc_object: string
  /** Field by which the record is found; null: records are only updated and linked by their Id. */
  external_id_field: string | null
  fields: readonly MappingField[]
}

export interface Mapping extends MappingDraft {
  id: string
  client_id: string
  /** Counts 1, 2, 3 … with every update. */
  version: number
  is_active: boolean
  created_at: string
  updated_at: string
}

/** Salesforce: no object has more than 900 custom fields (help, Custom Fields Allowed Per Object). */
export const FIELDS_MAX = 1_000
const VALUE_MAP_MAX = 1_000
/** Salesforce: the longest value that both REST and Bulk API 2.0 accept. */
const VALUE_CHARS_MAX = 32_000

const storable = (max: number, min = 0) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine(
      (text) => text.isWellFormed() && !text.includes('\0'),
      'must contain neither U+0000 nor half a surrogate pair',
    )

/** Names of the caller's own model: members of the pushed records. */
export const canonicalName = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,99}$/, 'must be a letter, then up to 99 letters, digits, _ or -')

export const sfdcName = z
  .string()
  .regex(SFDC_NAME, 'must be an API name as in the Salesforce org, like Lead or Job__c')

const AS_DIGITS =
  'send a number beyond 2^53, or of more than about 16 digits, as a text of its digits'

const value = z
  .union(
    [
      storable(VALUE_CHARS_MAX),
      z
        .number()
        .refine((number) => !Number.isInteger(number) || Number.isSafeInteger(number), AS_DIGITS),
      z.boolean(),
      z.null(),
    ],
    { error: `must be a text, a number, true, false or null; ${AS_DIGITS}` },
  )
  .meta({ id: 'MappingValue' })

const mappingField = z.strictObject({
  canonical_field: canonicalName.describe('Member of the pushed records; case-sensitive'),
  sfdc_field: z
    .string()
    .regex(
      SFDC_FIELD,
      'must be Field, Relationship.Key or Object:Relationship.Key, in API names, like Phone, Account.Key__c or User:Owner.Email',
    )
    .describe(
      'Where the value goes. `Phone`: that field. `Account.Key__c`, `Company__r.Key__c`: the ' +
        'lookup to the parent record whose external id or idLookup field `Key__c` has the value; ' +
        'the name of the relationship is before the dot. `User:Owner.Email`: the same for a ' +
        'relationship that leads to several objects; the object is before the colon.',
    ),
  required: z
    .boolean()
    .default(false)
    .describe('A record without a value is refused before it is sent, unless there is a default'),
  default: value
    .default(null)
    .describe(
      'Sent as it is (without the value map) when the record has no value. null: no default',
    ),
  value_map: z
    .record(storable(255, 1), value)
    .refine(
      (map) => Object.keys(map).length <= VALUE_MAP_MAX,
      `must not have more than ${VALUE_MAP_MAX} values`,
    )
    .nullable()
    .default(null)
    .describe(
      'The value in the record (as text: `true`, `3`) → what is sent for it; null empties the field. ' +
        'A value that is not listed is sent unchanged.',
    ),
})

/** Each canonical field and each field of Salesforce once: two values for one field have no order. */
export const mappingFields = z
  .array(mappingField)
  .min(1)
  .max(FIELDS_MAX)
  .superRefine((fields, context) => {
    const refuse = (index: number, member: string, first: number, what: string) =>
      context.addIssue({
        code: 'custom',
        path: [index, member],
        message: `${what} is already mapped in fields.${first}`,
      })
    const canonical = new Map<string, number>()
    const targets = new Map<string, number>()
    for (const [index, { canonical_field, sfdc_field }] of fields.entries()) {
      const sameCanonical = canonical.get(canonical_field)
      if (sameCanonical === undefined) canonical.set(canonical_field, index)
      else refuse(index, 'canonical_field', sameCanonical, canonical_field)

      if (parseSfdcField(sfdc_field) === null) continue // refused above
      const sameTarget = targets.get(targetKey(sfdc_field))
      if (sameTarget === undefined) targets.set(targetKey(sfdc_field), index)
      else refuse(index, 'sfdc_field', sameTarget, `The field that ${sfdc_field} writes`)
    }
  })

/** The members that a caller sends, beside `client_id`. */
export const draftMembers = {
  canonical_object: canonicalName.describe('Name of the object in your own model; case-sensitive'),
  sfdc_object: sfdcName.describe('API name of the object in the Salesforce org'),
  external_id_field: sfdcName
    .nullable()
    .default(null)
    .describe(
      'Field of `sfdc_object` that finds the record: an external id, or an idLookup field. One of ' +
        '`fields` maps to it. null: no records are pushed, they are only changed and linked by Id.',
    ),
  fields: mappingFields,
}
