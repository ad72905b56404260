import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The longest suites alone, longest first: started late, one of them would run alone while the other cores are
 * idle.
 */
const LONGEST = [
  'rollouts-failures',
  'console-fleet',
  'command-line',
  'waiting-work',
  'leaving',
  'deploy-claims',
  'words',
  'console-main-job',
  'rollouts-kill',
  'rollouts-stale',
  'push-crash',
  'crash',
].map((name) => `/test/src/${name}.test.ts`)

/** Suites that mostly wait: for leases to run out, for work to be taken over, for an outage to end. */
const WAITING =
  /(crash|waiting-work|deploy-claims|rollouts-(kill|failures)|push-(fates|faults|faults-bulk|lifecycle))\.test\.ts$/
/** Unit tests of half a minute: started first among the units, for the same reason. */
const LONG_UNITS =
  /(plan\/(large|rollback)|conflicts\/staleness|saved\/saved|deployments\/plan\/(verdict|access)|pushes\/(pushes|adversity)|deployments\/workflows\/(workflows|faults)|conflicts\/reports|bulk\/ingest|routes\/push)\.test\.ts$/

/** Unlike unit tests, which lie beside the code that they test, these drive whole servers. */
const SYSTEM = /\/test\/src\//

/** Its place among the longest; behind them for any other. */
const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = LONGEST.findIndex((end) => moduleId.endsWith(end))
  return place < 0 ? LONGEST.length : place
}

/**
 * The longest first; then waiting and working suites alternate, so that the cores have work from the
 * beginning to the end; then the units, which are short.
 */
class WaitingBesideWorking extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const those = (pattern: RegExp, among: TestSpecification[]) =>
      [true, false].map((does) => among.filter(({ moduleId }) => pattern.test(moduleId) === does))
    const [systems = [], units = []] = those(SYSTEM, sorted)
    systems.sort((a, b) => placeOf(a) - placeOf(b))
    const longest = systems.filter((file) => placeOf(file) < LONGEST.length)
    const [waiting = [], working = []] = those(WAITING, systems.slice(longest.length))
    const turns = Array.from({ length: Math.max(waiting.length, working.length) }, (_, turn) => [
      ...waiting.slice(turn, turn + 1),
      ...working.slice(turn, turn + 1),
    ])
    return [...longest, ...turns.flat(), ...those(LONG_UNITS, units).flat()]
  }
}

export default defineConfig({
  // As in tsconfig.json: without a build.
  resolve: {
    alias: {
      '@sfdc-engine-x/client': join(import.meta.dirname, 'packages/client/src/index.ts'),
    },
  },
  test: {
    pool: 'forks',
    // A worker runs file after file: what one file loads, the next one already has.
    isolate: false,
    // More than the two cores of CI: for much of its time a system test waits.
    maxWorkers: 6,
    // Room from the start, so that V8 collects less.
    execArgv: [
      '--min-semi-space-size=16',
      '--max-semi-space-size=32',
      '--initial-old-space-size=256',
    ],
    include: ['{server,simulator,scripts,test,packages}/**/*.test.{ts,tsx}'],
    sequence: { sequencer: WaitingBesideWorking },
    globalSetup: ['test/src/global-setup.ts'],
    setupFiles: ['test/src/leaks.ts'],
    // CI's machine may be busy with something else, and some faults have to meet a moment. Reported as retried.
    retry: process.env.CI === undefined ? 0 : 1,
    // Against hanging, not against slowness: the machine may be slow, and busy with something else.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 150_000 } },
  },
})
