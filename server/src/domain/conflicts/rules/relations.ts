// Lookups and master-details, and the sharing that depends on them; with roll-ups over them.

import { asText } from '../../../salesforce/json.ts'
import { didYouMean } from '../../mappings/suggest/words.ts'
import { objectKind, sameName } from '../../metadata/names.ts'
import { isRelationship, typeOfDescribed } from '../../metadata/fields/field-kinds.ts'
import { type Facts, rulesFor } from '../rule.ts'
import { entriesOf, fieldIn, mastersIn } from '../subjects.ts'
import { plural } from '../../words.ts'
import { rollupRules } from './rollups.ts'

const rule = rulesFor('relations')

/** Salesforce: master-details per object. */
const MASTER_DETAILS_MAX = 2
/** Salesforce: relationship fields per object, unless the Salesforce org says otherwise. */
const RELATIONSHIPS_MAX = 40

/**
 * Salesforce: SOAP API guide, "Relationships Among Objects": no master-detail has User or Lead as its
 * master. No custom relationship can refer to tasks, events or activities.
 */
const NO_MASTERS: ReadonlySet<string> = new Set(['user', 'lead'])
const NO_TARGETS: ReadonlySet<string> = new Set(['task', 'event', 'activity'])

/** Salesforce Help, "Considerations for Object Relationships": levels of details below the first master. */
const LEVELS_MAX = 3

/** Records that Salesforce keeps about those of another object. */
const KEPT_ABOUT_OTHERS = /(?:History|Share|Feed|Tag|ChangeEvent)$/i

/** The masters of an object, as the plan has them where it names them, and else as they are. */
const mastersOf = (name: string, facts: Facts): string[] => {
  const planned = facts.plannedObject(name)?.fields ?? []
  return [
    ...planned.flatMap((field) => (field.type === 'MasterDetail' ? [field.reference_to] : [])),
    ...mastersIn(facts.describeOf(name), (field) => facts.plannedField(name, field) === null),
  ]
}

/**
 * How many levels of masters are above the object, counted to one more than Salesforce allows; null if it is
 * above itself.
 */
const levelsAbove = (name: string, facts: Facts, below: readonly string[] = []): number | null => {
  if (below.includes(sameName(name))) return null
  if (below.length > LEVELS_MAX) return 0
  const masters = new Set(mastersOf(name, facts).map(sameName))
  let levels = 0
  for (const master of masters) {
    const above = levelsAbove(master, facts, [...below, sameName(name)])
    if (above === null) return null
    levels = Math.max(levels, above + 1)
  }
  return levels
}

export const relationRules = [
  rule('field', {
    code: 'master_detail_circular',
    severities: ['red'],
    judge: ({ field, full, object }, facts) =>
      field.type === 'MasterDetail' &&
      sameName(field.reference_to) !== sameName(object.api_name) &&
      levelsAbove(object.api_name, facts) === null
        ? {
            message: `With ${full}, ${object.api_name} would be above itself in a circle of master-details; Salesforce refuses this.`,
            remedy: 'Make one of the relationships a Lookup.',
            at: 'reference_to',
          }
        : null,
  }),
  rule('field', {
    code: 'master_details_too_deep',
    severities: ['red'],
    judge: ({ field, full, object }, facts) =>
      field.type === 'MasterDetail' && (levelsAbove(object.api_name, facts) ?? 0) > LEVELS_MAX
        ? {
            message: `With ${full}, ${object.api_name} would be a detail of more than ${LEVELS_MAX} masters, one above the other; Salesforce allows ${LEVELS_MAX} levels of details.`,
            remedy: 'Make one of the relationships in the chain a Lookup.',
            at: 'reference_to',
          }
        : null,
  }),
  rule('field', {
    code: 'reference_not_allowed',
    severities: ['red', 'yellow'],
    judge: async ({ field, full, object }, { objectExists, live }) => {
      if (field.type !== 'Lookup' && field.type !== 'MasterDetail') return null
      const target = sameName(field.reference_to)
      const remedy = 'Make it a Lookup.'
      if (NO_TARGETS.has(target)) {
        return {
          message: `${full} refers to ${field.reference_to}, which no custom relationship can refer to.`,
          remedy: 'Refer to the object that the activities belong to.',
          at: 'reference_to',
        }
      }
      const isFixed =
        objectKind(target) === 'standard' &&
        objectExists(target) &&
        (await live.lookUp('CustomObject', field.reference_to))?.customizable === false
      if (isFixed && (field.type === 'MasterDetail' || KEPT_ABOUT_OTHERS.test(target))) {
        return {
          message: `${full} refers to ${field.reference_to}, which takes no custom fields and no custom relationships; Salesforce refuses this.`,
          remedy: 'Refer to a different object.',
          at: 'reference_to',
        }
      }
      if (isFixed) {
        return {
          severity: 'yellow',
          message: `${full} refers to ${field.reference_to}, which takes no custom fields; Salesforce offers custom lookups to few such objects.`,
          remedy: 'A deploy with check_only shows whether Salesforce takes it.',
          at: 'reference_to',
        }
      }
      if (field.type === 'Lookup') return null
      if (NO_MASTERS.has(target)) {
        const message = `${full} would be a master-detail to ${field.reference_to}, which cannot be a master in Salesforce.`
        return { message, remedy, at: 'reference_to' }
      }
      // Salesforce Help, "Considerations for Object Relationships".
      return target === sameName(object.api_name)
        ? {
            message: `${full} would make ${object.api_name} its own master; Salesforce allows only a lookup to the object itself.`,
            remedy,
            at: 'reference_to',
          }
        : null
    },
  }),
  rule('field', {
    code: 'cascade_delete_not_allowed',
    severities: ['red'],
    judge: ({ field, full, object }) =>
      field.type === 'Lookup' &&
      field.delete_constraint === 'Cascade' &&
      objectKind(object.api_name) === 'standard'
        ? {
            message: `${full} would delete ${object.api_name} records together with their ${field.reference_to}; Salesforce offers that only for lookups on custom objects.`,
            remedy: 'Use SetNull or Restrict.',
            at: 'delete_constraint',
          }
        : null,
  }),
  rule('field', {
    code: 'reference_missing',
    severities: ['red'],
    judge: ({ field, full }, { objectExists, plannedObject, snapshot }) =>
      !('reference_to' in field) ||
      objectExists(field.reference_to) ||
      plannedObject(field.reference_to) !== null
        ? null
        : {
            message: `${full} refers to ${field.reference_to}, which exists neither in this Salesforce org nor in the plan.${didYouMean(field.reference_to, snapshot.objectNames)}`,
            remedy: 'Correct the name, or add the object to the plan.',
            at: 'reference_to',
          },
  }),
  rule('field', {
    code: 'reference_changed',
    severities: ['red'],
    judge: ({ field, full, existing }) => {
      const targets = Array.isArray(existing?.referenceTo) ? existing.referenceTo.map(String) : []
      return 'reference_to' in field &&
        targets.length > 0 &&
        !targets.some((target) => sameName(target) === sameName(field.reference_to))
        ? {
            message: `${full} refers to ${targets.join(', ')}; Salesforce does not allow changing that to ${field.reference_to}.`,
            remedy: 'Create a relationship field with a different name.',
            at: 'reference_to',
          }
        : null
    },
  }),
  rule('object', {
    code: 'master_details_over_limit',
    severities: ['red'],
    judge: ({ object, describe }) => {
      const planned = new Set(object.fields.map(({ api_name }) => sameName(api_name)))
      const there = entriesOf(describe, 'fields').filter(
        (field) =>
          typeOfDescribed(field) === 'MasterDetail' &&
          !planned.has(sameName(asText(field.name) ?? '')),
      )
      const added = object.fields.filter(({ type }) => type === 'MasterDetail')
      const total = there.length + added.length
      return there.length === 0 || added.length === 0 || total <= MASTER_DETAILS_MAX
        ? null
        : {
            message: `${object.api_name} already has ${plural(there.length, 'master-detail')} and would have ${total}; Salesforce allows ${MASTER_DETAILS_MAX}.`,
            remedy: 'Make the new one a Lookup.',
            at: 'fields',
          }
    },
  }),
  rule('object', {
    code: 'relationships_over_limit',
    severities: ['red'],
    judge: async ({ object, describe, exists }, { live }) => {
      const added = object.fields.filter(
        (field) => isRelationship(field) && fieldIn(describe, field.api_name) === null,
      ).length
      if (added === 0) return null
      const allowance = exists
        ? (await live.objectLimits(object.api_name))?.CustomRelationship
        : undefined
      const there = entriesOf(describe, 'fields').filter(
        (field) => field.custom === true && field.type === 'reference',
      ).length
      const remaining = allowance?.remaining ?? RELATIONSHIPS_MAX - there
      return added <= remaining
        ? null
        : {
            message: `${object.api_name} has room for ${plural(Math.max(0, remaining), 'more relationship')} (Salesforce allows ${allowance?.max ?? RELATIONSHIPS_MAX}) and the plan adds ${added}.`,
            remedy: 'Remove relationships from the plan, or delete unused ones in Salesforce.',
            at: 'fields',
          }
    },
  }),
  rule('field', {
    code: 'master_detail_over_rows',
    severities: ['red'],
    judge: async ({ field, full, object, objectExists, existing }, { live }) => {
      if (field.type !== 'MasterDetail' || !objectExists || existing !== null) return null
      const rows = await live.recordCount(object.api_name, 'deleted_too')
      return rows === 0
        ? null
        : {
            message: `${full} would be a master-detail, but ${object.api_name} has ${rows === null ? 'an unknown number of records' : `${plural(rows, 'record')}, the Recycle Bin included`}, which would have no master; Salesforce refuses this.`,
            remedy:
              'Plan it as a Lookup, fill it in every record, then turn it into a MasterDetail.',
            at: 'type',
          }
    },
  }),
  rule('field', {
    code: 'lookup_to_master_detail_with_gaps',
    severities: ['red', 'yellow'],
    judge: async ({ field, full, object, existing }, { live }) => {
      if (field.type !== 'MasterDetail' || existing === null) return null
      if (typeOfDescribed(existing) !== 'Lookup') return null
      const [rows, filled] = await Promise.all([
        live.recordCount(object.api_name, 'deleted_too'),
        live.filledCount(object.api_name, field.api_name, 'deleted_too'),
      ])
      if (rows === null || filled === null) {
        return {
          severity: 'yellow',
          message: `${full} would become a master-detail; whether every record has a master is not known.`,
          remedy:
            'Look for records without a value first: Salesforce refuses the change if there are any.',
          at: 'type',
        }
      }
      return filled >= rows
        ? null
        : {
            message: `${full} would become a master-detail, but ${plural(rows - filled, 'record')} have no master, the Recycle Bin included; Salesforce refuses this.`,
            remedy:
              'Fill the lookup in every record first, and empty the Recycle Bin of the others.',
            at: 'type',
          }
    },
  }),
  rule('field', {
    code: 'master_detail_to_lookup_under_rollup',
    severities: ['red'],
    judge: ({ field, full, object, existing }, { describeOf }) => {
      if (field.type !== 'Lookup' || existing === null) return null
      if (typeOfDescribed(existing) !== 'MasterDetail') return null
      const summaries = entriesOf(describeOf(field.reference_to), 'fields').filter(
        (other) => typeOfDescribed(other) === 'Summary',
      )
      return summaries.length === 0
        ? null
        : {
            message: `${full} would become a lookup while ${field.reference_to} has roll-ups (${summaries.map(({ name }) => asText(name)).join(', ')}); Salesforce refuses this if one of them rolls up ${object.api_name}.`,
            remedy: `Delete the roll-ups over ${object.api_name} first.`,
            at: 'type',
          }
    },
  }),
  rule('field', {
    code: 'sharing_becomes_parents',
    severities: ['yellow'],
    judge: ({ field, full, object, objectExists, existing }) =>
      field.type === 'MasterDetail' &&
      objectExists &&
      (existing === null || typeOfDescribed(existing) === 'Lookup')
        ? {
            message: `With ${full}, whoever can see the ${field.reference_to} can see its ${object.api_name} records; owners and sharing rules of ${object.api_name} no longer apply.`,
            remedy: 'Make sure that nobody relies on the current sharing.',
            at: 'type',
          }
        : null,
  }),
  ...rollupRules,
  rule('field', {
    code: 'cascade_delete',
    severities: ['yellow'],
    judge: ({ field, full, object, existing }) =>
      field.type === 'Lookup' &&
      field.delete_constraint === 'Cascade' &&
      objectKind(object.api_name) !== 'standard' &&
      existing?.cascadeDelete !== true
        ? {
            message: `With ${full}, deleting a ${field.reference_to} deletes its ${object.api_name} records too, even those that the user who deletes cannot see. Salesforce refuses it where its support has not switched cascading deletes on.`,
            remedy: 'Use SetNull or Restrict if you do not want this.',
            at: 'delete_constraint',
          }
        : null,
  }),
]
