import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { createWarnOf } from './background-faults.ts'

const rig = () => {
  const lines: Record<string, unknown>[] = []
  const logger = pino(
    { base: null, timestamp: false },
    { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const clock = { time: 0 }
  return { lines, clock, warnOf: createWarnOf(logger, () => clock.time) }
}

const refused = () =>
  Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' })

describe('a failure in the background', () => {
  it('is one line without a stack while the database is away, whatever met it', () => {
    const { lines, clock, warnOf } = rig()
    for (const what of ['look', 'sweep', 'queue', 'look']) warnOf(what, refused(), { queue: what })
    expect(lines).toEqual([
      {
        level: 40,
        msg: 'database',
        reason: 'The database cannot be reached right now.',
        cause: 'connect ECONNREFUSED 10.0.0.1:5432',
        first: 'look',
        times: 1,
      },
    ])
    clock.time = 31_000
    warnOf('sweep', refused())
    expect(lines[1]).toMatchObject({ msg: 'database', first: 'sweep', times: 4 })
  })

  it('has its stack if it is anything else, and comes once in half a minute', () => {
    const { lines, clock, warnOf } = rig()
    for (const what of ['look', 'look', 'sweep']) {
      warnOf(what, new TypeError('odd'), { kind: 'push' })
    }
    expect(lines).toMatchObject([
      { msg: 'look', kind: 'push', times: 1, err: { message: 'odd' } },
      { msg: 'sweep', times: 1 },
    ])
    clock.time = 31_000
    warnOf('look', new TypeError('odd'))
    expect(lines[2]).toMatchObject({ msg: 'look', times: 2 })
  })
})
