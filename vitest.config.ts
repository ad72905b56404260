import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What kills servers waits longest for others to take over: it starts first, and the units fill in. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) =>
      moduleId.endsWith('crash.test.ts') ? 0 : project.name === 'unit' ? 2 : 1
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

const common = {
  pool: 'forks' as const,
  // A worker takes file after file: what one file loads, the next one has.
  isolate: false,
  setupFiles: ['test/src/leaks.ts'],
  testTimeout: 30_000,
  hookTimeout: 60_000,
}

export default defineConfig({
  test: {
    // More than two cores in CI: for much of its time a system test waits.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
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
        // Row-level security treats a superuser otherwise, and the embedded server's owner is one.
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
