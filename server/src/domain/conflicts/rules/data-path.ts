// What the plan would do to this client's own pushes, measured against the values of the last one.

import {
  isPicklist,
  isReadOnly,
  isRequired,
  typeOfDescribed,
} from '../../metadata/fields/field-kinds.ts'
import { wholeDigits } from '../../metadata/fields/conversion.ts'
import { picklistValues } from '../../metadata/fields/picklists.ts'
import { shapeOfPlanned } from '../../metadata/fields/shape.ts'
import { sameName } from '../../metadata/names.ts'
import { type MappingFacts, type ValueProfile } from '../facts.ts'
import { type Facts, rulesFor, type Subjects, type Verdict } from '../rule.ts'
import { activeValues, changesOf, numberIn } from '../subjects.ts'
import { listed, plural, share } from '../../words.ts'

const rule = rulesFor('data-path')

interface Mapped {
  mapping: MappingFacts
  canonicalField: string
  hasDefault: boolean
  alwaysSent: boolean
  /** Null where no push was profiled. */
  profile: ValueProfile | null
  rows: number
}

const profileOf = (mapping: MappingFacts, field: string): ValueProfile | null =>
  Object.entries(mapping.lastPush?.fields ?? {}).find(
    ([name]) => sameName(name) === sameName(field),
  )?.[1] ?? null

/** The client's mappings that write this field. */
const mappedTo = (facts: Facts, object: string, field: string): Mapped[] =>
  facts.mappingsTo(object).flatMap((mapping) =>
    mapping.fields
      .filter(({ sfdc_field }) => sameName(sfdc_field) === sameName(field))
      .map(({ canonical_field, has_default, required }) => ({
        mapping,
        canonicalField: canonical_field,
        hasDefault: has_default,
        alwaysSent: required || has_default,
        profile: profileOf(mapping, field),
        rows: mapping.lastPush?.rows ?? 0,
      })),
  )

const ofLast = (failing: number, rows: number): string =>
  `${plural(failing, 'row')} of the last push (${share(failing, rows)}) would have failed`

type FieldSubject = Subjects['field']

const eachMapped = (
  { object, field }: FieldSubject,
  facts: Facts,
  judge: (mapped: Mapped) => Verdict | null,
): Verdict[] =>
  mappedTo(facts, object.api_name, field.api_name).flatMap((mapped) => judge(mapped) ?? [])

export const dataPathRules = [
  rule('field', {
    code: 'push_lacks_required_field',
    severities: ['red'],
    judge: ({ field, full, object, existing }, facts) => {
      if (!isRequired(field) || existing?.nillable === false) return null
      if ('default_formula' in field && field.default_formula !== undefined) return null
      if (isPicklist(field) && field.default !== undefined) return null
      const sending = new Set(
        mappedTo(facts, object.api_name, field.api_name).map(({ mapping }) => mapping),
      )
      return facts
        .mappingsTo(object.api_name)
        .filter((mapping) => !sending.has(mapping))
        .map(({ canonical_object }) => ({
          message: `${full} would be required, but the mapping ${canonical_object} does not send it; every record that a push creates would fail.`,
          remedy: 'Map the field, give it a default, or leave it optional.',
          at: 'required',
        }))
    },
  }),
  rule('field', {
    code: 'push_leaves_required_empty',
    severities: ['red', 'yellow'],
    judge: (subject, facts) => {
      const { field, full, existing } = subject
      if (!isRequired(field) || existing?.nillable === false) return null
      return eachMapped(subject, facts, ({ mapping, alwaysSent, profile, rows }) => {
        if (profile !== null && profile.empty > 0) {
          return {
            message: `${full} would be required, but pushes of ${mapping.canonical_object} leave it empty: ${ofLast(profile.empty, rows)}.`,
            remedy: 'Fill it at the source, give the mapping a default, or leave it optional.',
            at: 'required',
          }
        }
        return profile === null && !alwaysSent
          ? {
              severity: 'yellow',
              message: `${full} would be required, and the mapping ${mapping.canonical_object} may leave it empty; no push so far shows how often.`,
              remedy: 'Make the field required in the mapping, or give it a default there.',
              at: 'required',
            }
          : null
      })
    },
  }),
  rule('field', {
    code: 'push_value_not_in_picklist',
    severities: ['red', 'yellow'],
    judge: (subject, facts) => {
      const { field, full, existing } = subject
      if (!isPicklist(field)) return null
      const restricted =
        field.global_value_set !== undefined ||
        (field.restricted ?? existing?.restrictedPicklist === true)
      if (!restricted) return null
      if (field.values === undefined && existing === null) return null
      const allowed = new Set(
        field.values === undefined
          ? activeValues(existing)
          : picklistValues(field).map(({ value }) => value),
      )
      return eachMapped(subject, facts, ({ mapping, profile, rows }) => {
        if (profile?.values === undefined || profile.values === null) {
          return existing?.restrictedPicklist === true
            ? null
            : {
                severity: 'yellow',
                message: `${full} would accept only values from its list; no push so far shows which values ${mapping.canonical_object} sends.`,
                remedy: 'Compare the list with the source, or use a value map.',
                at: 'values',
              }
        }
        const others = Object.entries(profile.values).filter(([value]) => !allowed.has(value))
        const failing = others.reduce((sum, [, count]) => sum + count, 0)
        return failing === 0
          ? null
          : {
              message: `${full} would reject ${listed(others.map(([value]) => value))}, which pushes of ${mapping.canonical_object} send: ${ofLast(failing, rows)}.`,
              remedy: 'Add these values to the plan, or map them to other values.',
              at: 'values',
            }
      })
    },
  }),
  rule('field', {
    code: 'push_value_too_long',
    severities: ['red'],
    judge: (subject, facts) => {
      const { field, full } = subject
      const max = maxLength(field)
      return max === null
        ? null
        : eachMapped(subject, facts, ({ mapping, profile, rows }) =>
            (profile?.longest ?? 0) <= max
              ? null
              : {
                  message: `${full} would hold ${max} characters; the longest value in the last push of ${mapping.canonical_object} (${plural(rows, 'row')}) has ${profile?.longest ?? 0}, so at least one row would have failed.`,
                  remedy: 'Plan a longer field, or shorten the values at the source.',
                  at: 'length' in field ? 'length' : 'type',
                },
          )
    },
  }),
  rule('field', {
    code: 'push_number_out_of_range',
    severities: ['red'],
    judge: (subject, facts) => {
      const { field, full } = subject
      const digits = wholeDigits(shapeOfPlanned(field))
      if (digits === null) return null
      const bound = 10 ** digits
      return eachMapped(subject, facts, ({ mapping, profile, rows }) => {
        const extremes = [profile?.smallest ?? null, profile?.largest ?? null]
        const over = extremes.find((number) => number !== null && Math.abs(number) >= bound)
        return over === undefined || over === null
          ? null
          : {
              message: `${full} would hold ${plural(digits, 'digit')} before the decimal point; the last push of ${mapping.canonical_object} (${plural(rows, 'row')}) sent ${over}, so at least one row would have failed.`,
              remedy: 'Raise precision in the plan.',
              at: 'precision',
            }
      })
    },
  }),
  rule('field', {
    code: 'push_field_becomes_read_only',
    severities: ['red'],
    judge: (subject, facts) => {
      const { field, full } = subject
      return isReadOnly(field)
        ? eachMapped(subject, facts, ({ mapping, canonicalField }) => ({
            message: `${full} would have the type ${field.type}, which is read-only, but ${mapping.canonical_object}.${canonicalField} is mapped to it; every row would fail.`,
            remedy: 'Map it to a different field, or plan a writable field.',
            at: 'type',
          }))
        : null
    },
  }),
  rule('field', {
    code: 'push_type_changes',
    severities: ['yellow'],
    judge: (subject, facts) => {
      const { field, full, existing } = subject
      const from = existing === null ? null : typeOfDescribed(existing)
      if (from === null || from === field.type || isReadOnly(field)) return null
      return eachMapped(subject, facts, ({ mapping, canonicalField, rows }) => ({
        message: `${full} would change from ${from} to ${field.type} while it is mapped by ${mapping.canonical_object}.${canonicalField}${rows > 0 ? `; the last push sent ${plural(rows, 'row')}` : ''}. Values that are not of type ${field.type} would fail.`,
        remedy: 'Push with dry_run after the change, or map to a different field.',
        at: 'type',
      }))
    },
  }),
  rule('field', {
    code: 'push_key_lost',
    severities: ['red'],
    judge: ({ field, full, object }, { mappingsTo }) => {
      if ('external_id' in field && field.external_id) return null
      return mappingsTo(object.api_name)
        .filter(({ external_id_field: key }) => sameName(key ?? '') === sameName(field.api_name))
        .map(({ canonical_object }) => ({
          message: `The mapping ${canonical_object} finds its records by ${full}, which would no longer be an external id; every push would fail.`,
          remedy: 'Set external_id in the plan, or choose a different key for the mapping.',
          at: 'external_id',
        }))
    },
  }),
  rule('field', {
    code: 'push_value_must_be_unique',
    severities: ['yellow'],
    judge: (subject, facts) => {
      const { field, full, object, existing } = subject
      if (!('unique' in field) || !field.unique || existing?.unique === true) return null
      return eachMapped(subject, facts, ({ mapping, hasDefault }) =>
        sameName(mapping.external_id_field ?? '') === sameName(field.api_name)
          ? null
          : {
              message: `${full} would accept no value twice; rows of ${mapping.canonical_object} that repeat one${hasDefault ? ', and all those with the default,' : ''} would fail on ${object.api_name}.`,
              remedy: 'Make sure the source sends each value once.',
              at: 'unique',
            },
      )
    },
  }),
  rule('field', {
    code: 'push_number_rounded',
    severities: ['yellow'],
    judge: (subject, facts) => {
      const { field, full, existing } = subject
      const scale = numberIn(existing, 'scale')
      return 'precision' in field && scale !== null && field.scale < scale
        ? eachMapped(subject, facts, ({ mapping }) => ({
            message: `${full} would keep ${plural(field.scale, 'decimal place')} instead of ${scale}; Salesforce rounds what ${mapping.canonical_object} sends.`,
            remedy: 'Keep the current scale.',
            at: 'scale',
          }))
        : null
    },
  }),
  rule('field', {
    code: 'mapping_target_changed',
    severities: ['yellow'],
    judge: (subject, facts) => {
      const changes = changesOf(subject)
      return changes.length === 0
        ? null
        : eachMapped(subject, facts, ({ mapping, canonicalField }) => ({
            message: `${mapping.canonical_object}.${canonicalField} is mapped to ${subject.full}, which the plan changes (${listed(changes)}).`,
            remedy: 'Validate the mapping after the deploy.',
          }))
    },
  }),
]

/** Salesforce: how many characters a field of each type holds. */
const FIXED_LENGTHS: Readonly<Record<string, number>> = {
  TextArea: 255,
  Email: 80,
  Phone: 40,
  Url: 255,
}

const maxLength = (field: FieldSubject['field']): number | null =>
  'length' in field ? field.length : (FIXED_LENGTHS[field.type] ?? null)
