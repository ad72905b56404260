// The baseline of authenticated reads: Fastify and pg with nothing around them. One lookup of the token,
// one select of the client in a transaction with the tenant's scope.

import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL ?? '', max: 20 })
const app = Fastify()

app.post('/api/clients/get', async (request) => {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
  const hash = createHash('sha256').update(token).digest()
  const { rows } = await pool.query<{ org_id: string }>(
    'select * from engine_lookup.api_token($1)',
    [hash],
  )
  const orgId = rows[0]?.org_id ?? ''
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(
      `select set_config('app.org_id', $1, true), set_config('role', 'sfdc_engine_runtime', true)`,
      [orgId],
    )
    const { client_id } = request.body as { client_id: string }
    const found = await client.query('select * from clients where org_id = $1 and id = $2', [
      orgId,
      client_id,
    ])
    await client.query('commit')
    return found.rows[0] as unknown
  } finally {
    client.release()
  }
})

const address = await app.listen({ port: 0, host: '127.0.0.1' })
process.stdout.write(`${JSON.stringify({ address })}\n`)
