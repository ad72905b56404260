// The content-addressed store: each distinct describe, automation or manifest of a client is kept
// once, compressed, under the SHA-256 of its canonical JSON.

import { promisify } from 'node:util'
import {
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
  type ZstdOptions,
} from 'node:zlib'
import { sql } from 'kysely'
import { type Database, type Tenant, type Tx } from '../../db/database.ts'
import { hashBytes, hashText } from './content-hash.ts'

// Measured on describes of 30 KB, 1,000 of them: zstd takes 0.05 ms each on this thread and 0.2 to 0.5
// ms through the thread pool, where the overhead costs more than compressing; deflate is slower and
// larger. So only what would noticeably hold up requests goes to the pool.
const SYNC_BYTES_MAX = 256 * 1024

/** Node's minimum. */
const CHUNK_BYTES_MIN = 64

const compressInPool = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress)
const decompressInPool = promisify<Buffer, ZstdOptions, Buffer>(zstdDecompress)

const compress = async (bytes: Buffer): Promise<Buffer> =>
  bytes.byteLength <= SYNC_BYTES_MAX
    ? zstdCompressSync(bytes)
    : compressInPool(bytes, { pledgedSrcSize: bytes.byteLength })

const decompress = async (bytes: Buffer, sizeBytes: number): Promise<Buffer> => {
  // In one chunk, with a byte to spare, for Node allocates the next one as soon as it is full. In the
  // default chunks of 16 KB it takes half as long again, most of it for garbage collection.
  const options = { chunkSize: Math.max(sizeBytes + 1, CHUNK_BYTES_MIN) }
  return sizeBytes <= SYNC_BYTES_MAX
    ? zstdDecompressSync(bytes, options)
    : decompressInPool(bytes, options)
}

/** A content on its way into the store. */
export interface Content {
  hash: string
  /** Canonical JSON. */
  text: string
}

export interface PackedContent {
  hash: string
  body: Buffer
  sizeBytes: number
}

/** Compresses outside of any transaction. */
export const pack = async ({ hash, text }: Content): Promise<PackedContent> => {
  const bytes = Buffer.from(text)
  return { hash, body: await compress(bytes), sizeBytes: bytes.byteLength }
}

/** Adds what is not stored yet, in the given transaction. Returns how many compressed bytes it added. */
export const insertContents = async (
  tx: Tx,
  tenant: Tenant,
  clientId: string,
  contents: readonly PackedContent[],
): Promise<number> => {
  // The same order everywhere: two pulls that add the same contents cannot deadlock.
  const distinct = [...new Map(contents.map((content) => [content.hash, content])).values()]
  distinct.sort((a, b) => (a.hash < b.hash ? -1 : 1))
  if (distinct.length === 0) return 0
  const added = await tx
    .insertInto('topology_blobs')
    .values(
      distinct.map(({ hash, body, sizeBytes }) => ({
        org_id: tenant.orgId,
        client_id: clientId,
        hash: hashBytes(hash),
        body,
        size_bytes: sizeBytes,
      })),
    )
    .onConflict((conflict) => conflict.columns(['client_id', 'hash']).doNothing())
    .returning(sql<number>`octet_length(body)`.as('bytes'))
    .execute()
  return added.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Contents of one client, read in short transactions. */
export interface Contents {
  /** The canonical JSON of each hash. Throws if one is missing: the database has lost something. */
  read(hashes: readonly string[]): Promise<Map<string, Buffer>>
}

export const contentsOf = (db: Database, tenant: Tenant, clientId: string): Contents => ({
  read: async (hashes) => {
    const wanted = [...new Set(hashes)]
    if (wanted.length === 0) return new Map()
    const rows = await db
      .as(tenant)
      .read.selectFrom('topology_blobs')
      .select(['hash', 'body', 'size_bytes'])
      .where('org_id', '=', tenant.orgId)
      .where('client_id', '=', clientId)
      // One text for any number of hashes, so that it is prepared once.
      .where('hash', '=', sql<Buffer>`any(${wanted.map(hashBytes)}::bytea[])`)
      .execute()
    if (rows.length !== wanted.length) throw new Error('a stored content of a snapshot is missing')
    return new Map(
      await Promise.all(
        rows.map(
          async ({ hash, body, size_bytes: size }) =>
            [hashText(hash), await decompress(body, size)] as const,
        ),
      ),
    )
  },
})
