// Changes of the schema and of permissions, and the dates that change with them.
//
// Salesforce: Describe Global's conditional headers "also check for org-wide events, such as changes to
// permissions, profiles, or field labels" (REST API guide): if one permission set changes, so does the
// Last-Modified of every describe, though its content stays.

import { type Field, type Org, type SObject } from './model.ts'

/** Last-Modified counts whole seconds: every change gets a later second than the one before it. */
export const nextSchemaTime = (org: Org): Date => {
  let latest = org.orgWideModifiedAt.getTime()
  for (const object of org.objects.values()) {
    latest = Math.max(latest, object.schemaModifiedAt.getTime())
  }
  const now = Math.floor(Date.now() / 1000) * 1000
  return new Date(Math.max(now, latest + 1000))
}

/** The object's own schema changed. */
export const touchObject = (org: Org, object: SObject): void => {
  object.schemaModifiedAt = nextSchemaTime(org)
  object.lastModifiedDate = object.schemaModifiedAt
  org.schemaRevision++
}

/** Permissions, profiles or labels changed: every describe's date changes. */
export const touchOrg = (org: Org): void => {
  org.orgWideModifiedAt = nextSchemaTime(org)
  org.permissionRevision++
}

/** The Last-Modified of a describe of this object. */
export const lastModifiedOf = (org: Org, object: SObject): Date =>
  object.schemaModifiedAt > org.orgWideModifiedAt ? object.schemaModifiedAt : org.orgWideModifiedAt

/** The Last-Modified of describeGlobal: the last change of anything. */
export const globalLastModified = (org: Org): Date => {
  let latest = org.orgWideModifiedAt
  for (const object of org.objects.values()) {
    if (object.schemaModifiedAt > latest) latest = object.schemaModifiedAt
  }
  return latest
}

export const addField = (org: Org, object: SObject, field: Field): void => {
  object.fields.set(field.describe.name.toLowerCase(), field)
  touchWithParents(org, object, field)
}

export const removeField = (org: Org, object: SObject, name: string): boolean => {
  const field = object.fields.get(name.toLowerCase())
  if (field === undefined) return false
  object.fields.delete(name.toLowerCase())
  touchWithParents(org, object, field)
  return true
}

/** A reference also appears in its targets' describes, as a child relationship. */
const touchWithParents = (org: Org, object: SObject, field: Field): void => {
  touchObject(org, object)
  for (const target of field.describe.referenceTo) {
    const parent = findObject(org, target)
    if (parent !== undefined && parent !== object) touchObject(org, parent)
  }
}

/** The live object of this name, in any case. */
export const findObject = (org: Org, name: string): SObject | undefined => {
  const object = org.objects.get(name.toLowerCase())
  return object?.deletedAt === undefined ? object : undefined
}
