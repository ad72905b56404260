// JSON numbers of more digits than a double holds. JSON.parse rounds them without a word: here they keep
// what was written, so that whoever takes the value can say so.

import { isHeldBy, toDecimal } from './decimal.ts'

/** ECMAScript, JSON.rawJSON: a text that JSON.stringify writes as it is. */
const { rawJSON } = JSON as unknown as { rawJSON: (this: void, text: string) => unknown }

/** A JSON number that a double would change. Written as JSON it is the number that it was. */
export class InexactNumber {
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  /** As it was written. */
  get source(): string {
    return this.#source
  }

  toJSON(): unknown {
    return rawJSON(this.#source)
  }
}

/**
 * Numbers of so few digits that a double surely tells them apart are not looked at: this text is the
 * cheap question whether there are others. It may find some inside of a text, which costs only time.
 */
const LONG_NUMBER = /[:,[]\s*-?(?:\d[\d.]{15}|[\d.]+[eE][+-]?\d{3})/

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

const keepSource: Reviver = (_key, value, { source }) => {
  if (typeof value !== 'number' || source === undefined) return value
  const decimal = toDecimal(source)
  return decimal === null || isHeldBy(decimal, value) ? value : new InexactNumber(source)
}

/** Whether JSON.parse may have changed a number of this text. */
export const mayHoldInexact = (json: string): boolean => LONG_NUMBER.test(json)

/**
 * What JSON.parse gives, with an {@link InexactNumber} for each number that a double would change. Throws
 * SyntaxError. The text nests no deeper than {@link JSON.parse} can recurse: ask for its depth first.
 */
export const parseExactly = (json: string): unknown =>
  mayHoldInexact(json)
    ? JSON.parse(json, keepSource as Parameters<typeof JSON.parse>[1])
    : JSON.parse(json)
