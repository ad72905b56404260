// /metrics as Prometheus reads it: each number follows what happens, tells no tenant, is the same from
// every replica if it comes from the database, and the page answers while the database does not.

import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { text } from './deploy-bodies.ts'
import { makePushRig, placements, pushRecords, type PushRig } from './push-support.ts'
import { startRig, type Rig, type TestOrg } from './rig.ts'
import { until } from './until.ts'

let rig: Rig
let org: TestOrg
let pushRig: PushRig

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/

const scrape = async (at = 0): Promise<{ page: string; samples: Sample[] }> => {
  const page = await (await fetch(new URL('/metrics', rig.servers[at]?.url))).text()
  const samples = page.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value] = SAMPLE.exec(line) ?? []
    if (name === '') return []
    const pairs = [...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, key, of]) => [key, of])
    return [
      { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) },
    ]
  })
  return { page, samples }
}

/** The sum of the samples of this name that have these labels; null if there are none. */
const valueOf = (
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): number | null => {
  const found = samples.filter(
    (one) =>
      one.name === `sfdc_engine_${name}` &&
      Object.entries(labels).every(([key, of]) => one.labels[key] === of),
  )
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0)
}

/** The database is asked once a second at most. */
const reaches = (name: string, labels: Record<string, string>, wanted: number, at = 0) =>
  until(`${name} ${JSON.stringify(labels)} is ${wanted}`, async () => {
    const { samples } = await scrape(at)
    return valueOf(samples, name, labels) === wanted
  })

beforeAll(async () => {
  rig = await startRig({ simulator: true, replicas: 2, environment: { WORK_WAIT_SCALE: '0.1' } })
  org = await rig.org()
  pushRig = await makePushRig(rig, org, 'Acme')
})
afterAll(() => rig[Symbol.asyncDispose]())

const jobs = async (kind: string, outcome: string): Promise<number> => {
  const pages = await Promise.all(rig.servers.map((_, at) => scrape(at)))
  return pages.reduce(
    (sum, { samples }) => sum + (valueOf(samples, 'jobs_total', { kind, outcome }) ?? 0),
    0,
  )
}

const running = async (kind: string): Promise<number> => {
  const pages = await Promise.all(rig.servers.map((_, at) => scrape(at)))
  return pages.reduce(
    (sum, { samples }) => sum + (valueOf(samples, 'jobs_running', { kind }) ?? 0),
    0,
  )
}

describe('/metrics', () => {
  it('says which build runs', async () => {
    const { samples } = await scrape()
    const build = samples.find(({ name }) => name === 'sfdc_engine_build_info')
    expect(build).toMatchObject({ labels: { version: '0.1.0' }, value: 1 })
  })

  it('times requests by route and status, and calls by service, kind and status', async () => {
    await org.api.post('/api/clients/get', { client_id: '00000000-0000-7000-8000-000000000000' })
    const { samples } = await scrape()
    const labels = { route: '/api/clients/get', status: '404' }
    expect(valueOf(samples, 'http_request_duration_seconds_count', labels)).toBe(1)
    for (const service of ['salesforce', 'nango']) {
      const pages = await Promise.all([scrape(0), scrape(1)])
      const calls = pages.map((one) =>
        valueOf(one.samples, 'upstream_call_duration_seconds_count', { service, status: '200' }),
      )
      expect(Math.max(...calls.map((count) => count ?? 0)), service).toBeGreaterThan(0)
    }
  })

  it('counts jobs by kind and outcome, and times them', async () => {
    // A turn ends a moment after its work: the snapshot is then indexed for the search.
    await until('no pull is under way', async () => (await running('topology-pull')) === 0)
    const before = await jobs('topology-pull', 'complete')
    await pushRig.client.pull()
    await until('its turn has ended', async () => (await running('topology-pull')) === 0)
    expect(await jobs('topology-pull', 'complete')).toBe(before + 1)
    const [first, second] = await Promise.all([scrape(0), scrape(1)])
    const timed = [first, second].map(({ samples }) =>
      valueOf(samples, 'job_duration_seconds_count', { kind: 'topology-pull' }),
    )
    expect((timed[0] ?? 0) + (timed[1] ?? 0)).toBe(before + 1)
    expect(valueOf(first.samples, 'jobs_running', { kind: 'topology-pull' }) ?? 0).toBe(0)
  })

  it('counts rows of pushes by outcome, deployments and connections by status', async () => {
    await pushRecords(org.api, pushRig, [
      ...placements('counted', 3),
      { key: 'counted-wrong', title: null },
    ])
    await org.api.post('/api/deploy/custom-objects', {
      client_id: pushRig.client.id,
      plan: { objects: [{ api_name: 'Lead', fields: [text('Counted__c')] }] },
      wait_seconds: 55,
    })
    await reaches('push_rows', { outcome: 'succeeded' }, 3)
    await reaches('push_rows', { outcome: 'failed' }, 1)
    await reaches('deployments', { status: 'deployed' }, 1)
    await reaches('connections', { status: 'connected' }, 1)
    expect(await jobs('deploy', 'deployed')).toBe(1)
    expect(await jobs('push', 'partial')).toBeGreaterThan(0)
  })

  it('shows work that waits, for what and for how long; from every replica alike', async () => {
    await rig.simulator.control.addFault({
      times: 1_000_000,
      kind: { type: 'status', status: 503, errorCode: 'SERVER_UNAVAILABLE', message: 'Busy.' },
    })
    await org.api.post('/api/topology/pull', { client_id: pushRig.client.id, wait_seconds: 0 })
    for (const at of [0, 1]) {
      await reaches('open_work', { kind: 'topology-pull', waits_for: 'time' }, 1, at)
    }
    const { samples } = await scrape()
    expect(valueOf(samples, 'open_work_oldest_seconds', { kind: 'topology-pull' })).toBeGreaterThan(
      0,
    )
    await rig.simulator.control.clearFaults()
    await reaches('open_work', { kind: 'topology-pull' }, 0)
    expect(await jobs('topology-pull', 'waiting')).toBeGreaterThan(0)
  })

  it('shows what is ready in the queue and for how long it has been', async () => {
    await rig.database.query(
      `insert into pgboss.job (name, data, policy, singleton_key, start_after)
       values ('conflict-check', '{}', 'exclusive', 'no such work', now() + interval '1 hour')`,
    )
    await reaches('queue_jobs', { kind: 'conflict-check', state: 'delayed' }, 1)
    await rig.database.query(`delete from pgboss.job where singleton_key = 'no such work'`)
    await reaches('queue_jobs', { kind: 'conflict-check', state: 'delayed' }, 0)
    const { samples } = await scrape()
    expect(valueOf(samples, 'queue_oldest_ready_seconds', { kind: 'push' })).toBe(0)
  })

  it('shows how many Salesforce orgs have used up their calls, and the least that is left', async () => {
    await reaches('salesforce_orgs', { budget: 'left' }, 1)
    await rig.database.query('update engine.salesforce_org_usage set max = 1000, used = 950')
    await reaches('salesforce_orgs', { budget: 'reserve' }, 1)
    await reaches('salesforce_api_budget_left_min_ratio', {}, 0.05)
    await rig.database.query('update engine.salesforce_org_usage set used = 1200')
    await reaches('salesforce_orgs', { budget: 'used_up' }, 1)
    await reaches('salesforce_api_budget_left_min_ratio', {}, 0)
  })

  it('tells no tenant: neither its ids nor its names', async () => {
    const { page } = await scrape()
    const { body } = await org.api.post<{ name: string }>('/api/clients/get', {
      client_id: pushRig.client.id,
    })
    for (const secret of [org.id, pushRig.client.id, body.name, org.email]) {
      expect(page).not.toContain(secret)
    }
    expect(page).not.toMatch(/\b00D[A-Za-z0-9]{12,15}\b/)
  })

  it('says of each number whether it is of the process or of the database', async () => {
    const { page } = await scrape()
    const helps = page.split('\n').filter((line) => line.startsWith('# HELP sfdc_engine_'))
    expect(helps.length).toBeGreaterThan(15)
    for (const help of helps) expect(help).toMatch(/process|of the database/)
  })

  it('still answers, and says so, while the database does not', async () => {
    await rig.database.query(
      'alter function engine_lookup.operating_numbers(integer) rename to hidden',
    )
    await reaches('database_up', {}, 0)
    const { samples } = await scrape()
    expect(valueOf(samples, 'connections')).toBeNull()
    expect(valueOf(samples, 'salesforce_api_budget_left_min_ratio')).toBeNull()
    expect(valueOf(samples, 'database_pool_connections', { pool: 'owner' })).not.toBeNull()
    expect(valueOf(samples, 'database_pool_max_connections', { pool: 'owner' })).toBe(20)
    expect(valueOf(samples, 'database_pool_waiting', { pool: 'owner' })).toBe(0)
    await rig.database.query(
      'alter function engine_lookup.hidden(integer) rename to operating_numbers',
    )
    await reaches('database_up', {}, 1)
  })

  it('reads the database by indexes only, however much is kept', async () => {
    const orgId = org.id
    const clientId = pushRig.client.id
    await rig.database.query(
      `insert into crm_deployments (id, org_id, client_id, kind, status, plan, created_at)
       select gen_random_uuid(), $1, $2, 'custom_objects', 'deployed', '{}', now() - interval '30 days'
         from generate_series(1, 20000)`,
      [orgId, clientId],
    )
    await rig.database.query(
      `insert into crm_push_logs (id, org_id, client_id, kind, status, accepted_at, completed_at)
       select gen_random_uuid(), $1, $2, 'records', 'succeeded', now() - interval '30 days', now()
         from generate_series(1, 20000)`,
      [orgId, clientId],
    )
    const client = new pg.Client({ connectionString: rig.database.url })
    await client.connect()
    const plan = async (statement: string) => {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${statement}`)
      return rows.map((row) => row['QUERY PLAN']).join('\n')
    }
    try {
      await client.query('analyze crm_deployments, crm_push_logs')
      const { rows } = await client.query<{ text: string; settings: string[] }>(
        `select prosrc as text, proconfig as settings from pg_proc where proname = 'operating_numbers'`,
      )
      const [body] = rows
      // Compiling it takes seconds, and running it milliseconds.
      expect(body?.settings).toEqual(expect.arrayContaining(['enable_seqscan=off', 'jit=off']))
      await client.query('set enable_seqscan = off')
      const text = body?.text.replaceAll('operating_numbers.reserve_percent', '10') ?? ''
      const steps = await plan(text)
      expect(steps).toContain('crm_push_logs_unfinished')
      expect(steps).not.toMatch(/Seq Scan on (crm_deployments|crm_push_logs|deployment_runs)/)
    } finally {
      await client.end()
    }
  })
})
