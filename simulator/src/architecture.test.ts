// The arrows between the folders, read from the imports: each imports only what it builds on, and
// nothing of the server. scripts/structure.ts checks for import cycles across all folders.

import { describe, expect, it } from 'vitest'
import { importedSources, readSources, type SourceFile } from '../../scripts/source-files.ts'

const sources = readSources(import.meta.dirname)

/** Tests and their rigs (`testing/`) may import everything; the simulator itself may not. */
const isRun = ({ path }: SourceFile): boolean =>
  !path.endsWith('.test.ts') && !path.includes('testing/')

/** Folder directly under src, or the file's own name for files at the top. */
const roomOf = (path: string): string => path.split('/')[0] ?? ''

/** What each folder may import beside itself. */
const STANDS_ON: Record<string, string[]> = {
  formula: [],
  soql: [],
  org: [],
  'documented.ts': [],
  'refusals.ts': ['documented.ts'],
  records: ['formula', 'org', 'refusals.ts'],
  automation: ['formula', 'org', 'records'],
  salesforce: ['formula', 'soql', 'org', 'records', 'documented.ts', 'refusals.ts'],
  nango: [],
  receiver: [],
  seeds: ['org'],
  'world.ts': ['org', 'salesforce', 'nango', 'receiver', 'seeds'],
  control: ['org', 'records', 'automation', 'salesforce', 'receiver', 'seeds', 'world.ts'],
  saved: ['org', 'records', 'automation', 'salesforce', 'nango', 'world.ts'],
  'coverage.ts': [],
  'index.ts': [
    ...['org', 'automation', 'salesforce', 'nango', 'receiver', 'seeds', 'control', 'saved'],
    'world.ts',
  ],
  'main.ts': ['seeds', 'index.ts'],
}

describe('the rooms of the simulator', () => {
  it('are reached only from those that stand on them', () => {
    const wrong = sources.filter(isRun).flatMap((source) => {
      const room = roomOf(source.path)
      const allowed = STANDS_ON[room] ?? []
      return importedSources(source)
        .filter((target) => roomOf(target) !== room && !allowed.includes(roomOf(target)))
        .map((target) => `${source.path} imports ${target}`)
    })
    expect(wrong).toEqual([])
  })

  it('keep tests, and what they need, out of what runs', () => {
    const wrong = sources
      .filter(isRun)
      .filter(({ imports }) =>
        imports.some((target) => /testing\/|\.test\.ts$|^vitest$|jsforce/.test(target)),
      )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  it('know nothing of the server', () => {
    const wrong = sources.filter(({ imports }) =>
      imports.some((target) => /(^|\/)server\/|@sfdc-engine-x\/server/.test(target)),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  it('hold no state of their own: what is kept belongs to an org or to a world', () => {
    const wrong = sources
      .filter(isRun)
      .filter(({ text }) => /^(export )?(let|var) |^(export )?const \w+ = new WeakMap/m.test(text))
    expect(wrong.map(({ path }) => path)).toEqual([])
  })
})
