// The first step of the process. Reading, stripping and compiling the server's modules is half of the work
// of a start, so a start keeps what it compiled, and the next one takes it from there. JavaScript, and
// nothing else imported here: what runs before the cache is open is compiled each time, and TypeScript
// would load Node's stripper for it (20 MB).

import { createRequire, enableCompileCache, flushCompileCache, registerHooks } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { builtServer } from './built.js'

/**
 * Beside the packages, and so written by nobody who could not change the code itself (the default is a
 * folder under /tmp). NODE_COMPILE_CACHE names a different one. If it cannot be written, the start just
 * takes longer.
 */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/compiled')

/** The first version of Node whose V8 knows the flag below; older ones would complain. */
const KNOWS_GLOBAL_LIMIT = 24

/** Modules whose compiled code is in memory at once. */
const MODULES_AT_ONCE = 60

/** For the build of an image: compiles everything that a start loads, says what that was, and ends. */
const LOAD_ONLY = '--load-only'
/** For development: the modules as they are, also if they are what the one file was made of. */
const FROM_SOURCES = '--from-sources'

// V8 collects the whole heap after every 64 MB of buffers outside of it, however small the heap. Answers
// and snapshots are such buffers: reading one of 28 MB took three collections, half of its time. With
// this, they count like the heap itself, and the memory in use stays the same.
if (Number.parseInt(process.versions.node, 10) >= KNOWS_GLOBAL_LIMIT) {
  setFlagsFromString('--external-memory-accounted-in-global-limit')
}
// Nearly everything that a start allocates stays, so V8 would let its young generation grow to the largest
// size that is allowed, all of it resident (13 MB) and of no use before there are requests.
setFlagsFromString('--semi-space-growth-factor=1')

// After the flags, since compiled code is valid for them only.
enableCompileCache(COMPILED)

/** @typedef {typeof import('./main.ts')} Main */

/**
 * The server as one file: 18 MB less, and half of the work of a start.
 *
 * @param {string} path
 */
const loadBuilt = (path) => /** @type {Main} */ (createRequire(import.meta.url)(path))

const loadSources = async () => {
  // Node keeps the compiled code of each module beside V8's own copy until it writes the cache (7 MB, and as
  // much again in the gaps between). Written often, little is there at any time.
  let modules = 0
  const loading = registerHooks({
    load: (url, context, next) => {
      modules += 1
      if (modules % MODULES_AT_ONCE === 0) flushCompileCache()
      return next(url, context)
    },
  })
  const loaded = await import('./main.ts')
  loading.deregister()
  return loaded
}

const built = process.argv.includes(FROM_SOURCES) ? undefined : builtServer()
const { main } = built === undefined ? await loadSources() : loadBuilt(built)
if (process.argv.includes(LOAD_ONLY)) {
  process.stdout.write(`loaded ${built ?? 'the modules'}\n`)
} else await main()

flushCompileCache()
setFlagsFromString('--semi-space-growth-factor=2') // V8's own
