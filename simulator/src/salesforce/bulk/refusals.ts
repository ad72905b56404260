// How Bulk API 2.0 refuses. Its codes are those of Bulk API 1 in capitals and without gaps
// (`FEATURENOTENABLED`); the texts are Salesforce's where a public source has them.

import { type Refusal, refusal } from '../../refusals.ts'
import { type RestContext } from '../rest.ts'

export const invalidJob = (message: string): Refusal => refusal(400, 'INVALIDJOB', message)

export const invalidState = (message: string): Refusal => refusal(400, 'INVALIDJOBSTATE', message)

/** Salesforce: also for objects that do not exist. */
export const unsupportedEntity = (object: string): Refusal =>
  refusal(400, 'INVALIDENTITY', `Entity '${object}' is not supported by the Bulk API.`)

export const apiError = (message: string): Refusal => refusal(400, 'API_ERROR', message)

export const exceededQuota = (message: string): Refusal => refusal(400, 'EXCEEDEDQUOTA', message)

/** A batch that cannot be read or may not be processed: its rows stay unprocessed and the job fails. */
export class BatchProblem extends Error {
  override name = 'BatchProblem'

  /** `code` as Bulk API 1 spells it: the job says `InvalidBatch : …`. */
  constructor(code: string, message: string) {
    super(`${code} : ${message}`)
  }
}

/** The request's JSON object. Throws JSON_PARSER_ERROR. */
export const jsonBody = (ctx: RestContext): Record<string, unknown> => {
  const { body } = ctx.request
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && !Buffer.isBuffer(body)) {
    return body as Record<string, unknown>
  }
  throw refusal(400, 'JSON_PARSER_ERROR', 'The request body is not a JSON object')
}

/** One of the allowed values, or the default. */
export const choice = <T extends string>(
  body: Record<string, unknown>,
  name: string,
  values: readonly T[],
  otherwise: T,
): T => {
  const given = body[name]
  if (given === undefined || given === null) return otherwise
  const found = values.find((value) => value === given)
  if (found === undefined) throw apiError(`Value does not match expected type: ${name}`)
  return found
}
