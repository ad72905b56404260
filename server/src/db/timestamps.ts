// Times as PostgreSQL writes them. Most answers consist of rows with two times each, and reading them with
// the driver's regular expressions and writing them with Date's took a fifth of the work on a list.

import pg from 'pg'

const TIMESTAMPTZ: number = pg.types.builtins.TIMESTAMPTZ
const parserOf: (oid: number) => (text: string) => unknown = pg.types.getTypeParser
const parseAny = parserOf(TIMESTAMPTZ) as (text: string) => Date

/** A time in UTC: `2026-11-22 09:00:00.123456+00`, or with fewer digits behind the point, or none. */
const SHORTEST = '2026-11-22 09:00:00+00'.length
const LONGEST = '2026-11-22 09:00:00.123456+00'.length
/** Where the digits behind the point begin, and where those of milliseconds end. */
const FRACTION_AT = 20
const MILLISECONDS_END = 23

/** A Date that knows its ISO text. It is not to be changed: the text would stay as it is. */
class StoredTime extends Date {
  readonly #text: string

  constructor(milliseconds: number, text: string) {
    super(milliseconds)
    this.#text = text
  }

  override toISOString(): string {
    const text = this.#text
    const milliseconds = text.slice(FRACTION_AT, Math.min(text.length - 3, MILLISECONDS_END))
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${milliseconds.padEnd(3, '0')}Z`
  }
}

const digit = (text: string, at: number): number => text.charCodeAt(at) - 48
const twoDigits = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1)

/** The Date of a timestamptz: what the driver's own parser returns, cut to milliseconds. */
export const timestampOf = (text: string): Date => {
  const { length } = text
  // Not so: a different time zone, infinity, years before 100 (which Date takes for 1900 and later).
  const isPlain =
    length >= SHORTEST &&
    length <= LONGEST &&
    text.endsWith('+00') &&
    text[4] === '-' &&
    text >= '0100'
  if (!isPlain) return parseAny(text)
  let milliseconds = 0
  let unit = 100
  for (let at = FRACTION_AT; at < Math.min(length - 3, MILLISECONDS_END); at++) {
    milliseconds += digit(text, at) * unit
    unit /= 10
  }
  const day = Date.UTC(
    twoDigits(text, 0) * 100 + twoDigits(text, 2),
    twoDigits(text, 5) - 1,
    twoDigits(text, 8),
    twoDigits(text, 11),
    twoDigits(text, 14),
    twoDigits(text, 17),
    milliseconds,
  )
  return new StoredTime(day, text)
}

/** The driver's types, with these times. */
export const TYPES = {
  getTypeParser: (oid: number): ((text: string) => unknown) =>
    oid === TIMESTAMPTZ ? timestampOf : parserOf(oid),
}
