// `npm start` runs the server as one file. Nobody must notice: it is never of yesterday's sources, and what
// goes wrong in it is told in lines of the sources.

import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtServer } from '../../server/src/built.js'
import { freePort, startServer } from './server-process.ts'

const ROOT = join(import.meta.dirname, '../..')
const BUILT = /^loaded \S+\/server\/dist\/main-\w+\.cjs$/
const MINUTES_MS = 120_000

/** A checkout, elsewhere. */
let checkout: string

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'checkout-'))
  mkdirSync(join(checkout, 'server'))
  for (const part of ['package.json', 'server/package.json', 'server/src', 'scripts']) {
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

it('says where something went wrong in lines of the sources', async () => {
  expect(builtServer(), 'servers of tests run from it').toBeDefined()
  const DATABASE_URL = `postgres://nobody@127.0.0.1:${await freePort()}/nothing`
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
