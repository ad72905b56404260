// kill -9 of the server at random moments of large pushes: whatever had been sent by then, each row gets
// its one true result. `npm run chaos` plays more of the same rounds.

import { randomInt } from 'node:crypto'
import { describe, it } from 'vitest'
import { type ChaosReport, chaosRoundOf, playChaosRound } from './push-chaos.ts'

declare module 'vitest' {
  interface TaskMeta {
    chaos?: ChaosReport
  }
}

const seed = Number(process.env.CHAOS_SEED ?? randomInt(1_000_000))
const count = Number(process.env.CHAOS_ROUNDS ?? 5)

process.stdout.write(`push-crash: CHAOS_SEED=${seed} CHAOS_ROUNDS=${count}\n`)

describe(`kill -9 at a random moment of a push (CHAOS_SEED=${seed})`, { timeout: 240_000 }, () => {
  for (let n = 0; n < count; n++) {
    const round = chaosRoundOf(seed + n)
    it.concurrent(
      `leaves each of ${round.rows} rows by ${round.transport} with one true result (seed ${round.seed})`,
      async ({ task }) => {
        task.meta.chaos = await playChaosRound(round)
      },
    )
  }
})
