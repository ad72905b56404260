// The only way to the rows. A tenant's rows are reached through `db.as(tenant).tx(...)`, whose
// callback gets a `Tx`: a query builder that works inside that transaction, runs as the role that
// cannot bypass row-level security, and is dead the moment the transaction ends.

import {
  Kysely,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely'
import pg from 'pg'
import { EngineError } from '../errors.ts'
import { type Secret } from '../secret.ts'
import { storable } from '../text.ts'
import { Connection } from './client.ts'
import { createScopedReads, type ReadInScope, type Scope } from './scoped-read.ts'
import { isStalePlan, readOnly, translate } from './failure.ts'
import { TYPES } from './timestamps.ts'
import { type TenantTables } from './tables.ts'

declare const scoped: unique symbol

/**
 * A transaction inside one tenant's scope. Its type differs from the pool's, so neither can be passed
 * for the other.
 */
export type Tx = Omit<Kysely<TenantTables>, 'transaction' | 'destroy' | 'connection'> & {
  readonly [scoped]: true
}

/** Builds selects. A `Tx` does too, so what only reads can run in a transaction as well. */
export type Reader = Pick<Tx, 'selectFrom'>

/**
 * Whose rows a statement may see: an org, for company users one client of it, and for some API tokens
 * several. Obtained from an authenticated credential or from a row that names its org; never from a body.
 */
export interface Tenant {
  readonly orgId: string
  readonly clientId: string | null
  /** Absent: not confined to several clients. */
  readonly clientIds?: readonly string[]
}

/** Whether it sees only some clients of its org. */
export const isConfined = ({ clientId, clientIds }: Tenant): boolean =>
  clientId !== null || clientIds !== undefined

/** The scope of a row: its client, and no other client of its org. */
export const tenantOf = (row: { org_id: string; client_id: string }): Tenant => ({
  orgId: row.org_id,
  clientId: row.client_id,
})

/**
 * The scope of an org with all its clients. A caller that holds a client's row and still uses this says
 * why.
 */
export const wholeOrg = (orgId: string): Tenant => ({ orgId, clientId: null })

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export interface Database {
  /** Rows of this tenant, and only those. */
  as(tenant: Tenant): {
    /**
     * Runs `fn` in one transaction in the tenant's scope. Commits when it resolves, rolls back when
     * it throws. `fn` must not wait for anything but the database: no Salesforce, no Nango, no client.
     */
    tx<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
    /**
     * For a single select: a transaction of its own that cannot write, in one round trip where `tx` takes
     * three. Two of them need not see the same state.
     */
    readonly read: Reader
  }
  /**
   * Calls one of the lookup functions that work before an org is known (schema engine_lookup).
   * `name` is code, never input.
   */
  lookup<Row>(name: LookupName, ...args: unknown[]): Promise<Row[]>
  /** One statement on a table of schema `engine`: data that belongs to no tenant. */
  shared<Row>(text: string, values: unknown[]): Promise<Row[]>
  /**
   * For the queue and the migrator, which have schemas of their own. Not a way to reach tenants' rows.
   */
  readonly pool: pg.Pool
  /** The pool for tenants' statements; the same one if there is only one login. For metrics. */
  readonly tenantPool: pg.Pool
  /** Resolves when the database answers and accepts writes; throws `unavailable` otherwise. */
  ping(): Promise<void>
  close(): Promise<void>
}

export type LookupName =
  | 'token'
  | 'session'
  | 'user_by_email'
  | 'connection_by_nango_id'
  | 'connection_attempt'
  | 'organizations'
  | 'open_work'
  | 'discard_expired'
  | 'discard_reports'
  | 'discard_audit'
  | 'discard_images'
  | 'old_snapshots'
  | 'clients_to_index'
  | 'take_work_place'
  | 'operating_numbers'
  | 'due_webhook_endpoints'
  | 'endpoints_sealed_otherwise'
  | 'purge_tables'
  | 'purge_references'
  | 'purge_rows'
  | 'purge_reference'
  | 'purge_lists'
  | 'purge_begins'
  | 'purge_ends'
  | 'purge_waits_for'
  | 'purge_wakes'
  | 'purge_of_org'
  | 'due_rollouts'

const RUNTIME_ROLE = 'sfdc_engine_runtime'
const STATEMENT_TIMEOUT = '60s'

interface Options {
  url: Secret
  /** A login that is a member of the runtime role and owns nothing: tenants' statements use it. */
  tenantUrl?: Secret | undefined
  /** Of each login. Default: 20. */
  maxConnections?: number
  /** Idle connections can fail at any time; the pool replaces them, and the log says so. */
  onIdleError: (error: Error) => void
}

export const openDatabase = (options: Options): Database => {
  let closing = false
  const poolOf = (url: Secret): pg.Pool => {
    const made = new pg.Pool({
      Client: Connection,
      connectionString: url.reveal(),
      max: options.maxConnections ?? 20,
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      application_name: 'sfdc-engine-x',
      types: TYPES,
    })
    made.on('error', (error) => {
      if (!closing) options.onIdleError(error)
    })
    return made
  }
  const pool = poolOf(options.url)
  const tenantPool = options.tenantUrl === undefined ? pool : poolOf(options.tenantUrl)
  const named = createNames()
  const readInScope = createScopedReads()

  const run = async <Row>(text: string, values: unknown[]): Promise<Row[]> => {
    try {
      const result = await pool.query(named(text, values))
      return result.rows as Row[]
    } catch (error) {
      throw translate(error)
    }
  }

  return {
    as: (tenant) => ({
      tx: (fn) => transact(tenantPool, named, tenant, fn),
      get read() {
        const scope = scopeOf(tenant)
        return readerOf(({ sql: text, parameters }) =>
          read(tenantPool, readInScope, scope, named(text, [...parameters])),
        )
      },
    }),
    lookup: (name, ...args) =>
      run(
        `select * from engine_lookup.${name}(${args.map((_, i) => `$${i + 1}`).join(', ')})`,
        args,
      ),
    shared: run,
    pool,
    tenantPool,
    ping: async () => {
      const [row] = await run<{ read_only: boolean }>(
        `select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as read_only`,
        [],
      )
      if (row?.read_only === true) throw readOnly()
      if (tenantPool !== pool && (await placeOf(pool)) !== (await placeOf(tenantPool))) {
        throw new EngineError(
          'unavailable',
          'TENANT_DATABASE_URL leads to a different database than DATABASE_URL.',
        )
      }
    },
    close: async () => {
      closing = true
      await Promise.all([...new Set([pool, tenantPool])].map((each) => each.end()))
    },
  }
}

/** The database of a server, the same by whatever login it is asked. */
const placeOf = async (pool: pg.Pool): Promise<string | undefined> => {
  const { rows } = await pool
    .query<{ place: string }>(
      `select current_database() || ' since ' || pg_postmaster_start_time() as place`,
    )
    .catch((error: unknown) => {
      throw translate(error)
    })
  return rows[0]?.place
}

const transact = async <T>(
  pool: pg.Pool,
  named: Named,
  tenant: Tenant,
  fn: (tx: Tx) => Promise<T>,
): Promise<T> => {
  const client = await pool.connect().catch((error: unknown) => {
    throw translate(error)
  })
  let open = true
  let broken = false
  // The pool listens only to its idle connections; an unhandled `error` event ends the process.
  const onLost = () => {
    broken = true
  }
  client.on('error', onLost)
  try {
    await client.query(scopeStatement(tenant))
    const tx = builderOn(client, named, () => open)
    const result = await fn(tx)
    open = false
    const { command } = await client.query('commit')
    // After a swallowed statement error, COMMIT answers ROLLBACK: that is not a success.
    if (command !== 'COMMIT') throw new Error('the transaction had failed and was rolled back')
    return result
  } catch (error) {
    open = false
    await client.query('rollback').catch(onLost)
    if (isStalePlan(error)) broken = true // with everything that this connection has prepared
    throw translate(error)
  } finally {
    client.off('error', onLost)
    client.release(broken)
  }
}

/** Begin and scope in one round trip. The text contains only checked UUIDs. */
const scopeStatement = (tenant: Tenant): string => {
  const [orgId, clientId, clientIds] = checkedIds(tenant)
  return `begin; select ${settings(`'${orgId}'`, `'${clientId}'`, `'${clientIds}'`)}`
}

/** For a single select. It returns no row, and its transaction cannot write. */
const scopeOf = (tenant: Tenant): Scope => ({ text: READ_SCOPE, values: checkedIds(tenant) })

const checkedIds = ({
  orgId,
  clientId,
  clientIds,
}: Tenant): [orgId: string, clientId: string, clientIds: string] => {
  const ids = [orgId, ...(clientId === null ? [] : [clientId]), ...(clientIds ?? [])]
  if (!ids.every((id) => UUID.test(id))) throw new Error('the ids of a tenant must be UUIDs')
  return [orgId, clientId ?? '', clientIds === undefined ? '' : `{${clientIds.join(',')}}`]
}

/** What makes a transaction one of the tenant's, until it ends. The ids are SQL. */
const settings = (orgId: string, clientId: string, clientIds: string): string =>
  `set_config('app.org_id', ${orgId}, true),
    set_config('app.client_id', ${clientId}, true),
    set_config('app.client_ids', ${clientIds}, true),
    set_config('statement_timeout', '${STATEMENT_TIMEOUT}', true),
    set_config('search_path', 'public', true),
    set_config('role', '${RUNTIME_ROLE}', true)`

const READ_SCOPE = `select where concat(set_config('transaction_read_only', 'on', true),
    ${settings('$1', '$2', '$3')}) is null`

const read = async (
  pool: pg.Pool,
  readInScope: ReadInScope,
  scope: Scope,
  select: pg.QueryConfig,
): Promise<unknown[]> => {
  const client = await pool.connect().catch((error: unknown) => {
    throw translate(error)
  })
  let broken = false
  const onLost = () => {
    broken = true
  }
  client.on('error', onLost)
  try {
    return await readInScope(client, scope, select)
  } catch (error) {
    broken = true
    throw translate(error)
  } finally {
    client.off('error', onLost)
    client.release(broken)
  }
}

/** More texts than the server has; any beyond that were built from lists of varying length. */
const STATEMENTS_MAX = 500

/**
 * PostgreSQL's texts cannot contain U+0000, and one in a name or message from Salesforce would fail the
 * whole statement. What callers send is refused earlier; here, at the one door, it becomes U+FFFD. A
 * jsonb value has it as an escape, which only `json()` can remove.
 */
const mended = (value: unknown): unknown => {
  if (typeof value === 'string') return storable(value)
  return Array.isArray(value) ? value.map(mended) : value
}

/** Names statements, so that each connection parses and plans each text only once. */
const createNames = () => {
  const names = new Map<string, string>()
  return (text: string, given: unknown[]): pg.QueryConfig => {
    const values = given.map(mended)
    if (values.length === 0) return { text, values }
    let name = names.get(text)
    if (name === undefined && names.size < STATEMENTS_MAX) {
      name = `s${names.size}`
      names.set(text, name)
    }
    return name === undefined ? { text, values } : { name, text, values }
  }
}
type Named = ReturnType<typeof createNames>

/** A query builder on one connection that refuses to work once the transaction is over. */
const builderOn = (client: pg.PoolClient, named: Named, isOpen: () => boolean): Tx => {
  const fenced = {
    query: (...args: unknown[]) => {
      if (!isOpen()) throw new Error('this transaction is over')
      const [text, values] = args
      // A cursor (a stream's query) comes as an object; everything else as text and values.
      return typeof text === 'string' && Array.isArray(values)
        ? client.query(named(text, values))
        : (client.query as (...a: unknown[]) => unknown)(...args)
    },
    release: () => undefined,
  } as unknown as pg.PoolClient
  const pool = { connect: async () => fenced, end: async () => undefined } as never
  return builderOf(new PostgresDriver({ pool })) as unknown as Tx
}

const builderOf = (driver: Driver) => {
  const dialect: Dialect = {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }
  return new Kysely<TenantTables>({ dialect })
}

/** A builder of selects, each of which `run` brings the rows of. */
const readerOf = (run: (query: CompiledQuery) => Promise<unknown[]>): Reader => {
  const refuse = async (): Promise<never> => {
    throw new Error('a reader has no transactions and no streams')
  }
  const connection: DatabaseConnection = {
    executeQuery: async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => ({
      rows: (await run(query)) as Row[],
    }),
    // oxlint-disable-next-line require-yield
    async *streamQuery() {
      await refuse()
    },
  }
  return builderOf({
    init: async () => undefined,
    acquireConnection: async () => connection,
    releaseConnection: async () => undefined,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    destroy: async () => undefined,
  })
}

/** True for PostgreSQL's unique_violation, optionally of one constraint or index. */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean =>
  error instanceof Error &&
  (error as { code?: unknown }).code === '23505' &&
  (constraint === undefined || (error as { constraint?: unknown }).constraint === constraint)

/** True for PostgreSQL's foreign_key_violation. */
export const isForeignKeyViolation = (error: unknown): boolean =>
  error instanceof Error && (error as { code?: unknown }).code === '23503'
