// A fleet under load for as long as wanted: 1,000 clients of 20 organizations on two replicas. Each
// organization reads at a steady pace, pushes and pulls now and then; one of them pushes 200,000 rows, again
// and again. Nobody may pay for it: not the others' reads, and not the memory of the servers.

import { Pool } from 'undici'
import { median } from './load.ts'
import { residentMb } from './processes.ts'
import { placement } from './push-contest.ts'
import { addClient } from './push-load.ts'
import { pushByEngine, pushLinesByEngine } from './push-site.ts'
import { row, type Row } from './row.ts'
import { startSite, type Site } from './site.ts'

const ORGANIZATIONS = 20
const CLIENTS_EACH = 50
const PUSHED_ROWS = 200_000
/** What everybody else pushes, and how often. */
const SMALL_ROWS = 100
const SMALL_EVERY_MS = 15_000
const PULL_EVERY_MS = 60_000
/** One read of each organization: 100 a second in all. */
const READ_EVERY_MS = 200
const SAMPLE_EVERY_MS = 2_000
const CALL_MS = 40
const WINDOW_MS = 10_000
/**
 * A read takes so many times as long as an answer of the same servers, at the same time, that needs no
 * database: on a busy machine both wait for a core.
 */
const READ_P99 = 6
const FAIR = 2
/** Garbage is collected now and then, so two thirds of a run are never quite the same. */
const FLAT = 1.1

type Failed = (what: string) => void

interface Organization {
  name: string
  token: string
  /** All its clients; the first is connected to a Salesforce org. */
  clients: string[]
  site: Site
  reads: Sent[]
}

interface Sent {
  /** When it was due, in milliseconds from the beginning. */
  at: number
  /** Until it was answered. */
  ms: number
}

const organizationOf = async (site: Site, n: number): Promise<Organization> => {
  const name = `Organization ${n}`
  const { tenant, call } = await site.bench.addTenant(name)
  const own: Site = { ...site, bench: { ...site.bench, tenant, call } }
  const connected = await addClient(own, n)
  const clients = [connected, tenant.clientId]
  while (clients.length < CLIENTS_EACH) {
    const { id } = await call<{ id: string }>('/api/clients/create', {
      name: `Client ${clients.length}`,
    })
    clients.push(id)
  }
  return {
    name,
    token: tenant.token,
    clients,
    site: { ...own, clientId: connected },
    reads: [],
  }
}

const share = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
const msOf = (sent: readonly Sent[]): number[] => sent.map(({ ms: each }) => each)

/** The ten seconds with the slowest typical read. */
const worstMoment = (sent: readonly Sent[]): { at: number; ms: number } => {
  const windows = Map.groupBy(sent, ({ at }) => Math.floor(at / WINDOW_MS))
  return [...windows]
    .map(([window, some]) => ({ at: (window * WINDOW_MS) / 1000, ms: median(msOf(some)) }))
    .reduce((worst, one) => (one.ms > worst.ms ? one : worst), { at: 0, ms: 0 })
}
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1)
const ms = (value: number): string => `${value.toFixed(1)} ms`

const smallPush = (name: string) => Array.from({ length: SMALL_ROWS }, (_, n) => placement(name, n))

/** Calls `work` again and again, `everyMs` apart or as soon as it is done, until `isOver`. */
const repeat = async (
  everyMs: number,
  isOver: () => boolean,
  work: () => Promise<void> | void,
): Promise<void> => {
  while (!isOver()) {
    const begunAt = performance.now()
    await work()
    const restMs = everyMs - (performance.now() - begunAt)
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
  }
}

type Request = Parameters<Pool['request']>[0]

/**
 * Sends requests at a steady pace to each of the servers in turn, whether or not those before are answered:
 * who is slow gets no fewer.
 */
const sendSteadily = async (
  pools: readonly Pool[],
  requestOf: (n: number) => Request,
  { sent, isOver, failed }: { sent: Sent[]; isOver: () => boolean; failed: Failed },
): Promise<void> => {
  const open = new Set<Promise<void>>()
  const begunAt = performance.now()
  for (let n = 0; !isOver(); n++) {
    const dueAt = begunAt + n * READ_EVERY_MS
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    const send = async () => {
      const request = requestOf(n)
      const answer = await pools[n % pools.length]?.request(request)
      await answer?.body.dump()
      if (answer?.statusCode !== 200) failed(`${request.path}: ${answer?.statusCode ?? 'nothing'}`)
      sent.push({ at: dueAt - begunAt, ms: performance.now() - dueAt })
    }
    const one = send().catch((error: unknown) => failed(String(error)))
    open.add(one)
    void one.finally(() => open.delete(one))
  }
  await Promise.all(open)
}

const readOf =
  ({ clients, token }: Organization) =>
  (n: number): Request => ({
    method: 'POST',
    path: '/api/clients/get',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ client_id: clients[n % clients.length] }),
  })

/** The organizations with the slowest and the fastest typical read. */
const fairnessOf = (organizations: readonly Organization[]): { worst: number; best: number } => {
  const typical = organizations.map(({ reads }) => median(msOf(reads)))
  return { worst: Math.max(...typical), best: Math.min(...typical) }
}

/** How the memory of a process was in the middle third and in the last third of a run. */
const growthOf = (samples: readonly number[]): { before: number; after: number } => {
  const third = Math.floor(samples.length / 3)
  return { before: mean(samples.slice(third, 2 * third)), after: mean(samples.slice(2 * third)) }
}

const rowsOf = (
  organizations: readonly Organization[],
  memory: ReadonlyMap<string, readonly number[]>,
  failures: readonly string[],
  {
    health,
    pushes,
    minutes,
  }: { health: readonly Sent[]; pushes: readonly number[]; minutes: number },
): Row[] => {
  const sent = organizations.flatMap(({ reads }) => reads)
  const worst10 = worstMoment(sent)
  const [all, alive] = [msOf(sent), msOf(health)]
  const count = all.length.toLocaleString('en')
  const [pushing, ...others] = organizations
  const { worst, best } = fairnessOf(organizations)
  const theirs = median(others.map(({ reads }) => median(msOf(reads))))
  return [
    row(
      `clients/get of ${ORGANIZATIONS * CLIENTS_EACH} clients, ${count} reads in ${minutes} minutes: p99`,
      {
        figure: `${ms(share(all, 0.99))}; p50 ${ms(share(all, 0.5))}; worst 10 s ${ms(worst10.ms)} at ${worst10.at} s`,
        against: `/health meanwhile ${ms(share(alive, 0.99))}; p50 ${ms(share(alive, 0.5))}`,
        ratio: share(all, 0.99) / share(alive, 0.99),
      },
      { atMost: READ_P99 },
    ),
    row(
      '… the organization with the slowest reads (median)',
      { figure: ms(worst), against: `the fastest ${ms(best)}`, ratio: worst / best },
      { atMost: FAIR },
    ),
    row(
      '… the organization that pushes (median)',
      {
        figure: ms(median(msOf(pushing?.reads ?? []))),
        against: `the others ${ms(theirs)}`,
        ratio: median(msOf(pushing?.reads ?? [])) / theirs,
      },
      { atMost: FAIR },
    ),
    row(
      '… reads and works that failed',
      { figure: String(failures.length), against: count, ratio: failures.length },
      { atMost: 0 },
    ),
    row(
      `pushes of ${PUSHED_ROWS.toLocaleString('en')} rows beside it`,
      {
        figure: `${Math.round((PUSHED_ROWS / median([...pushes])) * 1000)} rows/s`,
        against: `${pushes.length} pushes`,
        ratio: pushes.length,
      },
      'told',
    ),
    ...[...memory].map(([name, samples]) => {
      const { before, after } = growthOf(samples)
      return row(
        `memory of ${name}, last third of the run`,
        {
          figure: `${after.toFixed(0)} MB, at most ${Math.max(...samples).toFixed(0)} MB`,
          against: `the third before ${before.toFixed(0)} MB`,
          ratio: after / before,
        },
        { atMost: FLAT },
      )
    }),
  ]
}

/** Runs the load for so many minutes. */
export const benchFleet = async (minutes: number): Promise<Row[]> => {
  await using site = await startSite(['--seed', 'small', '--call-ms', String(CALL_MS)])
  await using second = await site.bench.startReplica()
  const replicas = [site.bench.server, second]
  const organizations: Organization[] = []
  for (let n = 1; n <= ORGANIZATIONS; n++) organizations.push(await organizationOf(site, n))
  const pools = replicas.map(({ url }) => new Pool(url, { connections: 40, pipelining: 1 }))

  // Connections of their own: behind reads that wait they would wait, too.
  const probes = replicas.map(({ url }) => new Pool(url, { connections: 4, pipelining: 1 }))

  const endsAt = performance.now() + minutes * 60_000
  const isOver = () => performance.now() >= endsAt
  const failures: string[] = []
  const failed: Failed = (what) => {
    if (failures.push(what) <= 10) console.log(`  ${what}`)
  }
  const memory = new Map(replicas.map((_, at) => [`replica ${at + 1}`, [] as number[]]))
  const sample = () => {
    for (const [at, { pid }] of replicas.entries()) {
      memory.get(`replica ${at + 1}`)?.push(residentMb(pid))
    }
  }
  const sampling = repeat(SAMPLE_EVERY_MS, isOver, sample)
  const tried = (what: string, work: () => Promise<unknown>) => async () => {
    await work().catch((error: unknown) => failed(`${what}: ${String(error)}`))
  }
  const pushes: number[] = []
  const [pushing, ...others] = organizations
  const big = tried('the large push', async () => {
    if (pushing === undefined) return
    const begunAt = performance.now()
    await pushLinesByEngine(pushing.site, 'fleet', PUSHED_ROWS)
    pushes.push(performance.now() - begunAt)
  })
  const health: Sent[] = []
  const reading = [
    sendSteadily(probes, () => ({ method: 'GET', path: '/health' }), {
      sent: health,
      isOver,
      failed,
    }),
    ...organizations.map((one) =>
      sendSteadily(pools, readOf(one), { sent: one.reads, isOver, failed }),
    ),
  ]
  const working = others.flatMap(({ name, site: own }) => [
    repeat(
      SMALL_EVERY_MS,
      isOver,
      tried(`a push of ${name}`, () => pushByEngine(own, smallPush(name))),
    ),
    repeat(
      PULL_EVERY_MS,
      isOver,
      tried(`a pull of ${name}`, () =>
        own.bench.call('/api/topology/pull', { client_id: own.clientId, wait_seconds: 55 }),
      ),
    ),
  ])
  await Promise.all([sampling, ...reading, ...working, repeat(0, isOver, big)])
  await Promise.all([...pools, ...probes].map((pool) => pool.close()))
  return rowsOf(organizations, memory, failures, { health, pushes, minutes })
}
