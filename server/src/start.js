// The first step of the process. Reading, stripping and compiling the server's modules is half of the work
// of a start, so a start keeps what it compiled, and the next one takes it from there. JavaScript, and
// nothing else imported here: what runs before the cache is open is compiled each time, and TypeScript
// would load Node's stripper for it (20 MB).

import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'

/**
 * Beside the packages, and so written by nobody who could not change the code itself (the default is a
 * folder under /tmp). NODE_COMPILE_CACHE names a different one. If it cannot be written, the start just
 * takes longer.
 */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/compiled')

/** The first version of Node whose V8 knows the flag below; older ones would complain. */
const KNOWS_GLOBAL_LIMIT = 24

// V8 collects the whole heap after every 64 MB of buffers outside of it, however small the heap. Answers
// and snapshots are such buffers: reading one of 28 MB took three collections, half of its time. With
// this, they count like the heap itself, and the memory in use stays the same.
if (Number.parseInt(process.versions.node, 10) >= KNOWS_GLOBAL_LIMIT) {
  setFlagsFromString('--external-memory-accounted-in-global-limit')
}
enableCompileCache(COMPILED)
await import('./main.ts')
