// Converts text from CSV to the JSON value that a save takes.

import { msOf } from '../formula/values.ts'
import { type Field, type Org } from '../org/model.ts'
import { DECIMALS_MAX, longDigits } from './long-numbers.ts'

export type FromText = { value: unknown } | { problem: string }

const DATE = /^\d{4}-\d{2}-\d{2}$/

/**
 * A CSV cell as the value of this field. Empty text is undefined (Bulk leaves the field as it is),
 * `#N/A` is null. `problem` says which type was expected, in the words of Bulk: `'x' is not a valid
 * value for the type xsd:date`.
 */
export const fromText = (_org: Org, field: Field, text: string): FromText => {
  const { type, soapType } = field.describe
  if (text === '') return { value: undefined }
  if (text === '#N/A') return { value: null }
  const problem = { problem: `'${text}' is not a valid value for the type ${soapType}` }
  switch (type) {
    case 'boolean': {
      const lower = text.trim().toLowerCase()
      // Salesforce: Bulk API 2.0 guide, "Valid CSV Record Rows": true, yes, y, 1 and their opposites.
      if (['true', 'yes', 'y', '1'].includes(lower)) return { value: true }
      return ['false', 'no', 'n', '0'].includes(lower) ? { value: false } : problem
    }
    case 'int':
    case 'long':
      return /^[+-]?\d+(\.0+)?$/.test(text.trim()) ? { value: Number(text) } : problem
    case 'double':
    case 'currency':
    case 'percent': {
      const value = Number(text.trim())
      if (text.trim() === '' || !Number.isFinite(value)) return problem
      return { value: longDigits(text.trim(), DECIMALS_MAX) === null ? value : text }
    }
    case 'date': {
      // Salesforce: a date may have a time; the date in UTC counts.
      if (DATE.test(text) && !Number.isNaN(Date.parse(text))) return { value: text }
      const at = DATE.test(text.slice(0, 10)) ? msOf(text) : Number.NaN
      return Number.isNaN(at) ? problem : { value: new Date(at).toISOString().slice(0, 10) }
    }
    case 'datetime': {
      const at = DATE.test(text.slice(0, 10)) ? msOf(text) : Number.NaN
      return Number.isNaN(at) ? problem : { value: text }
    }
    default:
      return { value: text }
  }
}
