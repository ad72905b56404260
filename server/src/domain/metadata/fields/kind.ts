// What a field type is. Whatever differs from type to type asks the row of the type, so that a new one is
// a file beside this and a line in
// field-kinds.ts.

import type * as z from 'zod'
import { type Soql, soql, soqlName } from '../../../salesforce/escape.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { type XmlValue } from '../../../salesforce/xml.ts'
import { type ElementOf } from './attributes.ts'
import { type ConversionSide } from './conversion.ts'

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
  /** Order of a master-detail where neither the plan nor the Salesforce org says one. */
  relationshipOrder: number
}

/** A field of the plan as another one's check looks at it. */
export interface OtherField {
  type: string
  /** What a roll-up can do with its values. */
  rollsUp: 'sum' | 'order' | null
  /** The object that it looks up, if it does. */
  referenceTo: string | null
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

/** A row; `Field` is the field in a plan's words. Members that a type leaves out have the default said. */
export interface FieldKind<Field> extends ConversionSide {
  /** Whether a describe's entry shows a field of this type. */
  isDescribed(described: JsonObject): boolean
  /** Types by which a describe may show the field. */
  describeTypes(field: Field): readonly string[]
  /** Another type that describes show by the same word, told apart by what they show beside it. */
  otherThan?(described: JsonObject): string | null
  /** Members of a describe that show attributes of this type alone. */
  compare?(field: Field): Comparison[]
  /** Differences that are more than one value beside another. */
  differences?(field: Field, described: JsonObject): FieldDifference[]
  /** Attributes of this type alone that no describe shows. */
  unseen?: readonly string[]

  /** Attributes of this type alone that are one element each. */
  elements?: Readonly<Record<string, ElementOf>>
  /** `type` in an object file; default the type's own name. */
  elementType?(field: Field): string
  /** Completes the members of the element, which hold the attributes and what stays as it is. */
  write?(members: Record<string, XmlValue>, field: Field, writing: Writing): void
  /** Reads what is no single element, in the words of the plan. */
  read?(element: JsonObject): Record<string, unknown>
  /** Elements that `read` takes care of. */
  covers?: readonly string[]
  /** What stands inside those elements and a plan has no words for. */
  beyond?(element: JsonObject): string[]

  /** What Salesforce would refuse about the combination of its attributes. */
  check?(field: Field, checking: Checking): void

  /** It shows what other fields hold: nobody enters anything, and nothing is lost with it. */
  isCalculated?: true
  /** Users never write it. Calculated ones need not say so. */
  isReadOnly?: true
  /** A record cannot be without a value, whatever the plan says. */
  isAlwaysRequired?: true
  /** Salesforce shows its values behind a mask, so that nobody can look at them. */
  isMasked?: true
  /** What a roll-up can do with its values; default nothing. */
  rollsUp?: 'sum' | 'order'
  /**
   * It holds on to other fields or objects, so that it is deleted by name even with its object; its place
   * among fields that do.
   */
  releasePlace?: number
  /** Custom fields for which it counts; default one. */
  room?: number
  /**
   * SOQL's condition for rows in which something was entered; null where the field cannot stand in a
   * WHERE. `startsAs` is the field's default value. Default: the field is not null.
   */
  filled?(name: string, startsAs: string | boolean | null): Soql | null
}

/** A row with the shape of its fields, which says what `Field` is. */
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
