// Numbers and checkboxes.

import {
  type Decimal,
  decimalPlaces,
  isHeldBy,
  isHeldToPlaces,
  plainDigits,
  plainText,
  toDecimal,
  toDouble,
  wholeDigits,
} from '../../../decimal.ts'
import { InexactNumber } from '../../../exact-json.ts'
import { type DescribedField } from '../../mappings/describe.ts'
import {
  type Coerce,
  type Coerced,
  EMPTY,
  Noted,
  notExact,
  Refusal,
  shown,
  wrongType,
} from './refusal.ts'
import { trimmed } from './text.ts'

const outside = (field: string, value: unknown, remedy: string): Refusal =>
  new Refusal(
    'NUMBER_OUTSIDE_VALID_RANGE',
    `${field}: value outside of valid range on numeric field: ${shown(value)}`,
    remedy,
  )

const INT_MAX = 2_147_483_647

/** Salesforce: no field has more decimal places (Metadata API guide, CustomField, `scale`). */
const PLACES_MAX = 18
/** A double distinguishes all numbers with at most this many digits. */
const EXACT_CHARS = 15
const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)$/
/**
 * Numbers of up to this many digits are written in full; a longer one is never a real amount, and 1e-400 is
 * zero.
 */
const WRITTEN_CHARS_MAX = 64

/**
 * Numbers and texts that hold one, without signs of currency or thousands (1,234 is 1.234 elsewhere).
 *
 * Salesforce: decimals beyond the field's scale are kept and returned as they were sent; only the
 * display rounds them (help 000387302). So they are sent as they are. Digits before the decimal point
 * are limited (SOAP API guide, Field, `scale`), and an `int` has no decimals.
 *
 * A number that a double would change is sent as the text of its digits, which Salesforce also accepts
 * as a number. Salesforce: its pages and APIs round what has more than 15 digits (help 000394530), so
 * the sender gets a warning.
 */
export const numberCoercer = ({ name, type, precision, scale, digits }: NumberField): Coerce => {
  const whole = type === 'int' || type === 'long'
  const before = whole ? digits : precision - scale
  const limit = before > 0 ? 10 ** before : Infinity
  const most = type === 'int' ? Math.min(limit, INT_MAX + 1) : limit
  const places = whole ? 0 : precision > 0 ? scale : PLACES_MAX
  const tooLarge = (value: unknown): Refusal =>
    outside(
      name,
      value,
      most === limit
        ? `The field holds ${before} digits before the decimal point: send a smaller number, or make the field larger.`
        : `The field takes numbers up to ${INT_MAX}.`,
    )

  const fromNumber = (value: number): Coerced => {
    if (!Number.isFinite(value)) return outside(name, value, 'Send a smaller number.')
    if (whole && !Number.isInteger(value)) return wrongType(name, value, 'a whole number')
    if (Math.abs(value) >= most) return tooLarge(value)
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? notExact(name, value) : value
  }

  const fromDecimal = (decimal: Decimal, value: unknown): Coerced => {
    if (whole && decimalPlaces(decimal) > 0) return wrongType(name, value, 'a whole number')
    const isTooLarge =
      before > 0 ? wholeDigits(decimal) > before : wholeDigits(decimal) > WRITTEN_CHARS_MAX
    if (isTooLarge) return tooLarge(value)
    const number = toDouble(decimal)
    if (Math.abs(number) >= most && type === 'int') return tooLarge(value)
    const isSafe = !Number.isInteger(number) || Number.isSafeInteger(number)
    if (isSafe && isHeldBy(decimal, number)) return number
    // What a double loses beyond the field's decimal places is never visible.
    const isSeen = !isSafe || !isHeldToPlaces(decimal, number, places)
    if (isSeen && value instanceof InexactNumber) return notExact(name, value)
    if (plainDigits(decimal) > WRITTEN_CHARS_MAX) return number
    const text = plainText(decimal)
    return isSeen && !isHeldToPlaces(decimal, number, places)
      ? new Noted(text, mayRound(name))
      : text
  }

  return (value) => {
    if (typeof value === 'number') return fromNumber(value)
    if (value instanceof InexactNumber) {
      const decimal = toDecimal(value.source)
      return decimal === null ? notExact(name, value) : fromDecimal(decimal, value)
    }
    if (typeof value !== 'string') return wrongType(name, value, 'a number')
    const text = trimmed(value)
    if (text === '') return EMPTY
    if (text.length <= EXACT_CHARS && PLAIN.test(text)) return fromNumber(Number(text))
    const decimal = toDecimal(text)
    return decimal === null
      ? wrongType(name, value, 'a number like 1234.5, without thousands separators')
      : fromDecimal(decimal, value)
  }
}

/** Salesforce: object reference, `BillingLatitude` and others; help, "Geolocation Custom Field". */
const COORDINATES: readonly (readonly [RegExp, number])[] = [
  [/^(?:[a-z]\w*__latitude__s|(?!\w*__)[a-z]*latitude)$/i, 90],
  [/^(?:[a-z]\w*__longitude__s|(?!\w*__)[a-z]*longitude)$/i, 180],
]

/** As `numberCoercer`; a latitude or longitude has to be one on the earth. */
export const doubleCoercer = (field: NumberField): Coerce => {
  const toNumber = numberCoercer(field)
  const most = COORDINATES.find(([name]) => name.test(field.name))?.[1]
  if (most === undefined) return toNumber
  return (value) => {
    const taken = toNumber(value)
    const degrees = taken instanceof Noted ? taken.value : taken
    const isOff =
      (typeof degrees === 'number' || typeof degrees === 'string') &&
      Math.abs(Number(degrees)) > most
    return isOff ? outside(field.name, value, `Send degrees between -${most} and ${most}.`) : taken
  }
}

const mayRound = (field: string): Refusal =>
  new Refusal(
    'NUMBER_MAY_BE_ROUNDED',
    `${field}: the number was sent with all of its digits, but Salesforce shows and returns no more than about 16 of them.`,
    'If every digit counts, keep it in a text field.',
  )

type NumberField = Pick<DescribedField, 'name' | 'type' | 'precision' | 'scale' | 'digits'>

/**
 * For a key: beyond 2^53 several whole numbers are the same in JSON, here and at Salesforce, so the
 * record of a different number could be mistaken for this one.
 */
export const keyCoercer = (field: string, type: string | null, coerce: Coerce): Coerce => {
  const isNumber = type !== null && NUMBER_TYPES.has(type)
  return (value) => {
    const key = coerce(value)
    const isAmbiguous =
      typeof key === 'number'
        ? Number.isInteger(key) && !Number.isSafeInteger(key)
        : key instanceof Noted || (isNumber && typeof key === 'string') || isInexact(key)
    return isAmbiguous
      ? outside(
          field,
          value,
          'A number of more than 15 digits does not identify one record: use a text field as key.',
        )
      : key
  }
}

const isInexact = (key: Coerced): boolean =>
  key instanceof Refusal && key.code === 'NUMBER_NOT_EXACT'

const NUMBER_TYPES: ReadonlySet<string> = new Set(['int', 'long', 'double', 'currency', 'percent'])

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
