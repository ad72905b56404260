import { parseQuery, type Query } from '@jetstreamapp/soql-parser-js'
import { SoqlError, soqlErrorAt } from './schema.ts'

// Salesforce: SOQL and SOSL reference, "SOQL and SOSL limits for search queries".
const maxLength = 100_000

/** A client sends the same few queries over and over, and parsing one takes longer than answering it. */
const mostKept = 2_000

/**
 * Reads a query, or throws MALFORMED_QUERY pointing at the offending token. What it returns is shared
 * with whoever sends the same text, and frozen for that.
 */
export const parseSoql = ((): ((soql: string) => Query) => {
  const kept = new Map<string, Query>()
  return (soql) => {
    const found = kept.get(soql)
    if (found !== undefined) return found
    const query = frozen(parse(soql))
    if (kept.size >= mostKept) kept.clear()
    kept.set(soql, query)
    return query
  }
})()

function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) frozen(member)
  return Object.freeze(value)
}

function parse(soql: string): Query {
  if (soql.trim() === '')
    throw new SoqlError('MALFORMED_QUERY', 'A query string has to be specified')
  if (soql.length > maxLength) {
    throw new SoqlError(
      'MALFORMED_QUERY',
      `SOQL statements cannot be longer than ${maxLength} characters.`,
    )
  }
  let query: Query
  try {
    query = parseQuery(soql)
  } catch (error) {
    throw syntaxError(soql, error instanceof Error ? error.message : String(error))
  }
  if (query.withSecurityEnforced || query.withAccessLevel) {
    // Salesforce: these clauses belong to Apex; the API does not have them.
    throw soqlErrorAt(soql, 'WITH', 'MALFORMED_QUERY', 'unexpected token: WITH')
  }
  return query
}

function syntaxError(soql: string, message: string): SoqlError {
  const offset = /at offset: (\d+)/.exec(message)
  const token = offset
    ? soql.slice(Number(offset[1])).split(/\s/)[0]
    : /but found(?: -->|:) ?'?([^\s']+)/.exec(message)?.[1]
  if (!token) {
    return soqlErrorAt(soql, lastWord(soql), 'MALFORMED_QUERY', "unexpected token: '<EOF>'")
  }
  return soqlErrorAt(soql, token, 'MALFORMED_QUERY', `unexpected token: '${token}'`)
}

function lastWord(soql: string): string {
  return soql.trim().split(/\s+/).at(-1) ?? soql
}
