// Who sees what. Salesforce: describe shows only what the calling user may see; a custom field is
// invisible until a profile or permission set grants it (Field-Level Security, Object permissions).

import {
  type Field,
  type Grants,
  type ObjectGrant,
  type Org,
  type PermissionSet,
  type PermissionSetGroup,
  type SObject,
  type User,
} from './model.ts'
import { isActivity } from './activities.ts'
import { isCustomMetadataType } from './schema.ts'

/** All grants of the user: those of the profile and of the assigned permission sets. */
export const grantsOf = (org: Org, user: User): Grants[] => {
  const profile = org.profiles.get(user.profileId)
  const sets = setsOf(org, user).map(({ grants }) => grants)
  return profile === undefined ? sets : [profile.grants, ...sets]
}

/** The grants of the permission sets in a group. */
export const groupGrants = (org: Org, group: PermissionSetGroup): Grants[] =>
  setsOfGroup(org, group).map(({ grants }) => grants)

const setsOfGroup = (org: Org, group: PermissionSetGroup): PermissionSet[] =>
  group.permissionSetIds.flatMap((id) => org.permissionSets.get(id) ?? [])

/** Everything that any of them grants. */
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

const isSetting = ({ name, describe }: SObject): boolean =>
  describe.customSetting || isCustomMetadataType(name)

/** Parts of a profile or permission set that let a user read metadata stored as rows. */
const ACCESSES = ['customMetadataTypeAccesses', 'customSettingAccesses']

/**
 * Salesforce: users who may customize the application, and users to whom one is granted, can read custom
 * settings and custom metadata types (Help, "Grant Read Access to All Custom Settings").
 */
const mayReadSetting = (org: Org, user: User, name: string): boolean =>
  grantsOf(org, user).some(({ system }) => system.has('CustomizeApplication')) ||
  [org.profiles.get(user.profileId), ...setsOf(org, user)].some((of) =>
    ACCESSES.flatMap((part) => [of?.extras?.[part] ?? []].flat()).some((entry) => {
      const { enabled, name: granted } = entry as { enabled?: unknown; name?: unknown }
      return enabled === true && String(granted).toLowerCase() === name.toLowerCase()
    }),
  )

/** The permission sets that the user has, one by one and by groups. */
const setsOf = (org: Org, user: User): PermissionSet[] =>
  org.assignments
    .filter(({ assigneeId }) => assigneeId === user.id)
    .flatMap(({ permissionSetId, permissionSetGroupId }) => {
      const group = org.permissionSetGroups.get(permissionSetGroupId ?? '')
      // Salesforce: a group that asks for activation grants only to sessions that were activated.
      if (group !== undefined) return group.hasActivationRequired ? [] : setsOfGroup(org, group)
      return org.permissionSets.get(permissionSetId) ?? []
    })

/** What one user can see, with everything looked up once. */
export interface Viewer {
  /** Signature: equal for users who see the same; changes when permissions change. */
  signature: string
  seesObject(object: SObject): boolean
  seesField(object: SObject, field: Field): boolean
  mayEdit(object: SObject, field: Field): boolean
  has(systemPermission: string): boolean
}

/** Salesforce: these permissions come with View Setup and Configuration. */
const WITH_SETUP = ['ViewSetup', 'CustomizeApplication', 'ManageUsers', 'ModifyMetadata']

/** Whether the user may see Setup. */
export const seesSetup = (viewer: Viewer): boolean =>
  WITH_SETUP.some((permission) => viewer.has(permission))

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
      !isActivity(object) &&
      (profile?.readsEveryObject === true ||
        (isSetting(object) && mayReadSetting(org, user, object.name)) ||
        grants.some((grant) => {
          const found = grant.objects.get(object.name.toLowerCase())
          return found?.read === true || found?.viewAll === true
        })),
    seesField: (object, field) => {
      if (field.deletedAt !== undefined) return false
      if (field.secured) return fieldGrant(object, field, 'readable')
      return profile?.hidden.has(`${object.name}.${field.describe.name}`.toLowerCase()) !== true
    },
    mayEdit: (object, field) => !field.secured || fieldGrant(object, field, 'editable'),
    has: (name) => grants.some((grant) => grant.system.has(name)),
  }
}
