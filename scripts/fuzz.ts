// `npm run fuzz`: requests made from the OpenAPI document, with the code of test/src/fuzz.test.ts and a
// new seed each time. Prints the seed and the number of a request that broke a promise.

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'

const HELP = `Sends requests made from the OpenAPI document, valid, nearly valid and hostile, and holds every answer against it.
The server's memory must not grow after the first fifth.

  --requests N   default 100000
  --seed S       default: a random one
  --shrink       looks for the smallest request that breaks the same promise; takes longer
`

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    shrink: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(HELP)
else {
  console.log(`seed ${values.seed}`)
  process.env.FUZZ_REQUESTS = values.requests
  process.env.FUZZ_SEED = values.seed
  process.env.FUZZ_SOON_MS = '2000'
  process.env.FUZZ_ALONE = '1'
  if (values.shrink) process.env.FUZZ_SHRINK = '1'
  const vitest = await startVitest('test', ['test/src/fuzz.test.ts'], { watch: false })
  const failed = vitest.state.getCountOfFailedTests() + vitest.state.getUnhandledErrors().length
  await vitest.close()
  process.exitCode = failed === 0 ? 0 : 1
}
