// Turns Salesforce's failures of a row into its errors in the answer, and decides whether another try
// may help.

import { type Failure } from '../../../salesforce/failure.ts'
import { isObject } from '../../../salesforce/json.ts'
import { writtenField } from '../../mappings/sfdc-field.ts'
import { type ReadyRow, type RowError } from '../model.ts'
import { remedyOf } from '../remedies.ts'
import { type Shipment } from './transport.ts'

/** Apex and flows have limits per transaction: fewer rows at once may succeed. */
const GOVERNOR_LIMIT =
  /apex cpu time limit|too many (?:soql queries|dml (?:statements|rows)|query rows)|apex heap size too large|LimitException/i

export const isGovernorLimit = ({ message }: Pick<Failure, 'message'>): boolean =>
  GOVERNOR_LIMIT.test(message)

/** Whether these rows may succeed when they are sent again, or fewer at once. */
export const mayPass = (failures: readonly Failure[]): boolean =>
  failures.every((failure) => failure.passing || isGovernorLimit(failure))

const NO_PARENT = /foreign key external id: .* not found/i
const SEVERAL_PARENTS = /more than one record found for external id field/i

/** The errors of a row, in the caller's words. */
export const errorsOf = (
  failures: readonly Failure[],
  row: ReadyRow,
  { kind, explain }: Pick<Shipment, 'kind' | 'explain'>,
): RowError[] => {
  const errors = explain(failures, row.object)
  if (kind !== 'link') return errors
  return errors.map((error) => {
    const meant = lookUpsMeant(error, row)
    const [named] = explain([{ code: error.code, message: '', fields: meant }], row.object)
    return {
      ...error,
      code: targetCode(error),
      fields: meant.length === 0 ? error.fields : (named?.fields ?? meant),
    }
  })
}

/** The error of a link for which Salesforce finds no parent, or several, by the given key. */
const targetCode = ({ code, message }: RowError): string =>
  NO_PARENT.test(message)
    ? 'TARGET_NOT_FOUND'
    : SEVERAL_PARENTS.test(message)
      ? 'TARGET_AMBIGUOUS'
      : code

/** Salesforce names at most the key of the parent; for a link, the lookups that it sets are named. */
const lookUpsMeant = ({ message }: RowError, { fields }: ReadyRow): string[] => {
  const text = message.toLowerCase()
  const isMeant = ([key, value]: [string, unknown]): boolean =>
    NO_PARENT.test(message)
      ? text.includes(`: ${String(value)} not found for field ${key} `.toLowerCase())
      : SEVERAL_PARENTS.test(message) && text.startsWith(`${key}:`.toLowerCase())
  return Object.keys(fields).flatMap((name) => {
    const value = fields[name]
    const [key] = isObject(value) ? (Object.entries(value).find(isMeant) ?? []) : []
    return key === undefined ? [] : [writtenField(`${name}.${key}`)]
  })
}

/** An error of our own about how the row names its record. */
const matchError = (
  code: string,
  message: string,
  row: ReadyRow,
  { explain }: Pick<Shipment, 'explain'>,
): RowError => {
  const [explained] = explain([{ code, message, fields: [row.matchField] }], row.object)
  return { code, message, fields: explained?.fields ?? [row.matchField], remedy: remedyOf(code) }
}

export const recordNotFound = (row: ReadyRow, shipment: Pick<Shipment, 'explain'>): RowError =>
  matchError(
    'RECORD_NOT_FOUND',
    `The connected user sees no ${row.object} with this ${row.matchField}.`,
    row,
    shipment,
  )

export const ambiguousMatch = (
  row: ReadyRow,
  count: number,
  shipment: Pick<Shipment, 'explain'>,
): RowError =>
  matchError(
    'AMBIGUOUS_MATCH',
    `${count} records of ${row.object} have this ${row.matchField}.`,
    row,
    shipment,
  )

export const outcomeUnknown = (): RowError => ({
  code: 'OUTCOME_UNKNOWN',
  message:
    'The row was sent without an answer, and the record now has other values: it may have been written and then changed.',
  fields: [],
  remedy: remedyOf('OUTCOME_UNKNOWN'),
})

export const rolledBack = (): RowError => ({
  code: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  message: 'Another row of the push failed, and all_or_none was requested.',
  fields: [],
  remedy: remedyOf('ALL_OR_NONE_OPERATION_ROLLED_BACK'),
})

export const setTwice = (fields: string[]): RowError => ({
  code: 'DUPLICATE_KEY_IN_INPUT',
  message: 'Another row of the push sets the same field of the same record.',
  fields,
  remedy: remedyOf('DUPLICATE_KEY_IN_INPUT'),
})
