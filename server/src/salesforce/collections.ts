// Many records in one call (sObject Collections): written or read together, answered one by one.

import { urlPath } from './escape.ts'
import { classifyError, type Failure, malformed, SalesforceError } from './failure.ts'
import { type SalesforceOrg, type SalesforceRequest } from './gateway.ts'
import { asText, isObject, type JsonObject } from './json.ts'
import { JSON_TYPE } from './wire.ts'

/** Salesforce: REST API guide, sObject Collections: at most 200 records per call. */
export const COLLECTION_MAX = 200
/**
 * Salesforce: REST API guide, Create Multiple Records: runs of the same type are processed as one chunk
 * each, at most ten per call. Rows of mixed types are best sorted by type.
 */
export const TYPE_CHUNKS_MAX = 10
/** Salesforce: REST API guide, Get Records With a Request Body Using sObject Collections. */
export const RETRIEVE_MAX = 2000

export interface NewRecord {
  /** API name of the object. */
  type: string
  fields: JsonObject
}

export interface ChangedRecord extends NewRecord {
  id: string
}

export interface WriteOptions extends Pick<
  SalesforceRequest,
  'attemptsMax' | 'timeouts' | 'priority' | 'signal'
> {
  /** One transaction: a failed row rolls back the others. */
  allOrNone?: boolean
  /**
   * Assignment rules for Lead, Case and Account: the active one, the one with this id, or none. Default:
   * none, since Salesforce's own default would silently change owners.
   */
  assignmentRule?: 'active' | 'none' | { id: string }
  /** Save although a duplicate rule warns; blocking rules still block. */
  allowDuplicates?: boolean
}

export type RowResult =
  | {
      outcome: 'succeeded'
      /** 18 characters. */
      id: string
      /** Known after an upsert and a create. */
      created: boolean | null
      failure: null
    }
  | {
      outcome: 'failed'
      /**
       * `passing`: the same row may succeed in a moment; else it is final. `fate` is `unknown` only if
       * Salesforce gave no answer for the row: look before sending it again.
       */
      failure: Failure
      /** Everything that Salesforce said about this row, including `failure`. */
      failures: Failure[]
      /** Rolled back because of another row (`allOrNone`): nothing is wrong with this one itself. */
      rolledBack: boolean
    }

const ROLLED_BACK = 'ALL_OR_NONE_OPERATION_ROLLED_BACK'
const RECORD_ID = /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/

const assignmentHeader = (rule: WriteOptions['assignmentRule']): string => {
  if (rule === undefined || rule === 'none') return 'FALSE'
  if (rule === 'active') return 'TRUE'
  if (!RECORD_ID.test(rule.id)) throw new TypeError('The assignment rule is not a record id')
  return rule.id
}

const writeHeaders = (options: WriteOptions): Record<string, string> => ({
  // Salesforce: REST API guide, Assignment Rule Header: absent means TRUE, so it is always sent.
  'sforce-auto-assign': assignmentHeader(options.assignmentRule),
  ...(options.allowDuplicates === true ? { 'sforce-duplicate-rule-header': 'allowSave=true' } : {}),
})

/** A row's error is Salesforce's word that it did not write the row, whatever the error. */
const rowFailure = (error: unknown): Failure => ({ ...classifyError(error), fate: 'not_done' })

const readRow = (row: unknown): RowResult => {
  if (isObject(row) && row.success === true) {
    const id = asText(row.id)
    if (id !== null) {
      const created = typeof row.created === 'boolean' ? row.created : null
      return { outcome: 'succeeded', id, created, failure: null }
    }
  }
  const errors: unknown[] =
    isObject(row) && row.success === false && Array.isArray(row.errors) ? row.errors : []
  const failures = errors.map(rowFailure)
  // The row is as final as the most final of its errors.
  const failure = failures.find(({ passing }) => !passing) ?? failures[0]
  if (failure === undefined) {
    // Neither a success with an id nor a failure with a reason: the outcome is not known.
    const unknown = malformed('The answer for this row is not a result.')
    return { outcome: 'failed', failure: unknown, failures: [unknown], rolledBack: false }
  }
  const rolledBack = failures.every(({ code }) => code === ROLLED_BACK)
  return { outcome: 'failed', failure, failures, rolledBack }
}

const checkSize = (length: number, most = COLLECTION_MAX): void => {
  if (length > most)
    throw new TypeError(`A collection takes at most ${most} records, not ${length}`)
}

const checkTypes = (rows: readonly NewRecord[]): void => {
  const chunks = rows.filter(({ type }, index) => type !== rows[index - 1]?.type).length
  if (chunks > TYPE_CHUNKS_MAX) {
    throw new TypeError(
      `A collection takes at most ${TYPE_CHUNKS_MAX} runs of types, not ${chunks}`,
    )
  }
}

const toRecord = (type: string, fields: JsonObject, id?: string): JsonObject => {
  const record: JsonObject = { attributes: { type } }
  if (id !== undefined) record.id = id
  for (const name of Object.keys(fields)) {
    if (name !== 'attributes') record[name] = fields[name]
  }
  return record
}

/** A call that is built; each use of it sends the rows. */
export type PreparedWrite = () => Promise<RowResult[]>

/** One call; its rows answered by position. */
const prepare = (
  org: SalesforceOrg,
  rows: number,
  request: Pick<SalesforceRequest, 'method' | 'path' | 'query' | 'body'>,
  { attemptsMax, timeouts, priority, signal, ...options }: WriteOptions,
): PreparedWrite => {
  checkSize(rows)
  return async () => {
    // Salesforce refuses an empty collection (REQUIRED_FIELD_MISSING).
    if (rows === 0) return []
    const { status, body } = await org.request({
      ...request,
      kind: 'composite',
      // For every method: if sent twice, automations run twice, and a second delete finds nothing.
      effect: 'create',
      headers: writeHeaders(options),
      ...(attemptsMax === undefined ? {} : { attemptsMax }),
      ...(timeouts === undefined ? {} : { timeouts }),
      ...(priority === undefined ? {} : { priority }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (!Array.isArray(body) || body.length !== rows) {
      const answered = Array.isArray(body) ? body.length : 'no'
      const message = `The answer holds ${answered} results for ${rows} rows.`
      throw new SalesforceError(malformed(message, status))
    }
    return body.map(readRow)
  }
}

const collection = (records: readonly JsonObject[], { allOrNone = false }: WriteOptions) => ({
  type: JSON_TYPE,
  content: JSON.stringify({ allOrNone, records }),
})

/*
 * All writes: at most 200 rows (TypeError for more), answered in their order, each with its own outcome.
 * A thrown SalesforceError concerns the call as a whole; if `isUnknownFate` holds, any of its rows may
 * have been written, and it was not sent again.
 */

/** Creates records, in up to ten runs of types. */
export const createRecords = async (
  org: SalesforceOrg,
  rows: readonly NewRecord[],
  options: WriteOptions = {},
): Promise<RowResult[]> => {
  checkTypes(rows)
  const records = rows.map(({ type, fields }) => toRecord(type, fields))
  const body = collection(records, options)
  const path = '/composite/sobjects'
  const results = await prepare(org, rows.length, { method: 'POST', path, body }, options)()
  return results.map((result) =>
    result.outcome === 'succeeded' ? { ...result, created: true } : result,
  )
}

/** Changes records by id, in up to ten runs of types; fields that are not named stay as they are. */
export const prepareUpdate = (
  org: SalesforceOrg,
  rows: readonly ChangedRecord[],
  options: WriteOptions = {},
): PreparedWrite => {
  checkTypes(rows)
  const records = rows.map(({ type, id, fields }) => toRecord(type, fields, id))
  const body = collection(records, options)
  return prepare(org, rows.length, { method: 'PATCH', path: '/composite/sobjects', body }, options)
}

/**
 * Creates or changes records of one type by an external id field, whose value each row holds. A key
 * that several records share fails its row.
 */
export const prepareUpsert = (
  org: SalesforceOrg,
  type: string,
  externalIdField: string,
  rows: readonly JsonObject[],
  options: WriteOptions = {},
): PreparedWrite => {
  const path = urlPath`/composite/sobjects/${type}/${externalIdField}`
  const body = collection(
    rows.map((fields) => toRecord(type, fields)),
    options,
  )
  return prepare(org, rows.length, { method: 'PATCH', path, body }, options)
}

/**
 * Deletes records by id, of any types. One that is already deleted fails its row with ENTITY_IS_DELETED.
 */
export const deleteRecords = async (
  org: SalesforceOrg,
  ids: readonly string[],
  options: WriteOptions = {},
): Promise<RowResult[]> => {
  const bad = ids.find((id) => !RECORD_ID.test(id))
  if (bad !== undefined) throw new TypeError(`Not a record id: ${JSON.stringify(bad)}`)
  const query = { ids: ids.join(','), allOrNone: options.allOrNone ?? false }
  return prepare(
    org,
    ids.length,
    { method: 'DELETE', path: '/composite/sobjects', query },
    options,
  )()
}

/**
 * Records of one type by id, at most 2,000, in the order of `ids`; null for one that does not exist or
 * that the connected user may not see. A field that does not exist for that user fails the call.
 */
export const retrieveRecords = async (
  org: SalesforceOrg,
  type: string,
  ids: readonly string[],
  fields: readonly string[],
  { priority, signal }: Pick<SalesforceRequest, 'priority' | 'signal'> = {},
): Promise<(JsonObject | null)[]> => {
  checkSize(ids.length, RETRIEVE_MAX)
  if (ids.length === 0) return []
  const { status, body } = await org.request({
    method: 'POST',
    path: urlPath`/composite/sobjects/${type}`,
    json: { ids, fields },
    kind: 'composite',
    effect: 'read',
    ...(priority === undefined ? {} : { priority }),
    ...(signal === undefined ? {} : { signal }),
  })
  if (!Array.isArray(body) || body.length !== ids.length) {
    throw new SalesforceError(malformed('The answer does not hold one record for each id.', status))
  }
  return body.map((record) => (isObject(record) ? record : null))
}
