// kill -9 of the server in the middle of pushes: whatever had been sent by then, each row gets its one
// true result. Six fixed moments: with each transport at the beginning, in the middle and at the end of
// a push. `npm run chaos -- --rounds N` tries random ones, with larger pushes.

import { describe, it } from 'vitest'
import { type ChaosReport, chaosRoundOf, type ChaosSize, playChaosRound } from './push-chaos.ts'

declare module 'vitest' {
  interface TaskMeta {
    chaos?: ChaosReport
  }
}

const FIRST_SEED = 34
const ROUNDS = 6

const seed = Number(process.env.CHAOS_SEED ?? FIRST_SEED)
const count = Number(process.env.CHAOS_ROUNDS ?? ROUNDS)
const size: ChaosSize = process.env.CHAOS_SIZE === 'large' ? 'large' : 'small'

describe(`kill -9 in the middle of a push`, { timeout: 240_000 }, () => {
  for (let n = 0; n < count; n++) {
    const round = chaosRoundOf(seed + n, size)
    const { by, at, ms } = round.moment
    const name = `${ms} ms after ${at} ${by} leaves each of ${round.rows} rows by ${round.transport} with one true result (seed ${round.seed})`
    it.concurrent(name, async ({ task }) => {
      task.meta.chaos = await playChaosRound(round)
    })
  }
})
