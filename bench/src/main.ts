// `npm run bench [reads|topology …]`: the numbers, each as a ratio against something measured in the
// same run. Prints a table and writes bench/results.json. A missed goal is an exit code of 1.

import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { startBench } from './bench.ts'
import { benchBodies } from './bodies.ts'
import { benchClient } from './client.ts'
import { benchConsole } from './console.ts'
import { benchDeploy } from './deploy.ts'
import { benchDrift } from './drift.ts'
import { benchEvents } from './events.ts'
import { benchMappings } from './mappings.ts'
import { benchPush } from './push.ts'
import { benchReads } from './reads.ts'
import { benchRollouts } from './rollouts.ts'
import { benchIndexing, benchSearch } from './search.ts'
import { benchStart } from './start.ts'
import { benchTopology } from './topology.ts'
import { printTable, type Row } from './row.ts'

const BENCHES: Record<string, () => Promise<Row[]>> = {
  start: async () => {
    await using bench = await startBench({ LOG_LEVEL: 'info' })
    return await benchStart(bench)
  },
  reads: async () => {
    await using bench = await startBench({ LOG_LEVEL: 'info' })
    return await benchReads(bench)
  },
  topology: benchTopology,
  deploy: benchDeploy,
  mappings: benchMappings,
  push: benchPush,
  bodies: benchBodies,
  client: benchClient,
  events: benchEvents,
  fleet: benchRollouts,
  search: benchSearch,
  indexing: benchIndexing,
  drift: benchDrift,
  console: benchConsole,
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHES, name))
if (unknown.length > 0) {
  console.error(
    `No bench named ${unknown.join(', ')}. Available: ${Object.keys(BENCHES).join(', ')}.`,
  )
  process.exitCode = 2
} else {
  const rows: Row[] = []
  for (const [name, run] of Object.entries(BENCHES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    console.log(`… ${name}`)
    rows.push(...(await run()))
  }
  console.log(`\n${printTable(rows)}`)
  writeFileSync(
    join(import.meta.dirname, '../results.json'),
    `${JSON.stringify({ at: new Date().toISOString(), node: process.version, cores: cpus().length, rows }, null, 2)}\n`,
  )
  process.exitCode = rows.every((row) => row.reached) ? 0 : 1
}
