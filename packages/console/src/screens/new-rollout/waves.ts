// Waves as a form has them, and as the API takes them. Pure.

import { type RolloutGate, type RolloutWaveInput } from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'

export interface WaveDraft {
  /** For the list of the form; never sent. */
  key: number
  name: string
  size: 'count' | 'percent' | 'rest'
  /** As typed. */
  amount: string
  gate: RolloutGate
  tolerance: string
  soakMinutes: string
}

export const CANARY_FIRST: readonly WaveDraft[] = [
  {
    key: 1,
    name: 'canary',
    size: 'count',
    amount: '1',
    gate: 'auto',
    tolerance: '0',
    soakMinutes: '15',
  },
  {
    key: 2,
    name: 'tenth',
    size: 'percent',
    amount: '10',
    gate: 'manual',
    tolerance: '0',
    soakMinutes: '0',
  },
  {
    key: 3,
    name: 'rest',
    size: 'rest',
    amount: '',
    gate: 'manual',
    tolerance: '0',
    soakMinutes: '0',
  },
]

/** One more before the last, which takes the rest. */
export const withOneMore = (waves: readonly WaveDraft[]): WaveDraft[] => {
  const key = Math.max(0, ...waves.map((wave) => wave.key)) + 1
  const added: WaveDraft = {
    key,
    name: `wave ${waves.length}`,
    size: 'percent',
    amount: '25',
    gate: 'manual',
    tolerance: '0',
    soakMinutes: '0',
  }
  return [...waves.slice(0, -1), added, ...waves.slice(-1)]
}

/** A number as it was typed, in its bounds; throws a sentence. */
const numberOf = (typed: string, what: string, min: number, max: number): number => {
  const number = typed.trim() === '' ? NaN : Number(typed)
  if (!Number.isFinite(number) || number < min || number > max) {
    throw new InputError(`${what} is a number from ${min} to ${max}.`)
  }
  return number
}

const WEEK_MINUTES = 7 * 24 * 60
const TARGETS_MAX = 5_000

/** Throws a sentence for what is wrong. */
export const waveInputOf = (wave: WaveDraft): RolloutWaveInput => {
  const name = wave.name.trim()
  if (name === '') throw new InputError('A wave needs a name.')
  return {
    name,
    ...(wave.size === 'count'
      ? { count: Math.trunc(numberOf(wave.amount, 'The number of clients', 1, TARGETS_MAX)) }
      : {}),
    ...(wave.size === 'percent'
      ? { percent: numberOf(wave.amount, 'The share of clients', 0.01, 100) }
      : {}),
    gate: wave.gate,
    failure_tolerance: Math.trunc(
      numberOf(wave.tolerance, 'How many failures are tolerated', 0, TARGETS_MAX),
    ),
    soak_seconds: Math.round(
      60 * numberOf(wave.soakMinutes, 'The wait in minutes', 0, WEEK_MINUTES),
    ),
  }
}

/** What is wrong with the waves, by their keys; null as a key: with all of them. */
export const waveErrors = (waves: readonly WaveDraft[]): ReadonlyMap<number | null, string> => {
  const errors = new Map<number | null, string>()
  for (const wave of waves) {
    try {
      waveInputOf(wave)
    } catch (error) {
      errors.set(wave.key, error instanceof Error ? error.message : String(error))
    }
  }
  const rests = waves.filter(({ size }) => size === 'rest')
  if (rests.length !== 1 || waves.at(-1)?.size !== 'rest') {
    errors.set(null, 'The last wave, and no other, takes the rest, so that no client is left out.')
  }
  return errors
}
