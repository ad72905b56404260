// Selectors: which clients they choose, in which order, and what they refuse.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/src/database.ts'
import { type Database, openDatabase, type Tenant } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { Secret } from '../../secret.ts'
import { createClients } from '../clients.ts'
import { seedOrg } from '../testing/tenant.ts'
import { clientSelector, type ClientSelector, selectClients } from './selectors.ts'
import { clientTags } from './tags.ts'

let database: TestDatabase
let db: Database
let tenant: Tenant
let blueprint: string
/** A client of a different org. */
let foreign: string
/** By name: gold, silver and sandbox are connected, new never was, old is inactive. */
const ids: Record<string, string> = {}

const connect = (clientId: string, environment: string, status: string) =>
  database.query(
    `insert into crm_connections (id, org_id, client_id, status, environment, provider_config_key, api_version)
     values ($1, $2, $3, $4, $5, 'salesforce', 'v66.0')`,
    [newId(), tenant.orgId, clientId, status, environment],
  )

beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: new Secret(database.url), onIdleError: () => undefined })
  const caller = await seedOrg(database)
  tenant = caller.tenant
  const clients = createClients(db)
  const other = await seedOrg(database)
  foreign = (await clients.create(other, { name: 'foreign', tags: { tier: 'gold' } })).id
  for (const [name, tags] of Object.entries<Record<string, string>>({
    gold: { tier: 'gold', region: 'emea' },
    silver: { tier: 'silver', region: 'emea' },
    sandbox: { tier: 'gold', region: 'apac' },
    new: {},
    old: { tier: 'gold', region: 'emea' },
  })) {
    ids[name] = (await clients.create(caller, { name, tags })).id
  }
  await clients.update(caller, { client_id: ids.old ?? '', is_active: false })
  await connect(ids.gold ?? '', 'sandbox', 'revoked')
  await connect(ids.gold ?? '', 'production', 'connected')
  await connect(ids.silver ?? '', 'production', 'expired')
  await connect(ids.sandbox ?? '', 'sandbox', 'connected')
  blueprint = newId()
  await database.query(
    `insert into blueprints (id, org_id, slug, name) values ($1, $2, 'sales', 'Sales')`,
    [blueprint, tenant.orgId],
  )
  await database.query(
    `insert into blueprint_bindings (id, org_id, client_id, blueprint_id) values ($1, $2, $3, $4)`,
    [newId(), tenant.orgId, ids.silver, blueprint],
  )
})
afterAll(async () => {
  await db.close()
  await database[Symbol.asyncDispose]()
})

const rows = (selector: ClientSelector, as = tenant) =>
  db.as(as).tx((tx) => selectClients(tx, as, clientSelector.parse(selector)))
const names = async (selector: ClientSelector, as?: Tenant) =>
  (await rows(selector, as)).map(({ name }) => name)
const refusal = (selector: ClientSelector) =>
  rows(selector).then(
    () => 'nothing',
    (error: { code: string; message: string; errors?: { path: string }[] }) =>
      `${error.code} ${error.errors?.[0]?.path}: ${error.message}`,
  )
const idOf = (name: string) => ids[name] ?? ''

describe('a selector', () => {
  it('chooses active clients, in the order in which they were created', async () => {
    expect(await names({ all: true })).toEqual(['gold', 'silver', 'sandbox', 'new'])
    expect(await names({ client_ids: [idOf('sandbox'), idOf('gold').toUpperCase()] })).toEqual([
      'gold',
      'sandbox',
    ])
  })

  it('chooses those for which everything in it holds', async () => {
    expect(await names({ tags: { region: 'emea' } })).toEqual(['gold', 'silver'])
    expect(await names({ tags: { region: 'emea', tier: 'gold' } })).toEqual(['gold'])
    expect(await names({ tags: { tier: 'Gold' } })).toEqual([])
    expect(await names({ environment: 'sandbox' })).toEqual(['sandbox'])
    expect(await names({ environment: 'production', tags: { tier: 'silver' } })).toEqual(['silver'])
    expect(await names({ all: true, exclude: [idOf('gold'), idOf('old')] })).toEqual([
      'silver',
      'sandbox',
      'new',
    ])
    expect(
      await names({ client_ids: [idOf('gold'), idOf('new')], tags: { tier: 'gold' } }),
    ).toEqual(['gold'])
  })

  it('chooses those that are bound to a blueprint, or to any', async () => {
    expect(await names({ bound: true })).toEqual(['silver'])
    expect(await names({ bound: blueprint })).toEqual(['silver'])
    const of = (blueprintId: string) =>
      db
        .as(tenant)
        .tx((tx) => selectClients(tx, tenant, { bound: true }, { blueprintId, path: 'targets' }))
    expect(await of(blueprint)).toHaveLength(1)
    await expect(of(newId())).rejects.toMatchObject({ code: 'not_found' })
  })

  it('says of each how it is connected', async () => {
    expect(await rows({ client_ids: [idOf('gold'), idOf('new')] })).toEqual([
      {
        client_id: idOf('gold'),
        name: 'gold',
        tags: { tier: 'gold', region: 'emea' },
        environment: 'production',
        connection_status: 'connected',
      },
      {
        client_id: idOf('new'),
        name: 'new',
        tags: {},
        environment: null,
        connection_status: null,
      },
    ])
  })

  it('names the client that is missing, another org’s or inactive, and does not tell the first two apart', async () => {
    const missing = 'not_found selector.client_ids.1: There is no such client.'
    expect(await refusal({ client_ids: [idOf('gold'), newId()] })).toBe(missing)
    expect(await refusal({ client_ids: [idOf('gold'), foreign] })).toBe(missing)
    expect(await refusal({ all: true, exclude: [foreign] })).toBe(
      'not_found selector.exclude.0: There is no such client.',
    )
    expect(await refusal({ client_ids: [idOf('old')] })).toBe(
      'client_inactive selector.client_ids.0: This client is inactive.',
    )
    expect(await refusal({ bound: newId() })).toBe(
      'not_found selector.bound: There is no such blueprint.',
    )
  })

  it('chooses no client outside the scope of the tenant', async () => {
    const one = { orgId: tenant.orgId, clientId: null, clientIds: [idOf('silver')] }
    expect(await names({ all: true }, one)).toEqual(['silver'])
  })

  it('that names nothing is refused, and so is one that only leaves out', () => {
    for (const selector of [
      {},
      { exclude: [newId()] },
      { all: false },
      { tags: {} },
      { client_ids: [] },
      { everything: true },
    ]) {
      expect(clientSelector.safeParse(selector).success, JSON.stringify(selector)).toBe(false)
    }
  })
})

describe('tags', () => {
  it('have short keys of a plain alphabet, values of one line, and an end', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']))
    const isTaken = (tags: unknown) => clientTags.safeParse(tags).success
    expect(isTaken({ tier: 'gold', 'a.b-c_1': '50 % off – é' })).toBe(true)
    expect(isTaken(many(20))).toBe(true)
    for (const tags of [
      many(21),
      { Tier: 'gold' },
      { '': 'gold' },
      { '1st': 'gold' },
      { __proto__x: 'x' },
      { [`k${'x'.repeat(50)}`]: 'v' },
      { tier: '' },
      { tier: ' ' },
      { tier: 'x'.repeat(101) },
      { tier: 'two\nlines' },
      { tier: 'half \ud800' },
      { tier: 1 },
      { tier: null },
      ['gold'],
    ]) {
      expect(isTaken(tags), JSON.stringify(tags)).toBe(false)
    }
  })
})
