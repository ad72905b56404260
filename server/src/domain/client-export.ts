// Everything that we hold of a client, as lines of JSON. Pages are read in short transactions in the
// client's own scope, so that memory stays small and no connection waits for a slow reader; what changes
// meanwhile may be in it or not. No secret is in it: tokens are at Nango, and what stands for a
// credential here (a hash) is left out.

import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { sql, type RawBuilder } from 'kysely'
import { type Database, type Tenant } from '../db/database.ts'
import { type TenantTables } from '../db/tables.ts'
import { actorOf, audit } from './audit.ts'
import { type Caller } from './caller.ts'
import { requireClient } from './clients.ts'
import { hashText } from './topology/content-hash.ts'
import { type Contents, contentsOf } from './topology/contents.ts'

/** Counts up when a reader of older exports would misread a new one. */
const FORMAT = 1
const PAGE_ROWS = 500
/** Rows that may be megabytes each. */
const LARGE_ROWS = 20
/** Each page inflates the frames of its contents, so the pages are longer. */
const CONTENT_ROWS = 200
/** Owners whose rows are read together. */
const OWNERS = 100

interface Held {
  /** What a line calls it. */
  kind: string
  table: keyof TenantTables
  /** Identifies a row within the client; pages follow it. */
  key: readonly [string, ...string[]]
  /** Whose rows they are, by the first column of the key, where the client alone finds them slowly. */
  owner?: keyof TenantTables
  /** Columns left out: hashes of credentials and of bodies, and leases. */
  hidden?: readonly string[]
  /** Columns of compressed JSON. */
  packed?: readonly string[]
  /** Contents of snapshots: their `body` comes from the frame that holds it. */
  isContent?: boolean
  /** Rows a page. */
  rows?: number
}

/** Every table with a client_id, and the tokens of the client's users. A test knows all tables. */
export const HELD: readonly Held[] = [
  { kind: 'client', table: 'clients', key: ['id'] },
  { kind: 'user', table: 'users', key: ['id'], hidden: ['password_hash'] },
  { kind: 'api_token', table: 'api_tokens', key: ['id'], hidden: ['token_hash'] },
  { kind: 'session', table: 'login_sessions', key: ['id'] },
  {
    kind: 'connection',
    table: 'crm_connections',
    key: ['id'],
    hidden: ['refresh_lease_holder', 'refresh_lease_until'],
  },
  { kind: 'connection_attempt', table: 'connection_attempts', key: ['id'] },
  { kind: 'snapshot', table: 'crm_topology_snapshots', key: ['id'] },
  { kind: 'reconsent', table: 'reconsent_clients', key: ['id'] },
  { kind: 'search_entry', table: 'search_clients', key: ['client_id'] },
  {
    kind: 'snapshot_content',
    table: 'topology_blobs',
    key: ['hash'],
    hidden: ['frame_id', 'starts_at'],
    isContent: true,
    rows: CONTENT_ROWS,
  },
  // What is in it is exported content by content.
  { kind: 'snapshot_frame', table: 'topology_frames', key: ['id'], hidden: ['body'] },
  { kind: 'snapshot_validator', table: 'topology_validators', key: ['kind', 'name'] },
  {
    kind: 'pull_item',
    table: 'topology_pull_items',
    key: ['snapshot_id', 'kind', 'name'],
    owner: 'crm_topology_snapshots',
  },
  { kind: 'conflict_report', table: 'crm_conflict_reports', key: ['id'], rows: LARGE_ROWS },
  { kind: 'blueprint_binding', table: 'blueprint_bindings', key: ['id'] },
  { kind: 'drift_result', table: 'fleet_drift_results', key: ['id'], rows: LARGE_ROWS },
  { kind: 'drift_reading', table: 'fleet_readings', key: ['client_id'], rows: LARGE_ROWS },
  { kind: 'deployment', table: 'crm_deployments', key: ['id'], rows: LARGE_ROWS },
  {
    kind: 'deployment_run',
    table: 'deployment_runs',
    key: ['deployment_id', 'id'],
    owner: 'crm_deployments',
    rows: LARGE_ROWS,
  },
  {
    kind: 'deployment_component',
    table: 'deployment_components',
    key: ['deployment_id', 'position'],
    owner: 'crm_deployments',
  },
  {
    kind: 'deployment_image',
    table: 'deployment_images',
    key: ['deployment_id', 'moment', 'kind', 'name'],
    owner: 'crm_deployments',
    rows: LARGE_ROWS,
  },
  { kind: 'mapping', table: 'crm_field_mappings', key: ['id'] },
  {
    kind: 'mapping_version',
    table: 'field_mapping_versions',
    key: ['mapping_id', 'version'],
    owner: 'crm_field_mappings',
  },
  { kind: 'push', table: 'crm_push_logs', key: ['id'], hidden: ['content_hash'] },
  { kind: 'push_lane', table: 'push_lanes', key: ['push_id', 'lane'], owner: 'crm_push_logs' },
  {
    kind: 'push_input',
    table: 'push_rows',
    key: ['push_id', 'block_no'],
    owner: 'crm_push_logs',
    packed: ['ready', 'source'],
    rows: LARGE_ROWS,
  },
  {
    kind: 'push_chunk',
    table: 'push_chunks',
    key: ['push_id', 'seq'],
    owner: 'crm_push_logs',
    hidden: ['lease_holder', 'lease_until'],
  },
  {
    kind: 'push_results',
    table: 'push_results',
    key: ['push_id', 'block_no'],
    owner: 'crm_push_logs',
    packed: ['body'],
    rows: LARGE_ROWS,
  },
  {
    kind: 'rollout_target',
    table: 'rollout_targets',
    key: ['id'],
    hidden: ['claim', 'claimed_until'],
  },
  { kind: 'event', table: 'events', key: ['id'] },
  { kind: 'event_sequence', table: 'event_sequences', key: ['client_id'] },
  {
    kind: 'webhook_delivery',
    table: 'webhook_deliveries',
    key: ['id'],
    hidden: ['lease_holder', 'lease_until'],
  },
  { kind: 'offboarding', table: 'offboardings', key: ['id'], rows: LARGE_ROWS },
  { kind: 'purge', table: 'purges', key: ['id'] },
  { kind: 'approval', table: 'approvals', key: ['id'], hidden: ['request_hash'] },
  { kind: 'audit', table: 'audit_log', key: ['id'] },
  {
    kind: 'idempotency_key',
    table: 'idempotency_keys',
    key: ['user_id', 'method', 'path', 'key'],
    hidden: ['body_hash', 'holder', 'response_body'],
  },
]

type Row = Record<string, unknown>

/** Which rows of a table: an org's, of one client of it. */
interface Scope {
  tenant: Tenant
  clientId: string
}

const decompress = promisify<Buffer, Buffer>(zstdDecompress)

/**
 * The lines of a client's data: a header with the format, then a line for each row, then one that says
 * how many of each kind there were. Without that last line, an export is cut. Throws `not_found` before
 * the first line; writes an audit row.
 */
export const exportClient = async (
  db: Database,
  caller: Caller,
  clientId: string,
): Promise<AsyncIterable<Buffer>> => {
  await db.as(caller.tenant).tx(async (tx) => {
    await requireClient(tx, caller.tenant, clientId)
    await audit(tx, actorOf(caller), {
      action: 'client.export',
      clientId,
      targetType: 'client',
      targetId: clientId,
    })
  })
  return linesOf(db, { tenant: { ...caller.tenant, clientId }, clientId })
}

async function* linesOf(db: Database, scope: Scope): AsyncGenerator<Buffer, void, undefined> {
  const line = (kind: string, data: unknown) => Buffer.from(`${JSON.stringify({ kind, data })}\n`)
  const exportedAt = new Date().toISOString()
  yield line('export', { format: FORMAT, client_id: scope.clientId, exported_at: exportedAt })
  const counts: Record<string, number> = {}
  const contents = contentsOf(db, scope.tenant, scope.clientId)
  for (const held of HELD) {
    counts[held.kind] = 0
    for await (const rows of pagesOf(db, scope, held)) {
      counts[held.kind] = (counts[held.kind] ?? 0) + rows.length
      const bodies = held.isContent === true ? await bodiesOf(contents, rows) : new Map()
      const texts = await Promise.all(rows.map((row) => textOf(held, row, bodies)))
      yield Buffer.from(texts.map((data) => `{"kind":"${held.kind}","data":${data}}\n`).join(''))
    }
  }
  yield line('complete', { counts })
}

/** Never empty ones. */
async function* pagesOf(
  db: Database,
  scope: Scope,
  held: Held,
): AsyncGenerator<Row[], void, undefined> {
  if (held.owner === undefined) {
    yield* pagesWhere(db, scope, held, null)
    return
  }
  const owners: Held = { kind: '', table: held.owner, key: ['id'], rows: OWNERS }
  for await (const rows of pagesWhere(db, scope, owners, null, sql`id`)) {
    yield* pagesWhere(
      db,
      scope,
      held,
      rows.map(({ id }) => id),
    )
  }
}

async function* pagesWhere(
  db: Database,
  scope: Scope,
  { table, key, rows: limit = PAGE_ROWS }: Held,
  owners: unknown[] | null,
  columns: RawBuilder<unknown> = sql`*`,
): AsyncGenerator<Row[], void, undefined> {
  const refs = sql.join(key.map((column) => sql.ref(column)))
  let after: unknown[] | null = null
  for (;;) {
    const rows: Row[] = await read(db, scope, table, (from) => {
      const owned = owners === null ? sql`true` : sql`${sql.ref(key[0])} = any(${owners})`
      const later = after === null ? sql`true` : sql`(${refs}) > (${sql.join(after)})`
      return sql<Row>`select ${columns} from ${from} and ${owned} and ${later}
                       order by ${refs} limit ${limit}`
    })
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    if (rows.length < limit) return
    after = key.map((column) => last[column])
  }
}

/** `from` is the table and the condition that its rows are the client's. */
const read = async (
  db: Database,
  { tenant, clientId }: Scope,
  table: keyof TenantTables,
  query: (from: RawBuilder<unknown>) => RawBuilder<Row>,
): Promise<Row[]> => {
  const { orgId } = tenant
  // Tokens belong to users: in the scope of a client nobody sees them.
  const scope = table === 'api_tokens' ? { ...tenant, clientId: null } : tenant
  const own =
    table === 'clients'
      ? sql`id = ${clientId}`
      : table === 'api_tokens'
        ? sql`user_id in (select id from users where org_id = ${orgId} and client_id = ${clientId})`
        : sql`client_id = ${clientId}`
  const from = sql`${sql.table(table)} where org_id = ${orgId} and ${own}`
  const { rows } = await db.as(scope).tx((tx) => query(from).execute(tx))
  return rows
}

/** JSON texts by row. */
type Bodies = ReadonlyMap<Row, Buffer>

const bodiesOf = async (contents: Contents, rows: readonly Row[]): Promise<Bodies> => {
  const hashOf = ({ hash }: Row): string => (Buffer.isBuffer(hash) ? hashText(hash) : '')
  const texts = await contents.read(rows.map(hashOf))
  return new Map(
    rows.flatMap((row) => {
      const text = texts.get(hashOf(row))
      return text === undefined ? [] : [[row, text] as const]
    }),
  )
}

/** The row as JSON. What is stored as JSON text is copied, with all digits of its numbers. */
const textOf = async (
  { hidden = [], packed = [] }: Held,
  row: Row,
  bodies: Bodies,
): Promise<string> => {
  const members: string[] = []
  for (const [column, value] of Object.entries(row)) {
    if (hidden.includes(column)) continue
    const body = column === 'body' ? bodies.get(row) : undefined
    const text =
      body !== undefined
        ? body.toString()
        : Buffer.isBuffer(value) && packed.includes(column)
          ? // On one line: what is stored may have line breaks between its values.
            (await decompress(value)).toString().replaceAll('\n', '')
          : JSON.stringify(Buffer.isBuffer(value) ? value.toString('hex') : value)
    members.push(`${JSON.stringify(column)}:${text}`)
  }
  return `{${members.join(',')}}`
}
