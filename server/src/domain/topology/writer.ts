// Stores what was read: contents are compressed and written in batches, one batch under way while the
// next one fills, so that memory stays flat.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { canonicalJson } from '../canonical.ts'
import { hashOf } from './content-hash.ts'
import { type Journal, type ReadItem } from './journal.ts'
import { labelOf } from './payload.ts'
import { type Content, pack } from './store.ts'

const BATCH_ITEMS = 50
/** Of a frame: a reader inflates all of it for one content. */
const BATCH_CHARS = 1024 * 1024
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
  let contents: Content[] = []
  let chars = 0
  let bytesAdded = 0
  let writing: Promise<void> = Promise.resolve()
  let turnStartedAt = performance.now()

  const write = async (batch: readonly ReadItem[], added: readonly Content[]): Promise<void> => {
    bytesAdded += await journal.record(batch, await pack(added))
  }

  /** Writes the batch after the previous one has been written. */
  const send = async (): Promise<void> => {
    const [batch, added] = [items, contents]
    items = []
    contents = []
    chars = 0
    await writing
    writing = write(batch, added)
    // The next await of `writing` gets the failure; until then it must not end the process.
    writing.catch(() => undefined)
  }

  const room = async (): Promise<void> => {
    if (items.length >= BATCH_ITEMS || chars >= BATCH_CHARS) await send()
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
        const label = item.kind === 'object' ? labelOf(item.name) : ''
        contents.push({ hash, text, label })
        chars += text.length
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
