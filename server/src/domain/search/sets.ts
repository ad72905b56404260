// Facts of an org, and which clients have them. Facts that the same clients have share a set, so that a
// change of one client moves few rows: a whole set that gains or loses a client is one row, and only what
// leaves its set alone is moved. Everything here runs inside one transaction that holds the org's lock.

import { sql } from 'kysely'
import { type Tx } from '../../db/database.ts'
import { jsonOrNull } from '../../db/json.ts'
import { type Fact, factHashBytes, factHashText, keyOf, shortHash } from './facts.ts'

/** Up to here the facts of a set go to another set of the same clients, if there is one, so that both become one. */
const JOINED_MAX = 2_000
/** Rows a statement. */
const BATCH = 5_000

interface FactSet {
  id: string
  clients: number[]
  size: number
}

const keyOfClients = (clients: readonly number[]): string => shortHash(clients.join(','))

/** Facts by the set that they are in. */
type BySet = Map<string, string[]>

const note = (to: BySet, setId: string, factHash: string): void => {
  const known = to.get(setId)
  if (known === undefined) to.set(setId, [factHash])
  else known.push(factHash)
}

const chunks = function* <T>(items: readonly T[]): Generator<T[]> {
  for (let from = 0; from < items.length; from += BATCH) yield items.slice(from, from + BATCH)
}

export interface Membership {
  /** The client has these facts from now on. */
  add(facts: ReadonlyMap<string, Fact>): Promise<void>
  /** The client no longer has the facts with these hashes. */
  remove(hashes: Iterable<string>): Promise<void>
  /** Writes what sets have become. Nothing is added or removed afterwards. */
  settle(): Promise<void>
}

/** What changes about the facts of the client with this number. */
export const createMembership = async (tx: Tx, orgId: string, no: number): Promise<Membership> => {
  const joining: BySet = new Map()
  const leaving: BySet = new Map()
  let inserted = 0

  const findSets = async (keys: readonly string[]): Promise<Map<string, FactSet>> => {
    const rows = await tx
      .selectFrom('search_sets')
      .select(['id', 'clients', 'size', 'clients_key'])
      .where('org_id', '=', orgId)
      .where('clients_key', '=', sql<Buffer>`any(${keys.map(factHashBytes)}::bytea[])`)
      .orderBy('size')
      .execute()
    // Several sets may have the same clients; the largest one is kept.
    return new Map(rows.map((row) => [factHashText(row.clients_key ?? Buffer.alloc(0)), row]))
  }

  const createSets = async (
    lists: readonly (readonly number[])[],
  ): Promise<Map<string, FactSet>> => {
    if (lists.length === 0) return new Map()
    const rows = await tx
      .insertInto('search_sets')
      .values(
        lists.map((clients) => ({
          org_id: orgId,
          clients: [...clients],
          clients_key: factHashBytes(keyOfClients(clients)),
          size: 0,
        })),
      )
      .returning(['id', 'clients', 'size'])
      .execute()
    return new Map(rows.map((row) => [keyOfClients(row.clients), row]))
  }

  const ownKey = keyOfClients([no])
  const own = (await findSets([ownKey])).get(ownKey) ?? (await createSets([[no]])).get(ownKey)
  if (own === undefined) throw new Error('the set of one client was not created')

  const setsOfFacts = async (hashes: readonly string[]): Promise<Map<string, string>> => {
    const { rows } = await sql<{ hash: Buffer; set_id: string }>`
      select hash, set_id from search_facts
       where org_id = ${orgId} and hash = any(${hashes.map(factHashBytes)}::bytea[])`.execute(tx)
    return new Map(rows.map((row) => [factHashText(row.hash), row.set_id]))
  }

  /** Facts that no client of the org had. */
  const insert = async (facts: readonly (readonly [string, Fact])[]): Promise<void> => {
    const column = <T>(of: (fact: Fact, factHash: string) => T): T[] =>
      facts.map(([factHash, fact]) => of(fact, factHash))
    await sql`
      insert into search_facts (org_id, hash, set_id, flags, kind, object_key, name_key, label_key, object,
                                name, label, field, type, formula, detail)
      select ${orgId}, f.hash, ${own.id}, f.flags, f.kind, f.object_key, f.name_key, f.label_key, f.object,
             f.name, f.label, f.field, f.type, f.formula, f.detail
        from unnest(${column((_, text) => factHashBytes(text))}::bytea[],
                    ${column(({ flags }) => flags)}::integer[],
                    ${column(({ kind }) => kind)}::text[],
                    ${column(({ object }) => keyOf(object ?? ''))}::text[],
                    ${column(({ name }) => keyOf(name))}::text[],
                    ${column(({ name, label }) => keyOf(label ?? name))}::text[],
                    ${column(({ object }) => object)}::text[],
                    ${column(({ name }) => name)}::text[],
                    ${column(({ name, label }) => (label === name ? null : label))}::text[],
                    ${column(({ field }) => field)}::text[],
                    ${column(({ type }) => type)}::text[],
                    ${column(({ formula }) => formula)}::text[],
                    ${column(({ detail }) => jsonOrNull(detail))}::jsonb[])
          as f(hash, flags, kind, object_key, name_key, label_key, object, name, label, field, type, formula, detail)
       order by f.kind, f.object_key, f.name_key`.execute(tx)
    inserted += facts.length
  }

  const settle = async (): Promise<void> => {
    const changes = await resolve(await setsOf([...joining.keys(), ...leaving.keys()]))
    for (const chunk of chunks(changes.moved)) {
      await sql`
        update search_facts f set set_id = m.target
          from unnest(${chunk.map(([factHash]) => factHashBytes(factHash))}::bytea[],
                      ${chunk.map(([, target]) => target)}::bigint[]) as m(hash, target)
         where f.org_id = ${orgId} and f.hash = m.hash`.execute(tx)
    }
    for (const chunk of chunks(changes.dropped)) {
      await sql`
        delete from search_facts
         where org_id = ${orgId} and hash = any(${chunk.map(factHashBytes)}::bytea[])`.execute(tx)
    }
    const sizes = [...changes.sizes].filter(([, by]) => by !== 0)
    await sql`
      update search_sets s set size = s.size + m.by
        from unnest(${sizes.map(([id]) => id)}::bigint[], ${sizes.map(([, by]) => by)}::integer[]) as m(id, by)
       where s.org_id = ${orgId} and s.id = m.id`.execute(tx)
    for (const { id, clients } of changes.rewritten) {
      await tx
        .updateTable('search_sets')
        .set({ clients, clients_key: factHashBytes(keyOfClients(clients)) })
        .where('org_id', '=', orgId)
        .where('id', '=', id)
        .execute()
    }
    await tx.deleteFrom('search_sets').where('org_id', '=', orgId).where('size', '=', 0).execute()
  }

  const setsOf = async (ids: readonly string[]): Promise<Map<string, FactSet>> => {
    const { rows } = await sql<FactSet>`
      select id, clients, size from search_sets
       where org_id = ${orgId} and id = any(${ids}::bigint[])`.execute(tx)
    return new Map(rows.map((row) => [row.id, row]))
  }

  /** What each group of facts does: the whole set gains or loses the client, or its facts move. */
  const resolve = async (sets: ReadonlyMap<string, FactSet>) => {
    const moved: [factHash: string, target: string][] = []
    const dropped: string[] = []
    const sizes = new Map<string, number>([[own.id, inserted]])
    const resize = (id: string, by: number) => void sizes.set(id, (sizes.get(id) ?? 0) + by)
    const groups = [
      ...[...leaving].map(([id, hashes]) => ({ id, hashes, joins: false })),
      ...[...joining].map(([id, hashes]) => ({ id, hashes, joins: true })),
    ].flatMap(({ id, hashes, joins }) => {
      const set = sets.get(id)
      // Repeated after a crash, nothing changes.
      if (set === undefined || set.clients.includes(no) === joins) return []
      const clients = joins
        ? [...set.clients, no].toSorted((a, b) => a - b)
        : set.clients.filter((one) => one !== no)
      const isWhole = hashes.length === set.size
      return [{ set, hashes, clients, key: keyOfClients(clients), isWhole }]
    })
    const known = await findSets(groups.map(({ key }) => key))
    // A set that changes as a whole is no target for others, until it has changed.
    const changing = new Set<string>()
    const rewritten: FactSet[] = []
    const targets = new Map<string, FactSet>()
    const whole = groups.filter(({ isWhole, clients }) => isWhole && clients.length > 0)
    for (const { set } of whole) changing.add(set.id)
    for (const [key, set] of known) if (!changing.has(set.id)) targets.set(key, set)
    const moving = groups.filter(({ isWhole, clients, key, hashes, set }) => {
      if (clients.length === 0) return true
      if (!isWhole || (targets.has(key) && hashes.length <= JOINED_MAX)) return true
      rewritten.push({ ...set, clients })
      return false
    })
    for (const set of rewritten) {
      const key = keyOfClients(set.clients)
      if (!targets.has(key)) targets.set(key, set)
    }
    const missing = new Map(
      moving
        .filter(({ clients, key }) => clients.length > 0 && !targets.has(key))
        .map(({ clients, key }) => [key, clients]),
    )
    for (const [key, set] of await createSets([...missing.values()])) targets.set(key, set)
    for (const { set, hashes, clients, key } of moving) {
      resize(set.id, -hashes.length)
      if (clients.length === 0) {
        dropped.push(...hashes)
        continue
      }
      const target = targets.get(key)
      if (target === undefined) throw new Error('a set of the search index is missing')
      resize(target.id, hashes.length)
      for (const factHash of hashes) moved.push([factHash, target.id])
    }
    return { moved, dropped, sizes, rewritten }
  }

  return {
    add: async (facts) => {
      for (const chunk of chunks([...facts])) {
        const known = await setsOfFacts(chunk.map(([factHash]) => factHash))
        for (const [factHash, setId] of known) note(joining, setId, factHash)
        const fresh = chunk.filter(([factHash]) => !known.has(factHash))
        if (fresh.length > 0) await insert(fresh)
      }
    },
    remove: async (hashes) => {
      for (const chunk of chunks([...hashes])) {
        for (const [factHash, setId] of await setsOfFacts(chunk)) note(leaving, setId, factHash)
      }
    },
    settle,
  }
}

/** Every fact of the client, and none of its contents. */
export const factsOfClient = async (tx: Tx, orgId: string, no: number): Promise<Set<string>> => {
  const { rows } = await sql<{ hash: Buffer }>`
    select f.hash from search_facts f
     where f.org_id = ${orgId} and f.set_id = any(array(
       select s.id from search_sets s where s.org_id = ${orgId} and s.clients @> array[${no}]::integer[]))`.execute(
    tx,
  )
  return new Set(rows.map(({ hash: bytes }) => factHashText(bytes)))
}
