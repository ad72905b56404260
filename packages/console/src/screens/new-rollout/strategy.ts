// How a rollout goes about it, as a form has it, and as the API takes it. Pure.

import { type RolloutMode, type RolloutStrategy } from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'
import { numberOf, type WaveDraft, waveInputOf } from './waves.ts'

export interface StrategyDraft {
  acceptsYellow: boolean
  mode: RolloutMode
  /** The hours in which it sends; null: any. */
  window: { from: string; to: string; zone: string } | null
  /** As typed. */
  graceHours: string
}

/** Without a change the same as the API without a strategy. */
export const AS_EVER: StrategyDraft = {
  acceptsYellow: false,
  mode: 'strict',
  window: null,
  graceHours: '24',
}

/** A night, where whoever fills in the form is. */
export const atNight = (): NonNullable<StrategyDraft['window']> => ({
  from: '20:00',
  to: '06:00',
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
})

const WEEK_HOURS = 7 * 24

/** Throws a sentence for what is wrong. */
export const strategyOf = (
  { acceptsYellow, mode, window, graceHours }: StrategyDraft,
  waves: readonly WaveDraft[],
  blueprintId: string | null = null,
): RolloutStrategy => {
  if (window !== null && (window.from === '' || window.to === '' || window.from === window.to)) {
    throw new InputError('The hours need a beginning and a different end.')
  }
  if (window !== null && !isZone(window.zone)) {
    throw new InputError(`“${window.zone}” is not a time zone such as Europe/Berlin.`)
  }
  const hours = numberOf(graceHours, 'The wait for a connection, in hours,', 1, WEEK_HOURS)
  return {
    waves: waves.map((wave) => waveInputOf(wave, blueprintId)),
    mode,
    connection_grace_seconds: Math.round(3_600 * hours),
    ...(window === null ? {} : { window }),
    ...(acceptsYellow ? { accept: ['yellow'] } : {}),
  }
}

const isZone = (zone: string): boolean => {
  try {
    return zone !== '' && Intl.DateTimeFormat('en', { timeZone: zone }) !== null
  } catch {
    return false
  }
}

/** What is wrong with the strategy itself, whatever its waves are. */
export const strategyError = (draft: StrategyDraft): string | null => {
  try {
    strategyOf(draft, [])
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
