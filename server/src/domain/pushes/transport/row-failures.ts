// From Salesforce's failures of a row to its errors in the answer, and whether it is worth another try.

import { type Failure } from '../../../salesforce/failure.ts'
import { type ReadyRow, type RowError } from '../model.ts'
import { type Shipment } from './transport.ts'

/** Apex and flows have limits for what they do in one transaction: fewer rows at once may pass. */
const GOVERNOR_LIMIT =
  /apex cpu time limit|too many (?:soql queries|dml (?:statements|rows)|query rows)|apex heap size too large|LimitException/i

export const isGovernorLimit = ({ message }: Pick<Failure, 'message'>): boolean =>
  GOVERNOR_LIMIT.test(message)

/** May these rows pass when they are sent again, or fewer at once? */
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
  return kind === 'link' ? errors.map(asTargetError) : errors
}

/** What a link says where Salesforce finds no parent, or too many, by the key that it was given. */
const asTargetError = (error: RowError): RowError =>
  NO_PARENT.test(error.message)
    ? { ...error, code: 'TARGET_NOT_FOUND' }
    : SEVERAL_PARENTS.test(error.message)
      ? { ...error, code: 'TARGET_AMBIGUOUS' }
      : error

/** An error of our own about how the row names its record. */
const matchError = (
  code: string,
  message: string,
  remedy: string,
  row: ReadyRow,
  { explain }: Pick<Shipment, 'explain'>,
): RowError => {
  const [explained] = explain([{ code, message, fields: [row.matchField] }], row.object)
  return { code, message, fields: explained?.fields ?? [row.matchField], remedy }
}

export const recordNotFound = (row: ReadyRow, shipment: Pick<Shipment, 'explain'>): RowError =>
  matchError(
    'RECORD_NOT_FOUND',
    `The connected user sees no ${row.object} with this ${row.matchField}.`,
    'Push the record first, correct the key, or share the record with the connected user.',
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
    'Merge them, or match by the id or a unique external id.',
    row,
    shipment,
  )

export const outcomeUnknown = (): RowError => ({
  code: 'OUTCOME_UNKNOWN',
  message:
    'The row was sent and not answered, and the record now holds other values than those sent: it may have been written and changed since.',
  fields: [],
  remedy: 'Look at the record, then push/retry if the values are still meant.',
})

export const rolledBack = (): RowError => ({
  code: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  message: 'Another row of the push failed, and all_or_none was asked for.',
  fields: [],
  remedy: 'Nothing is wrong with this row: correct the others, or push without all_or_none.',
})

export const setTwice = (fields: string[]): RowError => ({
  code: 'DUPLICATE_KEY_IN_INPUT',
  message: 'Another row of the push sets the same field of the same record.',
  fields,
  remedy: 'Send each value once: in which order the others were meant cannot be known.',
})
