// Who sees what. Salesforce: describe shows only what the calling user may see; a custom field is
// invisible until a profile or permission set grants it (Field-Level Security, Object permissions).

import {
  type Field,
  type Grants,
  type ObjectGrant,
  type Org,
  type PermissionSetGroup,
  type SObject,
  type User,
} from './model.ts'

/** All grants that hold for the user: the profile's and those of the assigned permission sets. */
export const grantsOf = (org: Org, user: User): Grants[] => {
  const profile = org.profiles.get(user.profileId)
  const sets = org.assignments
    .filter((assignment) => assignment.assigneeId === user.id)
    .flatMap(({ permissionSetId, permissionSetGroupId }) => {
      const group = org.permissionSetGroups.get(permissionSetGroupId ?? '')
      // Salesforce: a group that asks for activation grants only to sessions that were activated.
      if (group !== undefined) return group.hasActivationRequired ? [] : groupGrants(org, group)
      return org.permissionSets.get(permissionSetId)?.grants ?? []
    })
  return profile === undefined ? sets : [profile.grants, ...sets]
}

/** The grants of the permission sets in a group. */
export const groupGrants = (org: Org, group: PermissionSetGroup): Grants[] =>
  group.permissionSetIds.flatMap((id) => org.permissionSets.get(id)?.grants ?? [])

/** All that one of them grants. */
export const unionOf = (all: readonly Grants[]): Grants => {
  const union: Grants = { fields: new Map(), objects: new Map(), system: new Set() }
  for (const { fields, objects, system } of all) {
    for (const [key, { readable, editable }] of fields) {
      const known = union.fields.get(key)
      union.fields.set(key, {
        readable: readable || known?.readable === true,
        editable: editable || known?.editable === true,
      })
    }
    for (const [key, grant] of objects) {
      union.objects.set(key, eitherOf(union.objects.get(key), grant))
    }
    for (const permission of system) union.system.add(permission)
  }
  return union
}

const eitherOf = (left: ObjectGrant | undefined, right: ObjectGrant): ObjectGrant =>
  left === undefined
    ? right
    : {
        read: left.read || right.read,
        create: left.create || right.create,
        edit: left.edit || right.edit,
        delete: left.delete || right.delete,
        viewAll: left.viewAll || right.viewAll,
        modifyAll: left.modifyAll || right.modifyAll,
      }

/** One user's eyes, with everything looked up once. */
export interface Viewer {
  /** Equal for users who see the same; changes when permissions change. */
  signature: string
  seesObject(object: SObject): boolean
  seesField(object: SObject, field: Field): boolean
  mayEdit(object: SObject, field: Field): boolean
  has(systemPermission: string): boolean
}

export const viewerOf = (org: Org, user: User): Viewer => {
  const profile = org.profiles.get(user.profileId)
  const grants = grantsOf(org, user)
  const sets = org.assignments
    .filter((assignment) => assignment.assigneeId === user.id)
    .map((assignment) => assignment.permissionSetId)
    .sort()
  const fieldGrant = (object: SObject, field: Field, right: 'readable' | 'editable') => {
    // The two numbers of a custom geolocation are granted with it.
    const { name, compoundFieldName } = field.describe
    const granted = /__s$/i.test(name) ? (compoundFieldName ?? name) : name
    const key = `${object.name}.${granted}`.toLowerCase()
    return grants.some((grant) => grant.fields.get(key)?.[right] === true)
  }
  return {
    signature: `${org.permissionRevision}:${user.profileId}:${sets.join(',')}`,
    seesObject: (object) =>
      profile?.readsEveryObject === true ||
      grants.some((grant) => {
        const found = grant.objects.get(object.name.toLowerCase())
        return found?.read === true || found?.viewAll === true
      }),
    seesField: (object, field) => {
      if (field.deletedAt !== undefined) return false
      if (field.secured) return fieldGrant(object, field, 'readable')
      return profile?.hidden.has(`${object.name}.${field.describe.name}`.toLowerCase()) !== true
    },
    mayEdit: (object, field) => !field.secured || fieldGrant(object, field, 'editable'),
    has: (name) => grants.some((grant) => grant.system.has(name)),
  }
}
