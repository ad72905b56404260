import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const BASE =
  /\/node_modules\/(react|react-dom|scheduler|@tanstack\/(history|query-core|react-query|react-router|react-store|router-core|store))\//
/** Of these packages what only screens use: it comes with them. */
const OF_SCREENS = /(nfiniteQuer|seMutation|utationObserver|useQueries|queriesObserver)/
const APP =
  /\/src\/(ui\/(states|button|text|toast)\.tsx|api\/(session|problems|words)\.ts|app\/(router\.tsx|parents\.tsx|params\.ts|theme\.ts)|screens\/[^/]+\/(route|filters)\.ts)$/

/** What most screens use. Dialogs come when one of them has any: they are large. */
const WORK = /\/(src\/(ui|app|api)\/|packages\/client\/src\/|node_modules\/@tanstack\/)/
const OF_FEW = /(dialog|client-dialog|client-picker|tags-field)/

const isWork = (id: string): boolean => WORK.test(id) && !OF_FEW.test(id) && !id.endsWith('.css')
const isBase = (id: string): boolean => BASE.test(id) && !OF_SCREENS.test(id)

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  // As in tsconfig.json: without a build of the library.
  resolve: {
    alias: { '@sfdc-engine-x/client': join(import.meta.dirname, '../client/src/index.ts') },
  },
  build: {
    target: 'es2023',
    // A script or picture inside of another file would need more than 'self' in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The server compresses each file itself, once.
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // What the first page needs, in two files: packages, and what is ours. Then what all screens use. Otherwise
        // it would be some forty, which compress less and take longer.
        codeSplitting: {
          groups: [
            { name: 'base', test: isBase },
            { name: 'app', test: APP },
            { name: 'work', test: isWork },
          ],
        },
      },
    },
  },
})
