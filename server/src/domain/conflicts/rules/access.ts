// Whether the connected user may do what the deploy does, and whether the deploy's targets can be
// written.

import { componentName } from '../../../salesforce/component-name.ts'
import { keyOf, objectKind, sameName } from '../../metadata/names.ts'
import { componentsOf } from '../../plan/components.ts'
import { lackText, lacks, PLAN_PERMISSIONS } from '../../plan/permissions.ts'
import { type Facts, type Rule, rulesFor, type Subjects, type Verdict } from '../rule.ts'
import { changesInMeaning } from '../subjects.ts'
import { listed } from '../../words.ts'

const rule = rulesFor('access')

const isPicklistType = (type: unknown): boolean => type === 'picklist' || type === 'multipicklist'

/**
 * Whether the org has a field that the snapshot lacks, and why. Salesforce: a describe leaves out fields that
 * the user may not see.
 */
const unseenIn = async (
  { full, field, object, objectExists, existing, describe }: Subjects['field'],
  { live, snapshot }: Facts,
): Promise<'hidden' | 'new' | null> => {
  if (!objectExists || existing !== null || describe === null) return null
  const has = (names: readonly string[] | null, wanted: string): boolean | undefined =>
    names?.some((name) => sameName(name) === sameName(wanted))
  const all = await live.allFields(object.api_name)
  const exists = has(all, field.api_name) ?? has(snapshot.notVisible, full)
  if (exists !== true) return null
  return has(await live.visibleFields(object.api_name), field.api_name) === true ? 'new' : 'hidden'
}

const permissionRules: Rule[] = PLAN_PERMISSIONS.map((permission) =>
  rule('package', {
    code: permission.code,
    severities: [permission.severity],
    judge: async (_, { plan, objectExists, live }) => {
      if (!permission.neededFor(plan, objectExists)) return null
      const user = await live.connectedUser()
      return user === null || !lacks(user.permissions, permission)
        ? null
        : lackText(user.username, permission)
    },
  }),
)

export const accessRules = [
  ...permissionRules,
  rule('field', {
    code: 'field_hidden',
    severities: ['red'],
    judge: async (subject, facts) =>
      (await unseenIn(subject, facts)) === 'hidden'
        ? {
            message: `${subject.full} exists, but the connected user cannot see it; the deploy would overwrite it unseen.`,
            remedy: 'Give the user read access to the field and check again.',
            at: 'api_name',
          }
        : null,
  }),
  rule('field', {
    code: 'field_appeared',
    severities: ['red'],
    judge: async (subject, facts) =>
      (await unseenIn(subject, facts)) === 'new'
        ? {
            message: `${subject.full} is missing from the snapshot but exists in the Salesforce org: it was created since, or was hidden from the connected user.`,
            remedy: 'Pull the topology and check again, or check with refresh: true.',
            at: 'api_name',
          }
        : null,
  }),
  rule('object', {
    code: 'object_takes_no_fields',
    severities: ['red'],
    judge: async ({ object, exists }, { live }) => {
      const name = object.api_name
      const { fields, record_types: types, validation_rules: rules } = object
      const adds = fields.length + types.length + rules.length > 0
      if (!exists || !adds || objectKind(name) !== 'standard') return null
      // Salesforce: Activity is not an entity of its own; its fields appear on tasks and events.
      if (sameName(name) === 'activity') return null
      return (await live.lookUp('CustomObject', name))?.customizable === false
        ? {
            message: `Salesforce allows no custom fields, record types or rules on ${name}.`,
            remedy: 'Add them to a different object.',
            at: 'api_name',
          }
        : null
    },
  }),
  rule('object', {
    code: 'object_takes_no_record_types',
    severities: ['red'],
    judge: ({ object }) =>
      sameName(object.api_name) === 'user' && object.record_types.length > 0
        ? {
            message: 'Salesforce has no record types of users.',
            remedy: 'Use a picklist field, or profiles, to tell users apart.',
            at: 'record_types',
          }
        : null,
  }),
  rule('object', {
    code: 'object_unreadable',
    severities: ['yellow'],
    judge: ({ object, exists, describe }, { snapshot }) =>
      exists && describe === null
        ? {
            message: snapshot.notVisible.some(
              (name) => sameName(name) === sameName(object.api_name),
            )
              ? `The connected user no longer sees ${object.api_name}, so its fields were not compared. An earlier snapshot has it, and it may still exist.`
              : `${object.api_name} exists, but the snapshot has no describe of it, so its fields were not compared.`,
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
      const { field, full, renames } = subject
      const changes = changesInMeaning(subject)
      if (changes.length === 0) return null
      const verdicts: Verdict[] = []
      if (renames !== null && 'relationship_name' in field) {
        verdicts.push({
          message: `${full} would rename the relationship ${renames} of ${field.reference_to} to ${field.relationship_name}; queries, code, flows and integrations that name it would fail.`,
          remedy: `Use ${renames} as relationship_name to keep it.`,
          at: 'relationship_name',
        })
      }
      const uses = await live.whereUsed('CustomField', full)
      if (uses !== null && uses.length > 0) {
        verdicts.push({
          message: `${full} would change (${listed(changes)}) and is used by ${listed(uses.map(({ type, name }) => `${type} ${name}`))}; Salesforce may refuse the change, or they may behave differently.`,
          remedy: 'Review them; a deploy with check_only shows what Salesforce refuses.',
        })
      }
      return verdicts
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
      // Salesforce: "Cannot change which global value set this picklist uses". No describe says which
      // one a field uses; but a field that uses one is restricted, and cannot use one that does not
      // exist yet.
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
