// How to find out which rows a change of a field takes something from: a question to Salesforce, and
// where no question can be asked that exactly, what to look for in the values.

import { type Soql, soql, soqlName } from '../../../salesforce/escape.ts'
import { type AtStake, wholeDigits } from './conversion.ts'
import { fieldKindOf, type FieldType } from './field-kinds.ts'
import { isNotNull } from './kind.ts'
import { type FieldShape } from './shape.ts'

/** What is asked of one field of one object. */
export interface Measure {
  /** Rows that count, or that are to be looked at; null: all of them. */
  where: Soql | null
  /** Null where the rows themselves are the answer; else whether a row with this value counts. */
  counts: ((value: unknown) => boolean) | null
}

/** A list of this length and longer makes a question that Salesforce may find too long. */
const LISTED_MAX = 200

/** Rows that are looked at one by one before nobody can tell. */
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
 * How to count the rows in which something was entered; null where Salesforce does not filter the field.
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

/** Digits behind the point, as the shortest text of a number has them. */
const decimals = (value: number): number => {
  const [digits = '', exponent = '0'] = String(value).split('e')
  return Math.max(0, (digits.split('.')[1] ?? '').length - Number(exponent))
}

/**
 * How to count the rows at stake in the field `name`, which is of the shape `from`; null where nobody can
 * tell (Salesforce neither filters the field nor shows its values). `startsAs` is its default value.
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
