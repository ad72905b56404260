// The index against a naive walk over the snapshots themselves: whatever the clients of an org have, and
// however it changes, a search finds exactly what a look into every newest snapshot would find.

import fc from 'fast-check'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/src/database.ts'
import { type Database, openDatabase, type Tenant } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { Secret } from '../../secret.ts'
import { seedOrg } from '../testing/tenant.ts'
import { createTopology, type Topology } from '../topology/topology.ts'
import { createComparison } from './compare.ts'
import { createIndexer } from './indexer.ts'
import { createSearch, type ClientHits, type SearchInput } from './search.ts'
import { storeSnapshot, type World } from './testing/worlds.ts'

let database: TestDatabase
let db: Database
let topology: Topology

beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: new Secret(database.url), onIdleError: () => undefined })
  topology = createTopology({ db, logger: pino({ level: 'silent' }) } as never)
})
afterAll(async () => {
  await db.close()
  await database[Symbol.asyncDispose]()
})

const addClient = async (orgId: string, name: string): Promise<string> => {
  const id = newId()
  await database.query(`insert into clients (id, org_id, name) values ($1, $2, $3)`, [
    id,
    orgId,
    name,
  ])
  return id
}

const rig = async () => {
  const { tenant } = await seedOrg(database)
  return {
    tenant,
    index: createIndexer({
      db,
      logger: {
        info: () => undefined,
        warn: (about: { err?: unknown }) => {
          throw about.err
        },
      } as never,
    }),
    search: createSearch(db),
    compare: createComparison(db),
    client: (name: string) => addClient(tenant.orgId, name),
    store: (clientId: string, world: World) => storeSnapshot(db, tenant, clientId, world),
  }
}

const searchAll = async (
  search: ReturnType<typeof createSearch>,
  tenant: Tenant,
  input: Omit<SearchInput, 'limit'>,
  limit: number,
) => {
  const items: ClientHits[] = []
  let cursor: string | undefined
  for (let page = 0; page < 500; page += 1) {
    const result = await search(tenant, { ...input, limit, cursor })
    expect(result.items.reduce((sum, { hits }) => sum + hits.length, 0)).toBeLessThanOrEqual(limit)
    for (const item of result.items) {
      const before = items.at(-1)
      if (before?.client_id === item.client_id) before.hits.push(...item.hits)
      else items.push(item)
    }
    if (result.next_cursor === null) return { totals: result.totals, items }
    cursor = result.next_cursor
  }
  throw new Error('the pages do not end')
}

// ------------------------------------------------------------------------------- random worlds

const OBJECTS = ['Account', 'Lead', 'Job__c', 'ns__Deal__c', 'Config__mdt']
const FIELDS = ['Id', 'Name', 'Status__c', 'ns__Amount__c', 'Fee_Percent__c', 'Ärger__c']

const field = fc.record({
  name: fc.constantFrom(...FIELDS),
  label: fc.constantFrom('Name', 'Status', 'Fee %', 'Gebühr_'),
  type: fc.constantFrom('string', 'picklist', 'double'),
  nillable: fc.boolean(),
  unique: fc.boolean(),
  calculatedFormula: fc.constantFrom(null, 'Salary__c * Fee__c', 'TODAY()'),
  picklistValues: fc.constantFrom(
    [],
    [
      { active: true, defaultValue: true, label: 'Open', value: 'Open' },
      { active: false, defaultValue: false, label: 'Zu', value: 'Closed' },
    ],
  ),
})

const describeArb = fc.record({
  label: fc.constantFrom('One', 'Two'),
  custom: fc.boolean(),
  fields: fc.uniqueArray(field, { selector: ({ name }) => name, maxLength: 4 }),
  recordTypeInfos: fc.constantFrom(
    [],
    [
      { active: true, developerName: 'Master', master: true, name: 'Master' },
      { active: false, developerName: 'Perm', master: false, name: 'Permanent' },
    ],
  ),
})

const automation = fc.record({
  type: fc.constantFrom('flow', 'validation_rule'),
  api_name: fc.constantFrom('Account.Rule_A', 'My_Flow'),
  label: fc.constantFrom(null, 'My flow'),
  object: fc.constantFrom(null, 'Account', 'Job__c'),
  active: fc.boolean(),
  managed: fc.constant(false),
  process_type: fc.constant(null),
  trigger: fc.constantFrom(null, {
    object: 'Account',
    events: ['create', 'update'],
    timing: 'before',
    order: null,
  }),
  definition: fc.constantFrom(null, { errorConditionFormula: 'ISBLANK(Phone)' }),
})

const world: fc.Arbitrary<World> = fc
  .record({
    objects: fc.dictionary(fc.constantFrom(...OBJECTS), describeArb, { maxKeys: 4 }),
    automations: fc.uniqueArray(automation, {
      selector: ({ type, api_name }) => `${type}/${api_name}`,
      maxLength: 2,
    }),
  })
  .map(({ objects, automations }) => ({
    objects: objects as unknown as World['objects'],
    automations: automations as unknown as World['automations'],
  }))

const sometimes = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
const filter = fc.oneof(
  fc.record({
    kind: fc.constant('field' as const),
    object: sometimes(fc.constantFrom('account', 'Job__c', '*__c', 'Nothing')),
    name: sometimes(
      fc.constantFrom('STATUS__C', 'n*', '*__c', '*a*', '*', '*_c', 'är*', 'Fee?Percent__c'),
    ),
    label: sometimes(fc.constantFrom('fee %', '*u*', 'GEBÜHR_')),
    type: sometimes(fc.constantFrom('PICKLIST', 'string')),
    required: sometimes(fc.boolean()),
    unique: sometimes(fc.boolean()),
    formula: sometimes(fc.constantFrom('fee__c', 'today')),
  }),
  fc.record({
    kind: fc.constant('object' as const),
    name: sometimes(fc.constantFrom('*__mdt', 'lead')),
    custom: sometimes(fc.boolean()),
  }),
  fc.record({
    kind: fc.constant('picklist_value' as const),
    field: sometimes(fc.constantFrom('status__c')),
    name: sometimes(fc.constantFrom('open')),
    active: sometimes(fc.boolean()),
  }),
  fc.record({ kind: fc.constant('record_type' as const), active: sometimes(fc.boolean()) }),
  fc.record({
    kind: fc.constant('automation' as const),
    trigger_object: sometimes(fc.constantFrom('Account')),
    event: sometimes(fc.constantFrom('create', 'delete')),
    formula: sometimes(fc.constantFrom('isblank(')),
    active: sometimes(fc.boolean()),
  }),
)
type Filter = (typeof filter extends fc.Arbitrary<infer T> ? T : never) & Record<string, unknown>

// ------------------------------------------------------------------------------- the naive walk

interface Seen extends Record<string, unknown> {
  object: string | null
  name: string
  label: string
}

const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

/** What one snapshot, as topology/get returns it, has of a kind. */
const walk = (
  kind: string,
  payload: { objects: Record<string, JsonObject>; automations: JsonObject[] },
): Seen[] => {
  const objects = Object.entries(payload.objects)
  const fields = objects.flatMap(([object, describe]) =>
    list(describe.fields).map((each) => ({ object, each })),
  )
  switch (kind) {
    case 'object':
      return objects.map(([object, { label, custom }]) => ({
        object,
        name: object,
        label: String(label),
        custom: custom === true,
      }))
    case 'field':
      return fields.map(({ object, each }) => ({
        object,
        name: String(each.name),
        label: String(each.label),
        type: each.type,
        required: each.nillable === false,
        unique: each.unique === true,
        formula: each.calculatedFormula,
      }))
    case 'picklist_value':
      return fields.flatMap(({ object, each }) =>
        list(each.picklistValues).map(({ value, label, active }) => ({
          object,
          field: each.name,
          name: String(value),
          label: String(label),
          active: active === true,
        })),
      )
    case 'record_type':
      return objects.flatMap(([object, describe]) =>
        list(describe.recordTypeInfos)
          .filter(({ master }) => master !== true)
          .map(({ developerName, name, active }) => ({
            object,
            name: String(developerName),
            label: String(name),
            active: active === true,
          })),
      )
    default:
      return payload.automations.map((each) => ({
        object: each.object as string | null,
        trigger_object: each.object as string | null,
        name: String(each.api_name),
        label: String(each.label ?? each.api_name),
        type: each.type,
        active: each.active === true,
        events: isObject(each.trigger) ? each.trigger.events : [],
        formula:
          each.type === 'validation_rule' && isObject(each.definition)
            ? each.definition.errorConditionFormula
            : null,
      }))
  }
}

/** What a walk saw, as text. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const like = (pattern: string, text: unknown): boolean =>
  new RegExp(
    `^${pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, (sign) => (sign === '*' ? '.*' : `\\${sign}`))}$`,
    'isu',
  ).test(textOf(text))

const isWanted = (wanted: Record<string, unknown>, seen: Seen): boolean =>
  Object.entries(wanted).every(([member, value]) => {
    if (member === 'kind' || value === undefined) return true
    if (member === 'event') return (seen.events as string[]).includes(textOf(value))
    if (member === 'formula') {
      return textOf(seen.formula).toLowerCase().includes(textOf(value).toLowerCase())
    }
    return typeof value === 'boolean' ? seen[member] === value : like(textOf(value), seen[member])
  })

const sight = ({
  object,
  name,
  field: of,
  label,
}: {
  object: string | null
  name: string
  field?: unknown
  label: unknown
}) => [object ?? '', name, of ?? '', label].join('|')

describe('the search index', () => {
  it('finds exactly what a walk over every newest snapshot finds, after any series of snapshots', async () => {
    const step = fc.record({ client: fc.nat(3), world, isIndexed: fc.boolean() })
    const run = async (
      steps: { client: number; world: World; isIndexed: boolean }[],
      filters: Filter[],
    ) => {
      const { tenant, index, search, client, store } = await rig()
      const clients = await Promise.all(['b', 'A', 'c', 'd'].map(client))
      for (const { client: at, world: next, isIndexed } of steps) {
        await store(clients[at] ?? '', next)
        if (isIndexed) await index.update(tenant.orgId, clients[at] ?? '')
      }
      await index.catchUp(new AbortController().signal)
      const payloads = new Map<string, Parameters<typeof walk>[1]>()
      for (const clientId of clients) {
        const pieces: Buffer[] = []
        const stream = await topology.get(tenant, { client_id: clientId }).catch(() => [])
        for await (const piece of stream) pieces.push(piece)
        if (pieces.length > 0)
          payloads.set(
            clientId,
            JSON.parse(Buffer.concat(pieces).toString()) as Parameters<typeof walk>[1],
          )
      }
      for (const wanted of filters) {
        const expected = new Map(
          [...payloads].map(([id, payload]) => [
            id,
            walk(wanted.kind, payload)
              .filter((seen) => isWanted(wanted, seen))
              .map(sight)
              .sort(),
          ]),
        )
        const found = await searchAll(search, tenant, wanted, 3)
        const hits = new Map(
          found.items.map(({ client_id, hits: all }) => [client_id, all.map(sight).sort()]),
        )
        expect(hits).toEqual(new Map([...expected].filter(([, all]) => all.length > 0)))
        expect(found.totals).toEqual({
          hits: [...expected.values()].flat().length,
          clients_with_hits: hits.size,
          searched: payloads.size,
          without_snapshot: clients.length - payloads.size,
          outdated: 0,
        })
        const missing = await searchAll(search, tenant, { ...wanted, missing: true }, 1)
        expect(missing.items.map(({ client_id }) => client_id).sort()).toEqual(
          [...expected]
            .filter(([, all]) => all.length === 0)
            .map(([id]) => id)
            .sort(),
        )
      }
      // Sets are as large as they say, and none is left empty.
      expect(
        await database.query(
          `select s.id from search_sets s where s.org_id = $1 and s.size <> greatest(1,
             (select count(*) from search_facts f where f.org_id = s.org_id and f.set_id = s.id))`,
          [tenant.orgId],
        ),
      ).toEqual([])
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.array(filter, { minLength: 4, maxLength: 4 }),
        (steps, filters) => run(steps, filters as Filter[]),
      ),
      { numRuns: 10 },
    )
  })

  const account = (label: string): World => ({
    objects: {
      Account: {
        label,
        custom: false,
        fields: [{ name: 'Name', label: 'Name', type: 'string', nillable: false }],
        recordTypeInfos: [],
      },
    },
    automations: [],
  })
  const left = async (orgId: string) => {
    const [row] = await database.query<{ facts: number; sets: number; contents: number }>(
      `select (select count(*)::int from search_facts where org_id = $1) as facts,
              (select count(*)::int from search_sets where org_id = $1) as sets,
              (select count(*)::int from search_contents where org_id = $1) as contents`,
      [orgId],
    )
    return row
  }

  it('stores what clients share once, forgets a client that goes, and keeps what others have', async () => {
    const { tenant, index, search, client, store } = await rig()
    const [one, other] = [await client('One'), await client('Other')]
    for (const id of [one, other]) {
      await store(id, account('Account'))
      await index.update(tenant.orgId, id)
    }
    expect(await left(tenant.orgId)).toEqual({ facts: 2, sets: 1, contents: 1 })
    await database.query('delete from search_clients where client_id = $1', [one])
    const { totals, items } = await search(tenant, { kind: 'field', limit: 10 })
    expect(totals).toMatchObject({ hits: 1, searched: 1, without_snapshot: 1 })
    expect(items.map(({ client_id: id }) => id)).toEqual([other])
    await database.query('delete from search_clients where client_id = $1', [other])
    expect(await left(tenant.orgId)).toEqual({ facts: 0, sets: 0, contents: 0 })
  })

  it('reads of one more client only what says something that no client of the org has', async () => {
    const { tenant, index, search, client, store } = await rig()
    const of = (keyPrefix: string, label = 'Account'): World => {
      const { objects, automations } = account(label)
      return { objects: { Account: { ...objects['Account'], keyPrefix } }, automations }
    }
    /** From now on nothing of the client but its manifests can be read. */
    const spoil = (id: string) =>
      database.query(
        `update topology_blobs set starts_at = 0, size_bytes = 1 where client_id = $1 and gist is not null`,
        [id],
      )
    const [one, other] = [await client('One'), await client('Other')]
    await store(one, of('001'))
    await index.update(tenant.orgId, one)
    await store(other, of('a0B'))
    await spoil(other)
    await index.update(tenant.orgId, other)
    const hits = async (label: string) =>
      (await search(tenant, { kind: 'object', label, limit: 10 })).totals.hits
    expect(await hits('Account')).toBe(2)
    expect(await left(tenant.orgId)).toEqual({ facts: 2, sets: 1, contents: 1 })
    await store(other, of('a0B', 'Firma'))
    await spoil(other)
    await expect(index.update(tenant.orgId, other)).rejects.toThrow()
    expect([await hits('Account'), await hits('Firma')]).toEqual([2, 0])
    await database.query('delete from crm_topology_snapshots where client_id = $1', [other])
  })

  it('adds a fact anew that the dictionary still names and no client has any more', async () => {
    const { tenant, index, search, client, store } = await rig()
    const [one, other] = [await client('One'), await client('Other')]
    await store(one, account('Account'))
    await index.update(tenant.orgId, one)
    await database.query('delete from search_facts where org_id = $1 and kind = $2', [
      tenant.orgId,
      'field',
    ])
    await store(other, account('Account'))
    await index.update(tenant.orgId, other)
    const { items } = await search(tenant, { kind: 'field', limit: 10 })
    expect(items.map(({ client_id: id }) => id)).toEqual([other])
  })

  it('is right again where retention has deleted what it was made from', async () => {
    const { tenant, index, search, client, store } = await rig()
    const id = await client('One')
    await store(id, account('Before'))
    await index.update(tenant.orgId, id)
    for (const table of ['crm_topology_snapshots', 'topology_blobs', 'topology_frames']) {
      await database.query(`delete from ${table} where client_id = $1`, [id])
    }
    await store(id, account('After'))
    await index.update(tenant.orgId, id)
    const labelled = async (label: string) =>
      (await search(tenant, { kind: 'object', label, limit: 10 })).totals.hits
    expect([await labelled('Before'), await labelled('After')]).toEqual([0, 1])
    expect(await left(tenant.orgId)).toEqual({ facts: 2, sets: 1, contents: 1 })
  })

  it('writes for one more client only what is different about it', async () => {
    const { tenant, index, search, client, store } = await rig()
    const of = (names: readonly string[]): World => ({
      objects: {
        Account: { label: 'Account', fields: names.map((name) => ({ name, label: 'F' })) },
      },
      automations: [],
    })
    const names = Array.from({ length: 40 }, (_, i) => `F${i}__c`)
    const [one, other] = [await client('One'), await client('Other')]
    await store(one, of(names))
    await index.update(tenant.orgId, one)
    const written = async () => {
      const rows = await database.query<{ row: string }>(
        `select encode(hash, 'hex') || ' ' || xmin as row from search_facts where org_id = $1`,
        [tenant.orgId],
      )
      return new Set(rows.map(({ row }) => row))
    }
    const before = await written()
    await store(other, of([...names.slice(1), 'Own__c']))
    await index.update(tenant.orgId, other)
    // The field that only the first one has, and the one that only the other has.
    expect((await written()).difference(before).size).toBe(2)
    const { items } = await search(tenant, { kind: 'field', limit: 100 })
    expect(items.map(({ hits_count: count }) => count)).toEqual([40, 40])
  })

  it('is planned for as many facts as an org has', async () => {
    const { tenant, index, client, store } = await rig()
    const id = await client('Large')
    const fields = Array.from({ length: 2_000 }, (_, i) => ({ name: `F${i}__c`, label: `F ${i}` }))
    await store(id, { objects: { Account: { label: 'Account', fields } }, automations: [] })
    await index.update(tenant.orgId, id)
    await database.query('analyze search_facts')
    const { rows } = await db.as(tenant).tx((tx) =>
      sql<{
        'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }]
      }>`explain (format json) select set_id from search_facts where org_id = ${tenant.orgId}`.execute(
        tx,
      ),
    )
    expect(rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows']).toBeGreaterThan(1_000)
  })

  it('shows a caller who is confined to clients only theirs, and the runtime role in their scope nothing', async () => {
    const { tenant, index, search, compare, client, store } = await rig()
    const [one, other] = [await client('One'), await client('Other')]
    await store(one, account('Account'))
    await store(other, account('Firma'))
    await index.catchUp(new AbortController().signal)
    const confined: Tenant = { ...tenant, clientIds: [one] }
    const { totals, items } = await search(confined, { kind: 'object', limit: 10 })
    expect(totals).toMatchObject({ hits: 1, searched: 1, without_snapshot: 0 })
    expect(items.map(({ client_id: id, hits }) => [id, hits[0]?.label])).toEqual([[one, 'Account']])
    const compared = await compare(confined, { object: 'account', limit: 10 })
    expect(compared.items.flatMap(({ clients }) => clients.map(({ client_id: id }) => id))).toEqual(
      [one],
    )
    for (const scope of [confined, { orgId: tenant.orgId, clientId: one }, (await rig()).tenant]) {
      for (const table of ['search_facts', 'search_sets', 'search_contents'] as const) {
        expect(await db.as(scope).read.selectFrom(table).select('org_id').execute()).toEqual([])
      }
    }
  })
})
