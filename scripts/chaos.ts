// `npm run chaos`: kill -9 of the server at random moments of pushes, round after round, with the code
// of test/src/push-chaos.ts. One line per round; exit code 1 if one of them found a violation.

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type Reporter, startVitest, type TestCase } from 'vitest/node'
import { type ChaosReport } from '../test/src/push-chaos.ts'

const HELP = `Kills the server at random moments of pushes and verifies that no row was lost or duplicated.

  --rounds N     default 50
  --seed S       seed of the first round; the next ones count up from it; default: a random one
  --at-once N    rounds that run in parallel, default 4: most of a round is waiting
`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
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

const play = async (rounds: number, seed: number, atOnce: number): Promise<boolean> => {
  console.log(`npm run chaos -- --rounds ${rounds} --seed ${seed}`)
  process.env.CHAOS_ROUNDS = String(rounds)
  process.env.CHAOS_SEED = String(seed)
  process.env.CHAOS_SIZE = 'large'
  const lines = new ChaosLines()
  const vitest = await startVitest('test', ['test/src/push-crash.test.ts'], {
    watch: false,
    reporters: [lines],
    maxConcurrency: atOnce,
    testNamePattern: 'one true result',
  })
  const broken = vitest.state.getUnhandledErrors()
  for (const error of broken) console.log(error)
  await vitest.close()
  const played = lines.reports.length + lines.violations
  console.log(
    `\n${played} rounds, ${lines.violations} with a violation` +
      (lines.reports.length > 0 ? `; ${summaryOf(lines.reports)}` : ''),
  )
  // A round that did not run proves nothing.
  return lines.violations === 0 && played === rounds && broken.length === 0
}

const rounds = Number(values.rounds)
const seed = Number(values.seed)
const atOnce = Number(values['at-once'])
const valid =
  [rounds, seed, atOnce].every((value) => Number.isSafeInteger(value)) && rounds > 0 && atOnce > 0
if (values.help || !valid) {
  console.log(HELP)
  process.exitCode = values.help ? 0 : 2
} else {
  process.exitCode = (await play(rounds, seed, atOnce)) ? 0 : 1
}
