// The server as one file, `dist/main-….cjs`, which scripts/server-file.ts makes of the modules here and of the
// packages. This module says whether it is still made of what is here now. JavaScript, as `start.js` is: both
// run before anything is compiled.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
export const DIST = join(ROOT, 'server/dist')
/** What the file in use is called, and what it was made of. Written last. */
export const MADE_OF = join(DIST, 'made-of.json')

/**
 * Of what these files, named from the root, are called and contain.
 *
 * @param {readonly string[]} files
 */
export const contentsOf = (files) => {
  const hash = createHash('sha256')
  for (const file of files) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 32)
}

/** @typedef {{ main: string; files: string[]; contents: string }} MadeOf */

/**
 * The path of the file; undefined if there is none, or a module or package has changed since. By content and
 * not by time, as a checkout or a copy sets times anew.
 */
export const builtServer = () => {
  try {
    const { main, files, contents } = /** @type {MadeOf} */ (
      JSON.parse(readFileSync(MADE_OF, 'utf8'))
    )
    return contentsOf(files) === contents ? join(DIST, main) : undefined
  } catch {
    return undefined // not built, or of files that are no longer there
  }
}
