// All long work of an org in one list, whatever its kind: what runs, what is paused, what failed.

import { type RawBuilder, sql } from 'kysely'
import { type Database } from '../../db/database.ts'
import { type WorkFault } from '../../db/tables/work.ts'
import { EngineError } from '../../errors.ts'
import { type Permission } from '../auth/permissions.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { beforeOf, cutPage, type Page, type PageRequest, type TimeRange } from '../page.ts'

export const LISTED_KINDS = [
  'snapshot',
  'conflict_report',
  'deployment',
  'rollback',
  'push',
  'offboarding',
] as const
export type ListedKind = (typeof LISTED_KINDS)[number]

/** The same words for every kind of work. */
export const WORK_STATES = ['running', 'paused', 'succeeded', 'partial', 'failed'] as const
export type WorkState = (typeof WORK_STATES)[number]

export interface ListedWork {
  kind: ListedKind
  /** Of the resource to poll; for a rollback, its deployment. */
  id: string
  client_id: string
  state: WorkState
  /** The resource's own word for it. */
  status: string
  is_final: boolean
  error: WorkFault | null
  created_by: string | null
  created_at: string
}

export interface WorkListInput extends PageRequest, TimeRange {
  client_id?: string | undefined
  /** Default: all that the caller may read. */
  kinds?: readonly ListedKind[] | undefined
  states?: readonly WorkState[] | undefined
}

interface Source {
  /** As for the list of this kind alone. */
  access: Permission
  table: RawBuilder<unknown>
  /** Rows of the table that are not work of this kind are left out. */
  only?: RawBuilder<boolean>
  resourceId: RawBuilder<string>
  status: RawBuilder<string>
  /** Only tries what would happen: whatever it finds, it has succeeded. */
  isTrial?: RawBuilder<boolean>
  /** The kind's own statuses for each state; paused work has the status of running work. */
  statuses: Readonly<Record<Exclude<WorkState, 'paused'>, readonly string[]>>
}

const OWN_ID = sql<string>`id`
const OWN_STATUS = sql<string>`status`

const SOURCES: Readonly<Record<ListedKind, Source>> = {
  snapshot: {
    access: 'topology.read',
    table: sql`crm_topology_snapshots`,
    resourceId: OWN_ID,
    status: OWN_STATUS,
    statuses: { running: ['pulling'], succeeded: ['complete'], partial: [], failed: ['failed'] },
  },
  conflict_report: {
    access: 'topology.read',
    table: sql`crm_conflict_reports`,
    resourceId: OWN_ID,
    status: OWN_STATUS,
    statuses: { running: ['running'], succeeded: ['complete'], partial: [], failed: ['failed'] },
  },
  deployment: {
    access: 'deploy.read',
    table: sql`crm_deployments`,
    // What stands for an off-boarding is listed as one.
    only: sql<boolean>`kind not in ('offboarding', 'workflow_offboarding')`,
    resourceId: OWN_ID,
    status: OWN_STATUS,
    statuses: {
      running: ['pending'],
      succeeded: ['validated', 'deployed', 'rolled_back'],
      partial: [],
      failed: ['failed'],
    },
  },
  rollback: {
    access: 'deploy.read',
    table: sql`deployment_runs`,
    only: sql<boolean>`kind = 'rollback' and not exists (select from offboardings o
      where o.org_id = deployment_runs.org_id and deployment_runs.deployment_id in (o.automations_id, o.components_id))`,
    resourceId: sql<string>`deployment_id`,
    status: sql<string>`(case when ended_at is null then 'running' when error is not null then 'failed'
      else coalesce(result ->> 'status', 'failed') end)`,
    statuses: {
      running: ['running'],
      succeeded: ['complete', 'dry_run'],
      partial: ['partial'],
      failed: ['failed'],
    },
  },
  push: {
    access: 'push.read',
    table: sql`crm_push_logs`,
    only: sql<boolean>`accepted_at is not null`,
    resourceId: OWN_ID,
    status: OWN_STATUS,
    // Ended once it is accepted.
    isTrial: sql<boolean>`dry_run`,
    statuses: {
      running: ['queued', 'in_progress'],
      succeeded: ['succeeded'],
      partial: ['partial'],
      failed: ['failed'],
    },
  },
  offboarding: {
    access: 'fleet.read',
    table: sql`offboardings`,
    // Without a client there is nothing left of it but its certificate.
    only: sql<boolean>`client_id is not null`,
    resourceId: OWN_ID,
    status: OWN_STATUS,
    statuses: {
      running: ['running'],
      succeeded: ['complete'],
      partial: ['partial'],
      failed: ['failed'],
    },
  },
}

interface WorkRow {
  /** The row's own: pages are cut by it. */
  id: string
  kind: ListedKind
  resource_id: string
  client_id: string
  status: string
  is_trial: boolean
  error: WorkFault | null
  created_by: string | null
  created_at: Date
}

const NEVER = sql<boolean>`false`
const isPaused = sql<boolean>`(error -> 'waiting') is not null`

/** Which rows of a source are in these states; null: none can be. */
const inStates = (
  { status, statuses, isTrial }: Source,
  states: readonly WorkState[],
): RawBuilder<boolean> | null => {
  const wanted = new Set(states.map((state) => (state === 'paused' ? 'running' : state)))
  const own = [...wanted].flatMap((state) => statuses[state])
  if (own.length === 0) return null
  const stated = sql<boolean>`${status} in (${sql.join(own)})`
  const listed =
    isTrial === undefined
      ? stated
      : wanted.has('succeeded')
        ? sql<boolean>`(${stated} or ${isTrial})`
        : sql<boolean>`${stated} and not ${isTrial}`
  const [running, paused] = [states.includes('running'), states.includes('paused')]
  if (running === paused) return listed
  const runs = sql<boolean>`${status} in (${sql.join(statuses.running)})`
  return sql<boolean>`${listed} and (not (${runs}) or ${paused ? isPaused : sql`not (${isPaused})`})`
}

/** The newest rows of one kind that the page may hold; null if none can be among them. */
const rowsOf = (
  kind: ListedKind,
  orgId: string,
  input: WorkListInput,
): RawBuilder<WorkRow> | null => {
  const source = SOURCES[kind]
  const conditions = [sql<boolean>`org_id = ${orgId}`]
  if (source.only !== undefined) conditions.push(source.only)
  if (input.client_id !== undefined) conditions.push(sql`client_id = ${input.client_id}`)
  if (input.since !== undefined) conditions.push(sql`created_at >= ${new Date(input.since)}`)
  if (input.until !== undefined) conditions.push(sql`created_at < ${new Date(input.until)}`)
  const before = beforeOf(input)
  if (before !== null) conditions.push(sql`id < ${before}`)
  if (input.states !== undefined) {
    const stated = inStates(source, input.states)
    if (stated === null) return null
    conditions.push(stated)
  }
  return sql<WorkRow>`(select id, ${sql.lit(kind)} as kind, ${source.resourceId} as resource_id, client_id,
      ${source.status}::text as status, ${source.isTrial ?? NEVER} as is_trial, error, created_by, created_at
    from ${source.table} where ${sql.join(conditions, sql` and `)}
    order by id desc limit ${input.limit + 1})`
}

const stateOf = ({ kind, status, is_trial: isTrial, error }: WorkRow): WorkState => {
  if (isTrial) return 'succeeded'
  const { statuses } = SOURCES[kind]
  if (statuses.running.includes(status)) return error?.waiting === undefined ? 'running' : 'paused'
  if (statuses.succeeded.includes(status)) return 'succeeded'
  return statuses.partial.includes(status) ? 'partial' : 'failed'
}

const toListed = (row: WorkRow): ListedWork => {
  const state = stateOf(row)
  return {
    kind: row.kind,
    id: row.resource_id,
    client_id: row.client_id,
    state,
    status: row.status,
    is_final: state !== 'running' && state !== 'paused',
    error: row.error,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
  }
}

/** The kinds to list. Throws forbidden for one that was named and that the caller may not read. */
const kindsFor = (
  { permissions }: Caller,
  named: readonly ListedKind[] | undefined,
): readonly ListedKind[] => {
  const mayRead = (kind: ListedKind) => permissions.includes(SOURCES[kind].access)
  if (named === undefined) return LISTED_KINDS.filter(mayRead)
  const refused = named.find((kind) => !mayRead(kind))
  if (refused === undefined) return [...new Set(named)]
  throw new EngineError('forbidden', `This needs the permission ${SOURCES[refused].access}.`)
}

/**
 * The work of the caller's clients, newest first. Throws not_found (the client), forbidden (a kind that
 * the caller may not read), invalid_cursor.
 */
export const listWork = async (
  db: Database,
  caller: Caller,
  input: WorkListInput,
): Promise<Page<ListedWork>> => {
  const { tenant } = caller
  const kinds = kindsFor(caller, input.kinds)
  return db.as(tenant).tx(async (tx) => {
    if (input.client_id !== undefined) await requireClient(tx, tenant, input.client_id)
    const sources = kinds
      .map((kind) => rowsOf(kind, tenant.orgId, input))
      .filter((source) => source !== null)
    if (sources.length === 0) return { items: [], next_cursor: null }
    const { rows } =
      await sql<WorkRow>`select * from (${sql.join(sources, sql` union all `)}) as work
      order by id desc limit ${input.limit + 1}`.execute(tx)
    return cutPage(rows, input, toListed)
  })
}
