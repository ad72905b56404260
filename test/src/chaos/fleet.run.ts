// Rounds of the fleet for `npm run chaos -- --fleet`; no part of `npm test`.

import { afterAll, beforeAll, describe, it } from 'vitest'
import { type FleetWorld, playFleetRound, startFleetWorld } from './fleet.ts'

declare module 'vitest' {
  interface TaskMeta {
    fleet?: { seed: number; told: string }
  }
}

const seed = Number(process.env.CHAOS_SEED)
const rounds = Number(process.env.CHAOS_ROUNDS)

let world: FleetWorld
beforeAll(async () => {
  world = await startFleetWorld()
}, 120_000)
afterAll(() => world[Symbol.asyncDispose]())

describe('kill -9 in rollouts, drift and off-boarding', { timeout: 600_000 }, () => {
  for (let n = 0; n < rounds; n++) {
    it(`forgets no target and does none twice (seed ${seed + n})`, async ({ task }) => {
      task.meta.fleet = { seed: seed + n, told: await playFleetRound(world, seed + n) }
    })
  }
})
