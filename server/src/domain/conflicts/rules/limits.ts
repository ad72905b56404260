// What the Salesforce org has room for. Source for editions: Salesforce Features and Edition
// Allocations; what the Salesforce org itself reports (Tooling EntityLimit, REST /limits) takes
// precedence.

import { asText } from '../../../salesforce/json.ts'
import { fieldKindOf, typeOfDescribed } from '../../metadata/fields/field-kinds.ts'
import { objectKind, sameName } from '../../metadata/names.ts'
import { definesObject, type PlanObject } from '../../plan/schema.ts'
import { estimateApiCalls } from '../estimate.ts'
import { formulasOfRule } from '../definitions.ts'
import { pathsOfFormula } from '../field-paths.ts'
import { rulesFor, type Subjects } from '../rule.ts'
import { entriesOf, fieldIn } from '../subjects.ts'
import { plural } from '../../words.ts'
import { PACKAGE_LIMITS } from '../../../salesforce/deploy-package.ts'

const rule = rulesFor('limits')

interface EditionLimits {
  customObjects: number
  customFields: number
  activeFlows: number
}

const EDITIONS: readonly [name: RegExp, limits: EditionLimits][] = [
  [/unlimited|performance/i, { customObjects: 2_000, customFields: 800, activeFlows: 2_000 }],
  [/enterprise/i, { customObjects: 200, customFields: 500, activeFlows: 2_000 }],
  [/developer/i, { customObjects: 400, customFields: 500, activeFlows: 2_000 }],
  [/professional/i, { customObjects: 50, customFields: 100, activeFlows: 5 }],
]
const limitsOfEdition = (edition: string | undefined): EditionLimits | null =>
  EDITIONS.find(([name]) => edition !== undefined && name.test(edition))?.[1] ?? null

const roomOf = ({ type }: PlanObject['fields'][number]): number => fieldKindOf(type).room ?? 1

const newFields = ({ object, describe }: Subjects['object']): PlanObject['fields'] =>
  object.fields.filter(({ api_name }) => fieldIn(describe, api_name) === null)

/**
 * Per object, unless Salesforce has raised them for this org. Source: Help, "Custom Fields Allowed Per
 * Object" and "How Many External ID Fields Can I Create Per Object".
 */
const ROLLUPS_MAX = 25
const EXTERNAL_IDS_MAX = 25

/**
 * Source: Help, "Custom Field Allocations Per Object" (characters of long and rich texts together) and
 * "Maximum Number of External IDs Per Object" (custom indexes: unique fields have one as well).
 */
const LONG_TEXT_MAX = 1_638_400
const INDEXES_MAX = 25

/** Source: Help, "Tips for Building Cross-Object Formulas": relationships in all formulas of an object. */
const SPANNED_MAX = 15

/** Source: Help, "Create and Edit Custom Labels". */
const LABELS_MAX = 5_000

/** Source: Help, "Custom Picklists", and the release notes of Winter '17, "Global Picklist Value Sets". */
const VALUE_SETS_MAX = 500

const isIndexed = (field: object): boolean =>
  ['unique', 'externalId', 'external_id'].some((flag) => field[flag as keyof typeof field] === true)

/** Characters that a field of the plan, or of a describe, may take as a long or rich text. */
const longTextOf = (field: object): number => {
  const { type, length } = { type: null, length: 0, ...field }
  const isLong = type === 'LongTextArea' || type === 'Html' || (type === 'textarea' && length > 255)
  return isLong ? Number(length) : 0
}

/** The relationships of an object that these formulas go through. */
const spannedBy = (formulas: readonly string[], object: string): string[] =>
  formulas
    .flatMap((formula) => pathsOfFormula(formula, object))
    .filter(({ written }) => !written.startsWith('$'))
    .flatMap(({ steps: [step, ...rest] }) => (rest.length === 0 ? [] : [sameName(step)]))

const formulasIn = ({ fields, validation_rules: rules }: PlanObject): string[] => [
  ...fields.flatMap((field) => (field.type === 'Formula' ? [field.formula] : [])),
  ...rules.map(({ error_condition_formula: formula }) => formula),
]

/** From this share of a limit on, a finding warns that it is nearly reached. */
const NEARLY = 0.9

export const limitRules = [
  rule('package', {
    code: 'custom_objects_over_limit',
    severities: ['red', 'yellow'],
    judge: async (_, { plan, snapshot, objectExists, live }) => {
      const added = plan.objects.filter(
        (object) => definesObject(object) && !objectExists(object.api_name),
      ).length
      if (added === 0) return null
      const [organization, deleted] = await Promise.all([live.organization(), live.deletedNames()])
      const max = limitsOfEdition(organization?.edition)?.customObjects
      if (max === undefined) return null
      // Salesforce: objects of packages have a limit of their own; deleted ones count until erased.
      const used =
        snapshot.objectNames.filter((name) => objectKind(name) === 'custom').length +
        (deleted?.objects.length ?? 0)
      if (used + added > max) {
        return {
          message: `The plan adds ${plural(added, 'custom object')}; this Salesforce org (${organization?.edition}) has ${used} of ${max}.`,
          remedy: 'Delete and erase unused custom objects, or take objects out of the plan.',
          at: 'objects',
        }
      }
      return used + added >= max * NEARLY
        ? {
            severity: 'yellow',
            message: `After this plan ${used + added} of ${max} custom objects would be used (${organization?.edition}).`,
            remedy: 'Erase unused custom objects before more are needed.',
            at: 'objects',
          }
        : null
    },
  }),
  rule('object', {
    code: 'custom_fields_over_limit',
    severities: ['red', 'yellow'],
    judge: async (subject, { live }) => {
      const { object, exists, describe } = subject
      const added = newFields(subject).reduce((sum, field) => sum + roomOf(field), 0)
      if (added === 0) return null
      const own = exists ? (await live.objectLimits(object.api_name))?.CustomFields : undefined
      let allowance = own
      if (allowance === undefined) {
        const max = limitsOfEdition((await live.organization())?.edition)?.customFields
        if (max === undefined) return null
        const used = entriesOf(describe, 'fields').filter(({ custom }) => custom === true).length
        allowance = { max, remaining: max - used }
      }
      const left = allowance.remaining - added
      if (left < 0) {
        return {
          message: `${object.api_name} has room for ${plural(Math.max(0, allowance.remaining), 'more custom field')} of ${allowance.max} and the plan adds ${added}.`,
          remedy: 'Delete and erase unused fields, or take fields out of the plan.',
          at: 'fields',
        }
      }
      return left <= allowance.max * (1 - NEARLY) && exists
        ? {
            severity: 'yellow',
            message: `After this plan ${object.api_name} has room for ${plural(left, 'more custom field')} of ${allowance.max}.`,
            remedy: 'Erase unused fields before more are needed.',
            at: 'fields',
          }
        : null
    },
  }),
  rule('object', {
    code: 'rollups_over_limit',
    severities: ['red', 'yellow'],
    judge: async (subject, { live }) => {
      const { object, exists, describe } = subject
      const added = newFields(subject).filter(({ type }) => type === 'Summary').length
      if (added === 0) return null
      const told = exists ? (await live.objectLimits(object.api_name))?.RollupSummary : undefined
      const there = entriesOf(describe, 'fields').filter(
        (field) => typeOfDescribed(field) === 'Summary',
      ).length
      const { max, remaining } = told ?? { max: ROLLUPS_MAX, remaining: ROLLUPS_MAX - there }
      return added <= remaining
        ? null
        : {
            severity: told === undefined ? 'yellow' : 'red',
            message: `${object.api_name} has room for ${plural(Math.max(0, remaining), 'more roll-up')} of ${max} and the plan adds ${added}.`,
            remedy: 'Remove roll-ups from the plan, or delete unused ones.',
            at: 'fields',
          }
    },
  }),
  rule('object', {
    code: 'external_ids_over_limit',
    severities: ['yellow'],
    judge: ({ object, describe }) => {
      const isKey = (field: PlanObject['fields'][number]): boolean =>
        'external_id' in field && field.external_id
      const planned = new Set(object.fields.map(({ api_name }) => sameName(api_name)))
      const there = entriesOf(describe, 'fields').filter(
        ({ name, externalId }) => externalId === true && !planned.has(sameName(String(name))),
      ).length
      const added = object.fields.filter(
        (field) => isKey(field) && fieldIn(describe, field.api_name)?.externalId !== true,
      ).length
      const total = there + object.fields.filter(isKey).length
      return added === 0 || total <= EXTERNAL_IDS_MAX
        ? null
        : {
            message: `${object.api_name} would have ${total} external IDs; Salesforce refuses more than ${EXTERNAL_IDS_MAX} unless its support has raised the limit.`,
            remedy: 'Use fewer external IDs, or ask Salesforce support for more.',
            at: 'fields',
          }
    },
  }),
  rule('object', {
    code: 'unique_fields_over_limit',
    severities: ['yellow'],
    judge: ({ object, describe }) => {
      const planned = new Set(object.fields.map(({ api_name }) => sameName(api_name)))
      const there = entriesOf(describe, 'fields').filter(
        (field) =>
          field.custom === true && isIndexed(field) && !planned.has(sameName(String(field.name))),
      ).length
      const added = object.fields.filter(
        (field) =>
          'unique' in field && field.unique && !isIndexed(fieldIn(describe, field.api_name) ?? {}),
      ).length
      const total = there + object.fields.filter(isIndexed).length
      return added === 0 || total <= INDEXES_MAX
        ? null
        : {
            message: `${object.api_name} would have ${total} fields that are unique or external IDs; Salesforce refuses more than ${INDEXES_MAX} custom indexes unless its support has raised the limit.`,
            remedy: 'Make fewer fields unique, or ask Salesforce support for more.',
            at: 'fields',
          }
    },
  }),
  rule('object', {
    code: 'long_texts_over_limit',
    severities: ['yellow'],
    judge: ({ object, describe }) => {
      const planned = new Set(object.fields.map(({ api_name }) => sameName(api_name)))
      const there = entriesOf(describe, 'fields').filter(
        (field) => field.custom === true && !planned.has(sameName(String(field.name))),
      )
      const grows = object.fields.some(
        (field) => longTextOf(field) > longTextOf(fieldIn(describe, field.api_name) ?? {}),
      )
      const total = [...there, ...object.fields].reduce((sum, field) => sum + longTextOf(field), 0)
      return !grows || total <= LONG_TEXT_MAX
        ? null
        : {
            message: `The long and rich texts of ${object.api_name} would have room for ${total} characters together; Salesforce allows ${LONG_TEXT_MAX} for each object.`,
            remedy: 'Make the texts shorter, or delete unused ones.',
            at: 'fields',
          }
    },
  }),
  rule('object', {
    code: 'formula_relationships_over_limit',
    severities: ['yellow'],
    judge: ({ object, describe }, { automationsOn }) => {
      const name = object.api_name
      const existing = [
        ...entriesOf(describe, 'fields').map(({ calculatedFormula }) => asText(calculatedFormula)),
        ...automationsOn(name).flatMap(({ definition }) => formulasOfRule(definition ?? {})),
      ].filter((formula) => formula !== null)
      const there = new Set(spannedBy(existing, name))
      const all = new Set([...there, ...spannedBy(formulasIn(object), name)])
      return all.size === there.size || all.size <= SPANNED_MAX
        ? null
        : {
            message: `Formulas of ${name} would go through ${all.size} relationships; Salesforce refuses more than ${SPANNED_MAX} for each object unless its support has raised the limit.`,
            remedy: 'Use fewer relationships in formulas and rules.',
            at: 'fields',
          }
    },
  }),
  rule('package', {
    code: 'custom_labels_over_limit',
    severities: ['red'],
    judge: async (_, { plan, live }) => {
      const found = await Promise.all(
        plan.custom_labels.map(({ api_name }) => live.lookUp('CustomLabel', api_name)),
      )
      const added = found.filter((one) => one?.exists === false).length
      if (added === 0) return null
      const count = await live.componentCount('CustomLabel')
      return count === null || count + added <= LABELS_MAX
        ? null
        : {
            message: `The plan adds ${plural(added, 'custom label')}; this Salesforce org has ${count} of ${LABELS_MAX}.`,
            remedy: 'Delete unused labels, or remove labels from the plan.',
            at: 'custom_labels',
          }
    },
  }),
  rule('package', {
    code: 'global_value_sets_over_limit',
    severities: ['red'],
    judge: async (_, { plan, live }) => {
      const found = await Promise.all(
        plan.global_value_sets.map(({ api_name }) => live.lookUp('GlobalValueSet', api_name)),
      )
      const added = found.filter((one) => one?.exists === false).length
      if (added === 0) return null
      const count = await live.componentCount('GlobalValueSet')
      return count === null || count + added <= VALUE_SETS_MAX
        ? null
        : {
            message: `The plan adds ${plural(added, 'global value set')}; this Salesforce org has ${count} of ${VALUE_SETS_MAX}.`,
            remedy: 'Delete unused value sets, or give the fields values of their own.',
            at: 'global_value_sets',
          }
    },
  }),
  rule('object', {
    code: 'validation_rules_over_limit',
    severities: ['red'],
    judge: async ({ object, exists }, { live, automationsOn }) => {
      const active = new Set(
        automationsOn(object.api_name)
          .filter((automation) => automation.type === 'validation_rule' && automation.active)
          .map(({ api_name }) => api_name.toLowerCase()),
      )
      const added = object.validation_rules.filter(
        ({ api_name, active: on }) =>
          on && !active.has(`${object.api_name}.${api_name}`.toLowerCase()),
      ).length
      if (added === 0 || !exists) return null
      const allowance = (await live.objectLimits(object.api_name))?.ActiveValidationRules
      return allowance === undefined || added <= allowance.remaining
        ? null
        : {
            message: `${object.api_name} has room for ${plural(allowance.remaining, 'more active validation rule')} of ${allowance.max} and the plan adds ${added}.`,
            remedy: 'Deactivate unused rules, or plan some as inactive.',
            at: 'validation_rules',
          }
    },
  }),
  rule('package', {
    code: 'active_flows_over_limit',
    severities: ['red'],
    judge: async (_, { workflows, snapshot, live }) => {
      const running = snapshot.automations.filter(({ type, active }) => type === 'flow' && active)
      const names = new Set(running.map(({ api_name }) => api_name.toLowerCase()))
      const added = workflows.filter(
        ({ type, activate, api_name }) =>
          type === 'flow' && activate === true && !names.has(api_name.toLowerCase()),
      ).length
      if (added === 0) return null
      const organization = await live.organization()
      const max = limitsOfEdition(organization?.edition)?.activeFlows
      return max === undefined || names.size + added <= max
        ? null
        : {
            message: `${plural(added, 'more flow')} would be active; this Salesforce org (${organization?.edition}) has ${names.size} active of ${max} per type.`,
            remedy: 'Deactivate flows that are not needed, or deploy without activation.',
            at: 'workflows',
          }
    },
  }),
  rule('package', {
    code: 'api_budget_short',
    severities: ['red', 'yellow'],
    judge: async (_, { plan, workflows, live, apiReservePercent }) => {
      const daily = (await live.limits())?.dailyApiRequests ?? null
      if (daily === null) return null
      const calls = estimateApiCalls(plan, workflows)
      const free = daily.remaining - Math.ceil((daily.max * apiReservePercent) / 100)
      if (calls > free) {
        return {
          message: `The deploy takes about ${plural(calls, 'API call')}; ${daily.remaining} of ${daily.max} are left today and ${apiReservePercent} % stay in reserve for other tools.`,
          remedy:
            'Wait until calls are available again (Salesforce counts the last 24 hours), or buy more.',
        }
      }
      return calls > free / 2
        ? {
            severity: 'yellow',
            message: `The deploy takes about ${plural(calls, 'API call')} of the ${free} that are available today.`,
            remedy: 'Deploy when other tools make fewer calls.',
          }
        : null
    },
  }),
  rule('package', {
    code: 'package_too_large',
    severities: ['red'],
    judge: async (_, { live }) => {
      const size = await live.packageSize()
      if (size === null) return null
      const over = [
        size.files > PACKAGE_LIMITS.files &&
          `${size.files} files (at most ${PACKAGE_LIMITS.files})`,
        size.zipBytes > PACKAGE_LIMITS.zipBytes &&
          `${size.zipBytes} bytes zipped (at most ${PACKAGE_LIMITS.zipBytes})`,
        size.unzippedBytes > PACKAGE_LIMITS.unzippedBytes &&
          `${size.unzippedBytes} bytes unzipped (at most ${PACKAGE_LIMITS.unzippedBytes})`,
      ].filter((text) => text !== false)
      return over.length === 0
        ? null
        : {
            message: `The package is too large for one deploy: ${over.join(', ')}.`,
            remedy: 'Split the plan.',
          }
    },
  }),
  rule('object', {
    code: 'record_types_many',
    severities: ['yellow'],
    judge: ({ object, describe }) => {
      const there = entriesOf(describe, 'recordTypeInfos').filter(
        ({ master }) => master !== true,
      ).length
      // Salesforce Help, "Considerations for Creating and Updating Record Types": 200 or fewer per
      // object.
      return object.record_types.length > 0 && there + object.record_types.length > 200
        ? {
            message: `${object.api_name} would have ${there + object.record_types.length} record types; Salesforce recommends at most 200.`,
            remedy: 'Use a picklist where record types serve only to classify records.',
            at: 'record_types',
          }
        : null
    },
  }),
]
