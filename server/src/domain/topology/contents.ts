// Reading the store: contents by their hashes, and a snapshot's in their order.

import { promisify } from 'node:util'
import { zstdDecompress, zstdDecompressSync, type ZstdOptions } from 'node:zlib'
import { sql } from 'kysely'
import { type Database, type Tenant } from '../../db/database.ts'
import { hashBytes, hashText } from './content-hash.ts'
import { SYNC_BYTES_MAX } from './store.ts'

/** Node's minimum. */
const CHUNK_BYTES_MIN = 64

const decompressInPool = promisify<Buffer, ZstdOptions, Buffer>(zstdDecompress)

const decompress = async (bytes: Buffer, sizeBytes: number): Promise<Buffer> => {
  // In one chunk, with a byte to spare, for Node allocates the next one as soon as it is full. In the
  // default chunks of 16 KB it takes half as long again, most of it for garbage collection.
  const options = { chunkSize: Math.max(sizeBytes + 1, CHUNK_BYTES_MIN) }
  return sizeBytes <= SYNC_BYTES_MAX
    ? zstdDecompressSync(bytes, options)
    : decompressInPool(bytes, options)
}

/** Contents of one client, read in short transactions. A reader remembers the last few frames. */
export interface Contents {
  /** Which of these are stored. */
  stored(hashes: readonly string[]): Promise<Set<string>>
  /** The gists of those of these that are stored and have one. Remembers where they are, for `read`. */
  gists(hashes: readonly string[]): Promise<Map<string, string>>
  /** The canonical JSON of each hash. Throws if one is missing: the database has lost something. */
  read(hashes: readonly string[]): Promise<Map<string, Buffer>>
  /** The contents in this order, some at a time; the next ones are read while some are used. */
  inOrder(hashes: readonly string[]): AsyncGenerator<Buffer[], void, undefined>
  /**
   * The same as one text: each behind its label, with commas between, in long pieces. What lies so in a
   * frame is not copied.
   */
  joined(
    contents: readonly { hash: string; label: string }[],
  ): AsyncGenerator<Buffer, void, undefined>
}

/** Where a content is. */
interface Place {
  hash: string
  /** Null for a content with a body of its own, from before there were frames. */
  frameId: string | null
  startsAt: number
  sizeBytes: number
  gist: string | null
}

/** A content within what was inflated. */
interface Slice {
  bytes: Buffer
  from: number
  to: number
}

/** Contents that are read at once; two batches are in memory. */
const BATCH = 32
/** Shorter pieces are copied together: a write for each costs more than the copy. */
const PIECE_BYTES = 64 * 1024
/** Neighbours by name lie in frames of the same time: some composites are under way at once. */
const FRAMES_REMEMBERED = 8

const missing = (): Error => new Error('a stored content of a snapshot is missing')

/** Finds contents and inflates what holds them; remembers the last few frames. */
const createFinder = (db: Database, tenant: Tenant, clientId: string) => {
  const { orgId } = tenant
  const blobs = () =>
    db
      .as(tenant)
      .read.selectFrom('topology_blobs')
      .where('org_id', '=', orgId)
      .where('client_id', '=', clientId)
  const frames = () =>
    db
      .as(tenant)
      .read.selectFrom('topology_frames')
      .where('org_id', '=', orgId)
      .where('client_id', '=', clientId)
  // One text for any number of keys, so that it is prepared once.
  const anyOf = (hashes: readonly string[]) => sql<Buffer>`any(${hashes.map(hashBytes)}::bytea[])`
  const remembered = new Map<string, Buffer>()

  const locate = async (hashes: readonly string[]): Promise<Map<string, Place>> => {
    const wanted = [...new Set(hashes)]
    if (wanted.length === 0) return new Map()
    const rows = await blobs()
      .select(['hash', 'frame_id', 'starts_at', 'size_bytes', 'gist'])
      .where('hash', '=', anyOf(wanted))
      .execute()
    return new Map(
      rows.map(({ hash, frame_id, starts_at, size_bytes, gist }) => {
        const name = hashText(hash)
        const place = { hash: name, frameId: frame_id, startsAt: starts_at ?? 0 }
        return [
          name,
          { ...place, sizeBytes: size_bytes, gist: gist === null ? null : hashText(gist) },
        ]
      }),
    )
  }

  /** Of contents that are about to be read. */
  const located = new Map<string, Place>()

  const gists = async (hashes: readonly string[]): Promise<Map<string, string>> => {
    const found = new Map<string, string>()
    for (const [hash, place] of await locate(hashes)) {
      located.set(hash, place)
      if (place.gist !== null) found.set(hash, place.gist)
    }
    return found
  }

  const locateAll = async (hashes: readonly string[]): Promise<Map<string, Place>> => {
    const places = await locate(hashes.filter((hash) => !located.has(hash)))
    for (const hash of hashes) {
      const place = places.get(hash) ?? located.get(hash)
      if (place === undefined) throw missing()
      places.set(hash, place)
    }
    return places
  }

  /** Contents with a body of their own. */
  const readAlone = async (
    places: readonly Place[],
    use: (hash: string, bytes: Buffer) => void,
  ): Promise<void> => {
    if (places.length === 0) return
    const rows = await blobs()
      .select(['hash', 'body', 'size_bytes'])
      .where('hash', '=', anyOf(places.map(({ hash }) => hash)))
      .execute()
    for (const { hash, body, size_bytes: size } of rows) {
      if (body !== null) use(hashText(hash), await decompress(body, size))
    }
  }

  /** Calls `use` with each frame, one inflated after the other. */
  const withFrames = async (
    ids: ReadonlySet<string>,
    use: (id: string, bytes: Buffer) => void,
  ): Promise<void> => {
    const unread = new Set(ids)
    for (const [id, bytes] of [...remembered]) {
      if (!unread.delete(id)) continue
      // Used last, forgotten last.
      remembered.delete(id)
      remembered.set(id, bytes)
      use(id, bytes)
    }
    if (unread.size === 0) return
    const rows = await frames()
      .select(['id', 'body', 'size_bytes'])
      .where('id', '=', sql<string>`any(${[...unread]}::uuid[])`)
      .execute()
    for (const { id, body, size_bytes: size } of rows) {
      const bytes = await decompress(body, size)
      remembered.set(id, bytes)
      const [oldest] = remembered.keys()
      if (remembered.size > FRAMES_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
      use(id, bytes)
    }
  }

  const take = async (places: readonly Place[]): Promise<Map<string, Slice>> => {
    const found = new Map<string, Slice>()
    const byFrame = new Map<string, Place[]>()
    const alone: Place[] = []
    for (const place of places) {
      if (place.frameId === null) alone.push(place)
      else byFrame.set(place.frameId, [...(byFrame.get(place.frameId) ?? []), place])
    }
    await readAlone(alone, (hash, bytes) => {
      found.set(hash, { bytes, from: 0, to: bytes.byteLength })
    })
    await withFrames(new Set(byFrame.keys()), (id, bytes) => {
      const wanted = byFrame.get(id) ?? []
      const wantedBytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
      for (const { hash, startsAt: from, sizeBytes } of wanted) {
        const to = from + sizeBytes
        // A small part would keep the whole frame in memory.
        found.set(
          hash,
          wantedBytes < bytes.byteLength / 4
            ? { bytes: Buffer.from(bytes.subarray(from, to)), from: 0, to: sizeBytes }
            : { bytes, from, to },
        )
      }
    })
    if (places.some(({ hash }) => !found.has(hash))) throw missing()
    return found
  }

  return { locate, locateAll, gists, take }
}

export const contentsOf = (db: Database, tenant: Tenant, clientId: string): Contents => {
  const { locate, locateAll, gists, take } = createFinder(db, tenant, clientId)

  /** Batches in this order; the next one is read while one is used. */
  async function* batches(hashes: readonly string[]): AsyncGenerator<Slice[], void, undefined> {
    const places = await locateAll(hashes)
    const read = async (start: number): Promise<Slice[]> => {
      const batch = hashes.slice(start, start + BATCH).flatMap((hash) => places.get(hash) ?? [])
      const found = await take(batch)
      return batch.flatMap(({ hash }) => found.get(hash) ?? [])
    }
    let next = read(0)
    for (let start = 0; start < hashes.length; start += BATCH) {
      const batch = await next
      next = read(start + BATCH)
      next.catch(() => undefined) // thrown above, if anybody still wants it
      yield batch
    }
  }

  return {
    stored: async (hashes) => new Set((await locate(hashes)).keys()),

    gists,

    read: async (hashes) => {
      const found = await take([...(await locateAll(hashes)).values()])
      return new Map([...found].map(([hash, slice]) => [hash, bytesOf(slice)]))
    },

    async *inOrder(hashes) {
      for await (const batch of batches(hashes)) yield batch.map(bytesOf)
    },

    async *joined(contents) {
      let index = 0
      for await (const batch of batches(contents.map(({ hash }) => hash))) {
        const labels = contents.slice(index, index + batch.length).map(({ label }) => label)
        const slices = joinedSlices(labels, batch, index === 0)
        index += batch.length
        yield* inLongPieces(slices.map(bytesOf))
      }
    },
  }
}

const bytesOf = ({ bytes, from, to }: Slice): Buffer => bytes.subarray(from, to)

const COMMA = ','.charCodeAt(0)

const wholeOf = (text: string): Slice => {
  const bytes = Buffer.from(text)
  return { bytes, from: 0, to: bytes.byteLength }
}

/** Label and content after each other, with commas between: as few slices as there can be. */
const joinedSlices = (
  labels: readonly string[],
  contents: readonly Slice[],
  isFirst: boolean,
): Slice[] => {
  const slices: Slice[] = []
  for (const [index, { bytes, from, to }] of contents.entries()) {
    const label = Buffer.from(labels[index] ?? '')
    const start = from - label.byteLength
    const isLabelled = start >= 0 && bytes.subarray(start, from).equals(label)
    const before = slices.at(-1)
    if (
      isLabelled &&
      before?.bytes === bytes &&
      before.to + 1 === start &&
      bytes[before.to] === COMMA
    ) {
      before.to = to
      continue
    }
    if (!isFirst || index > 0) slices.push(wholeOf(','))
    if (isLabelled) slices.push({ bytes, from: start, to })
    else slices.push(wholeOf(labels[index] ?? ''), { bytes, from, to })
  }
  return slices
}

function* inLongPieces(pieces: readonly Buffer[]): Generator<Buffer, void, undefined> {
  let short: Buffer[] = []
  const flush = function* () {
    if (short.length > 0) yield Buffer.concat(short)
    short = []
  }
  for (const piece of pieces) {
    if (piece.byteLength < PIECE_BYTES) short.push(piece)
    else {
      yield* flush()
      yield piece
    }
  }
  yield* flush()
}
