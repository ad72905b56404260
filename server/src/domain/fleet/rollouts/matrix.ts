// What the checks of a rollout have found, seen by finding: one change of the blueprint frees so many clients.

import { sql } from 'kysely'
import { type Database, type Tenant } from '../../../db/database.ts'
import { notFound } from '../../../errors.ts'
import { type Counts, countOf, sumOf, totalOf } from './model.ts'
import { countsOf, rolloutById, wavesOf } from './rows.ts'

/** A finding of the check, over all targets that have it. */
export interface MatrixFinding {
  code: string
  severity: 'yellow' | 'red'
  /** How many clients have it. */
  clients: number
  /** Of these, how many have no other finding that keeps the rollout from them. */
  frees: number
  /** At most 200 of them. */
  client_ids: string[]
  /** Whose finding it is, at most 20 of them. */
  components: { type: string; full_name: string }[]
}

export interface Matrix {
  rollout_id: string
  revision: number
  targets: number
  counts: Counts
  severities: { green: number; yellow: number; red: number; unchecked: number }
  findings: MatrixFinding[]
  /** Targets without a report, by why they are blocked. */
  blocked: { reason: string; clients: number; client_ids: string[] }[]
  estimate: { api_calls: number; minutes: number }
}

const CLIENTS_SHOWN = 200
const COMPONENTS_SHOWN = 20
/** A small deployment takes about so long, most of it at Salesforce. */
const SECONDS_PER_TARGET = 90

interface FindingRow {
  code: string
  severity: 'yellow' | 'red'
  clients: number
  frees: number
  client_ids: string[]
  components: { type: string; full_name: string }[]
}

/** Throws not_found. */
export const readMatrix = (db: Database, tenant: Tenant, id: string): Promise<Matrix> =>
  db.as(tenant).tx(async (tx) => {
    const rollout = await rolloutById(tx, tenant, id)
    if (rollout === undefined) throw notFound('rollout')
    const byWave = await countsOf(tx, tenant, id)
    const counts = sumOf([...byWave.values()])
    const ofThis = sql`t.org_id = ${tenant.orgId} and t.rollout_id = ${id} and t.state <> 'excluded'`
    const { rows: findings } = await sql<FindingRow>`
      with found as (
        select t.client_id, f ->> 'code' as code, f ->> 'severity' as severity, f -> 'component' as component
          from rollout_targets t
          join crm_conflict_reports r on r.org_id = t.org_id and r.id = t.report_id
          cross join jsonb_array_elements(r.findings) f
         where ${ofThis} and r.severity <> 'green' and f ->> 'severity' <> 'green'
      ), blocking as (
        select client_id, count(distinct code) as codes from found
         where severity = 'red' or ${!rollout.accepts_yellow} group by client_id
      )
      select f.code, f.severity,
             count(distinct f.client_id)::int as clients,
             (count(distinct f.client_id) filter (
               where b.codes = 1 and (f.severity = 'red' or ${!rollout.accepts_yellow})))::int as frees,
             (array_agg(distinct f.client_id))[1:${CLIENTS_SHOWN}] as client_ids,
             to_jsonb((array_agg(distinct f.component))[1:${COMPONENTS_SHOWN}]) as components
        from found f left join blocking b on b.client_id = f.client_id
       group by f.code, f.severity
       order by f.severity = 'red' desc, clients desc, f.code`.execute(tx)
    const {
      rows: [sums],
    } = await sql<{
      green: number
      yellow: number
      red: number
      unchecked: number
      api_calls: number
    }>`
      select (count(*) filter (where t.severity = 'green'))::int as green,
             (count(*) filter (where t.severity = 'yellow'))::int as yellow,
             (count(*) filter (where t.severity = 'red'))::int as red,
             (count(*) filter (where t.severity is null))::int as unchecked,
             coalesce(sum(r.api_call_estimate) filter (where t.severity is distinct from 'red'), 0)::int as api_calls
        from rollout_targets t
        left join crm_conflict_reports r on r.org_id = t.org_id and r.id = t.report_id
       where ${ofThis}`.execute(tx)
    const { rows: blocked } = await sql<Matrix['blocked'][number]>`
      select t.reason, count(*)::int as clients,
             (array_agg(t.client_id order by t.position))[1:${CLIENTS_SHOWN}] as client_ids
        from rollout_targets t
       where ${ofThis} and t.state = 'blocked' and t.reason is not null
       group by t.reason order by 2 desc, 1`.execute(tx)
    const seconds = (await wavesOf(tx, tenant, id)).map((wave) => {
      const of = byWave.get(wave.position) ?? {}
      const targets = totalOf(of) - countOf(of, 'excluded', 'skipped')
      if (targets === 0) return 0
      const rounds = Math.ceil(targets / wave.max_concurrent)
      return rounds * SECONDS_PER_TARGET + wave.soak_seconds
    })
    const { api_calls = 0, ...severities } = sums ?? { green: 0, yellow: 0, red: 0, unchecked: 0 }
    return {
      rollout_id: id,
      revision: rollout.revision,
      targets: rollout.targets_total - countOf(counts, 'excluded'),
      counts,
      severities,
      findings,
      blocked,
      estimate: {
        api_calls,
        minutes: Math.ceil(seconds.reduce((sum, one) => sum + one, 0) / 60),
      },
    }
  })
