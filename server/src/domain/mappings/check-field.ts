// One mapped field checked against the describes: whether it exists, can be written, and accepts the
// values that the mapping itself holds; for a lookup by external id, whether parents can be found that
// way.

import { type JsonObject } from '../../salesforce/json.ts'
import { sameName } from '../metadata/names.ts'
import {
  type DescribedField,
  type DescribedObject,
  fieldNamed,
  isKey,
  isUniqueKey,
  isWritable,
  relationshipNamed,
} from './describe.ts'
import { error, type Fault, some, warning } from './finding.ts'
import { type MappingDraft, type MappingField } from './mapping.ts'
import { type Removed } from './present.ts'
import { parentText, parseSfdcField, type SfdcField } from './sfdc-field.ts'
import { type MappingCode } from './finding-codes.ts'
import { closestName } from './suggest/words.ts'
import { valueFault } from './value-fit.ts'

type Parent = Extract<SfdcField, { kind: 'parent' }>

/** The part of a snapshot that a mapping concerns. */
export interface KnownSchema {
  /** Every object that the connected user sees. */
  objectNames: readonly string[]
  /** Objects that exist and could not be described. */
  unreadable: readonly string[]
  /** What an earlier snapshot has but the connected user no longer sees: `Object`, `Object.Field`. */
  notVisible: readonly string[]
  /** What rollbacks removed since the snapshot, each with its deployment; absent: nothing. */
  removed?: Removed
  /** Describes of the mapped object and of the parents that its mapped relationships lead to. */
  describes: ReadonlyMap<string, JsonObject>
}

/** A described object by name, case-insensitive; null if not known. */
export type Objects = (name: string) => DescribedObject | null

/** How many values of one map get a finding each; the rest are counted. */
const VALUE_FINDINGS_MAX = 20

const has = (names: readonly string[], name: string): boolean =>
  names.some((other) => sameName(other) === sameName(name))

/** A finding for an object that the snapshot does not describe. */
export const missingObject = (name: string, known: KnownSchema): Fault => {
  if (has(known.unreadable, name)) {
    return warning(
      'object_unreadable',
      `${name} exists and could not be described, so its fields are not known.`,
      'See stats.unreadable of the snapshot for the reason.',
    )
  }
  if (has(known.notVisible, name)) {
    return error(
      'object_not_visible',
      `The connected user no longer sees ${name}: an earlier snapshot has it, and it may still exist.`,
      'Grant the user access to the object in Salesforce, then pull the topology.',
    )
  }
  const removedBy = known.removed?.get(sameName(name))
  if (removedBy !== undefined) return removedByRollback('object_unknown', name, removedBy)
  const near = closestName(name, known.objectNames)
  return error(
    'object_unknown',
    `The snapshot has no object ${name}: it does not exist, or the connected user cannot see it.`,
    near === null
      ? 'Correct the name, deploy the object, or grant access to it; then pull the topology.'
      : `Did you mean ${near}? Otherwise deploy it or grant access to it, and pull the topology.`,
  )
}

const removedByRollback = (code: MappingCode, name: string, deploymentId: string): Fault =>
  error(
    code,
    `${name} was removed by the rollback of deployment ${deploymentId}.`,
    'Deploy it again, or remove it from the mapping. If it was created again by other means, pull the topology.',
  )

export interface CheckedField {
  /** The field that is written; null where it could not be found. */
  written: DescribedField | null
  faults: Fault[]
}

/** Which field a mapped one writes, and what is wrong with it. */
export const checkField = (
  field: MappingField,
  mapping: MappingDraft,
  object: DescribedObject,
  known: KnownSchema,
  objectOf: Objects,
): CheckedField => {
  const target = parseSfdcField(field.sfdc_field)
  if (target === null) return { written: null, faults: [] } // refused by the schema
  const isKeyField =
    target.kind === 'field' && sameName(target.name) === sameName(mapping.external_id_field ?? '')
  if (target.kind === 'field') {
    const written = fieldNamed(object, target.name)
    if (written === null) return { written, faults: [missingField(target.name, object, known)] }
    return {
      written,
      faults: [
        // The key that finds the record need not be writable: keyFaults checks that.
        ...(isKeyField ? [] : writeFaults(written, object)),
        ...valueFaults(field, written, isKeyField),
      ],
    }
  }
  const written = relationshipNamed(object, target.relationship)
  if (written === null) return { written, faults: [missingRelationship(target, object, known)] }
  const faults = writeFaults(written, object)
  const parent = parentOf(target, written, faults)
  const key = parent === null ? null : parentKey(target.key, parent, known, objectOf, faults)
  // The values are the parent's keys, whatever the type of the field that holds its id.
  if (key !== null) faults.push(...valueFaults(field, key, true))
  return { written, faults }
}

/** A finding for a field that the object does not have, or no longer. */
const missingField = (name: string, object: DescribedObject, known: KnownSchema): Fault => {
  const fullName = `${object.name}.${name}`
  const removedBy = known.removed?.get(sameName(fullName))
  return removedBy === undefined
    ? unknownField(name, object, known)
    : at('sfdc_field', removedByRollback('field_unknown', fullName, removedBy))
}

/** A relationship whose field a rollback removed. */
const missingRelationship = (
  target: Parent,
  object: DescribedObject,
  known: KnownSchema,
): Fault => {
  const fullName = `${object.name}.${target.relationship.replace(/__r$/i, '__c')}`
  const removedBy = known.removed?.get(sameName(fullName))
  return removedBy === undefined
    ? unknownRelationship(target, object)
    : at('sfdc_field', removedByRollback('relationship_unknown', fullName, removedBy))
}

const at = (member: string, fault: Fault): Fault => ({ ...fault, at: member })

export const unknownField = (
  name: string,
  object: DescribedObject,
  known: Pick<KnownSchema, 'notVisible'>,
): Fault => {
  if (has(known.notVisible, `${object.name}.${name}`)) {
    return at(
      'sfdc_field',
      error(
        'field_not_visible',
        `The connected user no longer sees ${object.name}.${name}: an earlier snapshot has it, and it may still exist.`,
        'Grant the user read access to the field in Salesforce, then pull the topology.',
      ),
    )
  }
  const relation = relationshipNamed(object, name)
  if (relation !== null) {
    return at(
      'sfdc_field',
      error(
        'field_is_relationship',
        `${name} is the name of a relationship of ${object.name}, not of a field.`,
        `Write ${name}. and the parent's external id to look it up, or ${relation.name} to send its Id.`,
      ),
    )
  }
  const near = closestName(
    name,
    object.fields.map((field) => field.name),
  )
  return at(
    'sfdc_field',
    error(
      'field_unknown',
      `${object.name} has no field ${name} in the snapshot: it does not exist, or field-level security hides it from the connected user.`,
      near === null
        ? 'Correct the name, deploy the field, or grant it to the connected user; then pull the topology.'
        : `Did you mean ${near}? Otherwise deploy it or grant it to the connected user, and pull the topology.`,
    ),
  )
}

const unknownRelationship = (
  { relationship, key, object: type }: Parent,
  object: DescribedObject,
): Fault => {
  const holder = fieldNamed(object, relationship)
  const right = holder?.relationshipName ?? null
  if (right !== null) {
    return at(
      'sfdc_field',
      error(
        'relationship_unknown',
        `${relationship} is the field that holds the parent's Id; a lookup by external id names the relationship.`,
        `Write ${parentText(right, key, type)}.`,
      ),
    )
  }
  const near = closestName(
    relationship,
    object.fields.flatMap(({ relationshipName }) => relationshipName ?? []),
  )
  return at(
    'sfdc_field',
    error(
      'relationship_unknown',
      `${object.name} has no relationship ${relationship} in the snapshot.`,
      near === null
        ? 'Name a relationship of the object, and pull the topology if it is new.'
        : `Did you mean ${parentText(near, key, type)}?`,
    ),
  )
}

const COMPOUND: ReadonlySet<string> = new Set(['address', 'location', 'complexvalue'])

/** Why nobody can write the field. */
const readOnlyReason = (
  field: DescribedField,
  object: DescribedObject,
): [why: string, remedy: string] => {
  const parts = object.fields.filter(
    (part) => sameName(part.compoundFieldName ?? '') === sameName(field.name) && isWritable(part),
  )
  const others = 'Map to a different field.'
  if (parts.length > 0 || COMPOUND.has(field.type)) {
    return [
      'Salesforce composes it from other fields',
      parts.length === 0 ? others : `Map to its parts: ${some(parts.map(({ name }) => name))}.`,
    ]
  }
  if (field.calculated) return ['it is a formula or a roll-up', others]
  if (field.autoNumber) return ['Salesforce counts it by itself', others]
  return [
    'Salesforce sets it, or the connected user can only read it',
    'Grant edit access to the field if it is an ordinary one; otherwise map to a different field.',
  ]
}

const writeFaults = (field: DescribedField, object: DescribedObject): Fault[] => {
  if (!isWritable(field)) {
    const [why, remedy] = readOnlyReason(field, object)
    return [
      at(
        'sfdc_field',
        error('field_read_only', `${field.name} cannot be written: ${why}.`, remedy),
      ),
    ]
  }
  if (field.type === 'base64') {
    return [
      at(
        'sfdc_field',
        error(
          'field_type_unsupported',
          `${field.name} holds a file's content, which pushes do not carry.`,
          'Map to a different field.',
        ),
      ),
    ]
  }
  if (field.createable && field.updateable) return []
  return [
    at(
      'sfdc_field',
      field.createable
        ? warning(
            'field_only_on_create',
            `${field.name} can be written only when a record is created; existing records keep their value, and their rows say so.`,
            'To change it too, make the field editable (for a master-detail, allow reparenting).',
          )
        : warning(
            'field_only_on_update',
            `${field.name} can be written only on records that exist; rows that create one would fail.`,
            'Leave it out if records are created by this mapping.',
          ),
    ),
  ]
}

const valueFaults = (field: MappingField, target: DescribedField, isKeyValue: boolean): Fault[] => {
  const faults: Fault[] = []
  const ofDefault = valueFault(target, field.default)
  if (ofDefault !== null) faults.push(at('default', ofDefault))
  if (field.default !== null && target.unique && !isKeyValue) {
    faults.push(
      at(
        'default',
        error(
          'default_on_unique',
          `${target.name} is unique, so only one record could have the default.`,
          'Leave the default out.',
        ),
      ),
    )
  }
  const ofValues = Object.entries(field.value_map ?? {}).flatMap(([from, to]) => {
    const fault = valueFault(target, to)
    return fault === null ? [] : [at(`value_map.${from}`, fault)]
  })
  faults.push(...ofValues.slice(0, VALUE_FINDINGS_MAX))
  if (ofValues.length > VALUE_FINDINGS_MAX) {
    const severity = ofValues.some((fault) => fault.severity === 'error') ? error : warning
    faults.push(
      at(
        'value_map',
        severity(
          'more_values',
          `${ofValues.length - VALUE_FINDINGS_MAX} more values do not fit ${target.name}.`,
          'Correct the listed ones and validate again.',
        ),
      ),
    )
  }
  return faults
}

const parentOf = (
  { relationship, key, object: type }: Parent,
  { name, referenceTo }: DescribedField,
  faults: Fault[],
): string | null => {
  if (type === null) {
    const [only] = referenceTo
    if (only !== undefined && referenceTo.length === 1) return only
    faults.push(
      at(
        'sfdc_field',
        error(
          'parent_ambiguous',
          `${name} can refer to ${some(referenceTo, 8)}, and a key alone does not say which.`,
          `Name the object before a colon: ${parentText(relationship, key, only ?? 'Object')}.`,
        ),
      ),
    )
    return null
  }
  const meant = referenceTo.find((target) => sameName(target) === sameName(type))
  if (meant === undefined) {
    faults.push(
      at(
        'sfdc_field',
        error(
          'parent_not_referenced',
          `${name} does not lead to ${type}.`,
          `It leads to ${some(referenceTo, 8)}.`,
        ),
      ),
    )
  }
  return meant ?? null
}

const parentKey = (
  keyName: string,
  parentName: string,
  known: KnownSchema,
  objectOf: Objects,
  faults: Fault[],
): DescribedField | null => {
  const parent = objectOf(parentName)
  if (parent === null) {
    faults.push(at('sfdc_field', missingObject(parentName, known)))
    return null
  }
  const key = fieldNamed(parent, keyName)
  if (key === null) {
    faults.push({ ...unknownField(keyName, parent, known), code: 'parent_key_unknown' })
    return null
  }
  if (!isKey(key)) {
    const keys = parent.fields.filter(isKey).map(({ name }) => name)
    faults.push(
      at(
        'sfdc_field',
        error(
          'parent_key_not_external_id',
          `${parent.name}.${key.name} is neither an external id nor an idLookup field, so parents cannot be found by it.`,
          `Use one that is (${some(keys)}), or make it an external id.`,
        ),
      ),
    )
  } else if (!isUniqueKey(key)) {
    faults.push(
      at(
        'sfdc_field',
        warning(
          'parent_key_not_unique',
          `Several records of ${parent.name} can have the same ${key.name}; Salesforce refuses a row whose parent is ambiguous.`,
          'Look the parent up by a unique field.',
        ),
      ),
    )
  }
  return key
}
