// The content-addressed store: each distinct describe, automation or manifest of a client is kept
// once, under the SHA-256 of its canonical JSON. What is stored together is compressed together, in a
// frame: describes resemble each other, and a whole snapshot is then a few large reads.

import { promisify } from 'node:util'
import { zstdCompress, zstdCompressSync, type ZstdOptions } from 'node:zlib'
import { sql } from 'kysely'
import { type Tenant, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { hashBytes } from './content-hash.ts'

// Measured on describes of 30 KB: zstd takes 0.05 ms each on this thread and 0.2 to 0.5 ms through the
// thread pool. So only what would noticeably hold up requests goes to the pool.
export const SYNC_BYTES_MAX = 256 * 1024

const compressInPool = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress)

const compress = async (bytes: Buffer): Promise<Buffer> =>
  bytes.byteLength <= SYNC_BYTES_MAX
    ? zstdCompressSync(bytes)
    : compressInPool(bytes, { pledgedSrcSize: bytes.byteLength })

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
}

/** Contents that are stored together, compressed. */
export interface Frame {
  body: Buffer
  sizeBytes: number
  parts: { hash: string; startsAt: number; sizeBytes: number }[]
}

/** Compresses outside of any transaction. */
export const pack = async (contents: readonly Content[]): Promise<Frame> => {
  const parts: Frame['parts'] = []
  const texts: string[] = []
  let end = 0
  for (const { hash, text, label = '' } of new Map(
    contents.map((one) => [one.hash, one]),
  ).values()) {
    const startsAt = end + Buffer.byteLength(label)
    const sizeBytes = Buffer.byteLength(text)
    parts.push({ hash, startsAt, sizeBytes })
    texts.push(label, text, ',')
    end = startsAt + sizeBytes + 1
  }
  return { body: await compress(Buffer.from(texts.join(''))), sizeBytes: end, parts }
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
      inOrder.map(({ hash, startsAt, sizeBytes: size }) => ({
        ...owner,
        hash: hashBytes(hash),
        frame_id: id,
        starts_at: startsAt,
        size_bytes: size,
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
