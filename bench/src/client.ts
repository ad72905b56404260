// The client library and the command line: what they cost the program that uses them.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { startPushSite } from './push-site.ts'
import { row, type Row } from './row.ts'

const ROWS = 200_000
/** What a push of any size may take over a program that has made one call. */
const MEMORY_MB = 60
const START_MS = 150
const STARTS = 5

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

interface Taken {
  read: number
  idleMb: number
  peakMb: number
  sentMs: number
  cpuMs: number
}

/** As one plain file: compiling TypeScript would take more memory than the rows. */
const bundled = async (folder: string): Promise<string> => {
  const file = join(folder, 'program.mjs')
  const input = join(import.meta.dirname, 'client-program.ts')
  const bundle = await rolldown({ input, platform: 'node' })
  await bundle.write({ file, format: 'esm' })
  await bundle.close()
  return file
}

const pushByLibrary = async (): Promise<Taken> => {
  const folder = mkdtempSync(join(tmpdir(), 'sfdc-engine-x-client-'))
  try {
    await using site = await startPushSite(0)
    const { stdout } = await run(process.execPath, [await bundled(folder)], {
      env: {
        BASE_URL: site.bench.server.url,
        TOKEN: site.bench.tenant.token,
        CLIENT_ID: site.clientId,
        ROWS: String(ROWS),
      },
    })
    return JSON.parse(stdout) as Taken
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The fastest of some, in ms: what else the machine does only adds. */
const fastest = async (...argv: string[]): Promise<number> => {
  let best = Infinity
  for (let n = 0; n < STARTS; n += 1) {
    const begunAt = performance.now()
    await run(process.execPath, argv)
    best = Math.min(best, performance.now() - begunAt)
  }
  return best
}

export const benchClient = async (): Promise<Row[]> => {
  const { read, idleMb, peakMb, sentMs, cpuMs } = await pushByLibrary()
  if (read !== ROWS) throw new Error(`${read} results of ${ROWS} rows`)
  const what = `client library: push of ${ROWS.toLocaleString('en')} rows, results read`
  await run('npm', ['run', 'build'], { cwd: ROOT })
  const bare = await fastest('--eval', '0')
  const sfx = await fastest(join(ROOT, 'packages/cli/dist/main.js'), '--help')
  return [
    row(
      `${what}: memory over idle`,
      {
        figure: `${Math.round(peakMb - idleMb)} MB`,
        against: `${MEMORY_MB} MB (idle ${Math.round(idleMb)} MB)`,
        ratio: (peakMb - idleMb) / MEMORY_MB,
      },
      { atMost: 1 },
    ),
    row(
      `${what}: rows sent`,
      {
        figure: `${Math.round((ROWS / sentMs) * 1_000).toLocaleString('en')} rows/s`,
        against: `${Math.round(cpuMs)} ms of CPU in all`,
        ratio: cpuMs / sentMs,
      },
      'told',
    ),
    row(
      'sfx: start',
      {
        figure: `${Math.round(sfx)} ms`,
        against: `${START_MS} ms (bare Node ${Math.round(bare)} ms)`,
        ratio: sfx / START_MS,
      },
      { atMost: 1 },
    ),
  ]
}
