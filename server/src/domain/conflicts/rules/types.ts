// An existing field that would change its type: what Salesforce refuses, and what is lost.

import { type Conversion, wholeDigits } from '../../metadata/fields/conversion.ts'
import { typeOfDescribed } from '../../metadata/fields/field-kinds.ts'
import {
  conversionOf,
  type FieldShape,
  shapeOfDescribed,
  shapeOfPlanned,
} from '../../metadata/fields/shape.ts'
import { sameName } from '../../metadata/names.ts'
import { type Facts, rulesFor, type Subjects } from '../rule.ts'
import { blanksNow, keepsType } from '../subjects.ts'
import { inRecords } from '../../words.ts'

const rule = rulesFor('types')

type FieldSubject = Subjects['field']

/** Rows that lose something by the change; null if not known. */
const lost = (
  { object, field }: FieldSubject,
  conversion: Conversion,
  { live }: Facts,
): Promise<number | null> =>
  conversion.kind === 'lossy'
    ? live.rowsAtStake(object.api_name, field.api_name, conversion.atStake)
    : Promise.resolve(0)

interface FieldChange {
  from: FieldShape
  to: FieldShape
  conversion: Conversion
}

/** How an existing field changes; null for a new one and for types that plans do not support. */
const changeOf = ({ field, existing }: FieldSubject): FieldChange | null => {
  const from = existing === null ? null : shapeOfDescribed(existing)
  if (from === null) return null
  const to = shapeOfPlanned(field)
  return { from, to, conversion: conversionOf(from, to) }
}

/** As `changeOf`, if it exists with a different type than planned. */
const typeChangeOf = (subject: FieldSubject): FieldChange | null => {
  const change = changeOf(subject)
  return change === null || change.from.type === change.to.type ? null : change
}

/** As `changeOf`, if it exists with the planned type. */
const sizeChangeOf = (subject: FieldSubject): FieldChange | null => {
  const change = changeOf(subject)
  return change !== null && change.from.type === change.to.type ? change : null
}

const isFormulaChange = ({ from, to }: FieldChange): boolean =>
  (from.type === 'Formula') !== (to.type === 'Formula')

/** Salesforce Help, "Custom Field Types", Text Area (Long): not for activities and opportunity products. */
const NO_LONG_TEXTS: ReadonlySet<string> = new Set(['activity', 'opportunitylineitem'])

export const typeRules = [
  rule('field', {
    code: 'field_type_not_available',
    severities: ['red'],
    judge: ({ field, full, object: { api_name } }) =>
      field.type === 'LongTextArea' && NO_LONG_TEXTS.has(sameName(api_name))
        ? {
            message: `${full} cannot be created: Salesforce allows no LongTextArea fields on ${api_name}.`,
            remedy: 'Make it a TextArea, or put the text on a different object.',
            at: 'type',
          }
        : null,
  }),
  rule('field', {
    code: 'type_change_refused',
    severities: ['red'],
    judge: (subject) => {
      const { field, full, existing } = subject
      const remedy = 'Give the new field a different name, or plan it with its current type.'
      if (existing !== null && typeOfDescribed(existing) === null) {
        return {
          message: `${full} has the type ${String(existing.type)} in this Salesforce org, which cannot become ${field.type}.`,
          remedy,
          at: 'type',
        }
      }
      const change = typeChangeOf(subject)
      if (change?.conversion.kind !== 'refused' || isFormulaChange(change)) return null
      return {
        message: `${full} is a ${change.from.type} and cannot become a ${field.type}: ${change.conversion.why}.`,
        remedy,
        at: 'type',
      }
    },
  }),
  rule('field', {
    code: 'type_change_loses_data',
    severities: ['yellow'],
    judge: async (subject, facts) => {
      const { field, full } = subject
      const change = typeChangeOf(subject)
      if (change?.conversion.kind !== 'lossy') return null
      const count = await lost(subject, change.conversion, facts)
      return count === 0
        ? null
        : {
            message: `${full} would change from ${change.from.type} to ${field.type}; ${inRecords(count)} would lose ${change.conversion.loses}, permanently.`,
            remedy: 'Export the field first, or create a second field and copy what fits.',
            at: 'type',
          }
    },
  }),
  rule('field', {
    code: 'type_change',
    severities: ['yellow'],
    judge: async (subject, facts) => {
      const { field, full } = subject
      const change = typeChangeOf(subject)
      if (change === null) return null
      const { from, conversion } = change
      if (conversion.kind === 'kept') {
        return {
          message: `${full} would change from ${from.type} to ${field.type}: ${conversion.note}. Filters, reports and integrations that depend on its type may behave differently.`,
          remedy: 'Review what uses the field before you deploy.',
          at: 'type',
        }
      }
      if (conversion.kind !== 'lossy' || (await lost(subject, conversion, facts)) !== 0) return null
      return {
        message: `${full} would change from ${from.type} to ${field.type}, which loses ${conversion.loses}. No record has any, so nothing is lost.`,
        remedy: 'Deploy before anybody fills the field.',
        at: 'type',
      }
    },
  }),
  rule('field', {
    code: 'formula_ordinary_change',
    severities: ['red'],
    judge: (subject) => {
      const { full } = subject
      const change = typeChangeOf(subject)
      const wasFormula = change?.from.type === 'Formula'
      return change === null || !isFormulaChange(change)
        ? null
        : {
            message: `${full} is ${wasFormula ? 'a formula' : 'an ordinary field'} and Salesforce cannot turn it into ${wasFormula ? 'an ordinary field' : 'a formula'}.`,
            remedy: 'Create a field with a different name.',
            at: 'type',
          }
    },
  }),
  rule('field', {
    code: 'formula_result_change',
    severities: ['red'],
    judge: (subject) => {
      const { field, full, existing } = subject
      if (field.type !== 'Formula' || existing === null || !keepsType(subject)) return null
      const result = typeOfDescribed({ ...existing, calculatedFormula: null, calculated: false })
      // Salesforce: a text formula of any length is described as string.
      return result === null || result === field.result_type
        ? null
        : {
            message: `The formula ${full} returns ${result}; Salesforce cannot change that to ${field.result_type}.`,
            remedy: 'Create a formula with a different name.',
            at: 'result_type',
          }
    },
  }),
  rule('field', {
    code: 'formula_replaced',
    severities: ['yellow'],
    judge: (subject) => {
      const { field, full, existing } = subject
      if (field.type !== 'Formula' || typeof existing?.calculatedFormula !== 'string') return null
      if (existing.calculatedFormula.trim() !== field.formula.trim()) {
        return {
          message: `${full} has a different formula now; all records would show the new result at once.`,
          remedy: 'Compare the two formulas before you deploy.',
          at: 'formula',
        }
      }
      const now = blanksNow(subject)
      return now === null
        ? null
        : {
            message: `The formula ${full} treats empty numbers as ${now} now and would treat them as ${field.treat_blanks_as}; records in which one is empty would show a new result at once.`,
            remedy: `Use ${now} as treat_blanks_as to keep the results.`,
            at: 'treat_blanks_as',
          }
    },
  }),
  rule('field', {
    code: 'length_shortened',
    severities: ['yellow'],
    judge: async (subject, facts) => {
      const { full } = subject
      const change = sizeChangeOf(subject)
      if (change?.conversion.kind !== 'lossy' || change.from.length === null) return null
      const { from, to, conversion } = change
      const count = await lost(subject, conversion, facts)
      return count === 0
        ? null
        : {
            message: `${full} would shrink from ${from.length} to ${to.length ?? 0} characters; ${inRecords(count)} have a longer value: Salesforce truncates it or refuses the change.`,
            remedy: `Keep the length of ${from.length}, or shorten the values first.`,
            at: 'length',
          }
    },
  }),
  rule('field', {
    code: 'precision_lowered',
    severities: ['yellow'],
    judge: async (subject, facts) => {
      const { full } = subject
      const change = sizeChangeOf(subject)
      if (change?.conversion.kind !== 'lossy' || change.from.precision === null) return null
      const { from, to, conversion } = change
      const count = await lost(subject, conversion, facts)
      const digits = (shape: FieldShape) => [wholeDigits(shape) ?? 0, shape.scale ?? 0] as const
      const [[whole, behind], [wanted, wantedBehind]] = [digits(from), digits(to)]
      return count === 0
        ? null
        : {
            message: `${full} would go from ${whole} digits before the decimal point and ${behind} after it to ${wanted} and ${wantedBehind}; ${inRecords(count)} have a number with more digits, which would be rounded or would not fit.`,
            remedy: 'Keep the current digits, or check the numbers first.',
            at: wantedBehind < behind ? 'scale' : 'precision',
          }
    },
  }),
  rule('field', {
    code: 'auto_number_counts_on',
    severities: ['green'],
    judge: (subject) => {
      const { field } = subject
      if (field.type !== 'AutoNumber' || !keepsType(subject)) return null
      return field.starting_number !== undefined
        ? {
            message: `${subject.full} is already counting and continues; starting_number ${field.starting_number} is for a new field only and is not sent.`,
            at: 'starting_number',
          }
        : null
    },
  }),
  rule('field', {
    code: 'field_label_changed',
    severities: ['yellow'],
    judge: ({ field, full, existing }) =>
      typeof existing?.label === 'string' && existing.label !== field.label
        ? {
            message: `${full} has the label ${existing.label}; users would see ${field.label}.`,
            remedy: `Use ${existing.label} in the plan to keep the current label.`,
            at: 'label',
          }
        : null,
  }),
  rule('object', {
    code: 'object_settings_changed',
    severities: ['yellow'],
    judge: ({ object, describe }) => {
      const changes = [
        [object.label, describe?.label, 'label'],
        [object.plural_label, describe?.labelPlural, 'plural label'],
      ].filter(
        ([planned, found]) =>
          planned !== undefined && typeof found === 'string' && planned !== found,
      )
      return changes.length === 0
        ? null
        : {
            message: `${object.api_name} exists; ${changes.map(([planned, found, what]) => `its ${String(what)} would change from ${String(found)} to ${String(planned)}`).join(', ')}.`,
            remedy: 'Use the labels of the Salesforce org if you do not want this.',
            at: 'label',
          }
    },
  }),
]
