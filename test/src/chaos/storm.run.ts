// One storm for `npm run chaos -- --minutes N`; no part of `npm test`.

import { expect, it } from 'vitest'
import { playStorm, type StormReport } from './play.ts'

declare module 'vitest' {
  interface TaskMeta {
    storm?: StormReport
  }
}

const seed = Number(process.env.CHAOS_SEED)
const minutes = Number(process.env.CHAOS_MINUTES)
const BEFORE_AND_AFTER_MS = 20 * 60_000

it(
  `a storm of ${minutes} minutes leaves everything that was promised (seed ${seed})`,
  { timeout: minutes * 60_000 + BEFORE_AND_AFTER_MS },
  async ({ task }) => {
    task.meta.storm = await playStorm(seed, minutes)
    expect(task.meta.storm.violations).toEqual([])
  },
)
