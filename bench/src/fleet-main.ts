// `npm run load -- --minutes 30`: the promises about many clients at once, over as long a time as wanted.
// Prints a table; a broken promise is an exit code of 1.

import { parseArgs } from 'node:util'
import { benchFleet } from './fleet.ts'
import { printTable } from './row.ts'

const HELP = `1,000 clients of 20 organizations on two replicas: everybody reads, pushes and pulls, and one
organization pushes 200,000 rows again and again. Checks that reads stay fast and fair, and memory flat.

  --minutes N    default 30
`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    help: { type: 'boolean', default: false },
  },
})

const minutes = Number(values.minutes)
if (values.help || !(minutes > 0)) {
  console.log(HELP)
  process.exitCode = values.help ? 0 : 2
} else {
  const rows = await benchFleet(minutes)
  console.log(`\n${printTable(rows)}`)
  process.exitCode = rows.every((row) => row.reached) ? 0 : 1
}
