// What row preparation reads in a describe, beyond what mappings do: how each field's values are
// checked. (REST API guide, sObject Describe; SOAP API guide, DescribeSObjectResult.)

import { asText, isObject, type JsonObject } from '../../../salesforce/json.ts'
import { type DescribedField, readObject } from '../../mappings/describe.ts'
import { sameName } from '../../metadata/names.ts'
import { idCoercer, prefixesOf, recordTypeCoercer, type RecordType } from './ids.ts'
import { booleanCoercer, doubleCoercer, numberCoercer } from './numbers.ts'
import {
  multiPicklistCoercer,
  type Picklist,
  picklistCoercer,
  picklistEntries,
} from './picklists.ts'
import { type Coerce, wrongType } from './refusal.ts'
import { emailCoercer, scalarText, textCoercer } from './text.ts'
import { dateCoercer, dateTimeCoercer, timeCoercer } from './times.ts'

/** A describe of an object, parsed; undefined if the snapshot has none. */
export type Describes = (object: string) => JsonObject | undefined

export interface TargetField extends DescribedField {
  /** Case-sensitive external ids. */
  caseSensitive: boolean
  picklist: Picklist['entries']
}

export interface TargetObject {
  name: string
  createable: boolean
  updateable: boolean
  keyPrefix: string | null
  recordTypes: readonly RecordType[]
  fields: readonly TargetField[]
  field(name: string): TargetField | null
  relationship(name: string): TargetField | null
}

const recordTypesOf = (describe: JsonObject): RecordType[] =>
  (Array.isArray(describe.recordTypeInfos) ? describe.recordTypeInfos : [])
    .filter(isObject)
    .flatMap((info) => {
      const id = asText(info.recordTypeId)
      const name = asText(info.name) ?? ''
      return id === null
        ? []
        : [
            {
              id,
              name,
              developerName: asText(info.developerName) ?? name,
              usable: info.active !== false && info.available !== false,
            },
          ]
    })

const readTarget = (describe: JsonObject): TargetObject => {
  const object = readObject(describe)
  const raw = new Map(
    (Array.isArray(describe.fields) ? describe.fields : [])
      .filter(isObject)
      .map((field) => [field.name, field]),
  )
  const fields = object.fields.map((field): TargetField => {
    const more = raw.get(field.name) ?? {}
    return {
      ...field,
      caseSensitive: more.caseSensitive === true,
      picklist: picklistEntries(more.picklistValues),
    }
  })
  const byName = new Map(fields.map((field) => [sameName(field.name), field]))
  const byRelationship = new Map(
    fields.flatMap((field) =>
      field.relationshipName === null ? [] : [[sameName(field.relationshipName), field] as const],
    ),
  )
  return {
    name: object.name,
    createable: object.createable,
    updateable: object.updateable,
    keyPrefix: asText(describe.keyPrefix),
    recordTypes: recordTypesOf(describe),
    fields,
    field: (name) => byName.get(sameName(name)) ?? null,
    relationship: (name) => byRelationship.get(sameName(name)) ?? null,
  }
}

/** Parses each describe at most once. */
export const targetsOf = (describes: Describes): ((object: string) => TargetObject | null) => {
  const parsed = new Map<string, TargetObject | null>()
  return (object) => {
    const key = sameName(object)
    let target = parsed.get(key)
    if (target === undefined) {
      const describe = describes(object)
      target = describe === undefined ? null : readTarget(describe)
      // Names may come from rows: unknown ones are not cached.
      if (target !== null) parsed.set(key, target)
    }
    return target
  }
}

/** The kind of a value for the value profile. */
export type ValueKind = 'text' | 'number' | 'picklist' | 'multipicklist' | 'other'

const VALUE_KINDS: Readonly<Partial<Record<string, ValueKind>>> = {
  int: 'number',
  long: 'number',
  double: 'number',
  currency: 'number',
  percent: 'number',
  picklist: 'picklist',
  multipicklist: 'multipicklist',
  boolean: 'other',
  date: 'other',
  datetime: 'other',
  time: 'other',
  reference: 'other',
  id: 'other',
}

export const valueKindOf = (field: Pick<DescribedField, 'type'>): ValueKind =>
  VALUE_KINDS[field.type] ?? 'text'

/** For a field without a describe: any scalar, as it is. */
export const anyScalar =
  (field: string): Coerce =>
  (value) => {
    if (typeof value === 'boolean') return value
    if (typeof value === 'number' && scalarText(value) !== null) return value
    return textCoercer(field, 0)(value)
  }

/** How values of the field are converted to what the REST API accepts. */
export const coercerFor = (
  object: TargetObject,
  field: TargetField,
  targets: (object: string) => TargetObject | null,
): Coerce => {
  const { name, length } = field
  const prefixOf = (target: string) => targets(target)?.keyPrefix ?? null
  switch (field.type) {
    case 'int':
    case 'long':
    case 'currency':
    case 'percent':
      return numberCoercer(field)
    case 'double':
      return doubleCoercer(field)
    case 'boolean':
      return booleanCoercer(name)
    case 'date':
      return dateCoercer(name)
    case 'datetime':
      return dateTimeCoercer(name)
    case 'time':
      return timeCoercer(name)
    case 'email':
      return emailCoercer(name, length)
    case 'picklist':
    case 'multipicklist': {
      const list = {
        field: name,
        length,
        restricted: field.restrictedPicklist,
        entries: field.picklist,
      }
      return field.type === 'picklist' ? picklistCoercer(list) : multiPicklistCoercer(list)
    }
    case 'reference':
      if (sameName(name) === 'recordtypeid' && object.recordTypes.length > 0) {
        return recordTypeCoercer(name, object.recordTypes)
      }
      return idCoercer({
        name,
        objects: field.referenceTo,
        prefixes: prefixesOf(field.referenceTo, prefixOf),
      })
    case 'id':
      return ownIdCoercer(object.name, object)
    case 'base64':
      return (value) => wrongType(name, value, 'nothing: pushes do not carry the content of files')
    default:
      // string, textarea, phone, url (which Salesforce takes as any text), encryptedstring, combobox …
      return textCoercer(name, length)
  }
}

/** For a record's own id. */
export const ownIdCoercer = (name: string, object: TargetObject | null) =>
  idCoercer({
    name: 'Id',
    objects: [name],
    prefixes: prefixesOf([name], () => object?.keyPrefix ?? null),
    own: true,
  })
