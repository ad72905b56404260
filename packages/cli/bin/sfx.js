#!/usr/bin/env node
// What `sfx` starts. A file of its own, so that npm links it in a checkout too, where nothing is built yet.

import { existsSync } from 'node:fs'
import process from 'node:process'
import { URL } from 'node:url'

const main = new URL('../dist/main.js', import.meta.url)
if (existsSync(main)) await import(main.href)
else {
  process.stderr.write('sfx is not built yet. In the folder of the repository: npm run build\n')
  process.exitCode = 2
}
