// The Tooling API: queries and single setup records.

import { composite, COMPOSITE_MAX } from './composite.ts'
import { type Soql, urlPath } from './escape.ts'
import { type Failure } from './failure.ts'
import { type SalesforceOrg } from './gateway.ts'
import { isObject, type JsonObject } from './json.ts'
import { expectObject, query } from './rest.ts'

/**
 * Record by record. Salesforce: a query that selects FullName or Metadata must match at most one
 * row (MALFORMED_QUERY else), and EntityDefinition and its like have no second page (EXCEEDED_ID_LIMIT
 * over 2,000 rows): list ids first and read the records by `getToolingRecords`.
 */
export const toolingQuery = (
  org: SalesforceOrg,
  text: Soql,
): AsyncGenerator<JsonObject, void, undefined> => query(org, text, { tooling: true })

/** One setup record with all its fields, `Metadata` and `FullName` included. */
export const getToolingRecord = async (
  org: SalesforceOrg,
  type: string,
  id: string,
): Promise<JsonObject> => {
  const path = urlPath`/tooling/sobjects/${type}/${id}`
  return expectObject((await org.request({ path, kind: 'tooling' })).body, type)
}

export type ToolingRecord =
  | { id: string; record: JsonObject; failure: null }
  | { id: string; record: null; failure: Failure }

/**
 * Many setup records of one type, 25 per call, in the order of `ids`; one that cannot be read has the
 * reason.
 */
export async function* getToolingRecords(
  org: SalesforceOrg,
  type: string,
  ids: readonly string[],
): AsyncGenerator<ToolingRecord, void, undefined> {
  for (let start = 0; start < ids.length; start += COMPOSITE_MAX) {
    const chunk = ids.slice(start, start + COMPOSITE_MAX)
    const answers = await composite(
      org,
      chunk.map((id) => ({ method: 'GET', url: urlPath`/tooling/sobjects/${type}/${id}` })),
      { tooling: true, effect: 'read' },
    )
    for (const [index, id] of chunk.entries()) {
      const answer = answers[index]
      if (answer === undefined) continue
      if (answer.failure !== null) yield { id, record: null, failure: answer.failure }
      else yield { id, record: isObject(answer.body) ? answer.body : {}, failure: null }
    }
  }
}

/**
 * Changes a setup record. Salesforce: `Metadata` is replaced as a whole, never merged: read it,
 * change it, send all of it.
 */
export const patchToolingRecord = async (
  org: SalesforceOrg,
  type: string,
  id: string,
  changes: JsonObject,
): Promise<void> => {
  const path = urlPath`/tooling/sobjects/${type}/${id}`
  await org.request({ method: 'PATCH', path, json: changes, kind: 'tooling' })
}

/**
 * Deletes a setup record, such as an inactive Flow version. One that no longer exists is a
 * SalesforceError `not_found`.
 */
export const deleteToolingRecord = async (
  org: SalesforceOrg,
  type: string,
  id: string,
): Promise<void> => {
  const path = urlPath`/tooling/sobjects/${type}/${id}`
  await org.request({ method: 'DELETE', path, kind: 'tooling' })
}
