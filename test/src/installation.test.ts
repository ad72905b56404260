// Starting on databases as they occur in practice: prepared by an administrator, migrated by hand,
// shared by replicas that start at the same moment.

import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { createDatabase, databaseUrl, namePrefix } from './database.ts'
import { apiOf } from './api.ts'
import { JWT_SECRET, startServer, SUPER_ADMIN_SECRET } from './server-process.ts'
import { until } from './until.ts'

const ROOT = join(import.meta.dirname, '../..')
const MIGRATIONS = join(ROOT, 'migrations')
const files = () =>
  readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
    .map((name) => readFileSync(join(MIGRATIONS, name), 'utf8'))

const ready = async (url: string) => (await fetch(`${url}/ready`)).status

describe('the server', () => {
  it('migrates an empty database once, however many replicas start at the same moment', async () => {
    await using database = await createDatabase({ empty: true })
    const servers = await Promise.all(
      Array.from({ length: 3 }, () => startServer({ DATABASE_URL: database.url })),
    )
    try {
      for (const server of servers) expect(await ready(server.url)).toBe(200)
      const applied = await database.query<{ name: string }>(
        'select name from engine.kysely_migration',
      )
      expect(applied.length).toBe(files().length)
      const told = servers.filter((server) =>
        server.lines.some((line) => line.includes('"applied"')),
      )
      expect(told.length, 'one of them did it').toBe(1)
    } finally {
      await Promise.all(servers.map((server) => server.terminate()))
    }
  })

  it('accepts a database that was migrated by hand, and migrations that run twice change nothing', async () => {
    await using database = await createDatabase({ empty: true })
    for (const _ of [1, 2]) for (const text of files()) await database.query(text)
    const server = await startServer({ DATABASE_URL: database.url })
    expect(await ready(server.url)).toBe(200)
    await server.terminate()
  })

  it('works for a login that owns prepared schemas and may create nothing else', async () => {
    const superuser = new pg.Client({ connectionString: inject('superuserUrl') })
    await superuser.connect()
    const name = `${namePrefix()}${randomBytes(6).toString('hex')}`
    const login = `login_${name}`
    await superuser.query(`create role ${login} login nocreatedb nocreaterole password 'secret'`)
    await superuser.query(`grant sfdc_engine_runtime to ${login}`)
    await superuser.query(`create database ${name}`)
    const prepare = new pg.Client({ connectionString: databaseUrl(inject('superuserUrl'), name) })
    await prepare.connect()
    // Word for word from docs/deployment.md.
    for (const schema of ['engine', 'engine_lookup', 'pgboss']) {
      await prepare.query(`create schema ${schema} authorization ${login}`)
    }
    await prepare.query(`grant usage, create on schema public to ${login}`)
    await prepare.query('grant usage on schema public to sfdc_engine_runtime')
    await prepare.end()

    const url = new URL(databaseUrl(inject('superuserUrl'), name))
    url.username = login
    url.password = 'secret'
    const server = await startServer({ DATABASE_URL: url.href })
    expect(await ready(server.url)).toBe(200)
    await server.terminate()
    await superuser.query(`drop database ${name} with (force)`)
    await superuser.query(`drop role ${login}`)
    await superuser.end()
  })

  it('takes a second login that becomes the owner, while the password of the first is changed', async () => {
    await using database = await createDatabase({ empty: true })
    const login = `login_${namePrefix()}${randomBytes(6).toString('hex')}`
    const page = readFileSync(join(MIGRATIONS, '../docs/operations/secrets.md'), 'utf8')
    const documented = /```sql\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    const superuser = new pg.Client({ connectionString: inject('superuserUrl') })
    await superuser.connect()
    await superuser.query(
      documented
        .replaceAll("'…'", "'secret'")
        .replaceAll('sfdc_engine_owner_2', login)
        .replaceAll('sfdc_engine_owner', new URL(database.url).username),
    )
    try {
      const url = new URL(database.url)
      url.username = login
      url.password = 'secret'
      for (const current of [url.href, database.url]) {
        const server = await startServer({ DATABASE_URL: current })
        expect(await ready(server.url)).toBe(200)
        const org = await apiOf(server.url, SUPER_ADMIN_SECRET).post('/api/super-admin/orgs', {
          name: 'Acme',
        })
        expect(org.status).toBe(201)
        await server.terminate()
      }
      const owners = await database.query<{ owner: string }>(
        `select distinct tableowner as owner from pg_tables where schemaname in ('public', 'engine', 'pgboss')`,
      )
      expect(owners).toEqual([{ owner: new URL(database.url).username }])
    } finally {
      await superuser.query(`drop role ${login}`)
      await superuser.end()
    }
  })

  it('runs tenants’ statements over a login that owns nothing, where it is given one', async () => {
    const superuser = new pg.Client({ connectionString: inject('superuserUrl') })
    await superuser.connect()
    await using database = await createDatabase()
    const login = `login_${namePrefix()}${randomBytes(6).toString('hex')}`
    await superuser.query(`create role ${login} login password 'secret'`)
    try {
      await superuser.query(`grant sfdc_engine_runtime to ${login}`)
      const tenantUrl = new URL(database.url)
      tenantUrl.username = login
      tenantUrl.password = 'secret'
      const server = await startServer({
        DATABASE_URL: database.url,
        TENANT_DATABASE_URL: tenantUrl.href,
      })
      const org = await apiOf(server.url, SUPER_ADMIN_SECRET).post('/api/super-admin/orgs', {
        name: 'Acme',
      })
      expect(org.status).toBe(201)
      expect(await ready(server.url)).toBe(200)
      const [used] = await database.query<{ count: number }>(
        'select count(*)::int as count from pg_stat_activity where usename = $1',
        [login],
      )
      expect(used?.count).toBeGreaterThan(0)
      await server.terminate()

      await using other = await createDatabase()
      const astray = await startServer({
        DATABASE_URL: other.url,
        TENANT_DATABASE_URL: tenantUrl.href,
      })
      expect(await ready(astray.url), 'they are two databases').toBe(503)
      await astray.terminate()

      const client = new pg.Client({ connectionString: tenantUrl.href })
      await client.connect()
      await client.query('reset role')
      expect((await client.query('select * from public.organizations')).rows).toEqual([])
      for (const beyond of ['select engine_lookup.open_work()', 'select * from pgboss.job']) {
        await expect(client.query(beyond), beyond).rejects.toThrow(/permission denied/)
      }
      await client.end()
    } finally {
      await superuser.query(`drop role ${login}`)
      await superuser.end()
    }
  })

  it('says what is wrong with its settings, all of it, and does not start', async () => {
    await expect(
      startServer({ DATABASE_URL: 'mysql://x', JWT_SECRET: 'short', LOG_LEVEL: 'loud' }),
    ).rejects.toThrow(/DATABASE_URL[\s\S]*JWT_SECRET[\s\S]*LOG_LEVEL/)
  })
})

describe('the functions', () => {
  it('that forbid a kind of plan forbid just-in-time compilation, which its estimated cost would start', async () => {
    await using database = await createDatabase()
    const found = await database.query<{ name: string; settings: string[] }>(
      `select oid::regprocedure::text as name, proconfig as settings from pg_proc
        where exists (select from unnest(proconfig) s where s like 'enable\\_%=off')`,
    )
    expect(found.length).toBeGreaterThan(0)
    for (const { name, settings } of found) expect(settings, name).toContain('jit=off')
  })
})

describe('npm start', () => {
  it('passes SIGTERM on, so that the server ends in order and no process stays', async () => {
    await using database = await createDatabase()
    const child = spawn('npm', ['start', '--ignore-scripts', '--prefix', ROOT], {
      detached: true, // a process group of its own
      env: {
        ...{ PATH: process.env.PATH ?? '', PORT: '0', HOST: '127.0.0.1', NODE_ENV: 'test' },
        ...{ DATABASE_URL: database.url, NANGO_SECRET_KEY: '3f1a7c1e-8a53-4d5e-9d37-0e4c6f6d2b11' },
        ...{ JWT_SECRET, SUPER_ADMIN_JWT_SECRET: SUPER_ADMIN_SECRET },
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const group = -(child.pid ?? 0)
    const ended = once(child, 'exit')
    try {
      const lines: string[] = []
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
      await until('it listens', () => lines.some((line) => line.includes('"listening"')))
      child.kill('SIGTERM')
      await ended
      expect(() => process.kill(group, 0), 'nothing is left').toThrow('ESRCH')
    } finally {
      try {
        process.kill(group, 'SIGKILL')
      } catch {
        // it has ended
      }
    }
  })
})

describe('the image', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8')
  const commands = [...dockerfile.matchAll(/node (?<options>(?:--\S+ )*)server\/src\/start\.js/g)]

  it('compiles with the V8 options of its start, since compiled code is valid for those only', () => {
    expect(commands.length, 'one compiles, two start').toBe(3)
    expect(new Set(commands.map(({ groups }) => groups?.options)).size).toBe(1)
  })

  it('has the settings of the allocator that npm start has', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: { start: string }
    }
    const settings = scripts.start.split(' exec ')[0] ?? ''
    expect(settings).toMatch(/^MALLOC_/)
    expect(dockerfile).toContain(`ENV ${settings}\n`)
  })

  it('can load the whole server without a setting, and ends', () => {
    const start = join(import.meta.dirname, '../../server/src/start.js')
    const options = commands[0]?.groups?.options?.trim().split(' ') ?? []
    const ended = spawnSync(process.execPath, [...options, start, '--load-only'], { env: {} })
    expect({ status: ended.status, output: String(ended.stderr) }).toEqual({
      status: 0,
      output: '',
    })
  })
})
