// Every field type that a plan can name. A type is a file beside this one (or a part of one shared with
// similar types) and a line here.

import * as z from 'zod'
import { type JsonObject } from '../../../salesforce/json.ts'
import { autoNumber } from './auto-number.ts'
import { checkbox } from './checkbox.ts'
import { email, phone, url } from './contacts.ts'
import { encryptedText } from './encrypted-text.ts'
import { formula } from './formula.ts'
import { type FieldKind } from './kind.ts'
import { location } from './location.ts'
import { html, longTextArea } from './long-texts.ts'
import { date, dateTime, time } from './moments.ts'
import { currency, number, percent } from './numbers.ts'
import { multiselectPicklist, picklist } from './picklists.ts'
import { lookup, masterDetail } from './relationships.ts'
import { summary } from './summary.ts'
import { textArea } from './text-area.ts'
import { text } from './text.ts'

/** In the order of the documentation. */
export const FIELD_KINDS = {
  Text: text,
  TextArea: textArea,
  LongTextArea: longTextArea,
  Html: html,
  Number: number,
  Currency: currency,
  Percent: percent,
  Checkbox: checkbox,
  Date: date,
  DateTime: dateTime,
  Time: time,
  Email: email,
  Phone: phone,
  Url: url,
  Picklist: picklist,
  MultiselectPicklist: multiselectPicklist,
  AutoNumber: autoNumber,
  Lookup: lookup,
  MasterDetail: masterDetail,
  Formula: formula,
  Summary: summary,
  Location: location,
  EncryptedText: encryptedText,
} as const

type FieldSchema = (typeof FIELD_KINDS)[keyof typeof FIELD_KINDS]['schema']

export const planField = z
  .discriminatedUnion(
    'type',
    Object.entries(FIELD_KINDS).map(([type, { schema }]) =>
      schema.meta({ id: `Plan${type}Field` }),
    ) as [FieldSchema, ...FieldSchema[]],
  )
  .describe('A custom field; each type has its own attributes')
  .meta({ id: 'PlanField' })

export type PlanField = z.output<typeof planField>
export type FieldType = PlanField['type']
export type FieldOf<Type extends FieldType> = Extract<PlanField, { type: Type }>
export type PicklistField = FieldOf<'Picklist'> | FieldOf<'MultiselectPicklist'>

export const FIELD_TYPES = Object.keys(FIELD_KINDS) as FieldType[]

export const isFieldType = (type: unknown): type is FieldType =>
  typeof type === 'string' && Object.hasOwn(FIELD_KINDS, type)

/** The row of a type, which answers for any field of that type. */
export const fieldKindOf = (type: FieldType): FieldKind<PlanField> => FIELD_KINDS[type]

/** Whether fields of the type have the attribute. */
export const hasAttribute = (type: FieldType, attribute: string): boolean =>
  Object.hasOwn(FIELD_KINDS[type].schema.shape, attribute)

type RelationshipField = FieldOf<'Lookup'> | FieldOf<'MasterDetail'>

export const isRelationship = (field: PlanField): field is RelationshipField =>
  fieldKindOf(field.type).family === 'relationship'

export const isPicklist = (field: PlanField): field is PicklistField =>
  ['picklist', 'multi-select'].includes(fieldKindOf(field.type).family)

/** Whether every record has a value, whatever the plan says. */
export const isAlwaysRequired = ({ type }: PlanField): boolean =>
  fieldKindOf(type).isAlwaysRequired ?? false

/**
 * Whether no record can be saved without a value: then Salesforce accepts no field permission for it.
 */
export const isRequired = (field: PlanField): boolean =>
  isAlwaysRequired(field) || ('required' in field && field.required)

export const isCalculated = (type: FieldType): boolean => fieldKindOf(type).isCalculated ?? false

/** Whether users never write it: formulas, roll-ups and automatic numbers. */
export const isReadOnly = ({ type }: PlanField): boolean =>
  fieldKindOf(type).isReadOnly ?? isCalculated(type)

/** The plan's type for a field of a describe; null for types that plans do not support. */
export const typeOfDescribed = (described: JsonObject): FieldType | null =>
  FIELD_TYPES.find((type) => fieldKindOf(type).isDescribed(described)) ?? null
