// One object of the Salesforce org as a push writes it: its mapped fields resolved, its names, and how
// its records are found.

import { InexactNumber } from '../../../exact-json.ts'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { clip } from '../../../text.ts'
import { type MappingDraft } from '../../mappings/mapping.ts'
import { isEitherName, isPersonOrg } from '../../mappings/person-accounts.ts'
import { SFDC_FIELD } from '../../mappings/sfdc-field.ts'
import { closestName } from '../../mappings/suggest/words.ts'
import { sameName } from '../../metadata/names.ts'
import { type RowError } from '../model.ts'
import { ownIdCoercer, type TargetObject } from './described.ts'
import { CLEAR, EMPTY, Noted, Refusal, type Scalar, shown } from './refusal.ts'
import {
  createMappedField,
  isRequiredOnCreate,
  missingField,
  noSuchField,
  plainField,
  type MappedField,
  type MappedFieldContext,
  unknownField,
  type Writing,
} from './mapped-field.ts'

/** The field and value by which a record is found. */
export interface Match {
  /** API name of the field; `Id` if the row gives the id itself. */
  field: string
  value: Scalar
  /** For an external id: whether it is case-sensitive. */
  caseSensitive: boolean
}

export interface ObjectPlan {
  /** API name. */
  object: string
  /** The caller's name for it. */
  canonical: string
  target: TargetObject | null
  /** Fields of the mapping, in its order; none if names are Salesforce's own. */
  mappedFields: readonly MappedField[]
  mappedFieldOf(name: string): MappedField | null
  /** Required on create but not mapped: missing in a row that certainly creates a record. */
  unmappedRequired: readonly RowError[]
  unknown(name: string): RowError
  /** Reads `{ id }` or one field that identifies records. */
  match(raw: unknown, path: string): Match | RowError
  /** Reads the value of one field that identifies records. */
  matchBy(mapped: MappedField, value: unknown): Match | RowError
}

/** How many names that occur in rows are cached. */
const REMEMBERED_MAX = 1_000

interface PlanInput {
  canonical: string
  object: string
  mapping: MappingDraft | null
  targets: MappedFieldContext['targets']
  writing: Writing
  nullPolicy: MappedFieldContext['nullPolicy']
}

export const planObject = (input: PlanInput): ObjectPlan => {
  const { canonical, mapping, targets } = input
  const target = targets(input.object)
  const object = target?.name ?? input.object
  const context: MappedFieldContext = {
    objectName: object,
    object: target,
    targets,
    writing: input.writing,
    nullPolicy: input.nullPolicy,
  }
  const mappedFields = (mapping?.fields ?? []).map((field) => createMappedField(field, context))
  const byName = new Map<string, MappedField>(mappedFields.map((mapped) => [mapped.name, mapped]))
  const names =
    mapping === null ? (target?.fields ?? []).map(({ name }) => name) : [...byName.keys()]
  const where = mapping === null ? object : `The mapping ${canonical}`

  /** Without a mapping, names are Salesforce's own, resolved when they first occur. */
  const resolve = (name: string): MappedField | null => {
    if (mapping !== null || !SFDC_FIELD.test(name)) return null
    const mapped = createMappedField(plainField(name), context)
    if (target !== null && mapped.field === null) return null
    if (byName.size < REMEMBERED_MAX) byName.set(name, mapped)
    return mapped
  }
  const mappedFieldOf = (name: string): MappedField | null => byName.get(name) ?? resolve(name)

  const unknowns = new Map<string, RowError>()
  const unknown = (name: string): RowError => {
    const known = unknowns.get(name)
    if (known !== undefined) return known
    const remember = unknowns.size < REMEMBERED_MAX && name.length <= 100
    const near = remember ? closestName(name, names) : null
    const error = unknownField(name, near, where).of(clip(name, 100))
    if (remember) unknowns.set(name, error)
    return error
  }

  const ownId = ownIdCoercer(object, target)
  const match = (raw: unknown, path: string): Match | RowError => {
    const members = isObject(raw) ? Object.keys(raw) : []
    const [name] = members
    if (!isObject(raw) || name === undefined || members.length > 1) {
      return invalidMatch(`${path} must be exactly { "id": … } or one field and its value.`).of(
        path,
      )
    }
    const value = raw[name]
    if (name === 'id' || (mapping === null && sameName(name) === 'id')) {
      const id = value === null || value === undefined ? EMPTY : ownId(value)
      if (id === EMPTY) return missingKey(path).of(path)
      return id instanceof Refusal ? id.of(path) : { field: 'Id', value: id, caseSensitive: true }
    }
    const mapped = mappedFieldOf(name)
    return mapped === null ? unknown(name) : matchBy(mapped, value)
  }

  const matchBy = (mapped: MappedField, value: unknown): Match | RowError => {
    if (mapped.isKey === false) {
      return mapped.field === null && mapped.parent === null
        ? noSuchField(mapped.written, object).of(mapped.name)
        : invalidMatch(`${mapped.written} of ${object} does not identify records.`).of(mapped.name)
    }
    const key = mapped.takeKey(value)
    if (key === EMPTY || key === CLEAR) return missingKey(mapped.written).of(mapped.name)
    if (key instanceof Refusal) return key.of(mapped.name)
    return {
      field: mapped.written,
      value: key,
      caseSensitive: mapped.field?.caseSensitive ?? false,
    }
  }

  return {
    object,
    canonical,
    target,
    mappedFields,
    mappedFieldOf,
    unmappedRequired:
      mapping === null || input.writing === 'update'
        ? []
        : unmappedRequired(target, mappedFields, mapping),
    unknown,
    match,
    matchBy,
  }
}

const invalidMatch = (message: string): Refusal =>
  new Refusal(
    'INVALID_MATCH',
    message,
    'Match by { "id": … }, or by one field that maps to an external id or idLookup field.',
  )

export const missingKey = (field: string): Refusal =>
  new Refusal(
    'KEY_MISSING',
    `${field} is empty, so the record cannot be found.`,
    'Send the value that identifies the record.',
  )

const unmappedRequired = (
  target: TargetObject | null,
  mappedFields: readonly MappedField[],
  mapping: MappingDraft,
): RowError[] => {
  if (target === null) return []
  const written = new Set(mappedFields.map((mapped) => sameName(mapped.written)))
  written.add(sameName(mapping.external_id_field ?? ''))
  const persons = isPersonOrg(target)
  return target.fields
    .filter((field) => isRequiredOnCreate(field) && !written.has(sameName(field.name)))
    .filter(({ name }) => !(persons && isEitherName(name)))
    .map(({ name }) => missingField(name).of(name))
}

/** The result of reading the fields of a row. */
export interface Written {
  fields: JsonObject
  lockKeys: string[]
  errors: RowError[] | null
  warnings?: RowError[]
}

/** The warnings of a row, in the form of a ready row. */
export const warningsIn = ({ warnings }: Written): { warnings?: RowError[] } =>
  warnings === undefined || warnings.length === 0 ? {} : { warnings }

/** Only a record's own members are read: `constructor` is a name like any other. */
export const isRecord = (value: unknown): value is JsonObject =>
  isObject(value) && !(value instanceof InexactNumber)

export const notARecord = (path: string, value: unknown): RowError =>
  new Refusal(
    'INVALID_ROW',
    `${path} must be an object of fields, not ${Array.isArray(value) ? 'an array' : shown(value)}.`,
    'Send one JSON object.',
  ).of(path)

/** Writes the value of one field, or says why it cannot be written. False: there is nothing to write. */
export const writeMapped = (mapped: MappedField, raw: unknown, into: Written): boolean => {
  const taken = mapped.take(raw)
  if (taken instanceof Noted) (into.warnings ??= []).push(taken.warning.of(mapped.name))
  const value = taken instanceof Noted ? taken.value : taken
  if (value === EMPTY) return false
  if (value instanceof Refusal) {
    ;(into.errors ??= []).push(value.of(mapped.name))
    return false
  }
  if (value === CLEAR) {
    const refusal = mapped.clear(into.fields)
    if (refusal === null) return true
    ;(into.errors ??= []).push(refusal.of(mapped.name))
    return false
  }
  mapped.put(into.fields, value)
  if (mapped.lockKey !== null) into.lockKeys.push(mapped.lockKey(value))
  return true
}

/** A row may have any number of names; its result is kept and sent. */
const UNKNOWN_MAX = 20

export const addUnknown = (plan: ObjectPlan, name: string, into: Written): void => {
  into.errors ??= []
  if (into.errors.length < UNKNOWN_MAX) into.errors.push(plan.unknown(name))
}

/** Writes the fields that the row names and no others: defaults are for records that are new. */
export const writeNamed = (plan: ObjectPlan, given: JsonObject, into: Written): void => {
  for (const name of Object.keys(given)) {
    const mapped = plan.mappedFieldOf(name)
    if (mapped === null) addUnknown(plan, name, into)
    else writeMapped(mapped, given[name], into)
  }
}

/** `Map` of texts that identify a record within its object, to recognise repetitions. */
export const matchText = ({ field, value, caseSensitive }: Match): string => {
  const text = String(value)
  return `${field}=${caseSensitive ? text : text.toLowerCase()}`
}
