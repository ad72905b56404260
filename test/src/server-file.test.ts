// `npm start` runs the server as one file. Nobody must notice: it is never of yesterday's sources, and what
// goes wrong in it is told in lines of the sources.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtServer } from '../../server/src/built.js'
import { lastingPort } from '../../simulator/src/saved/ports.ts'
import { JWT_SECRET, startServer, SUPER_ADMIN_SECRET } from './server-process.ts'

const ROOT = join(import.meta.dirname, '../..')
const BUILT = /^loaded \S+\/server\/dist\/main-[\w-]+\.cjs$/
const MINUTES_MS = 120_000

/** A checkout, elsewhere. */
let checkout: string

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'checkout-'))
  chmodSync(checkout, 0o755) // PostgreSQL runs as another user when we are root
  mkdirSync(join(checkout, 'server'))
  for (const part of [
    'package.json',
    'server/package.json',
    'server/src',
    'migrations',
    'scripts',
  ]) {
    cpSync(join(ROOT, part), join(checkout, part), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))
})
afterAll(() => rmSync(checkout, { recursive: true }))

const run = (file: string, ...options: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(checkout, file), ...options],
    {
      env: { NODE_COMPILE_CACHE: join(checkout, 'compiled') },
      encoding: 'utf8',
    },
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.trim()
}
const load = (...options: string[]) => run('server/src/start.js', '--load-only', ...options)
const build = () => run('scripts/server-file.ts')

it(
  'is what a start takes, but for development, and until a module or a package has changed',
  () => {
    expect(load(), 'not built').toBe('loaded the modules')
    build()
    expect(load()).toMatch(BUILT)
    const { files } = JSON.parse(
      readFileSync(join(checkout, 'server/dist/made-of.json'), 'utf8'),
    ) as { files: string[] }
    expect(files, 'packages tell their version there').toContainEqual(
      expect.stringMatching(/node_modules\/fastify\/package\.json$/),
    )
    expect(load('--from-sources')).toBe('loaded the modules')

    appendFileSync(join(checkout, 'server/src/text.ts'), '\nexport const more = 1\n')
    expect(load(), 'a module has changed').toBe('loaded the modules')
    build()
    expect(load()).toMatch(BUILT)
  },
  MINUTES_MS,
)

it(
  'starts the database from npm, and ends after it',
  async () => {
    if (builtServer() === undefined) throw new Error('not built')
    cpSync(join(ROOT, 'server/dist'), join(checkout, 'server/dist'), { recursive: true })
    const child = spawn(process.execPath, [join(checkout, 'server/src/start.js')], {
      env: {
        PORT: '0',
        NANGO_SECRET_KEY: '3f1a7c1e-8a53-4d5e-9d37-0e4c6f6d2b11',
        NODE_COMPILE_CACHE: join(checkout, 'compiled'),
        ...{ JWT_SECRET, SUPER_ADMIN_JWT_SECRET: SUPER_ADMIN_SECRET },
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'close')
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line)
      if (line.includes('"listening"')) child.kill('SIGTERM')
    }
    expect(await ended).toEqual([0, null])
    expect(lines.join('\n')).toMatch(/"database":"embedded"[\s\S]*"stopped"/)
    expect(existsSync(join(checkout, '.data/postgres/postmaster.pid')), 'it has ended').toBe(false)
  },
  MINUTES_MS,
)

it('says where something went wrong in lines of the sources', async () => {
  expect(builtServer(), 'servers of tests run from it').toBeDefined()
  const DATABASE_URL = `postgres://nobody@127.0.0.1:${await lastingPort()}/nothing`
  const said = await startServer({ DATABASE_URL }).then(
    () => '',
    (error: unknown) => String(error),
  )
  const places = [...said.matchAll(/at async (\w+) \((\S+\/server\/src\/\S+\.ts):(\d+)\)/g)]
  const told = places.map(([, name, path = '', line]) => {
    return { name, text: readFileSync(path, 'utf8').split('\n')[Number(line) - 1] }
  })
  expect(told).toContainEqual({
    name: 'createEngine',
    text: '  const applied = await migrate(databaseUrl)',
  })
  expect(said).not.toContain('/server/dist/')
})
