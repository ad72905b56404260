// `npm run check`: everything that can be checked without running tests. The checks are independent, so
// they run in parallel; the output of each is shown as a whole.

import { spawn } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const bin = (path: string) => join(ROOT, 'node_modules', path)

/** The longest first. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  tsc: [bin('typescript/bin/tsc'), '--noEmit'],
  'tsc of the console': [bin('typescript/bin/tsc'), '--noEmit', '-p', 'packages/console'],
  oxlint: [bin('oxlint/bin/oxlint')],
  oxfmt: [bin('oxfmt/bin/oxfmt'), '--check'],
  structure: ['scripts/structure.ts'],
  openapi: ['scripts/openapi.ts', '--check'],
}

const passes = (name: string, argv: readonly string[]): Promise<boolean> =>
  new Promise((resolve) => {
    const begunAt = performance.now()
    const child = spawn(process.execPath, argv, { cwd: ROOT })
    const said: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => said.push(piece))
    child.stderr.on('data', (piece: Buffer) => said.push(piece))
    child.once('close', (code) => {
      const seconds = ((performance.now() - begunAt) / 1000).toFixed(1)
      console.log(`${name}: ${code === 0 ? 'passed' : 'FAILED'} (${seconds} s)`)
      process.stdout.write(Buffer.concat(said))
      resolve(code === 0)
    })
  })

const passed = await Promise.all(Object.entries(CHECKS).map(([name, argv]) => passes(name, argv)))
process.exitCode = passed.every(Boolean) ? 0 : 1
