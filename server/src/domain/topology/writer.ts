// Stores what was read: contents are compressed and written in batches, one batch under way while the
// next one fills, so that memory stays flat.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { canonicalJson } from '../canonical.ts'
import { gistOf, hashOf } from './content-hash.ts'
import { type Journal, type ReadItem } from './journal.ts'
import { labelOf } from './payload.ts'
import { createFrame, FRAME_BYTES } from './store.ts'

const BATCH_ITEMS = 50
/** How long this thread may hash and write JSON before requests get their turn. */
const TURN_MS = 10

export interface ItemWriter {
  /** Stores a value that was read and journals it. Resolves when there is room for the next one. */
  add(item: Omit<ReadItem, 'hash'>, value: unknown): Promise<string>
  /** Journals an item that has no content of its own. */
  note(item: ReadItem): Promise<void>
  /** Resolves when everything is in the database. */
  flush(): Promise<void>
  /** Compressed bytes that were new to the store, so far. */
  readonly bytesAdded: number
}

/** `stored` says which hashes need not be written again. */
export const createItemWriter = (
  journal: Pick<Journal, 'record'>,
  stored: (hash: string) => boolean,
): ItemWriter => {
  let items: ReadItem[] = []
  const spare: Buffer[] = []
  let frame = createFrame(spare)
  let bytesAdded = 0
  let writing: Promise<void> = Promise.resolve()
  let turnStartedAt = performance.now()

  const write = async (
    batch: readonly ReadItem[],
    contents: ReturnType<typeof createFrame>,
  ): Promise<void> => {
    bytesAdded += await journal.record(batch, await contents.seal())
  }

  /** Writes the batch after the previous one has been written. */
  const send = async (): Promise<void> => {
    const [batch, contents] = [items, frame]
    items = []
    frame = createFrame(spare)
    await writing
    writing = write(batch, contents)
    // The next await of `writing` gets the failure; until then it must not end the process.
    writing.catch(() => undefined)
  }

  const room = async (): Promise<void> => {
    if (items.length >= BATCH_ITEMS || frame.sizeBytes >= FRAME_BYTES) await send()
    if (performance.now() - turnStartedAt < TURN_MS) return
    await nextTurn()
    turnStartedAt = performance.now()
  }

  return {
    add: async (item, value) => {
      const text = canonicalJson(value)
      const hash = hashOf(text)
      items.push({ ...item, hash })
      if (!stored(hash)) {
        frame.add(
          item.kind === 'object'
            ? { hash, text, label: labelOf(item.name), gist: gistOf(text) }
            : { hash, text },
        )
      }
      await room()
      return hash
    },
    note: async (item) => {
      items.push(item)
      await room()
    },
    flush: async () => {
      if (items.length > 0) await send()
      await writing
    },
    get bytesAdded() {
      return bytesAdded
    },
  }
}
