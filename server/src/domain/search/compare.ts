// One object or field over many clients: which of them have exactly the same, and how the others differ from
// what most have. From the search index alone.

import { type Selectable, sql } from 'kysely'
import { type Database, type Tenant, wholeOrg } from '../../db/database.ts'
import { type TenantTables } from '../../db/tables.ts'
import { type ClientSelector } from '../fleet/selectors.ts'
import { type PageRequest, positionCursor, positionOf } from '../page.ts'
import { type Coverage, coverageOf, type SearchedClient, searchedClients } from './clients.ts'
import { type FactKind, keyOf } from './facts.ts'
import { type Hit, toHit } from './search.ts'

export interface CompareInput extends PageRequest {
  object: string
  /** Absent: the object with everything in it. */
  field?: string | undefined
  /** Default: every active client. */
  selector?: ClientSelector | undefined
}

export interface ComparedClient {
  client_id: string
  client_name: string
  snapshot_version: number | null
}

export type CompareChange = 'added' | 'missing' | 'changed'

export interface Difference {
  kind: FactKind
  name: string
  field: string | null
  /** Seen from what most clients have. */
  change: CompareChange
  attributes: { name: string; most: unknown; found: unknown }[]
}

export interface ContentGroup {
  clients_count: number
  clients: ComparedClient[]
  /** What most clients have: the largest group. */
  is_most_common: boolean
  /** The field, or the object itself, as these clients have it. */
  content: Hit | null
  differences_count: number
  /** The first 100. */
  differences: Difference[]
}

export interface Comparison {
  totals: { present: number; absent: number; groups: number } & Coverage
  items: ContentGroup[]
  /** Clients that were searched and do not have it. */
  absent: ComparedClient[]
  next_cursor: string | null
}

const DIFFERENCES_SHOWN = 100
/** What an object consists of; automations have a content of their own. */
const OF_AN_OBJECT: FactKind[] = ['object', 'field', 'picklist_value', 'record_type']

type FactRow = Selectable<TenantTables['search_facts']>

interface SetSum {
  id: string
  clients: number[]
  /** Of the names of its facts, exclusive or: equal sums are equal contents. */
  sums: [string, string]
}

interface Group {
  key: string
  clients: (SearchedClient & { no: number })[]
}

const shown = ({ id, name, snapshot }: SearchedClient): ComparedClient => ({
  client_id: id,
  client_name: name,
  snapshot_version: snapshot?.version ?? null,
})

/** Sums of the clients over their sets; none for a client that has nothing. */
const sumsOf = (sets: readonly SetSum[]): Map<number, [bigint, bigint]> => {
  const sums = new Map<number, [bigint, bigint]>()
  for (const { clients, sums: own } of sets) {
    const [one, two] = [BigInt(own[0]), BigInt(own[1])]
    for (const no of clients) {
      const [a, b] = sums.get(no) ?? [0n, 0n]
      sums.set(no, [a ^ one, b ^ two])
    }
  }
  return sums
}

/** The largest first; of equal ones that with the first client. Clients come in their order. */
const groupsOf = (
  clients: readonly Group['clients'][number][],
  sums: ReadonlyMap<number, [bigint, bigint]>,
): Group[] => {
  const groups = new Map<string, Group>()
  for (const client of clients) {
    const key = sums.get(client.no)?.join(' ')
    if (key === undefined) continue
    const known = groups.get(key)
    if (known === undefined) groups.set(key, { key, clients: [client] })
    else known.clients.push(client)
  }
  return [...groups.values()].sort((a, b) => b.clients.length - a.clients.length)
}

/** What two facts of the same thing differ in. */
const attributesOf = (most: FactRow, found: FactRow): Difference['attributes'] => {
  const flat = (row: FactRow): Map<string, unknown> => {
    const { name, label, type, flags, formula, detail } = toHit(row)
    return new Map(
      Object.entries({ name, label, type, formula, ...flags, ...detail } as Record<
        string,
        unknown
      >),
    )
  }
  const [before, after] = [flat(most), flat(found)]
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [one, other] = [before.get(name) ?? null, after.get(name) ?? null]
    return JSON.stringify(one) === JSON.stringify(other) ? [] : [{ name, most: one, found: other }]
  })
}

const subjectOf = ({ kind, field, name_key: name }: FactRow): string =>
  JSON.stringify([kind, keyOf(field ?? ''), name])

/** By kind, then by name, as facts come. */
const differencesBetween = (most: readonly FactRow[], found: readonly FactRow[]): Difference[] => {
  const earlier = new Map(most.map((row) => [subjectOf(row), row]))
  const later = new Map(found.map((row) => [subjectOf(row), row]))
  const differences: Difference[] = []
  for (const key of [...new Set([...earlier.keys(), ...later.keys()])].sort()) {
    const [one, other] = [earlier.get(key), later.get(key)]
    const row = other ?? one
    if (row === undefined || one?.hash.equals(other?.hash ?? Buffer.alloc(0)) === true) continue
    differences.push({
      kind: row.kind,
      name: row.name,
      field: row.field,
      change: one === undefined ? 'added' : other === undefined ? 'missing' : 'changed',
      attributes: one === undefined || other === undefined ? [] : attributesOf(one, other),
    })
  }
  return differences
}

export const createComparison = (db: Database) => {
  /** As in search.ts: facts belong to the org, and what is shown is decided by the clients that the tenant sees. */
  const subject = (tenant: Tenant, { object, field }: CompareInput) => {
    const query = db
      .as(wholeOrg(tenant.orgId))
      .read.selectFrom('search_facts')
      .where('org_id', '=', tenant.orgId)
      .where('object_key', '=', keyOf(object))
    if (field === undefined) return query.where('kind', 'in', OF_AN_OBJECT)
    return query.where((facts) =>
      facts.or([
        facts.and([facts('kind', '=', 'field'), facts('name_key', '=', keyOf(field))]),
        facts.and([
          facts('kind', '=', 'picklist_value'),
          sql<boolean>`lower(search_facts.field collate "C") = ${keyOf(field)}`,
        ]),
      ]),
    )
  }

  const half = (from: number) =>
    sql<string>`bit_xor(('x' || encode(substr(hash, ${from}::integer, 8), 'hex'))::bit(64)::bigint)`

  const setsOf = async (tenant: Tenant, input: CompareInput): Promise<SetSum[]> => {
    const rows = await db
      .as(wholeOrg(tenant.orgId))
      .read.selectFrom(
        subject(tenant, input)
          .select(['set_id', half(1).as('one'), half(9).as('two')])
          .groupBy('set_id')
          .as('g'),
      )
      .innerJoin('search_sets as s', 's.id', 'g.set_id')
      .where('s.org_id', '=', tenant.orgId)
      .select(['s.id', 's.clients', 'g.one', 'g.two'])
      .execute()
    return rows.map(({ id, clients, one, two }) => ({ id, clients, sums: [one, two] }))
  }

  const factsIn = async (
    tenant: Tenant,
    input: CompareInput,
    setIds: readonly string[],
  ): Promise<FactRow[]> =>
    subject(tenant, input)
      .selectAll()
      .where('set_id', '=', sql<string>`any(${[...setIds]}::bigint[])`)
      .orderBy('kind')
      .orderBy('name_key')
      .orderBy('hash')
      .execute()

  return async (tenant: Tenant, input: CompareInput): Promise<Comparison> => {
    const position = positionOf(input, 1)
    const [clients, sets] = await Promise.all([
      searchedClients(db.as(tenant).read, tenant, input.selector),
      setsOf(tenant, input),
    ])
    const searched = clients.filter(
      (client): client is Group['clients'][number] => client.no !== null,
    )
    const sums = sumsOf(sets)
    const groups = groupsOf(searched, sums)
    const absent = searched.filter(({ no }) => !sums.has(no))
    // The key of the last group shown: a group that has gone meanwhile begins the list anew.
    const from = position === null ? 0 : groups.findIndex(({ key }) => key === position[0]) + 1
    const page = groups.slice(from, from + input.limit)
    const setsOfGroup = ({ clients: those }: Group): Set<string> => {
      const no = those[0]?.no ?? 0
      return new Set(sets.filter((set) => set.clients.includes(no)).map(({ id }) => id))
    }
    const [most] = groups
    const compared = [...(most === undefined ? [] : [most]), ...page]
    const rows = await factsIn(tenant, input, [
      ...new Set(compared.flatMap((group) => [...setsOfGroup(group)])),
    ])
    const rowsOf = (group: Group): FactRow[] => {
      const those = setsOfGroup(group)
      return rows.filter(({ set_id: id }) => those.has(id))
    }
    const common = most === undefined ? [] : rowsOf(most)
    const last = page.at(-1)
    return {
      totals: {
        present: searched.length - absent.length,
        absent: absent.length,
        groups: groups.length,
        ...coverageOf(clients),
      },
      items: page.map((group) => {
        const own = rowsOf(group)
        const content = own.find(
          ({ kind }) => kind === (input.field === undefined ? 'object' : 'field'),
        )
        const differences = group === most ? [] : differencesBetween(common, own)
        return {
          clients_count: group.clients.length,
          clients: group.clients.map(shown),
          is_most_common: group === most,
          content: content === undefined ? null : toHit(content),
          differences_count: differences.length,
          differences: differences.slice(0, DIFFERENCES_SHOWN),
        }
      }),
      absent: absent.map(shown),
      next_cursor:
        last !== undefined && from + page.length < groups.length
          ? positionCursor([last.key], input)
          : null,
    }
  }
}
