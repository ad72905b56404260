// Saves of one world, one after the other.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readWorld } from './file.ts'
import { createKeeper } from './keeper.ts'
import { type SavedWorld } from './world.ts'

afterEach(() => vi.useRealTimers())

describe('a world that changes while it is being saved', () => {
  it('is saved again after that, never twice at once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keeper-'))
    const file = join(folder, 'world')
    const notices: string[] = []
    let saves = 0
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const keeper = createKeeper({
      file,
      state: () => ({ saves: ++saves }) as unknown as SavedWorld,
      isBusy: () => false,
      isSaving: () => false,
      notice: (text) => notices.push(text),
    })
    keeper.touched()
    vi.advanceTimersByTime(60_000)
    expect(saves).toBe(1)
    keeper.touched()
    // The file is still being written: nothing but time has passed.
    vi.advanceTimersByTime(60_000)
    expect(saves).toBe(1)
    await vi.waitUntil(() => vi.getTimerCount() > 0, { timeout: 5_000 })
    vi.advanceTimersByTime(60_000)
    await keeper.close()
    expect(saves).toBe(3)
    expect(notices).toEqual([])
    expect(await readWorld(file)).toEqual({ world: { saves: 3 } })
    await rm(folder, { recursive: true })
  })
})
