// What is stored about the clients of an org that says how they are: six statements, however many clients.

import { sql } from 'kysely'
import { type Database, type Tenant, type Tx } from '../../../db/database.ts'
import { type ConnectionStatus, type Environment } from '../../../db/tables/connections.ts'
import { type Fault } from '../../../db/tables/work.ts'
import { connectionOf } from '../../connections/rows.ts'
import { newestOfBinding } from '../drift/newest.ts'
import { type ClientSelector, selectClients } from '../selectors.ts'
import { type ClientTags } from '../tags.ts'

export interface ApiUsageFacts {
  used: number
  max: number
  reserve: number
  is_exhausted: boolean
  observed_at: Date
  /** Calls that this server made for the client in the last 24 hours, of work that has ended. */
  ours: number
  /** Used in 24 hours, if this server goes on as in the last hour and the others as in the last day. */
  forecast: number
}

export interface ClientFacts {
  client_id: string
  client_name: string
  /** What tells it from others of its name, also inactive ones; null: its name is enough. */
  mark: string | null
  tags: ClientTags
  /** The live connection, or the last revoked one where none is live. */
  connection: {
    id: string
    status: ConnectionStatus
    environment: Environment
    sfdc_org_id: string | null
    error: Fault | null
    connected_at: Date | null
    last_refreshed_at: Date | null
    refresh_refused_count: number
    refresh_refused_since: Date | null
  } | null
  /** Why what was authorized last was not accepted. */
  refusal: Fault | null
  snapshot: {
    id: string
    version: number
    completed_at: Date
    missing_permissions: string[] | null
  } | null
  work: { running: number; waiting_for_person: number; failed: number }
  /** What was found when drift was last looked for, over the client's bindings; null if it never was. */
  drift: { blueprints: number; drifted: number; unknown: number; looked_at: Date } | null
  usage: ApiUsageFacts | null
}

interface ClientRow {
  client_id: string
  client_name: string
  tags: ClientTags
  connection:
    | (Omit<NonNullable<ClientFacts['connection']>, TimeMember> & Record<TimeMember, string | null>)
    | null
  refusal: Fault | null
  snapshot: {
    id: string
    version: number
    completed_at: string
    missing_permissions: string[] | null
  } | null
}
type TimeMember = 'connected_at' | 'last_refreshed_at' | 'refresh_refused_since'

interface WorkRow {
  client_id: string
  running: number
  waiting_for_person: number
  failed: number
}

interface DriftRow extends NonNullable<ClientFacts['drift']> {
  client_id: string
}

interface UsageRow {
  sfdc_org_id: string
  used: number
  max: number
  reserve: number
  is_exhausted: boolean
  observed_at: Date
}

/**
 * Of the last seven days, and nobody's wish; what was done again since, and came to its end, counts no more. Of a
 * push that was retried the last one counts.
 */
const isFailure = sql`f.created_at > now() - interval '7 days'
  and f.error ->> 'code' is distinct from 'cancelled'`

const dateOf = (time: string | null): Date | null => (time === null ? null : new Date(time))

/** The work of each client that has not ended, and that failed. */
const workOf = async (tx: Tx, tenant: Tenant): Promise<WorkRow[]> => {
  const { rows } = await sql<WorkRow>`
    select client_id, (count(*) filter (where state = 'open'))::integer as running,
           (count(*) filter (where state = 'open' and waits_for = 'person'))::integer as waiting_for_person,
           (count(*) filter (where state = 'failed'))::integer as failed
      from (
        select client_id, 'open' as state, error -> 'waiting' ->> 'for' as waits_for
          from crm_topology_snapshots where org_id = ${tenant.orgId} and status = 'pulling'
        union all
        select client_id, 'open', error -> 'waiting' ->> 'for'
          from crm_conflict_reports where org_id = ${tenant.orgId} and status = 'running'
        union all
        select client_id, 'open', error -> 'waiting' ->> 'for'
          from deployment_runs where org_id = ${tenant.orgId} and ended_at is null
        union all
        select client_id, 'open', error -> 'waiting' ->> 'for'
          from crm_push_logs where org_id = ${tenant.orgId} and status in ('queued', 'in_progress')
        union all
        select f.client_id, 'failed', null from crm_topology_snapshots f
         where f.org_id = ${tenant.orgId} and f.status = 'failed' and ${isFailure}
           and not exists (select from crm_topology_snapshots n where n.org_id = f.org_id
             and n.client_id = f.client_id and n.status = 'complete' and n.created_at > f.created_at)
        union all
        select f.client_id, 'failed', null from crm_conflict_reports f
         where f.org_id = ${tenant.orgId} and f.status = 'failed' and ${isFailure}
           and not exists (select from crm_conflict_reports n where n.org_id = f.org_id
             and n.client_id = f.client_id and n.status = 'complete' and n.created_at > f.created_at)
        union all
        select f.client_id, 'failed', null from crm_deployments f
         where f.org_id = ${tenant.orgId} and f.status = 'failed' and ${isFailure}
           and not exists (select from crm_deployments n where n.org_id = f.org_id
             and n.client_id = f.client_id and n.plan_hash = f.plan_hash
             and n.deployed_at is not null and n.created_at > f.created_at)
        union all
        select f.client_id, 'failed', null from crm_push_logs f
         where f.org_id = ${tenant.orgId} and f.status in ('failed', 'partial') and not f.dry_run and ${isFailure}
           and not exists (select from crm_push_logs n where n.org_id = f.org_id
             and n.retry_of = f.id)) w
     group by client_id`.execute(tx)
  return rows
}

/** Of clients that have namesakes, also inactive ones: the domain where it is theirs alone, else the id's end. */
const marksOf = async (tx: Tx, tenant: Tenant): Promise<ReadonlyMap<string, string>> => {
  // Apart from the clients' other facts: joined to them, the whole was counted again for each client.
  const { rows } = await sql<{ id: string; mark: string }>`
    select id, coalesce(case when alike = 1 then domain end, right(id::text, 12)) as mark
      from (select id, domain, count(*) over (partition by name) as namesakes,
                   count(*) over (partition by name, domain) as alike
              from clients where org_id = ${tenant.orgId}) named
     where namesakes > 1`.execute(tx)
  return new Map(rows.map(({ id, mark }) => [id, mark]))
}

/** Active clients that the tenant sees; those that the selector chooses, if there is one. */
export const factsOfClients = async (
  db: Database,
  tenant: Tenant,
  selector: ClientSelector | undefined,
): Promise<ClientFacts[]> => {
  const { clients, marks, work, calls, drift } = await db.as(tenant).tx(async (tx) => {
    const only =
      selector === undefined
        ? null
        : (await selectClients(tx, tenant, selector)).map(({ client_id: id }) => id)
    const chosen = only === null ? sql`` : sql`and c.id = any(${only}::uuid[])`
    const { rows } = await sql<ClientRow>`
      select c.id as client_id, c.name as client_name, c.tags, to_jsonb(k) as connection, a.refusal,
             to_jsonb(s) as snapshot
        from clients c
        left join lateral (
          ${connectionOf(
            { orgId: sql`c.org_id`, clientId: sql`c.id` },
            sql`k.id, k.status, k.environment, k.sfdc_org_id, k.error, k.connected_at, k.last_refreshed_at,
                k.refresh_refused_count, k.refresh_refused_since`,
          )}) k on true
        left join lateral (
          select t.refusal from connection_attempts t
           where t.org_id = c.org_id and t.client_id = c.id and k.status = 'pending'
           order by t.id desc limit 1) a on true
        left join lateral (
          select s.id, s.version, s.completed_at, s.stats -> 'missing_permissions' as missing_permissions
            from crm_topology_snapshots s
           where s.org_id = c.org_id and s.client_id = c.id and s.version is not null
             -- Of a Salesforce org to which it was connected before, it says nothing of the present one.
             and (k.status is not distinct from 'revoked' or (s.sfdc_org_id <> k.sfdc_org_id) is not true)
           order by s.version desc limit 1) s on true
       where c.org_id = ${tenant.orgId} and c.is_active ${chosen}`.execute(tx)
    const made = await sql<{ client_id: string; day: number; hour: number }>`
      select client_id, sum(salesforce_api_calls)::integer as day,
             coalesce(sum(salesforce_api_calls) filter (where at > now() - interval '1 hour'), 0)::integer as hour
        from audit_log
       where org_id = ${tenant.orgId} and at > now() - interval '24 hours' and salesforce_api_calls > 0
         and client_id is not null
       group by client_id`.execute(tx)
    const differing = await sql<DriftRow>`
      select r.client_id, count(*)::integer as blueprints,
             (count(*) filter (where r.state = 'drifted'))::integer as drifted,
             (count(*) filter (where r.state = 'unknown'))::integer as unknown,
             min(r.created_at) as looked_at
        from blueprint_bindings b
       cross join lateral (${newestOfBinding()}) r
       where b.org_id = ${tenant.orgId}
       group by r.client_id`.execute(tx)
    return {
      clients: rows,
      marks: await marksOf(tx, tenant),
      work: await workOf(tx, tenant),
      calls: made.rows,
      drift: differing.rows,
    }
  })
  const orgIds = clients.flatMap(({ connection }) => connection?.sfdc_org_id ?? [])
  // Belongs to no tenant: what a Salesforce org has left, whoever works in it.
  const usage = await db.shared<UsageRow>(
    `select sfdc_org_id, used, max, reserve, is_exhausted, observed_at
       from engine.salesforce_org_usage where sfdc_org_id = any($1)`,
    [orgIds],
  )
  const [driftOf, workFor, callsOf, usageOf] = [
    new Map(drift.map(({ client_id, ...row }) => [client_id, row])),
    new Map(work.map((row) => [row.client_id, row])),
    new Map(calls.map((row) => [row.client_id, row])),
    new Map(usage.map((row) => [row.sfdc_org_id, row])),
  ]
  return clients.map(({ connection, snapshot, ...client }) => ({
    ...client,
    mark: marks.get(client.client_id) ?? null,
    connection:
      connection === null
        ? null
        : {
            ...connection,
            connected_at: dateOf(connection.connected_at),
            last_refreshed_at: dateOf(connection.last_refreshed_at),
            refresh_refused_since: dateOf(connection.refresh_refused_since),
          },
    snapshot:
      snapshot === null ? null : { ...snapshot, completed_at: new Date(snapshot.completed_at) },
    work: counted(workFor.get(client.client_id)),
    drift: driftOf.get(client.client_id) ?? null,
    usage: expected(
      usageOf.get(connection?.sfdc_org_id ?? ''),
      callsOf.get(client.client_id) ?? { day: 0, hour: 0 },
    ),
  }))
}

const counted = (row: WorkRow | undefined): ClientFacts['work'] => ({
  running: row?.running ?? 0,
  waiting_for_person: row?.waiting_for_person ?? 0,
  failed: row?.failed ?? 0,
})

const expected = (
  row: UsageRow | undefined,
  { day, hour }: { day: number; hour: number },
): ApiUsageFacts | null => {
  if (row === undefined) return null
  const { used, max, reserve, is_exhausted, observed_at } = row
  const others = Math.max(0, used - day)
  return {
    ...{ used, max, reserve, is_exhausted, observed_at },
    ours: day,
    forecast: others + hour * 24,
  }
}
