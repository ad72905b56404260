// A field of a plan as an element of an object file and back.

import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf, list, type XmlValue } from '../../../salesforce/xml.ts'
import { asXmlValue, inSchemaOrder } from '../xml-tree.ts'
import { type ElementOf, SHARED_ELEMENTS } from './attributes.ts'
import {
  fieldKindOf,
  type FieldType,
  hasAttribute,
  isCalculated,
  isFieldType,
  planField,
  type PlanField,
} from './field-kinds.ts'
import { type Writing } from './kind.ts'

type Members = Record<string, XmlValue>

/** Elements that a plan does not mention and that mean nothing when they are false. */
const SILENT_WHEN_FALSE: ReadonlySet<string> = new Set([
  'externalId',
  'required',
  'unique',
  'trackFeedHistory',
  'trackHistory',
  'trackTrending',
  'deprecated',
])

/** Attributes of a type that are one element each: one table serves both ways. */
const elementsOf = (type: FieldType): [attribute: string, element: ElementOf][] =>
  Object.entries({ ...SHARED_ELEMENTS, ...fieldKindOf(type).elements }).filter(([attribute]) =>
    hasAttribute(type, attribute),
  )

const elementType = (field: PlanField): string =>
  fieldKindOf(field.type).elementType?.(field) ?? field.type

const ownMembers = (field: PlanField): Members => {
  const attributes: Readonly<Record<string, unknown>> = field
  const members: Members = { type: elementType(field) }
  for (const [attribute, [element]] of elementsOf(field.type)) {
    const value = attributes[attribute]
    if (value !== undefined) members[element] = asXmlValue(value)
  }
  return members
}

/** The type of an element in a plan; null for one that plans do not support. */
export const typeOfElement = (element: JsonObject): FieldType | null => {
  const type = leaf(element.formula) === null ? leaf(element.type) : 'Formula'
  return isFieldType(type) ? type : null
}

/** Whether the element is a field that shows what other fields hold. */
export const isCalculatedElement = (element: JsonObject): boolean => {
  const type = typeOfElement(element)
  return type !== null && isCalculated(type)
}

/**
 * The `fields` element. An existing field keeps whatever the plan does not mention (Salesforce: a
 * deployed field replaces the whole definition); with a new type it keeps only description and help.
 */
export const fieldElement = (
  field: PlanField,
  { current, relationshipOrder }: Writing,
): Members => {
  const isSameType =
    current !== null && current.type === elementType(field) && typeOfElement(current) === field.type
  const kept: Members = {}
  for (const [name, value] of Object.entries(current ?? {})) {
    if (isSameType || name === 'description' || name === 'inlineHelpText') {
      kept[name] = asXmlValue(value)
    }
  }
  const members = { ...kept, ...ownMembers(field) }
  const writing = { current: isSameType ? current : null, relationshipOrder }
  fieldKindOf(field.type).write?.(members, field, writing)
  return inSchemaOrder(members)
}

/** A field of an object file. */
export interface FieldImage {
  apiName: string
  /**
   * The same field in a plan; null for a standard field, or for a type or value that plans do not
   * support.
   */
  field: PlanField | null
  /** Elements that plans do not support (a lookup filter …). */
  beyond: string[]
  element: JsonObject
}

const readAttribute = (value: unknown, kind: ElementOf[1]): unknown => {
  if (typeof value !== 'string') return value
  if (kind === 'boolean') return value === 'true'
  return kind === 'number' ? Number(value) : value
}

/** Reads one `fields` element back. */
export const readField = (element: JsonObject): FieldImage => {
  const apiName = leaf(element.fullName) ?? ''
  const type = typeOfElement(element)
  if (type === null) return { apiName, field: null, beyond: Object.keys(element), element }

  const kind = fieldKindOf(type)
  const raw: Record<string, unknown> = { type }
  const covered = new Set(['type', ...(kind.covers ?? [])])
  for (const [attribute, [name, value]] of elementsOf(type)) {
    if (element[name] === undefined) continue
    covered.add(name)
    if (element[name] !== '') raw[attribute] = readAttribute(element[name], value)
  }
  Object.assign(raw, kind.read?.(element))
  const parsed = planField.safeParse(raw)
  const beyond = Object.entries(element)
    .filter(([name, value]) => {
      if (covered.has(name)) return false
      return !(SILENT_WHEN_FALSE.has(name) && list(value).every((item) => item === 'false'))
    })
    .map(([name]) => name)
  return { apiName, field: parsed.success ? parsed.data : null, beyond, element }
}
