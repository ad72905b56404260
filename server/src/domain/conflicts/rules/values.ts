// What existing rows may not satisfy: unique, required, external id, the list of a picklist.

import { isAlwaysRequired, isPicklist, isRequired } from '../../metadata/fields/field-kinds.ts'
import { picklistValues } from '../../metadata/fields/picklists.ts'
import { rulesFor } from '../rule.ts'
import { activeValues, keepsType } from '../subjects.ts'
import { inRecords, listed, plural } from '../../words.ts'

const rule = rulesFor('types')

export const valueRules = [
  rule('field', {
    code: 'picklist_values_removed',
    severities: ['yellow', 'green'],
    judge: async (subject, { live }) => {
      const { field, full, object, existing } = subject
      if (!isPicklist(field) || field.values === undefined || !keepsType(subject)) return null
      const planned = new Set(picklistValues(field).map(({ value }) => value))
      const removed = activeValues(existing).filter((value) => !planned.has(value))
      if (removed.length === 0) return null
      const counts = await live.valueCounts(object.api_name, field.api_name)
      const held = removed.filter((value) => (counts?.get(value) ?? 0) > 0)
      const rows = held.reduce((sum, value) => sum + (counts?.get(value) ?? 0), 0)
      if (counts !== null && held.length === 0) {
        return {
          severity: 'green',
          message: `${full} would lose ${listed(removed)}, which no record has.`,
          at: 'values',
        }
      }
      return {
        message: `${full} would lose ${listed(counts === null ? removed : held)}; ${inRecords(counts === null ? null : rows)} have them and could no longer choose them.`,
        remedy: 'Keep these values in the plan, or change the records to other values first.',
        at: 'values',
      }
    },
  }),
  rule('field', {
    code: 'picklist_restricted_over_values',
    severities: ['red', 'yellow'],
    judge: async (subject, { live }) => {
      const { field, full, object, existing } = subject
      if (!isPicklist(field) || field.restricted !== true || !keepsType(subject)) return null
      if (existing?.restrictedPicklist === true) return null
      const allowed = new Set(
        field.values === undefined
          ? activeValues(existing)
          : picklistValues(field).map(({ value }) => value),
      )
      const counts = await live.valueCounts(object.api_name, field.api_name)
      if (counts === null) {
        return {
          severity: 'yellow',
          message: `${full} would accept only values from its list; which values records have today is not known.`,
          remedy: 'Look for values outside the list before you deploy.',
          at: 'restricted',
        }
      }
      const others = [...counts].filter(([value, rows]) => rows > 0 && !allowed.has(value))
      return others.length === 0
        ? null
        : {
            message: `${full} would accept only values from its list, but ${inRecords(others.reduce((sum, [, rows]) => sum + rows, 0))} have other values: ${listed(others.map(([value]) => value))}. They could not be saved again.`,
            remedy: 'Add these values to the plan, or change the records first.',
            at: 'restricted',
          }
    },
  }),
  rule('field', {
    code: 'unique_over_duplicates',
    severities: ['red', 'yellow'],
    judge: async ({ field, full, object, existing }, { live }) => {
      if (!('unique' in field) || !field.unique || existing === null || existing.unique === true) {
        return null
      }
      const duplicates = await live.duplicatesOf(object.api_name, field.api_name, 'deleted_too')
      if (duplicates === 0) return null
      return duplicates === null
        ? {
            severity: 'yellow',
            message: `${full} would become unique; whether values repeat today is not known, and Salesforce refuses the change if they do.`,
            remedy: 'Look for repeated values before you deploy.',
            at: 'unique',
          }
        : {
            message: `${full} would become unique, but ${plural(duplicates, 'value')} occur in more than one record, the Recycle Bin included; Salesforce refuses this.`,
            remedy:
              'Merge or change the records that share a value, and empty the Recycle Bin of them.',
            at: 'unique',
          }
    },
  }),
  rule('field', {
    code: 'external_id_over_duplicates',
    severities: ['yellow'],
    judge: async ({ field, full, object, existing }, { live }) => {
      if (!('external_id' in field) || !field.external_id || existing === null) return null
      if (existing.externalId === true || ('unique' in field && field.unique)) return null
      // Salesforce assigns each number once, and no query can group by them.
      if (existing.autoNumber === true) return null
      const duplicates = await live.duplicatesOf(object.api_name, field.api_name)
      // Salesforce: an upsert by an external id that several records share returns 300 and writes
      // nothing.
      return duplicates === 0
        ? null
        : {
            message: `${full} would become an external id, but ${duplicates === null ? 'whether values repeat is not known' : `${plural(duplicates, 'value')} occur in more than one record`}; upserts by such a value fail.`,
            remedy: 'Make the values unique first, and plan the field as unique.',
            at: 'external_id',
          }
    },
  }),
  rule('field', {
    code: 'external_id_lost',
    severities: ['yellow'],
    judge: (subject) => {
      const { field, full, existing } = subject
      return existing?.externalId === true && 'external_id' in field && !field.external_id
        ? {
            message: `${full} is an external id today and would no longer be one; upserts by it would fail.`,
            remedy: 'Set external_id in the plan.',
            at: 'external_id',
          }
        : null
    },
  }),
  rule('field', {
    code: 'unique_lost',
    severities: ['yellow'],
    judge: ({ field, full, existing }) =>
      existing?.unique === true && 'unique' in field && !field.unique
        ? {
            message: `${full} is unique today and would accept repeated values.`,
            remedy: 'Set unique in the plan if you do not want this.',
            at: 'unique',
          }
        : null,
  }),
  rule('field', {
    code: 'required_over_empty_rows',
    severities: ['yellow'],
    judge: async ({ field, full, object, existing, objectExists }, { live }) => {
      if (!isRequired(field) || isAlwaysRequired(field) || !objectExists) return null
      if (existing?.nillable === false) return null
      const rows = await live.recordCount(object.api_name)
      if (rows === 0) return null
      const filledRows =
        existing === null ? 0 : await live.filledCount(object.api_name, field.api_name)
      const empty = rows === null || filledRows === null ? null : Math.max(0, rows - filledRows)
      if (empty === 0) return null
      // Salesforce: the deploy goes through; each empty record then refuses its next edit.
      return {
        message: `${full} would be required, but ${empty === null ? 'records without a value cannot be counted' : `${plural(empty, 'record')} have no value`}; they cannot be saved again until they have one.`,
        remedy: 'Fill the field first, or leave it optional.',
        at: 'required',
      }
    },
  }),
  rule('field', {
    code: 'required_dropped',
    severities: ['yellow'],
    judge: (subject) => {
      const { field, full, existing } = subject
      return keepsType(subject) &&
        existing?.nillable === false &&
        'required' in field &&
        !field.required
        ? {
            message: `${full} is required today; empty values would be accepted.`,
            remedy: 'Set required in the plan if you do not want this.',
            at: 'required',
          }
        : null
    },
  }),
]
