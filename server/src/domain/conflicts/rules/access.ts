// Whether the connected user may do what the deploy does, and whether what it writes to can be written.

import { componentName } from '../../../salesforce/component-name.ts'
import { keyOf, sameName } from '../../metadata/names.ts'
import { componentsOf } from '../../plan/components.ts'
import { type ConnectedUser } from '../facts.ts'
import { type Facts, type Rule, rulesFor, type Severity } from '../rule.ts'
import { changesInMeaning } from '../subjects.ts'
import { listed } from '../../words.ts'

const rule = rulesFor('access')

interface Permission {
  code: string
  severity: Severity
  /** PermissionSet's name of it without `Permissions`; one of these is enough. */
  names: readonly [string, ...string[]]
  label: string
  why: string
  neededFor: (facts: Facts) => boolean
}

const hasObjects = ({ plan }: Facts): boolean => plan.objects.length > 0

/** Source: Metadata API guide, "Metadata API prerequisites"; Object reference, PermissionSet. */
const PERMISSIONS: readonly Permission[] = [
  {
    code: 'permission_api_enabled',
    severity: 'red',
    names: ['ApiEnabled'],
    label: 'API Enabled',
    why: 'without it no call gets through',
    neededFor: () => true,
  },
  {
    code: 'permission_modify_metadata',
    severity: 'red',
    names: ['ModifyMetadata', 'ModifyAllData'],
    label: 'Modify Metadata Through Metadata API Functions',
    why: 'the deploy is refused without it',
    neededFor: () => true,
  },
  {
    code: 'permission_customize_application',
    severity: 'red',
    names: ['CustomizeApplication'],
    label: 'Customize Application',
    why: 'objects, fields, layouts and rules cannot be made without it',
    neededFor: () => true,
  },
  {
    code: 'permission_manage_permission_sets',
    severity: 'red',
    names: ['ManageProfilesPermissionsets'],
    label: 'Manage Profiles and Permission Sets',
    why: 'the plan writes to permission sets or profiles',
    neededFor: ({ plan }) =>
      plan.objects.length > 0 &&
      (plan.permissions.permission_set !== null ||
        plan.permissions.permission_sets.length + plan.permissions.profiles.length > 0),
  },
  {
    code: 'permission_assign_permission_sets',
    severity: 'red',
    names: ['AssignPermissionSets'],
    label: 'Assign Permission Sets',
    why: 'the plan assigns its permission set to this user, who would not see the new fields otherwise',
    neededFor: (facts) => hasObjects(facts) && facts.plan.permissions.assign_to_connected_user,
  },
  {
    code: 'permission_view_setup',
    severity: 'yellow',
    names: ['ViewSetup', 'CustomizeApplication'],
    label: 'View Setup and Configuration',
    why: 'where-used, limits and hidden fields cannot be read without it',
    neededFor: () => true,
  },
  {
    code: 'permission_view_all_data',
    severity: 'yellow',
    names: ['ViewAllData', 'ModifyAllData'],
    label: 'View All Data',
    why: 'records of others are not counted, so that an object or field may look empty and is not',
    neededFor: ({ plan, objectExists }) =>
      plan.objects.some(({ api_name }) => objectExists(api_name)),
  },
]

const isPicklistType = (type: unknown): boolean => type === 'picklist' || type === 'multipicklist'

const lacks = (user: ConnectedUser, names: readonly string[]): boolean =>
  !names.some((name) => user.permissions.has(name))

const permissionRules: Rule[] = PERMISSIONS.map(
  ({ code, severity, names, label, why, neededFor }) =>
    rule('package', {
      code,
      severities: [severity],
      judge: async (_, facts) => {
        if (!neededFor(facts)) return null
        const user = await facts.live.connectedUser()
        return user !== null && lacks(user, names)
          ? {
              message: `The connected user ${user.username} lacks the permission "${label}": ${why}.`,
              remedy: `Grant "${label}" to the user in a permission set or profile, or connect a different user.`,
            }
          : null
      },
    }),
)

export const accessRules = [
  ...permissionRules,
  rule('field', {
    code: 'field_hidden',
    severities: ['red'],
    judge: async ({ full, field, object, objectExists, existing, describe }, { live }) => {
      // Salesforce: a describe leaves out fields that the user may not see.
      if (!objectExists || existing !== null || describe === null) return null
      const all = await live.allFields(object.api_name)
      return all?.some((name) => sameName(name) === sameName(field.api_name))
        ? {
            message: `${full} exists, but the connected user cannot see it; the deploy would overwrite it unseen.`,
            remedy: 'Give the user read access to the field and check again.',
            at: 'api_name',
          }
        : null
    },
  }),
  rule('object', {
    code: 'object_unreadable',
    severities: ['yellow'],
    judge: ({ object, exists, describe }) =>
      exists && describe === null
        ? {
            message: `${object.api_name} exists, but the snapshot has no describe of it, so its fields were not compared.`,
            remedy:
              'Make sure the connected user can read the object, then pull the topology again.',
            at: 'api_name',
          }
        : null,
  }),
  rule('field', {
    code: 'field_used_elsewhere',
    severities: ['yellow'],
    judge: async (subject, { live }) => {
      const changes = changesInMeaning(subject)
      if (changes.length === 0) return null
      const uses = await live.whereUsed('CustomField', subject.full)
      return uses === null || uses.length === 0
        ? null
        : {
            message: `${subject.full} would change (${listed(changes)}) and is used by ${listed(uses.map(({ type, name }) => `${type} ${name}`))}; Salesforce may refuse the change, or they may behave differently.`,
            remedy: 'Review them; a deploy with check_only shows what Salesforce refuses.',
          }
    },
  }),
  rule('field', {
    code: 'value_set_missing',
    severities: ['red'],
    judge: async ({ field, full }, { live, plan }) => {
      if (!('global_value_set' in field) || field.global_value_set === undefined) return null
      const type = 'GlobalValueSet'
      const key = keyOf({ type, fullName: componentName(type, field.global_value_set) })
      if (componentsOf(plan).some((component) => keyOf(component) === key)) return null
      const found = await live.lookUp(type, field.global_value_set)
      return found === null || found.exists
        ? null
        : {
            message: `${full} takes its values from ${field.global_value_set}, which does not exist in this Salesforce org.`,
            remedy: 'Correct the name, or give the field its own values.',
            at: 'global_value_set',
          }
    },
  }),
  rule('field', {
    code: 'value_set_fixed',
    severities: ['red'],
    judge: async ({ field, full, existing }, { live }) => {
      if (!('global_value_set' in field) || field.global_value_set === undefined) return null
      if (existing === null || !isPicklistType(existing.type)) return null
      // Salesforce: "Cannot change which global value set this picklist uses". No describe tells which
      // one that is; but what uses one is restricted, and it can be none that does not exist yet.
      const isOther =
        existing.restrictedPicklist === false ||
        (await live.lookUp('GlobalValueSet', field.global_value_set))?.exists === false
      return isOther
        ? {
            message: `${full} exists and does not take its values from ${field.global_value_set}; Salesforce does not change where a picklist gets its values.`,
            remedy: 'Leave global_value_set out, or create a new field that uses the set.',
            at: 'global_value_set',
          }
        : null
    },
  }),
]
