// Roll-ups: over which relationships, of which fields, and filtered by which.

import { asText } from '../../../salesforce/json.ts'
import { list } from '../../../salesforce/xml.ts'
import { fieldKindOf, typeOfDescribed } from '../../metadata/fields/field-kinds.ts'
import { isLong } from '../../metadata/fields/long-texts.ts'
import { rollsUpOver } from '../../metadata/fields/summary.ts'
import { callsIn } from '../../metadata/formula-functions.ts'
import { sameName } from '../../metadata/names.ts'
import {
  type FieldName,
  formulaOf,
  isFieldMissing,
  pathsOfFormula,
  shownBy,
} from '../field-paths.ts'
import { type Facts, rulesFor, type Subjects, type Verdict } from '../rule.ts'
import { fieldIn } from '../subjects.ts'

const rule = rulesFor('relations')

const nameOf = (path: string): FieldName => {
  const [object = '', field = ''] = path.split('.')
  return { object, field }
}

interface Used extends FieldName {
  path: string
  at: string
  isFilter: boolean
}

/** The fields of the detail that a roll-up names beside its relationship. */
const usedBy = ({ field }: Subjects['field']): Used[] => {
  if (field.type !== 'Summary') return []
  const { summarized_field: summarized, filters = [] } = field
  return [
    ...(summarized === undefined ? [] : [{ path: summarized, at: 'summarized_field' }]),
    ...filters.map((filter, index) => ({ path: filter.field, at: `filters.${index}.field` })),
  ].map((used) => ({ ...nameOf(used.path), ...used, isFilter: used.at !== 'summarized_field' }))
}

/** Salesforce Help, "Roll-Up Summary Fields": functions that derive values on the fly. */
const ON_THE_FLY: ReadonlySet<string> = new Set(['datevalue', 'now', 'today'])

/** Why Salesforce does not roll up, or filter by, a formula field; null if it does. */
const formulaFault = (name: FieldName, facts: Facts): string | null => {
  if (formulaOf(name, facts) === null) return null
  const formulas = [name, ...shownBy(name, facts).values()].flatMap((one) => {
    const formula = formulaOf(one, facts)
    return formula === null ? [] : [{ formula, object: one.object }]
  })
  const crosses = formulas.some(({ formula, object }) =>
    pathsOfFormula(formula, object).some(
      ({ steps, written }) => steps.length > 1 || written.startsWith('$'),
    ),
  )
  if (crosses) return 'a formula over other records'
  return formulas.some(({ formula }) => callsIn(formula).some((call) => ON_THE_FLY.has(call)))
    ? 'a formula whose result changes by itself'
    : null
}

/** Numbers by sum, min and max, days and points in time by min and max. */
const SUMMED: ReadonlySet<string> = new Set(['currency', 'double', 'int', 'percent'])
const ORDERED: ReadonlySet<string> = new Set([...SUMMED, 'date', 'datetime'])

/** Not in the field column of a filter. The type of a record is the exception among lookups. */
const UNFILTERED: Readonly<Record<string, string>> = {
  encryptedstring: 'an encrypted text',
  multipicklist: 'a multi-select picklist',
  reference: 'a relationship',
}

const typeFault = (used: Used, operation: string, facts: Facts): string | null => {
  const planned = facts.plannedField(used.object, used.field)
  const described = planned === null ? fieldIn(facts.describeOf(used.object), used.field) : null
  if (planned === null && described === null) return null
  const [plannedType = ''] =
    planned === null ? [] : fieldKindOf(planned.type).describeTypes(planned)
  const type = planned === null ? (asText(described?.type) ?? '') : plannedType
  if (!used.isFilter) {
    // What the plan brings is checked by the plan's own check.
    if (planned !== null) return null
    if (described?.autoNumber === true) return 'an automatic number'
    return (operation === 'sum' ? SUMMED : ORDERED).has(type) ? null : `of type ${type}`
  }
  const isLongText =
    planned === null
      ? type === 'textarea' && described !== null && isLong(described)
      : fieldKindOf(planned.type).family === 'long text'
  if (isLongText) return 'a long text'
  return sameName(used.field) === 'recordtypeid' ? null : (UNFILTERED[type] ?? null)
}

export const rollupRules = [
  rule('field', {
    code: 'rollup_over_lookup',
    severities: ['red'],
    judge: ({ field, full, object }, { describeOf, plannedField }) => {
      if (field.type !== 'Summary') return null
      const key = nameOf(field.summary_foreign_key)
      // A link within the plan is checked by the plan's check.
      if (plannedField(key.object, key.field) !== null) return null
      const link = fieldIn(describeOf(key.object), key.field)
      const isMaster =
        link !== null &&
        (typeOfDescribed(link) === 'MasterDetail' || rollsUpOver(field.summary_foreign_key))
      const isOurs = list(link?.referenceTo).some(
        (target) => sameName(asText(target) ?? '') === sameName(object.api_name),
      )
      if (isMaster && isOurs) return null
      return {
        message:
          link === null
            ? `${full} rolls up over ${field.summary_foreign_key}, which exists neither in this Salesforce org nor in the plan.`
            : `${full} rolls up over ${field.summary_foreign_key}, which is not a master-detail to ${object.api_name}; Salesforce refuses this.`,
        remedy: 'Use a MasterDetail, or add it to the plan.',
        at: 'summary_foreign_key',
      }
    },
  }),
  rule('field', {
    code: 'rollup_field_missing',
    severities: ['red'],
    judge: async (subject, facts) => {
      const used = await Promise.all(
        usedBy(subject).map(async (one) => ({ ...one, isGone: await isFieldMissing(one, facts) })),
      )
      return used
        .filter(({ isGone }) => isGone)
        .map(({ path, at, isFilter }) => ({
          message: `${subject.full} ${isFilter ? 'filters by' : 'rolls up'} ${path}, which exists neither in this Salesforce org nor in the plan.`,
          remedy: 'Correct the name, or add the field to the plan.',
          at,
        }))
    },
  }),
  rule('field', {
    code: 'rollup_field_refused',
    severities: ['red'],
    judge: (subject, facts) => {
      const { field, full } = subject
      if (field.type !== 'Summary') return null
      return usedBy(subject).flatMap((used): Verdict[] => {
        const fault = formulaFault(used, facts) ?? typeFault(used, field.operation, facts)
        if (fault === null) return []
        return [
          {
            message: used.isFilter
              ? `${full} filters by ${used.path}, which is ${fault}; Salesforce does not filter roll-ups by that.`
              : `${full} takes the ${field.operation} of ${used.path}, which is ${fault}; Salesforce does not roll that up.`,
            remedy: used.isFilter ? 'Filter by a different field.' : 'Roll up a different field.',
            at: used.at,
          },
        ]
      })
    },
  }),
]
