// Converts a JSON value to what the row stores: types, lengths, picklist values. Salesforce: REST API
// guide, "Working with Records"; SOAP API guide, "Primitive Data Types" and "Field Types".

import { salesforceDateTime, toId18 } from '../org/ids.ts'
import { type Field } from '../org/model.ts'
import { DECIMALS_MAX, longDigits, wholeDigits } from './long-numbers.ts'
import { type FieldPlan } from './plan.ts'
import { cannotDeserialize, problem } from './row-errors.ts'

const DATE = /^\d{4}-\d{2}-\d{2}$/
const DATETIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/
const TIME = /^\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z?$/
const EMAIL = /^[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+$/

/**
 * The value to store; null if it is empty. Throws a `RowProblem`. Only the form of ids is checked, not
 * their target.
 */
export const readValue = (
  plan: FieldPlan,
  value: unknown,
  row: Record<string, unknown>,
): string | number | boolean | null => {
  const { describe } = plan.field
  if (value === undefined || value === null) return describe.type === 'boolean' ? false : null
  switch (describe.type) {
    case 'boolean':
      if (typeof value === 'boolean') return value
      if (typeof value === 'string' && /^(true|false)$/i.test(value))
        return value.toLowerCase() === 'true'
      throw cannotDeserialize('boolean', value, row)
    case 'int':
    case 'long':
      return integer(plan.field, value, row)
    case 'double':
    case 'currency':
    case 'percent':
      return decimal(plan.field, value, row)
    case 'date': {
      if (typeof value === 'string' && value.trim() === '') return null
      if (typeof value === 'string' && DATE.test(value) && isRealDate(value)) return value
      throw cannotDeserialize('date', value, row)
    }
    case 'datetime': {
      if (typeof value === 'string' && value.trim() === '') return null
      if (typeof value === 'string' && DATETIME.test(value)) {
        const at = Date.parse(value.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
        // Salesforce stores whole seconds.
        if (!Number.isNaN(at)) return salesforceDateTime(new Date(Math.floor(at / 1000) * 1000))
      }
      throw cannotDeserialize('datetime', value, row)
    }
    case 'time': {
      if (typeof value === 'string' && TIME.test(value)) {
        return `${value.replace(/Z$/, '').padEnd(9, '.').padEnd(12, '0').slice(0, 12)}Z`
      }
      throw cannotDeserialize('time', value, row)
    }
    case 'address':
    case 'location':
      throw problem(
        'INVALID_FIELD_FOR_INSERT_UPDATE',
        `Unable to create/update fields: ${describe.name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
        [describe.name],
      )
    case 'id':
    case 'reference':
      return reference(plan.field, value, row)
    default:
      return text(plan, value, row)
  }
}

const isRealDate = (value: string): boolean => {
  const at = new Date(`${value}T00:00:00Z`)
  // Salesforce: dates are between 1700 and 4000.
  const year = at.getUTCFullYear()
  return (
    !Number.isNaN(at.getTime()) &&
    at.toISOString().startsWith(value) &&
    year >= 1700 &&
    year <= 4000
  )
}

const numberFrom = (type: string, value: unknown, row: Record<string, unknown>): number | null => {
  if (typeof value === 'number') return value
  if (typeof value === 'string') {
    if (value.trim() === '') return null
    const parsed = Number(value.trim())
    if (Number.isFinite(parsed)) return parsed
  }
  throw cannotDeserialize(type, value, row)
}

const integer = (field: Field, value: unknown, row: Record<string, unknown>): number | null => {
  const parsed = numberFrom('int', value, row)
  if (parsed === null) return null
  if (!Number.isInteger(parsed)) throw cannotDeserialize('int', value, row)
  const { digits, label, name } = field.describe
  if (Math.abs(parsed) >= 10 ** (digits > 0 ? digits : 10)) throw outOfRange(label, name, parsed)
  return parsed
}

/**
 * Salesforce: "API methods can save records with decimal places beyond the field definition"; only digits
 * before the decimal point are limited (help 000387302).
 */
const decimal = (
  field: Field,
  value: unknown,
  row: Record<string, unknown>,
): number | string | null => {
  const { type, precision, scale, label, name } = field.describe
  const parsed = numberFrom(type === 'percent' ? 'percent' : type, value, row)
  if (parsed === null) return null
  const exact = typeof value === 'string' ? longDigits(value.trim(), DECIMALS_MAX) : null
  if (exact !== null) {
    if (precision > 0 && wholeDigits(exact) > Math.max(1, precision - scale)) {
      throw outOfRange(label, name, parsed)
    }
    return exact
  }
  if (
    Math.abs(parsed) > degreesMax(field) ||
    (precision > 0 && Math.abs(parsed) >= 10 ** Math.max(1, precision - scale))
  ) {
    throw outOfRange(label, name, parsed)
  }
  return parsed
}

/** Salesforce: object reference, `BillingLatitude` and others; help, "Geolocation Custom Field". */
const degreesMax = ({ describe: { type, name, custom } }: Field): number => {
  const [, part = ''] = /(latitude|longitude)(?:__s)?$/i.exec(name) ?? []
  if (type !== 'double' || part === '' || (custom && !/__s$/i.test(name))) return Infinity
  return part.toLowerCase() === 'latitude' ? 90 : 180
}

const outOfRange = (label: string, name: string, value: number) =>
  problem(
    'NUMBER_OUTSIDE_VALID_RANGE',
    `${label}: value outside of valid range on numeric field: ${value}`,
    [name],
  )

const reference = (
  { describe }: Field,
  value: unknown,
  row: Record<string, unknown>,
): string | null => {
  if (typeof value !== 'string') throw cannotDeserialize('reference', value, row)
  if (value === '') return null
  const id = toId18(value)
  if (id !== null) return id
  throw problem('MALFORMED_ID', `${describe.label}: id value of incorrect type: ${value}`, [
    describe.name,
  ])
}

const text = (
  { field, restrictedTo }: FieldPlan,
  value: unknown,
  row: Record<string, unknown>,
): string | null => {
  const { type, label, name, length } = field.describe
  if (typeof value !== 'string') throw cannotDeserialize('string', value, row)
  // Salesforce: white space around a text is removed, and an empty text is null.
  const given = type === 'base64' ? value : value.trim()
  if (given === '') return null
  if (length > 0 && type !== 'base64' && [...given].length > length) {
    throw problem(
      'STRING_TOO_LONG',
      `${label}: data value too large: ${given} (max length=${length})`,
      [name],
    )
  }
  if (type === 'email' && !EMAIL.test(given)) {
    throw problem('INVALID_EMAIL_ADDRESS', `${label}: invalid email address: ${given}`, [name])
  }
  if (restrictedTo === null) return given
  const wanted = type === 'multipicklist' ? given.split(';').map((each) => each.trim()) : [given]
  return wanted
    .map((each) => {
      const known = restrictedTo.get(each.toLowerCase())
      if (known === undefined) throw badPicklistValue(field, each)
      return known
    })
    .join(';')
}

export const badPicklistValue = ({ describe }: Field, value: string) =>
  problem(
    'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    `${describe.label}: bad value for restricted picklist field: ${value}`,
    [describe.name],
  )
