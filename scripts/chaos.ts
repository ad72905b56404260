// `npm run chaos`: a storm over all kinds of work at once (test/src/chaos), or, with `--rounds`, kill -9 of
// the server at random moments of pushes, round after round (test/src/push-chaos.ts), and with `--fleet` of
// rollouts, drift and off-boarding (test/src/chaos/fleet.ts). Exit code 1 if a promise was broken.

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type Reporter, startVitest, type TestCase } from 'vitest/node'
import { type StormReport } from '../test/src/chaos/play.ts'
import { type ChaosReport } from '../test/src/push-chaos.ts'

const HELP = `All kinds of work at once on two replicas, while everything goes wrong that can: processes are killed,
the database crashes, Nango and Salesforce are slow, wrong or away. Afterwards every promise is checked.

  --minutes N    how long it lasts, default 10
  --seed S       default: a random one

With --rounds, only pushes, each killed at one moment chosen to the millisecond, and then checked row by row:

  --rounds N     how many pushes
  --seed S       seed of the first round; the next ones count up from it; default: a random one
  --at-once N    rounds that run in parallel, default 4: most of a round is waiting

With --fleet, rounds of a rollout, a search for drift, a rollback and an off-boarding, each with replicas that die:

  --rounds N     how many, one after the other; default 10
`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rounds: { type: 'string' },
    fleet: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    'at-once': { type: 'string', default: '4' },
    help: { type: 'boolean', default: false },
  },
})

const toldOf = (report: ChaosReport): string => {
  const { atDeath, moment, recoveredMs } = report
  const push = atDeath.status.replace('_', ' ')
  return [
    `killed ${moment.ms} ms after ${moment.at} ${moment.by} (${push}`,
    `${atDeath.processed} of ${report.rows} rows with results`,
    `${atDeath.inDoubt} in doubt`,
    `${atDeath.records} records)`,
    `complete ${(recoveredMs / 1000).toFixed(1)} s later: ${report.succeeded} + ${report.failed}`,
    `${report.resent} resent`,
  ].join(', ')
}

/** The worst of each kind of moment, to see that a run has covered them. */
const summaryOf = (reports: readonly ChaosReport[]): string => {
  const within = reports.filter(({ atDeath: { status } }) => status === 'in_progress').length
  const doubtful = reports.filter(({ atDeath: { inDoubt } }) => inDoubt > 0).length
  const recoveries = reports.map(({ recoveredMs }) => recoveredMs).sort((a, b) => a - b)
  const longest = ((recoveries.at(-1) ?? 0) / 1000).toFixed(1)
  const rows = reports.reduce((sum, report) => sum + report.rows, 0)
  return (
    `${rows} rows, each with one true result; ${within} pushes were killed in the middle, ` +
    `${doubtful} with rows in doubt; back within ${longest} s`
  )
}

class ChaosLines implements Reporter {
  readonly reports: ChaosReport[] = []
  violations = 0

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result()
    const { chaos } = test.meta()
    if (state === 'passed') {
      if (chaos === undefined) return
      this.reports.push(chaos)
      console.log(`seed ${chaos.seed}  ${chaos.transport.padEnd(11)} ok    ${toldOf(chaos)}`)
      return
    }
    this.violations += 1
    console.log(`${test.name}: VIOLATION`)
    for (const { message, stack } of errors ?? []) console.log(stack ?? message)
  }
}

/** Runs one file of test/src, as vitest would, and returns what it could not even run. */
const run = async (file: string, reporter: Reporter, more: object): Promise<readonly unknown[]> => {
  const vitest = await startVitest('test', [file], {
    watch: false,
    reporters: [reporter],
    include: [file],
    ...more,
  })
  const broken = vitest.state.getUnhandledErrors()
  for (const error of broken) console.log(error)
  await vitest.close()
  return broken
}

const playRounds = async (rounds: number, seed: number, atOnce: number): Promise<boolean> => {
  console.log(`npm run chaos -- --rounds ${rounds} --seed ${seed}`)
  process.env.CHAOS_ROUNDS = String(rounds)
  process.env.CHAOS_SEED = String(seed)
  process.env.CHAOS_SIZE = 'large'
  const lines = new ChaosLines()
  const broken = await run('test/src/push-crash.test.ts', lines, {
    maxConcurrency: atOnce,
    testNamePattern: 'one true result',
  })
  const played = lines.reports.length + lines.violations
  console.log(
    `\n${played} rounds, ${lines.violations} with a violation` +
      (lines.reports.length > 0 ? `; ${summaryOf(lines.reports)}` : ''),
  )
  // A round that did not run proves nothing.
  return lines.violations === 0 && played === rounds && broken.length === 0
}

class FleetLines implements Reporter {
  kept = 0

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result()
    const { fleet } = test.meta()
    if (state === 'passed' && fleet !== undefined) {
      this.kept += 1
      console.log(`seed ${fleet.seed}  ok  ${fleet.told}`)
      return
    }
    console.log(`${test.name}: VIOLATION`)
    for (const { message, stack } of errors ?? []) console.log(stack ?? message)
  }
}

const playFleet = async (rounds: number, seed: number): Promise<boolean> => {
  console.log(`npm run chaos -- --fleet --rounds ${rounds} --seed ${seed}`)
  process.env.CHAOS_ROUNDS = String(rounds)
  process.env.CHAOS_SEED = String(seed)
  const lines = new FleetLines()
  const broken = await run('test/src/chaos/fleet.run.ts', lines, {})
  console.log(`\n${lines.kept} of ${rounds} rounds kept every promise`)
  return lines.kept === rounds && broken.length === 0
}

class StormLines implements Reporter {
  report: StormReport | undefined

  onTestCaseResult(test: TestCase): void {
    const { errors } = test.result()
    this.report = test.meta().storm
    if (this.report !== undefined) return
    for (const { message, stack } of errors ?? []) console.log(stack ?? message)
  }
}

/** In full they are in the timeline. */
const TOLD_MAX = 300

const tellStorm = ({ counts, rows, recoveredMs, violations, folder }: StormReport): void => {
  const width = Math.max(...Object.keys(counts).map((name) => name.length))
  for (const [name, count] of Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${name.padEnd(width)}  ${String(count).padStart(6)}`)
  }
  console.log(
    `\n${rows} rows pushed; all work had ended ${(recoveredMs / 1000).toFixed(1)} s after the storm; ` +
      `${violations.length} violations`,
  )
  for (const { at, what } of violations) console.log(`  ${at} s  ${what.slice(0, TOLD_MAX)}`)
  if (folder !== null) console.log(`What happened, and the servers' logs: ${folder}`)
}

const playStorm = async (minutes: number, seed: number): Promise<boolean> => {
  console.log(`npm run chaos -- --minutes ${minutes} --seed ${seed}`)
  process.env.CHAOS_MINUTES = String(minutes)
  process.env.CHAOS_SEED = String(seed)
  const lines = new StormLines()
  const broken = await run('test/src/chaos/storm.run.ts', lines, { disableConsoleIntercept: true })
  if (lines.report !== undefined) tellStorm(lines.report)
  return broken.length === 0 && lines.report?.violations.length === 0
}

const rounds = Number(values.rounds ?? (values.fleet ? 10 : 1))
const minutes = Number(values.minutes)
const seed = Number(values.seed)
const atOnce = Number(values['at-once'])
const valid =
  [rounds, seed, atOnce].every((value) => Number.isSafeInteger(value)) &&
  rounds > 0 &&
  atOnce > 0 &&
  minutes > 0
if (values.help || !valid) {
  console.log(HELP)
  process.exitCode = values.help ? 0 : 2
} else {
  const isKept = await (values.fleet
    ? playFleet(rounds, seed)
    : values.rounds === undefined
      ? playStorm(minutes, seed)
      : playRounds(rounds, seed, atOnce))
  process.exitCode = isKept ? 0 : 1
}
