// Pushes of 10,000 rows by Collections and of 200,000 by Bulk, against other tools for the same work.

import { prepareBench } from '../../server/src/domain/pushes/prepare/bench.ts'
import { peakOver } from './processes.ts'
import { benchManyClients, benchOwnTime } from './push-load.ts'
import { type Contest, contest, measured, type Measured, placements } from './push-contest.ts'
import { hasSf, loadByJsforce, loadBySf, upsertByJsforce } from './push-rivals.ts'
import { pushByEngine, pushLinesByEngine, startPushSite } from './push-site.ts'
import { row, type Row } from './row.ts'

const CALL_MS = 60
const COLLECTION_ROWS = 10_000
const BULK_ROWS = 200_000
/** Calls beside those with rows: who the user is, how far the clock is off, and the like. */
const FEW = 5
const JOB_CALLS = 30
/** "The Salesforce Bulk API: Maximizing Parallelism and Throughput", Salesforce developer blog, 2014. */
const SALESFORCE_ROWS_A_SECOND = 20_000_000 / 3_600
const MEMORY_MB = 150
const AT_ONCE = 8
const RUNS = 5
const BULK_RUNS = 3

const seconds = ({ ms }: Measured) => `${(ms / 1000).toFixed(2)} s`
const spread = (one: Contest) =>
  `${seconds(one)} (${(one.leastMs / 1000).toFixed(2)}–${(one.mostMs / 1000).toFixed(2)})`
const perSecond = ({ ms }: Measured, rows: number) => Math.round((rows / ms) * 1000)
const pace = (one: Measured, rows: number) =>
  `${perSecond(one, rows).toLocaleString('en')} rows/s (${seconds(one)})`

const benchCollections = async (): Promise<Row[]> => {
  await using site = await startPushSite(CALL_MS)
  const rows = (prefix: string) => placements(prefix, COLLECTION_ROWS)
  const theirs = await measured(site, () => upsertByJsforce(site, rows('jsforce'), 1))
  const { atOnce, ours } = await contest(site, RUNS, {
    atOnce: (run) => upsertByJsforce(site, rows(`at-once-${run}`), AT_ONCE),
    ours: (run) => pushByEngine(site, rows(`engine-${run}`)),
  })
  const floor = Math.ceil(COLLECTION_ROWS / 200) + FEW
  const what = `push of ${COLLECTION_ROWS.toLocaleString('en')} rows by Collections (calls of ${CALL_MS} ms)`
  return [
    row(
      `${what}: time`,
      {
        figure: seconds(ours),
        against: `jsforce upsert of the array ${seconds(theirs)}`,
        ratio: ours.ms / theirs.ms,
      },
      { atMost: 1 },
    ),
    // Written by hand: jsforce itself sends an array call by call, and does not group rows by parents.
    row(
      `${what}: time`,
      {
        figure: spread(ours),
        against: `jsforce, ${AT_ONCE} arrays at once ${spread(atOnce)}`,
        ratio: ours.ms / atOnce.ms,
      },
      { atMost: 1.5 },
    ),
    row(
      `${what}: Salesforce calls`,
      {
        figure: String(ours.calls),
        against: `jsforce ${theirs.calls}; rows/200 + ${FEW} = ${floor}`,
        ratio: ours.calls / floor,
      },
      { atMost: 1 },
    ),
  ]
}

const benchBulk = async (): Promise<Row[]> => {
  await using site = await startPushSite(CALL_MS)
  const { pid } = site.bench.server
  let peakMb = 0
  const { theirs, ours } = await contest(site, BULK_RUNS, {
    theirs: (run) => loadByJsforce(site, `jsforce-${run}`, BULK_ROWS),
    ours: async (run) => {
      const own = await peakOver(pid, () => pushLinesByEngine(site, `engine-${run}`, BULK_ROWS))
      peakMb = Math.max(peakMb, own.peakMb)
    },
  })
  // The warm-up is part of the cost of a push: its memory counts.
  const memory = peakMb - site.idleMb
  const what = `push of ${BULK_ROWS.toLocaleString('en')} rows by NDJSON, results read`
  const rows = [
    row(
      `${what}: throughput`,
      {
        figure: pace(ours, BULK_ROWS),
        against: `fastest that Salesforce published ${Math.round(SALESFORCE_ROWS_A_SECOND).toLocaleString('en')} rows/s`,
        ratio: perSecond(ours, BULK_ROWS) / SALESFORCE_ROWS_A_SECOND,
      },
      // The simulator's jobs take no time: the measured time is what is added to Salesforce's own.
      { atLeast: 1 },
    ),
    // It does not map, check or store rows: rows in memory go straight into CSV, and a crash loses them.
    row(
      `${what}: throughput`,
      {
        figure: pace(ours, BULK_ROWS),
        against: `jsforce bulk2 ${pace(theirs, BULK_ROWS)}`,
        ratio: theirs.ms / ours.ms,
      },
      { atLeast: 0.8 },
    ),
    row(
      `${what}: Salesforce calls`,
      {
        figure: String(ours.calls),
        against: `jsforce bulk2 ${theirs.calls}; one job's handful, ${JOB_CALLS}`,
        ratio: ours.calls / JOB_CALLS,
      },
      { atMost: 1 },
    ),
    row(
      `${what}: memory over idle`,
      {
        figure: `${Math.round(memory)} MB`,
        against: `${MEMORY_MB} MB (idle ${Math.round(site.idleMb)} MB)`,
        ratio: memory / MEMORY_MB,
      },
      { atMost: 1 },
    ),
  ]
  if (!hasSf()) {
    const against = 'sf data upsert bulk: left out, no sf on the PATH'
    const figure = pace(ours, BULK_ROWS)
    return [...rows, row(`${what}: throughput`, { figure, against, ratio: 0 }, 'told')]
  }
  const cli = await loadBySf(site, 'sf', BULK_ROWS)
  rows.push(
    row(
      `${what}: throughput`,
      {
        figure: pace(ours, BULK_ROWS),
        against: `sf data upsert bulk ${pace(cli, BULK_ROWS)}`,
        ratio: cli.ms / ours.ms,
      },
      { atLeast: 1.8 },
    ),
    row(
      `${what}: Salesforce calls`,
      { figure: String(ours.calls), against: `sf ${cli.calls}`, ratio: ours.calls / cli.calls },
      'told',
    ),
  )
  return rows
}

/** The cost of rows before they are sent, beside the fastest published Bulk jobs. */
const benchPreparation = (): Row[] => {
  const { rows, ready, rowsPerSecond } = prepareBench()
  if (ready !== rows) throw new Error(`${ready} of ${rows} rows were ready`)
  return [
    row(
      'preparation of rows of ten fields',
      {
        figure: `${rowsPerSecond.toLocaleString('en')} rows/s`,
        against: '20 million rows an hour by Bulk, published by Salesforce',
        ratio: rowsPerSecond / SALESFORCE_ROWS_A_SECOND,
      },
      'told',
    ),
  ]
}

export const benchPush = async (): Promise<Row[]> => [
  ...benchPreparation(),
  ...(await benchCollections()),
  ...(await benchBulk()),
  ...(await benchOwnTime()),
  ...(await benchManyClients()),
]
