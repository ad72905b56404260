// A program that uses the client library, measured from outside: it pushes rows that it makes one by one,
// reads all their results, and prints what it took.

import { SfdcEngine } from '../../packages/client/src/index.ts'

const { BASE_URL: baseUrl = '', TOKEN: token, CLIENT_ID: client_id = '', ROWS } = process.env
const count = Number(ROWS)
const engine = new SfdcEngine({ baseUrl, token })
await engine.auth.me() // what the first call loads is not what rows cost
const idleKb = process.resourceUsage().maxRSS

const records = function* () {
  for (let n = 0; n < count; n += 1) {
    yield {
      ...{ key: `client-${n}`, salary: 40_000 + n / 4, start: '2026-11-02', stage: 'Proposed' },
      ...{ notes: `Placed by "the bench", number ${n}`, remote: n % 2 === 0 },
    }
  }
}
const begunAt = performance.now()
const accepted = await engine.push.records({ client_id, object: 'placement', records })
const sentMs = performance.now() - begunAt
await accepted.done()
let read = 0
for await (const _ of engine.push.results({ push_id: accepted.id })) read += 1

const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
console.log(
  JSON.stringify({
    read,
    idleMb: idleKb / 1_024,
    peakMb: maxRSS / 1_024,
    sentMs,
    cpuMs: (userCPUTime + systemCPUTime) / 1_000,
  }),
)
