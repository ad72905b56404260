// The content-addressed store: each distinct describe, automation or manifest of a client is kept
// once, under the SHA-256 of its canonical JSON. What is stored together is compressed together, in a
// frame: describes resemble each other, and a whole snapshot is then a few large reads.

import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, type ZstdOptions } from 'node:zlib'
import { sql } from 'kysely'
import { type Tenant, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { hashBytes } from './content-hash.ts'

// Measured on describes of 30 KB: zstd takes 0.05 ms each on this thread and 0.2 to 0.5 ms through the
// thread pool. So only what would noticeably hold up requests goes to the pool.
export const SYNC_BYTES_MAX = 256 * 1024

/** Higher ones take two to three times as long and save 6 % (3) or 15 % (6) on describes. */
const LEVEL = 1

const compressInPool = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress)

const compress = async (bytes: Buffer): Promise<Buffer> => {
  const options = {
    pledgedSrcSize: bytes.byteLength,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  }
  return bytes.byteLength <= SYNC_BYTES_MAX
    ? zstdCompressSync(bytes, options)
    : compressInPool(bytes, options)
}

/** A content on its way into the store. */
export interface Content {
  hash: string
  /** Canonical JSON. */
  text: string
  /**
   * What is written before it where a snapshot is read whole: `"Account":`. In the frame it is there
   * already, with a comma behind the content, so that neighbours are sent without copying them.
   */
  label?: string
  /** Of a describe: what it says about the schema, as a hash; see `gistOf`. */
  gist?: string
}

/** Contents that are stored together, compressed. */
export interface Frame {
  body: Buffer
  sizeBytes: number
  parts: { hash: string; startsAt: number; sizeBytes: number; gist: string | null }[]
}

/** Contents of a frame, about: a reader inflates all of it for one content. */
export const FRAME_BYTES = 1024 * 1024
/** Room for a content that goes beyond it; a longer one makes the buffer grow. */
const OVER_BYTES = 256 * 1024

/**
 * A frame that contents are added to one by one. Each becomes bytes at once: as texts they would grow
 * old in V8's heap until the frame is full. `spare` holds buffers from one frame to the next: a new one
 * for each is garbage for which V8 collects its whole heap.
 */
export const createFrame = (spare: Buffer[] = []) => {
  const parts = new Map<string, Frame['parts'][number]>()
  let bytes: Buffer | null = null
  let end = 0

  const append = (text: string): number => {
    const length = Buffer.byteLength(text)
    bytes ??= spare.pop() ?? Buffer.allocUnsafe(FRAME_BYTES + OVER_BYTES)
    if (end + length > bytes.byteLength) {
      const larger = Buffer.allocUnsafe(2 * (end + length))
      bytes.copy(larger, 0, 0, end)
      bytes = larger
    }
    end += bytes.write(text, end)
    return length
  }

  return {
    add: ({ hash, text, label = '', gist }: Content): void => {
      if (parts.has(hash)) return
      const startsAt = end + append(label)
      parts.set(hash, { hash, startsAt, sizeBytes: append(text), gist: gist ?? null })
      append(',')
    },
    /** Bytes so far. */
    get sizeBytes() {
      return end
    },
    /** Compresses it, outside of any transaction; nothing may be added afterwards. */
    seal: async (): Promise<Frame> => {
      const body = await compress(bytes?.subarray(0, end) ?? Buffer.alloc(0))
      if (bytes !== null) spare.push(bytes)
      bytes = null
      return { body, sizeBytes: end, parts: [...parts.values()] }
    },
  }
}

/** The frame of these contents. */
export const pack = (contents: readonly Content[]): Promise<Frame> => {
  const frame = createFrame()
  for (const content of contents) frame.add(content)
  return frame.seal()
}

/**
 * Adds the frame with those of its contents that are not stored yet, in the given transaction. Returns
 * how many compressed bytes it added: none if it had nothing new.
 */
export const insertFrame = async (
  tx: Tx,
  tenant: Tenant,
  clientId: string,
  { body, sizeBytes, parts }: Frame,
): Promise<number> => {
  if (parts.length === 0) return 0
  const owner = { org_id: tenant.orgId, client_id: clientId }
  const id = newId()
  await tx
    .insertInto('topology_frames')
    .values({ ...owner, id, body, size_bytes: sizeBytes })
    .execute()
  // The same order everywhere: two pulls that add the same contents cannot deadlock.
  const inOrder = parts.toSorted((a, b) => (a.hash < b.hash ? -1 : 1))
  const added = await tx
    .insertInto('topology_blobs')
    .values(
      inOrder.map(({ hash, startsAt, sizeBytes: size, gist }) => ({
        ...owner,
        hash: hashBytes(hash),
        frame_id: id,
        starts_at: startsAt,
        size_bytes: size,
        gist: gist === null ? null : hashBytes(gist),
      })),
    )
    .onConflict((conflict) => conflict.columns(['client_id', 'hash']).doNothing())
    .returning('size_bytes')
    .execute()
  if (added.length > 0) return body.byteLength
  await tx
    .deleteFrom('topology_frames')
    .where('org_id', '=', tenant.orgId)
    .where('client_id', '=', clientId)
    .where('id', '=', id)
    .execute()
  return 0
}

/** Deletes these contents, and the frames in which nothing is left. */
export const deleteContents = async (
  tx: Tx,
  { orgId, clientId }: Tenant & { clientId: string | null },
  hashes: readonly string[],
): Promise<void> => {
  await sql`
    with gone as (
      delete from topology_blobs b
       where b.org_id = ${orgId} and b.client_id = ${clientId} and b.hash = any(${hashes.map(hashBytes)})
         -- What the next conditional read would build on stays.
         and not exists (select from topology_validators v
                          where v.org_id = b.org_id and v.client_id = b.client_id and v.hash = b.hash)
      returning b.frame_id, b.hash)
    delete from topology_frames f
     where f.org_id = ${orgId} and f.client_id = ${clientId} and f.id in (select frame_id from gone)
       and not exists (select from topology_blobs b
                        where b.org_id = f.org_id and b.client_id = f.client_id and b.frame_id = f.id
                          and b.hash not in (select hash from gone))
  `.execute(tx)
}
