import { zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../test/src/database.ts'
import { newId } from '../../db/ids.ts'
import { hashBytes, hashOf } from './content-hash.ts'
import { contentsOf } from './contents.ts'
import { labelOf } from './payload.ts'
import { deleteContents, insertFrame, pack } from './store.ts'
import { createTopologyRig, type TopologyRig } from './testing/rig.ts'

let rig: TopologyRig
let clientId: string

beforeAll(async () => {
  rig = await createTopologyRig(await createDatabase())
})

beforeEach(async () => {
  clientId = await rig.client(`00DWs${newId().slice(-13)}`)
})

afterAll(async () => {
  await rig.close()
})

interface Described {
  name: string
  hash: string
  text: string
  label: string
}

const describeNamed = (name: string, size = 200): Described => {
  const text = JSON.stringify({ label: `Ä ${name}`, name, padding: 'x'.repeat(size) })
  return { name, text, hash: hashOf(text), label: labelOf(name) }
}

const named = (count: number, size?: number): Described[] =>
  Array.from({ length: count }, (_, i) =>
    describeNamed(`Job_${String(i).padStart(3, '0')}__c`, size),
  )

const store = async (contents: readonly Described[]): Promise<number> => {
  const frame = await pack(contents)
  return rig.db.as(rig.admin.tenant).tx((tx) => insertFrame(tx, rig.admin.tenant, clientId, frame))
}

/** As before there were frames. */
const storeAlone = async ({ hash, text }: Described): Promise<void> => {
  await rig.database.query(
    `insert into topology_blobs (org_id, client_id, hash, body, size_bytes) values ($1, $2, $3, $4, $5)`,
    [
      rig.admin.tenant.orgId,
      clientId,
      hashBytes(hash),
      zstdCompressSync(text),
      Buffer.byteLength(text),
    ],
  )
}

const reader = () => contentsOf(rig.db, rig.admin.tenant, clientId)

const frames = async (): Promise<number> => {
  const [row] = await rig.database.query<{ count: number }>(
    'select count(*)::int as count from topology_frames where client_id = $1',
    [clientId],
  )
  return row?.count ?? 0
}

const joined = async (
  contents: readonly Described[],
): Promise<{ text: string; pieces: number }> => {
  const pieces: Buffer[] = []
  for await (const piece of reader().joined(contents)) pieces.push(piece)
  return { text: Buffer.concat(pieces).toString(), pieces: pieces.length }
}

const textOf = (contents: readonly Described[]): string =>
  contents.map(({ label, text }) => label + text).join(',')

describe('contents of a client', () => {
  it('are joined in any order, from frames and from rows of their own alike', async () => {
    const all = named(80)
    await store(all.slice(0, 30))
    await store(all.slice(30, 50).toReversed())
    for (const one of all.slice(50, 60)) await storeAlone(one)
    await store(all.slice(60))
    const everySecond = all.filter((_, i) => i % 2 === 0)
    for (const wanted of [all, all.toReversed(), everySecond, all.slice(55, 56), []]) {
      expect((await joined(wanted)).text).toBe(textOf(wanted))
    }
    const texts = await reader().read(all.map(({ hash }) => hash))
    expect(all.map(({ hash }) => texts.get(hash)?.toString())).toEqual(all.map(({ text }) => text))
  })

  it('are read under a label other than the one in the frame', async () => {
    const all = named(3)
    await store(all)
    const relabelled = all.map((one) => ({ ...one, label: '' }))
    expect((await joined(relabelled)).text).toBe(textOf(relabelled))
  })

  it('that lie together are sent together', async () => {
    const all = named(32, 10_000)
    await store(all)
    expect((await joined(all)).pieces).toBe(1)
  })

  it('are stored once: a frame with nothing new is not kept', async () => {
    const all = named(4)
    expect(await store(all)).toBeGreaterThan(0)
    expect(await store(all.toReversed())).toBe(0)
    expect(await frames()).toBe(1)
    expect(await store([...all, describeNamed('New__c')])).toBeGreaterThan(0)
    expect((await joined(all)).text).toBe(textOf(all))
  })

  it('that are missing are no empty answer', async () => {
    await store(named(2))
    const { hash } = describeNamed('Nowhere__c')
    await expect(reader().read([hash])).rejects.toThrow('missing')
    await expect(joined([...named(2), describeNamed('Nowhere__c')])).rejects.toThrow('missing')
  })

  it('go, and their frame with the last of them', async () => {
    const all = named(6)
    await store(all.slice(0, 3))
    await store(all.slice(3))
    const scope = { ...rig.admin.tenant, clientId }
    const remove = (gone: readonly Described[]) =>
      rig.db.as(scope).tx((tx) =>
        deleteContents(
          tx,
          scope,
          gone.map(({ hash }) => hash),
        ),
      )
    await remove(all.slice(1, 5))
    expect(await frames()).toBe(2)
    const left = all.filter((_, i) => i === 0 || i === 5)
    expect((await joined(left)).text).toBe(textOf(left))
    await remove(all.slice(0, 1))
    expect(await frames()).toBe(1)
  })
})
