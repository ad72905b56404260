import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Suites that mostly wait: for leases to run out, for work to be taken over, for an outage to end. */
const WAITING =
  /(crash|waiting-work|deploy-claims|push-(fates|faults|faults-bulk|lifecycle))\.test\.ts$/
/**
 * Unit tests of half a minute: started last, one of them would run alone while the other cores are idle.
 */
const LONG_UNITS =
  /(plan\/(large|rollback)|pushes\/(pushes|adversity)|deployments\/workflows\/(workflows|faults)|conflicts\/reports|bulk\/ingest|routes\/push)\.test\.ts$/

/**
 * Waiting and working suites alternate, so that the cores have work from the beginning to the end; then
 * the units, which are short. A project's files stay together: a worker takes one project's.
 */
class WaitingBesideWorking extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const systems = sorted.filter(({ project }) => project.name === 'system')
    const others = sorted.filter(({ project }) => project.name !== 'system')
    const waiting = systems.filter(({ moduleId }) => WAITING.test(moduleId))
    const working = systems.filter(({ moduleId }) => !WAITING.test(moduleId))
    const turns = Array.from({ length: Math.max(waiting.length, working.length) }, (_, turn) => [
      ...waiting.slice(turn, turn + 1),
      ...working.slice(turn, turn + 1),
    ])
    const [long, short] = [true, false].map((isLong) =>
      others.filter(({ moduleId }) => LONG_UNITS.test(moduleId) === isLong),
    )
    return [...turns.flat(), ...(long ?? []), ...(short ?? [])]
  }
}

const common = {
  pool: 'forks' as const,
  // A worker runs file after file: what one file loads, the next one already has.
  isolate: false,
  // Room from the start, so that V8 collects less.
  execArgv: [
    '--min-semi-space-size=16',
    '--max-semi-space-size=32',
    '--initial-old-space-size=256',
  ],
  setupFiles: ['test/src/leaks.ts'],
  // Against hanging, not against slowness: the machine may be busy with something else.
  testTimeout: 60_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  test: {
    // More than the two cores of CI: for much of its time a system test waits.
    maxWorkers: 5,
    sequence: { sequencer: WaitingBesideWorking },
    globalSetup: ['test/src/global-setup.ts'],
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['server/**/*.test.ts', 'simulator/**/*.test.ts', 'scripts/**/*.test.ts'],
        },
      },
      { test: { ...common, name: 'system', include: ['test/**/*.test.ts'] } },
      {
        // Row-level security treats a superuser differently, and the embedded server's owner is one.
        test: {
          ...common,
          name: 'superuser',
          include: ['test/src/tenancy.test.ts'],
          provide: { owner: 'superuser' },
        },
      },
    ],
  },
})
