// Drift of many clients from their newest snapshots: how long a run takes, from the call to its answer.
// FLEET_CLIENTS says how many; default 500.

import pg from 'pg'
import { newId } from '../../server/src/db/ids.ts'
import { canonicalJson } from '../../server/src/domain/canonical.ts'
import { hashBytes, hashOf } from '../../server/src/domain/topology/content-hash.ts'
import { emptyManifest, encodeManifest } from '../../server/src/domain/topology/manifest.ts'
import { pack } from '../../server/src/domain/topology/store.ts'
import { type Bench, startBench } from './bench.ts'
import { cpuMs } from './processes.ts'
import { row, type Row } from './row.ts'

const CLIENTS = Number(process.env.FLEET_CLIENTS ?? 500)
const RUN_SECONDS = 10
/** Objects of a Salesforce org, of which the blueprint touches a few, and fields of each of those. */
const OBJECTS = 400
const TOUCHED = 10
const FIELDS = 150
const PLANNED = 8

const objectName = (n: number): string => `Object_${n}__c`

const fieldOf = (i: number, length: number) => ({
  ...{ name: `Field_${i}__c`, label: `Field ${i}`, type: 'string', length, custom: true },
  ...{ nillable: true, unique: false, externalId: false, calculated: false, autoNumber: false },
  ...{ inlineHelpText: null, defaultValueFormula: null, picklistValues: [], referenceTo: [] },
})

/** Every client has its own, so that none is read from a store of another. */
const describes = (client: number) =>
  Array.from({ length: OBJECTS }, (_, n) => ({
    name: objectName(n),
    label: `Object ${n} of ${client}`,
    custom: true,
    fields: Array.from({ length: n < TOUCHED ? FIELDS : 5 }, (__, i) =>
      // In one client of ten, somebody changed a field.
      fieldOf(i, client % 10 === 0 && n === 0 && i === 0 ? 90 : 40),
    ),
  }))

/** As if search had it already: a run looks at snapshots that were pulled long before. */
const storeSnapshot = async (
  pool: pg.Pool,
  orgId: string,
  clientId: string,
  client: number,
): Promise<void> => {
  const manifest = emptyManifest()
  const contents = describes(client).map((describe) => {
    const text = canonicalJson(describe)
    const content = { text, hash: hashOf(text) }
    manifest.objects.set(describe.name, { hash: content.hash, fieldsCount: describe.fields.length })
    return content
  })
  const { root, pages } = encodeManifest(manifest)
  const { body, sizeBytes, parts } = await pack([...contents, root, ...pages])
  const frameId = newId()
  await pool.query(
    `insert into topology_frames (org_id, client_id, id, body, size_bytes) values ($1, $2, $3, $4, $5)`,
    [orgId, clientId, frameId, body, sizeBytes],
  )
  await pool.query(
    `insert into topology_blobs (org_id, client_id, hash, frame_id, starts_at, size_bytes)
     select $1, $2, hash, $3, starts_at, size from unnest($4::bytea[], $5::int[], $6::int[]) as t(hash, starts_at, size)
     on conflict do nothing`,
    [
      ...[orgId, clientId, frameId, parts.map(({ hash }) => hashBytes(hash))],
      ...[parts.map(({ startsAt }) => startsAt), parts.map(({ sizeBytes: size }) => size)],
    ],
  )
  await pool.query(
    `insert into crm_topology_snapshots (id, org_id, client_id, status, version, api_version, sfdc_org_id,
       sfdc_user_id, manifest_hash, content_hash, completed_at, is_indexed)
     values ($1, $2, $3, 'complete', 1, 'v66.0', '00D000000000001AAA', '005000000000001AAA', $4, $5, now(), true)`,
    [newId(), orgId, clientId, hashBytes(root.hash), root.hash],
  )
}

const bound = async (bench: Bench): Promise<string> => {
  const { id } = await bench.call<{ id: string }>('/api/blueprints/create', { name: 'Fleet' })
  const objects = Array.from({ length: TOUCHED }, (_, n) => ({
    api_name: objectName(n),
    fields: Array.from({ length: PLANNED }, (__, i) => ({
      ...{ api_name: `Field_${i}__c`, label: `Field ${i}`, type: 'Text', length: 40 },
    })),
  }))
  await bench.call('/api/blueprints/versions/create', { blueprint_id: id, plan: { objects } })
  await bench.call('/api/blueprints/bindings/set', { blueprint_id: id, selector: { all: true } })
  return id
}

export const benchDrift = async (): Promise<Row[]> => {
  await using bench = await startBench({})
  const pool = new pg.Pool({ connectionString: bench.databaseUrl, max: 4 })
  try {
    const first = await pool.query<{ org_id: string }>('select org_id from clients where id = $1', [
      bench.tenant.clientId,
    ])
    const orgId = first.rows[0]?.org_id ?? ''
    for (let client = 0; client < CLIENTS; client += 1) {
      const id = client === 0 ? bench.tenant.clientId : newId()
      if (client > 0) {
        await pool.query('insert into clients (id, org_id, name) values ($1, $2, $3)', [
          ...[id, orgId, `Client ${client}`],
        ])
      }
      await storeSnapshot(pool, orgId, id, client)
    }
    await pool.query('analyze')
    const blueprint_id = await bound(bench)
    const [began, usedMs] = [performance.now(), cpuMs(bench.server.pid)]
    const run = await bench.call<{ counts: { in_sync: number; drifted: number } }>(
      '/api/fleet/drift/run',
      { blueprint_id },
    )
    const seconds = (performance.now() - began) / 1_000
    const ownMs = cpuMs(bench.server.pid) - usedMs
    const drifted = Math.ceil(CLIENTS / 10)
    if (run.counts.drifted !== drifted || run.counts.in_sync !== CLIENTS - drifted) {
      throw new Error(`wrong counts: ${JSON.stringify(run.counts)}`)
    }
    return [
      row(
        `drift of ${CLIENTS} clients, ${TOUCHED * PLANNED} fields each, from snapshots`,
        {
          figure: `${seconds.toFixed(2)} s`,
          against: `${RUN_SECONDS} s`,
          ratio: seconds / RUN_SECONDS,
        },
        { atMost: 1 },
      ),
      row(
        'CPU of the server for it, a client',
        {
          figure: `${(ownMs / CLIENTS).toFixed(1)} ms`,
          against: `${seconds.toFixed(2)} s in all`,
          ratio: ownMs / 1_000 / seconds,
        },
        'told',
      ),
    ]
  } finally {
    await pool.end()
  }
}
