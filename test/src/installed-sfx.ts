// sfx as its users have it, packed and installed, run in two ways: as a process of its own, where the process
// is what matters (signals, exit codes, pipes), and in one process for all the others, since the start of a
// process costs ten times what a command does.

import { type ChildProcess, fork, spawn } from 'node:child_process'
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
  /**
   * Kills what has not ended. A test that fails in the middle leaves commands behind: the next test would wait
   * for them, and they for what nobody does any more.
   */
  killUnfinished(): Promise<void>
}

const killed = async (child: ChildProcess): Promise<void> => {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** The sfx that is installed in `folder`, which is where its commands run. */
export const installedSfx = (folder: string): InstalledSfx => {
  const environment = (env: Record<string, string> = {}): Record<string, string> => ({
    PATH: process.env.PATH ?? '',
    SFX_CONFIG: join(folder, 'config/sfx.json'),
    NODE_COMPILE_CACHE: join(folder, 'compiled'), // a third of what a command costs
    ...env,
  })
  const startHost = () => {
    const child = fork(
      join(import.meta.dirname, 'command-host.ts'),
      [join(folder, 'node_modules/@sfdc-engine-x/cli/dist/main.js')],
      {
        cwd: folder,
        env: environment(),
        execArgv: [],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    )
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => {
        if (current?.child === child) current = null
        resolve()
      })
    })
    return { child, gone }
  }
  let current: ReturnType<typeof startHost> | null = startHost()
  let last: Promise<unknown> = Promise.resolve()
  /** Commands of the process for all that have not ended. */
  const unfinished = new Set<HostedCommand>()
  const children = new Set<ChildProcess>()
  let isOver = false

  const hosted = async (command: HostedCommand): Promise<Ended> => {
    const words = `sfx ${command.argv.join(' ')}`
    if (!unfinished.has(command)) throw new Error(`${words} was killed before it began`)
    const { child, gone } = (current ??= startHost())
    const answer = once(child, 'message') as Promise<[Ended]>
    // If it has just ended, `gone` says so.
    child.send(command, () => undefined)
    const [ended] = await Promise.race([answer, gone.then(() => [null])])
    if (ended === null || ended === undefined) {
      throw new Error(`${words} ended the process that ran it, or was killed with it`)
    }
    return ended
  }
  /** A test that was ended by its time limit goes on: what it asks for after the suite would be left behind. */
  const requireOpen = (argv: readonly string[]) => {
    if (isOver) throw new Error(`sfx ${argv.join(' ')} was begun after the end of its suite`)
  }
  const killUnfinished = async () => {
    const host = unfinished.size === 0 || current === null ? [] : [current.child]
    unfinished.clear()
    await Promise.all([...host, ...children].map(killed))
  }
  return {
    begin: (argv, { input = '', env } = {}) => {
      requireOpen(argv)
      const sfx = join(folder, 'node_modules/.bin/sfx')
      const child = spawn(process.execPath, [sfx, ...argv], { cwd: folder, env: environment(env) })
      children.add(child)
      child.on('exit', () => children.delete(child))
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
    run: async (argv, { input = '', env } = {}) => {
      requireOpen(argv)
      const command = { argv: [...argv], env: environment(env), input }
      unfinished.add(command)
      const ended = last.then(() => hosted(command)).finally(() => unfinished.delete(command))
      last = ended.catch(() => undefined)
      return ended
    },
    killUnfinished,
    [Symbol.asyncDispose]: async () => {
      isOver = true
      await killUnfinished()
      current?.child.disconnect()
      await current?.gone
    },
  }
}
