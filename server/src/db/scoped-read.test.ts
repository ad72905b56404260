// A single select in a tenant's scope: what it sees, that it cannot write, and that nothing of the scope
// is left on its connection.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import pg from 'pg'
import { createDatabase, type TestDatabase } from '../../../test/src/database.ts'
import { Secret } from '../secret.ts'
import { openDatabase, wholeOrg, type Database, type Tenant } from './database.ts'
import { newId } from './ids.ts'
import { createScopedReads } from './scoped-read.ts'

let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await createDatabase()
  // One connection: what one read leaves behind, the next would see.
  db = openDatabase({
    url: new Secret(database.url),
    maxConnections: 1,
    onIdleError: () => undefined,
  })
})
afterAll(async () => {
  await db.close()
  await database[Symbol.asyncDispose]()
})

/** An org with two clients. */
const createOrg = async (name: string): Promise<{ tenant: Tenant; clientIds: string[] }> => {
  const orgId = newId()
  const clientIds = [newId(), newId()]
  await database.query('insert into organizations (id, name, slug) values ($1, $2, $3)', [
    orgId,
    name,
    orgId,
  ])
  for (const id of clientIds) {
    await database.query('insert into clients (id, org_id, name) values ($1, $2, $3)', [
      id,
      orgId,
      name,
    ])
  }
  return { tenant: wholeOrg(orgId), clientIds: clientIds.toSorted() }
}

/** Without naming the org: only the policies decide. */
const seenBy = async (tenant: Tenant): Promise<string[]> => {
  const rows = await db.as(tenant).read.selectFrom('clients').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

const stateOfConnection = async () => {
  const { rows } = await db.pool.query(
    `select coalesce(current_setting('app.org_id', true), '') as org,
            coalesce(current_setting('app.client_id', true), '') as client,
            current_user = session_user as is_login,
            current_setting('transaction_read_only') as read_only,
            current_setting('search_path') as search_path,
            current_setting('statement_timeout') as statement_timeout,
            pg_backend_pid() as pid`,
  )
  return rows[0] as Record<string, unknown>
}

describe('a read', () => {
  it('sees the rows of its tenant, whoever used the connection before', async () => {
    const [one, other] = [await createOrg('One'), await createOrg('Other')]
    for (let round = 0; round < 3; round++) {
      expect(await seenBy(one.tenant)).toEqual(one.clientIds)
      expect(await seenBy(other.tenant)).toEqual(other.clientIds)
      const company = { ...one.tenant, clientId: one.clientIds[0] ?? '' }
      expect(await seenBy(company)).toEqual([company.clientId])
      expect(await db.as(one.tenant).tx((tx) => tx.selectFrom('clients').execute())).toHaveLength(2)
    }
  })

  it('leaves nothing of its scope on the connection, after success and after an error', async () => {
    const { tenant } = await createOrg('Tidy')
    const before = await stateOfConnection()
    await seenBy(tenant)
    expect(await stateOfConnection()).toEqual(before)

    const broken = db
      .as(tenant)
      .read.selectFrom('clients')
      .select('nothing' as 'id')
    await expect(broken.execute()).rejects.toMatchObject({ code: '42703' })
    const { pid, ...after } = await stateOfConnection()
    expect(before).toMatchObject(after)
    expect(pid).not.toBe(before.pid) // after an error the connection is not used again
    expect(await seenBy(tenant)).toHaveLength(2)
  })

  it('refuses ids that are not UUIDs', () => {
    expect(() => db.as(wholeOrg(`' or true --`)).read).toThrow('must be UUIDs')
  })
})

describe('the scope', () => {
  const inScope = async (scope: string, select: string): Promise<unknown[]> => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    try {
      return await createScopedReads()(client, { text: scope, values: [] }, { text: select })
    } finally {
      await client.end()
    }
  }

  it('that cannot be set lets nothing run behind it', async () => {
    await database.query('create sequence ran')
    await expect(
      inScope(
        `select where set_config('role', 'nobody_of_this_name', true) is null`,
        `select nextval('ran')`,
      ),
    ).rejects.toMatchObject({ code: '22023' })
    expect(await database.query('select is_called from ran')).toEqual([{ is_called: false }])
  })

  it('holds for the select, which runs in the same transaction, and cannot write', async () => {
    const scope = `select where concat(set_config('app.org_id', 'mine', true),
      set_config('transaction_read_only', 'on', true)) is null`
    expect(await inScope(scope, `select current_setting('app.org_id') as org`)).toEqual([
      { org: 'mine' },
    ])
    await expect(inScope(scope, 'create table written ()')).rejects.toMatchObject({ code: '25006' })
  })
})
