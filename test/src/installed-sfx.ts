// sfx as its users have it, packed and installed, run in two ways: as a process of its own, where the process
// is what matters (signals, exit codes, pipes), and in one process for all the others, since the start of a
// process costs ten times what a command does.

import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Ended, type HostedCommand } from './command-host.ts'

export { type Ended } from './command-host.ts'

export interface RunOptions {
  input?: string
  env?: Record<string, string>
}

export interface Running {
  ended: Promise<Ended>
  /** What it has said so far on standard error. */
  said(): string
  /** … and on standard output. */
  printed(): string
  interrupt(): void
}

export interface InstalledSfx extends AsyncDisposable {
  /** A process of its own. */
  begin(argv: readonly string[], options?: RunOptions): Running
  /** In the process for all; one after the other. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ended>
}

/** The sfx that is installed in `folder`, which is where its commands run. */
export const installedSfx = (folder: string): InstalledSfx => {
  const environment = (env: Record<string, string> = {}): Record<string, string> => ({
    PATH: process.env.PATH ?? '',
    SFX_CONFIG: join(folder, 'config/sfx.json'),
    NODE_COMPILE_CACHE: join(folder, 'compiled'), // a third of what a command costs
    ...env,
  })
  const host = fork(
    join(import.meta.dirname, 'command-host.ts'),
    [join(folder, 'node_modules/@sfdc-engine-x/cli/dist/main.js')],
    {
      cwd: folder,
      env: environment(),
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  )
  const gone = once(host, 'exit')
  let last: Promise<unknown> = Promise.resolve()
  const hosted = async (command: HostedCommand): Promise<Ended> => {
    const answer = once(host, 'message') as Promise<[Ended]>
    host.send(command)
    const [ended] = await Promise.race([answer, gone.then(() => [null])])
    if (ended === null || ended === undefined) {
      throw new Error(`sfx ${command.argv.join(' ')} ended the process that ran it`)
    }
    return ended
  }
  return {
    begin: (argv, { input = '', env } = {}) => {
      const sfx = join(folder, 'node_modules/.bin/sfx')
      const child = spawn(process.execPath, [sfx, ...argv], { cwd: folder, env: environment(env) })
      let out = ''
      let err = ''
      child.stdout.on('data', (piece: Buffer) => (out += piece.toString()))
      child.stderr.on('data', (piece: Buffer) => (err += piece.toString()))
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
      return {
        ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err }))),
        said: () => err,
        printed: () => out,
        interrupt: () => void child.kill('SIGINT'),
      }
    },
    run: (argv, { input = '', env } = {}) => {
      const ended = last.then(() => hosted({ argv: [...argv], env: environment(env), input }))
      last = ended.catch(() => undefined)
      return ended
    },
    [Symbol.asyncDispose]: async () => {
      await last
      host.disconnect()
      await gone
    },
  }
}
