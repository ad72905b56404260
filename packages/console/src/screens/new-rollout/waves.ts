// Waves as a form has them, and as the API takes them. Pure.

import { type RolloutGate, type RolloutWaveInput } from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'
import { NOTHING_SELECTED, type Selection, selectorOf } from '../../app/selection.ts'

export interface WaveDraft {
  /** For the list of the form; never sent. */
  key: number
  name: string
  size: 'count' | 'percent' | 'chosen' | 'rest'
  /** As typed. */
  amount: string
  /** Of `chosen`. */
  selection: Selection
  gate: RolloutGate
  /** How many may be under way at once. */
  concurrent: string
  tolerance: string
  soakMinutes: string
}

const WAVE: Omit<WaveDraft, 'key' | 'name' | 'size' | 'amount'> = {
  selection: { ...NOTHING_SELECTED, by: 'tags' },
  gate: 'manual',
  concurrent: '20',
  tolerance: '0',
  soakMinutes: '0',
}

export const CANARY_FIRST: readonly WaveDraft[] = [
  { ...WAVE, key: 1, name: 'canary', size: 'count', amount: '1', gate: 'auto', soakMinutes: '15' },
  { ...WAVE, key: 2, name: 'tenth', size: 'percent', amount: '10' },
  { ...WAVE, key: 3, name: 'rest', size: 'rest', amount: '' },
]

/** One more before the last, which takes the rest. */
export const withOneMore = (waves: readonly WaveDraft[]): WaveDraft[] => {
  const key = Math.max(0, ...waves.map((wave) => wave.key)) + 1
  const name = `wave ${waves.length}`
  const added: WaveDraft = { ...WAVE, key, name, size: 'percent', amount: '25' }
  return [...waves.slice(0, -1), added, ...waves.slice(-1)]
}

/** A number as it was typed, in its bounds; throws a sentence. */
export const numberOf = (typed: string, what: string, min: number, max: number): number => {
  const number = typed.trim() === '' ? NaN : Number(typed)
  if (!Number.isFinite(number) || number < min || number > max) {
    throw new InputError(`${what} is a number from ${min} to ${max}.`)
  }
  return number
}

const WEEK_MINUTES = 7 * 24 * 60
const TARGETS_MAX = 5_000
const CONCURRENT_MAX = 200

/** Throws a sentence for what is wrong. `blueprintId` is what bound and drifted are about. */
export const waveInputOf = (
  wave: WaveDraft,
  blueprintId: string | null = null,
): RolloutWaveInput => {
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
    ...(wave.size === 'chosen' ? { selector: selectorOf(wave.selection, blueprintId) } : {}),
    gate: wave.gate,
    max_concurrent: Math.trunc(
      numberOf(wave.concurrent, 'How many are under way at once', 1, CONCURRENT_MAX),
    ),
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
