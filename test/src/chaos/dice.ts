// Chance from a seed.

import { randomOf } from '../push-support.ts'

export interface Dice {
  /** True with this probability. */
  chance(probability: number): boolean
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number
  pick<T>(from: readonly T[]): T
  /** Dice of their own for one of many, so that what each throws does not depend on the others' pace. */
  of(one: number): Dice
}

export const diceOf = (seed: number): Dice => {
  const random = randomOf(seed)
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  return {
    chance: (probability) => random() < probability,
    between,
    pick: <T>(from: readonly T[]): T => {
      const found = from[between(0, from.length - 1)]
      if (found === undefined) throw new RangeError('Nothing to pick from')
      return found
    },
    of: (one) => diceOf(Math.imul(seed, 0x9e37) ^ (one + 1)),
  }
}
