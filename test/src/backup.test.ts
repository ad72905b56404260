// Backup and restore as docs/operations/backup.md tells them, into an empty server, with work that had not
// ended. With the real pg_dump and pg_restore where PostgreSQL is installed with all its programs; and
// everywhere with what pg_dump does as the backup role: it reads all tables in one transaction that refuses
// to be shown fewer rows by row-level security.

import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { apiOf, type Api } from './api.ts'
import { createDatabase, databaseUrl, namePrefix } from './database.ts'
import { postgresPrograms, startLocalPostgres, type LocalPostgres } from './local-postgres.ts'
import {
  createOrg,
  environmentOf,
  startWorld,
  type SimulatedWorld,
  type TestClient,
  type TestOrg,
} from './rig.ts'
import { startServer, SUPER_ADMIN_SECRET } from './server-process.ts'
import { until } from './until.ts'

const BACKUP_PAGE = join(import.meta.dirname, '../../docs/operations/backup.md')
const PLAN = {
  objects: [
    { api_name: 'Lead', fields: [{ api_name: 'Saved__c', label: 'Saved', type: 'Checkbox' }] },
  ],
}

let world: SimulatedWorld
beforeAll(async () => {
  world = await startWorld(true)
})
afterAll(() => world.close())

/** One connection for some statements. */
const connected = async <T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return use(client).finally(() => client.end())
}

const asLogin = (url: string, user: string, password: string): string => {
  const changed = new URL(url)
  changed.username = user
  changed.password = password
  return changed.href
}

/** The statements of the page under this heading, with our passwords. */
const statements = async (heading: string, password = ''): Promise<string> => {
  const page = await readFile(BACKUP_PAGE, 'utf8')
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const text = /```sql\n([\s\S]*?)```/.exec(section)?.[1] ?? ''
  expect(text, heading).not.toBe('')
  return text.replaceAll("'…'", `'${password}'`)
}

/** The rows of every table as the page counts them: psql's `\gexec` runs what a query returns. */
const countsIn = async (url: string): Promise<Record<string, number>> => {
  const [query = '', after] = (await statements('Restore')).split('\\gexec')
  expect(after).toBe('\n')
  return connected(url, async (client) => {
    const { rows: made } = await client.query<{ format: string }>(query)
    const counts: Record<string, number> = {}
    for (const { format } of made) {
      const { rows } = await client.query<{ name: string; rows: string }>(format)
      for (const { name, rows: count } of rows) counts[name] = Number(count)
    }
    return counts
  })
}

/** Runs `use` on a server at this database; it is stopped before this returns. */
const withServer = async <T>(
  url: string,
  use: (serverUrl: string) => Promise<T>,
  environment: Record<string, string> = {},
): Promise<T> => {
  await using server = await startServer({
    DATABASE_URL: url,
    ...environmentOf(world),
    ...environment,
  })
  return await use(server.url)
}

const PAUSED = { WORK_PAUSED: 'true' }

interface Accepted {
  id: string
  status: string
}

/** What is in the backup: a deployment that has ended, another one and a pull that have not begun. */
interface Saved {
  org: TestOrg
  clientId: string
  deployed: string
  openDeploy: string
  openPull: { client_id: string; snapshot_id: string; include: never[] }
}

const connectedClient = async (org: TestOrg, salesforceOrg: string): Promise<TestClient> => {
  const client = await org.client()
  await client.connect(salesforceOrg)
  await client.pull()
  return client
}

const deploy = async (api: Api, clientId: string, wait: number): Promise<Accepted> =>
  (
    await api.post<Accepted>('/api/deploy/custom-objects', {
      client_id: clientId,
      plan: PLAN,
      wait_seconds: wait,
    })
  ).body

/** Ends with the server stopped: nothing changes any more. */
const work = async (url: string): Promise<Saved> => {
  const [first = '', second = ''] = world.orgs.map(({ name }) => name)
  const { org, clientId, deployed, waits } = await withServer(url, async (serverUrl) => {
    const api = apiOf(serverUrl)
    const org = await createOrg(api.as(SUPER_ADMIN_SECRET), api, world)
    const [client, waits] = [await connectedClient(org, first), await connectedClient(org, second)]
    const { id, status } = await deploy(org.api, client.id, 55)
    expect(status).toBe('deployed')
    return { org, clientId: client.id, deployed: id, waits }
  })
  return withServer(
    url,
    async (serverUrl) => {
      const api = apiOf(serverUrl, org.token)
      const openDeploy = await deploy(api, waits.id, 0)
      const openPull = await api.post<Accepted>('/api/topology/pull', {
        client_id: waits.id,
        wait_seconds: 0,
      })
      return {
        org,
        clientId,
        deployed,
        openDeploy: openDeploy.id,
        openPull: { client_id: waits.id, snapshot_id: openPull.body.id, include: [] },
      }
    },
    PAUSED,
  )
}

/** Longer than the sweep takes to find work without a job. */
const SWEPT_SECONDS = 6

/** What the page says about a restored database with open work, step by step. */
const goesOn = async (url: string, saved: Saved): Promise<void> => {
  const { org, clientId, deployed, openDeploy, openPull } = saved
  await withServer(
    url,
    async (serverUrl) => {
      const api = apiOf(serverUrl, org.token)
      const listed = await statements('Open work')
      const open = await connected(
        url,
        async (client) => (await client.query<{ id: string }>(listed)).rows,
      )
      expect(open).toMatchObject([{ id: openDeploy, kind: 'deploy', what: 'not sent' }])
      const check = { client_id: clientId, plan: PLAN, wait_seconds: SWEPT_SECONDS }
      expect(await api.post('/api/conflicts/check', check)).toMatchObject({ status: 202 })
      const pull = await api.post('/api/topology/get', openPull)
      expect(pull.body).toMatchObject({ status: 'pulling' })
      await api.post('/api/deploy/cancel', { deployment_id: openDeploy })
    },
    PAUSED,
  )
  await withServer(url, async (serverUrl) => {
    const api = apiOf(serverUrl, org.token)
    const ended = (path: string, body: object) =>
      until(`${path} shows the end`, async () => {
        const answer = await api.post<Accepted>(path, body)
        return ['pending', 'pulling'].includes(answer.body.status) ? null : answer.body
      })
    expect(await ended('/api/deploy/status', { deployment_id: openDeploy })).toMatchObject({
      status: 'failed',
      error: { code: 'cancelled' },
    })
    expect(await ended('/api/topology/get', openPull)).toMatchObject({
      status: 'complete',
    })
    const rolledBack = await api.post('/api/deploy/rollback', {
      deployment_id: deployed,
      wait_seconds: 55,
    })
    expect(rolledBack).toMatchObject({
      status: 200,
      body: { status: 'rolled_back', rollback: { status: 'complete', proof: { complete: true } } },
    })
  })
}

const programs = postgresPrograms()

describe.skipIf(programs === null)('a backup with pg_dump', () => {
  const password = randomBytes(12).toString('hex')
  let folder = ''
  let source: LocalPostgres
  let target: LocalPostgres
  let saved: Saved

  const admin = (server: LocalPostgres) => databaseUrl(server.url, 'sfdc_engine')
  const owner = (server: LocalPostgres) => asLogin(admin(server), 'sfdc_engine_owner', password)
  /** One by one: a database is not created within the transaction of several. */
  const prepare = (server: LocalPostgres) =>
    connected(server.url, async (client) => {
      for (const one of (await statements('An empty server', password)).split(/;\n/)) {
        await client.query(one)
      }
    })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backup-'))
    source = await startLocalPostgres(programs ?? '')
    target = await startLocalPostgres(programs ?? '')
    for (const server of [source, target]) await prepare(server)
    await connected(source.url, async (client) =>
      client.query(await statements('The backup role', password)),
    )
    saved = await work(owner(source))
  })
  afterAll(async () => {
    await source[Symbol.asyncDispose]()
    await target[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  const dump = async (url: string, ...options: string[]): Promise<string> => {
    const file = join(folder, randomUUID())
    await source.program('pg_dump', [
      '--format=custom',
      ...options,
      `--file=${file}`,
      `--dbname=${url}`,
    ])
    return file
  }
  const restore = (file: string, url: string, ...options: string[]) =>
    target.program('pg_restore', [
      '--exit-on-error',
      '--single-transaction',
      ...options,
      `--dbname=${url}`,
      file,
    ])

  it('is refused to the owner, whom row-level security binds', async () => {
    await expect(dump(owner(source))).rejects.toThrow(/row-level security/)
  })

  it('of the backup role is restored into an empty server, where open work is looked at first and a deployment is rolled back', async () => {
    await restore(await dump(asLogin(admin(source), 'sfdc_engine_backup', password)), admin(target))
    expect(await countsIn(admin(target))).toEqual(await countsIn(admin(source)))
    await goesOn(owner(target), saved)
  })

  it('of the owner with --enable-row-security has the same rows, and needs no administrator', async () => {
    const database = 'of_the_owner'
    await connected(target.url, (client) =>
      client.query(`create database ${database} owner sfdc_engine_owner`),
    )
    const file = await dump(owner(source), '--enable-row-security')
    await restore(file, databaseUrl(owner(target), database), '--no-owner')
    expect(await countsIn(databaseUrl(target.url, database))).toEqual(await countsIn(admin(source)))
  })
})

describe('what pg_dump does as the backup role', () => {
  const password = randomBytes(12).toString('hex')
  const role = `login_${namePrefix()}backup`
  const superuser = inject('superuserUrl')

  /** The same database as the server's administrator. */
  const asAdmin = (url: string) => databaseUrl(superuser, new URL(url).pathname.slice(1))

  const tablesIn = async (client: pg.Client): Promise<string[]> => {
    const { rows } = await client.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and n.nspname in ('public', 'engine', 'pgboss') order by 1`,
    )
    return rows.map(({ name }) => name)
  }

  /** The tables of single days of the queue's statistics: each server makes those of its own days. */
  const daysIn = async (client: pg.Client): Promise<Map<string, string>> => {
    const { rows } = await client.query<{ name: string; bounds: string }>(
      `select oid::regclass::text as name, pg_get_expr(relpartbound, oid) as bounds from pg_class
          join pg_inherits on inhrelid = oid where inhparent = 'pgboss.queue_stats'::regclass`,
    )
    return new Map(rows.map(({ name, bounds }) => [name, bounds]))
  }
  /** A day before this one, as an installation has that was not started today. */
  const addEarlierDay = (url: string) =>
    connected(url, async (client) => {
      const now = Date.now()
      const [day = '', next = ''] = [2, 1].map((daysAgo) =>
        new Date(now - daysAgo * 86_400_000).toISOString().slice(0, 10),
      )
      await client.query(
        `create table if not exists pgboss.queue_stats_${day.replaceAll('-', '')}
           partition of pgboss.queue_stats for values from ('${day} 00:00:00+00') to ('${next} 00:00:00+00')`,
      )
    })

  beforeAll(async () => {
    const text = (await statements('The backup role', password)).replaceAll(
      'sfdc_engine_backup',
      role,
    )
    await connected(superuser, (client) => client.query(text))
  })
  afterAll(() =>
    connected(superuser, async (client) => {
      await client.query(`drop owned by ${role}`)
      await client.query(`drop role ${role}`)
    }),
  )

  it('reads every row and writes none; restored, open work is looked at first and a deployment is rolled back', async () => {
    await using source = await createDatabase()
    await using target = await createDatabase({ empty: true })
    const saved = await work(source.url)
    await addEarlierDay(source.url)
    await withServer(target.url, () => Promise.resolve(), PAUSED) // creates all tables
    await connected(asLogin(source.url, role, password), async (from) => {
      await from.query('begin isolation level repeatable read')
      // As pg_dump does: a query that a policy would shorten fails.
      await from.query('set local row_security = off')
      await connected(asAdmin(target.url), async (to) => {
        // As pg_restore does: triggers and foreign keys come after the rows.
        await to.query('set session_replication_role = replica')
        for (const day of (await daysIn(to)).keys()) await to.query(`drop table ${day}`)
        for (const [day, bounds] of await daysIn(from)) {
          await to.query(`create table ${day} partition of pgboss.queue_stats ${bounds}`)
        }
        for (const table of await tablesIn(to)) await to.query(`delete from ${table}`)
        for (const table of await tablesIn(from)) {
          const { rows } = await from.query<{ body: string }>(
            `select coalesce(jsonb_agg(t), '[]')::text as body from ${table} t`,
          )
          await to.query(
            `insert into ${table} overriding system value
               select * from jsonb_populate_recordset(null::${table}, $1::jsonb)`,
            [rows[0]?.body],
          )
        }
      })
      await expect(from.query('delete from public.clients')).rejects.toThrow(/read-only|denied/)
    })
    expect(await countsIn(asAdmin(target.url))).toEqual(await countsIn(asAdmin(source.url)))
    await goesOn(target.url, saved)
  })
})
