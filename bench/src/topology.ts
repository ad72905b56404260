// Reading a whole org: cold against jsforce, re-pull against cold, and how it grows.

import jsforce from '@jsforce/jsforce-node'
import pg from 'pg'
import { createControl } from '../../simulator/src/control/client.ts'
import { median } from './load.ts'
import { peakOver } from './processes.ts'
import { leastMs, pullFloor } from './pull-floor.ts'
import { row, type Row } from './row.ts'
import { startSite, type Site } from './site.ts'
import { benchSnapshotReads } from './snapshot-reads.ts'

const CALL_MS = 60
const DESCRIBE_MS = 15
const JSFORCE_AT_ONCE = 10
const ROUNDS = 5
const CHANGED_BYTES_GOAL = 108 * 1024
const FIELDS_PER_OBJECT = 20

interface Snapshot {
  id: string
  version: number
  objects_count: number
  fields_count: number
  stats: { salesforce_api_calls: number; bytes: number; duration_ms: number }
}

/** Pulls until it ends, however long it takes; measures the time that the caller waits. */
const pull = async (
  { bench, clientId }: Pick<Site, 'bench' | 'clientId'>,
  options: Record<string, unknown> = {},
): Promise<Snapshot & { ms: number }> => {
  const started = performance.now()
  let body: Record<string, unknown> = { ...options }
  for (;;) {
    const snapshot = await bench.call<Snapshot & { status: string }>('/api/topology/pull', {
      client_id: clientId,
      wait_seconds: 55,
      ...body,
    })
    if (snapshot.status === 'complete') return { ...snapshot, ms: performance.now() - started }
    if (snapshot.status === 'failed')
      throw new Error(`the pull failed: ${JSON.stringify(snapshot)}`)
    body = {}
  }
}

const startLargeSite = (objects: number): Promise<Site> =>
  startSite([
    ...['--seed', 'large', '--objects', String(objects)],
    ...['--fields', String(objects * FIELDS_PER_OBJECT)],
    ...['--call-ms', String(CALL_MS), '--describe-ms', String(DESCRIBE_MS)],
  ])

/** The same reading with jsforce: describeGlobal, then each describe, ten at a time. */
const pullByJsforce = async (simulatorUrl: string): Promise<{ ms: number; calls: number }> => {
  const control = createControl(simulatorUrl)
  const { token, instanceUrl } = await control.openSession('Acme', 'integration@acme.example')
  await control.clearJournal()
  const connection = new jsforce.Connection({
    instanceUrl,
    accessToken: token,
    version: '66.0',
    maxRequest: JSFORCE_AT_ONCE,
  })
  const started = performance.now()
  const { sobjects } = await connection.describeGlobal()
  const names = sobjects.map(({ name }) => name)
  const worker = async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift())
      await connection.describe(name)
  }
  await Promise.all(Array.from({ length: JSFORCE_AT_ONCE }, worker))
  const ms = performance.now() - started
  return { ms, calls: (await control.journal('Acme')).reduce((sum, call) => sum + call.calls, 0) }
}

const storedBytes = async (databaseUrl: string): Promise<number> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ bytes: string }>(
    'select coalesce(sum(length(body)), 0) as bytes from topology_frames',
  )
  await client.end()
  return Number(rows[0]?.bytes ?? 0)
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`

const benchThousand = async (): Promise<Row[]> => {
  await using site = await startLargeSite(1000)
  const { bench, simulator } = site
  const theirs = await pullByJsforce(simulator.url)
  const cold = await peakOver(bench.server.pid, () => pull(site))
  const coldBytes = await storedBytes(bench.databaseUrl)
  const again = await pull(site)

  const control = createControl(simulator.url)
  for (let i = 0; i < 10; i++) {
    await control.act('schema/alter-field', {
      org: 'Acme',
      object: `Object_${String(i * 100).padStart(5, '0')}__c`,
      name: 'Field_000__c',
      changes: { label: `Changed ${i}` },
    })
  }
  const changed = await pull(site)
  const changedBytes = (await storedBytes(bench.databaseUrl)) - coldBytes

  const started = performance.now()
  const diff = await bench.call<{ objects: unknown[] }>('/api/topology/diff', {
    client_id: site.clientId,
    from_version: cold.value.version,
    to_version: changed.version,
  })
  const diffMs = performance.now() - started
  if (diff.objects.length !== 10)
    throw new Error(`the diff found ${diff.objects.length} objects, not 10`)

  return [
    ...(await benchSnapshotReads(site)),
    row(
      'cold pull, 1,000 objects: time',
      {
        figure: seconds(cold.value.ms),
        against: `jsforce ${seconds(theirs.ms)}`,
        ratio: cold.value.ms / theirs.ms,
      },
      { atMost: 0.5 },
    ),
    row(
      'cold pull, 1,000 objects: Salesforce calls',
      {
        figure: String(cold.value.stats.salesforce_api_calls),
        against: `jsforce ${theirs.calls}`,
        ratio: cold.value.stats.salesforce_api_calls / theirs.calls,
      },
      { atMost: 0.1 },
    ),
    row(
      'cold pull, 1,000 objects: memory over idle',
      {
        figure: `${Math.round(cold.peakMb - cold.idleMb)} MB`,
        against: '300 MB',
        ratio: (cold.peakMb - cold.idleMb) / 300,
      },
      { atMost: 1 },
    ),
    row(
      're-pull, nothing changed: time',
      {
        figure: seconds(again.ms),
        against: `cold ${seconds(cold.value.ms)}`,
        ratio: again.ms / cold.value.ms,
      },
      { atMost: 0.2 },
    ),
    // A twentieth of what a cold pull stored when each content was compressed alone.
    row(
      're-pull, 1 % changed: bytes stored',
      {
        figure: kib(changedBytes),
        against: `${kib(CHANGED_BYTES_GOAL)}; cold ${kib(coldBytes)}`,
        ratio: changedBytes / CHANGED_BYTES_GOAL,
      },
      { atMost: 1 },
    ),
    // In the simulator a 304 takes as long as a describe: the worst case, so it has no goal.
    row(
      're-pull, 1 % changed: time',
      {
        figure: seconds(changed.ms),
        against: `cold ${seconds(cold.value.ms)}`,
        ratio: changed.ms / cold.value.ms,
      },
      'told',
    ),
    row(
      'diff, 1,000 objects, 1 % changed',
      { figure: `${Math.round(diffMs)} ms`, against: '200 ms', ratio: diffMs / 200 },
      { atMost: 1 },
    ),
  ]
}

/** Cold pulls of clients that are new to the store, in turns with the calls alone. */
const benchFloor = async (): Promise<Row[]> => {
  await using site = await startLargeSite(1000)
  const ours: number[] = []
  const floor: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const clientId = await site.moveToNewClient()
    floor.push(await pullFloor(site.control))
    ours.push((await pull({ bench: site.bench, clientId })).ms)
  }
  const [figure, calls] = [median(ours), median(floor)]
  const least = leastMs(1000, { callMs: CALL_MS, describeMs: DESCRIBE_MS })
  return [
    row(
      'cold pull, 1,000 objects: time, median of five',
      {
        figure: seconds(figure),
        against: `its calls alone ${seconds(calls)}`,
        ratio: figure / calls,
      },
      { atMost: 1.15 },
    ),
    row(
      'cold pull, 1,000 objects: share of the time outside Salesforce',
      {
        figure: seconds(figure - calls),
        against: `the whole ${seconds(figure)}`,
        ratio: (figure - calls) / figure,
      },
      { atMost: 0.15 },
    ),
    row(
      'cold pull, 1,000 objects: time',
      {
        figure: seconds(figure),
        against: `60 ms a call, 15 ms a describe ${seconds(least)}`,
        ratio: figure / least,
      },
      'told',
    ),
  ]
}

/** How time and memory grow from one size to the next. */
const benchGrowth = async (): Promise<Row[]> => {
  const rows: Row[] = []
  let before: { objects: number; ms: number } | null = null
  for (const objects of [250, 1000, 4000]) {
    await using site = await startLargeSite(objects)
    const cold = await peakOver(site.bench.server.pid, () => pull(site))
    const memory = cold.peakMb - cold.idleMb
    rows.push(
      row(
        `cold pull, ${objects} objects: memory over idle`,
        { figure: `${Math.round(memory)} MB`, against: '300 MB', ratio: memory / 300 },
        { atMost: 1 },
      ),
    )
    if (before !== null) {
      const growth = cold.value.ms / before.ms / (objects / before.objects)
      rows.push(
        row(
          `cold pull, ${before.objects} → ${objects} objects: time per object`,
          {
            figure: seconds(cold.value.ms),
            against: `${before.objects} objects ${seconds(before.ms)}`,
            ratio: growth,
          },
          { atMost: 1.1 },
        ),
      )
    }
    before = { objects, ms: cold.value.ms }
  }
  return rows
}

export const benchTopology = async (): Promise<Row[]> => [
  ...(await benchFloor()),
  ...(await benchThousand()),
  ...(await benchGrowth()),
]
