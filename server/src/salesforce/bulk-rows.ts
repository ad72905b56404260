// The rows of a Bulk job in both directions: what its CSV may contain, and what its results say.

import { encodeCsv, parseCsvRecords, setColumn } from './csv.ts'
import { urlPath } from './escape.ts'
import { classifyError, type Failure, makeFailure, malformed, SalesforceError } from './failure.ts'
import { type SalesforceOrg } from './gateway.ts'
import { leaf } from './xml.ts'

/** Salesforce: Bulk API 2.0 guide, limits. */
const ROW_LIMITS = Object.freeze({
  fieldsPerRow: 5000,
  fieldChars: 32_000,
  rowChars: 400_000,
})

/**
 * Salesforce: Bulk API 2.0 guide, preparing CSV files: sets a field to null; an empty value leaves it
 * unchanged.
 */
const NULL_MARK = '#N/A'

export type BulkValue = string | number | boolean | null | undefined

const bulkText = (value: BulkValue): string =>
  value === null ? NULL_MARK : value === undefined ? '' : String(value)

/**
 * Why Bulk would not accept this row as intended; null if it would. Values are given in the order of the
 * columns. Call it before `encodeBulkCsv`, which refuses such a row.
 */
export const bulkRowFault = (
  columns: readonly string[],
  values: readonly BulkValue[],
): RowFault | null => rowFault(columns, values, values.map(bulkText))

interface RowFault {
  column: string | null
  message: string
}

const rowFault = (
  columns: readonly string[],
  values: readonly BulkValue[],
  texts: readonly string[],
): RowFault | null => {
  if (values.length !== columns.length) {
    return { column: null, message: `${values.length} values for ${columns.length} columns.` }
  }
  let chars = 0
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]
    const column = columns[index] ?? null
    const text = texts[index] ?? ''
    chars += text.length
    if (value === NULL_MARK) {
      return { column, message: `Bulk would take the text ${NULL_MARK} for null.` }
    }
    if (typeof value === 'number' && !Number.isFinite(value)) {
      return { column, message: `${value} is not a number that CSV can hold.` }
    }
    if (text.length > ROW_LIMITS.fieldChars) {
      return { column, message: `Longer than ${ROW_LIMITS.fieldChars} characters.` }
    }
  }
  return chars > ROW_LIMITS.rowChars
    ? { column: null, message: `The row is longer than ${ROW_LIMITS.rowChars} characters.` }
    : null
}

type Batches<Row> = AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>

async function* bulkLines(
  columns: readonly string[],
  batches: Batches<readonly BulkValue[]>,
): AsyncGenerator<string[][], void, undefined> {
  yield [[...columns]]
  for await (const rows of batches) {
    yield rows.map((row) => {
      const texts = row.map(bulkText)
      const fault = rowFault(columns, row, texts)
      if (fault !== null) throw new TypeError(`${fault.column ?? 'A row'}: ${fault.message}`)
      return texts
    })
  }
}

/**
 * Batches of rows as the CSV of an upload. `null` sets a field to null, `undefined` and '' leave it
 * unchanged. Columns are API names, or `Rel__r.Key__c` for a parent by external id. Throws TypeError for
 * more columns than Bulk allows and for a row in which `bulkRowFault` finds a fault.
 */
export const encodeBulkCsv = (
  columns: readonly string[],
  batches: Batches<readonly BulkValue[]>,
): AsyncGenerator<Uint8Array, void, undefined> => {
  if (columns.length === 0 || columns.length > ROW_LIMITS.fieldsPerRow) {
    throw new TypeError(`Bulk takes 1 to ${ROW_LIMITS.fieldsPerRow} columns`)
  }
  return encodeCsv(bulkLines(columns, batches))
}

export interface BulkSuccess {
  /** 18 characters. */
  id: string
  created: boolean
  /**
   * The row as it was sent, by column: results come in no particular order, so rows are joined by a key.
   */
  row: Record<string, string>
}

export interface BulkFailure {
  /** Id of the row's record, if Salesforce found it. */
  id: string | null
  failure: Failure
  row: Record<string, string>
}

export interface ResultOptions {
  /** How many rows there must be, by the job's own counts; a different number is an error at the end. */
  expected?: number
  /** Return only these columns of what was sent: joining by a key needs no more. */
  columns?: readonly string[]
  signal?: AbortSignal
}

/** The rows of one kind of results, in batches as they arrive. */
async function* resultRows(
  org: SalesforceOrg,
  path: string,
  required: readonly string[],
  { expected, columns, signal }: ResultOptions,
): AsyncGenerator<Record<string, string>[], void, undefined> {
  const { status, headers, body } = await org.stream({
    path,
    kind: 'bulk',
    priority: 'protected',
    headers: { accept: 'text/csv' },
    ...(signal === undefined ? {} : { signal }),
  })
  const keep = columns === undefined ? null : new Set([...required, ...columns])
  let rows = 0
  try {
    if (/^\s*text\/html/i.test(headers['content-type'] ?? '')) {
      const message = 'An HTML page in place of results.'
      throw new SalesforceError(makeFailure('html_page', { status, code: 'HTTP_200', message }))
    }
    // Salesforce: no rows of this kind means only a header line, an empty body, or 204.
    for await (const batch of parseCsvRecords(body, required, keep)) {
      rows += batch.length
      yield batch
    }
  } finally {
    body.destroy()
  }
  if (expected !== undefined && rows !== expected) {
    const message = `The results hold ${rows} rows, not ${expected}.`
    throw new SalesforceError(malformed(message, status))
  }
}

/** `row` without the columns that Salesforce adds in front. */
const sentRow = (row: Record<string, string>): Record<string, string> => {
  const sent: Record<string, string> = {}
  for (const name of Object.keys(row)) {
    if (!name.startsWith('sf__')) setColumn(sent, name, row[name] ?? '')
  }
  return sent
}

const FIELD_NAME = /^[A-Za-z_][\w.]*$/

/** `CODE:message:Field1 Field2 --`, of which the fields and the dashes may be missing. */
const rowFailure = (text: string): Failure => {
  const code = /^([A-Z][A-Z0-9_]*):/.exec(text)?.[1] ?? null
  let message = code === null ? text : text.slice(code.length + 1)
  let fields: string[] = []
  const ended = message.trimEnd()
  if (ended.endsWith('--')) {
    const body = ended.slice(0, -2)
    const colon = body.lastIndexOf(':')
    const names = body
      .slice(colon + 1)
      .split(/[\s,]+/)
      .filter((name) => name !== '')
    if (colon >= 0 && names.every((name) => FIELD_NAME.test(name))) {
      fields = names
      message = body.slice(0, colon)
    }
  }
  const error = { statusCode: code ?? 'UNKNOWN', message, fields }
  // With a row's error Salesforce says that it did not write the row, whatever the error.
  return { ...classifyError(error), fate: 'not_done' }
}

/*
 * The results of a job that is done, in batches; each kind may be read any number of times for seven
 * days. Streamed: read to the end or break out of the loop. Throws SalesforceError; what was yielded
 * before stays valid, and reading again begins at the first row.
 */

/** Rows that were written. */
export async function* successfulResults(
  org: SalesforceOrg,
  jobId: string,
  options: ResultOptions = {},
): AsyncGenerator<BulkSuccess[], void, undefined> {
  const path = urlPath`/jobs/ingest/${jobId}/successfulResults`
  for await (const rows of resultRows(org, path, ['sf__Id', 'sf__Created'], options)) {
    yield rows.map((row) => ({
      id: row.sf__Id ?? '',
      created: row.sf__Created === 'true',
      row: sentRow(row),
    }))
  }
}

/** Rows that were refused, each for a temporary or final reason (`failure.passing`). */
export async function* failedResults(
  org: SalesforceOrg,
  jobId: string,
  options: ResultOptions = {},
): AsyncGenerator<BulkFailure[], void, undefined> {
  const path = urlPath`/jobs/ingest/${jobId}/failedResults`
  for await (const rows of resultRows(org, path, ['sf__Id', 'sf__Error'], options)) {
    yield rows.map((row) => ({
      id: leaf(row.sf__Id),
      failure: rowFailure(row.sf__Error ?? ''),
      row: sentRow(row),
    }))
  }
}

/** Rows that a failed or aborted job never reached: they were not written. */
export const unprocessedRows = (
  org: SalesforceOrg,
  jobId: string,
  options: ResultOptions = {},
): AsyncGenerator<Record<string, string>[], void, undefined> =>
  // Salesforce: in lower case, unlike the other two, and without sf__ columns.
  resultRows(org, urlPath`/jobs/ingest/${jobId}/unprocessedrecords`, [], options)
