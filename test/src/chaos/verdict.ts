// The promises that hold for work of every kind, looked at when the storm is over and all work has ended:
// nothing is held, each ended once and is in the audit log once, and a repeated call answers the same.

import { type Caller, type Work } from './caller.ts'
import { type Dice } from './dice.ts'
import { type Storm } from './storm.ts'
import { type StormClient, type World } from './world.ts'

/** Events that are missing, told twice, or told of nothing: no row of any of these. */
export const EVENTS_AMISS: Readonly<Record<string, string>> = {
  'work without exactly one event': `
    with ended as (
      select id::text, 'topology.pulled' as type, 1 as times from crm_topology_snapshots where status <> 'pulling'
      union all
      select id::text, 'conflicts.checked', 1 from crm_conflict_reports where status <> 'running'
      union all
      select id::text, 'push.finished', 1 from crm_push_logs
       where accepted_at is not null and status not in ('queued', 'in_progress')
      union all
      select deployment_id::text,
             case kind when 'deploy' then 'deployment.finished' else 'rollback.finished' end, count(*)::int
        from deployment_runs where ended_at is not null group by 1, 2
    ), told as (
      select coalesce(data ->> 'snapshot_id', data ->> 'report_id', data ->> 'push_id', data ->> 'deployment_id') as id,
             type, count(*)::int as told
        from events where type in (select type from ended) group by 1, 2
    )
    select * from ended full join told using (id, type) where times is distinct from told`,
  'gaps in the numbers of events': `
    select org_id, client_id, count(*), max(sequence) from events
     group by 1, 2 having count(*) <> max(sequence)`,
}

/** What may be left when everything has ended: no row of any of these. */
const NOTHING_LEFT: Readonly<Record<string, string>> = {
  'open work': `select kind, id from engine_lookup.open_work()`,
  'unfinished runs': `select id, stage, error from deployment_runs where ended_at is null`,
  'locked Salesforce orgs': `select id, locked_sfdc_org_id from deployment_runs where locked_sfdc_org_id is not null`,
  'running pulls': `select id, error from crm_topology_snapshots where status = 'pulling'`,
  'what a pull had read': `select snapshot_id, count(*) from topology_pull_items group by 1`,
  'running checks': `select id, error from crm_conflict_reports where status = 'running'`,
  'unfinished pushes': `select id, status, error from crm_push_logs where status in ('queued', 'in_progress')`,
  'open chunks': `select push_id, seq, state from push_chunks
    where state <> 'done' or lease_holder is not null or send_state is not null`,
  'input of rows to send': `select push_id from push_rows where ready is not null`,
  'places in Salesforce orgs': `select * from engine.salesforce_work_places where until > clock_timestamp()`,
  'leases on refreshes': `select client_id from crm_connections where refresh_lease_until > clock_timestamp()`,
}

/** Ended twice, or without a word in the log. */
const AUDITED = `select count(*)::integer as times from audit_log where target_id = $1 and action = any($2)`
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  '/api/topology/pull': ['topology.pull'],
  '/api/conflicts/check': ['conflicts.check'],
  '/api/deploy/custom-objects': ['deployment.deploy'],
  '/api/workflows/deploy': ['deployment.deploy'],
  '/api/workflows/set-active': ['deployment.deploy'],
  '/api/workflows/remove': ['deployment.deploy'],
  '/api/deploy/rollback': ['deployment.rollback'],
  '/api/push/records': ['push.records'],
  '/api/push/retry': ['push.records'],
  '/api/push/status-update': ['push.status_update'],
  '/api/push/link': ['push.link'],
}
const REPEATED = 15

export const checkNothingLeft = async (storm: Storm, { database }: World): Promise<void> => {
  for (const [what, query] of Object.entries({ ...NOTHING_LEFT, ...EVENTS_AMISS })) {
    const rows = await database.query(query)
    if (rows.length > 0) storm.violated(`found: ${what}`, rows.slice(0, 5))
  }
}

export const checkAudit = async (
  storm: Storm,
  { database }: World,
  works: readonly Work[],
): Promise<void> => {
  const wanted = new Map<string, { work: Work; times: number }>()
  for (const work of works) {
    // Who joined a running pull got the same one; a deployment is rolled back as often as it was asked.
    const key = `${work.path} ${work.id}`
    const isAgain = work.path === '/api/deploy/rollback'
    wanted.set(key, { work, times: (isAgain ? (wanted.get(key)?.times ?? 0) : 0) + 1 })
  }
  for (const { work, times } of wanted.values()) {
    const [row] = await database.query<{ times: number }>(AUDITED, [work.id, ACTIONS[work.path]])
    if (row?.times !== times) {
      storm.violated(
        `${work.kind} ${work.id} is ${row?.times ?? 0} times in the audit log, not ${times}`,
      )
    }
  }
}

/** The same calls with the same keys: the same resources, and nothing new. */
export const checkRepeats = async (
  storm: Storm,
  { database }: World,
  { works, api }: Pick<Caller, 'works' | 'api'>,
  { name, client }: StormClient,
  dice: Dice,
): Promise<void> => {
  if (works.length === 0) return
  const count = async () => {
    const [row] = await database.query<{ n: number }>(
      `select (select count(*) from crm_topology_snapshots where client_id = $1)
            + (select count(*) from crm_conflict_reports where client_id = $1)
            + (select count(*) from deployment_runs where client_id = $1)
            + (select count(*) from crm_push_logs where client_id = $1) as n`,
      [client.id],
    )
    return Number(row?.n)
  }
  const before = await count()
  for (let n = 0; n < REPEATED; n++) {
    const work = dice.pick(works)
    if (work.lines !== undefined) continue
    const answer = await api.post<{ id?: string }>(work.path, work.body, {
      'idempotency-key': work.key,
    })
    const replayed = answer.headers.get('idempotency-replayed')
    if (answer.status >= 300 || answer.body.id !== work.id || replayed !== 'true') {
      storm.violated(`${work.kind} ${work.id} of ${name} repeated is not the same`, answer.text)
    }
  }
  const after = await count()
  if (after !== before) storm.violated(`${name}: repeated calls began ${after - before} new works`)
}

const ERROR_LEVEL = 50

interface LogLine {
  level: number
  msg: string
  err?: { message?: string }
}

/** The last line of a killed server may be half of one. */
const parsed = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return { level: 0, msg: '' }
  }
}

/** Lines of the servers' logs that an operator would have to explain. */
export const checkLogs = (storm: Storm, { replicas }: World): void => {
  const seen = new Map<string, { times: number; about: string }>()
  const found = (what: string, about: string) => {
    seen.set(what, { times: (seen.get(what)?.times ?? 0) + 1, about })
  }
  for (const { lines } of replicas.all()) {
    const strange = lines.filter((line) => !line.startsWith('{'))
    if (strange.length > 0) found('a server wrote what is no log line', strange.join('\n'))
    for (const line of lines) {
      const { level, msg, err } = parsed(line)
      if (level >= ERROR_LEVEL) found(`${msg} ${err?.message ?? ''}`.slice(0, 200), line)
    }
  }
  for (const [what, { times, about }] of seen) {
    storm.violated(`${times} times at error level: ${what}`, about)
  }
  for (const { pid, lines } of replicas.lost()) {
    storm.violated(`server ${pid} ended by itself`, lines.slice(-10))
  }
}
