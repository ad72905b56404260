import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

/** The same server and login, a different database. */
export const databaseUrl = (url: string, database: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}

export interface TestDatabase extends AsyncDisposable {
  url: string
  /** Runs one statement as the login that owns everything. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
}

/** How long a connection may take to end before the database is dropped. */
const TERMINATION_MS = 10_000

/** Prefix of the databases that this worker created. */
export const namePrefix = (): string => `t${process.pid}_`

/** The login that owns a database. */
export type DatabaseOwner = 'plain login' | 'superuser'

/**
 * A database of its own: a clone of the migrated template, or empty. A superuser's is empty: the first
 * server on it migrates.
 */
export const createDatabase = ({
  empty = false,
  owner = 'plain login',
}: { empty?: boolean; owner?: DatabaseOwner } = {}): Promise<TestDatabase> => {
  const isSuperuser = owner === 'superuser'
  return createDatabaseOf(
    inject(isSuperuser ? 'superuserUrl' : 'adminUrl'),
    isSuperuser || empty ? null : inject('templateDatabase'),
  )
}

/** The same outside tests: a clone of `template`, or empty, owned by the login of `adminUrl`. */
export const createDatabaseOf = async (
  adminUrl: string,
  template: string | null,
): Promise<TestDatabase> => {
  const name = `${namePrefix()}${randomBytes(6).toString('hex')}`
  await asAdmin(adminUrl, (admin) =>
    // Copied as files, without logging each page: a third of the time, if nothing has to be durable.
    admin.query(
      `create database ${name} ${template === null ? '' : `template ${template} strategy file_copy`}`,
    ),
  )
  const url = databaseUrl(adminUrl, name)
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  pool.on('error', () => undefined) // the database is dropped under idle connections at the end
  return {
    url,
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows,
    [Symbol.asyncDispose]: async () => {
      await pool.end()
      await asAdmin(adminUrl, (admin) => dropDatabase(admin, name))
    },
  }
}

/**
 * Refuses new connections, ends existing ones, then drops. `drop … with (force)` would do both, but
 * refuses a login that is not a superuser ("permission denied to terminate process") while autovacuum is
 * at work in the database; a plain drop ends autovacuum itself.
 */
const dropDatabase = async (admin: pg.Client, name: string): Promise<void> => {
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
  if (rowCount === 0) return
  await admin.query(`alter database ${name} with allow_connections false`)
  await admin.query(
    `select pg_terminate_backend(pid, ${TERMINATION_MS}) from pg_stat_activity
     where datname = $1 and usesysid is not null`,
    [name],
  )
  await admin.query(`drop database ${name}`)
}

const asAdmin = async (
  url: string,
  work: (admin: pg.Client) => Promise<unknown>,
): Promise<void> => {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await work(admin)
  } finally {
    await admin.end()
  }
}

/**
 * Creates the login that owns databases, exactly as docs/deployment.md tells an administrator to prepare it.
 * Takes the administrator's URL, and returns the login's.
 */
export const createPlainOwner = async (superuserUrl: string): Promise<string> => {
  const password = randomBytes(12).toString('hex')
  await asAdmin(superuserUrl, async (admin) => {
    await admin.query(
      `create role plain_owner login nosuperuser nobypassrls nocreaterole createdb password '${password}'`,
    )
    await admin.query(
      'create role sfdc_engine_runtime nologin nosuperuser nobypassrls nocreatedb nocreaterole',
    )
    await admin.query('grant sfdc_engine_runtime to plain_owner')
    await admin.query('grant connect on database postgres to public')
  })
  const plain = new URL(superuserUrl)
  plain.username = 'plain_owner'
  plain.password = password
  return databaseUrl(plain.href, 'postgres')
}
