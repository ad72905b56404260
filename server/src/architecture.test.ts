// The arrows between the folders, read from the imports:
// http → domain → { salesforce, nango, jobs, db }, and nothing points back.

import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSources } from '../../scripts/source-files.ts'

const SRC = import.meta.dirname
const ROOT = resolve(SRC, '../..')

const READ = new Map(
  [SRC, join(ROOT, 'simulator/src')].flatMap((folder) =>
    readSources(folder).map((source) => [join(folder, source.path), source] as const),
  ),
)

const sources = (folder: string): string[] =>
  [...READ.keys()].filter((file) => file.startsWith(`${folder}/`))

const importsOf = (file: string): string[] => READ.get(file)?.imports ?? []

const textOf = (file: string): string => READ.get(file)?.text ?? ''

/** Tests and their helpers (`testing/`) may import the simulator; shipped code may not. */
const isShipped = (file: string): boolean =>
  !/\.(test|d)\.ts$/.test(file) && !file.includes('/testing/')

/** Folder directly under server/src, or the file's own name for files at the top. */
const layerOf = (file: string): string => relative(SRC, file).split('/')[0] ?? ''

/** What each folder may import. Files at the top that everything may use are listed once. */
const EVERYBODY = [
  'errors.ts',
  'secret.ts',
  'retry.ts',
  'text.ts',
  'decimal.ts',
  'moments.ts',
  'exact-json.ts',
  'version.ts',
  'root.ts',
]
const MAY_IMPORT: Record<string, string[]> = {
  http: ['http', 'domain', 'db', 'tracing.ts'],
  domain: ['domain', 'salesforce', 'nango', 'webhooks', 'jobs', 'db'],
  salesforce: ['salesforce', 'undici.ts'],
  nango: ['nango', 'undici.ts'],
  webhooks: ['webhooks', 'undici.ts'],
  // Of the domain the types of answers and the canonical form; what it does goes through the API.
  mcp: ['mcp', 'domain'],
  jobs: ['jobs', 'db', 'background-faults.ts', 'tracing.ts'],
  db: ['db'],
}

/** The package, a part of it, or our own selection of its parts. */
const isUndici = (name: string): boolean => /(^|\/)undici(\.ts$|\/|$)/.test(name)

describe('the folders', () => {
  it('import in one direction only', () => {
    const wrong: string[] = []
    for (const file of sources(SRC).filter(isShipped)) {
      const allowed = MAY_IMPORT[layerOf(file)]
      if (allowed === undefined) continue
      for (const target of importsOf(file).filter((name) => name.startsWith('.'))) {
        const layer = layerOf(resolve(dirname(file), target))
        if (!allowed.includes(layer) && !EVERYBODY.includes(layer)) {
          wrong.push(`${relative(SRC, file)} imports ${target}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('keep HTTP out of the domain, and tables out of the gateways', () => {
    const uses = (folder: string, packages: RegExp) =>
      sources(join(SRC, folder))
        .filter(isShipped)
        .filter((file) => importsOf(file).some((name) => packages.test(name)))
        .map((file) => relative(SRC, file))
    expect(uses('domain', /^(fastify|@fastify\/)/)).toEqual([])
    expect(uses('salesforce', /^(pg|kysely|pg-boss|fastify)$/)).toEqual([])
    expect(uses('nango', /^(pg|kysely|pg-boss|fastify)$/)).toEqual([])
    expect(uses('http', /^(pg|kysely|undici|pg-boss)$/)).toEqual([])
  })

  it('let only the gateways open connections to the outside', () => {
    const callers = sources(SRC)
      .filter(isShipped)
      .filter((file) => importsOf(file).some(isUndici) || /\bfetch\(/.test(textOf(file)))
      .map(layerOf)
    expect(
      [...new Set(callers)].filter(
        (layer) => !['salesforce', 'nango', 'webhooks', 'undici.ts'].includes(layer),
      ),
    ).toEqual([])
  })

  it('keep the simulator and the server apart', () => {
    for (const file of sources(join(ROOT, 'simulator/src'))) {
      for (const target of importsOf(file)) {
        expect(target, relative(ROOT, file)).not.toMatch(/(^|\/)server\/|@sfdc-engine-x\/server/)
      }
    }
    for (const file of sources(SRC).filter(isShipped)) {
      for (const target of importsOf(file))
        expect(target, file).not.toMatch(/simulator|\/test\/|\/testing\//)
    }
  })

  it('ask for their own place nowhere, which differs in the one file of npm start', () => {
    const asking = sources(SRC)
      .filter((file) => isShipped(file) && /import\.meta|__dirname/.test(textOf(file)))
      .map((file) => relative(SRC, file))
    expect(asking).toEqual(['root.ts'])
  })

  it('read the environment in one place', () => {
    const readers = sources(SRC)
      .filter((file) => isShipped(file) && textOf(file).includes('process.env'))
      .map((file) => relative(SRC, file))
    expect(readers.toSorted()).toEqual(['main.ts', 'migrate.ts'])
  })
})
