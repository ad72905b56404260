// Keeps the search index: what the newest complete snapshot of each client consists of. A pull calls it when
// its snapshot is complete; a sweep finds what a crash left behind, and everything that is older than the
// index. Of what has changed since the indexed snapshot, only contents that no client of the org had are read.

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
import { contentKey, forgetContents, keepContents, knownContents } from './dictionary.ts'
import { type Fact, factOfAutomation, factsOfObject, nameOfFact } from './facts.ts'
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

/** A content of a part of a snapshot. */
interface Side {
  hash: string
  /** In the dictionary of the org. */
  key: string
}

/** A part of a snapshot as it is indexed and as it is now; null where a side does not have it. */
interface Part {
  name: string
  factsOf: (content: JsonObject) => Fact[]
  before: Side | null
  after: Side | null
}

/** The same by the hashes of the contents. */
interface Difference extends Pick<Part, 'name' | 'factsOf'> {
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
    return readManifest(contents, root).catch(() => null)
  }

  /** Parts whose contents say the same about the schema have the same key, also in different Salesforce orgs. */
  const keyed = async (contents: Contents, parts: readonly Difference[]): Promise<Part[]> => {
    const hashes = parts.flatMap(({ before, after }) => [before, after].flatMap((one) => one ?? []))
    const gists = await contents.gists(hashes)
    const sideOf = (name: string, hash: string | null): Side | null =>
      hash === null ? null : { hash, key: contentKey(name, gists.get(hash) ?? hash) }
    return parts.map(({ name, factsOf, before, after }) => ({
      ...{ name, factsOf },
      before: sideOf(name, before),
      after: sideOf(name, after),
    }))
  }

  /** What differs from what is indexed; everything, if some of that is gone. `isWhole` says which. */
  const partsToCompare = async (
    contents: Contents,
    seen: Entry | undefined,
    after: Manifest,
  ): Promise<{ parts: Part[]; isWhole: boolean }> => {
    const before = await indexedManifest(contents, seen)
    const parts = changedParts(before, after)
    const hashes = new Set(parts.flatMap((part) => part.before ?? []))
    const isKnown = (await contents.stored([...hashes])).size === hashes.size
    if (before !== null && isKnown) return { parts: await keyed(contents, parts), isWhole: false }
    return {
      parts: await keyed(contents, changedParts(null, after)),
      isWhole: seen?.manifest_hash != null,
    }
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
    const changes = isSame
      ? null
      : await partsToCompare(contents, seen, await readManifest(contents, hashText(root)))
    // Facts and sets belong to the org as a whole: a client's own scope does not see them.
    return db.as(wholeOrg(orgId)).tx(async (tx) => {
      await lockIndex(tx, orgId)
      const entry = await entryOf(tx, orgId, clientId)
      if (entry?.snapshot_id !== seen?.snapshot_id) return false
      const no = entry?.no ?? (await enter(tx, orgId, clientId))
      if (changes !== null && changes.parts.length > 0) {
        const membership = await createMembership(tx, orgId, no)
        const present = changes.isWhole ? await factsOfClient(tx, orgId, no) : null
        const left = await compare({ tx, orgId, contents, membership, present }, changes.parts)
        const dropped = await membership.settle()
        await forgetContents(tx, orgId, present === null ? left : null, dropped)
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
const changedParts = (before: Manifest | null, after: Manifest): Difference[] => {
  const parts: Difference[] = []
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

/** Facts by their names. */
type Facts = Map<string, Fact>

const factsIn = (part: Part, bytes: Buffer | undefined): Facts => {
  const content = parse(bytes)
  return new Map(
    (content === null ? [] : part.factsOf(content)).map((fact) => [nameOfFact(fact), fact]),
  )
}

interface Comparing {
  tx: Tx
  orgId: string
  contents: Contents
  membership: Membership
  /** What the index says that the client has, where the contents that it is of are gone; otherwise null. */
  present: Set<string> | null
}

/** Facts of the contents of parts, by the keys of the contents. */
type Known = Map<string, readonly string[]>

/**
 * Moves the client into and out of the sets of all facts in which the two sides of these parts differ. Returns the
 * contents that it no longer has.
 */
const compare = async (given: Comparing, parts: readonly Part[]): Promise<Known> => {
  const { tx, orgId, contents, membership, present } = given
  const sides = parts.flatMap(({ before, after }) => [before, after])
  const known: Known = await knownContents(tx, orgId, [
    ...new Set(sides.flatMap((side) => side?.key ?? [])),
  ])
  const isKnown = (side: Side | null): boolean => side === null || known.has(side.key)
  const namesOf = (side: Side | null): readonly string[] =>
    side === null ? [] : (known.get(side.key) ?? [])
  const differences = (some: readonly Part[]) => {
    const [joining, leaving]: [string[], string[]] = [[], []]
    for (const { before, after } of some) {
      const [earlier, later] = [namesOf(before), namesOf(after)]
      const [had, has] = [new Set(earlier), new Set(later)]
      for (const name of later)
        if (!had.has(name) && present?.delete(name) !== true) joining.push(name)
      for (const name of earlier) if (!has.has(name)) leaving.push(name)
    }
    return { joining, leaving }
  }

  const familiar = parts.filter(({ before, after }) => isKnown(before) && isKnown(after))
  const { joining, leaving } = differences(familiar)
  await membership.leave(leaving)
  // What the dictionary still names and no client has: it is read like what the dictionary does not know.
  const lost = new Set(await membership.join(joining))
  const stale = familiar.filter(({ after }) => namesOf(after).some((name) => lost.has(name)))
  await enterLost(given, stale, lost)

  const strange = parts.filter(({ before, after }) => !isKnown(before) || !isKnown(after))
  for (let from = 0; from < strange.length; from += CONTENTS_A_BATCH) {
    const batch = strange.slice(from, from + CONTENTS_A_BATCH)
    const unknown = batch.flatMap((part) =>
      [part.before, part.after].flatMap((side) =>
        side === null || known.has(side.key) ? [] : [{ part, side }],
      ),
    )
    const facts = await readFacts(contents, unknown, known)
    const differing = differences(batch)
    await membership.leave(differing.leaving)
    const fresh = await membership.join(differing.joining)
    await membership.enter(fresh.map((name) => [name, required(facts, name)] as const))
    const kept = batch.flatMap(({ after }) =>
      after === null ? [] : [[after.key, namesOf(after)] as const],
    )
    await keepContents(tx, orgId, new Map(kept))
  }
  if (present !== null) await membership.leave([...present])
  return new Map(
    parts.flatMap(({ before }) =>
      before === null ? [] : [[before.key, namesOf(before)] as const],
    ),
  )
}

const required = (facts: Facts, name: string): Fact => {
  const fact = facts.get(name)
  if (fact === undefined) throw new Error('a fact of the search index is in no content')
  return fact
}

/** Facts of contents that the dictionary knows, which no client has any more. */
const enterLost = async (
  { contents, membership }: Comparing,
  parts: readonly Part[],
  lost: ReadonlySet<string>,
): Promise<void> => {
  for (let from = 0; from < parts.length; from += CONTENTS_A_BATCH) {
    const batch = parts
      .slice(from, from + CONTENTS_A_BATCH)
      .flatMap((part) => (part.after === null ? [] : [{ part, side: part.after }]))
    const facts = await readFacts(contents, batch, new Map())
    await membership.enter([...facts].filter(([name]) => lost.has(name)))
  }
}

/** Reads contents; their facts are noted under their keys. */
const readFacts = async (
  contents: Contents,
  wanted: readonly { part: Part; side: Side }[],
  known: Known,
): Promise<Facts> => {
  const texts = await contents.read([...new Set(wanted.map(({ side }) => side.hash))])
  const all: Facts = new Map()
  let turnStartedAt = performance.now()
  for (const { part, side } of wanted) {
    const facts = factsIn(part, texts.get(side.hash))
    known.set(side.key, [...facts.keys()])
    for (const [name, fact] of facts) all.set(name, fact)
    if (performance.now() - turnStartedAt < TURN_MS) continue
    await nextTurn()
    turnStartedAt = performance.now()
  }
  return all
}
