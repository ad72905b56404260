// A start with a migrated database, and what the server keeps in memory before it has done anything.

import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { type Bench } from './bench.ts'
import { median } from './load.ts'
import { residentMb, startProgram } from './processes.ts'
import { row, type Row } from './row.ts'

const ROUNDS = 5
const START_MS = 1_200
const IDLE_MB = 110
/** Until what a start leaves behind has been collected. */
const QUIET_MS = 10_000

const ROOT = join(import.meta.dirname, '../..')

/** From the command, npm and all, to the first answer. */
const timeOfStart = async ({ settings }: Bench): Promise<number> => {
  const started = performance.now()
  await using server = await startProgram(['--prefix', ROOT, 'start'], settings, 'npm')
  const answer = await request(`${server.url}/health`)
  await answer.body.dump()
  if (answer.statusCode !== 200) throw new Error(`/health answered ${answer.statusCode}`)
  return performance.now() - started
}

const idleMemory = async (bench: Bench): Promise<number> => {
  await using server = await bench.startReplica()
  await sleep(QUIET_MS)
  return residentMb(server.pid)
}

export const benchStart = async (bench: Bench): Promise<Row[]> => {
  const times: number[] = []
  const memories: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    times.push(await timeOfStart(bench))
    memories.push(await idleMemory(bench))
  }
  const [ms, mb] = [median(times), median(memories)]
  return [
    row(
      'npm start to the first answer, migrated database',
      {
        figure: `${(ms / 1000).toFixed(2)} s`,
        against: `1.2 s; the fastest of ${ROUNDS} ${(Math.min(...times) / 1000).toFixed(2)} s`,
        ratio: ms / START_MS,
      },
      { atMost: 1 },
    ),
    row(
      `memory of an idle server, ${QUIET_MS / 1000} s after its start`,
      { figure: `${mb.toFixed(0)} MB`, against: `${IDLE_MB} MB`, ratio: mb / IDLE_MB },
      { atMost: 1 },
    ),
  ]
}
