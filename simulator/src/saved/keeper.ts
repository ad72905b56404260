// Saves the world some moments after it changed, and at the end.

import { bytesOf, writeWorld } from './file.ts'
import { type SavedWorld } from './world.ts'

export interface Keeper {
  /** Something may have changed. */
  touched(): void
  /** Saves once more, and no more after that. */
  close(): Promise<void>
}

export interface KeeperOptions {
  file: string
  state(): SavedWorld
  /** True while the world changes by itself. */
  isBusy(): boolean
  /** True while a change is half done. */
  isSaving(): boolean
  notice(text: string): void
}

const PAUSE_MS = 500
/** Saving takes at most a twentieth of the time, whatever the size of the world. */
const PAUSE_FACTOR = 20
/** How long a save waits for changes to be complete, in the steps below. */
const PATIENCE_MS = 5000
const STEP_MS = 20

export const createKeeper = (options: KeeperOptions): Keeper => {
  let changed = false
  let closed = false
  let pauseMs = PAUSE_MS
  let waitedMs = 0
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()
  let isWriting = false

  const save = async (): Promise<void> => {
    changed = false
    waitedMs = 0
    const since = performance.now()
    const bytes = bytesOf(options.state())
    pauseMs = Math.max(PAUSE_MS, (performance.now() - since) * PAUSE_FACTOR)
    try {
      await writeWorld(options.file, bytes)
    } catch (error) {
      options.notice(`The world could not be saved in ${options.file}: ${String(error)}`)
    }
  }
  const later = (ms: number): void => {
    // Two saves at once would take each other's file away; the one that is under way looks again at its end.
    if (closed || timer !== undefined || isWriting) return
    timer = setTimeout(() => {
      timer = undefined
      if (options.isSaving() && waitedMs < PATIENCE_MS) {
        waitedMs += STEP_MS
        later(STEP_MS)
        return
      }
      isWriting = true
      writing = save().then(() => {
        isWriting = false
        if (changed || options.isBusy()) later(pauseMs)
      })
    }, ms)
    timer.unref()
  }
  return {
    touched: () => {
      changed = true
      later(pauseMs)
    },
    close: async () => {
      closed = true
      clearTimeout(timer)
      await writing
      await save()
    },
  }
}
