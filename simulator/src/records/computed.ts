// Fields that are never stored: formula fields and roll-up summaries, reckoned when they are read.

import { FormulaNotSimulated } from '../formula/formula.ts'
import { isMoment, textOf, type FormulaValue } from '../formula/values.ts'
import { findObject } from '../org/changes.ts'
import { salesforceDateTime } from '../org/ids.ts'
import { type Field, type Org, type Row, type SObject } from '../org/model.ts'
import { formulaOf, recordScope } from './formula-scope.ts'
import { recordStateOf } from './state.ts'

/** True of fields whose value is reckoned here, and not stored in the row. */
export const isComputed = ({ describe, metadata }: Field): boolean =>
  describe.calculated && (describe.calculatedFormula !== null || metadata?.['type'] === 'Summary')

/**
 * The field's value for this row, as REST shows it. Throws a `FormulaNotSimulated` or
 * `FormulaSyntaxError` where its formula is beyond this simulator.
 */
export const computedValue = (org: Org, object: SObject, field: Field, row: Row): unknown => {
  if (!isComputed(field)) return row[field.describe.name] ?? null
  const { calculatedFormula } = field.describe
  if (calculatedFormula === null) return rollUp(org, field, row)
  const value = formulaOf(org, calculatedFormula).evaluate(
    recordScope({
      org,
      object,
      row,
      before: row,
      blankNumbersAsZero: field.describe['formulaTreatNullNumberAsZero'] === true,
    }),
  )
  return shownValue(field, value)
}

/** What a formula gave, as a field of this type has it in REST. */
export const shownValue = ({ describe }: Field, value: FormulaValue): unknown => {
  if (describe.type === 'boolean') return value === true
  if (value === null || value === '') return null
  if (isMoment(value)) {
    if (describe.type === 'datetime') return salesforceDateTime(new Date(value.ms))
    return textOf(value)
  }
  if (typeof value === 'number' && describe.type !== 'string') {
    const factor = 10 ** describe.scale
    const whole = describe.type === 'percent' ? value * 100 : value
    return Math.round(whole * factor) / factor
  }
  return textOf(value)
}

/** Salesforce: Metadata API guide, "CustomField", the members that begin with `summary`. */
interface SummaryItem {
  field?: unknown
  operation?: unknown
  value?: unknown
}

const rollUp = (org: Org, field: Field, row: Row): unknown => {
  const { summaryForeignKey, summaryOperation, summarizedField, summaryFilterItems } =
    field.metadata ?? {}
  const [childName = '', keyName = ''] = String(summaryForeignKey).split('.')
  const child = findObject(org, childName)
  const key = child?.fields.get(keyName.toLowerCase())
  if (child === undefined || key === undefined) return null
  const items = [summaryFilterItems ?? []].flat() as SummaryItem[]
  const children = recordStateOf(org)
    .store.liveWith(child, key, row.Id)
    .filter((each) => items.every((item) => fits(org, child, each, item)))
  if (summaryOperation === 'count') return children.length
  const summed = child.fields.get((String(summarizedField).split('.')[1] ?? '').toLowerCase())
  if (summed === undefined) return null
  const values = children.flatMap((each) => {
    const value = computedValue(org, child, summed, each)
    return typeof value === 'number' || typeof value === 'string' ? [value] : []
  })
  // Salesforce: the sum of nothing is 0, the least and the greatest of nothing are blank.
  if (summaryOperation === 'sum') {
    const factor = 10 ** field.describe.scale
    const sum = values.reduce<number>((total, value) => total + Number(value), 0)
    return Math.round(sum * factor) / factor
  }
  const sorted = values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return (summaryOperation === 'min' ? sorted[0] : sorted.at(-1)) ?? null
}

const fits = (org: Org, child: SObject, row: Row, { field, operation, value }: SummaryItem) => {
  const name = String(field).split('.').at(-1) ?? ''
  const found = child.fields.get(name.toLowerCase())
  if (found === undefined) return false
  return criterionHolds(
    computedValue(org, child, found, row),
    String(operation),
    typeof value === 'string' || typeof value === 'number' ? String(value) : '',
  )
}

/**
 * One filter item, as roll-ups and assignment rules have them. Salesforce: Metadata API guide,
 * "FilterItem". Several values stand in one text, divided by commas. Throws a
 * `FormulaNotSimulated` for any other operation.
 */
export const criterionHolds = (own: unknown, operation: string, wanted: string): boolean => {
  const text =
    typeof own === 'string' || typeof own === 'number' || typeof own === 'boolean'
      ? String(own).toLowerCase()
      : ''
  const options = wanted
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
  const compare = (accept: (difference: number) => boolean): boolean => {
    if (text === '') return false
    const [left, right] = [Number(text), Number(wanted)]
    if (!Number.isNaN(left) && !Number.isNaN(right)) return accept(left - right)
    return accept(text < wanted.toLowerCase() ? -1 : text > wanted.toLowerCase() ? 1 : 0)
  }
  switch (operation) {
    case 'equals':
      return options.includes(text)
    case 'notEqual':
      return !options.includes(text)
    case 'lessThan':
      return compare((difference) => difference < 0)
    case 'greaterThan':
      return compare((difference) => difference > 0)
    case 'lessOrEqual':
      return compare((difference) => difference <= 0)
    case 'greaterOrEqual':
      return compare((difference) => difference >= 0)
    case 'contains':
      return options.some((each) => text.includes(each))
    case 'notContain':
      return !options.some((each) => text.includes(each))
    case 'startsWith':
      return options.some((each) => text.startsWith(each))
    case 'includes':
      return options.some((each) => text.split(';').includes(each))
    case 'excludes':
      return !options.some((each) => text.split(';').includes(each))
    default:
      throw new FormulaNotSimulated(`the filter operation "${operation}"`)
  }
}
