// What `npm start` does first: builds what is not there, or is older than its sources.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buildConsole } from './console.ts'
import { buildServer } from './server-file.ts'
import { startCommand } from './start-command.ts'

const [, server] = await Promise.all([buildConsole(), buildServer()])
if (server === 'built') {
  // Compiled before it serves: a server that compiles while it starts keeps 40 MB more until it ends.
  const { command, environment } = startCommand()
  const child = spawn(process.execPath, [...command, '--load-only'], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the server could not be loaded (exit code ${code})`)
}
