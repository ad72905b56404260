// What is wrong with a row, in Salesforce's codes and words. Sources: SOAP API guide "Core Data Types",
// recorded answers and issue threads of API clients; if none has the words, they are ours.

import { type RowError } from './save-types.ts'

/** Thrown while a row is checked; becomes the row's outcome. */
export class RowProblem extends Error {
  override name = 'RowProblem'
  readonly errors: RowError[]

  constructor(errors: RowError[]) {
    super(errors.map(({ statusCode, message }) => `${statusCode}: ${message}`).join('; '))
    this.errors = errors
  }
}

/** Any value, as a message shows it. */
export const plainText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '')

export const rowError = (statusCode: string, message: string, fields: string[] = []): RowError => ({
  statusCode,
  message,
  fields,
})

export const problem = (statusCode: string, message: string, fields: string[] = []): RowProblem =>
  new RowProblem([rowError(statusCode, message, fields)])

export const noSuchField = (name: string, object: string) =>
  problem('INVALID_FIELD', `No such column '${name}' on sobject of type ${object}`)

export const notWritable = (names: string[]) =>
  problem(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Unable to create/update fields: ${names.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
    names,
  )

export const missingFields = (names: string[]) =>
  problem('REQUIRED_FIELD_MISSING', `Required fields are missing: [${names.join(', ')}]`, names)

export const deleted = () => problem('ENTITY_IS_DELETED', 'entity is deleted')

export const invalidReference = (fields: string[] = []) =>
  problem('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', fields)

export const noForeignKey = (value: string, field: string, entity: string) =>
  problem(
    'INVALID_FIELD',
    `Foreign key external ID: ${value} not found for field ${field} in entity ${entity}`,
  )

export const rolledBack = (): RowError =>
  rowError(
    'ALL_OR_NONE_OPERATION_ROLLED_BACK',
    'Record rolled back because not all records were valid and the request was using AllOrNone header',
  )

/** The text names up to ten ids, as seen in threads. */
export const lockedOut = (ids: readonly string[]): RowError => {
  const shown = ids.slice(0, 10).join(',')
  const more = ids.length > 10 ? `, ... (${ids.length - 10} more)` : ''
  return rowError(
    'UNABLE_TO_LOCK_ROW',
    `unable to obtain exclusive access to this record or ${ids.length} records: ${shown}${more}`,
  )
}

const TOKENS: Record<string, string> = { string: 'VALUE_STRING', object: 'START_OBJECT' }

/** The parser's complaint about a JSON value of the wrong type. */
export const cannotDeserialize = (type: string, value: unknown, row: Record<string, unknown>) => {
  const token =
    typeof value === 'boolean'
      ? `VALUE_${String(value).toUpperCase()}`
      : typeof value === 'number'
        ? Number.isInteger(value)
          ? 'VALUE_NUMBER_INT'
          : 'VALUE_NUMBER_FLOAT'
        : Array.isArray(value)
          ? 'START_ARRAY'
          : (TOKENS[typeof value] ?? 'VALUE_NULL')
  const shown = typeof value === 'object' ? (Array.isArray(value) ? '[' : '{') : plainText(value)
  const json = JSON.stringify(row)
  const column = json.indexOf(JSON.stringify(value)) + 1
  return problem(
    'JSON_PARSER_ERROR',
    `Cannot deserialize instance of ${type} from ${token} value ${shown} or request may be missing a required field at [line:1, column:${column}]`,
  )
}
