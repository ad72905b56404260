// Numbers and checkboxes.

import { type DescribedField } from '../../mappings/describe.ts'
import { type Coerce, EMPTY, Refusal, shown, wrongType } from './refusal.ts'
import { trimmed } from './text.ts'

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

const outside = (field: string, value: unknown, remedy: string): Refusal =>
  new Refusal(
    'NUMBER_OUTSIDE_VALID_RANGE',
    `${field}: value outside of valid range on numeric field: ${shown(value)}`,
    remedy,
  )

const INT_MAX = 2_147_483_647

/**
 * Numbers and texts that hold one, without signs of currency or thousands (1,234 is 1.234 elsewhere).
 *
 * Salesforce: decimals beyond the field's scale are kept and given back as they were sent; only the
 * display rounds them (help 000387302). So they are sent as they are. Digits before the point are
 * limited (SOAP API guide, Field, `scale`), and an `int` has no decimals.
 */
export const numberCoercer = ({ name, type, precision, scale, digits }: NumberField): Coerce => {
  const whole = type === 'int' || type === 'long'
  const before = whole ? digits : precision - scale
  const limit = before > 0 ? 10 ** before : Infinity
  const most = type === 'int' ? Math.min(limit, INT_MAX + 1) : limit
  return (value) => {
    let number: number
    if (typeof value === 'number') number = value
    else if (typeof value === 'string') {
      const text = trimmed(value)
      if (text === '') return EMPTY
      if (!NUMBER.test(text)) {
        return wrongType(name, value, 'a number like 1234.5, without separators of thousands')
      }
      number = Number(text)
    } else return wrongType(name, value, 'a number')
    if (!Number.isFinite(number)) return outside(name, value, 'Send a smaller number.')
    if (whole && !Number.isInteger(number)) return wrongType(name, value, 'a whole number')
    if (Math.abs(number) >= most) {
      const remedy =
        most === limit
          ? `The field takes ${before} digits before the point: send a smaller number, or make the field larger.`
          : `The field takes numbers up to ${INT_MAX}.`
      return outside(name, value, remedy)
    }
    return number
  }
}

type NumberField = Pick<DescribedField, 'name' | 'type' | 'precision' | 'scale' | 'digits'>

/**
 * Of a key: beyond 2^53 several whole numbers are one and the same in JSON, here and at Salesforce, and
 * a record that somebody else's number names would be taken for this one.
 */
export const keyCoercer =
  (field: string, coerce: Coerce): Coerce =>
  (value) => {
    const key = coerce(value)
    return typeof key === 'number' && Number.isInteger(key) && !Number.isSafeInteger(key)
      ? outside(
          field,
          value,
          'A number of more than 15 digits does not name one record: use a text field as key.',
        )
      : key
  }

const TRUTHS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  [false, false],
  [1, true],
  [0, false],
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
  ['yes', true],
  ['no', false],
])

export const booleanCoercer =
  (field: string): Coerce =>
  (value) => {
    if (typeof value === 'boolean') return value
    const known = typeof value === 'string' ? trimmed(value).toLowerCase() : value
    if (known === '') return EMPTY
    return TRUTHS.get(known) ?? wrongType(field, value, 'true or false')
  }
