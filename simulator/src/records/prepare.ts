// Turns a given row into changes: which fields, with which values, with whose rights. Parents given by
// an external id are looked up here.

import { findObject } from '../org/changes.ts'
import { toId18 } from '../org/ids.ts'
import { type Field, type Org, type Row, type SObject } from '../org/model.ts'
import { readValue } from './field-values.ts'
import { type ObjectPlan } from './plan.ts'
import {
  deleted,
  invalidReference,
  noForeignKey,
  noSuchField,
  notWritable,
  plainText,
  problem,
} from './row-errors.ts'
import { notSimulated } from '../refusals.ts'
import { recordStateOf } from './state.ts'
import { isSetupObject, targetRow } from './targets.ts'

/** Stored values by API name. */
export type Changes = Record<string, unknown>

/** Throws a `RowProblem` for the first thing that is wrong. */
export const readChanges = (
  org: Org,
  plan: ObjectPlan,
  given: Record<string, unknown>,
  event: 'create' | 'update',
  /** Lower-cased names that are the caller's own: the id, an external id that is the key. */
  skipped: ReadonlySet<string>,
): Changes => {
  const changes: Changes = {}
  const locked: string[] = []
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase()
    if (lower === 'attributes' || skipped.has(lower)) continue
    const known = plan.fields.get(lower)
    if (known === undefined) {
      const reference = plan.relationships.get(lower)
      if (reference === undefined) throw noSuchField(name, plan.object.name)
      readParent(org, plan, reference, value, event, changes, locked, given)
      continue
    }
    const { describe } = known.field
    if (event === 'create' ? !known.createable : !known.updateable) locked.push(describe.name)
    else changes[describe.name] = readValue(known, value, given)
  }
  if (locked.length > 0) throw notWritable(locked)
  return changes
}

const readParent = (
  org: Org,
  plan: ObjectPlan,
  reference: Field,
  value: unknown,
  event: 'create' | 'update',
  changes: Changes,
  locked: string[],
  given: Record<string, unknown>,
): void => {
  const { name, relationshipName } = reference.describe
  const own = plan.fields.get(name.toLowerCase())
  if (own === undefined || (event === 'create' ? !own.createable : !own.updateable)) {
    locked.push(name)
    return
  }
  if (Object.keys(given).some((key) => key.toLowerCase() === name.toLowerCase())) {
    throw problem(
      'INVALID_FIELD',
      `Cannot specify both an external ID reference ${relationshipName} and a salesforce id, ${name}`,
    )
  }
  changes[name] = value === null ? null : parentId(org, reference, value)
}

/** `{ Ext__c: 'k1' }`, with the target's type in `attributes` if there are several. */
const parentId = (org: Org, reference: Field, value: unknown): string => {
  const { describe } = reference
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw problem(
      'INVALID_FIELD',
      `The external foreign key reference does not reference a valid entity: ${describe.relationshipName}`,
    )
  }
  const { attributes, ...keys } = value as Record<string, unknown>
  const type = (attributes as { type?: unknown } | undefined)?.type
  const [entry, ...more] = Object.entries(keys)
  if (entry === undefined || more.length > 0) {
    throw problem(
      'INVALID_FIELD',
      `The relationship ${describe.relationshipName} takes one external id`,
    )
  }
  const [keyName, key] = entry
  const targets = typeof type === 'string' ? [type] : describe.referenceTo
  for (const targetName of targets) {
    const target = findObject(org, targetName)
    const field = target?.fields.get(keyName.toLowerCase())
    if (target === undefined || field === undefined) continue
    if (!isExternalKey(field)) break
    const text = plainText(key)
    if (field.describe.type === 'id') {
      const id = toId18(text)
      if (id !== null && targetRow(org, target.name, id) !== undefined) return id
      throw noForeignKey(text, keyName, target.name)
    }
    const [found, ...others] = recordStateOf(org).store.liveWith(target, field, key)
    if (found === undefined) throw noForeignKey(text, field.describe.name, target.name)
    if (others.length === 0) return found.Id
    throw problem(
      'DUPLICATE_EXTERNAL_ID',
      `${field.describe.name}: more than one record found for external id field: [${[found, ...others].map(({ Id }) => Id).join(', ')}]`,
    )
  }
  throw problem(
    'INVALID_FIELD',
    `The external foreign key reference does not reference a valid entity: ${describe.relationshipName}`,
  )
}

/** Fields by which upserts and foreign keys find records. */
export const isExternalKey = ({ describe }: Field): boolean =>
  describe.externalId || describe.idLookup || describe.type === 'id'

/**
 * Throws a `RowProblem` if a changed reference points to nothing, to a deleted record, or to a record
 * that it may not refer to.
 */
export const checkReferences = (
  org: Org,
  object: SObject,
  row: Row,
  changed: Iterable<string>,
): void => {
  for (const name of changed) {
    const field = object.fields.get(name.toLowerCase())
    const id = row[name]
    if (field?.describe.type !== 'reference' || typeof id !== 'string') continue
    if (name === 'RecordTypeId') checkRecordType(object, field, id)
    else checkReference(org, object, field, id)
  }
}

const checkRecordType = (object: SObject, { describe }: Field, id: string): void => {
  if (id === '012000000000000AAA') return
  if (object.recordTypes.some((type) => type.id === id && type.active)) return
  throw problem(
    'INVALID_CROSS_REFERENCE_KEY',
    `${describe.label}: this ID value isn't valid for the user: ${id}`,
    [describe.name],
  )
}

const USER = 'user'

const checkReference = (org: Org, object: SObject, { describe }: Field, id: string): void => {
  const filter = describe['filteredLookupInfo'] as { optionalFilter?: boolean } | null
  if (filter?.optionalFilter === false) {
    throw notSimulated(`the lookup filter of ${object.name}.${describe.name}`)
  }
  const targets = describe.referenceTo.filter((name) => {
    const prefix = findObject(org, name)?.describe.keyPrefix
    return prefix === null || prefix === id.slice(0, 3)
  })
  if (targets.length === 0) {
    throw problem(
      'FIELD_INTEGRITY_EXCEPTION',
      `${describe.label}: id value of incorrect type: ${id}`,
      [describe.name],
    )
  }
  for (const name of targets) {
    const found = targetRow(org, name, id)
    if (found === undefined) continue
    if (found.row['IsDeleted'] === true) throw deleted()
    if (describe.name === 'OwnerId') checkOwner(org, object, name, found.row)
    return
  }
  throw invalidReference([describe.name])
}

const checkOwner = (org: Org, object: SObject, type: string, owner: Row): void => {
  if (type.toLowerCase() === USER) {
    if (owner['IsActive'] !== false) return
    throw problem(
      'INACTIVE_OWNER_OR_USER',
      `Operation performed with inactive user [${owner.Id}] as owner of ${object.name}`,
      ['OwnerId'],
    )
  }
  const queue = org.groups.find(({ id }) => id === owner.Id)
  if (queue?.queueObjects.includes(object.name) === true) return
  throw problem('INVALID_CROSS_REFERENCE_KEY', `Queue not associated with this SObject type`, [
    'OwnerId',
  ])
}

/** Ids of the records that a save of this row also locks, beside the row itself. */
export const parentsToLock = (
  plan: ObjectPlan,
  before: Row | undefined,
  changes: Changes,
): string[] => {
  const ids: string[] = []
  for (const { describe } of plan.parents) {
    const { name } = describe
    const is = changes[name]
    const was = before?.[name]
    // Salesforce: a detail always locks its master; so do the standard children of an account.
    const always = describe.relationshipOrder !== null || describe.referenceTo.includes('Account')
    if (typeof is === 'string' && !describe.referenceTo.every(isSetupObject)) ids.push(is)
    if (typeof was === 'string' && (always || (name in changes && is !== was))) ids.push(was)
  }
  return ids
}
