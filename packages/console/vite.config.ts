import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

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
  },
})
