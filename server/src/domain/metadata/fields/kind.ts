// What a field type is. Everything that differs between types is in the row of the type, so that a new
// one is a file beside this one and a line in field-kinds.ts.

import type * as z from 'zod'
import { type Soql, soql, soqlName } from '../../../salesforce/escape.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { type XmlValue } from '../../../salesforce/xml.ts'
import { type ElementOf } from './attributes.ts'
import { type ConversionSide } from './conversion.ts'
import { type FieldNamed } from './dependencies.ts'

export interface FieldDifference {
  /** Attribute of the plan's field. */
  attribute: string
  planned: unknown
  found: unknown
}

/** One attribute of a plan's field beside one member of its describe. */
export interface Comparison {
  attribute: string
  planned: unknown
  /** Member of the describe; one that is absent (older API versions) says nothing. */
  member: string
}

export const scalar = (attribute: string, planned: unknown, member = attribute): Comparison => ({
  attribute,
  planned,
  member,
})

/** What writing an element depends on beside the field. */
export interface Writing {
  /** The field's element as it is now; null for a new field and for one of another type. */
  current: JsonObject | null
  /** Order of a master-detail if neither the plan nor the Salesforce org gives one. */
  relationshipOrder: number
}

/** A field of the plan as the check of another field sees it. */
export interface OtherField {
  /** Of a formula, the type of its result. */
  type: string
  isFormula: boolean
  /** What a roll-up can do with its values. */
  rollsUp: 'sum' | 'order' | null
  /** The object that it refers to, if any. */
  referenceTo: string | null
  /** A picklist's own values; null for any other field. */
  values: readonly string[] | null
  /** The field on which its values depend. */
  controlledBy: string | null
}

export interface Checking {
  /** `Object__c.Field__c`, as messages name it. */
  full: string
  /** API name of the field's object. */
  object: string
  /** Reports a fault at a member of the field. */
  add: (at: string | readonly (string | number)[], code: string, message: string) => void
  hasObject: (object: string) => boolean
  /** Null for a field that the plan does not mention. */
  fieldOf: (object: string, field: string) => OtherField | null
}

/** A row; `Field` is the field in a plan. Members that a type leaves out have the stated default. */
export interface FieldKind<Field> extends ConversionSide {
  /** Whether a describe's entry shows a field of this type. */
  isDescribed(described: JsonObject): boolean
  /** Types by which a describe may show the field. */
  describeTypes(field: Field): readonly string[]
  /**
   * Another type that describes show by the same word; other members of the describe tell them apart.
   */
  otherThan?(described: JsonObject): string | null
  /** Members of a describe that show attributes of this type only. */
  compare?(field: Field): Comparison[]
  /** Differences that a comparison of single values does not find. */
  differences?(field: Field, described: JsonObject, fieldNamed: FieldNamed): FieldDifference[]
  /** Attributes of this type only that no describe shows. */
  unseen?: readonly string[]

  /** Attributes of this type only that are one element each. */
  elements?: Readonly<Record<string, ElementOf>>
  /** `type` in an object file; default the type's own name. */
  elementType?(field: Field): string
  /** Completes the members of the element, which hold the attributes and what stays as it is. */
  write?(members: Record<string, XmlValue>, field: Field, writing: Writing): void
  /** Reads what is more than a single element, as in the plan. */
  read?(element: JsonObject): Record<string, unknown>
  /** Elements that `read` takes care of. */
  covers?: readonly string[]

  /** What Salesforce would refuse about the combination of its attributes. */
  check?(field: Field, checking: Checking): void

  /** It shows what other fields hold: nobody enters values, and deleting it loses nothing. */
  isCalculated?: true
  /** Users never write it. Calculated ones need not say so. */
  isReadOnly?: true
  /** Every record has a value, whatever the plan says. */
  isAlwaysRequired?: true
  /** Salesforce shows its values masked, so they cannot be read. */
  isMasked?: true
  /** What a roll-up can do with its values; default nothing. */
  rollsUp?: 'sum' | 'order'
  /**
   * It depends on other fields or objects, so it is deleted by name even with its object; its position
   * among such fields.
   */
  releasePlace?: number
  /** How many custom fields it counts as. Default: one. */
  room?: number
  /**
   * SOQL's condition for rows in which something was entered; null if the field cannot be used in a
   * WHERE. `startsAs` is the field's default value. Default: the field is not null.
   */
  filled?(name: string, startsAs: string | boolean | null): Soql | null
}

/** A row with the schema of its fields, from which `Field` follows. */
export const fieldKind = <Schema extends z.ZodType>(
  kind: FieldKind<z.output<Schema>> & { schema: Schema },
): FieldKind<z.output<Schema>> & { schema: Schema } => kind

/** Rows in which the field is not empty. */
export const isNotNull = (name: string): Soql => soql`${soqlName(name)} != null`

/** Neither a formula nor a roll-up, and shown as one of these types. */
export const describedAs =
  (...types: readonly string[]) =>
  (described: JsonObject): boolean =>
    typeof described.calculatedFormula !== 'string' &&
    described.calculated !== true &&
    types.includes(String(described.type))
