// `npm run dev`, as run right after cloning the repository.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { createDatabase } from './database.ts'
import { until } from './until.ts'

const DEV = join(import.meta.dirname, '../../scripts/dev.ts')

const isEmpty = (processGroup: number): boolean => {
  try {
    process.kill(-processGroup, 0)
    return false
  } catch {
    return true
  }
}

describe('npm run dev', () => {
  it('listens on this machine only, and leaves no process behind on SIGTERM', async () => {
    await using database = await createDatabase()
    const dev = spawn(process.execPath, [DEV], {
      detached: true, // a process group of its own
      env: { PATH: process.env.PATH ?? '', PORT: '0', DATABASE_URL: database.url },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const group = dev.pid ?? 0
    const lines: string[] = []
    for (const stream of [dev.stdout, dev.stderr]) {
      createInterface({ input: stream }).on('line', (line) => lines.push(line))
    }
    try {
      const listening = await until('it listens', () =>
        lines.find((line) => line.includes('"listening"')),
      )
      expect(listening).toContain('"address":"http://127.0.0.1:')
      const ended = once(dev, 'exit')
      dev.kill('SIGTERM')
      await ended
      expect(isEmpty(group)).toBe(true)
    } finally {
      if (!isEmpty(group)) process.kill(-group, 'SIGKILL')
    }
  })
})
