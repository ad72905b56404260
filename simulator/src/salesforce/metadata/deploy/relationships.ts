// Lookups and master-details: what they may refer to, and how master-details follow one another.
// Salesforce: Help, "Considerations for Object Relationships"; the words of refusals are ours where no
// public source has them.

import { showingFieldsOf } from '../../../org/activities.ts'
import { DETAIL_LEVEL_LIMIT, MASTER_DETAIL_LIMIT } from '../../../org/edition.ts'
import type { Field, SObject } from '../../../org/model.ts'
import { isCustomizable, isCustomMetadataType } from '../../../org/schema.ts'
import { text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem, type Draft } from './draft.ts'
import type { FieldType } from './field-types.ts'
import { checkDeveloperName, required } from './names.ts'

/** The rows that have the object's fields: of activities, tasks and events. */
export const rowsOf = (draft: Draft, object: SObject) =>
  showingFieldsOf(draft.org, object).flatMap(({ name }) => [
    ...(draft.org.records.get(name.toLowerCase())?.values() ?? []),
  ])

/** Checks a lookup or master-detail field; returns the parent's name for the children. */
export function checkRelationship(
  draft: Draft,
  object: SObject,
  name: string,
  type: FieldType,
  node: MetadataNode,
  found: Field | undefined,
): string | null | undefined {
  if (!['Lookup', 'MasterDetail', 'MetadataRelationship'].includes(type)) return undefined
  const target = required(node, 'referenceTo')
  // References to setup objects have already been checked, and those do not list their children.
  if (type === 'MetadataRelationship' && !isCustomMetadataType(target)) return null
  const parent = draft.object(target)
  if (parent === undefined) {
    throw new Problem(`referenceTo value of '${target}' does not resolve to a valid sObject type`)
  }
  if (found !== undefined && !found.describe.referenceTo.includes(parent.name)) {
    throw new Problem('Cannot change the object that a relationship field refers to')
  }
  const isKept = (parent.describe.associateEntityType ?? null) !== null
  if (NO_TARGETS.has(parent.name) || parent.describe.customSetting || isKept) {
    throw new Problem(`referenceTo value of '${target}' does not resolve to a valid sObject type`)
  }
  if (type === 'MasterDetail') checkMasterDetail(draft, object, parent, name, found)
  else if (text(node, 'deleteConstraint') === 'Cascade' && !object.describe.custom) {
    // Salesforce: Help, "Lookup relationships": cascading deletes are for custom objects only.
    throw new Problem('Cascade delete is not allowed for lookup fields on a standard object')
  }
  const own = text(node, 'relationshipName')
  if (own === undefined) {
    if (found !== undefined) return found.childRelationshipName
    if (type !== 'MasterDetail') return null
    throw new Problem("Must specify 'relationshipName' for a CustomField of type MasterDetail")
  }
  checkDeveloperName('Child Relationship', own)
  const wanted = `${own}__r`
  for (const child of draft.org.objects.values()) {
    for (const field of child.fields.values()) {
      if (field === found || field.deletedAt || child.deletedAt) continue
      if (!field.describe.referenceTo.includes(parent.name)) continue
      if (field.childRelationshipName?.toLowerCase() === wanted.toLowerCase()) {
        throw new Problem(`There is already a Child Relationship named ${own} on ${parent.name}.`)
      }
    }
  }
  return wanted
}

/** The objects that are directly above an object: the masters of its master-details. */
const mastersOf = (draft: Draft, object: SObject, except?: Field): SObject[] =>
  [...object.fields.values()].flatMap((field) =>
    field === except || field.deletedAt || field.describe.relationshipOrder === null
      ? []
      : field.describe.referenceTo.flatMap((name) => draft.object(name) ?? []),
  )

const levelsAbove = (draft: Draft, object: SObject, except?: Field): number =>
  Math.max(
    0,
    ...mastersOf(draft, object, except).map((master) => 1 + levelsAbove(draft, master, except)),
  )

const isAbove = (draft: Draft, object: SObject, below: SObject): boolean =>
  mastersOf(draft, below).some((master) => master === object || isAbove(draft, object, master))

const levelsBelow = (draft: Draft, object: SObject): number =>
  Math.max(
    0,
    ...[...draft.org.objects.values()]
      .filter((other) => !other.deletedAt && mastersOf(draft, other).includes(object))
      .map((detail) => 1 + levelsBelow(draft, detail)),
  )

/** Salesforce: no custom relationship points to an activity. */
const NO_TARGETS = new Set(['Task', 'Event', 'Activity'])
/** Salesforce: SOAP API guide, "Relationships Among Objects". */
const NO_MASTERS = new Set(['User', 'Lead'])

function checkMasterDetail(
  draft: Draft,
  object: SObject,
  parent: SObject,
  name: string,
  found: Field | undefined,
): void {
  if (!object.describe.custom) {
    throw new Problem('A standard object cannot be on the detail side of a relationship')
  }
  if (NO_MASTERS.has(parent.name) || !isCustomizable(parent)) {
    throw new Problem(`${parent.name} cannot be the master of a master-detail relationship`)
  }
  // Salesforce: Help, "Considerations for Object Relationships".
  if (parent === object) {
    throw new Problem('A relationship from an object to itself must be a lookup')
  }
  if (isAbove(draft, object, parent)) {
    throw new Problem(`${object.name} is a master of ${parent.name} and cannot be its detail`)
  }
  if (levelsAbove(draft, parent, found) + 1 + levelsBelow(draft, object) > DETAIL_LEVEL_LIMIT) {
    throw new Problem(`Master-detail relationships can have ${DETAIL_LEVEL_LIMIT} levels at most`)
  }
  const others = [...object.fields.values()].filter(
    (field) => field !== found && !field.deletedAt && field.describe.relationshipOrder !== null,
  )
  if (others.length >= MASTER_DETAIL_LIMIT) {
    throw new Problem(
      `An object can have ${MASTER_DETAIL_LIMIT} master-detail relationships at most`,
    )
  }
  if (found?.describe.relationshipOrder === null || found === undefined) {
    // Salesforce: instead, create a lookup, fill it in every row, and convert it.
    if (rowsOf(draft, object).some((row) => (row[name] ?? null) === null)) {
      throw new Problem(
        'You cannot create a master-detail relationship because this object has records without a parent',
      )
    }
  }
}
