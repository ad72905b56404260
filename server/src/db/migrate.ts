// Brings the schema to the state that migrations/ describes. Several replicas may start at once:
// Kysely's migrator holds an advisory lock, so one migrates and the others wait and find it done.

import { randomUUID } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator, type MigrationProvider } from 'kysely/migration'
import pg from 'pg'
import { ROOT } from '../root.ts'
import { type Secret } from '../secret.ts'
import { Connection } from './client.ts'

const MIGRATIONS = join(ROOT, 'migrations')
const BOOKKEEPING_SCHEMA = 'engine'
/** pg-boss fills it by itself. */
export const QUEUE_SCHEMA = 'pgboss'

/**
 * Applies what is missing and returns the names of the migrations that were applied.
 * Refuses a transaction pooler and a server older than PostgreSQL 15, each with the reason.
 */
export const migrate = async (url: Secret): Promise<string[]> => {
  // One connection: what the checks see is what the migrator gets.
  const pool = new pg.Pool({
    Client: Connection,
    connectionString: url.reveal(),
    max: 1,
    application_name: 'sfdc-engine-x migrate',
  })
  try {
    if (await isCurrent(pool, url)) return []
    for (const schema of [BOOKKEEPING_SCHEMA, QUEUE_SCHEMA]) await ensureSchema(pool, schema)
    const migrator = new Migrator({
      db: new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }),
      provider: sqlFiles,
      migrationTableSchema: BOOKKEEPING_SCHEMA,
    })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) {
      throw error instanceof Error ? error : new Error('migration failed', { cause: error })
    }
    return (results ?? []).map((result) => result.migrationName)
  } finally {
    await pool.end()
  }
}

/**
 * Checks the server, and returns whether exactly the migrations of this build are applied, in their
 * order. Then the migrator has nothing to do; it would take a fifth of the start to find that out, since
 * it reads the whole catalog twice. They are applied in one transaction: nobody sees half of them.
 */
const isCurrent = async (pool: pg.Pool, url: Secret): Promise<boolean> => {
  const client = await pool.connect()
  try {
    await refuseOldServer(client)
    await refuseTransactionPooler(client, url)
    const { rows } = await client.query<{ exists: boolean }>(
      `select to_regclass('${BOOKKEEPING_SCHEMA}.kysely_migration') is not null
         and to_regnamespace('${QUEUE_SCHEMA}') is not null as exists`,
    )
    if (rows[0]?.exists !== true) return false
    const [applied, names] = await Promise.all([appliedMigrations(client), migrationNames()])
    return applied.length === names.length && applied.every((name, index) => name === names[index])
  } finally {
    client.release()
  }
}

/** In the order in which they were applied. */
const appliedMigrations = async (db: pg.Pool | pg.PoolClient): Promise<string[]> => {
  const { rows } = await db.query<{ name: string }>(
    `select name from ${BOOKKEEPING_SCHEMA}.kysely_migration order by timestamp, name`,
  )
  return rows.map((row) => row.name)
}

/** CREATE SCHEMA IF NOT EXISTS asks for CREATE on the database even where the schema exists. */
const ensureSchema = async (pool: pg.Pool, schema: string): Promise<void> => {
  await pool.query(
    `do $$ begin
       if not exists (select from pg_namespace where nspname = '${schema}') then
         create schema ${schema};
       end if;
     exception when duplicate_schema or unique_violation then null; -- another replica was faster
     end $$`,
  )
}

/** Names of the migrations in this build that the database does not have; empty when it is current. */
export const pendingMigrations = async (pool: pg.Pool): Promise<string[]> => {
  const applied = new Set(await appliedMigrations(pool))
  return (await migrationNames()).filter((name) => !applied.has(name))
}

const migrationNames = async (): Promise<string[]> =>
  (await readdir(MIGRATIONS))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort()

const sqlFiles: MigrationProvider = {
  getMigrations: async () => {
    const names = await migrationNames()
    return Object.fromEntries(
      names.map((name) => [
        name,
        {
          up: async (db: Kysely<unknown>) => {
            const text = await readFile(join(MIGRATIONS, `${name}.sql`), 'utf8')
            await sql.raw(text).execute(db)
          },
        },
      ]),
    )
  },
}

const OLDEST_SERVER = 150_000

const refuseOldServer = async (client: pg.PoolClient): Promise<void> => {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  const version = rows[0]?.version ?? 0
  if (version < OLDEST_SERVER) {
    throw new Error(
      `PostgreSQL 15 or later is needed; this server is ${Math.floor(version / 10_000)}.`,
    )
  }
}

/**
 * A transaction pooler hands each transaction to any server session: LISTEN and advisory locks,
 * which need a session of their own, would silently do nothing. It shows when a second connection
 * sits in a transaction on the session that the first one used last: what the first one had set is
 * gone, for it was given another session.
 */
const refuseTransactionPooler = async (first: pg.PoolClient, url: Secret): Promise<void> => {
  const second = new Connection({
    connectionString: url.reveal(),
    application_name: 'sfdc-engine-x start',
  })
  await second.connect()
  try {
    const mark = randomUUID()
    await first.query(`select set_config('app.session_mark', $1, false)`, [mark])
    await second.query('begin')
    await second.query('select 1')
    const { rows } = await first.query<{ mark: string | null }>(
      `select current_setting('app.session_mark', true) as mark`,
    )
    if (rows[0]?.mark !== mark) {
      throw new Error(
        'DATABASE_URL goes through a transaction pooler (PgBouncer or Supavisor in transaction ' +
          'mode). LISTEN and advisory locks need sessions: use the direct connection or the ' +
          'session pooler (Supabase: port 5432 instead of 6543).',
      )
    }
  } finally {
    await second.end()
  }
}
