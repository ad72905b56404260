import pg from 'pg'
import { expect, it } from 'vitest'
import { createDatabase } from '../../../test/src/database.ts'
import { Connection } from './client.ts'

it('a connection that is cut while it is in use ends no process, and the pool goes on', async () => {
  await using database = await createDatabase()
  const pool = new pg.Pool({ connectionString: database.url, max: 1, Client: Connection })
  try {
    const client = await pool.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const gone = new Promise((resolve) => client.once('end', resolve))
    await database.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await gone // without a listener, the process would have ended by now
    client.release(true)
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  } finally {
    await pool.end()
  }
})
