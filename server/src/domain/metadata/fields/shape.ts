// A field as far as its values are concerned, whether known from a plan, a describe or a file; and what
// happens to its values when one such field replaces another.

import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { type Conversion, kept, type Side } from './conversion.ts'
import {
  type Dependency,
  dependencyOfDescribed,
  dependencyOfElement,
  dependencyOfPlanned,
  type FieldNamed,
} from './dependencies.ts'
import { typeOfElement } from './element.ts'
import {
  fieldKindOf,
  type FieldType,
  isPicklist,
  type PlanField,
  typeOfDescribed,
} from './field-kinds.ts'
import { listedValues, picklistValues } from './picklists.ts'

export interface FieldShape extends Side {
  type: FieldType
  /** What can be chosen in it for which value of another field; null where that depends on none. */
  dependency: Dependency | null
}

const shapeOf = (
  type: FieldType,
  sizes: Omit<FieldShape, 'type' | 'family' | 'dependency'>,
  dependency: Dependency | null,
): FieldShape => {
  const { family, length } = fieldKindOf(type)
  return { type, family, ...sizes, length: length ?? sizes.length, dependency }
}

const whole = (value: unknown): number | null => {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) ? number : null
}

export const shapeOfPlanned = (field: PlanField): FieldShape => {
  const attributes: Readonly<Record<string, unknown>> = field
  return shapeOf(
    field.type,
    {
      length: whole(attributes.length),
      precision: whole(attributes.precision),
      scale: whole(attributes.scale),
      values:
        isPicklist(field) && field.values !== undefined
          ? picklistValues(field).map(({ value }) => value)
          : null,
    },
    isPicklist(field) ? dependencyOfPlanned(field) : null,
  )
}

/** Null for a field of a type that plans do not support. */
export const shapeOfDescribed = (
  described: JsonObject,
  fieldNamed: FieldNamed = () => null,
): FieldShape | null => {
  const type = typeOfDescribed(described)
  if (type === null) return null
  const values = listObjects(described.picklistValues).map(({ value }) => leaf(value) ?? '')
  return shapeOf(
    type,
    {
      length: whole(described.length),
      precision: whole(described.precision),
      scale: whole(described.scale),
      values: values.length === 0 ? null : values,
    },
    dependencyOfDescribed(described, fieldNamed),
  )
}

/** Null for a field of a type that plans do not support. */
export const shapeOfElement = (element: JsonObject): FieldShape | null => {
  const type = typeOfElement(element)
  if (type === null) return null
  const values = listedValues(element)
  return shapeOf(
    type,
    {
      length: whole(element.length),
      precision: whole(element.precision),
      scale: whole(element.scale),
      values: values.length === 0 ? null : values,
    },
    dependencyOfElement(element),
  )
}

/** What Salesforce makes of the values of the field `from` when it is deployed as `to`. */
export const conversionOf = (from: FieldShape, to: FieldShape): Conversion => {
  const kind = fieldKindOf(to.type)
  if (from.type === to.type) return kind.resizes?.(from, to) ?? kept('values stay')
  // What either of the two types refuses is refused.
  const becomes = fieldKindOf(from.type).becomes(from, to)
  return becomes.kind === 'refused' ? becomes : (kind.madeOf?.(from, to) ?? becomes)
}
