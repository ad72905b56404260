// `npm test`: every suite. Closes with one line that says how many tests passed and failed.
//
// The whole suite runs with databases owned by a login that is neither superuser nor BYPASSRLS;
// the tenancy suite once more with a superuser, which row-level security treats otherwise.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Report {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
}

const VITEST = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs')
const scratch = mkdtempSync(join(tmpdir(), 'sfdc-engine-x-report-'))

const run = (name: string, files: string[], environment: Record<string, string>): Promise<Report> =>
  new Promise((resolve) => {
    const output = join(scratch, `${name}.json`)
    const child = spawn(
      process.execPath,
      [
        VITEST,
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${output}`,
        ...files,
      ],
      { stdio: 'inherit', env: { ...process.env, ...environment } },
    )
    child.on('exit', (code) => {
      let report: Report = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 }
      try {
        report = JSON.parse(readFileSync(output, 'utf8')) as Report
      } catch {
        // no report: the run itself broke, which counts as a failure below
      }
      // A file that cannot even be loaded fails no test; the run failed all the same.
      const failed = Math.max(report.numFailedTests, code === 0 ? 0 : 1)
      resolve({ ...report, numFailedTests: failed })
    })
  })

const only = process.argv.slice(2)
const reports = [await run('all', only, {})]
if (only.length === 0) {
  reports.push(await run('superuser', ['test/src/tenancy.test.ts'], { SUITE_OWNER: 'superuser' }))
}
rmSync(scratch, { recursive: true, force: true })

const sum = (count: (report: Report) => number) =>
  reports.reduce((total, report) => total + count(report), 0)
const failed = sum((report) => report.numFailedTests)
const skipped = sum((report) => report.numPendingTests)
console.log(
  `\n${sum((report) => report.numPassedTests)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
)
process.exitCode = failed > 0 ? 1 : 0
