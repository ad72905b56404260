// Why a value or a row cannot be sent, and what "no value" means.

import { InexactNumber } from '../../../exact-json.ts'
import { clip } from '../../../text.ts'
import { type RowError } from '../model.ts'

/** A fault that has no field yet: the caller of the check adds the canonical name. */
export class Refusal {
  readonly code: string
  readonly message: string
  readonly remedy: string

  constructor(code: string, message: string, remedy: string) {
    this.code = code
    this.message = message
    this.remedy = remedy
  }

  of(...fields: string[]): RowError {
    return { code: this.code, message: this.message, fields, remedy: this.remedy }
  }
}

/** There is no value: nothing is sent. */
export const EMPTY = Symbol('empty')
/** The field is emptied. */
export const CLEAR = Symbol('clear')

export type Scalar = string | number | boolean

/** A value that is sent, with a warning for its sender. */
export class Noted {
  readonly value: Scalar
  readonly warning: Refusal

  constructor(value: Scalar, warning: Refusal) {
    this.value = value
    this.warning = warning
  }
}

export type Coerced = Scalar | Noted | typeof EMPTY | Refusal
/** Converts a value (neither null nor undefined) to what the REST API accepts for the field. */
export type Coerce = (value: unknown) => Coerced

const SHOWN_CHARS_MAX = 60

/** The value as a message may quote it: JSON, cut if it is long. */
export const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  if (text.length <= SHOWN_CHARS_MAX) return text
  return `${clip(text, SHOWN_CHARS_MAX)}…`
}

/** Its digits are not, or will not be, those that were meant: a double holds about 16 digits. */
const isBeyondDouble = (value: unknown): boolean =>
  value instanceof InexactNumber ||
  (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))

/**
 * Salesforce: StatusCode INVALID_TYPE_ON_FIELD_IN_RECORD (SOAP API guide), "value not of required type".
 * In REST, a value of the wrong JSON type would fail the whole call, so it is refused here.
 */
export const wrongType = (field: string, value: unknown, wanted: string): Refusal =>
  new Refusal(
    'INVALID_TYPE_ON_FIELD_IN_RECORD',
    `${field}: value not of required type: ${shown(value)}`,
    isBeyondDouble(value) ? AS_TEXT : `Send ${wanted}.`,
  )

const AS_TEXT =
  'Send the digits as text, in quotes: JSON numbers beyond 2^53, or of more than about 16 digits, ' +
  'are rounded by most programs on the way.'

/** A JSON number that a field would store differently than intended. */
export const notExact = (field: string, value: unknown): Refusal =>
  new Refusal(
    'NUMBER_NOT_EXACT',
    `${field}: ${shown(value)} has more digits than a JSON number can hold reliably.`,
    AS_TEXT,
  )
