// The permissions that the connected user needs for a plan, and the words for a missing one: the same
// before a deploy and after it failed. Pure.

import { PERMISSION_LABELS, type PermissionName } from '../connections/rights.ts'
import { type Plan } from './schema.ts'

export interface PlanPermission {
  code: string
  /** Red: the deploy fails without it. */
  severity: 'red' | 'yellow'
  /** Its name in PermissionSet, without `Permissions`; one of these is enough. */
  names: readonly [PermissionName, ...PermissionName[]]
  why: string
  neededFor: (plan: Plan, objectExists: (name: string) => boolean) => boolean
}

const hasObjects = (plan: Plan): boolean => plan.objects.length > 0

/** Source: Metadata API guide, "Metadata API prerequisites"; Object reference, PermissionSet. */
export const PLAN_PERMISSIONS: readonly PlanPermission[] = [
  {
    code: 'permission_api_enabled',
    severity: 'red',
    names: ['ApiEnabled'],
    why: 'without it no call gets through',
    neededFor: () => true,
  },
  {
    code: 'permission_modify_metadata',
    severity: 'red',
    names: ['ModifyMetadata', 'ModifyAllData'],
    why: 'the deploy is refused without it',
    neededFor: () => true,
  },
  {
    code: 'permission_customize_application',
    severity: 'red',
    names: ['CustomizeApplication'],
    why: 'objects, fields, layouts and rules cannot be created without it',
    neededFor: () => true,
  },
  {
    code: 'permission_manage_permission_sets',
    severity: 'red',
    names: ['ManageProfilesPermissionsets'],
    why: 'the plan writes to permission sets or profiles',
    neededFor: (plan) =>
      hasObjects(plan) &&
      (plan.permissions.permission_set !== null ||
        plan.permissions.permission_sets.length + plan.permissions.profiles.length > 0),
  },
  {
    code: 'permission_assign_permission_sets',
    severity: 'red',
    names: ['AssignPermissionSets'],
    why: 'the plan assigns its permission set to this user, who would not see the new fields otherwise',
    neededFor: (plan) => hasObjects(plan) && plan.permissions.assign_to_connected_user,
  },
  {
    code: 'permission_view_setup',
    severity: 'yellow',
    names: ['ViewSetup', 'CustomizeApplication'],
    why: 'where-used, limits and hidden fields cannot be read without it',
    neededFor: () => true,
  },
  {
    code: 'permission_view_all_data',
    severity: 'yellow',
    names: ['ViewAllData', 'ModifyAllData'],
    why: 'records of others are not counted, so an object or field may look empty when it is not',
    neededFor: (plan, objectExists) => plan.objects.some(({ api_name }) => objectExists(api_name)),
  },
]

/** Whether the user has none of the permissions that would suffice. */
export const lacks = (
  permissions: ReadonlySet<string>,
  { names }: Pick<PlanPermission, 'names'>,
): boolean => !names.some((name) => permissions.has(name))

/** One missing permission, with its remedy. */
export const lackText = (
  username: string,
  { names: [name], why }: Pick<PlanPermission, 'names' | 'why'>,
): { message: string; remedy: string } => ({
  message: `The connected user ${username} lacks the permission "${PERMISSION_LABELS[name]}": ${why}.`,
  remedy: `Grant "${PERMISSION_LABELS[name]}" to the user in a permission set or profile, or connect a different user.`,
})
