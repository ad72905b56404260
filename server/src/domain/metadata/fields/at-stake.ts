// How to find out which rows lose something through a change of a field: a query to Salesforce and, if
// no query can be exact, what to look for in the values.

import { type Soql, soql, soqlName } from '../../../salesforce/escape.ts'
import { type AtStake, wholeDigits } from './conversion.ts'
import { fieldKindOf, type FieldType } from './field-kinds.ts'
import { isNotNull } from './kind.ts'
import { type FieldShape } from './shape.ts'

/** What is asked about one field of one object. */
export interface Measure {
  /** The condition for rows that count, or that have to be checked; null: all rows. */
  where: Soql | null
  /** Whether a row with this value counts; null if all rows of the query do. */
  counts: ((value: unknown) => boolean) | null
}

/** From this length on, a list makes a query that may be too long for Salesforce. */
const LISTED_MAX = 200

/** Rows that are checked one by one at most; beyond that the number is not known. */
export const LOOKED_AT_MAX = 2_000

const filledIn = (
  name: string,
  type: FieldType | null,
  startsAs: string | boolean | null,
): Soql | null => {
  const kind = type === null ? null : fieldKindOf(type)
  return kind?.filled === undefined ? isNotNull(name) : kind.filled(name, startsAs)
}

/**
 * How to count the rows in which something was entered; null if Salesforce cannot filter by the field.
 * `startsAs` is its default value.
 */
export const filledMeasure = (
  name: string,
  type: FieldType | null,
  startsAs: string | boolean | null = null,
): Measure | null => {
  const where = filledIn(name, type, startsAs)
  return where === null ? null : { where, counts: null }
}

/** Decimal places of a number in its shortest text. */
const decimals = (value: number): number => {
  const [digits = '', exponent = '0'] = String(value).split('e')
  return Math.max(0, (digits.split('.')[1] ?? '').length - Number(exponent))
}

/**
 * How to count the rows at stake in the field `name`, which has the shape `from`; null if that is not
 * possible (Salesforce neither filters by the field nor shows its values). `startsAs` is its default
 * value.
 */
export const measureOf = (
  name: string,
  from: FieldShape,
  atStake: AtStake,
  startsAs: string | boolean | null = null,
): Measure | null => {
  const filled = filledIn(name, from.type, startsAs)
  const isMasked = fieldKindOf(from.type).isMasked ?? false
  const field = soqlName(name)
  switch (atStake.rows) {
    case 'filled':
      if (filled !== null) return { where: filled, counts: null }
      return isMasked ? null : { where: null, counts: (value) => (value ?? '') !== '' }
    case 'longer': {
      if (isMasked) return null
      const { than } = atStake
      // Salesforce: in a LIKE each `_` is one character.
      return filled === null
        ? { where: null, counts: (value) => typeof value === 'string' && value.length > than }
        : { where: soql`${field} LIKE ${`${'_'.repeat(than + 1)}%`}`, counts: null }
    }
    case 'more digits': {
      const { whole, scale } = atStake
      const bound = 10 ** whole
      if (scale < (from.scale ?? 0)) {
        const isCut = (value: unknown): boolean =>
          typeof value === 'number' && (Math.abs(value) >= bound || decimals(value) > scale)
        return { where: filled, counts: isCut }
      }
      return whole < (wholeDigits(from) ?? 0)
        ? { where: soql`(${field} >= ${bound} OR ${field} <= ${-bound})`, counts: null }
        : { where: filled, counts: null }
    }
    case 'unlisted': {
      const { values } = atStake
      if (values.length <= LISTED_MAX) {
        return { where: soql`${field} != null AND ${field} NOT IN ${values}`, counts: null }
      }
      const known = new Set(values)
      return {
        where: filled,
        counts: (value) => typeof value === 'string' && !known.has(value),
      }
    }
  }
}
