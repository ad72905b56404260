// A describe as far as mappings read it (REST API guide, sObject Describe; SOAP API guide, Field).

import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { sameName } from '../metadata/names.ts'

export interface DescribedField {
  name: string
  label: string
  /** Salesforce's type: string, picklist, reference, double … */
  type: string
  /** In characters; 0 where the type has none. */
  length: number
  precision: number
  scale: number
  /** Most digits of an int; 0 elsewhere. */
  digits: number
  createable: boolean
  updateable: boolean
  nillable: boolean
  defaultedOnCreate: boolean
  calculated: boolean
  autoNumber: boolean
  unique: boolean
  externalId: boolean
  idLookup: boolean
  restrictedPicklist: boolean
  /** Active values. */
  values: readonly { value: string; label: string }[]
  referenceTo: readonly string[]
  relationshipName: string | null
  /** The compound field that it is a part of, like Name or BillingAddress. */
  compoundFieldName: string | null
}

export interface DescribedObject {
  name: string
  label: string
  createable: boolean
  updateable: boolean
  fields: readonly DescribedField[]
}

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)
const objectsOf = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : []

const readField = (field: JsonObject): DescribedField => {
  const name = asText(field.name) ?? ''
  return {
    name,
    label: asText(field.label) ?? name,
    type: asText(field.type) ?? 'string',
    length: numberOf(field.length),
    precision: numberOf(field.precision),
    scale: numberOf(field.scale),
    digits: numberOf(field.digits),
    createable: field.createable === true,
    updateable: field.updateable === true,
    nillable: field.nillable === true,
    defaultedOnCreate: field.defaultedOnCreate === true,
    calculated: field.calculated === true,
    autoNumber: field.autoNumber === true,
    unique: field.unique === true,
    externalId: field.externalId === true,
    idLookup: field.idLookup === true,
    restrictedPicklist: field.restrictedPicklist === true,
    values: objectsOf(field.picklistValues)
      .filter(({ active }) => active !== false)
      .flatMap(({ value, label }) =>
        typeof value === 'string' ? [{ value, label: asText(label) ?? value }] : [],
      ),
    referenceTo: Array.isArray(field.referenceTo)
      ? field.referenceTo.filter((target) => typeof target === 'string')
      : [],
    relationshipName: asText(field.relationshipName),
    compoundFieldName: asText(field.compoundFieldName),
  }
}

export const readObject = (describe: JsonObject): DescribedObject => {
  const name = asText(describe.name) ?? ''
  return {
    name,
    label: asText(describe.label) ?? name,
    createable: describe.createable === true,
    updateable: describe.updateable === true,
    fields: objectsOf(describe.fields).map(readField),
  }
}

export const isWritable = ({ createable, updateable }: DescribedField): boolean =>
  createable || updateable

/** Whether it can find records (Salesforce: upsert, and parents by external id). */
export const isKey = ({ externalId, idLookup }: DescribedField): boolean => externalId || idLookup

export const fieldNamed = (object: DescribedObject, name: string): DescribedField | null =>
  object.fields.find((field) => sameName(field.name) === sameName(name)) ?? null

export const relationshipNamed = (object: DescribedObject, name: string): DescribedField | null =>
  object.fields.find(
    ({ relationshipName }) =>
      relationshipName !== null && sameName(relationshipName) === sameName(name),
  ) ?? null

/** Whether no two records can have the same value. */
export const isUniqueKey = ({ unique, type }: DescribedField): boolean => unique || type === 'id'

/**
 * Whether Salesforce requires it when a record is created: a checkbox is never empty, and a field with a
 * default need not be sent.
 */
export const isRequired = ({
  nillable,
  createable,
  defaultedOnCreate,
  type,
}: DescribedField): boolean => !nillable && createable && !defaultedOnCreate && type !== 'boolean'
