// The first step of the process. Reading, stripping and compiling the server's modules is half of the work
// of a start, so a start keeps what it compiled, and the next one takes it from there. JavaScript, and
// nothing else imported here: what runs before the cache is open is compiled each time, and TypeScript
// would load Node's stripper for it (20 MB).

import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

/**
 * Beside the packages, and so written by nobody who could not change the code itself (the default is a
 * folder under /tmp). NODE_COMPILE_CACHE names a different one. If it cannot be written, the start just
 * takes longer.
 */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/compiled')

enableCompileCache(COMPILED)
await import('./main.ts')
