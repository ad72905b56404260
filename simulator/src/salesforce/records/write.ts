// What the REST resources that write records have in common: a save with the request's headers, and
// its outcomes as REST shows them.

import {
  type RowError,
  type RowOutcome,
  type SaveContext,
  type SaveRequest,
} from '../../records/save.ts'
import { toId18 } from '../../org/ids.ts'
import { type RestContext } from '../rest.ts'
import { notSimulated, refusal, Refusal } from '../../refusals.ts'

export const saveContext = ({
  org,
  user,
  viewer,
  latency,
  transaction,
}: RestContext): SaveContext => ({ org, user, viewer, latency, transaction })

/** Salesforce: REST API guide, "Assignment Rule Header" and "Duplicate Rule Header". */
export const saveOptions = (
  { request }: RestContext,
  allOrNone: boolean,
): SaveRequest['options'] => {
  const assigning = request.headers['sforce-auto-assign']?.trim() ?? 'TRUE'
  return {
    allOrNone,
    // Absent means TRUE: REST runs the active rule.
    assignmentRule: assignmentRuleOf(assigning),
    allowDuplicates: /allowSave\s*=\s*true/i.test(
      request.headers['sforce-duplicate-rule-header'] ?? '',
    ),
  }
}

const assignmentRuleOf = (wanted: string): SaveRequest['options']['assignmentRule'] => {
  if (/^true$/i.test(wanted)) return 'default'
  if (/^false$/i.test(wanted)) return 'none'
  if (toId18(wanted) !== null) return { id: wanted }
  // Salesforce documents TRUE, FALSE and an id, but nothing about other values.
  throw notSimulated(`Sforce-Auto-Assign: ${wanted}`)
}

/** The JSON object of the body. Throws JSON_PARSER_ERROR for anything else. */
export const jsonBody = ({ request }: RestContext): Record<string, unknown> => {
  const { body } = request
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && !Buffer.isBuffer(body))
    return body as Record<string, unknown>
  if (request.headers['content-type']?.startsWith('multipart/') === true) {
    throw notSimulated('a record and its content in one multipart request')
  }
  throw refusal(
    400,
    'JSON_PARSER_ERROR',
    body === undefined || (Buffer.isBuffer(body) && body.length === 0)
      ? 'The HTTP entity body is required, but this request has no entity body.'
      : 'The HTTP entity body is not a JSON object',
  )
}

const STATUS: Record<string, number> = {
  ENTITY_IS_DELETED: 404,
  INSUFFICIENT_ACCESS_OR_READONLY: 403,
  NOT_FOUND: 404,
}
/** Recorded without `fields`. */
const BARE = new Set(['INVALID_FIELD', 'JSON_PARSER_ERROR', 'MISSING_ARGUMENT'])

/** A single record's failure as the answer to its request. */
export const rowRefusal = (errors: readonly RowError[]): Refusal =>
  new Refusal({
    status: STATUS[errors[0]?.statusCode ?? ''] ?? 400,
    body: errors.map(({ statusCode, message, fields, duplicateResult }) =>
      duplicateResult === undefined
        ? { message, errorCode: statusCode, ...(BARE.has(statusCode) ? {} : { fields }) }
        : { duplicateResult, errorCode: statusCode, message },
    ),
  })

/**
 * A row of a collection's answer. Salesforce: rows that failed have no id. Rows of an upsert say whether
 * they were, or would have been, created, if that is known.
 */
export const rowResult = (outcome: RowOutcome, created?: boolean): Record<string, unknown> => ({
  ...(outcome.success ? { id: outcome.id } : {}),
  success: outcome.success,
  errors: outcome.success ? [] : outcome.errors.map(rowErrorOf),
  ...(created === undefined ? {} : { created }),
})

export const rowErrorOf = ({ statusCode, message, fields }: RowError) => ({
  statusCode,
  message,
  fields,
})
