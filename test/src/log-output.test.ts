// The server's log goes to standard output, which may be a disk that is full or a pipe whose reader has
// stopped. Neither ends the server, and neither keeps it from ending.

import { execFileSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from './database.ts'
import { lastingPort } from '../../simulator/src/saved/ports.ts'
import { spawnServer } from './server-process.ts'
import { until } from './until.ts'

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await createDatabase()
  folder = mkdtempSync(join(tmpdir(), 'log-output-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await database[Symbol.asyncDispose]()
})

/** A server that writes there; `terminate` resolves with how it ended. */
const serverWith = async (output: number) => {
  const port = await lastingPort()
  const child: ChildProcess = spawnServer(
    { DATABASE_URL: database.url, PORT: String(port), LOG_LEVEL: 'debug' },
    output,
  )
  const health = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)
    return answer?.status === 200
  }
  await until('the server answers', health)
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  return {
    health,
    terminate: () => {
      child.kill('SIGTERM')
      return ended
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}

it('goes on while the disk of its log is full, and ends when it is told to', async () => {
  const full = openSync('/dev/full', 'w')
  try {
    using server = await serverWith(full)
    for (let n = 0; n < 300; n += 1) expect(await server.health()).toBe(true)
    expect(await server.terminate()).toEqual([0, null])
  } finally {
    closeSync(full)
  }
})

it('goes on while nobody reads its log, and ends when it is told to', async () => {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  try {
    using server = await serverWith(writer)
    // Far more lines than the 64 KB that a pipe holds.
    for (let n = 0; n < 600; n += 1) expect(await server.health()).toBe(true)
    const asked = performance.now()
    expect(await server.terminate(), 'by itself').toEqual([null, 'SIGKILL'])
    expect(performance.now() - asked).toBeLessThan(20_000)
  } finally {
    closeSync(writer)
    closeSync(reader)
  }
})
