// What a push costs beside Salesforce's own time, on one replica and on two, and how evenly many clients
// are served.

import { median } from './load.ts'
import { cpuMs } from './processes.ts'
import { placement, placements } from './push-contest.ts'
import { createMapping, pushByEngine, startPushSite } from './push-site.ts'
import { row, type Row } from './row.ts'
import { type Site, startSite } from './site.ts'

const ROWS = 10_000
const CHUNK_ROWS = 200
const RUNS = 5
const OWN_MS = 12
const CALL_MS = 60
const CLIENTS = 50
const CLIENT_ROWS = 1_000

/** Milliseconds for each call of 200 rows from the first to the last, by the server's own stamps. */
const msOfChunk = async (site: Site, prefix: string): Promise<number> => {
  const { started_at, completed_at } = await pushByEngine(site, placements(prefix, ROWS))
  const ms = Date.parse(completed_at ?? '') - Date.parse(started_at ?? '')
  return ms / (ROWS / CHUNK_ROWS)
}

const spread = (times: readonly number[]): string =>
  `${median([...times]).toFixed(1)} ms (${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)})`

export const benchOwnTime = async (): Promise<Row[]> => {
  await using site = await startPushSite(0)
  const times = async (prefix: string): Promise<number[]> => {
    const all: number[] = []
    for (let run = 0; run < RUNS; run += 1) all.push(await msOfChunk(site, `${prefix}-${run}`))
    return all
  }
  await msOfChunk(site, 'warm-own')
  const { simulator, bench } = site
  const before = [cpuMs(bench.server.pid), cpuMs(simulator.pid)]
  const alone = await times('alone')
  const [ours = 0, theirs = 0] = [cpuMs(bench.server.pid), cpuMs(simulator.pid)].map(
    (ms, at) => (ms - (before[at] ?? 0)) / ((RUNS * ROWS) / CHUNK_ROWS),
  )
  await using second = await site.bench.startReplica()
  await msOfChunk(site, `warm-${second.pid}`)
  const together = await times('together')
  return [
    row(
      'our own time for a chunk of 200 rows, Salesforce answering at once',
      {
        // The simulator answers as soon as it can, which is not at once.
        figure: `${spread(alone)}; processor: server ${ours.toFixed(1)} ms, simulator ${theirs.toFixed(1)} ms`,
        against: `${OWN_MS} ms`,
        ratio: median(alone) / OWN_MS,
      },
      { atMost: 1 },
    ),
    // The simulator, PostgreSQL and the two servers share the cores of one machine.
    row(
      'the same push on two replicas: times as fast',
      {
        figure: spread(together),
        against: `one replica ${spread(alone)}`,
        ratio: median(alone) / median(together),
      },
      { atLeast: 1.6 },
    ),
  ]
}

/** A client with a Salesforce org, a snapshot and a mapping of its own. */
export const addClient = async (site: Site, n: number): Promise<string> => {
  const { bench, control } = site
  const org = `Client ${n}`
  await control.createOrg({ name: org, edition: 'Unlimited' })
  const { id: client_id } = await bench.call<{ id: string }>('/api/clients/create', { name: org })
  const { connect_link } = await bench.call<{ connect_link: string }>('/api/connections/create', {
    client_id,
  })
  await control.authorize({ connectLink: connect_link, org })
  await bench.call('/api/connections/callback', { client_id })
  await bench.call('/api/topology/pull', { client_id, wait_seconds: 55 })
  await createMapping(site, client_id)
  return client_id
}

export const benchManyClients = async (): Promise<Row[]> => {
  await using site = await startSite(['--seed', 'small', '--call-ms', String(CALL_MS)])
  const clients: string[] = []
  for (let n = 0; n < CLIENTS; n += 1) clients.push(await addClient(site, n))
  const times = await Promise.all(
    clients.map(async (clientId, at) => {
      const records = Array.from({ length: CLIENT_ROWS }, (_, n) => placement(`c${at}`, n))
      const started = performance.now()
      await pushByEngine(site, records, clientId)
      return performance.now() - started
    }),
  )
  const slowest = Math.max(...times)
  const typical = median([...times])
  return [
    row(
      `${CLIENTS} clients push ${CLIENT_ROWS.toLocaleString('en')} rows each at once: the slowest`,
      {
        figure: `${(slowest / 1000).toFixed(2)} s`,
        against: `the median ${(typical / 1000).toFixed(2)} s`,
        ratio: slowest / typical,
      },
      { atMost: 1.5 },
    ),
  ]
}
