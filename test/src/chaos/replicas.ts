// Two servers on one database that are killed, shut down and started again, and one address for both.

import { setTimeout as pass } from 'node:timers/promises'
import { type Api, apiOf } from '../api.ts'
import { startServer, type ServerProcess, TAKES_OVER } from '../server-process.ts'

export interface Replicas extends AsyncDisposable {
  readonly count: number
  /** Calls whichever replica runs, in turns, as a load balancer would. */
  api(token?: string | null): Api
  kill(at: number): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  terminate(at: number): Promise<number | null>
  /** Starts it if it is not running, as often as it takes: its database may be away. */
  start(at: number): Promise<void>
  /** Every server that there was, also those that are gone. */
  all(): readonly ServerProcess[]
  /** Those that ended and were not told to. */
  lost(): readonly ServerProcess[]
  /** Starts that failed. */
  failedStarts(): number
}

const COUNT = 2
const AGAIN_MS = 300
const STARTS_MAX = 100

export const startReplicas = async (environment: Record<string, string>): Promise<Replicas> => {
  const slots: (ServerProcess | null)[] = Array.from({ length: COUNT }, () => null)
  const all: ServerProcess[] = []
  const told = new Set<ServerProcess>()
  let failedStarts = 0
  let turn = 0

  const start = async (at: number): Promise<void> => {
    if (slots[at]?.isRunning() === true) return
    for (let n = 1; ; n++) {
      try {
        const server = await startServer({ ...TAKES_OVER, ...environment })
        slots[at] = server
        all.push(server)
        return
      } catch (error) {
        failedStarts++
        if (n >= STARTS_MAX) throw error
        await pass(AGAIN_MS)
      }
    }
  }
  const take = (at: number): ServerProcess | null => {
    const server = slots[at] ?? null
    slots[at] = null
    if (server !== null) told.add(server)
    return server
  }
  const urlOfOne = async (): Promise<string> => {
    for (;;) {
      const running = slots.filter((server) => server?.isRunning() === true)
      const server = running[turn++ % Math.max(running.length, 1)]
      if (server !== undefined && server !== null) return server.url
      await pass(AGAIN_MS)
    }
  }
  const api = (token: string | null = null): Api => {
    const one = async () => apiOf(await urlOfOne(), token)
    return {
      post: async (...call) => (await one()).post(...call),
      get: async (...call) => (await one()).get(...call),
      raw: async (...call) => (await one()).raw(...call),
      as: api,
    }
  }

  for (let at = 0; at < COUNT; at++) await start(at)
  return {
    count: COUNT,
    api,
    start,
    kill: async (at) => {
      await take(at)?.kill()
    },
    terminate: async (at) => (await take(at)?.terminate()) ?? 0,
    all: () => all,
    lost: () => all.filter((server) => !server.isRunning() && !told.has(server)),
    failedStarts: () => failedStarts,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(slots.map(async (_, at) => take(at)?.terminate()))
    },
  }
}
