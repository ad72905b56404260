// One mapped field, with everything about it resolved: how a record's value is converted, and where in
// the request it goes.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type MappedValue, type MappingField } from '../../mappings/mapping.ts'
import { parseSfdcField, type SfdcField, writtenField } from '../../mappings/sfdc-field.ts'
import { sameName } from '../../metadata/names.ts'
import {
  anyScalar,
  coercerFor,
  type TargetField,
  type TargetObject,
  type ValueKind,
  valueKindOf,
} from './described.ts'
import { keyCoercer } from './numbers.ts'
import { CLEAR, type Coerce, EMPTY, Noted, Refusal, type Scalar, shown } from './refusal.ts'
import { scalarText, trimmed } from './text.ts'

/** Rows of an upsert may create their record; those of an update change an existing one. */
export type Writing = 'upsert' | 'update'

export type Taken = Scalar | Noted | typeof EMPTY | typeof CLEAR | Refusal

export interface MappedField {
  /** The caller's name for it. */
  name: string
  /** API name of the field that is written. */
  written: string
  /** Member of the request that holds its value: the field, or the relationship to a parent. */
  member: string
  /** The field as described; null without a describe. For a parent: the field that holds its id. */
  field: TargetField | null
  valueKind: ValueKind
  /** Whether a row of an upsert needs a value: the mapping says so, or Salesforce does. */
  required: boolean
  hasDefault: boolean
  /** Converts the record's value (`undefined`: it has no such member). */
  take(raw: unknown): Taken
  /** Puts a value into the fields of a request. */
  put(fields: JsonObject, value: Scalar): void
  /** Empties the field, if that is possible. */
  clear(fields: JsonObject): Refusal | null
  /** The key of the parent that rows may share; null if the field refers to none. */
  lockKey: ((value: Scalar) => string) | null
  /** Whether the field identifies records: an external id, an idLookup field, or Id. Null: not known. */
  isKey: boolean | null
  /** Reads the value that a record is found by, whether or not the field may be written. */
  takeKey(raw: unknown): Exclude<Taken, Noted>
  /** Set if this is the parent's key: lookups are written by it. */
  parent: Extract<SfdcField, { kind: 'parent' }> | null
}

export interface MappedFieldContext {
  /** API name, for messages. */
  objectName: string
  /** Null if the snapshot has no describe of it. */
  object: TargetObject | null
  targets: (object: string) => TargetObject | null
  writing: Writing
  nullPolicy: 'skip' | 'blank'
}

/** The refusal for a name that is not a field of the object, in Salesforce's words. */
export const noSuchField = (name: string, object: string): Refusal =>
  new Refusal(
    'INVALID_FIELD',
    `No such column '${name}' on sobject of type ${object}`,
    'Correct the name in the mapping; or deploy the field or grant it to the connected user, then pull the topology.',
  )

const readOnly = (name: string): Refusal =>
  new Refusal(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Unable to create/update fields: ${name}. The connected user cannot write it.`,
    'Grant edit access to the field; if it is a formula or set by Salesforce, remove it from the mapping.',
  )

const onlyOnCreate = (name: string): Refusal =>
  new Refusal(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Unable to create/update fields: ${name}. It can be set only when a record is created.`,
    'Leave it out of updates, or make the field editable (for a master-detail, allow reparenting) and pull the topology.',
  )

/** Why a value of the field cannot be written; null if it can. */
const writeFault = (name: string, field: TargetField | null, writing: Writing): Refusal | null => {
  if (field === null || field.updateable) return null
  if (!field.createable) return readOnly(name)
  return writing === 'upsert' ? null : onlyOnCreate(name)
}

export const missingField = (name: string): Refusal =>
  new Refusal(
    'REQUIRED_FIELD_MISSING',
    `Required fields are missing: [${name}]`,
    'Send a value or give the mapping a default; to change only existing records, use /api/push/status-update.',
  )

const uncheckable = (name: string): Refusal =>
  new Refusal(
    'INVALID_TYPE_ON_FIELD_IN_RECORD',
    `${name}: value not of required type: null. A checkbox cannot be empty.`,
    'Send true or false, or leave the field out.',
  )

/** Salesforce: required and without a default. A checkbox is never empty. */
export const isRequiredOnCreate = ({
  nillable,
  createable,
  defaultedOnCreate,
  type,
}: TargetField): boolean => !nillable && createable && !defaultedOnCreate && type !== 'boolean'

/** A record's owner and record type are not locked when the record is written. */
const UNLOCKED: ReadonlySet<string> = new Set([
  'user',
  'group',
  'recordtype',
  'profile',
  'userrole',
])

const locks = ({ referenceTo }: TargetField): boolean =>
  !referenceTo.every((object) => UNLOCKED.has(sameName(object)))

interface Resolved {
  written: string
  member: string
  /** The field that is written. */
  field: TargetField | null
  /** The field whose value is sent: the field itself, or the parent's key. */
  valueField: TargetField | null
  coerce: Coerce
  put: MappedField['put']
  lockKey: MappedField['lockKey']
  /** No value of this field can be sent. */
  fault: Refusal | null
  parent: MappedField['parent']
}

const failing = (target: SfdcField, text: string, fault: Refusal): Resolved => ({
  written: writtenField(text),
  member: writtenField(text),
  field: null,
  valueField: null,
  coerce: () => fault,
  put: () => undefined,
  lockKey: null,
  fault,
  parent: target.kind === 'parent' ? target : null,
})

const resolveField = (name: string, context: MappedFieldContext): Resolved => {
  const { object, objectName, targets, writing } = context
  const field = object?.field(name) ?? null
  if (object !== null && field === null) {
    return failing({ kind: 'field', name }, name, noSuchField(name, objectName))
  }
  const written = field?.name ?? name
  return {
    written,
    member: written,
    field,
    valueField: field,
    coerce:
      object !== null && field !== null ? coercerFor(object, field, targets) : anyScalar(written),
    put: (fields, value) => {
      fields[written] = value
    },
    lockKey: field?.type === 'reference' && locks(field) ? String : null,
    fault: writeFault(written, field, writing),
    parent: null,
  }
}

const resolveParent = (
  target: Extract<SfdcField, { kind: 'parent' }>,
  text: string,
  context: MappedFieldContext,
): Resolved => {
  const { object, objectName, targets, writing } = context
  const field = object?.relationship(target.relationship) ?? null
  if (object !== null && field === null) {
    return failing(target, text, noSuchField(target.relationship, objectName))
  }
  const relationship = field?.relationshipName ?? target.relationship
  const referenceTo = field?.referenceTo ?? []
  const wanted = target.object ?? (referenceTo.length === 1 ? (referenceTo[0] ?? null) : null)
  const parentName =
    referenceTo.find((each) => sameName(each) === sameName(wanted ?? '')) ??
    (field === null ? wanted : null)
  if (field !== null && parentName === null) {
    const why =
      wanted === null
        ? `${field.name} can lead to ${referenceTo.join(', ')}, and the mapping does not say to which`
        : `${field.name} does not lead to ${wanted}`
    const remedy = `Write Object:${relationship}.${target.key} in the mapping.`
    return failing(target, text, new Refusal('INVALID_FIELD', `${why}.`, remedy))
  }
  const parent = parentName === null ? null : targets(parentName)
  const keyField = parent?.field(target.key) ?? null
  if (parent !== null && (keyField === null || !(keyField.externalId || keyField.idLookup))) {
    const fault =
      keyField === null
        ? noSuchField(target.key, parent.name)
        : new Refusal(
            'INVALID_FIELD',
            `${parent.name}.${keyField.name} is neither an external id nor an idLookup field.`,
            'Look the parent up by a field that is one.',
          )
    return failing(target, text, fault)
  }
  const key = keyField?.name ?? target.key
  const written = field?.name ?? writtenField(text)
  // Salesforce: a relationship that leads to several objects needs the type beside the key.
  const typed =
    target.object !== null || referenceTo.length > 1 ? (parentName ?? target.object) : null
  // The parent's own id is not an external id: it is sent as an id.
  const byId = sameName(key) === 'id'
  const lockPrefix = `${parentName ?? written}.${key}=`
  const locking = field === null || locks(field)
  return {
    written,
    member: byId ? written : relationship,
    field,
    valueField: keyField,
    coerce: keyCoercer(
      key,
      keyField?.type ?? null,
      parent !== null && keyField !== null
        ? coercerFor(parent, keyField, targets)
        : anyScalar(`${relationship}.${key}`),
    ),
    put: byId
      ? (fields, value) => {
          fields[written] = value
        }
      : (fields, value) => {
          fields[relationship] =
            typed === null ? { [key]: value } : { attributes: { type: typed }, [key]: value }
        },
    lockKey: !locking ? null : byId ? String : (value) => lockPrefix + String(value).toLowerCase(),
    fault: writeFault(written, field, writing),
    parent: target,
  }
}

/** Right sides of a value map, checked once: what each left side sends. */
const mapped = (
  valueMap: NonNullable<MappingField['value_map']>,
  coerce: Coerce,
): ReadonlyMap<string, Taken> =>
  new Map(Object.entries(valueMap).map(([from, to]) => [from, ownValue(to, coerce)]))

/** A value of the mapping itself: null empties the field. */
const ownValue = (value: MappedValue, coerce: Coerce): Taken => {
  if (value === null) return CLEAR
  const coerced = coerce(value)
  return coerced === EMPTY ? CLEAR : coerced
}

const withValueMap = (
  map: ReadonlyMap<string, Taken>,
  coerce: Coerce,
  isMulti: boolean,
): ((value: unknown) => Taken) => {
  const find = (value: unknown): Taken | undefined => {
    const exact = typeof value === 'string' ? map.get(value) : undefined
    if (exact !== undefined) return exact
    const text = scalarText(value)
    return text === null ? undefined : map.get(text)
  }
  return (value) => {
    const whole = find(value)
    if (whole !== undefined) return whole
    if (!isMulti) return coerce(value)
    const parts = Array.isArray(value)
      ? value
      : typeof value === 'string'
        ? value.split(';').map(trimmed)
        : [value]
    const sent: unknown[] = []
    for (const part of parts) {
      const to = find(part)
      if (to instanceof Refusal) return to
      if (to instanceof Noted) sent.push(to.value)
      else if (typeof to === 'string') sent.push(...to.split(';'))
      else if (to === undefined) sent.push(part)
      else if (to !== CLEAR && to !== EMPTY) sent.push(to)
    }
    const joined = coerce(sent)
    return joined === EMPTY && parts.length > 0 && trimmed(parts.join('')) !== '' ? CLEAR : joined
  }
}

/** An unmapped name is sent as it is. */
export const plainField = (name: string): MappingField => ({
  canonical_field: name,
  sfdc_field: name,
  required: false,
  default: null,
  value_map: null,
})

/** Resolves one field of a mapping. Whatever is wrong with it becomes a refusal of its values. */
export const createMappedField = (
  mapping: MappingField,
  context: MappedFieldContext,
): MappedField => {
  const target = parseSfdcField(mapping.sfdc_field)
  const resolved =
    target === null
      ? failing(
          { kind: 'field', name: mapping.sfdc_field },
          mapping.sfdc_field,
          noSuchField(mapping.sfdc_field, context.objectName),
        )
      : target.kind === 'field'
        ? resolveField(target.name, context)
        : resolveParent(target, mapping.sfdc_field, context)
  const { written, field, valueField, fault } = resolved
  const isKey =
    resolved.parent !== null
      ? false
      : field === null
        ? fault === null
          ? null
          : false
        : field.externalId || field.idLookup
  const coerce =
    isKey === true
      ? keyCoercer(written, valueField?.type ?? null, resolved.coerce)
      : resolved.coerce
  const byDefault = mapping.default === null ? EMPTY : ownValue(mapping.default, coerce)
  const convert =
    mapping.value_map === null
      ? (coerce as (value: unknown) => Taken)
      : withValueMap(
          mapped(mapping.value_map, coerce),
          coerce,
          valueField?.type === 'multipicklist',
        )
  const blanks = context.nullPolicy === 'blank'

  const takeValue = (raw: unknown): Taken => {
    if (raw === undefined || raw === null) return byDefault
    const value = convert(raw)
    return value === EMPTY ? byDefault : value
  }
  return {
    name: mapping.canonical_field,
    written,
    member: resolved.member,
    field,
    valueKind: resolved.parent === null && field !== null ? valueKindOf(field) : 'other',
    required:
      mapping.required ||
      (context.writing === 'upsert' && field !== null && isRequiredOnCreate(field)),
    hasDefault: byDefault !== EMPTY,
    takeKey: (raw) => {
      const value = takeValue(raw)
      return value instanceof Noted ? value.value : value
    },
    take: (raw) => {
      const value = takeValue(raw)
      if (value === EMPTY) return blanks && raw !== undefined ? CLEAR : EMPTY
      return value instanceof Refusal || fault === null ? value : fault
    },
    put: resolved.put,
    clear: (fields) => {
      if (fault !== null) return fault
      if (field?.type === 'boolean') return uncheckable(written)
      if (mapping.required || (field !== null && !field.nillable)) return missingField(written)
      fields[written] = null
      return null
    },
    lockKey: resolved.lockKey,
    isKey,
    parent: resolved.parent,
  }
}

/** Names that are not fields of the object. */
export const unknownField = (name: string, near: string | null, where: string): Refusal =>
  new Refusal(
    'UNKNOWN_FIELD',
    `${where} has no field ${shown(name)}.`,
    near === null
      ? 'Leave it out, or map it.'
      : `Did you mean ${near}? Otherwise leave it out, or map it.`,
  )
