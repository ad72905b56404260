// `npm test`: every suite. Closes with one line that says how many tests passed and failed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Report {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
}

const VITEST = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs')
/**
 * Of vitest's own process, in which the simulator of the shared rig runs: with V8's defaults a sixth of its
 * CPU goes into collecting garbage.
 */
const ROOM = [
  '--min-semi-space-size=32',
  '--max-semi-space-size=64',
  '--initial-old-space-size=1024',
]
const scratch = mkdtempSync(join(tmpdir(), 'sfdc-engine-x-report-'))
const output = join(scratch, 'report.json')

const reported = (): Report => {
  try {
    return JSON.parse(readFileSync(output, 'utf8')) as Report
  } catch {
    // no report: the run itself broke, which counts as a failure below
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 }
  }
}

const child = spawn(
  process.execPath,
  [
    ...ROOM,
    VITEST,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${output}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
)
const [code] = (await once(child, 'exit')) as [number | null]
const report = reported()
rmSync(scratch, { recursive: true, force: true })

// A file that cannot even be loaded, or leaves something behind, fails no test; the run still fails.
const failed = Math.max(report.numFailedTests, code === 0 ? 0 : 1)
const skipped = report.numPendingTests
console.log(
  `\n${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
)
process.exitCode = failed > 0 ? 1 : 0
