// Facts of an org, and which clients have them. Facts that the same clients have share a set, so that a
// change of one client moves few rows: a whole set that gains or loses a client is one row, and of a set that
// is split the smaller part is moved. Everything here runs inside one transaction that holds the org's lock.

import { type RawBuilder, sql } from 'kysely'
import { type Tx } from '../../db/database.ts'
import { json } from '../../db/json.ts'
import { type Fact, keyOf, NAME_BYTES, packNames, shortHash, unpackNames } from './facts.ts'

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

/** Names of facts by the set that they are in. */
type BySet = Map<string, string[]>

const note = (to: BySet, setId: string, names: readonly string[]): void => {
  const known = to.get(setId)
  if (known === undefined) to.set(setId, [...names])
  else for (const name of names) known.push(name)
}

const bytesOf = (name: string): Buffer => Buffer.from(name, 'latin1')

const chunks = function* <T>(items: readonly T[]): Generator<T[]> {
  for (let from = 0; from < items.length; from += BATCH) yield items.slice(from, from + BATCH)
}

/** Packed names as rows of one column, `name`. */
export const namesAsRows = (packed: Buffer): RawBuilder<unknown> =>
  sql`(select substring(p.names from at for ${sql.lit(NAME_BYTES)}) as name
        from (select ${packed}::bytea as names) p
       cross join lateral generate_series(1, octet_length(p.names), ${sql.lit(NAME_BYTES)}) at)`

export interface Membership {
  /** The client has these facts from now on. Returns those of them that no client of the org has: they are not added. */
  join(names: readonly string[]): Promise<string[]>
  /** The client has these facts from now on, and no client of the org had them. */
  enter(facts: readonly (readonly [name: string, fact: Fact])[]): Promise<void>
  /** The client no longer has these facts. */
  leave(names: readonly string[]): Promise<void>
  /** Writes what sets have become, and returns facts that no client has any more. Nothing is changed afterwards. */
  settle(): Promise<string[]>
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
      .where('clients_key', '=', sql<Buffer>`any(${keys.map(bytesOf)}::bytea[])`)
      .orderBy('size')
      .execute()
    // Several sets may have the same clients; the largest one is kept.
    return new Map(rows.map((row) => [row.clients_key?.toString('latin1') ?? '', row]))
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
          clients_key: bytesOf(keyOfClients(clients)),
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

  /** The first client of an org: no fact is known but those that it brings. */
  const isFirst =
    own.size === 0 &&
    (await tx
      .selectFrom('search_sets')
      .select('id')
      .where('org_id', '=', orgId)
      .where('id', '<>', own.id)
      .limit(1)
      .executeTakeFirst()) === undefined
  const entered = new Set<string>()

  /** Known facts by their sets. */
  const setsOfFacts = async (names: readonly string[]): Promise<BySet> => {
    const packed = packNames(names)
    const { rows } = await sql<{ set_id: string; names: Buffer }>`
      select f.set_id, string_agg(f.hash, ''::bytea) as names
        from ${namesAsRows(packed)} n
        join search_facts f on f.org_id = ${orgId} and f.hash = n.name
       group by f.set_id`.execute(tx)
    return new Map(rows.map((row) => [row.set_id, unpackNames(row.names)]))
  }

  /**
   * Facts that no client of the org had. A JSON list for each column: PostgreSQL takes six times as long to read
   * a list of objects, and arrays would be escaped value by value.
   */
  const insert = async (facts: readonly (readonly [string, Fact])[]): Promise<void> => {
    const column = (of: (fact: Fact) => unknown): RawBuilder<unknown> =>
      sql`json_array_elements_text(${json(facts.map(([, fact]) => of(fact)))}::json)`
    await sql`
      insert into search_facts (org_id, hash, set_id, flags, kind, object_key, name_key, label_key, object,
                                name, label, field, type, formula, detail)
      select ${orgId}, substring(${packNames(facts.map(([name]) => name))}::bytea
                                   from (f.no::integer - 1) * ${sql.lit(NAME_BYTES)} + 1 for ${sql.lit(NAME_BYTES)}),
             ${own.id}, f.flags::integer, f.kind, f.object_key, f.name_key, f.label_key, f.object,
             f.name, f.label, f.field, f.type, f.formula, f.detail::jsonb
        from rows from (${column(({ flags }) => flags)}, ${column(({ kind }) => kind)},
                        ${column(({ object }) => keyOf(object ?? ''))}, ${column(({ name }) => keyOf(name))},
                        ${column(({ label, name }) => keyOf(label ?? name))}, ${column(({ object }) => object)},
                        ${column(({ name }) => name)},
                        ${column(({ label, name }) => (label === name ? null : label))},
                        ${column(({ field }) => field)}, ${column(({ type }) => type)},
                        ${column(({ formula }) => formula)}, ${column(({ detail }) => detail)})
          with ordinality
          as f(flags, kind, object_key, name_key, label_key, object, name, label, field, type, formula, detail, no)
       order by f.kind, f.object_key, f.name_key`.execute(tx)
    inserted += facts.length
  }

  const settle = async (): Promise<string[]> => {
    const changes = await resolve(await setsOf([...joining.keys(), ...leaving.keys()]))
    for (const [target, names] of changes.moved) {
      await sql`
        update search_facts f set set_id = ${target} from ${namesAsRows(packNames(names))} m
         where f.org_id = ${orgId} and f.hash = m.name`.execute(tx)
    }
    if (changes.dropped.length > 0) {
      await sql`
        delete from search_facts f using ${namesAsRows(packNames(changes.dropped))} m
         where f.org_id = ${orgId} and f.hash = m.name`.execute(tx)
    }
    const sizes = [...changes.sizes].filter(([, by]) => by !== 0)
    await sql`
      update search_sets s set size = s.size + m.by
        from unnest(${sizes.map(([id]) => id)}::bigint[], ${sizes.map(([, by]) => by)}::integer[]) as m(id, by)
       where s.org_id = ${orgId} and s.id = m.id`.execute(tx)
    for (const { id, clients } of changes.rewritten) {
      await tx
        .updateTable('search_sets')
        .set({ clients, clients_key: bytesOf(keyOfClients(clients)) })
        .where('org_id', '=', orgId)
        .where('id', '=', id)
        .execute()
    }
    await tx.deleteFrom('search_sets').where('org_id', '=', orgId).where('size', '=', 0).execute()
    return changes.dropped
  }

  const setsOf = async (ids: readonly string[]): Promise<Map<string, FactSet>> => {
    const { rows } = await sql<FactSet>`
      select id, clients, size from search_sets
       where org_id = ${orgId} and id = any(${ids}::bigint[])`.execute(tx)
    return new Map(rows.map((row) => [row.id, row]))
  }

  const factsOfSet = async (id: string): Promise<string[]> => {
    const { rows } = await sql<{ names: Buffer | null }>`
      select string_agg(f.hash, ''::bytea) as names from search_facts f
       where f.org_id = ${orgId} and f.set_id = ${id}`.execute(tx)
    return rows.flatMap(({ names }) => (names === null ? [] : unpackNames(names)))
  }

  /**
   * What each group of facts does. As most of its set it stays, the set gains or loses the client, and the rest
   * moves: of two parts the smaller one, so that a fact is seldom written again. Otherwise the group moves.
   */
  const resolve = async (sets: ReadonlyMap<string, FactSet>) => {
    const moved: BySet = new Map()
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
      const mayStay = clients.length > 0 && hashes.length > set.size / 2
      return [{ set, hashes, clients, key: keyOfClients(clients), mayStay }]
    })
    const known = await findSets(groups.flatMap(({ key, set }) => [key, keyOfClients(set.clients)]))
    // A set that gains or loses the client is no target for others, until it has.
    const changing = new Set(groups.flatMap(({ set, mayStay }) => (mayStay ? [set.id] : [])))
    const targets = new Map([...known].filter(([, { id }]) => !changing.has(id)))
    const stays = new Set(
      groups.filter(
        ({ mayStay, key, hashes }) => mayStay && !(targets.has(key) && hashes.length <= JOINED_MAX),
      ),
    )
    const rewritten = groups
      .filter((group) => stays.has(group))
      .map(({ set, clients }): FactSet => ({ ...set, clients }))
    for (const set of rewritten) {
      const key = keyOfClients(set.clients)
      if (!targets.has(key)) targets.set(key, set)
    }
    const moves: { from: FactSet; names: readonly string[]; clients: readonly number[] }[] = []
    for (const group of groups) {
      const { set, hashes, clients } = group
      if (!stays.has(group)) {
        moves.push({ from: set, names: hashes, clients })
        continue
      }
      const staying = new Set(hashes)
      if (staying.size === set.size) continue
      const rest = (await factsOfSet(set.id)).filter((name) => !staying.has(name))
      moves.push({ from: set, names: rest, clients: set.clients })
    }
    const missing = new Map(
      moves
        .map(({ clients }) => [keyOfClients(clients), clients] as const)
        .filter(([key, clients]) => clients.length > 0 && !targets.has(key)),
    )
    for (const [key, set] of await createSets([...missing.values()])) targets.set(key, set)
    for (const { from, names, clients } of moves) {
      resize(from.id, -names.length)
      if (clients.length === 0) {
        for (const name of names) dropped.push(name)
        continue
      }
      const target = targets.get(keyOfClients(clients))
      if (target === undefined) throw new Error('a set of the search index is missing')
      resize(target.id, names.length)
      note(moved, target.id, names)
    }
    return { moved, dropped, sizes, rewritten }
  }

  return {
    join: async (names) => {
      if (names.length === 0) return []
      if (isFirst) return names.filter((name) => !entered.has(name))
      const known = await setsOfFacts(names)
      let found = 0
      for (const [setId, some] of known) {
        note(joining, setId, some)
        found += some.length
      }
      if (found === names.length) return []
      const present = new Set([...known.values()].flat())
      return names.filter((name) => !present.has(name))
    },
    enter: async (facts) => {
      for (const chunk of chunks(facts)) await insert(chunk)
      if (isFirst) for (const [name] of facts) entered.add(name)
    },
    leave: async (names) => {
      if (names.length === 0) return
      for (const [setId, some] of await setsOfFacts(names)) note(leaving, setId, some)
    },
    settle,
  }
}

/** Every fact of the client, and none of its contents. */
export const factsOfClient = async (tx: Tx, orgId: string, no: number): Promise<Set<string>> => {
  const { rows } = await sql<{ names: Buffer | null }>`
    select string_agg(f.hash, ''::bytea) as names from search_facts f
     where f.org_id = ${orgId} and f.set_id = any(array(
       select s.id from search_sets s where s.org_id = ${orgId} and s.clients @> array[${no}]::integer[]))`.execute(
    tx,
  )
  return new Set(rows.flatMap(({ names }) => (names === null ? [] : unpackNames(names))))
}
