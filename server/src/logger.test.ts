import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createLogger, createOutput } from './logger.ts'

/** Of the time that passes; of the clock that the test holds, a millisecond a look. */
const PATIENCE = { timeout: 20_000, interval: 1 }

let folder: string

/** Nothing is written after it: a descriptor that is closed under a write may be another file's by then. */
const ended = async (output: ReturnType<typeof createOutput>) => {
  const closed = once(output, 'close')
  output.end()
  await closed
}

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'logger-'))
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  fs.rmSync(folder, { recursive: true })
})

it('writes what is pending soon and together, and nothing while nothing is', async () => {
  const path = join(folder, 'log')
  const output = createOutput(fs.openSync(path, 'w'))
  const logger = createLogger('info', output)
  const writes = vi.spyOn(fs, 'write')
  const written = (text: string) =>
    vi.waitFor(() => expect(fs.readFileSync(path, 'utf8')).toContain(text), PATIENCE)
  const idle = () => vi.waitFor(() => expect(vi.getTimerCount()).toBe(0), PATIENCE)
  try {
    vi.advanceTimersByTime(60_000)
    expect(writes, 'while idle').not.toHaveBeenCalled()

    logger.info('first')
    logger.info('second')
    expect(writes, 'not for each').not.toHaveBeenCalled()
    vi.advanceTimersByTime(100)
    expect(writes).toHaveBeenCalledTimes(1)
    logger.info('while the first two are written')
    vi.advanceTimersByTime(100)
    await written('while the first two are written')

    await idle()
    const before = writes.mock.calls.length
    vi.advanceTimersByTime(60_000)
    expect(writes, 'idle again').toHaveBeenCalledTimes(before)
  } finally {
    await ended(output)
  }
})

it('keeps only so much of what nobody reads, and says how many lines it lost', async () => {
  vi.useRealTimers()
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const { O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants
  const output = createOutput(fs.openSync(path, O_RDWR | O_NONBLOCK), 256 * 1024)
  const reader = fs.openSync(path, O_RDONLY | O_NONBLOCK)
  const text: string[] = []
  const read = () => {
    const some = Buffer.alloc(1024 * 1024)
    try {
      text.push(some.toString('utf8', 0, fs.readSync(reader, some)))
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN' })
    }
  }
  try {
    const logger = createLogger('info', output)
    const sent = 1_000
    for (let n = 0; n < sent; n += 1) logger.info({ n, filler: 'x'.repeat(1_000) }, 'a line')
    await vi.waitFor(() => {
      read()
      expect(text.join('').includes('log lines were lost')).toBe(true)
    }, PATIENCE)
    const lines = text
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { n?: number; lost?: number })
    const kept = lines.flatMap(({ n }) => n ?? [])
    expect(kept, 'in order, without a gap').toEqual(kept.map((_, at) => at))
    expect(kept.length).toBeLessThan(500)
    expect(lines.at(-1)).toMatchObject({ level: 40, lost: sent - kept.length })
    logger.info('again')
    await vi.waitFor(() => {
      read()
      expect(text.join('').includes('again')).toBe(true)
    }, PATIENCE)
  } finally {
    await ended(output)
    fs.closeSync(reader)
  }
})
