// What a failed test leaves of sfx: nothing that runs, and nothing that the next command waits for.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type InstalledSfx, installedSfx } from './installed-sfx.ts'
import { until } from './until.ts'

/** Ends, or says its process and does not. */
const PROGRAM = `
if (process.argv[2] === 'hang') {
  process.stderr.write(String(process.pid))
  await new Promise(() => setInterval(() => undefined, 1_000))
}
process.stdout.write(process.argv.slice(2).join(' '))
`

let folder: string
let installed: InstalledSfx

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'installed-sfx-'))
  for (const path of ['node_modules/@sfdc-engine-x/cli/dist/main.js', 'node_modules/.bin/sfx']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), PROGRAM)
  }
  installed = installedSfx(folder)
})
afterEach(async () => {
  await installed[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

it('kills what a test has left, and runs what the next one asks for', async () => {
  const process = installed.begin(['hang'])
  await until('it runs', () => process.said() !== '')
  const running = expect(installed.run(['hang'])).rejects.toThrow('was killed')
  const queued = expect(installed.run(['behind', 'it'])).rejects.toThrow('was killed')
  await installed.killUnfinished()
  await Promise.all([running, queued])
  expect((await process.ended).code).toBe(null)
  expect(await installed.run(['the next'])).toMatchObject({ code: 0, out: 'the next' })
  expect(await installed.begin(['alone']).ended).toMatchObject({ code: 0, out: 'alone' })
})

it('is over even if a command never ends, and begins nothing afterwards', async () => {
  const process = installed.begin(['hang'])
  const running = expect(installed.run(['hang'])).rejects.toThrow('was killed')
  await installed[Symbol.asyncDispose]()
  await running
  expect((await process.ended).code).toBe(null)
  await expect(installed.run(['late'])).rejects.toThrow('after the end of its suite')
  expect(() => installed.begin(['late'])).toThrow('after the end of its suite')
})
