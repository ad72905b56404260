// How a rollout goes about it: which targets in which wave, how many at once, what stops it.

import * as z from 'zod'
import { EngineError } from '../../../errors.ts'
import { clientSelector } from '../selectors.ts'
import { rolloutGate, rolloutMode } from './schemas.ts'
import { isZone } from './window.ts'

export const WAVES_MAX = 50
const CONCURRENT_MAX = 200
const WEEK_SECONDS = 7 * 86_400
const DAY_SECONDS = 86_400

const wave = z
  .strictObject({
    name: z.string().trim().min(1).max(80).optional().describe('Default: `wave 1` and so on'),
    selector: clientSelector
      .optional()
      .describe('Of the targets that no earlier wave has taken: those that it chooses'),
    count: z.int().min(1).max(5_000).optional().describe('So many of them'),
    percent: z
      .number()
      .min(0.01)
      .max(100)
      .optional()
      .describe('This share of all targets, rounded up'),
    max_concurrent: z
      .int()
      .min(1)
      .max(CONCURRENT_MAX)
      .default(20)
      .describe('How many may be under way at once'),
    failure_tolerance: z
      .int()
      .min(0)
      .max(5_000)
      .default(0)
      .describe('With more failures than this, the rollout pauses'),
    soak_seconds: z
      .int()
      .min(0)
      .max(WEEK_SECONDS)
      .default(0)
      .describe('How long to wait after the wave before the next one'),
    gate: rolloutGate.default('auto'),
  })
  .refine(
    ({ selector, count, percent }) =>
      [selector, count, percent].filter((one) => one !== undefined).length <= 1,
    'takes one of selector, count and percent; without them it takes the rest',
  )
  .meta({ id: 'RolloutWaveInput' })

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM, from 00:00 to 23:59')

const deliveryWindow = z
  .strictObject({
    from: time,
    to: time.describe('If it is before `from`, on the next day'),
    zone: z
      .string()
      .max(60)
      .refine(isZone, 'is not a time zone of the IANA database, such as Europe/Berlin')
      .describe('A time zone of the IANA database'),
  })
  .refine(({ from, to }) => from !== to, { message: 'from and to are the same', path: ['to'] })
  .describe('Nothing is sent outside these hours; what was sent ends')
  .meta({ id: 'RolloutWindow' })

export const strategySchema = z
  .strictObject({
    waves: z.array(wave).min(1).max(WAVES_MAX),
    accept: z.array(z.literal('yellow')).max(1).optional(),
    mode: rolloutMode.default('strict'),
    window: deliveryWindow.optional(),
    connection_grace_seconds: z
      .int()
      .min(1)
      .max(WEEK_SECONDS)
      .default(DAY_SECONDS)
      .describe('How long a target waits for its connection before it counts as failed'),
  })
  .meta({ id: 'RolloutStrategy' })

export type Strategy = z.infer<typeof strategySchema>
type WaveInput = z.infer<typeof wave>

/** One canary, a quarter of an hour later and if somebody approves a tenth, and if they approve again the rest. */
export const DEFAULT_STRATEGY: Strategy = strategySchema.parse({
  waves: [
    { name: 'canary', count: 1, soak_seconds: 900 },
    { name: 'tenth', percent: 10, gate: 'manual' },
    { name: 'rest', gate: 'manual' },
  ],
})

export interface PlannedWave extends Omit<WaveInput, 'selector' | 'count' | 'percent' | 'name'> {
  position: number
  name: string
  clientIds: string[]
}

const refuse = (path: string, code: string, message: string): EngineError =>
  new EngineError('bad_request', message, { errors: [{ path, code, message }] })

/**
 * Which clients go in which wave: each in exactly one, in the order of `clientIds`. Waves for which nothing is
 * left are left out. `chosenBy` has what the selector of a wave chooses. Throws bad_request for a wave that
 * can take nothing because an earlier one takes the rest, and for clients that no wave takes.
 */
export const planWaves = (
  clientIds: readonly string[],
  { waves }: Strategy,
  chosenBy: ReadonlyMap<number, ReadonlySet<string>>,
): PlannedWave[] => {
  let left = [...clientIds]
  const planned = waves.map((input, at): PlannedWave => {
    const { name, selector: _selector, count, percent, ...rest } = input
    const takesRest = _selector === undefined && count === undefined && percent === undefined
    if (takesRest && at < waves.length - 1) {
      throw refuse(
        `strategy.waves.${at}`,
        'takes_the_rest',
        'Only the last wave can do without selector, count and percent: it takes the rest.',
      )
    }
    const chosen = chosenBy.get(at)
    const most =
      count ?? (percent === undefined ? left.length : Math.ceil((clientIds.length * percent) / 100))
    const taken = left.filter((id) => chosen === undefined || chosen.has(id)).slice(0, most)
    const isTaken = new Set(taken)
    left = left.filter((id) => !isTaken.has(id))
    return { ...rest, position: 0, name: name ?? `wave ${at + 1}`, clientIds: taken }
  })
  if (left.length > 0) {
    throw refuse(
      'strategy.waves',
      'targets_left',
      `${left.length} of ${clientIds.length} targets are in no wave. Add a last wave without selector, count and percent: it takes the rest.`,
    )
  }
  return planned
    .filter((one) => one.clientIds.length > 0)
    .map((one, at) => ({ ...one, position: at + 1 }))
}
