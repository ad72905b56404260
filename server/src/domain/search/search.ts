// Search over the newest complete snapshots of many clients, from the index alone: no snapshot is opened and
// Salesforce is not called.

import { type Selectable, sql } from 'kysely'
import { type Database, type Tenant, wholeOrg } from '../../db/database.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type ClientSelector } from '../fleet/selectors.ts'
import { type PageRequest, positionCursor, positionOf } from '../page.ts'
import {
  comesBefore,
  type Coverage,
  coverageOf,
  type SearchedClient,
  searchedClients,
  type SearchedSnapshot,
} from './clients.ts'
import { type FactKind, FLAG_BITS, FLAGS_OF } from './facts.ts'
import { checkFilter, conditionsOf, type SearchFilter } from './filter.ts'

export interface SearchInput extends SearchFilter, PageRequest {
  /** Default: every active client. */
  selector?: ClientSelector | undefined
  /** The clients in which nothing is found. */
  missing?: boolean | undefined
}

export interface Hit {
  kind: FactKind
  object: string | null
  name: string
  field: string | null
  label: string | null
  type: string
  flags: Record<string, boolean>
  formula: string | null
  detail: Record<string, unknown> | null
}

export interface ClientHits {
  client_id: string
  client_name: string
  snapshot: SearchedSnapshot | null
  /** On all pages. */
  hits_count: number
  /** Those of this page; a client with many goes on on the next one. */
  hits: Hit[]
}

export interface SearchResult {
  totals: { hits: number; clients_with_hits: number } & Coverage
  items: ClientHits[]
  next_cursor: string | null
}

type FactRow = Selectable<TenantTables['search_facts']>

const COLUMNS = [
  'hash',
  'set_id',
  'kind',
  'object_key',
  'name_key',
  'object',
  'name',
  'field',
  'label',
  'type',
  'flags',
  'formula',
  'detail',
] as const

export const toHit = (row: Pick<FactRow, (typeof COLUMNS)[number]>): Hit => ({
  kind: row.kind,
  object: row.object,
  name: row.name,
  field: row.field,
  label: row.label ?? row.name,
  type: row.type,
  flags: Object.fromEntries(
    FLAGS_OF[row.kind].map((flag) => [flag, (row.flags & FLAG_BITS[flag]) !== 0]),
  ),
  formula: row.formula,
  detail: row.detail,
})

/** Facts that were found and are in the same set. */
export interface FoundSet {
  id: string
  /** How many of its facts were found. */
  found: number
  clients: number[]
}

/** Where a page ended: the client, how many of its hits were shown, and the last of them. */
interface Position {
  name: string
  id: string
  shown: number
  last: Pick<FactRow, 'object_key' | 'name_key' | 'hash'>
}

/** What of a client's hits is on the page. */
interface Part {
  client: SearchedClient & { no: number }
  after: Position['last'] | null
  shownBefore: number
  take: number
}

export const createSearch = (db: Database) => {
  /**
   * Facts and sets belong to the org as a whole: which client has a fact is decided here, by the clients that
   * the tenant sees under its own scope.
   */
  const facts = (tenant: Tenant) => db.as(wholeOrg(tenant.orgId)).read

  const matching = (tenant: Tenant, filter: SearchFilter) =>
    facts(tenant)
      .selectFrom('search_facts')
      .where('org_id', '=', tenant.orgId)
      .where((facts) => facts.and(conditionsOf(filter, facts)))

  /** One statement, so that facts and sets are of the same moment. */
  const findSets = async (tenant: Tenant, filter: SearchFilter): Promise<FoundSet[]> =>
    facts(tenant)
      .selectFrom(
        matching(tenant, filter)
          .select(['set_id', sql<number>`count(*)::integer`.as('found')])
          .groupBy('set_id')
          .as('g'),
      )
      .innerJoin('search_sets as s', 's.id', 'g.set_id')
      .where('s.org_id', '=', tenant.orgId)
      .select(['s.id', 's.clients', 'g.found'])
      .execute()

  /** The facts of each part, in order. */
  const hitsOf = async (
    tenant: Tenant,
    filter: SearchFilter,
    sets: readonly FoundSet[],
    parts: readonly Part[],
  ): Promise<FactRow[][]> => {
    const hits = new Map<number, FactRow[]>(parts.map(({ client }) => [client.no, []]))
    const collect = async (some: readonly Part[], isWhole: boolean): Promise<void> => {
      if (some.length === 0) return
      const wanted = new Set(some.map(({ client }) => client.no))
      const clientsOf = new Map(
        sets.flatMap(({ id, clients }) => {
          const those = clients.filter((no) => wanted.has(no))
          return those.length === 0 ? [] : [[id, those] as const]
        }),
      )
      let query = matching(tenant, filter)
        .select(COLUMNS)
        .where('set_id', '=', sql<string>`any(${[...clientsOf.keys()]}::bigint[])`)
        .orderBy('object_key')
        .orderBy('name_key')
        .orderBy('hash')
      const [first] = some
      if (!isWhole && first !== undefined) {
        query = query.limit(first.take)
        if (first.after !== null) {
          const { object_key: object, name_key: name, hash } = first.after
          query = query.where(
            sql<boolean>`(object_key, name_key, hash) > (${object}, ${name}, ${hash})`,
          )
        }
      }
      for (const row of await query.execute()) {
        for (const no of clientsOf.get(row.set_id) ?? []) hits.get(no)?.push(row as FactRow)
      }
    }
    const isPartial = ({ client, after, take }: Part): boolean =>
      after !== null || take < foundIn(sets, client.no)
    await Promise.all([
      collect(
        parts.filter((part) => !isPartial(part)),
        true,
      ),
      ...parts.filter(isPartial).map((part) => collect([part], false)),
    ])
    return parts.map(({ client }) => hits.get(client.no) ?? [])
  }

  return async (tenant: Tenant, input: SearchInput): Promise<SearchResult> => {
    const { selector, missing = false, limit, cursor: _cursor, ...filter } = input
    checkFilter(filter)
    const position = readPosition(input)
    const [clients, sets] = await Promise.all([
      searchedClients(db.as(tenant).read, tenant, selector),
      findSets(tenant, filter),
    ])
    const counts = countsOf(sets)
    const searched = clients.filter((client): client is Part['client'] => client.no !== null)
    const withHits = searched.filter(({ no }) => counts.has(no))
    const totals = {
      hits: withHits.reduce((sum, { no }) => sum + (counts.get(no) ?? 0), 0),
      clients_with_hits: withHits.length,
      ...coverageOf(clients),
    }
    if (missing) {
      const without = searched
        .filter(({ no }) => !counts.has(no))
        .filter((client) => position === null || comesBefore(position, client))
      const page = without.slice(0, limit)
      const last = page.at(-1)
      return {
        totals,
        items: page.map((client) => itemOf(client, 0, [])),
        next_cursor:
          without.length > limit && last !== undefined
            ? positionCursor([last.name, last.id, '0', '', '', ''], input)
            : null,
      }
    }
    const parts = partsOf(withHits, counts, position, limit)
    const found = await hitsOf(tenant, filter, sets, parts)
    return {
      totals,
      items: parts.map(({ client }, index) =>
        itemOf(client, counts.get(client.no) ?? 0, (found[index] ?? []).map(toHit)),
      ),
      next_cursor: nextCursor(input, withHits, counts, parts, found),
    }
  }
}

const foundIn = (sets: readonly FoundSet[], no: number): number =>
  sets.reduce((sum, { clients, found }) => sum + (clients.includes(no) ? found : 0), 0)

/** Hits by the number of the client. */
const countsOf = (sets: readonly FoundSet[]): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const { clients, found } of sets) {
    for (const no of clients) counts.set(no, (counts.get(no) ?? 0) + found)
  }
  return counts
}

const itemOf = (client: SearchedClient, count: number, hits: Hit[]): ClientHits => ({
  client_id: client.id,
  client_name: client.name,
  snapshot: client.snapshot,
  hits_count: count,
  hits,
})

const readPosition = (input: SearchInput): Position | null => {
  const [name, id, shown, object, member, hash] = positionOf(input, 6) ?? []
  if (name === undefined || id === undefined) return null
  return {
    name,
    id,
    shown: Number(shown),
    last: {
      object_key: object ?? '',
      name_key: member ?? '',
      hash: Buffer.from(hash ?? '', 'hex'),
    },
  }
}

/** The clients of the page, and how many hits of each; `limit` hits at most. */
const partsOf = (
  clients: readonly Part['client'][],
  counts: ReadonlyMap<number, number>,
  position: Position | null,
  limit: number,
): Part[] => {
  const parts: Part[] = []
  let room = limit
  for (const client of clients) {
    if (room === 0) break
    if (position !== null && comesBefore(client, position)) continue
    const goesOn = position?.id === client.id && position.name === client.name
    const shownBefore = goesOn ? position.shown : 0
    const take = Math.min(room, (counts.get(client.no) ?? 0) - shownBefore)
    if (take <= 0) continue
    parts.push({ client, after: goesOn ? position.last : null, shownBefore, take })
    room -= take
  }
  return parts
}

/** Null if the page shows the end of the last client. */
const nextCursor = (
  input: SearchInput,
  clients: readonly SearchedClient[],
  counts: ReadonlyMap<number, number>,
  parts: readonly Part[],
  found: readonly FactRow[][],
): string | null => {
  const [part, rows] = [parts.at(-1), found.at(-1)]
  const last = rows?.at(-1)
  if (part === undefined || last === undefined || rows === undefined) return null
  const shown = part.shownBefore + rows.length
  const isEnd = clients.at(-1)?.id === part.client.id && shown >= (counts.get(part.client.no) ?? 0)
  if (isEnd) return null
  const { name, id } = part.client
  const { object_key: object, name_key: member, hash } = last
  return positionCursor([name, id, String(shown), object, member, hash.toString('hex')], input)
}
