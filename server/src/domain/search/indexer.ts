// Keeps the search index: what the newest complete snapshot of each client consists of. A pull calls it when
// its snapshot is complete; a sweep finds what a crash left behind, and everything that is older than the
// index. Only objects whose content has changed since the indexed snapshot are read.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { type Logger } from 'pino'
import { type Database, type Tenant, type Tx, wholeOrg } from '../../db/database.ts'
import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { type Automation } from '../topology/automations/automation.ts'
import { hashText } from '../topology/content-hash.ts'
import { type Contents, contentsOf } from '../topology/contents.ts'
import { type Manifest, readManifest } from '../topology/manifest.ts'
import { newestCompleteRow } from '../topology/snapshots.ts'
import { type Fact, factOfAutomation, factsOfObject, hashOfFact } from './facts.ts'
import { createMembership, factsOfClient, type Membership } from './sets.ts'

interface Deps {
  db: Database
  logger: Pick<Logger, 'info' | 'warn'>
}

export interface Indexer {
  /** Brings the client up to date. Safe to repeat, on several replicas at once, and after a crash. */
  update(orgId: string, clientId: string): Promise<void>
  /** Brings every client up to date that is not; what fails is logged, and tried again by the next call. */
  catchUp(signal: AbortSignal): Promise<void>
}

/** Clients that one look finds. */
const CLIENTS_A_LOOK = 100
/** Contents that are compared before their facts are written. */
const CONTENTS_A_BATCH = 64
/** How long this thread may read contents before requests get their turn. */
const TURN_MS = 10

interface Entry {
  no: number
  snapshot_id: string | null
  manifest_hash: Buffer | null
}

/** A part of a snapshot with the hash of its content on both sides; null where a side has none. */
interface Part {
  name: string
  factsOf: (content: JsonObject) => Fact[]
  before: string | null
  after: string | null
}

export const createIndexer = ({ db, logger }: Deps): Indexer => {
  const entryOf = async (reader: Pick<Tx, 'selectFrom'>, orgId: string, clientId: string) =>
    reader
      .selectFrom('search_clients')
      .select(['no', 'snapshot_id', 'manifest_hash'])
      .where('org_id', '=', orgId)
      .where('client_id', '=', clientId)
      .executeTakeFirst()

  /** What is in the index now; null if its contents are gone, so that all facts have to be compared. */
  const indexedManifest = async (
    contents: Contents,
    entry: Entry | undefined,
  ): Promise<Manifest | null> => {
    if (entry?.manifest_hash == null) return null
    const root = hashText(entry.manifest_hash)
    const present = await contents.stored([root])
    if (!present.has(root)) return null
    const manifest = await readManifest(contents, root).catch(() => null)
    if (manifest === null) return null
    const hashes = [...manifest.objects.values()].map(({ hash }) => hash)
    const all = [...hashes, ...manifest.automations.values()]
    return (await contents.stored(all)).size === new Set(all).size ? manifest : null
  }

  /** False: something else has changed the client's entry, or its newest snapshot. */
  const updateOnce = async (tenant: Tenant, clientId: string): Promise<boolean> => {
    const { orgId } = tenant
    const reader = db.as(tenant).read
    const newest = await newestCompleteRow(reader, tenant, clientId)
    if (newest?.manifest_hash == null || newest.is_indexed) return true
    const seen = await entryOf(reader, orgId, clientId)
    const contents = contentsOf(db, tenant, clientId)
    const root = newest.manifest_hash
    const isSame = seen?.manifest_hash?.equals(root) === true
    const before = isSame ? null : await indexedManifest(contents, seen)
    const after = isSame ? null : await readManifest(contents, hashText(root))
    // Facts and sets belong to the org as a whole: a client's own scope does not see them.
    return db.as(wholeOrg(orgId)).tx(async (tx) => {
      await lockIndex(tx, orgId)
      const entry = await entryOf(tx, orgId, clientId)
      if (entry?.snapshot_id !== seen?.snapshot_id) return false
      const no = entry?.no ?? (await enter(tx, orgId, clientId))
      if (after !== null) {
        const membership = await createMembership(tx, orgId, no)
        const parts = changedParts(before, after)
        if (before !== null || entry?.manifest_hash == null) {
          await compareParts(contents, parts, membership)
        } else {
          await compareAll(contents, parts, membership, await factsOfClient(tx, orgId, no))
        }
        await membership.settle()
      }
      await tx
        .updateTable('search_clients')
        .set({ snapshot_id: newest.id, manifest_hash: root })
        .where('org_id', '=', orgId)
        .where('client_id', '=', clientId)
        .execute()
      await tx
        .updateTable('crm_topology_snapshots')
        .set({ is_indexed: true })
        .where('org_id', '=', orgId)
        .where('client_id', '=', clientId)
        .where('version', '<=', newest.version)
        .where('is_indexed', '=', false)
        .execute()
      return true
    })
  }

  const update: Indexer['update'] = async (orgId, clientId) => {
    for (let tries = 0; tries < 3; tries += 1) {
      if (await updateOnce({ orgId, clientId }, clientId)) return
    }
  }

  return {
    update,

    catchUp: async (signal) => {
      const failed = new Set<string>()
      while (!signal.aborted) {
        const waiting = await db.lookup<{ org_id: string; client_id: string }>(
          'clients_to_index',
          CLIENTS_A_LOOK + failed.size,
        )
        const due = waiting.filter(({ client_id: id }) => !failed.has(id))
        if (due.length === 0) return
        for (const { org_id: orgId, client_id: clientId } of due) {
          if (signal.aborted) return
          // Whatever happens, it is tried once in this round.
          failed.add(clientId)
          await update(orgId, clientId).catch((error: unknown) => {
            logger.warn({ err: error, client_id: clientId }, 'client not indexed for search')
          })
        }
      }
    },
  }
}

/** One client of an org at a time: sets belong to all of them. */
const lockIndex = async (tx: Tx, orgId: string): Promise<void> => {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`search ${orgId}`}, 0))`.execute(tx)
}

/** The client's number in sets. */
const enter = async (tx: Tx, orgId: string, clientId: string): Promise<number> => {
  const { no } = await tx
    .insertInto('search_clients')
    .values({
      org_id: orgId,
      client_id: clientId,
      no: sql<number>`(select coalesce(max(no), 0) + 1 from search_clients where org_id = ${orgId})`,
    })
    .returning('no')
    .executeTakeFirstOrThrow()
  return no
}

/** Where the two differ, by hash alone; everything of `after` if nothing is known of before. */
const changedParts = (before: Manifest | null, after: Manifest): Part[] => {
  const parts: Part[] = []
  const add = (
    earlier: ReadonlyMap<string, string>,
    later: ReadonlyMap<string, string>,
    factsOf: (name: string) => Part['factsOf'],
  ): void => {
    for (const name of new Set([...earlier.keys(), ...later.keys()])) {
      const sides = { before: earlier.get(name) ?? null, after: later.get(name) ?? null }
      if (sides.before !== sides.after) parts.push({ name, factsOf: factsOf(name), ...sides })
    }
  }
  const objects = (manifest: Manifest | null) =>
    new Map([...(manifest?.objects ?? [])].map(([name, { hash }]) => [name, hash] as const))
  add(objects(before), objects(after), (name) => (content) => factsOfObject(name, content))
  add(before?.automations ?? new Map(), after.automations, () => (content) => [
    factOfAutomation(content as unknown as Automation),
  ])
  return parts
}

const parse = (bytes: Buffer | undefined): JsonObject | null => {
  const content: unknown = bytes === undefined ? null : JSON.parse(String(bytes))
  return isObject(content) ? content : null
}

const factsIn = (part: Part, bytes: Buffer | undefined): Map<string, Fact> => {
  const content = parse(bytes)
  return new Map(
    (content === null ? [] : part.factsOf(content)).map((fact) => [hashOfFact(fact), fact]),
  )
}

/** Calls `use` with the facts of some parts at a time. */
const eachBatch = async (
  contents: Contents,
  parts: readonly Part[],
  use: (before: Map<string, Fact>, after: Map<string, Fact>) => Promise<void>,
): Promise<void> => {
  for (let from = 0; from < parts.length; from += CONTENTS_A_BATCH) {
    const batch = parts.slice(from, from + CONTENTS_A_BATCH)
    const texts = await contents.read(
      batch.flatMap((part) => [part.before, part.after].filter((one) => one !== null)),
    )
    const before = new Map<string, Fact>()
    const after = new Map<string, Fact>()
    let turnStartedAt = performance.now()
    for (const part of batch) {
      for (const [key, fact] of factsIn(part, texts.get(part.before ?? ''))) before.set(key, fact)
      for (const [key, fact] of factsIn(part, texts.get(part.after ?? ''))) after.set(key, fact)
      if (performance.now() - turnStartedAt < TURN_MS) continue
      await nextTurn()
      turnStartedAt = performance.now()
    }
    await use(before, after)
  }
}

const compareParts = (
  contents: Contents,
  parts: readonly Part[],
  membership: Membership,
): Promise<void> =>
  eachBatch(contents, parts, async (before, after) => {
    await membership.remove([...before.keys()].filter((key) => !after.has(key)))
    await membership.add(new Map([...after].filter(([key]) => !before.has(key))))
  })

/** Where the indexed contents are gone: `present` is what the index says. */
const compareAll = async (
  contents: Contents,
  parts: readonly Part[],
  membership: Membership,
  present: Set<string>,
): Promise<void> => {
  await eachBatch(contents, parts, async (_, after) => {
    await membership.add(new Map([...after].filter(([key]) => !present.delete(key))))
  })
  await membership.remove(present)
}
