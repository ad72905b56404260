// Preloaded by the generator of types: it needs the compiler's JavaScript API, which TypeScript 7 does not
// have. The repository's own TypeScript is 7; the one that this workspace depends on is 6.

import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const url = pathToFileURL(createRequire(import.meta.url).resolve('typescript')).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'typescript' ? { url, shortCircuit: true } : next(specifier, context),
})
