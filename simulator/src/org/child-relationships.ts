// The references of all objects, seen from their targets.

import { isActivity } from './activities.ts'
import { keptByOrg, onceFor } from './kept.ts'
import { type Field, type Org, type SObject } from './model.ts'

/** Cached per state of the schema: otherwise each describe would read every field of the org. */
const childIndexOf = keptByOrg(() => ({ revision: -1, index: new Map<string, unknown[]>() }))

/** The references to this object, one entry per reference field, as its describe shows them. */
export const childRelationships = (org: Org, parent: SObject): unknown[] => {
  const known = childIndexOf(org)
  if (known.revision === org.schemaRevision) return known.index.get(parent.name) ?? []
  const index = new Map<string, unknown[]>()
  for (const child of org.objects.values()) {
    if (child.deletedAt !== undefined || isActivity(child)) continue
    for (const field of child.fields.values()) {
      const { describe } = field
      if (describe.type !== 'reference' || field.deletedAt !== undefined) continue
      // Recorded: what was merged into a record is not a relationship of it.
      if (describe.name === 'MasterRecordId') continue
      for (const target of describe.referenceTo) {
        const list = index.get(target) ?? []
        index.set(target, list)
        list.push(relationshipOf(field, child))
      }
    }
  }
  Object.assign(known, { revision: org.schemaRevision, index })
  return index.get(parent.name) ?? []
}

const relationship = (field: Field, child: SObject): unknown => {
  const { describe } = field
  return {
    cascadeDelete: describe.cascadeDelete === true,
    childSObject: child.name,
    deprecatedAndHidden: false,
    field: describe.name,
    junctionIdListNames: [],
    junctionReferenceTo: [],
    relationshipName: childRelationshipName(child, field),
    restrictedDelete: describe.restrictedDelete === true,
  }
}

/** A standard field has one object, and its relationship does not change with it. */
const standardRelationship = onceFor(relationship)

const relationshipOf = (field: Field, child: SObject): unknown =>
  field.describe.custom ? relationship(field, child) : standardRelationship(field, child)

/** Salesforce: many references of standard fields have no name from the parent's side. */
const childRelationshipName = (
  child: SObject,
  { describe, childRelationshipName: explicit }: Field,
): string | null => {
  if (explicit !== undefined) return explicit
  if (!describe.custom) return null
  return child.describe.custom
    ? `${child.name.replace(/__c$/, 's')}__r`
    : `${child.describe.labelPlural.replaceAll(' ', '')}`
}
