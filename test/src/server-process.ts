// The real server as a process of its own: started, observed, killed.

import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { until } from './until.ts'

const START = join(import.meta.dirname, '../../server/src/start.js')
/** Each server after the first loads cached compiled modules, which halves its start time. */
const COMPILE_CACHE = join(import.meta.dirname, '../../node_modules/.cache/compiled-server')

/**
 * A large heap from the start, so that V8 hardly collects: production's settings save memory, but cost a
 * fifth of the CPU.
 */
const ROOM = ['--min-semi-space-size=16', '--initial-old-space-size=256']

export interface ServerProcess extends AsyncDisposable {
  url: string
  pid: number
  /** Every line it has written so far, standard output and error. */
  lines: string[]
  isRunning(): boolean
  /** SIGKILL, without a shutdown. Resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM. Resolves with the exit code. */
  terminate(): Promise<number | null>
}

/** More environment, of servers that take over from killed ones: they look for dead workers often. */
export const TAKES_OVER = { JOB_SUPERVISION_SECONDS: '1' }

export const SUPER_ADMIN_SECRET = 'test-super-admin-secret-0123456789abcdef'
export const JWT_SECRET = 'test-jwt-secret-0123456789abcdef-0123456789'

/** A server with this environment, on a free port, with its standard output and error there. */
export const spawnServer = (
  environment: Record<string, string>,
  output: 'pipe' | number = 'pipe',
): ChildProcess =>
  spawn(process.execPath, [...ROOM, START], {
    env: {
      PATH: process.env.PATH ?? '',
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      JWT_SECRET,
      SUPER_ADMIN_JWT_SECRET: SUPER_ADMIN_SECRET,
      NANGO_SECRET_KEY: '3f1a7c1e-8a53-4d5e-9d37-0e4c6f6d2b11',
      RATE_LIMIT_PER_MINUTE: '0',
      NODE_ENV: 'test',
      PASSWORD_HASH_COST: '4', // each test creates users of its own
      PUSH_LEASE_SECONDS: '6', // five signs of life in it, more than a busy machine is late
      JOB_SUPERVISION_SECONDS: '60', // half of what an idle server does
      WEBHOOK_ALLOW_LOOPBACK: 'true',
      WEBHOOK_TIMEOUT_SECONDS: '2',
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...environment,
    },
    stdio: ['ignore', output, output],
  })

/** Starts a server with this environment on a free port and resolves when it listens. */
export const startServer = async (environment: Record<string, string>): Promise<ServerProcess> => {
  const child = spawnServer(environment)
  const lines: string[] = []
  const url = await listening(child, lines)
  const ended = once(child, 'exit')
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const signal = async (name: NodeJS.Signals) => {
    if (isRunning()) {
      child.kill(name)
      await ended
    }
    return child.exitCode
  }
  return {
    url,
    pid: child.pid ?? 0,
    lines,
    isRunning,
    kill: async () => {
      await signal('SIGKILL')
    },
    terminate: () => signal('SIGTERM'),
    [Symbol.asyncDispose]: async () => {
      await signal('SIGTERM')
    },
  }
}

/** What the servers have logged, up to now: lines are written with a delay, but in order. */
export const logOf = async (servers: readonly ServerProcess[]): Promise<string> => {
  for (const { url, lines } of servers) {
    const mark = `mark-${randomUUID()}`
    await fetch(`${url}/health`, { headers: { 'x-request-id': mark } })
    await until('the log', () => lines.some((line) => line.includes(mark)))
  }
  return servers.flatMap(({ lines }) => lines).join('\n')
}

const listening = (child: ChildProcess, lines: string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const read = (stream: NodeJS.ReadableStream | null) => {
      if (stream === null) return
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        const found = /"address":"(http:[^"]+)"/.exec(line)?.[1]
        if (found !== undefined) resolve(found)
      })
    }
    read(child.stdout)
    read(child.stderr)
    child.once('exit', (code) =>
      reject(new Error(`the server ended with ${code}:\n${lines.slice(-20).join('\n')}`)),
    )
  })
