// Queries of the conflict check: several per call, and null for one that Salesforce refuses.

import { composite } from '../../../salesforce/composite.ts'
import { type Soql } from '../../../salesforce/escape.ts'
import { concernsWholeOrg, type Failure, SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { queryPages } from '../../../salesforce/rest.ts'
import { listObjects } from '../../../salesforce/xml.ts'
import { chunksOf, eachOf, gather } from './gather.ts'

export interface Rows {
  /** For a `SELECT COUNT()`, which has no records. */
  totalSize: number
  records: JsonObject[]
}

/** Null: not known. Rejects only for faults that concern the Salesforce org as a whole. */
export type Ask = (query: Soql) => Promise<Rows | null>

export interface Queries {
  rest: Ask
  /** The same, including what is in the Recycle Bin. */
  all: Ask
  tooling: Ask
}

/**
 * Salesforce: REST API guide, Composite: of its 25 sub-requests at most five may be queries or
 * collections. `/composite/batch` has no such limit, but counts each of its parts as a call.
 */
const QUERIES_A_CALL = 5
const PARALLEL = 4

/**
 * Whether a fault is final: a refusal, or a query that takes longer than Salesforce allows, and would
 * take as long the next time.
 */
export const isUntold = (failure: Failure): boolean =>
  !concernsWholeOrg(failure) &&
  (!failure.passing || failure.kind === 'transient' || failure.slow === true)

/** The answer, or null if Salesforce does not give one; throws if Salesforce cannot be reached. */
export const orUntold = async <T>(ask: () => Promise<T>): Promise<T | null> => {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof SalesforceError && isUntold(error.failure)) return null
    throw error
  }
}

/** Which of Salesforce's resources answers. */
interface Resource {
  tooling?: boolean
  all?: boolean
}

export const createQueries = (org: SalesforceOrg): Queries => {
  const alone = (query: Soql, resource: Resource): Promise<Rows | null> =>
    orUntold(async () => {
      const rows: Rows = { totalSize: 0, records: [] }
      for await (const page of queryPages(org, query, resource)) {
        rows.totalSize = page.totalSize
        rows.records.push(...page.records)
      }
      return rows
    })

  /** Answers by query; those left out have to be asked alone. */
  const together = async (
    queries: readonly Soql[],
    { tooling = false, all = false }: Resource,
  ): Promise<Map<Soql, Rows | null>> => {
    const answers = await composite(
      org,
      queries.map(({ text }) => ({
        method: 'GET',
        url: `${tooling ? '/tooling' : ''}/${all ? 'queryAll' : 'query'}?q=${encodeURIComponent(text)}`,
      })),
      { effect: 'read', tooling },
    )
    const known = new Map<Soql, Rows | null>()
    for (const [index, query] of queries.entries()) {
      const { body, failure } = answers[index] ?? { body: null, failure: null }
      if (failure !== null) {
        if (concernsWholeOrg(failure)) throw new SalesforceError(failure)
        if (!failure.passing) known.set(query, null)
      } else if (isObject(body) && body.done === true) {
        const totalSize = typeof body.totalSize === 'number' ? body.totalSize : 0
        known.set(query, { totalSize, records: listObjects(body.records) })
      }
    }
    return known
  }

  const answerAll = (resource: Resource) => async (queries: readonly Soql[]) => {
    const answers = new Map<Soql, Rows | null>()
    await eachOf(chunksOf(queries, QUERIES_A_CALL), PARALLEL, async (chunk) => {
      // A call that fails as a whole says nothing about any of its queries.
      const known = chunk.length < 2 ? null : await orUntold(() => together(chunk, resource))
      for (const query of chunk) {
        const found = known?.get(query)
        answers.set(query, found === undefined ? await alone(query, resource) : found)
      }
    })
    return answers
  }

  // Two turns: a lookup that gathers questions into one query asks a turn later than the others.
  return {
    rest: gather(answerAll({}), 2),
    all: gather(answerAll({ all: true }), 2),
    tooling: gather(answerAll({ tooling: true }), 2),
  }
}
