import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createLogger, createOutput } from './logger.ts'

let folder: string

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
  const descriptor = fs.openSync(path, 'w')
  const logger = createLogger('info', createOutput(descriptor))
  const writes = vi.spyOn(fs, 'write')
  const written = (text: string) =>
    vi.waitFor(() => expect(fs.readFileSync(path, 'utf8')).toContain(text))
  const idle = () => vi.waitFor(() => expect(vi.getTimerCount()).toBe(0))
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
    await idle()
    fs.closeSync(descriptor)
  }
})
