// Reading a whole snapshot against the same bytes from a file.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { median } from './load.ts'
import { startProgram } from './processes.ts'
import { row, type Row } from './row.ts'
import { type Site } from './site.ts'

const ROUNDS = 9

/** The body of a POST, and how long all of it took. */
const timed = async (url: string, token: string, body: unknown) => {
  const started = performance.now()
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
  const bytes = Buffer.from(await answer.body.arrayBuffer())
  if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${String(bytes)}`)
  return { bytes, ms: performance.now() - started }
}

/** The newest snapshot of the site's client, whole, in turns with the file. */
export const benchSnapshotReads = async ({ bench, clientId }: Site): Promise<Row[]> => {
  const dir = mkdtempSync(join(tmpdir(), 'sfdc-engine-x-snapshot-'))
  try {
    const ours = () =>
      timed(`${bench.server.url}/api/topology/get`, bench.tenant.token, { client_id: clientId })
    const file = join(dir, 'snapshot.json')
    const { bytes } = await ours()
    writeFileSync(file, bytes)
    await using bare = await startProgram([join(import.meta.dirname, 'bare-file.ts')], {
      FILE: file,
    })
    const oursMs: number[] = []
    const floorMs: number[] = []
    for (let i = 0; i < ROUNDS; i++) {
      oursMs.push((await ours()).ms)
      floorMs.push((await timed(bare.url, '', {})).ms)
    }
    const rate = (times: number[]) => bytes.length / 1e6 / (median(times) / 1000)
    return [
      row(
        `topology/get, whole snapshot of ${(bytes.length / 1e6).toFixed(1)} MB`,
        {
          figure: `${rate(oursMs).toFixed(0)} MB/s`,
          against: `the same bytes from a file ${rate(floorMs).toFixed(0)} MB/s`,
          ratio: rate(oursMs) / rate(floorMs),
        },
        { atLeast: 0.8 },
      ),
    ]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
