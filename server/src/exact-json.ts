// JSON numbers with more digits than a double holds. JSON.parse rounds them silently: here they keep the
// original text, so that the code that uses the value can report it.

import { isHeldBy, toDecimal } from './decimal.ts'

/** ECMAScript, JSON.rawJSON: a text that JSON.stringify writes as it is. */
const { rawJSON } = JSON as unknown as { rawJSON: (this: void, text: string) => unknown }

/** A JSON number that a double would change. Written as JSON it is the original number. */
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
 * Numbers with so few digits that a double certainly distinguishes them are not checked: this pattern is
 * a cheap test whether there are others. It may also match inside a text, which costs only time.
 */
const LONG_NUMBER = /[:,[]\s*-?(?:\d[\d.]{15}|[\d.]+[eE][+-]?\d{3})/

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

const keepSource: Reviver = (_key, value, { source }) => {
  if (typeof value !== 'number' || source === undefined) return value
  const decimal = toDecimal(source)
  return decimal === null || isHeldBy(decimal, value) ? value : new InexactNumber(source)
}

/** Whether JSON.parse may have changed a number in this text. */
export const mayHoldInexact = (json: string): boolean => LONG_NUMBER.test(json)

/**
 * Like JSON.parse, with an {@link InexactNumber} for each number that a double would change. Throws
 * SyntaxError. The text must not nest deeper than {@link JSON.parse} can recurse: check its depth first.
 */
export const parseExactly = (json: string): unknown =>
  mayHoldInexact(json)
    ? JSON.parse(json, keepSource as Parameters<typeof JSON.parse>[1])
    : JSON.parse(json)
