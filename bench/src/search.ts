// Search over the snapshots of many clients: how long questions take, what the index takes on disk, and what
// it adds to a pull. SEARCH_CLIENTS clients (default 100) of 20,000 fields each; 500 are ten million. With
// SEARCH_DATA=FOLDER the database stays there, and is not filled again.

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Database, openDatabase, wholeOrg } from '../../server/src/db/database.ts'
import { startEmbedded } from '../../server/src/db/embedded.ts'
import { newId } from '../../server/src/db/ids.ts'
import { migrate } from '../../server/src/db/migrate.ts'
import { createHealthBoard } from '../../server/src/domain/fleet/health/board.ts'
import { createComparison } from '../../server/src/domain/search/compare.ts'
import { type Fact, FLAG_BITS, nameOfFact } from '../../server/src/domain/search/facts.ts'
import { createSearch, type SearchInput } from '../../server/src/domain/search/search.ts'
import { createMembership } from '../../server/src/domain/search/sets.ts'
import { median } from './load.ts'
import { row, type Row } from './row.ts'
import { type Site, startSite } from './site.ts'

const CLIENTS = Number(process.env.SEARCH_CLIENTS ?? 100)
/** Of 20,000: most of a Salesforce org is standard, packages and what the agency deploys everywhere. */
const FIELDS = {
  standard: 14_000,
  ofPackage: 1_500,
  packages: 5,
  installed: 2,
  blueprint: 1_500,
  own: 1_500,
}
const FIELDS_A_CLIENT =
  FIELDS.standard + FIELDS.ofPackage * FIELDS.installed + FIELDS.blueprint + FIELDS.own
const ROUNDS = 5
const POLL_MS = 20

const TYPES = [
  'string',
  'picklist',
  'double',
  'reference',
  'boolean',
  'date',
  'textarea',
  'percent',
]
const WORDS = [
  'Amount',
  'Status',
  'Region',
  'Owner',
  'Start',
  'End',
  'Rate',
  'Score',
  'Stage',
  'Code',
]

const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

const fieldOf = (object: string, name: string, i: number, custom: boolean): Fact => ({
  kind: 'field',
  object,
  name,
  field: null,
  label: name.replaceAll('_', ' ').replace(/ c$/, ''),
  type: at(TYPES, i),
  flags: (custom ? FLAG_BITS.custom : 0) + (i % 97 === 0 ? FLAG_BITS.external_id : 0),
  formula:
    i % 50 === 0 ? `IF(ISBLANK(${at(WORDS, i)}__c), 0, ${at(WORDS, i + 3)}__c * ${i})` : null,
  detail: { length: 80 + (i % 7) },
})

const valueOf = (object: string, field: string, i: number): Fact => ({
  kind: 'picklist_value',
  object,
  name: `${at(WORDS, i)} ${i}`,
  field,
  label: `${at(WORDS, i)} ${i}`,
  type: 'picklist',
  flags: FLAG_BITS.active,
  formula: null,
  detail: null,
})

const flowOf = (object: string, name: string, i: number): Fact => ({
  kind: 'automation',
  object,
  name,
  field: null,
  label: name,
  type: at(['flow', 'validation_rule', 'apex_trigger'], i),
  flags: i % 2 === 0 ? FLAG_BITS.active : 0,
  formula: null,
  detail: { events: ['create', 'update'], timing: 'before' },
})

const objectOf = (name: string): Fact => ({
  kind: 'object',
  object: name,
  name,
  field: null,
  label: name,
  type: name.endsWith('__c') ? 'custom_object' : 'standard_object',
  flags: name.endsWith('__c') ? FLAG_BITS.custom : 0,
  formula: null,
  detail: null,
})

type Facts = Map<string, Fact>

const hashed = (facts: readonly Fact[]): Facts =>
  new Map(facts.map((fact) => [nameOfFact(fact), fact]))

/** Fields, as many as asked, of 20 each, with five values for every eighth and the object itself. */
const group = (
  count: number,
  objectNamed: (n: number) => string,
  fieldNamed: (i: number) => string,
  custom: boolean,
): Fact[] =>
  Array.from({ length: count }, (_, i) => {
    const object = objectNamed(Math.floor(i / 20))
    const field = fieldOf(object, fieldNamed(i), i, custom)
    const values =
      i % 8 === 1 ? Array.from({ length: 5 }, (__, n) => valueOf(object, field.name, n)) : []
    return [...(i % 20 === 0 ? [objectOf(object)] : []), field, ...values]
  }).flat()

const shared = () => ({
  standard: hashed(
    group(
      FIELDS.standard,
      (n) => (n === 0 ? 'Account' : `Standard${n}`),
      (i) => `${at(WORDS, i)}${i}`,
      false,
    ),
  ),
  packages: Array.from({ length: FIELDS.packages }, (_, p) =>
    hashed(
      group(
        FIELDS.ofPackage,
        (n) => `pkg${p}__Thing${n}__c`,
        (i) => `pkg${p}__${at(WORDS, i)}_${i}__c`,
        true,
      ),
    ),
  ),
  // Three versions of what the agency deploys, which differ in a tenth.
  blueprints: Array.from({ length: 3 }, (_, v) =>
    hashed(
      group(
        FIELDS.blueprint,
        (n) => (n < 20 ? `Standard${n + 1}` : `Agency${n}__c`),
        (i) => `Agency_${at(WORDS, i)}_${i}__c`,
        true,
      ).map((fact, i) => (i % 10 === 0 ? { ...fact, detail: { version: v } } : fact)),
    ),
  ),
})

const ownFacts = (no: number): Facts =>
  hashed([
    ...group(
      FIELDS.own,
      (n) => (n < 10 ? at(['Account', 'Standard1', 'Standard2'], n) : `C${no}_Thing${n}__c`),
      (i) => `${at(WORDS, i)}_${no}_${i}__c`,
      true,
    ),
    ...Array.from({ length: 40 }, (_, i) =>
      flowOf(at(['Account', 'Standard1', 'Standard2'], i), `Flow_${no}_${i}`, i),
    ),
  ])

/** One org with its clients, each with a snapshot that is in the index. Returns the time for each client. */
export const fill = async (db: Database, pool: pg.Pool, orgId: string): Promise<number[]> => {
  const { standard, packages, blueprints } = shared()
  const times: number[] = []
  await pool.query(`insert into organizations (id, name, slug) values ($1, 'Bench', 'bench')`, [
    orgId,
  ])
  for (let no = 1; no <= CLIENTS; no += 1) {
    const [clientId, snapshotId, connectionId] = [newId(), newId(), newId()]
    await pool.query(`insert into clients (id, org_id, name) values ($1, $2, $3)`, [
      clientId,
      orgId,
      `Client ${no}`,
    ])
    await pool.query(
      `insert into crm_topology_snapshots (id, org_id, client_id, status, version, api_version, sfdc_org_id,
         sfdc_user_id, manifest_hash, content_hash, completed_at, is_indexed)
       values ($1, $2, $3, 'complete', 1, 'v66.0', $4, '005', '\\x00', '', now(), true)`,
      [snapshotId, orgId, clientId, `00D${no}`],
    )
    await pool.query(
      `insert into search_clients (org_id, client_id, no, snapshot_id, manifest_hash) values ($1, $2, $3, $4, '\\x00')`,
      [orgId, clientId, no, snapshotId],
    )
    await pool.query(
      `insert into crm_connections (id, org_id, client_id, status, environment, provider_config_key,
         nango_connection_id, sfdc_org_id, api_version, connected_at)
       values ($1, $2, $3, 'connected', 'production', 'salesforce', $4, $5, 'v66.0', now())`,
      [connectionId, orgId, clientId, newId(), `00D${no}`],
    )
    await pool.query(
      `insert into engine.salesforce_org_usage (sfdc_org_id, used, max) values ($1, 1000, 100000)`,
      [`00D${no}`],
    )
    await pool.query(
      `insert into audit_log (id, org_id, client_id, credential_type, action, outcome, salesforce_api_calls)
       select gen_random_uuid(), $1, $2, 'system', 'topology.pull', 'ok', 10 from generate_series(1, 20)`,
      [orgId, clientId],
    )
    const facts = new Map([
      ...standard,
      ...Array.from({ length: FIELDS.installed }, (_, k) =>
        at(packages, no * 3 + k * 2 + (no % 4)),
      ).flatMap((one) => [...one]),
      ...at(blueprints, no),
      ...ownFacts(no),
    ])
    const started = performance.now()
    await db.as(wholeOrg(orgId)).tx(async (tx) => {
      const membership = await createMembership(tx, orgId, no)
      const fresh = new Set(await membership.join([...facts.keys()]))
      await membership.enter([...facts].filter(([name]) => fresh.has(name)))
      await membership.settle()
    })
    times.push(performance.now() - started)
    if (no % 50 === 0)
      console.log(`  ${no} of ${CLIENTS} clients, the last in ${Math.round(times.at(-1) ?? 0)} ms`)
  }
  return times
}

type Question = Omit<SearchInput, 'limit'>

/** By what is special about them. `n` varies the names. */
const QUESTIONS: readonly [title: string, of: (n: number) => Question][] = [
  [
    'a standard field by name and object',
    (n) => ({ kind: 'field', object: 'account', name: `${at(WORDS, n % 20)}${n % 20}` }),
  ],
  [
    'a field that one client has',
    (n) => ({ kind: 'field', name: `${at(WORDS, n)}_${1 + (n % CLIENTS)}_${n}__c` }),
  ],
  ['the agency’s field', (n) => ({ kind: 'field', name: `agency_${at(WORDS, n)}_${n}__c` })],
  ['names that begin so', (n) => ({ kind: 'field', name: `agency_${at(WORDS, n)}_1*` })],
  [
    'names that end so, of an object',
    (n) => ({ kind: 'field', object: at(['Account', 'Standard1'], n), name: `*_${n}__c` }),
  ],
  ['names that contain', (n) => ({ kind: 'field', name: `*${at(WORDS, n)}_*${n % 10}__c` })],
  ['a label', (n) => ({ kind: 'field', label: `Agency ${at(WORDS, n)} ${n}` })],
  [
    'custom picklists of an object',
    () => ({ kind: 'field', object: 'Account', type: 'picklist', custom: true }),
  ],
  [
    'clients without a field',
    (n) => ({ kind: 'field', name: `pkg${n % 5}__amount_0__c`, missing: true }),
  ],
  ['a picklist value', (n) => ({ kind: 'picklist_value', name: `status ${n % 5}` })],
  [
    'automations of an object',
    () => ({ kind: 'automation', trigger_object: 'Account', event: 'update', active: true }),
  ],
  ['external ids', () => ({ kind: 'field', external_id: true })],
  ['a formula', (n) => ({ kind: 'field', formula: `${at(WORDS, n)}__c *` })],
  ['custom objects', () => ({ kind: 'object', custom: true })],
]

const percentile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0

const ms = (value: number) => `${Math.round(value)} ms`
const millions = (value: number) => `${(value / 1_000_000).toFixed(1)} million`

/** The org that is searched: that of a kept database, or a new one, with the times of its clients. */
const filled = async (
  db: Database,
  pool: pg.Pool,
): Promise<{ orgId: string; filling: number[] }> => {
  const { rows } = await pool.query<{ id: string; clients: number }>(
    `select o.id, (select count(*)::integer from search_clients where org_id = o.id) as clients
       from organizations o where o.slug = 'bench'`,
  )
  const [kept] = rows
  if (kept !== undefined) {
    if (kept.clients === CLIENTS) return { orgId: kept.id, filling: [] }
    throw new Error(`the kept database has ${kept.clients} clients: SEARCH_CLIENTS=${kept.clients}`)
  }
  const orgId = newId()
  const filling = await fill(db, pool, orgId)
  await pool.query(
    'vacuum analyze search_facts, search_sets, search_clients, crm_topology_snapshots, clients',
  )
  return { orgId, filling }
}

export const benchSearch = async (): Promise<Row[]> => {
  const dir = process.env.SEARCH_DATA ?? mkdtempSync(join(tmpdir(), 'sfdc-engine-x-bench-'))
  mkdirSync(dir, { recursive: true })
  chmodSync(dir, 0o755)
  const server = await startEmbedded(dir, { durable: true })
  const pool = new pg.Pool({ connectionString: server.url.reveal(), max: 2 })
  const db = openDatabase({ url: server.url, onIdleError: () => undefined })
  try {
    await migrate(server.url)
    const { orgId, filling } = await filled(db, pool)
    const { rows } = await pool.query<{ bytes: string; facts: string; sets: string }>(
      `select pg_total_relation_size('search_facts') + pg_total_relation_size('search_sets')
                + pg_total_relation_size('search_clients') as bytes,
              (select count(*) from search_facts) as facts, (select count(*) from search_sets) as sets`,
    )
    const { bytes, facts, sets } = rows[0] ?? { bytes: '0', facts: '0', sets: '0' }
    console.log(`  ${facts} facts in ${sets} sets, ${(Number(bytes) / 1024 ** 2).toFixed(0)} MB`)
    const search = createSearch(db)
    const compare = createComparison(db)
    const tenant = wholeOrg(orgId)
    const all: number[] = []
    const result: Row[] = []
    const timed = async (ask: () => Promise<unknown>): Promise<number> => {
      const started = performance.now()
      await ask()
      return performance.now() - started
    }
    const fields = CLIENTS * FIELDS_A_CLIENT
    const title = `search over ${millions(fields)} fields of ${CLIENTS} clients`
    for (const [name, of] of QUESTIONS) {
      const times: number[] = []
      for (let n = 0; n < ROUNDS * 4; n += 1) {
        times.push(await timed(() => search(tenant, { ...of(n * 7), limit: 50 })))
      }
      all.push(...times)
      console.log(`  ${name}: median ${ms(median(times))}, p95 ${ms(percentile(times, 0.95))}`)
    }
    for (const [name, question] of [
      ['every field', { kind: 'field' }],
      ['names with an a', { kind: 'field', name: '*a*' }],
    ] as const) {
      const times: number[] = []
      for (let n = 0; n < ROUNDS; n += 1)
        times.push(await timed(() => search(tenant, { ...question, limit: 50 })))
      console.log(`  (not counted) ${name}: median ${ms(median(times))}`)
    }
    const comparing: number[] = []
    for (let n = 0; n < ROUNDS; n += 1) {
      comparing.push(await timed(() => compare(tenant, { object: 'Account', limit: 50 })))
    }
    const board = createHealthBoard({
      db,
      connections: {
        get: () => {
          throw new Error('nobody asks Salesforce')
        },
      },
    })
    const looking: number[] = []
    for (let n = 0; n < ROUNDS * 4; n += 1) {
      looking.push(await timed(() => board({ tenant } as never, { limit: 50 })))
    }
    result.push(
      row(
        `health of ${CLIENTS} clients, a page of 50`,
        { figure: ms(median(looking)), against: '100 ms', ratio: median(looking) / 100 },
        { atMost: 1 },
      ),
      row(
        title,
        {
          figure: `p95 ${ms(percentile(all, 0.95))}, median ${ms(median(all))}`,
          against: '300 ms',
          ratio: percentile(all, 0.95) / 300,
        },
        { atMost: 1 },
      ),
      row(
        '… on disk',
        {
          figure: `${(Number(bytes) / fields).toFixed(1)} bytes a field`,
          against: '120 bytes',
          ratio: Number(bytes) / fields / 120,
        },
        { atMost: 1 },
      ),
      row(
        '… an object compared over all clients',
        { figure: ms(median(comparing)), against: '300 ms', ratio: median(comparing) / 300 },
        'told',
      ),
    )
    if (filling.length > 0) {
      const [first, last] = [median(filling.slice(1, 21)), median(filling.slice(-20))]
      result.push(
        row(
          '… one more client of 20,000 fields: writing its facts',
          { figure: ms(last), against: `the first 20 ${ms(first)}`, ratio: last / first },
          'told',
        ),
      )
    }
    return result
  } finally {
    await db.close()
    await pool.end()
    await server.stop()
    if (process.env.SEARCH_DATA === undefined) rmSync(dir, { recursive: true, force: true })
  }
}

interface Found {
  items: { snapshot: { version: number } }[]
}

/** One more client, whose Salesforce org has the same schema. */
const addTwin = async ({ bench, control }: Site): Promise<string> => {
  const org = 'Twin'
  await control.act('orgs/create-many', { names: [org], seed: { objects: 1000, fields: 20_000 } })
  const { id: client_id } = await bench.call<{ id: string }>('/api/clients/create', { name: org })
  const { connect_link } = await bench.call<{ connect_link: string }>('/api/connections/create', {
    client_id,
  })
  await control.authorize({ connectLink: connect_link, org })
  await bench.call('/api/connections/callback', { client_id })
  return client_id
}

/** From the end of a pull until what it brought is found. */
export const benchIndexing = async (): Promise<Row[]> => {
  await using site = await startSite([
    ...['--seed', 'large', '--objects', '1000', '--fields', '20000'],
    ...['--call-ms', '60', '--describe-ms', '15'],
  ])
  const { bench, clientId, control } = site
  const pull = async (client_id = clientId): Promise<{ version: number; ms: number }> => {
    const started = performance.now()
    for (;;) {
      const snapshot = await bench.call<{ status: string; version: number }>('/api/topology/pull', {
        client_id,
        wait_seconds: 55,
      })
      const ms = performance.now() - started
      if (snapshot.status === 'complete') return { version: snapshot.version, ms }
      if (snapshot.status === 'failed') throw new Error('the pull failed')
    }
  }
  const untilFound = async (version: number, client_id = clientId): Promise<number> => {
    const started = performance.now()
    for (;;) {
      const { items } = await bench.call<Found>('/api/fleet/search', {
        ...{ kind: 'object', name: 'Object_00000__c', limit: 1 },
        selector: { client_ids: [client_id] },
      })
      if (items[0]?.snapshot.version === version) return performance.now() - started
      await sleep(POLL_MS) // asked without a pause, the server would answer instead of indexing
    }
  }
  const first = await pull()
  const firstFound = await untilFound(first.version)
  const second = await addTwin(site)
  const twin = await pull(second)
  const twinFound = await untilFound(twin.version, second)
  for (let i = 0; i < 10; i += 1) {
    await control.act('schema/alter-field', {
      org: 'Acme',
      object: `Object_${String(i * 100).padStart(5, '0')}__c`,
      name: 'Field_000__c',
      changes: { label: `Changed ${i}` },
    })
  }
  const again = await pull()
  const againFound = await untilFound(again.version)
  return [
    row(
      'first pull of 20,000 fields: until they are found by search',
      { figure: ms(firstFound), against: `the pull ${ms(first.ms)}`, ratio: firstFound / first.ms },
      'told',
    ),
    row(
      'first pull of one more client with this schema: until they are found',
      { figure: ms(twinFound), against: `the pull ${ms(twin.ms)}`, ratio: twinFound / twin.ms },
      { atMost: 0.1 },
    ),
    row(
      're-pull, 1 % changed: until it is found by search',
      { figure: ms(againFound), against: `the pull ${ms(again.ms)}`, ratio: againFound / again.ms },
      { atMost: 0.1 },
    ),
  ]
}
