// `clients/export`: everything that is stored of a client, nothing of anybody else, no secret.

import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { HELD } from '../../server/src/domain/client-export.ts'
import { linesOf } from './api.ts'
import { PASSWORD, type TestClient, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

interface Line {
  kind: string
  data: Record<string, unknown>
}

let rig: SharedRig
let org: TestOrg
let client: TestClient
let neighbour: TestClient
let secrets: string[]

/** A push of it fails, and keeps its input for a retry. */
const NO_LEAD = '00Q000000000001AAA'
const PLAN = {
  objects: [
    { api_name: 'Lead', fields: [{ api_name: 'Held__c', label: 'Held', type: 'Checkbox' }] },
  ],
}

/** Rows in as many tables as the API fills. */
const fill = async (of: TestClient, salesforceOrg: string): Promise<void> => {
  await of.connect(salesforceOrg)
  await of.pull()
  const by = { client_id: of.id, wait_seconds: 55 }
  const done = async (path: string, body: object) => {
    const answer = await org.api.post<{ id: string }>(path, body, {
      'idempotency-key': randomUUID(),
    })
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    return answer.body.id
  }
  // Nothing listens there; disabled below, so that nothing changes any more.
  const endpoint_id = await done('/api/webhook-endpoints/create', {
    url: 'http://127.0.0.1:9/never',
    client_ids: [of.id],
    event_types: ['conflicts.checked'],
  })
  await done('/api/conflicts/check', { ...by, plan: PLAN })
  await done('/api/webhook-endpoints/update', { endpoint_id, status: 'disabled' })
  await done('/api/deploy/custom-objects', { ...by, plan: PLAN })
  await done('/api/mappings/create', {
    client_id: of.id,
    canonical_object: 'lead',
    sfdc_object: 'Lead',
    fields: [
      { canonical_field: 'name', sfdc_field: 'LastName' },
      { canonical_field: 'company', sfdc_field: 'Company' },
    ],
  })
  await done('/api/push/status-update', {
    ...by,
    object: 'lead',
    updates: [{ match: { id: NO_LEAD }, fields: { name: 'Kept' } }],
  })
  await done('/api/fleet/rollouts/create', { plan: PLAN, targets: { client_ids: [of.id] } })
  const user = await org.user('company_admin', of.id)
  const token = await org.api.post<{ token: string }>('/api/tokens/create', {
    name: 'held',
    user_id: user.id,
  })
  secrets.push(user.session, token.body.token)
  await fillWhatWorkFills(of, user.id)
}

/** Tables that are filled only while work is under way or asked for, and keys of company users. */
const fillWhatWorkFills = async (of: TestClient, userId: string): Promise<void> => {
  const rows = (text: string) => rig.query(text, [org.id, of.id])
  const newest = (table: string) =>
    `(select id from ${table} where org_id = $1 and client_id = $2 order by id desc limit 1)`
  await rows(
    `insert into topology_pull_items (org_id, client_id, snapshot_id, kind, name)
     values ($1, $2, ${newest('crm_topology_snapshots')}, 'object', 'Lead')`,
  )
  await rows(
    `insert into push_lanes (id, org_id, client_id, push_id, lane)
     values (gen_random_uuid(), $1, $2, ${newest('crm_push_logs')}, 7)`,
  )
  await rows(
    `insert into push_chunks (org_id, client_id, push_id, seq, rows, state)
     values ($1, $2, ${newest('crm_push_logs')}, 7, 1, 'done')`,
  )
  await rows(
    `insert into approvals (id, org_id, client_id, token_id, action, request_hash, bound, summary, expires_at)
     select gen_random_uuid(), $1, $2, id, 'deployRollback', '\\x00', '{}', '[]', now()
       from api_tokens where org_id = $1 limit 1`,
  )
  await rows(
    `insert into blueprints (id, org_id, slug, name) values ($2::uuid, $1, ($2::uuid)::text, 'Held')`,
  )
  await rows(
    `insert into blueprint_bindings (id, org_id, client_id, blueprint_id)
     values (gen_random_uuid(), $1, $2, $2)`,
  )
  await rows(
    `with campaign as (insert into reconsent_campaigns (id, org_id, name)
       values (gen_random_uuid(), $1, 'Held') returning id)
     insert into reconsent_clients (id, org_id, client_id, campaign_id, reason)
     select gen_random_uuid(), $1, $2, id, 'app_rules' from campaign`,
  )
  await rows(
    `with run as (insert into fleet_drift_runs (id, org_id) values (gen_random_uuid(), $1) returning id)
     insert into fleet_drift_results (id, org_id, client_id, run_id, blueprint_id, version)
     select gen_random_uuid(), $1::uuid, $2::uuid, id, $2::uuid, 1 from run`,
  )
  await rows(
    `insert into fleet_readings (org_id, client_id, sfdc_org_id, read_at) values ($1, $2, '00D', now())`,
  )
  await rows(
    `insert into offboardings (id, org_id, client_id, status, completed_at, is_preview, options, result)
     values (gen_random_uuid(), $1, $2, 'failed', now(), true, '{}', '{}')`,
  )
  // Never due while this suite runs.
  await rows(
    `insert into purges (id, org_id, client_id, resume_at)
     values (gen_random_uuid(), $1, $2, now() + interval '1 day')`,
  )
  await rig.query(
    `insert into idempotency_keys
       (org_id, client_id, user_id, method, path, key, body_hash, holder, free_at)
     values ($1, $2, $3, 'POST', '/api/x', 'key', '\\x00', gen_random_uuid(), now())`,
    [org.id, of.id, userId],
  )
}

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  client = await org.client()
  neighbour = await org.client()
  secrets = [PASSWORD, org.token]
  for (const of of [client, neighbour]) await fill(of, (await rig.salesforceOrg()).name)
})

const exported = async (of: TestClient): Promise<{ text: string; lines: Line[] }> => {
  const answer = await org.api.post('/api/clients/export', { client_id: of.id })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toContain('application/x-ndjson')
  return { text: answer.text, lines: linesOf<Line>(answer.text) }
}

const countsOf = (lines: readonly Line[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { kind } of lines) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** Rows of the client in every table that has a client_id. */
const stored = async (of: TestClient): Promise<Map<string, number>> => {
  const tables = await rig.query<{ name: string }>(
    `select table_schema || '.' || table_name as name from information_schema.columns
      where column_name = 'client_id'
        and table_schema not in ('pg_catalog', 'information_schema', 'pgboss')`,
  )
  const counts = new Map<string, number>()
  for (const { name } of tables) {
    const [row] = await rig.query<{ n: number }>(
      `select count(*)::int as n from ${name} where client_id = $1`,
      [of.id],
    )
    counts.set(name, row?.n ?? 0)
  }
  return counts
}

describe('clients/export', () => {
  it('holds every row of every table with a client_id, and says so at its end', async () => {
    const { lines } = await exported(client)
    const counts = countsOf(lines)
    const first = lines.at(0)
    expect(first).toMatchObject({ kind: 'export', data: { format: 1, client_id: client.id } })
    const { export: _first, complete: _last, ...rows } = counts
    const told = Object.fromEntries(HELD.map(({ kind }) => [kind, rows[kind] ?? 0]))
    expect(lines.at(-1)).toEqual({ kind: 'complete', data: { counts: told } })

    const tables = await stored(client)
    for (const [table, count] of tables) {
      const held = HELD.find((one) => `public.${one.table}` === table)
      expect(held, `${table} has a client_id: add it to HELD`).toBeDefined()
      expect(counts[held?.kind ?? ''] ?? 0, table).toBe(count)
    }
    expect(counts).toMatchObject({ client: 1, user: 1, api_token: 1, connection: 1 })
    const empty = [...tables].filter(([, count]) => count === 0).map(([table]) => table)
    expect(empty, 'fill these in this test too').toEqual([])
  })

  it('holds nothing of another client, and no secret', async () => {
    const { text, lines } = await exported(client)
    expect(text).not.toContain(neighbour.id)
    for (const secret of secrets) expect(text).not.toContain(secret)
    const names = new Set(lines.flatMap(({ data }) => Object.keys(data)))
    expect(
      [...names].filter((name) => /password|token_hash|secret|holder|lease/.test(name)),
    ).toEqual([])
    const contents = lines.filter(({ kind }) => kind === 'snapshot_content')
    expect(contents.some(({ data }) => (data.body as { name?: string }).name === 'Lead')).toBe(true)
    const input = lines.find(({ kind }) => kind === 'push_input')
    expect(input?.data.source).toEqual([[0, { match: { id: NO_LEAD }, fields: { name: 'Kept' } }]])
  })

  it('holds pages and pages, each row once', async () => {
    const big = await org.client()
    await rig.query(
      `insert into audit_log (id, org_id, client_id, credential_type, action, outcome)
       select gen_random_uuid(), $1, $2, 'system', 'filled', 'ok' from generate_series(1, 1201)`,
      [org.id, big.id],
    )
    await rig.query(
      `with pushes as (
         insert into crm_push_logs (id, org_id, client_id, kind, status, accepted_at)
         select gen_random_uuid(), $1, $2, 'records', 'succeeded', now() from generate_series(1, 130)
         returning id)
       insert into push_chunks (org_id, client_id, push_id, seq, rows)
       select $1, $2, id, seq, 1 from pushes, generate_series(1, 7) as seq`,
      [org.id, big.id],
    )
    const { lines } = await exported(big)
    expect(countsOf(lines)).toMatchObject({ push: 130, push_chunk: 910 })
    const filled = lines.filter(({ data }) => data.action === 'filled')
    expect(new Set(filled.map(({ data }) => data.id)).size).toBe(1201)
    expect(filled).toHaveLength(1201)
  })

  it('is the last of a client whose rows are deleted: one statement deletes all of them', async () => {
    const before = await exported(neighbour)
    const tables = [...(await stored(client)).keys()].filter(
      (table) => table !== 'public.audit_log',
    )
    // Foreign keys are checked at the end of the statement: the order does not matter.
    const steps = tables.map((table, at) => `t${at} as (delete from ${table} where client_id = $1)`)
    await rig.query(
      `with tokens as (
         delete from api_tokens where user_id in (select id from users where client_id = $1)
       ), ${steps.join(', ')}
       delete from clients where id = $1`,
      [client.id],
    )
    const left = [...(await stored(client))].filter(([, count]) => count > 0)
    expect(left.map(([table]) => table)).toEqual(['public.audit_log'])
    const answer = await org.api.post('/api/clients/export', { client_id: client.id })
    expect(answer.status).toBe(404)
    const withoutAudit = ({ lines }: { lines: Line[] }) =>
      lines.filter(({ kind }) => !['export', 'audit', 'complete'].includes(kind))
    expect(withoutAudit(await exported(neighbour))).toEqual(withoutAudit(before))
  })
})

describe('clients/export, for whom', () => {
  it('is for org admins, and leaves an audit row', async () => {
    await exported(neighbour)
    const { body } = await org.api.post<{ items: object[] }>('/api/audit/list', {
      client_id: neighbour.id,
      action: 'client.export',
    })
    expect(body.items[0]).toMatchObject({ target_id: neighbour.id, outcome: 'ok' })
    for (const role of ['company_admin', 'company_member'] as const) {
      const { api } = await org.user(role, neighbour.id)
      const refused = await api.post('/api/clients/export', { client_id: neighbour.id })
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
  })
})
