// Each file must clean up: a child process, a listening socket, an open handle, a database or a login
// that remains fails the file that left it.

import pg from 'pg'
import { afterAll, inject } from 'vitest'
import { namePrefix } from './database.ts'
import { until } from './until.ts'

/** What keeps this process alive, by kind. */
const held = (): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

/** The runner's own timer for what it runs: a file, or the hook below. */
const OF_THE_RUNNER: Readonly<Record<string, number>> = { Timeout: 1 }
/** Handles close a moment after the call that closes them. */
const CLOSING_MS = 10_000

// Node opens its input and outputs when they are first named, which a module may do just by being loaded.
for (const { fd } of [process.stdin, process.stdout, process.stderr]) fd.valueOf()
const heldBefore = held()

const leftOpen = (): string[] =>
  [...held()].flatMap(([kind, count]) => {
    const more = count - Math.max(heldBefore.get(kind) ?? 0, OF_THE_RUNNER[kind] ?? 0)
    return more > 0 ? [`${more} ${kind}`] : []
  })

const leftInPostgres = async (): Promise<string[]> => {
  const client = new pg.Client({ connectionString: inject('superuserUrl') })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_database where starts_with(datname, $1)
       union all select rolname from pg_roles where starts_with(rolname, 'login_' || $1)`,
      [namePrefix()],
    )
    return rows.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

// Set up before the file's own hooks, and so called after them.
afterAll(async () => {
  const databases = await leftInPostgres()
  if (databases.length > 0) throw new Error(`left behind in PostgreSQL: ${databases.join(', ')}`)
  await until('all is closed', () => leftOpen().length === 0, CLOSING_MS).catch(() => {
    throw new Error(`left open: ${leftOpen().join(', ')}`)
  })
})
