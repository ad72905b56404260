// Filter items, as roll-ups and assignment rules have them.

import { FormulaNotSimulated } from '../formula/formula.ts'

/**
 * Whether a value meets one filter item. Salesforce: Metadata API guide, "FilterItem". Several values
 * are in one text, separated by commas. Throws a `FormulaNotSimulated` for any other operation.
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
