// One select in a tenant's scope, in one round trip and without BEGIN and COMMIT. Both statements are sent
// at once, and PostgreSQL runs all up to the Sync behind them as one transaction: the scope ends with it,
// and if it cannot be set, the select is skipped (PostgreSQL, "Extended Query", "Pipelining").

import pg from 'pg'

/** How the scope is set: a statement that returns no row, and its values. */
export interface Scope {
  text: string
  values: string[]
}

const SCOPE_NAME = 'scope'

/**
 * Runs a select on the client, in the scope. After an error the client must not be used again: it is not
 * known which of the two statements its connection has prepared.
 */
export type ReadInScope = (
  client: pg.ClientBase,
  scope: Scope,
  select: pg.QueryConfig,
) => Promise<unknown[]>

export const createScopedReads = (): ReadInScope => {
  /** Whose connection has prepared the scope's statement. */
  const prepared = new WeakSet<pg.ClientBase>()
  return (client, scope, select) =>
    new Promise((resolve, reject) => {
      // Extended even without values: a simple query would not belong to the scope's transaction.
      const config = { ...select, queryMode: 'extended' }
      const query = new pg.Query(config, (error, result) => {
        if (error instanceof Error) return reject(error)
        prepared.add(client)
        // As after any query of several statements: one result for each.
        const [, read] = result as unknown as [scope: pg.QueryResult, read: pg.QueryResult]
        resolve(read.rows)
      })
      const { submit } = query
      query.submit = (connection) => {
        connection.stream.cork()
        try {
          if (!prepared.has(client)) {
            connection.parse({ name: SCOPE_NAME, text: scope.text, types: [] }, true)
          }
          connection.bind({ statement: SCOPE_NAME, values: scope.values }, true)
          connection.execute({}, true)
          return submit.call(query, connection)
        } finally {
          connection.stream.uncork()
        }
      }
      client.query(query)
    })
}
