import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig, type HtmlTagDescriptor, type Plugin } from 'vite'

/** Packages that the first page needs. */
const REACT = /\/node_modules\/(react|react-dom|scheduler)\//
const BASE =
  /\/node_modules\/(use-sync-external-store|@tanstack\/(history|query-core|react-query|react-router|react-store|router-core|store))\//
/** Of these packages what only screens use: it comes with them. */
const OF_SCREENS =
  /\/(useInfiniteQuery|infiniteQueryObserver|useMutation|mutationObserver|useQueries|queriesObserver)\.js$/
const isBase = (id: string): boolean => BASE.test(id) && !OF_SCREENS.test(id)

/** What the first module needs, before all others. */
const AHEAD = /\/src\/(api\/ahead|screens\/board\/first)\.ts$|vite\/preload-helper/

/** Of ours: routes with what reads their addresses, signing in, and how errors are shown. */
const APP =
  /\/(src\/(ui\/(states|button|text|toast)\.tsx|api\/(session|problems|words|input-error)\.ts|app\/(failure|lazy|router|parents|params|period|theme)\.tsx?|screens\/[^/]+\/(route|address|filters|search)\.ts)|client\/src\/errors\.ts)$/

/** What most screens use; the rest, dialogs above all, comes when one of them has it. */
const WORK =
  /\/(src\/(ui\/(data-table|visible-rows|field|focus|layout|list|search-field|status)\.(tsx?|css)|api\/(engine|queries)\.ts|app\/(allowed|shell|href|navigation|client-frame|connection-lost|connection-state)\.(tsx?|css))|packages\/client\/src\/.*|node_modules\/@tanstack\/.*)$/

/**
 * Chromium then compiles the whole file beside the page while it comes in. Otherwise it would look at each function
 * twice, the second time when it is first called, and the page would stand still: a third of what its start took.
 * https://v8.dev/blog/explicit-compile-hints
 */
const COMPILE_AT_ONCE = '//# allFunctionsCalledOnLoad'

/** Of the files that are run before the board stands; the others are used in part. */
const isOfBoard = ({ name, facadeModuleId }: { name: string; facadeModuleId: string | null }) =>
  ['ahead', 'react', 'base', 'app', 'work', 'index', 'main'].includes(name) ||
  facadeModuleId?.endsWith('/screens/board/screen.tsx') === true

/** The code is on its way as soon as the document is there, not only once the first module asks for it. */
const preloadMain: Plugin = {
  name: 'preload-main',
  transformIndexHtml: {
    order: 'post',
    handler: (_html, { bundle = {} }) => {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      const main = chunks.find(({ facadeModuleId: id }) => id?.endsWith('/src/main.tsx') === true)
      const entry = chunks.find(({ isEntry }) => isEntry)
      const known = new Set(entry === undefined ? [] : [entry.fileName, ...entry.imports])
      const names = main === undefined ? [] : [main.fileName, ...main.imports]
      return names
        .filter((name) => !known.has(name))
        .map((name): HtmlTagDescriptor => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `/console/${name}` },
          injectTo: 'head',
        }))
    },
  },
}

export default defineConfig({
  base: '/console/',
  plugins: [react(), preloadMain],
  // As in tsconfig.json: without a build of the library.
  resolve: {
    alias: { '@sfdc-engine-x/client': join(import.meta.dirname, '../client/src/index.ts') },
  },
  build: {
    target: 'es2023',
    // A script or picture inside of another file would need more than 'self' in the policy.
    assetsInlineLimit: 0,
    modulePreload: {
      polyfill: false,
      // Who has to sign in first needs no screens yet.
      resolveDependencies: (_file, files, { hostType }) =>
        hostType === 'html' ? files.filter((file) => !/\/(shell|work)-/.test(file)) : files,
    },
    // The server compresses each file itself, once.
    reportCompressedSize: false,
    rolldownOptions: {
      // As its package.json says: whoever needs its errors does not load all of it.
      treeshake: {
        moduleSideEffects: [{ test: /\/packages\/client\/src\//, sideEffects: false }],
      },
      output: {
        postBanner: (chunk) => (isOfBoard(chunk) ? COMPILE_AT_ONCE : ''),
        // What the first page needs, in few files: packages, in two that are compiled at the same time, and what is
        // ours. Then what all screens use. Otherwise it would be some forty, which compress less and take longer.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'ahead', test: AHEAD },
            { name: 'react', test: REACT },
            { name: 'base', test: isBase },
            { name: 'app', test: APP },
            { name: 'work', test: WORK },
          ],
        },
      },
    },
  },
})
